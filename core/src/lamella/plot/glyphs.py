"""Letters as pictures: DejaVu Sans in a few sizes, for drawing without a library for fonts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Style", "ascent", "cut", "line_height", "text_mask", "text_width", "wrapped"]

Style: TypeAlias = Literal["small", "regular", "bold", "title"]

_STYLES: tuple[Style, ...] = ("small", "regular", "bold", "title")
_SIDE = 1
"""Pixels by which a picture is wider than its letter, on each side."""
_LIKE = {0x00A0: 0x20, 0x2009: 0x20, 0x202F: 0x20, 0x212B: 0xC5, 0x2010: 0x2D, 0x2011: 0x2D, 0x2126: 0x3A9}
"""Characters that look like another one: spaces, hyphens, and signs of units."""
_UNKNOWN = "□"


@dataclass(frozen=True, slots=True)
class _Font:
    """Pictures of letters side by side [levels of opacity, 0 to 255], and where each begins and ends."""

    strip: NDArray[np.uint8]
    places: dict[str, tuple[int, int]]
    baseline: int


@lru_cache
def _fonts() -> dict[Style, _Font]:
    with np.load(Path(__file__).parent / "data" / "glyphs.npz", allow_pickle=False) as stored:
        strips, metrics = stored["strips"] * np.uint8(17), stored["metrics"].tolist()
        characters, all_ends = map(chr, stored["characters"].tolist()), stored["ends"].tolist()
    known = list(characters)
    fonts: dict[Style, _Font] = {}
    top = 0
    for style, (height, baseline), ends in zip(_STYLES, metrics, all_ends, strict=True):
        places = dict(zip(known, zip([0, *ends], ends, strict=False), strict=True))
        fonts[style] = _Font(strips[top : top + height], places, baseline)
        top += height
    for font in fonts.values():
        for code, other in _LIKE.items():
            font.places[chr(code)] = font.places[chr(other)]
    return fonts


def line_height(style: Style) -> int:
    """Give the height of a line of text [px]."""
    return int(_fonts()[style].strip.shape[0])


def ascent(style: Style) -> int:
    """Give the distance from the top of a line to the foot of its letters [px]."""
    return _fonts()[style].baseline


def text_width(text: str, style: Style) -> int:
    """Give the width of a line of text [px]."""
    places = _fonts()[style].places
    unknown = places[_UNKNOWN]
    spans = (places.get(character, unknown) for character in text)
    return sum(end - start - 2 * _SIDE for start, end in spans)


def text_mask(text: str, style: Style) -> NDArray[np.uint8]:
    """Give a line of text as opacities, shape ``(line height, text width + 2)``; text begins in the second column."""
    font = _fonts()[style]
    unknown = font.places[_UNKNOWN]
    mask = np.zeros((font.strip.shape[0], text_width(text, style) + 2 * _SIDE), dtype=np.uint8)
    x = 0
    for character in text:
        start, end = font.places.get(character, unknown)
        room = mask[:, x : x + end - start]
        np.maximum(room, font.strip[:, start:end], out=room)
        x += end - start - 2 * _SIDE
    return mask


def cut(text: str, style: Style, width: int) -> str:
    """Give a text that is at most so wide [px]; what does not fit becomes an ellipsis."""
    if text_width(text, style) <= width:
        return text
    room = width - text_width("…", style)
    kept = 0
    for kept, character in enumerate(text):  # noqa: B007 - the first that does not fit
        room -= text_width(character, style)
        if room < 0:
            break
    return f"{text[:kept].rstrip()}…"


def wrapped(text: str, style: Style, width: int, most: int) -> list[str]:
    """Give the lines of a text, broken at spaces; the last of ``most`` lines is cut."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most:
        if len(lines) == most - 1:
            return [*lines, cut(" ".join(words), style, width)]
        count = 1
        while count < len(words) and text_width(" ".join(words[: count + 1]), style) <= width:
            count += 1
        lines.append(cut(" ".join(words[:count]), style, width))
        del words[:count]
    return lines
