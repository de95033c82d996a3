"""A data set as an array that is read when it is indexed: what Dask, xarray and HyperSpy are given."""

from __future__ import annotations

import hashlib
import math
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.corrections.resolve import fact
from lamella.dataset.dataset import DataSet
from lamella.dataset.fillvalue import fill_value
from lamella.dataset.growing import Extent
from lamella.dataset.indexing import Selection
from lamella.dataset.recipe import DataSetRecipe
from lamella.errors import FormatError
from lamella.geometry.frames import as_numbers, as_range
from lamella.geometry.roi import region_of
from lamella.geometry.shape import Shape
from lamella.interop.chunks import advised_chunks
from lamella.io.preference import prefer

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = ["LazyArray"]

_REASON = "an array copies what it reads anyway, and mapped files count to the memory of a worker"


class LazyArray:
    """An array of the pixels of a data set, which are read when it is indexed.

    It has what other packages ask an array for, and nothing that would make them copy it. It pickles as the recipe of
    the data set, and the files are opened where it is indexed first: a process that only hands it on needs no files.

    Parameters
    ----------
    dataset
        The data set.
    dtype
        Dtype of what is read; that of the pixels by default.
    fill
        Value of pixels at scan positions without a frame.
    corrected
        Whether pixels are corrected as in computations.
    roi
        Selected scan positions, as for ``Context.run_udf``; the array then has one axis for them.

    Attributes
    ----------
    shape : tuple of int
        Scan axes, then detector axes.
    dtype : numpy.dtype
        Dtype of what is read.
    chunks : tuple of int
        For each axis, the length of pieces that are good to read.

    Raises
    ------
    ParameterError
        If ``fill`` is no value of the dtype, or the region does not fit the scan.

    Examples
    --------
    >>> import numpy as np
    >>> import lamella
    >>> from lamella.lazy import LazyArray
    >>> array = LazyArray(lamella.open(np.arange(240).reshape(3, 4, 4, 5), format="memory"))
    >>> array.shape, array[2, [3, 0], 0, ::2]
    ((3, 4, 4, 5), array([[220, 222, 224],
           [160, 162, 164]]))
    """

    def __init__(
        self,
        dataset: DataSet,
        *,
        dtype: DTypeLike | None = None,
        fill: float = 0,
        corrected: bool = False,
        roi: object = None,
    ) -> None:
        if roi is not None:
            dataset.check_room(dataset.missing_count, "a region of interest")
        region = region_of(roi, dataset.shape.nav)
        self.dtype = np.dtype(dataset.delivered_dtype(corrected) if dtype is None else dtype)
        fill_value(fill, self.dtype, remedy="Give another dtype, such as dtype='float32'")
        self._fill = fill
        self._corrected = corrected
        self._roi = None if region.mask is None else zlib.compress(np.packbits(region.mask).tobytes(), 1)
        nav = tuple(dataset.shape.nav) if region.mask is None else (region.size,)
        self.shape: tuple[int, ...] = (*nav, *dataset.shape.sig)
        self.chunks = self.advised_chunks(dataset)
        self._sig_dims = len(dataset.shape.sig)
        self._n_positions = math.prod(dataset.shape.nav)
        self._token = _token(dataset, self._fill, corrected, self._roi, self.dtype)
        self._files = _digest([[one.size, one.identity] for one in dataset.source.resources])
        self._extent = Extent.of(dataset)
        self._opened: DataSet | None = dataset
        self._recipe = dataset._recipe
        self._positions: NDArray[np.int64] | None = None

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of pixels."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Size of all pixels in memory [bytes]."""
        return self.size * self.dtype.itemsize

    @property
    def token(self) -> str:
        """A text that is the same for the same pixels in every process, and another one if a file changes."""
        return self._token

    def advised_chunks(self, dataset: DataSet, most: int | None = None) -> tuple[int, ...]:
        """Give lengths of pieces of at most about ``most`` bytes; see `chunks`."""
        sig = tuple(dataset.shape.sig)
        return advised_chunks(self.shape[: len(self.shape) - len(sig)], sig, self.dtype.itemsize, dataset.hints, most)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        dataset = self._dataset()
        options: dict[str, Any] = {"fill": self._fill, "dtype": self.dtype, "corrected": self._corrected}
        with prefer("buffered", _REASON):
            if self._roi is None:
                return dataset.read(index, **options)
            return dataset.read_selected(self._selected(index, self._roi), **options)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a data set on disk cannot become an array without copying it into memory")
        return np.asarray(self[()], dtype=dtype)

    def __dask_tokenize__(self) -> tuple[str, str]:
        return "lamella", self._token

    def __repr__(self) -> str:
        return f"<lamella.lazy.LazyArray shape={self.shape} dtype={self.dtype}>"

    def __getstate__(self) -> dict[str, Any]:
        # Data sets of objects in memory have no recipe and travel themselves.
        opened = self._opened if self._recipe is None else None
        return {**self.__dict__, "_opened": opened, "_positions": None}

    def _dataset(self) -> DataSet:
        """Give the data set, opened again where this array was unpickled."""
        if self._opened is None:
            assert isinstance(self._recipe, DataSetRecipe)
            dataset: DataSet = self._recipe.reopen()
            files = _digest([[one.size, one.identity] for one in dataset.source.resources])
            self._opened = dataset if files == self._files else self._before_growth(dataset)
        return self._opened

    def _before_growth(self, dataset: DataSet) -> DataSet:
        """Give the data set without what was appended to its files since this array was made."""
        before = None if self._extent is None else self._extent.before_growth(dataset)
        if before is None:
            raise FormatError(
                "the file changed since the array was made",
                path=dataset.source.resources[0].path if dataset.source.resources else None,
                remedy="Open the data set again to see its present content",
            )
        return before

    def _selected(self, index: Any, packed: bytes) -> Selection:
        """Give what an index into the selected positions asks for."""
        if self._positions is None:
            bits = np.frombuffer(zlib.decompress(packed), dtype=np.uint8)
            self._positions = np.flatnonzero(np.unpackbits(bits, count=self._n_positions))
        within = Selection.of(index, Shape(self.shape, self._sig_dims))
        wanted = as_range(self._positions[as_numbers(within.positions)])
        return replace(within, positions=wanted)


def _token(dataset: DataSet, fill: Any, corrected: bool, roi: bytes | None, dtype: np.dtype[Any]) -> str:
    corrections = fact(dataset.corrections) if corrected else None
    selected = None if roi is None else hashlib.sha256(roi).hexdigest()
    return _digest([dataset.fingerprint, repr(fill), corrections, selected, dtype.str])


def _digest(facts: list[Any]) -> str:
    return hashlib.sha256(repr(facts).encode(errors="surrogateescape")).hexdigest()[:32]
