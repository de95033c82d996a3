"""From numbers to colours: grey or a matplotlib colour map for real numbers, hue and brightness for complex ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Scale", "picture"]

Scale: TypeAlias = Literal["linear", "log", "balanced"]


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
        Name of a matplotlib colour map; without matplotlib, grey.

    Returns
    -------
    numpy.ndarray
        Red, green, blue and opacity, shape ``(height, width, 4)``; transparent where the data are not finite.
    """
    image = np.atleast_2d(np.asarray(data))
    finite = np.isfinite(image)
    if image.dtype.kind == "c":
        rgb = _wheel(image, finite)
    else:
        rgb = _mapped(_unit(image.astype(np.float64), finite, scale), colours)
    rgba = np.zeros((*image.shape, 4), dtype=np.uint8)
    rgba[..., :3] = np.rint(255 * np.clip(rgb, 0, 1))
    rgba[..., 3] = np.where(finite, 255, 0)
    rgba[~finite] = 0
    return rgba


def _unit(image: NDArray[np.float64], finite: NDArray[np.bool_], scale: Scale) -> NDArray[np.float64]:
    """Bring the finite values to 0..1."""
    values = np.where(finite, image, 0.0)
    if not finite.any():
        return values
    low, high = values[finite].min(), values[finite].max()
    if scale == "balanced":
        high = max(abs(low), abs(high))
        low = -high
    elif scale == "log":
        values = np.log1p(values - low, out=np.zeros_like(values), where=finite)
        low, high = 0.0, values.max()
    if high <= low:
        return np.full_like(values, 0.5 if scale == "balanced" else 0.0)
    return np.asarray((values - low) / (high - low))


def _mapped(unit: NDArray[np.float64], colours: str) -> NDArray[np.float64]:
    if colours != "gray":
        try:
            from matplotlib import colormaps
        except ImportError:
            pass
        else:
            return np.asarray(colormaps[colours](unit))[..., :3]
    return np.repeat(unit[..., np.newaxis], 3, axis=-1)


def _wheel(image: NDArray[Any], finite: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Angles around the colour wheel, from red at zero; brightness from the magnitude."""
    values = np.where(finite, image, 0)
    magnitude = np.abs(values)
    highest = magnitude.max(initial=0)
    brightness = magnitude / highest if highest > 0 else magnitude
    phases = np.array([0, 2, 4]) * np.pi / 3
    wheel = 0.5 + 0.5 * np.cos(np.angle(values)[..., np.newaxis] - phases)
    return np.asarray(wheel * brightness[..., np.newaxis], dtype=np.float64)
