"""Opens sparse frames: the row pointers are checked once, events are read when they are wanted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import CorruptError, FormatError, TruncatedError
from lamella.reader import Caution, Confidence, Match, SourceInfo, json_value
from lamella_raw_csr.sidecar import Description, read_description, table_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import Probe
    from lamella_raw_csr.params import RawCsrParams
    from lamella_raw_csr.source import CsrSource

__all__ = ["RawCsrReader"]


class RawCsrReader:
    """Reads the TOML and the row pointers."""

    def detect(self, probe: Probe) -> Match | None:
        """Look for ``filetype = "raw_csr"``."""
        return None if table_of(probe) is None else Match(Confidence.VERIFIED, 'TOML with filetype = "raw_csr"')

    def open(self, params: RawCsrParams, probe: Probe) -> CsrSource:
        """Describe the frames."""
        from lamella_raw_csr.source import CsrSource  # slow to import, and every file of no signature is shown here

        found = read_description(probe, elsewhere=params.elsewhere)
        indptr = _indptr(found)
        events = np.diff(indptr)
        pixels = math.prod(found.sig_shape)
        n_frames = int(events.size)
        total = int(indptr[-1] - indptr[0])
        info = SourceInfo(
            nav_shape=found.nav_shape,
            nav_origin=f"sidecar {probe.stem}.toml",
            raw_metadata=json_value(found.table),
            per_frame={"events": _Events(indptr)},
            notes=_notes(found, indptr),
            details={
                "events": total,
                "events per frame": [int(events.min()), total / n_frames, int(events.max())],
                "fill factor": total / (n_frames * pixels),
                "stored dtypes": {name: getattr(found, name).dtype.str for name in ("indptr", "indices", "data")},
            },
        )
        resources = (found.indices.resource, found.data.resource, found.indptr.resource, probe.resource)
        return CsrSource(indptr, found.sig_shape, found.indices.dtype, found.data.dtype, info, resources)


class _Events:
    """The number of stored events of each frame."""

    def __init__(self, indptr: NDArray[np.int64]) -> None:
        self._indptr = indptr

    def __call__(self) -> NDArray[np.int64]:
        return np.diff(self._indptr)


def _indptr(found: Description) -> NDArray[np.int64]:
    """Read and check the row pointers."""
    array, path = found.indptr, found.indptr.resource.path
    if array.length < 2:
        raise FormatError("there are no frames", path=path, expected="at least two row pointers", found=array.length)
    raw = np.empty(array.length, dtype=array.dtype)
    with array.resource.reading() as file:
        file.readinto(0, raw.view(np.uint8))
    largest = int(raw.max())
    pointers = raw.astype(np.int64)
    if largest > found.indices.length:
        last = int(np.flatnonzero(pointers <= found.indices.length)[-1]) if pointers[0] <= found.indices.length else 0
        raise TruncatedError(
            "there are fewer events than the row pointers say; indices and data were cut, or indptr_dtype is wrong",
            path=found.indices.resource.path,
            expected=f"{largest} events",
            found=f"{found.indices.length} events, enough for the first {last} frames",
        )
    falls = np.flatnonzero(pointers[1:] < pointers[:-1])  # a difference can overflow
    if falls.size or pointers[0] < 0:
        i = int(falls[0]) if falls.size else 0
        raise CorruptError(
            "row pointers decrease", path=path, expected="rising numbers", found=f"row pointer {i} is {pointers[i]}"
        )
    return pointers


def _notes(found: Description, indptr: NDArray[np.int64]) -> tuple[str, ...]:
    notes = []
    unused = found.indices.length - int(indptr[-1] - indptr[0])
    if unused:
        notes.append(f"{unused} events belong to no frame")
    if math.prod(found.nav_shape) != indptr.size - 1:
        notes.append(Caution(f"nav_shape {found.nav_shape} does not fit {indptr.size - 1} frames"))
    return tuple(notes)
