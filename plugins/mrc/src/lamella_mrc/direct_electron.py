"""What Direct Electron's server writes beside ``NAME_movie.mrc``: settings, and where a free scan went.

``NAME_info.txt`` holds lines ``key = value``. ``NAME_scan_coordinates.csv`` holds a line ``x,y`` for each frame in the
order of acquisition, column and row counted from 0. ``NAME_<k>_<what>.mrc`` and ``NAME_ext<k>.mrc`` are images of the
scan by virtual and external detectors. The name of the movie may have a number or another word more than NAME.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError
from lamella.reader import Axis, Caution, Probe, decoded_text, read_records
from lamella_mrc.header import read_header
from lamella_mrc.info import Info, parse_info
from lamella_mrc.params import MrcParams

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["INFO", "MOVIE", "Scan", "movie_beside", "navigator_of", "read_info", "scan_of"]

INFO, MOVIE, COORDINATES = "_info.txt", "_movie.mrc", "_scan_coordinates.csv"

_LONGEST_INFO = 1 << 20
_REMEDY = "Give nav_shape to override it, or sidecars=False to open the frames in the order of acquisition"


@dataclass(frozen=True, slots=True)
class Scan:
    """How the frames of a movie sit on the scan; ``shape`` is None if the sidecars do not say."""

    shape: tuple[int, ...] | None = None
    origin: str = ""
    index: NDArray[np.int64] | None = None
    axes: tuple[Axis, ...] = ()
    notes: tuple[str, ...] = ()


def movie_beside(probe: Probe) -> Probe:
    """Give the movie that belongs to an ``_info.txt``.

    Raises
    ------
    FormatError
        If there is none, or several.
    """
    assert probe.path is not None
    movies = [name for name in probe.siblings if name.endswith(MOVIE) and probe.sibling(name)]
    own = [name for name in movies if _beside(name, INFO, probe) == probe.path]
    if len(own) != 1:
        raise FormatError(
            f"{len(own)} movies belong to this file",
            path=probe.path,
            expected=f"one file named like it that ends with {MOVIE}",
            found=", ".join(own) or None,
            remedy="Open the movie itself",
        )
    return Probe.of(probe.path.parent / own[0])


def read_info(probe: Probe) -> Info | None:
    """Give the settings that lie beside a movie."""
    assert probe.path is not None
    path = _beside(probe.path.name, INFO, probe)
    return None if path is None else parse_info(_text(path, _LONGEST_INFO))


def navigator_of(probe: Probe, shape: tuple[int, ...] | None) -> Callable[[], NDArray[Any]] | None:
    """Give a function that reads an image of the scan, if a detector made one of its shape."""
    assert probe.path is not None
    info = _beside(probe.path.name, INFO, probe)
    if info is None or shape is None:
        return None
    named = re.compile(re.escape(info.name.removesuffix(INFO)) + r"_(virt|ext)?\d+(_.*)?\.mrc")
    for name in probe.siblings:
        path = probe.sibling(name) if named.fullmatch(name) and not name.endswith(MOVIE) else None
        if path is not None and _image_shape(path) == shape:
            return partial(_read_image, path)
    return None


def _image_shape(path: Path) -> tuple[int, ...] | None:
    try:
        header = read_header(Probe.of(path), MrcParams())
    except FormatError:
        return None
    return header.encoding.sig_shape if header.sections == 1 and header.encoding.codec is None else None


def _read_image(path: Path) -> NDArray[Any]:
    header = read_header(Probe.of(path), MrcParams())
    dtype = header.encoding.dtype
    [image] = read_records(path, [header.offset], np.dtype((dtype, header.encoding.sig_shape)))
    return np.asarray(image, dtype=dtype.newbyteorder("="))


def scan_of(probe: Probe, info: Info, sections: int, n_frames: int) -> Scan:
    """Give the scan of a movie that announces ``sections`` frames and holds ``n_frames``.

    Raises
    ------
    CorruptError
        If the list of positions does not fit the movie.
    """
    assert probe.path is not None
    grid = _grid(info)
    path = _beside(probe.path.name, COORDINATES, probe)
    if path is not None:
        return _free_scan(path, info, grid, sections, n_frames)
    if grid is None:
        return Scan(notes=("the scan shape is unknown, for the scan was disabled",))
    repeats = info.count("Scan - Repeats")
    frames = info.count("Scan - Camera Frames Per Point", "Scan - Point Repeat")
    shape = ((repeats,) if repeats > 1 else ()) + grid + ((frames,) if frames > 1 else ())
    if math.prod(shape) != sections:
        text = f"the scan shape {shape} of {INFO[1:]} needs {math.prod(shape)} frames, not {sections}; it is not used"
        return Scan(notes=(Caution(text),))
    kind = info.get("Scan - ROI Type" if _is_roi(info) else "Scan - Type", "Raster")
    notes = () if kind == "Raster" else (f"the scan was of type {kind}; frames are in the order of acquisition",)
    return Scan(shape, f"sidecar {INFO[1:]}", None, _axes(info, repeats, frames), notes)


def _axes(info: Info, repeats: int, frames: int) -> tuple[Axis, ...]:
    delay = info.number("Scan - Repeat Delay (seconds)") + info.number("Scan - Time Per Scan (seconds)")
    before = (Axis.of("repeat", delay, "s"),) if repeats > 1 else ()
    return (*before, *info.nav_axes, *((Axis("frame"),) if frames > 1 else ()))


def _is_roi(info: Info) -> bool:
    return info.get("Scan - ROI Enable") == "Enable"


def _grid(info: Info) -> tuple[int, int] | None:
    if info.get("Scan - Enable") == "Disable":
        return None
    area = "ROI " if _is_roi(info) else ""
    sizes = [info.number(f"Scan - {area}Size {axis}") for axis in "YX"]
    return (int(sizes[0]), int(sizes[1])) if all(0 < size < 1 << 31 for size in sizes) else None


def _free_scan(path: Path, info: Info, grid: tuple[int, int] | None, sections: int, n_frames: int) -> Scan:
    """Give the scan whose positions are listed; a position visited k times gets k places on an axis of repeats."""
    x, y = _coordinates(path, sections)
    height, width = int(y.max()) + 1, int(x.max()) + 1
    if grid is not None and height <= grid[0] and width <= grid[1]:
        height, width = grid
    where = y * width + x
    order = np.argsort(where, kind="stable")
    begins = np.flatnonzero(np.diff(where[order], prepend=-1))
    visit = np.empty_like(where)
    visit[order] = np.arange(len(where)) - np.repeat(begins, np.diff(np.append(begins, len(where))))
    repeats = int(visit.max()) + 1
    if _is_sparse(repeats * height * width, n_frames):
        raise CorruptError(
            "the scan positions lie too far apart",
            path=path,
            expected=f"{sections} positions on a grid of about that size",
            found=f"a grid of {height} x {width}",
            remedy=_REMEDY,
        )
    index = np.full(repeats * height * width, -1, dtype=np.int64)
    frames = np.arange(len(where))
    index[visit * height * width + where] = np.where(frames < n_frames, frames, -1)
    shape = ((repeats,) if repeats > 1 else ()) + (height, width)
    return Scan(shape, f"sidecar {COORDINATES[1:]}", index, _axes(info, repeats, 1))


def _is_sparse(places: int, n_frames: int) -> bool:
    """Say whether a scan would be so empty that its size is not to be believed."""
    return places > max(1 << 22, 128 * n_frames)


def _coordinates(path: Path, sections: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    lines = _text(path, 64 * (sections + 1)).split()
    try:
        rows = np.array([[int(part) for part in line.split(",")] for line in lines], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise CorruptError(
            f"the scan positions cannot be read ({error})", path=path, expected="lines of x,y", remedy=_REMEDY
        ) from error
    if rows.shape != (sections, 2) or sections == 0 or rows.min() < 0 or rows.max() >= 1 << 31:
        raise CorruptError(
            "the scan positions do not fit the movie",
            path=path,
            expected=f"{sections} lines x,y, one for each frame, not negative",
            found=f"{len(rows)} lines",
            remedy=_REMEDY,
        )
    return rows[:, 0], rows[:, 1]


def _beside(movie: str, ending: str, probe: Probe) -> Path | None:
    """Give the sidecar with the longest name that the name of the movie begins with."""
    fitting = [
        name for name in probe.siblings if name.endswith(ending) and movie.startswith(name.removesuffix(ending) + "_")
    ]
    return next((path for name in sorted(fitting, key=len, reverse=True) if (path := probe.sibling(name))), None)


def _text(path: Path, most: int) -> str:
    return decoded_text(Probe.of(path).read(0, most))
