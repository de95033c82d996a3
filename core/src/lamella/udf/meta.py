"""What a UDF can ask about the run, the data set and the block of data in its hands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import UDFError
from lamella.geometry.frames import as_numbers
from lamella.geometry.shape import Shape, SigBox
from lamella.udf.slices import Slice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.corrections.corrections import Corrections
    from lamella.dataset.partition import Tile
    from lamella.dataset.rowlayout import RowLayout
    from lamella.dataset.tiling import TilingScheme
    from lamella.geometry.roi import Region

__all__ = ["UDFMeta"]


class UDFMeta:
    """Facts about the run; what concerns the current tile or frame is worked out when it is asked for.

    Attributes
    ----------
    dataset_shape : Shape
        Scan and detector axes of the data set.
    dataset_dtype : numpy.dtype
        Stored dtype.
    input_dtype : numpy.dtype or None
        Dtype of the tiles; None while the UDF is still asked for it.
    tiling_scheme : TilingScheme or None
        How the detector and the frames are cut.
    corrections : Corrections or None
        What is applied to the data before the UDF sees them.
    array_backend, device_class, threads_per_worker
        ``"numpy"``, ``"cpu"`` and 1: UDFs get NumPy arrays, and each worker has one thread.
    """

    array_backend = "numpy"
    device_class = "cpu"
    threads_per_worker = 1

    def __init__(
        self,
        *,
        dataset_shape: Shape,
        dataset_dtype: np.dtype[Any],
        region: Region,
        valid: Callable[[], NDArray[np.bool_]] | None = None,
        corrections: Corrections | None = None,
        input_dtype: np.dtype[Any] | None = None,
        tiling_scheme: TilingScheme | None = None,
        span: tuple[int, int] | None = None,
        rows: RowLayout | None = None,
        boxes_come_once: bool = False,
    ) -> None:
        self.dataset_shape = dataset_shape
        self.dataset_dtype = dataset_dtype
        self.corrections = corrections
        self.input_dtype = input_dtype
        self.tiling_scheme = tiling_scheme
        self._region = region
        self._valid = valid
        self._span = span
        self._rows = rows
        self._boxes_come_once = boxes_come_once
        self._tile: Tile | None = None
        self._frame: int | None = None

    def in_rows(self, weights: NDArray[Any]) -> NDArray[Any]:
        """Give the part of arrays over the detector that belongs to the current rows, in their order.

        Parameters
        ----------
        weights
            Shape ``(n, *sig_shape)``.

        Returns
        -------
        numpy.ndarray
            C-contiguous, shape ``(n, n_items)``; the same for every tile with the same ``tiling_scheme_idx``.
        """
        if self._rows is None or self._tile is None:
            raise UDFError("meta.in_rows can be used in process_rows only")
        return self._rows.cut(weights, self._tile.box_index)

    @property
    def row_pixels(self) -> NDArray[np.int64]:
        """The flat index on the detector of each item of the current rows, shape ``(n_items,)``."""
        if self._rows is None or self._tile is None:
            raise UDFError("meta.row_pixels can be used in process_rows only")
        return self._rows.pixels(self._tile.box_index)

    @property
    def row_coordinates(self) -> tuple[NDArray[np.signedinteger[Any]], ...]:
        """Where on the detector each item of the current rows is: for each axis an array of shape ``(n_items,)``."""
        if self._rows is None or self._tile is None:
            raise UDFError("meta.row_coordinates can be used in process_rows only")
        return self._rows.coordinates(self._tile.box_index, self.dataset_shape.sig.to_tuple())

    @property
    def roi(self) -> NDArray[np.bool_] | None:
        """The region of interest, shape of the scan, or None."""
        mask = self._region.mask
        return None if mask is None else mask.reshape(self._region.nav_shape)

    @property
    def roi_size(self) -> int:
        """The number of selected scan positions."""
        return self._region.size

    @property
    def in_task(self) -> bool:
        """Whether this instance works on a partition; otherwise it holds the whole result."""
        return self._span is not None

    @property
    def partition_shape(self) -> Shape:
        """Number of selected scan positions of the partition, then the detector axes."""
        if self._span is None:
            raise UDFError("meta.partition_shape exists only while a partition is processed")
        return Shape((self._span[1] - self._span[0],), self.dataset_shape.sig)

    @property
    def slice(self) -> Slice:
        """The current tile, frame or partition, on the compressed scan axis."""
        if self._tile is None:
            if self._span is None:
                raise UDFError("meta.slice exists only while a partition is processed")
            sig = self.dataset_shape.sig
            return Slice.of(self._span[0], self._span[1] - self._span[0], (0,) * len(sig), sig)
        box = self._tile.box
        if self._frame is not None:
            return Slice.of(self._tile.start + self._frame, 1, box.origin, box.shape)
        return Slice.of(self._tile.start, len(self._tile.positions), box.origin, box.shape)

    @property
    def sig_slice(self) -> Slice:
        """The detector part of the current tile."""
        return self.slice.sig

    @property
    def box(self) -> SigBox:
        """The detector part of the current tile, as the core describes it."""
        return SigBox.full(self.dataset_shape.sig) if self._tile is None else self._tile.box

    @property
    def tiling_scheme_idx(self) -> int | None:
        """The number of the current tile's detector box in the tiling scheme."""
        return None if self._tile is None else self._tile.box_index

    @property
    def coordinates(self) -> NDArray[np.int64]:
        """Scan coordinates of the current frames, shape ``(n, scan axes)``."""
        positions: Any
        if self._tile is None:
            positions = self._region.positions(0, self._region.n_positions)
            if self._span is not None:
                positions = positions[self._span[0] : self._span[1]]
        elif self._frame is None:
            positions = self._tile.positions
        else:
            positions = self._tile.positions[self._frame : self._frame + 1]
        flat = as_numbers(positions)
        return np.stack(np.unravel_index(flat, self.dataset_shape.nav), axis=-1).astype(np.int64, copy=False)

    def get_valid_nav_mask(self, full_nav: bool = False) -> NDArray[np.bool_] | None:
        """Give where results were merged so far; in ``merge``, without the partition that is being merged.

        Returns
        -------
        numpy.ndarray or None
            One flag for each selected position, or for each position of the scan with ``full_nav``. None in
            ``process_*``, where a partition does not know of the others.
        """
        if self._valid is None:
            return None
        valid, mask = self._valid(), self._region.mask
        if mask is None or not full_nav:
            return valid.copy()
        full = np.zeros(self._region.n_positions, dtype=np.bool_)
        full[mask] = valid
        return full

    @property
    def _merged(self) -> NDArray[np.bool_]:
        """Where results were merged so far, one flag for each selected position; not to be written."""
        assert self._valid is not None, "known in merge and get_results only"
        return self._valid()
