"""DECTRIS master files (Arina, Quadro, Eiger): external links to data files, read one after the other.

The master does not hold the scan shape; the file ``X.h5`` beside ``X_master.h5`` does, in its group "STEM Metadata".
"""

from __future__ import annotations

import math
import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import FormatError, UnsupportedError
from lamella.reader import Axis, Caution, Corrections, Metadata, number
from lamella_hdf5.choice import Choice
from lamella_hdf5.library import opened
from lamella_hdf5.links import Elsewhere, locate
from lamella_hdf5.objects import Dataset, Group, Leaving, group_at, links_of, reach
from lamella_hdf5.pieces import pieces_of
from lamella_hdf5.stored import Piece
from lamella_hdf5.tree import count_of, known_text, known_time, numbers_in, scalar, times
from lamella_hdf5.values import TooLarge, attributes, numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["dectris"]

_DETECTOR = "entry/instrument/detector"
_MOST_PIXELS, _LARGEST_MASK, _AT_ONCE = 20 << 20, 32 << 20, 4 << 20
_LISTED = 4
_NUMBERED = re.compile(r"data_\d{6}")


def dectris(root: Any, elsewhere: Elsewhere, *, fast: bool) -> Choice | None:
    """Give the frames of all data files in order; those of files that are not there are missing frames.

    Raises
    ------
    FormatError
        If there is none, or they do not belong together.
    """
    data, names = _numbered(root)
    if not names:
        return None
    notes: list[str] = []
    files: list[str] = []
    found = [_linked(data, name, elsewhere, files, fast=fast) for name in names]
    series, triggers = (
        count_of(scalar(root, f"{_DETECTOR}/detectorSpecific/{name}")) for name in ("nimages", "ntrigger")
    )
    planned = series * (triggers or 1)
    absent = [_file_behind(data, name) for name, one in zip(names, found, strict=True) if one is None]
    if len(absent) == len(names):
        raise FormatError(
            "none of the data files of this master file is there",
            path=elsewhere.path,
            expected=str(elsewhere.path.parent / absent[0]),
            remedy="Put the data files beside the master file, under their original names",
        )
    pieces = _in_order(found, absent, planned, elsewhere)
    first = sum(piece.count for piece in pieces)
    if absent:
        listed = ", ".join(absent[:_LISTED]) + (" ..." if len(absent) > _LISTED else "")
        notes.append(
            Caution(
                f"{len(absent)} of {len(names)} data files are not there ({listed}); "
                "their frames are missing, and later frames keep their places"
            )
        )
    stem = _sidecar(elsewhere.path, elsewhere)
    if stem:
        files.append(stem["file"])
    there = sum(piece.count for piece in pieces if piece.stored is not None)
    if planned and planned != there:
        text = f"{planned} frames were planned, {there} are there; these are shown"
        notes.append(Caution(text) if there < planned else text)
    shape, origin = _scan(stem, first, planned)
    stored = next(piece.stored for piece in pieces if piece.stored is not None)
    corrections = _corrections(root, stored.shape[1:], notes)
    return Choice(
        convention="DECTRIS master file",
        pieces=pieces,
        sig_axes=(1, 2),
        nav_shape=shape,
        nav_origin=origin,
        nav_axes_known=_nav_axes(stem, shape),
        metadata=_metadata(root, stem),
        corrections=corrections,
        notes=tuple(notes),
        files=tuple(files),
    )


def _numbered(root: Any) -> tuple[Any, list[str]]:
    """Give the group that holds the data files, and their names; early firmware put them one level higher."""
    for path in ("entry/data", "entry"):
        data = group_at(root, path)
        names = [name for name in links_of(data) if _NUMBERED.fullmatch(name)] if isinstance(data, Group) else []
        if names:
            return data, names
    return None, []


@dataclass(frozen=True, slots=True)
class _Part:
    """The frames of one data file, and the number of the first one as the detector counts from 1; 0 if unknown."""

    pieces: tuple[Piece, ...]
    number: int

    @classmethod
    def of(cls, item: Dataset, home: Elsewhere, *, fast: bool) -> _Part:
        return cls(pieces_of(item, home, fast=fast), count_of(attributes(item).get("image_nr_low")))

    @property
    def count(self) -> int:
        return sum(piece.count for piece in self.pieces)


def _in_order(found: list[_Part | None], absent: list[str], planned: int, elsewhere: Elsewhere) -> tuple[Piece, ...]:
    """Give the frames of all files one after the other, with a hole for each file that is not there.

    Files after a hole say by their numbers where they belong. Else all files but the last hold the same number.
    """
    usual = next(part.count for part in found if part is not None)
    base = found[0].number if found[0] is not None else 1
    pieces: list[Piece] = []
    first, hole = 0, False
    for position, part in enumerate(found):
        if part is None:
            hole = True
            continue
        begin = part.number - base if part.number else first
        if hole and begin <= first:  # no number, or one that does not count the frames of missing files
            begin = usual * position
        if hole and (begin <= first or (planned and begin + part.count > planned)):
            raise FormatError(
                "data files of this master file are not there, and nothing tells how many frames they held",
                path=elsewhere.path,
                expected=", ".join(absent[:_LISTED]),
                remedy="Put the data files beside the master file, under their original names",
            )
        if begin > first:
            pieces.append(Piece(None, first, begin - first))
            first = begin
        for piece in part.pieces:
            if piece.stored and (other := next((one for one in pieces if one.stored), None)):
                _expect_alike(other, piece, elsewhere)
            pieces.append(Piece(piece.stored, first, piece.count, piece.skip))
            first += piece.count
        hole = False
    return tuple(pieces)


