"""The settings that Direct Electron's server writes into ``NAME_info.txt``: lines ``key = value``."""

from __future__ import annotations

import math
from typing import Any

from lamella.reader import Axis, number, unix_time

__all__ = ["Info", "parse_info"]

METADATA = (  # name in lamella.Metadata, key, factor
    ("beam_energy", "Instrument Accelerating Voltage (V)", 1.0),
    ("camera_length", "Instrument Project Camera Length (centimeters)", 0.01),
    ("magnification", "Instrument Project Magnification", 1.0),
    ("scan_rotation", "Scan - Rotation", 1.0),
    ("exposure_time", "Frame Time (nanoseconds)", 1e-9),
    ("dwell_time", "Scan - Dwell Time (microseconds)", 1e-6),
    ("detector_pixel_pitch", "Sensor Pixel Pitch (micrometers)", 1e-6),
)


class Info(dict[str, str]):
    """The settings in ``NAME_info.txt``."""

    def number(self, key: str) -> float:
        """Give a number, NaN if it is missing or not a number."""
        found = number(self.get(key))
        return math.nan if found is None else found

    def count(self, *keys: str) -> int:
        """Give the first of several numbers that is there, 1 if none is."""
        found = (self.number(key) for key in keys)
        return int(next((value for value in found if 0 < value < 1 << 31), 1))

    @property
    def sig_axes(self) -> tuple[Axis, ...]:
        """The axes of a frame."""
        return tuple(Axis.of(f"k{a.lower()}", self.number(f"Diffraction Pixel Size {a}"), "1/nm") for a in "YX")

    @property
    def nav_axes(self) -> tuple[Axis, ...]:
        """The two axes of a scan."""
        return tuple(Axis.of(a.lower(), self.number(f"Specimen Pixel Size {a} (nanometers)"), "nm") for a in "YX")

    def metadata(self) -> dict[str, Any]:
        """Give entries of `lamella.reader.Metadata`."""
        found: dict[str, Any] = {
            name: self.number(key) * factor for name, key, factor in METADATA if 0 < self.number(key) < math.inf
        }
        mode = {"0": "TEM", "1": "STEM"}.get(self.get("Instrument Project TEMorSTEM Mode", ""))
        server = self.get("Server Software Version")
        texts = {
            "acquired": unix_time(self.get("Timestamp (seconds since Epoch)")),
            "mode": mode,
            "detector": self.get("Camera Model"),
            "software": f"Direct Electron server {server}" if server else None,
        }
        return found | {name: text for name, text in texts.items() if text}


def parse_info(text: str) -> Info:
    """Give the settings in the text of an ``_info.txt``."""
    pairs = (line.partition("=") for line in text.splitlines())
    return Info({key.strip(): value.strip() for key, equals, value in pairs if equals})
