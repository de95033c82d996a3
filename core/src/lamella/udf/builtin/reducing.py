"""UDFs that only sum: frames, pixels, or pixels under weights. What several of them want of a tile is one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, TypeVar

import numpy as np

from lamella.errors import UDFError
from lamella.kernels.builtin import add_frames, add_moments, add_pixels, add_squares, reduce_rows, weigh_pixels
from lamella.udf.base import UDF

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ReducingUDF", "Reduction", "reduce", "reduce_together"]

T = TypeVar("T")
SumName: TypeAlias = Literal["frames", "squares", "pixels", "weights"]

_NO_WEIGHTS = np.zeros((0, 0), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Reduction:
    """Where the sums of a tile go; None for what nobody wants.

    Parameters
    ----------
    total, squares
        Sums of the frames and of their squares, shape ``(n_pixels,)``: int64, or float64 and relative to ``shift``.
        Without ``squares``, ``total`` is the plain sum.
    shift
        What is subtracted before, shape ``(n_pixels,)``; with squares in float64 only.
    pixels
        Sums of the pixels of each frame, shape ``(depth,)``, int64 or float64.
    weights, weighed
        Weights of the pixels, shape ``(n_masks, n_pixels)``, C-contiguous, float32 or float64, the same for every tile
        of one ``meta.tiling_scheme_idx``; and sums under them, shape ``(depth, n_masks)``, float64.
    """

    total: NDArray[Any] | None = None
    squares: NDArray[Any] | None = None
    shift: NDArray[np.float64] | None = None
    pixels: NDArray[Any] | None = None
    weights: NDArray[Any] | None = None
    weighed: NDArray[Any] | None = None


class ReducingUDF(UDF):
    """A UDF that adds sums of a tile to its buffers; several of them in one run share the pass over the pixels.

    Declare `sums` and implement `reduction` (and `weights_kind` where there are weights) instead of a
    ``process_*`` method. A subclass that implements ``process_rows`` after all does not share.

    Examples
    --------
    >>> import numpy as np
    >>> class BrightnessUDF(ReducingUDF):
    ...     sums = frozenset({"pixels"})
    ...
    ...     def get_result_buffers(self):
    ...         whole = np.dtype(self.meta.dataset_dtype).kind in "bui"
    ...         return {"brightness": self.buffer("nav", dtype=np.int64 if whole else np.float64)}
    ...
    ...     def reduction(self, rows, swapped):
    ...         return Reduction(pixels=self.results.brightness)
    """

    sums: ClassVar[AbstractSet[SumName]]
    """What `reduction` asks for: sums of ``"frames"``, of their ``"squares"`` (beside ``"frames"``), of ``"pixels"``,
    and of pixels under ``"weights"``.

    One call serves one UDF that sums frames, one that sums pixels, and all that have few weights of the same dtype.
    """

    @property
    def shares(self) -> bool:
        """Whether a tile is nothing but a reduction for this instance, which others can join."""
        return type(self).process_rows is ReducingUDF.process_rows

    def reduction(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> Reduction:
        """Give where the sums of a tile go; called once for each tile, before they are computed.

        Parameters
        ----------
        rows, swapped
            The tile, as ``process_rows`` gets it.
        """
        raise UDFError(f"{type(self).__name__} must implement reduction(rows, swapped)")

    def weights_kind(self) -> tuple[int, np.dtype[Any]]:
        """Give the number of rows of weights, and their dtype: float32 or float64."""
        raise UDFError(f"{type(self).__name__} sums under weights: it must implement weights_kind()")

    def process_rows(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> None:
        """Add the sums of a tile."""
        reduce(rows, swapped, self.reduction(rows, swapped))

    def _for_box(self, what: str, make: Callable[[], T]) -> T:
        """Give what belongs to the box of the current tile: kept for the next tile of the box, if there is one."""
        if self.meta._boxes_come_once:
            return make()
        return self._memo.once((what, self.meta.tiling_scheme_idx), make)

    def _replace_for_box(self, what: str, value: Any) -> None:
        """Keep another form of what `_for_box` made for the box of the current tile."""
        self._memo.replace((what, self.meta.tiling_scheme_idx), value)


def reduce(rows: NDArray[Any], swapped: tuple[int, ...], wanted: Reduction) -> None:
    """Compute what one UDF wants."""
    if sum(part is not None for part in (wanted.weights, wanted.pixels, wanted.total)) > 1:
        reduce_together(rows, swapped, [wanted], wanted.weights)
    elif wanted.weights is not None:
        weigh_pixels(rows, swapped, wanted.weights, wanted.weighed)
    elif wanted.pixels is not None:
        add_pixels(rows, swapped, wanted.pixels)
    elif wanted.squares is None:
        add_frames(rows, swapped, wanted.total)
    elif wanted.shift is None:
        add_squares(rows, swapped, wanted.total, wanted.squares)
    else:
        add_moments(rows, swapped, wanted.shift, wanted.total, wanted.squares)


def reduce_together(
    rows: NDArray[Any], swapped: tuple[int, ...], wanted: Sequence[Reduction], weights: NDArray[Any] | None
) -> None:
    """Compute what several UDFs want in one call.

    Parameters
    ----------
    rows, swapped
        A tile, as `UDF.process_rows` gets it.
    wanted
        At most one of them wants sums of frames, at most one sums of pixels.
    weights
        Those of all that have some, one after another, shape ``(n_masks, n_pixels)``.
    """
    wide = np.dtype(np.float64 if rows.dtype.kind == "f" else np.int64)
    frames = next((one for one in wanted if one.total is not None), Reduction())
    pixels = next((one.pixels for one in wanted if one.pixels is not None), np.zeros(0, wide))
    total = np.zeros(0, wide) if frames.total is None else frames.total
    squares = np.zeros(0, total.dtype) if frames.squares is None else frames.squares
    shift = np.zeros(0) if frames.shift is None else frames.shift
    if weights is None:
        reduce_rows(rows, swapped, shift, total, squares, pixels, _NO_WEIGHTS, np.zeros((0, 0)))
        return
    weighed = np.zeros((len(rows), len(weights)))
    reduce_rows(rows, swapped, shift, total, squares, pixels, weights, weighed)
    first = 0
    for one in wanted:
        if one.weighed is not None:
            end = first + one.weighed.shape[-1]
            one.weighed[...] += weighed[:, first:end]
            first = end
