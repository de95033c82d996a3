"""Short ways to state axes, tags and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lamella.reader import Axis
from lamella_dm.writer import Image, number, text

__all__ = ["Tags", "axes_of", "named", "picture", "plain_axes"]

Tags = Sequence[tuple[str, Any]]


def axes_of(*some: tuple[str, float, float, str | None]) -> list[Axis]:
    """Give axes by their names, scales, offsets and units."""
    return [Axis(name, scale, offset, units) for name, scale, offset, units in some]


def plain_axes(*names: str) -> list[Axis]:
    """Give axes without calibrations."""
    return [Axis(name) for name in names]


def named(format: str = "", **more: int) -> Tags:
    """Give tags that name the kind of data, and say whether its axes were exchanged."""
    entries = [("Format", text(format))] if format else []
    return [("Meta Data", [*entries, *((key, number("u1", value)) for key, value in more.items())])]


def picture(shape: tuple[int, ...]) -> Image:
    """Give a picture as thumbnails are stored."""
    return Image(np.zeros(shape, "<i4"), "thumbnail", data_type=23)
