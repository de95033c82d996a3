"""A sheet of paper in memory: rectangles, pictures, text, lines and circles with smooth edges."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from lamella.plot.glyphs import ascent, text_mask, text_width

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.plot.glyphs import Style

__all__ = ["BLACK", "GREY", "WHITE", "Anchor", "Canvas", "Colour", "line_mask", "widened"]

Colour: TypeAlias = tuple[int, int, int]
Anchor: TypeAlias = Literal["left", "centre", "right"]

BLACK: Colour = (17, 17, 17)
GREY: Colour = (85, 85, 85)
WHITE: Colour = (255, 255, 255)

_FINE = 4
"""Parts of a pixel along each axis that lines are drawn with."""
_DASH = (7.0, 5.0)
"""Drawn and left out along a dashed outline [px]."""


class Canvas:
    """Pixels, white at first; places are (y, x) from the top left [px]."""

    def __init__(self, height: int, width: int) -> None:
        self._bytes: NDArray[np.uint8] = np.full((height, width, 4), 255, dtype=np.uint8)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """Red, green and blue, shape ``(height, width, 3)``; to be changed in place."""
        return self._bytes[..., :3]

    def part(self, y: int, x: int, height: int, width: int) -> Canvas:
        """Give a part of the canvas; what is drawn there ends at its edges."""
        other = Canvas.__new__(Canvas)
        other._bytes = self._bytes[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)]
        return other

    def fill(self, y: int, x: int, height: int, width: int, colour: Colour) -> None:
        """Fill a rectangle."""
        whole = np.array([*colour, 255], dtype=np.uint8).view(np.uint32)  # four bytes at once are much faster
        self.part(y, x, height, width)._bytes.view(np.uint32)[:] = whole

    def frame(self, y: int, x: int, height: int, width: int, colour: Colour = BLACK) -> None:
        """Draw a line around a rectangle, just outside of it."""
        for top in (y - 1, y + height):
            self.fill(top, x - 1, 1, width + 2, colour)
        for left in (x - 1, x + width):
            self.fill(y - 1, left, height + 2, 1, colour)

    def paste(self, y: int, x: int, colours: NDArray[np.uint8]) -> None:
        """Put a picture down, shape ``(height, width, 4)``: red, green, blue and opacity."""
        if bool((colours[..., 3] == 255).all()):
            below, above = self._within(y, x, colours)
            below.view(np.uint32)[:] = above.view(np.uint32)
            return
        self.blend(y, x, colours[..., 3], colours[..., :3])

    def blend(self, y: int, x: int, mask: NDArray[np.uint8], colour: Colour | NDArray[np.uint8]) -> None:
        """Paint through a mask of opacities, shape ``(height, width)``, with one colour or a picture."""
        below, opacity = self._within(y, x, mask)
        above = self._within(y, x, colour)[1] if isinstance(colour, np.ndarray) else np.array([[colour]])
        alpha = opacity.astype(np.int32)
        for i in range(3):  # long loops over pixels are much faster than short ones over channels
            below[..., i] = (below[..., i] * (255 - alpha) + above[..., i].astype(np.int32) * alpha + 127) // 255

    def _within(self, y: int, x: int, picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Give the bytes below a picture, and the part of the picture that lies on the canvas."""
        height, width = self._bytes.shape[:2]
        top, left = max(y, 0), max(x, 0)
        bottom, right = min(y + picture.shape[0], height), min(x + picture.shape[1], width)
        if bottom <= top or right <= left:
            return self._bytes[:0, :0], picture[:0, :0]
        return self._bytes[top:bottom, left:right], picture[top - y : bottom - y, left - x : right - x]

    def text(
        self,
        y: int,
        x: int,
        text: str,
        style: Style = "regular",
        colour: Colour = BLACK,
        *,
        anchor: Anchor = "left",
        outline: Colour | None = None,
    ) -> None:
        """Write a line of text whose letters stand at ``y``, and begin, are centred or end at ``x``."""
        width = text_width(text, style)
        left = x - {"left": 0, "centre": width // 2, "right": width}[anchor] - 1
        mask = text_mask(text, style)
        if outline is not None:
            self.blend(y - ascent(style) - 2, left - 2, widened(mask, 2), outline)
        self.blend(y - ascent(style), left, mask, colour)

    def text_upwards(
        self,
        y: int,
        x: int,
        text: str,
        style: Style = "regular",
        colour: Colour = BLACK,
        *,
        outline: Colour | None = None,
    ) -> None:
        """Write a line of text from the bottom to the top, centred at ``y``, that begins right of ``x``."""
        mask = np.ascontiguousarray(np.rot90(text_mask(text, style)))
        top = y - mask.shape[0] // 2
        if outline is not None:
            self.blend(top - 2, x - 2, widened(mask, 2), outline)
        self.blend(top, x, mask, colour)

    def circle(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        width: float,
        colour: Colour,
        *,
        dashed: bool = False,
        outline: tuple[float, Colour] | None = None,
    ) -> None:
        """Draw an ellipse.

        Parameters
        ----------
        centre
            (y, x) [px]; the first pixel reaches from 0 to 1.
        radii
            Along y and x [px].
        width, colour
            Width [px] and colour of the line.
        dashed
            Whether it has gaps.
        outline
            Width [px] and colour of a line below it.
        """
        lines = [*([outline] if outline else []), (width, colour)]
        ry, rx = (max(radius, 0.5) for radius in radii)
        v = ((np.arange(self._bytes.shape[0]) + 0.5 - centre[0]) / ry).astype(np.float32)
        u = ((np.arange(self._bytes.shape[1]) + 0.5 - centre[1]) / rx).astype(np.float32)
        reach = (max(lines)[0] / 2 + 1) / min(ry, rx)
        squares = (v * v)[:, np.newaxis] + (u * u)[np.newaxis]
        iy, ix = np.nonzero((squares < (1 + reach) ** 2) & (squares > max(1 - reach, 0) ** 2))
        ratio = np.sqrt(squares[iy, ix])
        slope = np.hypot(v[iy] / ry, u[ix] / rx)
        distance = np.abs(ratio - 1) * ratio / np.maximum(slope, 1e-12)
        drawn = np.ones_like(distance)
        if dashed:
            count = max(4, round(math.pi * (ry + rx) / sum(_DASH)))
            along = (np.arctan2(v[iy], u[ix]) / (2 * math.pi) * count) % 1 * sum(_DASH)
            drawn = np.clip(_DASH[0] / 2 + 0.5 - np.abs(along - _DASH[0] / 2), 0, 1)
        for wide, hue in lines:
            opacity = (drawn * np.clip(wide / 2 + 0.5 - distance, 0, 1))[:, np.newaxis]
            below = self.pixels[iy, ix]
            self.pixels[iy, ix] = np.rint(below + (np.array(hue) - below) * opacity).astype(np.uint8)


def widened(mask: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    """Give a mask that reaches further on all sides, larger by as much on each side [px]."""
    height, width = mask.shape
    wide = np.zeros((height + 2 * by, width + 2 * by), dtype=np.uint8)
    for dy in range(-by, by + 1):
        for dx in range(-by, by + 1):
            if dy * dy + dx * dx <= by * by + 0.5:
                room = wide[by + dy : by + dy + height, by + dx : by + dx + width]
                np.maximum(room, mask, out=room)
    return wide


def line_mask(
    shape: tuple[int, int], y: NDArray[np.float64], x: NDArray[np.float64], width: float
) -> NDArray[np.uint8]:
    """Give a line through points as opacities; it has gaps where y is NaN.

    Parameters
    ----------
    shape
        Height and width of the mask [px].
    y, x
        Places of the points [px].
    width
        Width of the line [px].
    """
    fine = np.zeros((shape[0] * _FINE, shape[1] * _FINE), dtype=np.uint8)
    fy, fx = _points(y * _FINE, x * _FINE, fine.shape)
    fine[fy, fx] = 1
    by = max(1, round(width * _FINE / 2))
    fine = widened(fine, by)[by:-by, by:-by]
    parts = fine.reshape(shape[0], _FINE, shape[1], _FINE)
    return np.asarray(parts.sum(axis=(1, 3), dtype=np.uint16) * 255 // _FINE**2, dtype=np.uint8)


def _points(
    y: NDArray[np.float64], x: NDArray[np.float64], shape: tuple[int, int]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the pixels on the way from each point to the next, without those that are not on the canvas."""
    y = np.clip(y, -shape[0], 2 * shape[0])
    if len(y) == 1:
        y, x = np.repeat(y, 2), np.repeat(x, 2)
    starts = np.flatnonzero(np.isfinite(y[:-1]) & np.isfinite(y[1:]))
    steps = np.ceil(np.maximum(np.abs(np.diff(y)), np.abs(np.diff(x)))[starts]).astype(np.intp) + 1
    which = np.repeat(starts, steps)
    within = np.arange(len(which)) - np.repeat(np.cumsum(steps) - steps, steps)
    fraction = within / np.repeat(steps, steps)
    fy = np.floor(y[which] + (y[which + 1] - y[which]) * fraction).astype(np.intp)
    fx = np.floor(x[which] + (x[which + 1] - x[which]) * fraction).astype(np.intp)
    on = (fy >= 0) & (fy < shape[0]) & (fx >= 0) & (fx < shape[1])
    return fy[on], fx[on]