def _linked(data: Group, name: str, elsewhere: Elsewhere, files: list[str], *, fast: bool) -> _Part | None:
    """Give the frames behind one name, None if their file is missing."""
    found = reach(data, name)
    if not isinstance(found, Leaving):
        if not isinstance(found, Dataset) or not numbers_in(found):
            return None
        return _Part.of(found, elsewhere, fast=fast)
    file = elsewhere.find(found.file)
    if file is None:
        return None
    with ExitStack() as others:
        other = others.enter_context(opened(file))
        item, home = locate(other, found.path, Elsewhere(file, elsewhere.policy), others)
        if not isinstance(item, Dataset) or not numbers_in(item) or len(item.shape) != 3:
            raise FormatError("a data file does not hold frames", path=file, expected=f"three axes at {found.path}")
        files.append(str(file))
        return _Part.of(item, home, fast=fast)


def _file_behind(data: Group, name: str) -> str:
    found = reach(data, name)
    return found.file if isinstance(found, Leaving) else name


def _expect_alike(one: Piece, other: Piece, elsewhere: Elsewhere) -> None:
    assert one.stored is not None
    assert other.stored is not None
    if (one.stored.shape[1:], one.stored.dtype) != (other.stored.shape[1:], other.stored.dtype):
        raise UnsupportedError(
            "the data files of this master file do not belong together",
            path=elsewhere.path,
            expected=f"frames of {one.stored.shape[1:]} {one.stored.dtype}",
            found=f"{other.stored.shape[1:]} {other.stored.dtype} in {other.stored.path}",
        )


def _sidecar(path: Path, elsewhere: Elsewhere) -> dict[str, Any]:
    """Give the attributes of "STEM Metadata" in the file beside the master, and the name of that file."""
    if not path.name.endswith("_master.h5") or elsewhere.policy == "never":
        return {}
    beside = elsewhere.find(path.name.removesuffix("_master.h5") + ".h5")
    if beside is None:
        return {}
    try:
        with opened(beside) as file:
            attrs = attributes(group_at(file, "STEM Metadata"))
    except FormatError:
        return {}
    flat = {name: value[0] if isinstance(value, list) and value else value for name, value in attrs.items()}
    return {**flat, "file": str(beside)} if flat else {}


def _scan(stem: dict[str, Any], n_frames: int, planned: int) -> tuple[tuple[int, ...] | None, str]:
    y, x = count_of(stem.get("NumPixelsY")), count_of(stem.get("NumPixelsX"))
    if 0 < x < 1 << 20 and 0 < y < 1 << 20:
        return (y, x), f"sidecar {Path(stem['file']).name}"
    for count, why in ((planned, "planned frames"), (n_frames, "frames")):
        side = math.isqrt(count) if count < 1 << 40 else 0
        if side > 1 and side * side == count:
            return (side, side), f"guess: a square scan of {count} {why}"
    return None, ""


def _nav_axes(stem: dict[str, Any], shape: tuple[int, ...] | None) -> tuple[Axis, ...]:
    size = times(stem.get("Pixel Size"), 1.0)
    if shape is None or len(shape) != 2 or size is None:
        return ()
    return Axis("y", size, 0.0, "nm"), Axis("x", size, 0.0, "nm")


def _metadata(root: Any, stem: dict[str, Any]) -> Metadata:
    def own(name: str) -> Any:
        return scalar(root, f"{_DETECTOR}/{name}")

    rotation = stem.get("Rotation")
    return Metadata(
        acquired=known_time(own("detectorSpecific/data_collection_date")),
        detector=known_text(own("description")),
        software=known_text(own("detectorSpecific/software_version")),
        mode="STEM" if stem else None,
        beam_energy=times(stem.get("High Tension"), 1.0) or times(own("detectorSpecific/photon_energy"), 1.0),
        camera_length=times(stem.get("Camera Length"), 1.0),
        magnification=times(stem.get("Magnification"), 1.0),
        scan_rotation=None if isinstance(rotation, str) else number(rotation),
        exposure_time=times(own("count_time"), 1.0),
        dwell_time=times(stem.get("ScanDwellTime"), 1.0) or times(own("frame_time"), 1.0),
        detector_pixel_pitch=times(own("x_pixel_size"), 1.0),
        counter_depth=count_of(own("bit_depth_readout")) or None,
    )


def _corrections(root: Any, shape: tuple[int, ...], notes: list[str]) -> Corrections | None:
    """Give the pixels that the detector marks as bad."""
    mask = group_at(root, f"{_DETECTOR}/detectorSpecific/pixel_mask")
    if not numbers_in(mask) or tuple(mask.shape) != tuple(shape):
        return None
    try:
        excluded = _nonzero(mask)
    except TooLarge as error:
        notes.append(f"the mask of bad pixels is not read ({error})")
        return None
    return Corrections(excluded=excluded, allow_empty=True) if excluded.any() else None


def _nonzero(mask: Dataset) -> NDArray[np.bool_]:
    """Give where a mask is set; it is read in some rows at a time if it lies in one piece."""
    if math.prod(mask.shape) > _MOST_PIXELS:
        raise TooLarge(f"{math.prod(mask.shape)} pixels")
    found = np.empty(mask.shape, dtype=np.bool_)
    step = mask.shape[0] if mask.chunks else max(1, _AT_ONCE // (mask.shape[1] * mask.dtype.itemsize))
    for first in range(0, mask.shape[0], step):
        end = min(first + step, mask.shape[0])
        rows = numbers(mask, [(first, end), (0, mask.shape[1])], _LARGEST_MASK)
        np.not_equal(rows, 0, out=found[first:end])
    return found
