"""Files that were cut within the pixels, after them, within their shape, and within the tags after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import Axis
from lamella_dm.specials.writing import axes_of, picture
from lamella_dm.writer import SWAPPED, File, Image, text
from lamella_testkit import SampleData, Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["cut_files"]


def cut_files(path: Path, data: SampleData) -> Iterator[Special]:
    """Files that were cut within the pixels, after them, within their shape, and within the tags after it."""
    sides = [(1.0, 0.5, "1/nm"), (2.0, 0.25, "1/nm"), (0.0, 2.0, "nm")]
    axes = axes_of(("frame", 1.0, 0.0, None), ("ky", 0.25, -0.5, "1/nm"), ("kx", 0.5, -0.5, "1/nm"))
    height, width = data.sig_shape
    frames = {"path": path, "sig_shape": data.sig_shape}
    for version in (3, 4):
        content = File([Image(data.frames, "", sides, [("more", text("tags"))])], version).tobytes()
        begin = content.index(data.tobytes())
        end, one = begin + data.nbytes, data.nbytes // data.n_frames
        for what, place, count in (
            ("within the last frame", end - 1, data.n_frames - 1),
            ("within the third frame", begin + 3 * one - 1, 2),
            ("after the third frame", begin + 3 * one, 3),
            ("after the pixels", end, data.n_frames),
            ("within the shape", content.index(b"PixelDepth") - 30, data.n_frames),
        ):
            path.write_bytes(content[:place])
            pixels = data.frames[:count]
            yield Special(f"DM{version}, cut {what}", frames, pixels=pixels, axes=axes, notes=1)
        path.write_bytes(content[: begin + 3 * one - 1])
        rows = data.frames.reshape(-1, width)[: 3 * height - 1]
        yield Special(
            f"DM{version}, rows of a file that was cut",
            {"path": path, "sig_shape": (width,)},
            pixels=rows,
            axes=[Axis("frame"), Axis("k", 0.5, -0.5, "1/nm")],
            notes=1,
        )
        yield Special(
            f"DM{version}, frames of three axes of a file that was cut",
            {"path": path, "sig_shape": (2, height, width)},
            pixels=data.frames[np.newaxis, :2],
            notes=1,
        )
        path.write_bytes(content[: content.index(b"PixelDepth")])
        counted = [Axis("frame", 2.0, 0.0, "nm"), *axes[1:]]
        whole = {"path": path}
        yield Special(f"DM{version}, cut after the shape", whole, pixels=data.frames, axes=counted, notes=1)
    for kind in ("c8", "c16"):
        for little in (True, False):
            numbers = data.frames.astype(kind)
            content = File([Image(numbers)], 4, little).tobytes()
            path.write_bytes(content[: len(content) // 2])
            count = (len(content) // 2 - content.index(_array_bytes(numbers, little))) // numbers[0].nbytes
            yield Special(f"numbers of type {kind}, cut", frames, pixels=numbers[:count], notes=1)
    content = File([Image(data.pixels, tags=SWAPPED)]).tobytes()
    path.write_bytes(content[: content.index(b"ImageTags")])
    as_stored = {"path": path, "force_c_order": True}
    yield Special("a scan without the order of its axes", as_stored, pixels=data.pixels, notes=1)
    survey = np.arange(600, dtype="<f4").reshape(20, 30)
    content = File([Image(survey, "survey"), Image(data.pixels, tags=SWAPPED)]).tobytes()
    path.write_bytes(content[: content.index(data.tobytes()) + 100])
    first = {"path": path, "dataset_index": 0}
    yield Special("an image before the one that was cut", first, pixels=survey[np.newaxis], notes=2)
    content = File([picture((3, 4)), Image(data.frames)]).tobytes()
    path.write_bytes(content[: content.index(data.tobytes()) + 9])
    colours = np.zeros((1, 3, 4, 4), np.uint8)
    yield Special("a picture before an image that was cut", first, pixels=colours, notes=3)


def _array_bytes(numbers: NDArray[Any], little: bool) -> bytes:
    """Give numbers in the byte order of a file."""
    return numbers.astype(numbers.dtype.newbyteorder("<" if little else ">")).tobytes()
