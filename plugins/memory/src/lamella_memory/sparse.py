"""Frames of sparse arrays, as rows of a compressed matrix: converted once, made dense tile by tile."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import FrameSource, ReadHints, SigBox, SourceInfo, consecutive
from lamella_memory.content import content_of
from lamella_memory.shared import SharedArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import IOSession


def is_scipy_sparse(data: object) -> bool:
    """Whether this is a sparse matrix or array of SciPy, of any kind."""
    module: Any = sys.modules.get("scipy.sparse")
    return module is not None and bool(module.issparse(data))


def is_pydata_sparse(data: object) -> bool:
    """Whether this is an array of the package ``sparse``, of any kind."""
    module: Any = sys.modules.get("sparse")
    return module is not None and isinstance(data, module.SparseArray)


class SparseSource(FrameSource):
    """Frames as rows of a CSR matrix: the pixels of frame f are ``indptr[f]`` to ``indptr[f + 1]``.

    Parameters
    ----------
    indptr, indices, data
        Where rows begin, flat C-order pixel of each entry, and its value; no pixel occurs twice in a row.
    fill
        Value of all other pixels.
    sig_shape
        Shape of a frame.
    info
        What is known about the array.
    """

    hints = ReadHints(whole_frames=True)

    def __init__(
        self,
        indptr: NDArray[Any],
        indices: NDArray[Any],
        data: NDArray[Any],
        fill: Any,
        sig_shape: tuple[int, ...],
        info: SourceInfo,
    ) -> None:
        super().__init__(info, n_frames=len(indptr) - 1, sig_shape=sig_shape, dtype=data.dtype)
        self._indptr, self._indices, self._data = map(SharedArray, (indptr, indices, data))
        self._fill = fill
        self._content: str | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        """A digest of the content."""
        if self._content is None:
            self._content = content_of(self._indptr.array, self._indices.array, self._data.array)
        return (self._content, repr(self._fill))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_content": self.identity[0]}

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Scatter the entries of each run of frames."""
        out[...] = self._fill
        done = 0
        for start, stop in consecutive(frames):
            self._scatter(start, stop, box, out[done : done + stop - start])
            done += stop - start

    def _scatter(self, start: int, stop: int, box: SigBox, out: NDArray[Any]) -> None:
        bounds = self._indptr.array[start : stop + 1]
        entries = slice(int(bounds[0]), int(bounds[-1]))
        rows = np.repeat(np.arange(stop - start), np.diff(bounds))
        pixels, values = self._indices.array[entries], self._data.array[entries]
        if box.covers(self.sig_shape):
            out.reshape(stop - start, -1)[rows, pixels] = values
            return
        places = np.unravel_index(pixels, self.sig_shape)
        inside = np.ones(len(pixels), dtype=np.bool_)
        for place, origin, length in zip(places, box.origin, box.shape, strict=True):
            inside &= (place >= origin) & (place < origin + length)
        within = (place[inside] - origin for place, origin in zip(places, box.origin, strict=True))
        out[(rows[inside], *within)] = values[inside]


def from_scipy(matrix: Any, nav_dims: int, info: SourceInfo) -> SparseSource:
    """Wrap a SciPy sparse array; one in CSR layout with frames as rows is not copied."""
    if matrix.ndim == 2 and nav_dims == 1:
        rows = matrix.tocsr()
        if not rows.has_canonical_format:
            rows = rows.copy()
            rows.sum_duplicates()
        return SparseSource(rows.indptr, rows.indices, rows.data, 0, rows.shape[1:], info)
    entries = matrix.tocoo(copy=True)
    entries.sum_duplicates()
    return _from_entries(np.stack(entries.coords), entries.data, entries.shape, nav_dims, 0, info)


def from_pydata(array: Any, nav_dims: int, info: SourceInfo) -> SparseSource:
    """Wrap an array of the package ``sparse``."""
    entries = array.asformat("coo")
    return _from_entries(entries.coords, entries.data, entries.shape, nav_dims, entries.fill_value, info)


def _from_entries(
    coords: NDArray[Any], data: NDArray[Any], shape: tuple[int, ...], nav_dims: int, fill: Any, info: SourceInfo
) -> SparseSource:
    """Sort entries, whose places are the columns of ``coords``, by frame."""
    nav_shape, sig_shape = shape[:nav_dims], shape[nav_dims:]
    places = coords.astype(np.int64)
    nothing = np.zeros(places.shape[1], dtype=np.int64)
    frames = np.ravel_multi_index(tuple(places[:nav_dims]), nav_shape) if nav_dims else nothing
    pixels = np.ravel_multi_index(tuple(places[nav_dims:]), sig_shape)
    order = np.argsort(frames, kind="stable")
    counts = np.bincount(frames, minlength=math.prod(nav_shape))
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return SparseSource(indptr, pixels[order], data[order], fill, sig_shape, info)
