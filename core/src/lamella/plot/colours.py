"""Numbers as colours: the colour maps of the core, which are those of matplotlib, and the wheel for directions."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.plot.panels import Panel, Scale

__all__ = ["COLOUR_MAPS", "INVALID", "colour_table", "field_colours", "fractions", "mapped", "opaque", "rgba", "wheel"]

_STORED = ("viridis", "inferno", "magma", "cividis", "RdBu_r", "twilight")
"""Names of the tables in ``data/colours.npy``, which ``docs/_ext/picture_data.py`` makes."""

INVALID = (140, 140, 140)
"""Colour of what is not known."""
COLOUR_MAPS = ("gray", *_STORED)
"""Names of the colour maps; each also exists in reversed order, as ``"gray_r"`` or ``"RdBu"``."""


@lru_cache
def colour_table(name: str) -> NDArray[np.uint8]:
    """Give red, green and blue of a colour map, shape ``(256, 3)``.

    Raises
    ------
    ParameterError
        If there is no colour map of this name.
    """
    if name == "gray":
        return np.repeat(np.arange(256, dtype=np.uint8)[:, np.newaxis], 3, axis=1)
    if name in _STORED:
        return np.asarray(_stored()[_STORED.index(name)], dtype=np.uint8)
    other = name.removesuffix("_r") if name.endswith("_r") else f"{name}_r"
    if other in COLOUR_MAPS:
        return colour_table(other)[::-1]
    raise ParameterError(f"there is no colour map {name!r}, only {', '.join(COLOUR_MAPS)}", field="colours")


@lru_cache
def _stored() -> NDArray[np.uint8]:
    tables: NDArray[np.uint8] = np.load(Path(__file__).parent / "data" / "colours.npy", allow_pickle=False)
    return tables


@lru_cache
def _packed_table(name: str) -> NDArray[np.uint32]:
    """Give the colours of a map with full opacity, four bytes in one number each."""
    table = np.full((256, 4), 255, dtype=np.uint8)
    table[:, :3] = colour_table(name)
    return table.view(np.uint32)[:, 0]


def rgba(panel: Panel) -> NDArray[np.uint8]:
    """Give the colours of an image, of a field, or of colours.

    Returns
    -------
    numpy.ndarray
        Red, green, blue and opacity, shape ``(height, width, 4)``; transparent where the data are not finite.

    Raises
    ------
    ParameterError
        If the panel is a curve or a table.
    """
    if panel.data is None or panel.kind not in ("image", "field", "rgba"):
        raise ParameterError(f"a {panel.kind} has no colours", field="panel")
    if panel.kind == "rgba":
        return np.asarray(panel.data, dtype=np.uint8)
    if panel.kind == "field":
        y, x = np.asarray(panel.data, dtype=np.float64)
        return field_colours(y, x, panel.limits[1])
    return mapped(np.asarray(panel.data), panel.scale, panel.limits, panel.colours)


def mapped(values: NDArray[np.generic], scale: Scale, limits: tuple[float, float], colours: str) -> NDArray[np.uint8]:
    """Give the colours of real numbers, shape ``(height, width, 4)``; transparent where they are not finite."""
    unit = fractions(values, scale, limits)
    known = ~np.isnan(unit)
    index = np.where(known, np.minimum(unit * 256, 255), 0).astype(np.uint8)
    packed = np.ascontiguousarray(_packed_table(colours)[index])
    if not known.all():
        packed[~known] = 0
    return packed.view(np.uint8).reshape(*unit.shape, 4)


def fractions(values: NDArray[np.generic], scale: Scale, limits: tuple[float, float]) -> NDArray[np.float64]:
    """Give where values lie between two limits, from 0 to 1; NaN where they are not finite."""
    numbers = np.asarray(values, dtype=np.float64)
    low, high = limits
    finite = np.isfinite(numbers)
    if not high > low:
        return np.where(finite, 0.5 if scale == "balanced" else 0.0, np.nan)
    numbers = np.clip(numbers, low, high)
    if scale == "log" and low > 0:
        numbers, low, high = np.log(numbers), float(np.log(low)), float(np.log(high))
    return np.where(finite, (numbers - low) / (high - low), np.nan)


def field_colours(y: NDArray[np.float64], x: NDArray[np.float64], largest: float) -> NDArray[np.uint8]:
    """Give the colours of vectors, shape ``(height, width, 4)``: hue for the direction, brightness for the length.

    Parameters
    ----------
    y, x
        Components, shape ``(height, width)``.
    largest
        Length that is fully bright.
    """
    finite = np.isfinite(y) & np.isfinite(x)
    y, x = np.where(finite, y, 0.0), np.where(finite, x, 0.0)
    with np.errstate(over="ignore"):
        length = np.minimum(np.hypot(y, x), np.finfo(np.float64).max)
    brightness = np.clip(length / largest, 0, 1) if largest > 0 else np.zeros_like(length)
    unit = np.where(length > 0, length, 1.0)
    cosine, sine = x / unit, y / unit
    colours = np.zeros((*y.shape, 4), dtype=np.uint8)
    for i, phase in enumerate((0.0, 2 * np.pi / 3, 4 * np.pi / 3)):
        part = 0.5 + 0.5 * (cosine * np.cos(phase) + sine * np.sin(phase))
        colours[..., i] = np.rint(255 * part * brightness)
    colours[..., 3] = np.where(finite, 255, 0)
    colours[~finite] = 0
    return colours


def opaque(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give colours on a grey ground, shape ``(height, width, 4)``."""
    alpha = colours[..., 3:].astype(np.uint16)
    if bool((alpha == 255).all()):
        return colours
    ground = np.array([*INVALID, 255], dtype=np.uint16)
    mixed = np.concatenate([colours[..., :3], np.full_like(colours[..., 3:], 255)], axis=-1)
    return np.asarray((mixed * alpha + ground * (255 - alpha) + 127) // 255, dtype=np.uint8)


def wheel(size: int) -> NDArray[np.uint8]:
    """Give the legend of a field, shape ``(size, size, 4)``: each place has the colour of the vector to it."""
    places = (np.arange(size) + 0.5) * 2 / size - 1
    y, x = np.meshgrid(places, places, indexing="ij")
    colours = field_colours(y, x, 1.0)
    edge = np.clip((1 - np.hypot(y, x)) * size / 2 + 0.5, 0, 1)
    colours[..., 3] = np.rint(255 * edge)
    return colours
