"""A short way to write an acquisition with its header."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamella_frms6.writer import folded, header_text, part_bytes, part_of
from lamella_testkit import SampleData

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["acquisition"]


def acquisition(
    directory: Path, name: str, data: SampleData, dark: NDArray[Any] | None = None, text: str | None = None
) -> tuple[Path, dict[str, Any]]:
    """Write an acquisition of two parts into a folder of its own; give its name without number, and its keywords."""
    folder = directory / name
    folder.mkdir()
    base, frames = folder / "a", folded(data.frames)
    half = data.n_frames // 2
    part_of(base, 1).write_bytes(part_bytes(frames[:half]))
    part_of(base, 2).write_bytes(part_bytes(frames[half:], first=half))
    if dark is not None:
        part_of(base, 0).write_bytes(part_bytes(folded(dark)))
    known = header_text(data.n_frames, data.nav_shape, dark_frames=0 if dark is None else len(dark))
    base.with_name("a.hdr").write_text(known if text is None else text)
    return base, {"path": part_of(base, 1)}
