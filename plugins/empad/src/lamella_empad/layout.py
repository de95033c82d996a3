"""The frames of an EMPAD file (``.raw``), which has no header: how they look, and what tells them apart.

Sources: M. W. Tate et al., "High Dynamic Range Pixel Array Detector for Scanning Transmission Electron Microscopy"
(2016) and H. T. Philipp et al., "Very-High Dynamic Range, 10,000 Frames/Second Pixel Array Detector for Electron
Microscopy" (2022) for both generations of the detector, and the documentation of RosettaSciIO for the files
(https://hyperspy.org/rosettasciio/supported_formats/empad.html).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["LAYOUTS", "are_floats", "choose_layout", "shape_in_name"]

LAYOUTS: dict[str, np.dtype[Any]] = {
    "g1": np.dtype([("image", "<f4", (128, 128)), ("footer", "<f4", (256,))]),
    "g2": np.dtype([("image", "<u4", (128, 128))]),  # bits 0-13 analogue, 14-29 counter, 31 gain
    "float32": np.dtype([("image", "<f4", (128, 128))]),  # second generation, calibrated
}
"""One frame of each layout: 66 560 bytes, or 65 536."""

_NAMES = (
    re.compile(r"_x(?P<x>\d{1,6})_y(?P<y>\d{1,6})\.raw$", re.IGNORECASE),  # scan_x128_y64.raw
    re.compile(r"series_x(?P<n>\d{1,9})\.raw$", re.IGNORECASE),  # series_x10.raw
)


def shape_in_name(name: str) -> tuple[int, ...] | None:
    """Give the scan shape that the name of a raw file states.

    Examples
    --------
    >>> shape_in_name("scan_x128_y64.raw"), shape_in_name("series_x10.raw"), shape_in_name("a.raw")
    ((64, 128), (10,), None)
    """
    for pattern in _NAMES:
        if found := pattern.search(name):
            parts = found.groupdict()
            return tuple(int(parts[key]) for key in ("y", "x", "n") if key in parts)
    return None


def choose_layout(size: int, counts: Iterable[int], head: bytes) -> str:
    """Give the layout that fits the size of a file [bytes], a number of frames it may have, and its content."""
    layouts = ("g1", "float32") if are_floats(head) else ("g2", "g1")
    stated = [name for count in counts for name in layouts if count * LAYOUTS[name].itemsize == size]
    whole = [name for name in layouts if size % LAYOUTS[name].itemsize == 0]
    square = [name for name in whole if math.isqrt(n := size // LAYOUTS[name].itemsize) ** 2 == n]
    return (stated or square or whole or layouts)[0]


def are_floats(head: bytes) -> bool:
    """Whether bytes are float32 of the size that detectors give; words of the second generation would be tiny."""
    values = np.abs(np.frombuffer(head, "<f4", len(head) // 4))
    values = values[values != 0]
    return values.size == 0 or bool(np.mean(np.isnan(values) | ((values > 1e-9) & (values < 1e12))) > 0.9)
