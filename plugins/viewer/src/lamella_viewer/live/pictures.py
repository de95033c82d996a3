"""Channels of results as pictures that a page can draw: numbers, and facts about them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import ParameterError
from lamella_viewer.live.frames import DTYPES, encode_frame, quantised
from lamella_viewer.live.picturefacts import LOOKED, SAMPLE, axis_told, every_nth, numbers_told, thinned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.analysis import AnalysisResult, AnalysisResultSet
    from lamella.reader import Axis

__all__ = ["Picture", "channel_of", "cut", "make_picture"]

_MOST_CURVES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What is sent for a request: facts for the header, numbers, and which of them are known."""

    facts: Mapping[str, Any]
    pixels: NDArray[Any]
    valid: NDArray[np.bool_] | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    """Facts that later stages of the same request take over, so that colours do not change."""

    @property
    def exact(self) -> bool:
        """Whether nothing is left to compute."""
        return bool(self.facts["stage"] == "exact")

    @property
    def shows_something(self) -> bool:
        """Whether a number is known."""
        return self.pixels.dtype.kind != "f" or bool(np.isfinite(self.pixels).any())

    def encode(self, slowness: int = 0) -> bytes:
        """Give the frame; for a slow link (1 or 2) with fewer bits, unless it is exact."""
        pixels, valid, code = self.pixels, self.valid, ("", "u2", "u1")[slowness]
        how = None
        if not self.exact and pixels.dtype == np.float64:
            pixels = pixels.astype(np.float32)
        if code and not self.exact and self.facts["kind"] == "image":
            pixels, how, known = quantised(pixels, code)
            if known is not None:
                valid = known if valid is None else valid & known
        return encode_frame({**self.facts, "quantised": how}, pixels, valid, deflate=how is not None and code == "u1")


def channel_of(results: AnalysisResultSet, key: str | None) -> AnalysisResult:
    """Give a channel by its name; the first one for None.

    Raises
    ------
    ParameterError
        If there is none of this name.
    """
    if key is None:
        return results[0]  # type: ignore[no-any-return]
    if key not in results.keys():  # noqa: SIM118 - a sequence of channels, which has names as well
        raise ParameterError(f"no channel is called {key!r}; there are {', '.join(results.keys())}", field="channel")
    return results[key]  # type: ignore[no-any-return]


def make_picture(
    channel: AnalysisResult,
    facts: Mapping[str, Any],
    axes: Sequence[Axis],
    *,
    size: Sequence[int] | None = None,
    valid: NDArray[np.bool_] | None = None,
    where: Sequence[int] = (),
    kept: Mapping[str, Any] | None = None,
    quick: bool = False,
) -> Picture:
    """Make the picture of a channel.

    Parameters
    ----------
    channel
        What is shown.
    facts
        Facts about request and stage, for the header.
    axes
        Of the last axes of the whole picture.
    size
        Shape of the whole picture, of which these numbers are an even sample; that of the numbers if None.
    valid
        Which numbers are known; all if None.
    where
        Indices along leading axes, of what has more than two.
    kept
        Scale and range of an earlier stage.
    quick
        Whether range and histogram are made from fewer numbers, also for what is exact.
    """
    data, valid = _two_axes(_numbers(channel.raw_data), valid, where)
    whole = tuple(data.shape if size is None else size)[-data.ndim :] if data.ndim else ()
    if valid is not None and data.dtype.kind in "fc":
        data, valid = np.where(valid, data, np.nan), None
    flat = replace(channel, raw_data=data)
    exact = facts["stage"] == "exact" and not kept and not quick
    look = flat if exact else replace(flat, raw_data=every_nth(data))
    panel = look.panel(thinned(axes, whole, data.shape)) if data.ndim in (1, 2) and data.size else None
    if panel is None or panel.data is None:
        return _number(flat, facts)
    pixels = _sendable(data if panel.kind == "image" and data.dtype.kind != "c" else np.asarray(panel.data))
    numbers = pixels if panel.kind != "field" else np.hypot(pixels[0], pixels[1])
    colouring = dict(kept) if kept else {"scale": panel.scale, "range": list(panel.limits)}
    told = {
        **facts,
        "title": channel.title,
        "desc": channel.desc,
        "kind": panel.kind,
        "colours": panel.colours,
        "unit": panel.unit or channel.unit,
        "size": list(whole),
        "box": [0, 0, *((1, *whole)[-2:])],
        "axes": [axis_told(axis, n, m) for axis, n, m in zip(panel.axes, whole, data.shape, strict=False)],
        **numbers_told(numbers, valid, panel.kind, LOOKED if quick else SAMPLE),
        **colouring,
    }
    return Picture(told, pixels, valid, colouring)


