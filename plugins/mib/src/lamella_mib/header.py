"""The text before each frame, as Merlin software writes it.

Comma separated ASCII, padded with NUL to the size that its third field states: 384 bytes for one chip, 768 for four.
The payload follows at once, and after it the next record; a file has neither header nor footer. Public descriptions:
the readers of HyperSpy (https://hyperspy.org/rosettasciio/supported_formats/quantumdetector.html) and LiberTEM
(https://libertem.github.io/LiberTEM/formats.html).

=======  ================  ==========================================================================================
field    example           meaning
=======  ================  ==========================================================================================
0        ``MQ1``           magic
1        ``000001``        sequence number, from 1; more than six digits when there are that many frames
2        ``00384``         size of this header [bytes]
3        ``01``            number of chips
4, 5     ``0256``          width and height as stored [px]: raw quads have four chips side by side
6        ``U16``           pixels: ``Unn`` big-endian unsigned integers of assembled frames, ``R64`` raw 64-bit words
7        ``   2x2``        layout of the chips: ``1x1``, ``2x2``, ``Nx1``; with a ``G`` if gap pixels are inserted
8        ``0F``            chips that are read out, a hexadecimal bit mask
9        ``2021-04-15 …``  start of the exposure, local time; ``DD/MM/YYYY …`` before 2018
10       ``0.001000``      exposure [s]
11       ``0``             counter
12       ``0``             colour mode: 0 single, 1 multi
13       ``0``             gain: 0 SLGM, 1 LGM, 2 HGM, 3 SHGM
14 …     ``1.200000E+1``   eight thresholds [keV]
…        ``3RX,011,…``     for each chip its type and the settings of its converters
…        ``MQ1A``          marks what newer software appends:
+1       ``2021-…800Z``    start of the exposure, UTC, to the nanosecond
+2       ``1000000ns``     exposure
+3       ``12``            depth of the counter [bit]
=======  ================  ==========================================================================================
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lamella.errors import CorruptError, FormatError, TruncatedError

__all__ = ["MAGIC", "FrameHeader", "iso_time", "kind_text", "parse_header", "sequence_number", "start_time"]

MAGIC = b"MQ1,"
GAINS = ("SLGM", "LGM", "HGM", "SHGM")
_MOST_DIGITS = 12
_NEEDED = 9  # fields, all that is needed to find and decode frames
_DATE = re.compile(r"(\d{2})/(\d{2})/(\d{4})[ T](.+)")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)(\.\d{1,9})?\d*(Z?)")
_DECIMAL_COMMAS = re.compile(r"(?<=:\d\d),(\d{6}),(\d+),(\d{6})(?=,)")  # of start time and exposure
_THRESHOLD_COMMA = re.compile(r"(?<=\d),(?=\d{6}E[+-]\d)")


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """The header of one frame. What the file does not say, or says in an unknown way, is None."""

    text: str
    sequence: int
    header_size: int
    chips: int
    width: int
    height: int
    pixel_type: str
    layout: str
    chip_select: str
    start: str | None
    exposure: float | None
    counter: int | None
    colour_mode: int | None
    gain: str | None
    thresholds: tuple[float, ...]
    chip_settings: tuple[str, ...]
    depth: int | None

    @property
    def kind(self) -> dict[str, Any]:
        """What all frames of an acquisition have in common."""
        return {
            "header size": self.header_size,
            "chips": self.chips,
            "width": self.width,
            "height": self.height,
            "pixel type": self.pixel_type,
            "layout": self.layout,
            "counter depth": self.depth,
        }

    def to_json(self) -> dict[str, Any]:
        """Give every field, and the text as it is."""
        return {
            **self.kind,
            "sequence number": self.sequence,
            "chip select": self.chip_select,
            "start": self.start,
            "exposure": self.exposure,
            "counter": self.counter,
            "colour mode": self.colour_mode,
            "gain": self.gain,
            "thresholds": list(self.thresholds),
            "chip settings": list(self.chip_settings),
            "text": self.text,
        }


def parse_header(record: bytes, path: str) -> FrameHeader:
    """Read the header at the beginning of a record.

    Parameters
    ----------
    record
        The first bytes of the record.
    path
        The file it comes from.

    Raises
    ------
    FormatError
        If it is none, or if what is needed to find frames is missing or impossible.
    """
    if not record.startswith(MAGIC):
        if record and MAGIC.startswith(record):
            raise TruncatedError("the frame header breaks off", path=path, found=f"{len(record)} bytes")
        raise FormatError("this is not a MIB frame", path=path, expected=repr(MAGIC), found=repr(record[:4]))
    fields = _fields(record[: _number(_fields(record), 2)])
    if len(fields) < _NEEDED:
        raise TruncatedError(
            "the frame header breaks off", path=path, expected=f"{_NEEDED} fields or more", found=len(fields)
        )
    numbers = [_number(fields, i) for i in range(1, 6)]
    sequence, header_size, chips, width, height = numbers
    if sequence is None or header_size is None or chips is None or width is None or height is None:
        bad = numbers.index(None) + 1
        raise CorruptError(
            f"field {bad} of the frame header is damaged", path=path, expected="a number", found=repr(fields[bad])
        )
    if not (chips and width and height):
        found = f"{chips} chips, {width} x {height} px"
        raise CorruptError("the frame header describes no pixels", path=path, found=found)
    extension = fields.index("MQ1A") if "MQ1A" in fields else len(fields)
    return FrameHeader(
        text=",".join(fields),
        sequence=sequence,
        header_size=header_size,
        chips=chips,
        width=width,
        height=height,
        pixel_type=fields[6],
        layout=fields[7],
        chip_select=fields[8],
        start=iso_time(_text(fields, extension + 1)) or iso_time(_text(fields, 9)),
        exposure=_first_known(_nanoseconds(_text(fields, extension + 2)), _real(_text(fields, 10))),
        counter=_number(fields, 11),
        colour_mode=_number(fields, 12),
        gain=_gain(_number(fields, 13)),
        thresholds=_thresholds(fields[14:extension]),
        chip_settings=_chip_settings(fields[14:extension]),
        depth=_number(fields, extension + 3),
    )


def kind_text(record: bytes) -> bytes:
    """Give the text of all that frames of an acquisition have in common, for a quick comparison."""
    fields = record.partition(b"\0")[0].split(b",")
    common = fields[2:8]
    if b"MQ1A" in fields:
        common += fields[fields.index(b"MQ1A") + 3 :][:1]
    return b",".join(field.strip() for field in common)


def sequence_number(record: bytes) -> int | None:
    """Give the sequence number of a record of which only the beginning is known, None if it is no record."""
    return _number(_fields(record[:32]), 1) if record.startswith(MAGIC) else None


def start_time(record: bytes) -> str | None:
    """Give the local start time of a record of which only the beginning is known, ISO 8601."""
    return iso_time(_text(_fields(record), 9)) if record.startswith(MAGIC) else None


def iso_time(text: str) -> str | None:
    """Give a time in ISO 8601, also one with the day in front, or None if it is no time that can be."""
    swapped = _DATE.fullmatch(text)
    if swapped is not None:
        day, month, year, rest = swapped.groups()
        text = f"{year}-{month}-{day}T{rest}"
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    day, time, fraction, zone = found.groups()
    try:
        datetime.fromisoformat(f"{day}T{time}")
    except ValueError:
        return None
    return f"{day}T{time}{fraction or ''}{zone}"


def _fields(record: bytes) -> list[str]:
    """Cut a header into its fields; numbers may have a decimal comma, as the language of the computer has it."""
    text = record.partition(b"\0")[0].decode("latin-1")
    if _DECIMAL_COMMAS.search(text):
        text = _THRESHOLD_COMMA.sub(".", _DECIMAL_COMMAS.sub(r".\1,\2.\3", text))
    return [field.strip() for field in text.split(",")]


def _text(fields: list[str], index: int) -> str:
    return fields[index] if index < len(fields) else ""


def _number(fields: list[str], index: int) -> int | None:
    text = _text(fields, index)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def _real(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _nanoseconds(text: str) -> float | None:
    nanoseconds = _real(text.removesuffix("ns"))
    return None if nanoseconds is None else nanoseconds * 1e-9


def _first_known(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _gain(code: int | None) -> str | None:
    if code is None:
        return None
    return GAINS[code] if code < len(GAINS) else str(code)


def _thresholds(fields: list[str]) -> tuple[float, ...]:
    values = []
    for field in fields:
        value = _real(field)
        if value is None:
            break
        values.append(value)
    return tuple(values)


def _chip_settings(fields: list[str]) -> tuple[str, ...]:
    """Give type and settings of each chip; a type is the field that is no number."""
    chips: list[list[str]] = []
    for field in fields:
        if field and _real(field) is None:
            chips.append([field])
        elif chips:
            chips[-1].append(field)
    return tuple(",".join(chip) for chip in chips)
