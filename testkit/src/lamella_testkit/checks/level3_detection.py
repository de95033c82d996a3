"""Level 3, robust: the format recognises its own files, and no others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from lamella.errors import LamellaError
from lamella.opening.detect import LEAD, detect
from lamella.params.fields import describe
from lamella.params.validate import CommonParams
from lamella.plugins.registry import default_registry
from lamella.reader import Confidence, Match, Probe
from lamella_testkit.asking import asked
from lamella_testkit.checking import check
from lamella_testkit.diagnose import expect_equal
from lamella_testkit.kit import Kit
from lamella_testkit.limits import bytes_read
from lamella_testkit.mutate import flipped_bits, rewrite, structure
from lamella_testkit.others import files_of_others
from lamella_testkit.outcomes import Broken
from lamella_testkit.sample import Sample
from lamella_testkit.zoo import foreign_files, noise

_MOST_BYTES = 64 << 10
_MOST_SECONDS = 0.020
_FOREIGN = 40


def _match(kit: Kit, sample: Sample) -> Match | None:
    return asked(kit, Probe.of(sample.target))


@check(level=3)
def own_files_are_recognised(kit: Kit) -> None:
    """The reader recognises its own files, with a confidence of at least 80 if the format has a signature.

    A signature of the spec must fit as well: it decides whether the reader is asked at all.
    """
    wanted = Confidence.MAGIC if kit.spec.signatures else kit.sampler.confidence
    for data in kit.kinds():
        with kit.case(data):
            sample = kit.written(data)
            match = _match(kit, sample)
            found = 0 if match is None else match.confidence
            kit.expect(found >= wanted, f"the confidence is {found}, expected at least {wanted}")
            if kit.of_files:
                probe = Probe.of(sample.target)
                signed = any(signature.matches(probe.head) for signature in kit.spec.signatures)
                kit.expect(signed or not kit.spec.signatures, "no signature of the spec fits it")


@check(level=3)
def detected_parameters_open(kit: Kit) -> None:
    """The parameters that detection finds are legal, say where they come from, and open the file correctly.

    What a user still has to give is listed in `missing`.
    """
    names = {info.name for cls in (kit.plugin.params_class(), CommonParams) for info in describe(cls)}
    some = False
    for data in kit.kinds():
        sample = kit.written(data)
        with kit.case(data):
            match = _match(kit, sample)
            if match is None:
                continue
            unknown = sorted({*match.params, *match.missing, *match.origin} - names)
            kit.expect(not unknown, f"there are no parameters {', '.join(unknown)}")
            silent = sorted(set(match.params) - set(match.origin))
            kit.expect(not silent, f"the match does not say where {', '.join(silent)} come from")
            for name in match.missing:
                kit.expect(name in sample.keywords, f"{name} is missing, but the sampler needs not give it")
            if sample.keywords:
                continue
            some = True
            ds = kit.open(Sample(data, sample.directory, sample.target, {}))
            pixels = ds.read().reshape(data.n_frames, *ds.shape.sig)
            expect_equal(pixels, data.frames, "the full read")
    kit.needs(some, "the user has to give parameters")


@check(level=3)
def no_other_format_claims_it(kit: Kit) -> None:
    """No other installed format claims a file of this one with a confidence within 10 of its own.

    If the formats cannot be told apart, the reader that knows less should be less confident.
    """
    for data in [kit.data(variant=variant) for variant in kit.sampler.variants]:
        with kit.case(data):
            sample = kit.written(data)
            report = detect(sample.target, default_registry())
            own = next((one.confidence for one in report.candidates if one.name == kit.spec.name and one.eligible), 0)
            if own < Confidence.MAGIC:
                continue
            for other in report.candidates:
                close = other.eligible and other.name != kit.spec.name and other.confidence > own - LEAD
                kit.expect(not close, f"{other.name} claims it with {other.confidence}, {kit.spec.name} with {own}")


@check(level=3, since="2026.2", targets=("path",))
def files_of_others_are_left_to_them(kit: Kit) -> None:
    """Files of another installed format are claimed with a confidence at least 10 below that of their own reader.

    Where formats share their first bytes, or the endings of their names, look for what tells them apart.
    """
    for name, sample in files_of_others(kit):
        for path in sample.files:
            with kit.case(f"{path.name} of the format {name}"):
                match = asked(kit, Probe.of(path))
                if match is None or match.confidence <= Confidence.MAGIC - LEAD:
                    continue
                report = detect(path, default_registry())
                claims = {one.name: one.confidence for one in report.candidates if one.eligible}
                own, ours = claims.get(name, 0), claims.get(kit.spec.name, 0)
                kit.expect(
                    own < Confidence.MAGIC or ours <= own - LEAD,
                    f"it is claimed with {ours}, {name} claims it with {own}",
                )


@check(level=3, targets=("path",))
def foreign_files_are_not_claimed(kit: Kit) -> None:
    """Noise, text, and files of other formats are claimed with a confidence of 40 at most, whatever their name.

    A signature is worth 80, and sizes that fit 60: check more than one thing before saying so. What has neither the
    name nor anything of the content, such as noise, is not claimed at all.
    """
    extension = next(iter(kit.spec.extensions), "dat")
    directory = kit.directory()
    for name, content in _foreign(kit):
        if any(signature.matches(content) for signature in kit.spec.signatures):
            continue
        for file in (directory / f"foreign.{extension}", directory / "foreign.xyz"):
            rewrite(file, content)
            with kit.case(f"{name}, named {file.name}"):
                match = asked(kit, Probe.of(file))
                found = 0 if match is None else match.confidence
                most = 0 if "random" in name and file.suffix == ".xyz" else _FOREIGN
                kit.expect(found <= most, f"it is claimed with {found}: {match.reason if match else ''}")


@check(level=3, since="2026.2", targets=("path",))
def look_alikes_are_not_claimed(kit: Kit) -> None:
    """Noise of the size and name of a right file is claimed with 40 at most; behind the signature with less than 80.

    `Confidence.SIGNATURE` is for files that begin as they should and cannot be read on. For more, read the header, and
    compare something in it with what the file is: its size, a version, a known code.
    """
    directory = kit.directory()
    for variant in kit.sampler.variants:
        sample = kit.written(kit.data(variant=variant))
        path = directory / f"other{sample.path.suffix}"  # no sidecar beside it says that noise is right
        for text, content, most in _look_alikes(kit, sample.path.stat().st_size):
            path.write_bytes(content)
            with kit.case(f"{path.name}: {text}"):
                match = asked(kit, Probe.of(path))
                found = 0 if match is None else match.confidence
                reason = match.reason if match else ""
                kit.expect(found <= most, f"it is claimed with {found}, expected at most {most}: {reason}")


def _look_alikes(kit: Kit, size: int) -> Iterator[tuple[str, bytes, int]]:
    for seed in range(max(3, kit.profile.some(20))):
        random = noise(size, seed)
        yield f"{size} random bytes (seed {seed})", random, _FOREIGN
        for signature in kit.spec.signatures:
            end = signature.offset + len(signature.magic)
            signed = random[: signature.offset].ljust(signature.offset, b"\xa5") + signature.magic
            yield (
                f"{signature.magic!r} in {size} random bytes (seed {seed})",
                signed + random[end:],
                Confidence.MAGIC - 1,
            )
    for signature in kit.spec.signatures:
        signed = bytes(signature.offset) + signature.magic
        yield f"{signature.magic!r} and nothing else", signed, Confidence.MAGIC - 1
        yield f"{signature.magic!r} and zeros", signed.ljust(size, b"\0"), Confidence.MAGIC - 1


def _foreign(kit: Kit) -> Iterator[tuple[str, bytes]]:
    yield from foreign_files(kit.profile.some(60))
    for name, sample in files_of_others(kit):
        yield f"a file of the format {name}", sample.path.read_bytes()


@check(level=3)
def detection_never_raises(kit: Kit) -> None:
    """Detection gives a Match or None for any file: damaged, cut, empty, or of another kind.

    Catch what parsing may raise, or let `open` share a parser that raises FormatError only and catch that.
    """
    if not kit.of_files:
        for target in (None, 3, "text", b"bytes", [1, 2], {"a": 1}, object(), np.array("x"), np.float64(1), int):
            with kit.case(f"an object {target!r}"):
                asked(kit, Probe(target, None, 0, 0))
        return
    most = kit.profile.some(600) // len(kit.sampler.variants)
    for variant in kit.sampler.variants:
        sample = kit.fresh(kit.data(variant=variant))
        parts = structure(kit, sample)
        for path in sample.files:
            content = path.read_bytes()
            lengths = np.unique(np.linspace(0, len(content) - 1, max(2, most)).astype(int)).tolist()
            for length in lengths:
                rewrite(path, content[:length])
                with kit.case(f"{sample.data}, {path.name} cut to {length} bytes"):
                    _match(kit, sample)
            for change in flipped_bits(content, parts[path], max(kit.profile.least, most)):
                rewrite(path, change.apply(content))
                with kit.case(f"{sample.data}, {path.name}: {change}"):
                    _match(kit, sample)
            rewrite(path, content)
    sample = kit.fresh()
    for name, content in foreign_files(3):
        rewrite(sample.path, content)
        with kit.case(f"{name}, named {sample.path.name}"):
            _match(kit, sample)


@check(level=3)
def detection_is_cheap(kit: Kit) -> None:
    """Detection reads at most 64 KiB and takes at most 20 ms, however large the file.

    Decide from `probe.head`, `probe.tail`, `probe.size` and `probe.siblings`; they are read once for all formats.
    """
    data = kit.data((16, 16), (128, 128))
    sample = kit.written(data)
    with kit.case(data):
        _match(kit, sample)  # what is imported on first use
        probe: Any = Probe.of(sample.target)
        before = bytes_read()
        asked(kit, probe)
        after = bytes_read()
        amount = probe.bytes_read if before is None or after is None else after - before
        kit.expect(amount <= _MOST_BYTES, f"it reads {amount} bytes")
        seconds = min(_timed(kit, sample) for _ in range(5))
        kit.expect(seconds <= _MOST_SECONDS, f"it takes {1000 * seconds:.1f} ms")


def _timed(kit: Kit, sample: Sample) -> float:
    probe = Probe.of(sample.target)
    began = time.perf_counter()
    kit.reader.detect(probe)
    return time.perf_counter() - began


@check(level=3, targets=("path",))
def detection_survives_strange_names(kit: Kit) -> None:
    """A file of this format is recognised by its content, even with another extension or with none.

    A format without a signature may leave it; it must not fail then.
    """
    for variant in kit.sampler.variants:
        data = kit.data(variant=variant)
        for name in ("noextension", "other.xyz", "UPPER.DAT", ".hidden", "two.ext.en.sions"):
            sample = kit.fresh(data)
            if sample.sidecars:
                continue
            renamed = sample.path.rename(sample.path.with_name(name))
            with kit.case(f"{data}, named {name}"):
                match = asked(kit, Probe.of(renamed))
                if kit.spec.signatures:
                    kit.expect(match is not None and match.confidence >= Confidence.MAGIC, "it is no longer recognised")
                try:
                    kit.open(sample, renamed)
                except LamellaError as error:
                    if kit.spec.signatures:
                        raise Broken("it cannot be opened under that name") from error
