"""Level 3, robust: damaged headers, impossible claims, and files of another kind."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lamella.reader import Probe
from lamella_testkit.asking import asked
from lamella_testkit.checking import check
from lamella_testkit.kit import Kit, sample_of
from lamella_testkit.mutate import (
    Change,
    alike,
    extreme_fields,
    flipped_bits,
    known_numbers,
    rewrite,
    scrambled,
    structure,
    to_change,
)
from lamella_testkit.robust import attempt, attempt_costly
from lamella_testkit.sample import Sample
from lamella_testkit.zoo import foreign_files

_WORK = 2000
"""Changes per file at the profile `ci`; parts of a series share them."""


@dataclass(frozen=True, slots=True)
class _Target:
    """A file of a copy: its content, the offsets of its structure, how many changes to make, and its number."""

    sample: Sample
    path: Path
    content: bytes
    places: Sequence[int]
    share: int
    number: int


def _targets(kit: Kit) -> Iterator[_Target]:
    """Give every file of a copy of each variant, which is made whole again afterwards.

    Files of several variants are often alike. Their numbers are seeds, so that each is damaged at other places.
    """
    number = 0
    for turn, variant in enumerate(kit.sampler.variants):
        # numbers that are easy to tell from others, should the header hold them
        sample = kit.fresh(kit.data((5, 7), (11, 13), variant=variant))
        parts = structure(kit, sample)
        for path in to_change(kit, sample.files, turn):
            content = path.read_bytes()
            work = kit.profile.some(_WORK) // (len(kit.sampler.variants) * alike(sample, path))
            yield _Target(sample, path, content, parts[path], max(kit.profile.least, work), number)
            rewrite(path, content)
            number += 1


def _try(kit: Kit, target: _Target, *changes: Change) -> None:
    damaged = target.content
    for change in changes:
        damaged = change.apply(damaged)
    rewrite(target.path, damaged)
    with kit.case(f"{target.sample.data}, {target.path.name}: {'; '.join(map(str, changes))}"):
        attempt(kit, target.sample)


@check(level=3, targets=("path",))
def flipped_bits_are_survived(kit: Kit) -> None:
    """A flipped bit anywhere in the structure of a file leads to FormatError or to data, to nothing else.

    The traceback in the report names the line. Check a field where it is read; look up codes with a default.
    """
    for target in _targets(kit):
        for change in flipped_bits(target.content, target.places, target.share, target.number):
            _try(kit, target, change)


@check(level=3, targets=("path",))
def extreme_fields_are_survived(kit: Kit) -> None:
    """Any field of the structure may hold zero, the largest, the smallest, or no number at all.

    No allocation, loop, or seek may be sized by a field before it was checked against the size of the file.
    """
    for target in _targets(kit):
        for change in extreme_fields(target.content, target.places, target.share, target.number):
            _try(kit, target, change)


@check(level=3, targets=("path",))
def claims_are_checked(kit: Kit) -> None:
    """A small file whose header claims 2^40 frames, or frames of 2^40 pixels, is refused or gives what is there.

    Shapes and counts are found in the header and made impossible, alone and in pairs. The sampler may know of others.
    """
    data = kit.data()
    for what, answer in kit.sampler.write_costly(directory := kit.directory(), data):
        with kit.case(f"{data}, {what}"):
            attempt_costly(kit, sample_of(data, directory, answer))
    for target in _targets(kit):
        data = target.sample.data
        frame = data.nbytes // data.n_frames
        numbers = [
            *data.nav_shape,
            data.n_frames,
            *data.sig_shape,
            math.prod(data.sig_shape),
            frame,
            len(target.content),
            data.stored_dtype.itemsize * 8,
        ]
        unusual = [number for number in dict.fromkeys(numbers) if number > 2]
        for changes in known_numbers(target.content, target.places, unusual, target.share, target.number):
            _try(kit, target, *changes)


@check(level=3, targets=("path",))
def scrambled_structure_is_survived(kit: Kit) -> None:
    """Parts of the structure may be lost, repeated, overwritten or exchanged.

    Loops over tags and tables must come to an end whatever they find: make sure that each step goes forward.
    """
    for target in _targets(kit):
        for change in scrambled(target.content, target.places, target.share, target.number):
            _try(kit, target, change)


@check(level=3, targets=("path",))
def random_damage_is_survived(kit: Kit) -> None:
    """Several changes at once, anywhere in any file."""
    rng = np.random.default_rng(5)
    for target in _targets(kit):
        everywhere = range(len(target.content))
        for i in range(target.share // 3):
            seed = i + target.share * target.number
            changes = [
                *scrambled(target.content, target.places or everywhere, 1 + int(rng.integers(3)), seed),
                *scrambled(target.content, everywhere, 1, seed + 1),
            ]
            _try(kit, target, *changes)


@check(level=3)
def wrong_files_are_refused(kit: Kit) -> None:
    """Files of which the sampler says that they make no sense are refused with an error.

    An unknown version, a length of zero, two statements that contradict each other: guessing gives wrong pixels. Where
    the sampler states the class of the error by a `Wrong`, it is that one: a file that was cut is not just damaged.
    Detection raises no error; it leaves that to `open`. It may still recognise the file: a user is told why it
    cannot be read.
    """
    some = False
    for one, sample in kit.wrong():
        some, errors = True, list[Exception]()
        with kit.case(f"{sample.data}, {one}"):
            match = asked(kit, Probe.of(sample.target))
            found = 0 if match is None else match.confidence
            kit.expect(one.confidence in (None, found), f"the confidence is {found}, expected {one.confidence}")
            kit.expect(attempt(kit, sample, errors=errors) is None, "it opens")
            if one.error is not None:
                raised, wanted = type(errors[0]), one.error
                kit.expect(raised is wanted, f"it raises {raised.__name__}, expected {wanted.__name__}: {errors[0]}")
    kit.needs(some, "the sampler writes no wrong files")


@check(level=3, targets=("path",))
def foreign_files_are_refused(kit: Kit) -> None:
    """Empty files, zeros, noise, text, and files of other formats lead to FormatError or to data, to nothing else.

    What has none of the signatures of the format has to be refused: look at them before anything else.
    """
    sample = kit.fresh()
    signed = kit.sampler.signed and kit.spec.signatures
    for name, content in foreign_files(kit.profile.some(40)):
        rewrite(sample.path, content)
        with kit.case(f"{name}, named {sample.path.name}"):
            found = attempt(kit, sample)
            refused = found is None or not signed or _is_signed(kit, content)
            kit.expect(refused, "it opens, although it has no signature of the format")
    if not signed:
        return
    for name, mask in (("zeros", None), ("every bit inverted", 0xFF)):
        sample = kit.fresh()
        for path in sample.files:
            path.write_bytes(_unsigned(kit, path.read_bytes(), mask))
        with kit.case(f"{sample.data}, with {name} for the signature"):
            kit.expect(attempt(kit, sample) is None, "it opens, although it has no signature of the format")


def _is_signed(kit: Kit, content: bytes) -> bool:
    return any(signature.matches(content) for signature in kit.spec.signatures)


def _unsigned(kit: Kit, content: bytes, mask: int | None) -> bytes:
    """Replace the signature that a file begins with, wherever it stands: some formats repeat it for every block."""
    for signature in kit.spec.signatures:
        if signature.matches(content):
            other = bytes(0 if mask is None else byte ^ mask for byte in signature.magic)
            content = content.replace(signature.magic, other)
    return content
