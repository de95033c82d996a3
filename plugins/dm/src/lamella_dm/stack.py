"""Many files of one kind as one data set, in the order in which they are listed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from lamella.errors import CorruptError, TruncatedError, UnsupportedError
from lamella.reader import LinearSource, Probe, Resource, RunTable
from lamella_dm.params import DmParams
from lamella_dm.selected import Selected, select, source_info

__all__ = ["stack_of"]


def stack_of(params: DmParams, paths: Sequence[Path]) -> LinearSource:
    """Describe the images of files of one kind, in the order given."""
    probe = Probe.of(paths[0])
    found = select(params, probe)
    data = found.image.data
    if data.offset + data.nbytes > probe.size:
        raise TruncatedError(
            "the first file of a list was cut",
            path=probe.path,
            expected=f"bytes {data.offset} to {data.offset + data.nbytes}",
            found=f"{probe.size} bytes",
        )
    if found.layout.transposed:
        raise UnsupportedError(
            "the scan is fastest in this file, so that it cannot be part of a stack",
            path=probe.path,
            remedy="Open it alone, or give force_c_order=True if the detector has the fast axes after all",
        )
    first, count, n = data.offset, math.prod(found.layout.nav_shape), len(paths)
    imprint = _Imprint.of(found, probe)

    def offset(path: Path) -> int:
        other = Probe.of(path)
        return first if imprint.fits(other) else _offset_alike(params, other, found)

    offsets = [first, *([first] * (n - 1) if params.same_offset else map(offset, paths[1:]))]
    encoding = found.layout.encoding
    info = source_info(found)
    axes = found.layout.nav_axes if len(found.layout.nav_axes) == 1 else ()
    return LinearSource(
        resources=tuple(Resource.of(path) for path in paths),
        runs=RunTable(range(n), offsets, [encoding.extent()[1]] * n, [count] * n),
        encoding=encoding,
        info=replace(
            info,
            nav_shape=(n * count,),
            nav_origin="number of frames in all files",
            nav_alternatives=(),
            nav_axes=axes,
            details={**info.details, "files": n},
        ),
    )


@dataclass(frozen=True, slots=True)
class _Imprint:
    """The bytes around the pixels of a file: type and size before them, kind and shape behind them.

    A file with the same bytes at the same places has the same layout; its tags need not be read.
    """

    begin: int
    before: bytes
    end: int
    behind: bytes

    @classmethod
    def of(cls, found: Selected, probe: Probe) -> Self:
        """Take the imprint of a file."""
        word = 4 if found.tags.version == 3 else 8
        head = 3 + (word == 8) * 8  # kind, length of label, byte count
        number = head + 4 + 2 * word + 4
        length = number + len("DataType") + head + len("Dimensions") + 2 + word + number * len(found.image.dims)
        begin, end = found.image.data.offset, found.image.data.offset + found.image.data.nbytes
        return cls(max(0, begin - 64), probe.read(max(0, begin - 64), min(begin, 64)), end, probe.read(end, length))

    def fits(self, probe: Probe) -> bool:
        """Say whether another file has it."""
        before, behind = probe.read(self.begin, len(self.before)), probe.read(self.end, len(self.behind))
        return (before, behind) == (self.before, self.behind)


def _offset_alike(params: DmParams, probe: Probe, first: Selected) -> int:
    """Give the offset of the pixels in another file of a stack."""
    other = select(params, probe)
    ours, theirs = first.layout, other.layout
    same = (ours.nav_shape, ours.sig_shape, ours.dtype) == (theirs.nav_shape, theirs.sig_shape, theirs.dtype)
    if not same or theirs.transposed:
        raise CorruptError(
            "the files of a stack differ",
            path=probe.path,
            expected=f"{ours.nav_shape} frames of {ours.sig_shape} {ours.dtype} as in the first file",
            found=f"{theirs.nav_shape} frames of {theirs.sig_shape} {theirs.dtype}",
        )
    return other.image.data.offset
