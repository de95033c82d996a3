"""Files of Velox: images under ``Data/Image``, frames on their last axis, described in a column of JSON per frame."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from lamella.errors import UnsupportedError
from lamella.reader import Axis, Metadata, number
from lamella_hdf5.choice import Choice
from lamella_hdf5.contents import unusable
from lamella_hdf5.objects import Dataset, Group, group_at, links_of
from lamella_hdf5.tree import Items, known_text, numbers_in, rank
from lamella_hdf5.values import numbers

__all__ = ["velox", "velox_choice"]

_LONGEST_TEXT = 1 << 20
"""Bytes of JSON that describe one frame, at most."""
_LARGEST_CHUNK = 16 << 20
_MOST_LEVELS = 64
_SPECTRA = ("Spectrum", "SpectrumStream", "SpectrumImage", "Line")


def velox(root: Any, items: Items, path: str | os.PathLike[str]) -> Choice | None:
    """Take the largest image stack of a Velox file.

    Raises
    ------
    UnsupportedError
        If it holds images, but none of plain numbers: Fourier transforms are stored as pairs of floats. Also if it
        holds spectra and events only.
    """
    home = group_at(root, "Data")
    images = group_at(home, "Image") if isinstance(home, Group) else None
    if not isinstance(images, Group) or not links_of(images):
        if isinstance(home, Group) and any(isinstance(group_at(home, name), Group) for name in _SPECTRA):
            raise unusable(
                "the Velox file holds no image: EDS spectra, or a stream of the events that they are made of, are all",
                items,
                path,
                "Name a spectrum with ds_path=; HyperSpy (rsciio.emd) puts streams of events together to maps",
            )
        return None
    groups = [group for name in links_of(images) if isinstance(group := group_at(images, name), Group)]
    found = [(group, data) for group in groups if isinstance(data := group_at(group, "Data"), Dataset)]
    usable = [one for one in found if numbers_in(one[1]) and len(one[1].shape) == 3]
    if usable:
        return velox_choice(*max(usable, key=lambda one: rank(one[1])))
    if found:
        item = found[0][1]
        raise UnsupportedError(
            "the Velox file holds no image of plain numbers",
            path=path,
            expected="integers or floats, shape (height, width, frames)",
            found=f"{item.dtype}, shape {item.shape} at {item.name}",
            remedy="Save the image itself rather than its Fourier transform",
        )
    raise unusable("the images of the Velox file have no data", items, path)


def velox_choice(group: Any, dataset: Any) -> Choice:
    """Describe one image stack, shape (height, width, frames)."""
    told = _Told(_described(group))
    frame_time = told.number("Scan", "FrameTime")
    axes = {axis: made for axis, name in enumerate("yx") if (made := _axis(told, axis, name)) is not None}
    if frame_time is not None and frame_time > 0 and dataset.shape[2] > 1:
        axes[2] = Axis("frame", frame_time, 0.0, "s")
    began = told.number("Acquisition", "AcquisitionStartDatetime", "DateTime")
    rotation = told.number("Scan", "ScanRotation")
    return Choice(
        convention="Velox image stack",
        dataset=dataset,
        axes=axes,
        sig_axes=(0, 1),
        metadata=Metadata(
            acquired=_moment(began),
            beam_energy=told.number("Optics", "AccelerationVoltage"),
            camera_length=told.number("Optics", "CameraLength"),
            detector=told.text("BinaryResult", "Detector"),
            instrument=told.text("Instrument", "InstrumentModel"),
            dwell_time=told.number("Scan", "DwellTime"),
            scan_rotation=None if rotation is None else number(math.degrees(rotation)),
        ),
        described=told.tree,
    )


def _described(group: Any) -> Mapping[str, Any]:
    """Read the JSON of the first frame; the rest of the column is padding."""
    column = group_at(group, "Metadata")
    if not numbers_in(column) or len(column.shape) != 2 or column.shape[0] > _LONGEST_TEXT:
        return {}
    try:
        first = numbers(column, [(0, column.shape[0]), (0, 1)], _LARGEST_CHUNK)
        told = json.loads(first.astype(np.uint8).tobytes().split(b"\0")[0].decode())
        json.dumps(told, allow_nan=False)
        if _levels(told) > _MOST_LEVELS:
            return {}
    except Exception:  # a description that cannot be read takes nothing from the pixels
        return {}
    return told if isinstance(told, dict) else {}


def _levels(told: Any) -> int:
    """Give how deep lists and dictionaries lie within each other; whoever handles them calls itself for each level."""
    inside, count = [told], 0
    while inside := [one for one in inside if isinstance(one, list | dict)]:
        inside = [item for one in inside for item in (one.values() if isinstance(one, dict) else one)]
        count += 1
    return count


class _Told:
    """Entries of the description by their path; numbers are written as text."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.tree = tree

    def entry(self, *path: str) -> Any:
        value: Any = self.tree
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def number(self, *path: str) -> float | None:
        """Give a finite number other than zero, which stands for "not known"."""
        return number(self.entry(*path)) or None

    def text(self, *path: str) -> str | None:
        """Give a text that says something."""
        return known_text(self.entry(*path))


def _axis(told: _Told, axis: int, name: str) -> Axis | None:
    unit = told.text("BinaryResult", f"PixelUnit{name.upper()}")
    size = told.number("BinaryResult", "PixelSize", ("height", "width")[axis])
    if unit is None or size is None or size < 0:
        return None
    offset = told.number("BinaryResult", "Offset", name) or 0.0
    factor, unit = {"m": (1e9, "nm"), "1/m": (1e-9, "1/nm"), "rad": (1e3, "mrad")}.get(unit, (1.0, unit))
    return Axis(name, size * factor, offset * factor, unit) if size * factor else None


def _moment(seconds: float | None) -> str | None:
    if seconds is None or not 0 < seconds < 1e11:
        return None
    return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)).isoformat()
