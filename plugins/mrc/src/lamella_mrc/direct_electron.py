"""What Direct Electron's server writes beside ``NAME_movie.mrc``: settings, and where a free scan went.

``NAME_info.txt`` holds lines ``key = value``. ``NAME_scan_coordinates.csv`` holds a line ``x,y`` for each frame in the
order of acquisition, column and row counted from 0. ``NAME_<k>_<what>.mrc`` and ``NAME_ext<k>.mrc`` are images of the
scan by virtual and external detectors. The name of the movie may have a number or a word more than NAME.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, TruncatedError
from lamella.metadata import Axis
from lamella.probe import Probe
from lamella_mrc.header import calibrated, read_header
from lamella_mrc.params import MrcParams

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["INFO", "MOVIE", "Info", "Scan", "movie_beside", "navigator_of", "read_info", "scan_of"]

INFO, MOVIE, COORDINATES = "_info.txt", "_movie.mrc", "_scan_coordinates.csv"

_LONGEST_INFO = 1 << 20
_REMEDY = "Give nav_shape to override it, or sidecars=False to open the frames in the order of acquisition"

METADATA = (  # name in lamella.Metadata, key, factor
    ("beam_energy", "Instrument Accelerating Voltage (V)", 1.0),
    ("camera_length", "Instrument Project Camera Length (centimeters)", 0.01),
    ("magnification", "Instrument Project Magnification", 1.0),
    ("scan_rotation", "Scan - Rotation", 1.0),
    ("exposure_time", "Frame Time (nanoseconds)", 1e-9),
    ("dwell_time", "Scan - Dwell Time (microseconds)", 1e-6),
    ("detector_pixel_pitch", "Sensor Pixel Pitch (micrometers)", 1e-6),
)


@dataclass(frozen=True, slots=True)
class Scan:
    """How the frames of a movie sit on the scan; ``shape`` is None if the sidecars do not say."""

    shape: tuple[int, ...] | None = None
    origin: str = ""
    index: NDArray[np.int64] | None = None
    axes: tuple[Axis, ...] = ()
    notes: tuple[str, ...] = ()


class Info(dict[str, str]):
    """The settings in ``NAME_info.txt``."""

    def number(self, key: str) -> float:
        """Give a number, NaN if it is missing or not a number."""
        try:
            return float(self[key])
        except (KeyError, ValueError):
            return math.nan

    def count(self, *keys: str) -> int:
        """Give the first of several numbers that is there, 1 if none is."""
        found = (self.number(key) for key in keys)
        return int(next((value for value in found if 0 < value < 1 << 31), 1))

    @property
    def sig_axes(self) -> tuple[Axis, ...]:
        """The axes of a frame."""
        return tuple(calibrated(f"k{a.lower()}", self.number(f"Diffraction Pixel Size {a}"), "1/nm") for a in "YX")

    @property
    def nav_axes(self) -> tuple[Axis, ...]:
        """The two axes of a scan."""
        return tuple(calibrated(a.lower(), self.number(f"Specimen Pixel Size {a} (nanometers)"), "nm") for a in "YX")

    def metadata(self) -> dict[str, Any]:
        """Give entries of `lamella.metadata.Metadata`."""
        found: dict[str, Any] = {
            name: self.number(key) * factor for name, key, factor in METADATA if 0 < self.number(key) < math.inf
        }
        seconds = self.number("Timestamp (seconds since Epoch)")
        if 0 < seconds < 1 << 36:
            found["acquired"] = datetime.fromtimestamp(seconds, UTC).isoformat()
        mode = {"0": "TEM", "1": "STEM"}.get(self.get("Instrument Project TEMorSTEM Mode", ""))
        server = self.get("Server Software Version")
        texts = {
            "mode": mode,
            "detector": self.get("Camera Model"),
            "software": f"Direct Electron server {server}" if server else None,
        }
        return found | {name: text for name, text in texts.items() if text}


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


def parse_info(text: str) -> Info:
    """Give the settings in the text of an ``_info.txt``."""
    pairs = (line.partition("=") for line in text.splitlines())
    return Info({key.strip(): value.strip() for key, equals, value in pairs if equals})


def navigator_of(probe: Probe, shape: tuple[int, ...] | None) -> Callable[[], NDArray[Any]] | None:
    """Give a function that reads an image of the scan, if a detector made one of its shape."""
    assert probe.path is not None
    info = _beside(probe.path.name, INFO, probe)
    if info is None or shape is None or len(shape) != 2:
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
    probe = Probe.of(path)
    header = read_header(probe, MrcParams())
    shape, dtype = header.encoding.sig_shape, header.encoding.dtype
    raw = probe.read(header.offset, math.prod(shape) * dtype.itemsize)
    if len(raw) < math.prod(shape) * dtype.itemsize:
        raise TruncatedError("the image of the scan is incomplete", path=path, found=f"{probe.size} bytes")
    return np.frombuffer(raw, dtype).reshape(shape).astype(dtype.newbyteorder("="))


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
    if math.prod(shape) != sections or _is_sparse(math.prod(shape), n_frames):
        return Scan(notes=(f"the scan shape {shape} of {INFO[1:]} needs {math.prod(shape)} frames, not {sections}",))
    kind = info.get("Scan - ROI Type" if _is_roi(info) else "Scan - Type", "Raster")
    notes = () if kind == "Raster" else (f"the scan was of type {kind}; frames stand in the order of acquisition",)
    return Scan(shape, f"sidecar {INFO[1:]}", None, _axes(info, repeats, frames), notes)


def _axes(info: Info, repeats: int, frames: int) -> tuple[Axis, ...]:
    delay = info.number("Scan - Repeat Delay (seconds)") + info.number("Scan - Time Per Scan (seconds)")
    before = (calibrated("repeat", delay, "s"),) if repeats > 1 else ()
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
    return Probe.of(path).read(0, most).decode("utf-8-sig", errors="replace")
