"""Makes the data with which the core draws without matplotlib: colour maps, and letters of DejaVu Sans.

Run it where matplotlib is installed, after a change of `STYLES`, `CHARACTERS` or `MAPS`, and commit what it writes::

    uv run python docs/_ext/picture_data.py

It writes ``colours.npy`` and ``glyphs.npz`` into ``core/src/lamella/plot/data``; the licence of the font lies beside
them.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).parents[2] / "core" / "src" / "lamella" / "plot" / "data"
FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"

MAPS = ("viridis", "inferno", "magma", "cividis", "RdBu_r", "twilight")
"""As in `lamella.plot.colours`, in the same order."""

STYLES = {
    "small": ("DejaVuSans.ttf", 14),
    "regular": ("DejaVuSans.ttf", 17),
    "bold": ("DejaVuSans-Bold.ttf", 17),
    "title": ("DejaVuSans-Bold.ttf", 23),
}
"""File of the font, and its size [px]."""

CHARACTERS = "".join(
    (
        *map(chr, range(0x20, 0x7F)),
        *(chr(code) for code in range(0xA1, 0x100) if code != 0xAD),
        "αβγδεθκλμπρστφχψωΓΔΘΛΣΦΨΩ",
        "⁰⁴⁵⁶⁷⁸⁹⁺⁻₀₁₂₃₄₅₆₇₈₉",
        "–—‘’“”•…‰−∞≈≠≤≥√←↑→↓□",
    )
)
LEVELS = 15
"""Steps of opacity; so few are not seen, and take half of the room."""


def glyphs() -> dict[str, np.ndarray]:
    """Give all characters; a strip of their pictures for each style, one below the other; and their places.

    For each style, ``metrics`` has the height of the strip and the row of the foot of letters, and ``ends`` the column
    where the picture of each character ends. A picture is one pixel wider than its character on both sides, because
    some letters reach over.
    """
    strips, ends, metrics = [], [], []
    for file, size in STYLES.values():
        font = ImageFont.truetype(str(FONTS / file), size, layout_engine=ImageFont.Layout.BASIC)
        widths = [round(font.getlength(character)) + 2 for character in CHARACTERS]
        top = min(font.getbbox(character)[1] for character in CHARACTERS)
        bottom = max(font.getbbox(character)[3] for character in CHARACTERS)
        strip = Image.new("L", (sum(widths), int(bottom - top)))
        pen = ImageDraw.Draw(strip)
        for x, character in zip(np.cumsum([0, *widths]), CHARACTERS, strict=False):
            pen.text((int(x) + 1, -top), character, font=font, fill=255)
        strips.append(np.round(np.asarray(strip) / 255 * LEVELS).astype(np.uint8))
        ends.append(np.cumsum(widths))
        metrics.append((bottom - top, font.getbbox("H")[3] - top))
    width = max(strip.shape[1] for strip in strips)
    return {
        "characters": np.array([ord(character) for character in CHARACTERS], dtype=np.uint32),
        "strips": np.concatenate([np.pad(strip, ((0, 0), (0, width - strip.shape[1]))) for strip in strips]),
        "ends": np.array(ends, dtype=np.uint16),
        "metrics": np.array(metrics, dtype=np.uint16),
    }


def colours() -> np.ndarray:
    """Give red, green and blue of each map, shape ``(maps, 256, 3)``."""
    places = np.linspace(0, 1, 256)
    return np.stack([mpl.colormaps[name](places, bytes=True)[:, :3] for name in MAPS])


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    np.save(FOLDER / "colours.npy", colours())
    np.savez_compressed(FOLDER / "glyphs.npz", allow_pickle=False, **glyphs())
    (FOLDER / "LICENSE_DEJAVU").write_bytes((FONTS / "LICENSE_DEJAVU").read_bytes())
