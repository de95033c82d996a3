"""What a data set is, from the lengths, the units and the names of its axes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.reader.metadata import Axis

__all__ = ["KindOfData", "frame_word", "is_rgb", "kind_of", "shows_diffraction", "words_of"]

KindOfData: TypeAlias = Literal[
    "frame", "spectrum", "line of spectra", "line scan", "spectrum image", "scan", "series", "map"
]
"""A single frame, a single spectrum, spectra along one axis, frames along a line, spectra over an area, frames over an
area, frames one after the other, and one number at each position."""

_LENGTH = re.compile(r"(f|p|n|u|\u00b5|\u03bc|m|c)?m|\u00c5|\u212b|A|[Aa]ngstr(o|\u00f6)ms?|(micro|nano)?met(er|re)s?")
_RECIPROCAL = re.compile(r"1\s*/.*|.*(\u207b\u00b9|\^-1|\^\{-1\})|(m|\u00b5|u)?rad|deg(rees?)?|\u00b0")
_PIXEL_DETECTORS = ("merlin", "medipix", "timepix", "empad", "dectris", "arina", "quadro", "eiger", "pilatus", "delta")
"""Counting detectors whose frames are diffraction patterns where nothing else is said."""


def kind_of(dataset: DataSet) -> KindOfData:
    """Give what a data set is. Axes of length one do not count."""
    nav, sig = _longer(dataset.shape.nav), _longer(dataset.shape.sig)
    if not sig:
        return "map"
    if len(sig) == 1:
        return ("spectrum", "line of spectra", "spectrum image")[min(len(nav), 2)]
    if not nav:
        return "frame"
    if len(nav) > 1:
        return "scan"
    return "line scan" if _is_line(dataset) else "series"


def words_of(kind: KindOfData, dataset: DataSet, *, diffraction: bool | None) -> str:
    """Give what a data set is, in words."""
    axes = len(_longer(dataset.shape.nav)) + (2 if is_rgb(dataset) else len(_longer(dataset.shape.sig)))
    patterns = diffraction is not False
    words = {
        "frame": "diffraction pattern" if diffraction else "image",
        "spectrum": "spectrum",
        "line of spectra": "line scan of spectra" if _is_line(dataset) else "series of spectra",
        "line scan": "line scan of diffraction patterns" if patterns else "line scan of images",
        "spectrum image": "spectrum image",
        "scan": f"{axes}D scan",
        "series": "series of diffraction patterns" if diffraction else "image series",
        "map": "one number at each position",
    }
    return words[kind]


def shows_diffraction(dataset: DataSet) -> bool | None:
    """Whether frames are diffraction patterns, or images of the specimen (False); None if the file does not tell."""
    if is_rgb(dataset):
        return False
    nav = dataset.shape.nav.dims
    axes = dataset.axes[nav:][-2:]
    units = {axis.units for axis in axes if axis.units}
    if any(_RECIPROCAL.fullmatch(text.strip()) for text in units):
        return True
    if any(is_length(text) for text in units):
        return False
    described = len(dataset.info.sig_axes) == dataset.shape.sig.dims
    if described and all(axis.name.lower().startswith(("k", "q")) for axis in axes):
        return True
    mode = (dataset.metadata.mode or "").lower()
    if "diffraction" in mode or "imag" in mode:
        return "diffraction" in mode
    detector = (dataset.metadata.detector or "").lower()
    return True if any(name in detector for name in _PIXEL_DETECTORS) else None


def is_rgb(dataset: DataSet) -> bool:
    """Whether a frame has a last axis of red, green, blue and maybe opacity."""
    sig = tuple(dataset.shape.sig)
    return len(sig) == 3 and sig[2] in (3, 4) and min(sig[:2]) > 1 and dataset.dtype == "u1"


def frame_word(dataset: DataSet, *, plural: bool = False) -> str:
    """Give what a frame is called: a spectrum, an image or a pattern."""
    if len(_longer(dataset.shape.sig)) < 2:
        return "spectra" if plural else "spectrum"
    diffraction = shows_diffraction(dataset)
    if diffraction is None:
        diffraction = kind_of(dataset) in ("scan", "line scan")
    return ("pattern" if diffraction else "image") + "s" * plural


def is_length(units: str | None) -> bool:
    """Whether a unit is one of length."""
    return units is not None and _LENGTH.fullmatch(units.strip()) is not None


def _longer(lengths: Sequence[int]) -> list[int]:
    return [n for n in lengths if n > 1]


def _is_line(dataset: DataSet) -> bool:
    """Whether the one scan axis is a line on the specimen: the file gives a second scan axis, or positions along it."""
    nav = tuple(dataset.shape.nav)
    if len(nav) > 1:
        return True
    info = dataset.info
    if not info.nav_axes or (info.nav_shape is not None and tuple(info.nav_shape) != nav):
        return False
    axis: Axis = info.nav_axes[0]
    return is_length(axis.units) and not axis.name.lower().startswith("z")
