"""Stretches of a scan, the unit of scheduling, and the tiles they are cut into, the unit of computation."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from lamella.dataset.framereader import FrameReader
from lamella.geometry.roi import Region, region_of
from lamella.geometry.shape import Shape, SigBox

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike, NDArray

    from lamella.corrections.corrections import Corrections
    from lamella.dataset.storedform import StoredForm
    from lamella.dataset.tiling import TilingScheme
    from lamella.geometry.frames import FrameMap
    from lamella.io.backend import IOBackend
    from lamella.reader.source import FrameSource, LinearSource

__all__ = ["Partition", "Scan", "Tile"]


class Scan(Protocol):
    """What a partition needs of its data set; see `lamella.DataSet`."""

    name: str
    source: LinearSource | FrameSource
    shape: Shape
    frame_map: FrameMap
    missing: Literal["skip", "zero", "error"]

    @property
    def backend(self) -> IOBackend:
        """How bytes reach memory."""
        ...


@dataclass(frozen=True, slots=True)
class Tile:
    """A block of pixels for a computation.

    Parameters
    ----------
    data
        Pixels, shape ``(depth, *box.shape)``; read-only or reused, so valid until the next tile only.
    box
        The part of the detector, and its number in the tiling scheme.
    start
        Index of the first frame on the compressed scan axis of the results; the others follow without a gap.
    positions
        Flat scan position of each frame.
    """

    data: NDArray[Any]
    box: SigBox
    box_index: int
    start: int
    positions: range | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Partition:
    """The flat scan positions ``[start, stop)`` of a data set: the unit of scheduling.

    Pickles as the recipe of its data set and three numbers.
    """

    dataset: Scan
    index: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def shape(self) -> Shape:
        """Number of positions, then the detector axes."""
        return Shape((len(self),), self.dataset.shape.sig)

    def region(self, roi: object = None) -> Region:
        """Give a region of interest of the data set in the form that `tiles` takes."""
        return region_of(roi, self.dataset.shape.nav)

    def tiles(
        self,
        scheme: TilingScheme,
        *,
        region: Region | None = None,
        dtype: DTypeLike | None = None,
        corrections: Corrections | None = None,
        backend: IOBackend | None = None,
        stored: StoredForm | None = None,
    ) -> Generator[Tile]:
        """Give every pixel of the selected positions exactly once, missing positions left out.

        A file may change while a tile is used. That is an error at the end of the iteration at the latest, so what was
        computed is to be trusted after that. Whoever fails with a tile throws the error into the generator: if the file
        is to blame, it answers with that.

        Parameters
        ----------
        scheme
            How deep tiles are, and the boxes that cover the detector.
        region
            Selected positions; everything if None.
        dtype
            Dtype of the tiles; native by default.
        corrections
            Corrections to apply; none by default.
        backend
            How bytes reach memory; what the data set chooses in this process if None.
        stored
            Give rows of stored items, shape ``(depth, box.size)``, instead of pixels; ``scheme`` then cuts the flat
            list of items.

        Raises
        ------
        FormatError
            If a file is damaged, or is no longer what it was.
        """
        ds = self.dataset
        region = region if region is not None else Region(ds.shape.nav)
        stretches = ds.frame_map.stretches(
            region, self.start, self.stop, deliver_missing=ds.missing == "zero" and ds.frame_map.counts.missing > 0
        )
        reader = FrameReader(ds.source, backend or ds.backend, dtype=dtype, corrections=corrections)
        with reader:
            for stretch in stretches:
                for part in stretch.pieces(scheme.depth, whole_runs=scheme.method != "partition"):
                    blocks = (
                        (reader.read(part.frames, box) for box in scheme.boxes)
                        if stored is None
                        else reader.stored_blocks(part.frames, stored, scheme.boxes)
                    )
                    for i, (box, data) in enumerate(zip(scheme.boxes, blocks, strict=True)):
                        yield Tile(data, box, i, part.start, part.positions)
