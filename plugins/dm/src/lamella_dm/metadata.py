"""What the tags of an image say about microscope and detector."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from lamella.reader import Metadata, text_time
from lamella_dm.tags import Group

__all__ = ["metadata_of"]

NUMBERS = (  # name in lamella.Metadata, path below ImageTags, factor
    ("beam_energy", ("Microscope Info", "Voltage"), 1.0),  # V
    ("camera_length", ("Microscope Info", "STEM Camera Length"), 1e-3),  # mm
    ("magnification", ("Microscope Info", "Indicated Magnification"), 1.0),
    ("convergence_angle", ("EELS", "Convergence semi-angle (mrad)"), math.degrees(1e-3)),
    ("scan_rotation", ("DigiScan", "Rotation"), 1.0),  # degree
    ("exposure_time", ("DataBar", "Exposure Time (s)"), 1.0),
    ("dwell_time", ("SI", "Acquisition", "Pixel time (s)"), 1.0),
    ("dwell_time", ("DigiScan", "Sample Time"), 1e-6),  # µs
)
TEXTS = (
    ("instrument", ("Microscope Info", "Name")),
    ("instrument", ("Session Info", "Microscope")),
    ("detector", ("DataBar", "Device Name")),
    ("detector", ("Acquisition", "Device", "Name")),
    ("operator", ("Session Info", "Operator")),
    ("mode", ("Microscope Info", "Operation Mode")),
    ("mode", ("Microscope Info", "Illumination Mode")),
)
"""The first path that holds something counts."""

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)  # of the operating system's clock, in steps of 100 ns


def metadata_of(image: Group) -> Metadata:
    """Give the typed metadata of an image."""
    tags = image.group("ImageTags")
    found: dict[str, float | str | None] = {"title": image.text("Name"), "acquired": _acquired(tags.group("DataBar"))}
    for name, path, factor in NUMBERS:
        value = tags.number(*path) * factor
        if math.isfinite(value) and (value > 0 or name == "scan_rotation"):
            found.setdefault(name, value)
    for name, labels in TEXTS:
        text = tags.text(*labels)
        if text is not None:
            found.setdefault(name, text)
    version = tags.text("GMS Version", "Created")
    found["software"] = f"DigitalMicrograph {version}" if version else None
    return Metadata(**found)  # type: ignore[arg-type]


def _acquired(bar: Group) -> str | None:
    """Give the time of acquisition, in UTC where the clock of the system was recorded."""
    ticks = bar.number("Acquisition Time (OS)")
    if ticks > 0:
        try:
            return (_EPOCH + timedelta(microseconds=ticks / 10)).isoformat(timespec="seconds")
        except OverflowError:
            return None
    day, clock = bar.text("Acquisition Date"), text_time(bar.text("Acquisition Time"), "%I:%M:%S %p", "%H:%M:%S")
    readings = {text_time(day, form) for form in ("%m/%d/%Y", "%d/%m/%Y", "%Y-%m-%d", "%d.%m.%Y")} - {None}
    if len(readings) != 1:  # day and month may be exchanged
        return None
    date = str(readings.pop())[:10]
    return date if clock is None else date + clock[10:]
