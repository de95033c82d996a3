"""Arrays as pictures: the colours of their numbers, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.plot.colours import field_colours, mapped
from lamella.plot.limits import balanced_limits, linear_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.plot.panels import Scale

__all__ = ["picture"]


def picture(data: NDArray[Any], *, scale: Scale = "linear", colours: str = "gray") -> NDArray[np.uint8]:
    """Give the colours of an image.

    Parameters
    ----------
    data
        Shape ``(height, width)``, or ``(n,)`` for a single row. Complex numbers become hue (their angle) and
        brightness (their magnitude).
    scale
        ``"linear"``; ``"log"`` for counts over many decades; ``"balanced"`` with zero in the middle of the colours.
    colours
        Name of a colour map of `lamella.plot.colours`.

    Returns
    -------
    numpy.ndarray
        Red, green, blue and opacity, shape ``(height, width, 4)``; transparent where the data are not finite.
    """
    image = np.atleast_2d(np.asarray(data))
    if image.dtype.kind == "c":
        lengths = np.abs(image[np.isfinite(image)])
        return field_colours(image.imag, image.real, float(lengths.max(initial=0)))
    numbers = image.astype(np.float64)
    if scale == "log":
        known = numbers[np.isfinite(numbers)]
        numbers = np.log1p(np.maximum(numbers - known.min(initial=np.inf), 0)) if known.size else numbers
    limits = balanced_limits(numbers) if scale == "balanced" else linear_limits(numbers)
    return mapped(numbers, "balanced" if scale == "balanced" else "linear", limits, colours)
