"""Virtual data sets: stretches of others, modules of a detector, frames in turns, and parts that are missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella_hdf5.specials.writing import CHUNKS, PLAIN, saved, stored
from lamella_testkit import Special

if TYPE_CHECKING:
    from lamella_testkit import SampleData

__all__ = ["special_files"]

_FILL = 7


def special_files(folder: Path, data: SampleData) -> Iterator[Special]:
    """Write them."""
    yield from _rows(folder, data)
    yield from _halves(folder, data)
    yield from _stretches(folder, data)
    yield from _tiles(folder, data)
    yield from _empty_parts(folder, data)
    yield from _copied_sources(folder, data)


def _part(folder: Path, name: str, values: Any, **options: Any) -> Any:
    """Write a file, and give it as a source."""
    stored(folder / name, values, **options)
    return h5py.VirtualSource(name, "data", values.shape, dtype=values.dtype)


def _saved(path: Path, layout: Any) -> dict[str, Any]:
    return saved(path, lambda file: file.create_virtual_dataset("data", layout, fillvalue=_FILL))


def _rows(folder: Path, data: SampleData) -> Iterator[Special]:
    """A file for each row of the scan, and one for each frame, more than are open at a time."""
    pixels, frames = data.pixels, data.frames
    rows = h5py.VirtualLayout(pixels.shape, pixels.dtype)
    for number, row in enumerate(pixels):
        rows[number] = _part(folder, f"row{number}.h5", row, chunks=(1 + number, 3, 6))
    keywords = _saved(folder / "rows.h5", rows)
    yield Special("a file for each row", keywords, pixels=pixels, notes=0)
    yield Special("the same, read by h5py", {**keywords, "fast": False}, pixels=pixels)
    yield Special("the same, from anywhere", {**keywords, "external": "anywhere"}, pixels=pixels)
    single = h5py.VirtualLayout(frames.shape, frames.dtype)
    for number in range(len(frames)):
        single[number : number + 1] = _part(folder, f"frame{number}.h5", frames[number : number + 1])
    yield Special("a file for each frame", _saved(folder / "single.h5", single), pixels=frames, details=PLAIN)


def _halves(folder: Path, data: SampleData) -> Iterator[Special]:
    """Two sources, of which one may be missing."""
    frames, half = data.frames, data.n_frames // 2
    flat = h5py.VirtualLayout(frames.shape, frames.dtype)
    for number, cut in enumerate((slice(0, half), slice(half, data.n_frames))):
        flat[cut] = _part(folder, f"half{number}.h5", frames[cut])
    keywords = _saved(folder / "halves.h5", flat)
    yield Special("two halves", keywords, pixels=frames, details=PLAIN)
    (folder / "half0.h5").unlink()
    valid = np.arange(data.n_frames) >= half
    told: dict[str, Any] = {"valid": valid, "notes": 1, "warnings": 1, "details": PLAIN}
    yield Special("a half that is not there", keywords, pixels=frames, **told)
    saved(folder / "half0.h5", lambda file: file.create_dataset("other", data=frames[:half]))
    yield Special("a half whose file lacks the data set", keywords, pixels=frames, **told)
    stored(folder / "half0.h5", frames[: half - 2])
    told["valid"] = (np.arange(data.n_frames) < half - 2) | valid
    yield Special("a half that is shorter than announced", keywords, pixels=frames, **told)
    stored(folder / "half0.h5", frames[:half], chunks=(half, *data.sig_shape))
    both = {"layout": f"{CHUNKS['layout']}; {PLAIN['layout']}"}
    yield Special("a half in chunks, and one in one piece", keywords, pixels=frames, details=both)
    first = h5py.VirtualLayout(frames.shape, frames.dtype)
    first[:1] = _part(folder, "first.h5", frames[:1], chunks=True)
    first[1:] = _part(folder, "others.h5", frames[1:])
    keywords = _saved(folder / "mixed.h5", first)
    yield Special("one frame in chunks, and others in one piece", keywords, pixels=frames, details=both)


def _stretches(folder: Path, data: SampleData) -> Iterator[Special]:
    """Parts of a source, with steps between them that no source has."""
    frames, n = data.frames, data.n_frames
    source = _part(folder, "all.h5", frames)
    layout = h5py.VirtualLayout((n + 3, *data.sig_shape), frames.dtype)
    layout[1:4] = source[2:5]
    layout[5 : n - 1] = source[6:n]
    pixels, valid = np.zeros(layout.shape, frames.dtype), np.zeros(n + 3, np.bool_)
    for target, part in ((slice(1, 4), slice(2, 5)), (slice(5, n - 1), slice(6, n))):
        pixels[target], valid[target] = frames[part], True
    keywords = _saved(folder / "stretches.h5", layout)
    told: dict[str, Any] = {"pixels": pixels, "valid": valid, "notes": 1, "warnings": 1, "details": PLAIN}
    yield Special("parts of one source with gaps", keywords, **told)
    inner = h5py.VirtualLayout(frames.shape, frames.dtype)
    for number, cut in enumerate((slice(0, 4), slice(4, n))):
        inner[cut] = _part(folder, f"inner{number}.h5", frames[cut])
    _saved(folder / "all.h5", inner)
    yield Special("parts with gaps of a source of two files", keywords, **told)


def _tiles(folder: Path, data: SampleData) -> Iterator[Special]:
    """Frames that are put together, or come from several sources in turns."""
    frames, (height, width) = data.frames, data.sig_shape
    turns = h5py.VirtualLayout(frames.shape, frames.dtype)
    for number in range(3):
        turns[number::3] = _part(folder, f"turn{number}.h5", frames[number::3], compression="gzip")
    yield Special("frames in turns", _saved(folder / "turns.h5", turns), pixels=frames)
    middle = width // 2
    sides = h5py.VirtualLayout((data.n_frames, height, width + 2), frames.dtype)
    sides[:, :, :middle] = _part(folder, "left.h5", frames[:, :, :middle])
    sides[:, :, middle + 2 :] = _part(folder, "right.h5", frames[:, :, middle:], chunks=True)
    gap = np.insert(frames, [middle, middle], _FILL, axis=2)
    keywords = _saved(folder / "sides.h5", sides)
    yield Special("two modules with a gap", keywords, pixels=gap)
    yield Special("modules in reverse order", {**keywords, "reverse_axes": True}, pixels=gap.T)
    yield Special("detector axes of modules", {**keywords, "sig_axes": (0, 1)}, pixels=gap.transpose(2, 0, 1))
    inner = h5py.VirtualLayout((data.n_frames, height, middle), frames.dtype)
    half = data.n_frames // 2
    for number, cut in enumerate((slice(0, half), slice(half, data.n_frames))):
        inner[cut] = _part(folder, f"left{number}.h5", frames[cut, :, :middle])
    _saved(folder / "left.h5", inner)
    yield Special("a module whose frames are in two files", keywords, pixels=gap)
    columns = h5py.VirtualLayout(frames.shape, frames.dtype)
    for number in range(2):
        columns[:, :, number::2] = _part(folder, f"columns{number}.h5", frames[:, :, number::2])
    yield Special("columns in turns", _saved(folder / "columns.h5", columns), pixels=frames)
    single = h5py.VirtualLayout(frames.shape, frames.dtype)
    for number in range(0, data.n_frames, 2):
        single[number] = _part(folder, f"image{number}.h5", frames[number])
    even = np.where(np.arange(data.n_frames)[:, np.newaxis, np.newaxis] % 2, frames.dtype.type(_FILL), frames)
    keywords = _saved(folder / "images.h5", single)
    yield Special("every second frame is a file of one image", keywords, pixels=even)
    yield Special("images as an axis of the detector", {**keywords, "sig_axes": (0, 1)}, pixels=even.transpose(2, 0, 1))


def _empty_parts(folder: Path, data: SampleData) -> Iterator[Special]:
    """A part that takes no pixels."""
    stored(folder / "whole.h5", data.frames)

    def write(file: Any) -> None:
        shape = data.frames.shape
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        for nothing in (True, False):
            spaces = [h5py.h5s.create_simple(shape) for _ in range(2)]
            for space in spaces:
                if nothing:
                    space.select_none()
            plist.set_virtual(spaces[0], b"whole.h5", b"data", spaces[1])
        h5py.h5d.create(file.id, b"data", h5py.h5t.py_create(data.frames.dtype), h5py.h5s.create_simple(shape), plist)

    keywords = saved(folder / "nothing.h5", write)
    yield Special("a part without pixels", keywords, pixels=data.frames, details=PLAIN)


def _copied_sources(folder: Path, data: SampleData) -> Iterator[Special]:
    """Sources that were written in another folder, and copied beside the file since."""
    layout = h5py.VirtualLayout(data.frames.shape, data.frames.dtype)
    stored(folder / "copied.h5", data.frames)
    layout[:] = h5py.VirtualSource("../elsewhere/copied.h5", "data", data.frames.shape)
    keywords = _saved(folder / "moved.h5", layout)
    yield Special("a source that was moved here", keywords, pixels=data.frames, details=PLAIN)
