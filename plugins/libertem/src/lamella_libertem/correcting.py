"""Dark frames, gain maps and bad pixels, as LiberTEM takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.corrections import Corrections
from lamella.errors import ParameterError
from lamella.reader import SigBox

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["CorrectionSet", "correct"]


class CorrectionSet(Corrections):
    """`lamella.corrections.Corrections`, made from arrays alone: the shape of the detector is theirs.

    Parameters
    ----------
    dark, gain
        Of the shape of the detector.
    excluded_pixels
        A sparse or dense array of that shape, not zero where pixels are bad.
    allow_empty
        Leave bad pixels without a good neighbour as they are.
    """

    def __init__(
        self,
        dark: ArrayLike | None = None,
        gain: ArrayLike | None = None,
        excluded_pixels: Any = None,
        allow_empty: bool = False,
    ) -> None:
        excluded = excluded_pixels
        if excluded is not None:
            excluded = np.asarray(excluded.todense() if hasattr(excluded, "todense") else excluded) != 0
        super().__init__(
            dark=None if dark is None else np.asarray(dark),
            gain=None if gain is None else np.asarray(gain),
            excluded=excluded,
            allow_empty=allow_empty,
        )

    def get_dark_frame(self) -> NDArray[Any] | None:
        """Give the dark frame."""
        return self.dark

    def get_gain_map(self) -> NDArray[Any] | None:
        """Give the gain map."""
        return self.gain

    def get_excluded_pixels(self) -> NDArray[np.bool_] | None:
        """Give where pixels are bad, as an array of the shape of the detector."""
        return self.excluded

    def have_corrections(self) -> bool:
        """Say whether there is anything to correct."""
        return any(part is not None for part in (self.dark, self.gain, self.excluded))


def correct(
    buffer: NDArray[Any],
    dark_image: ArrayLike | None = None,
    gain_map: ArrayLike | None = None,
    excluded_pixels: Any = None,
    repair_descriptor: None = None,
    inplace: bool = False,
    sig_shape: Sequence[int] | None = None,
    allow_empty: bool = False,
) -> NDArray[Any]:
    """Correct frames.

    Parameters
    ----------
    buffer
        Frames, shape ``(n, *detector)``.
    dark_image, gain_map
        Of the shape of the detector; the dark frame is subtracted, the gain map multiplied.
    excluded_pixels
        Coordinates of bad pixels, one row for each detector axis.
    repair_descriptor
        Has no effect.
    inplace
        Change ``buffer`` itself.
    sig_shape
        Shape of the detector; that of the frames by default.
    allow_empty
        Leave bad pixels without a good neighbour as they are.

    Returns
    -------
    numpy.ndarray
        The corrected frames, in floating point.

    Raises
    ------
    ParameterError
        If ``buffer`` shall be changed, but is not contiguous or not of floating point.
    """
    shape = tuple(sig_shape or buffer.shape[1:])
    excluded = None if excluded_pixels is None else np.asarray(excluded_pixels).T
    chosen = Corrections.of(shape, dark=dark_image, gain=gain_map, excluded=excluded, allow_empty=allow_empty)
    if inplace and not (buffer.flags.c_contiguous and buffer.dtype.kind in "fc"):
        text = f"an array of {buffer.dtype} and strides {buffer.strides} cannot be corrected in place"
        raise ParameterError(f"{text}; give a contiguous one of floating point", field="buffer")
    frames = buffer if inplace else buffer.astype(np.result_type(buffer.dtype, np.float32))
    chosen.apply(frames.reshape(-1, *shape), SigBox.full(shape))
    return frames
