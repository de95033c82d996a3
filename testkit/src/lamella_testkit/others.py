"""Small files of the other installed formats, written once for all checks that ask a reader about them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lamella_testkit.copies import Copies
from lamella_testkit.kit import placed, sample_of
from lamella_testkit.sample import Sample, SampleData
from lamella_testkit.samplers import other_samplers

if TYPE_CHECKING:
    from lamella_testkit.kit import Kit
    from lamella_testkit.sampler import Sampler

__all__ = ["files_of_others"]

_ROOM = 4 << 20
"""Bytes that are kept of the files of one format; larger ones are written again."""
_kept: dict[type[Sampler], Copies] = {}


def files_of_others(kit: Kit) -> Iterator[tuple[str, Sample]]:
    """Give a small scan of each other installed format of files, with the name of the format.

    A check may change these files; the next check has them as they were written.
    """
    for sampler in other_samplers(kit.spec.name):
        copies = _kept.setdefault(type(sampler), Copies(partial(_written, sampler), placed, _ROOM))
        try:
            small = SampleData((1, 1), (8, 8), sampler.dtypes[0], sampler.bits, sampler.variants[0])
            sample = copies.write(sampler.fit(small), kit.directory())
        except Exception:  # another plugin's trouble
            continue
        if isinstance(sample.target, Path):
            yield sampler.format, sample


def _written(sampler: Sampler, data: SampleData, directory: Path) -> Sample:
    return sample_of(data, directory, sampler.write(directory, data))