def cut(picture: Picture, box: Sequence[int], most: Sequence[int]) -> Picture:
    """Give the part of a picture in a box of the whole, with at most so many pixels along each axis."""
    height, width = picture.facts["size"][-2:] if len(picture.facts["size"]) > 1 else (0, 0)
    if picture.facts["kind"] not in ("image", "field") or tuple(picture.pixels.shape[-2:]) != (height, width):
        return picture
    y0, x0, y1, x1 = (min(max(0, value), end) for value, end in zip(box, (height, width) * 2, strict=True))
    if y0 >= y1 or x0 >= x1:
        return picture
    by, bx = (max(1, math.ceil(n / m)) for n, m in zip((y1 - y0, x1 - x0), most, strict=True))
    y1, x1 = y1 - (y1 - y0) % by if y1 - y0 >= by else y1, x1 - (x1 - x0) % bx if x1 - x0 >= bx else x1
    by, bx = min(by, y1 - y0), min(bx, x1 - x0)
    part, valid = picture.pixels[..., y0:y1, x0:x1], picture.valid
    if by * bx > 1:
        lead, shape = part.shape[:-2], ((y1 - y0) // by, by, (x1 - x0) // bx, bx)
        part = part.reshape(*lead, *shape).mean(axis=(-3, -1), dtype=np.float64).astype(np.float32)
        if valid is not None:
            valid = np.asarray(valid[y0:y1, x0:x1].reshape(shape).all(axis=(1, 3)), dtype=np.bool_)
    elif valid is not None:
        valid = valid[y0:y1, x0:x1]
    return Picture({**picture.facts, "box": [y0, x0, y1, x1]}, part, valid, picture.kept)


def _numbers(raw: Any) -> NDArray[Any]:
    """Give what is shown as one array; a vector field (x, y) as complex numbers."""
    if isinstance(raw, tuple):
        x, y = (np.asarray(part) for part in raw)
        return np.asarray(x + 1j * y)
    return np.asarray(raw)


def _two_axes(
    data: NDArray[Any], valid: NDArray[np.bool_] | None, where: Sequence[int]
) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Give the last two axes at a place along the others; the first one where none is said."""
    while data.ndim > 2:
        index = where[0] if where else 0
        if not 0 <= index < len(data):
            raise ParameterError(f"index {index} lies outside of {len(data)} entries", field="slice")
        same = valid is not None and valid.shape == data.shape
        data, where = data[index], where[1:]
        valid = np.asarray(valid[index], dtype=np.bool_) if same and valid is not None else None
    return data, valid


def _sendable(data: NDArray[Any]) -> NDArray[Any]:
    if data.dtype == np.bool_:
        return data.astype(np.uint8)
    if data.dtype.str[1:] in DTYPES:
        return data
    return data.astype(np.float32 if data.dtype == np.float16 else np.float64)


def _number(channel: AnalysisResult, facts: Mapping[str, Any]) -> Picture:
    """Give what is no picture: one number, or several curves."""
    data = _sendable(np.asarray(channel.raw_data))
    if data.dtype.kind == "O" or data.dtype.str[1:] not in DTYPES:
        raise ParameterError(f"{channel.key} holds no numbers that can be shown", field="channel")
    kind = "number" if data.size <= 1 else "curve"
    data = data.reshape(()) if kind == "number" and data.size else data[:_MOST_CURVES]
    told = {
        **facts,
        "title": channel.title,
        "desc": channel.desc,
        "kind": kind,
        "colours": channel.colours,
        "unit": channel.unit,
        "size": list(data.shape),
        "box": [0, 0, 1, 1],
        "axes": [],
        **numbers_told(data, None, "curve"),
        "scale": channel.scale,
        "range": [0.0, 1.0],
    }
    return Picture(told, data)
