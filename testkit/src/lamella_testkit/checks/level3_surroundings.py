"""Level 3, robust: what is around a reader does not matter to it, and it leaves that as it is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lamella.errors import LamellaError
from lamella_testkit.checking import check
from lamella_testkit.described import described, differences
from lamella_testkit.kit import Kit
from lamella_testkit.outcomes import Broken
from lamella_testkit.references import reference_to
from lamella_testkit.sample import Sample
from lamella_testkit.stated import correction_arrays
from lamella_testkit.surroundings import PLACES, read_elsewhere

_MOST_OF_SIDECAR = 64 << 10  # bytes


@check(level=3, since="2026.2", targets=("path",))
def surroundings_do_not_matter(kit: Kit) -> None:
    """Time zone, locale, hash seed and working directory change nothing, and a reader changes nothing of the process.

    Give `encoding` where text is opened, a zone or None where times are made, and sort what comes from a set. Leave
    the environment, warnings, logging, `np.seterr`, random numbers, signals and numbers of threads to the user.
    """
    samples = [kit.written(kit.data(variant=variant)) for variant in kit.sampler.variants]
    here = []
    for sample in samples:
        with kit.case(sample.data):
            here.append(described(kit.open(sample)))
    for place in PLACES[: 1 if kit.profile.examples < 25 else None]:
        with kit.case(place, seconds=60):
            answers, changed = read_elsewhere(place, kit.spec, reference_to(type(kit.sampler)), samples)
        for sample, expected, found in zip(samples, here, answers, strict=True):
            if isinstance(found, str):
                raise Broken(f"there it raises {found}", example=f"{sample.data}, {place}")
            for name, one, other in differences(expected, found):
                raise Broken(f"{name} is {other} there, {one} here", example=f"{sample.data}, {place}")
        if changed:
            raise Broken("importing the reader, opening and reading changes " + "; ".join(changed))


@check(level=3, since="2026.2", targets=("path",))
def changed_bytes_are_noticed(kit: Kit) -> None:
    """Where a changed byte of any file changes pixels or corrections, the fingerprint changes as well.

    A sidecar that decides how pixels are read belongs into the `resources` of the source, behind the data files.
    """
    for variant in kit.sampler.variants:
        sample = kit.fresh(kit.data(variant=variant))
        before = _opened(kit, sample)
        for path in sample.files:
            content, status = path.read_bytes(), path.stat()
            for i, place in enumerate(_places(kit, sample, path, len(content)), start=1):
                with kit.case(f"{sample.data}, another byte {place} in {path.name}"):
                    changed = bytearray(content)
                    changed[place] ^= 1
                    path.write_bytes(changed)
                    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + i * 1_000_000_000))
                    after = None
                    with contextlib.suppress(LamellaError, OSError):
                        after = _opened(kit, sample)
                    if after is not None and after[0] == before[0] and not _same(after[1:], before[1:]):
                        raise Broken("what is read differs, the fingerprint does not")
            path.write_bytes(content)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _places(kit: Kit, sample: Sample, path: Path, length: int) -> Iterator[int]:
    """Give a place in the main file and in large ones, whose times are among the facts, and several in small ones."""
    most = 1 if path == sample.path or length > _MOST_OF_SIDECAR else max(4, kit.profile.some(160))
    yield from sorted({length * (2 * i + 1) // (2 * most) for i in range(most)} if length else ())


def _opened(kit: Kit, sample: Sample) -> tuple[str, Any, dict[str, Any]]:
    ds = kit.open(sample)
    return ds.fingerprint, ds.read(fill=0), correction_arrays(ds.info.corrections)


def _same(one: tuple[Any, dict[str, Any]], other: tuple[Any, dict[str, Any]]) -> bool:
    (pixels, arrays), (others, other_arrays) = one, other
    return (
        pixels.shape == others.shape
        and pixels.tobytes() == others.tobytes()
        and arrays.keys() == other_arrays.keys()
        and all(np.array_equal(arrays[name], other_arrays[name]) for name in arrays)
    )
