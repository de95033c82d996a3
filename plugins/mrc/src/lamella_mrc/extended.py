"""The extended header of an MRC file as FEI and Thermo Fisher write it: a record of metadata for each section.

Sources: ``FEI1`` and ``FEI2`` as ``mrcfile.dtypes`` defines them after the manual of EPU; the older kind, 32 numbers
for each of 1024 sections, as the MRC2014 definition (doi:10.1016/j.jsb.2015.04.002) names it: ``AGAR``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE, get_ext_header_dtype

from lamella.reader import day_time, json_value, moments, read_records, stamp_arrays, take_record
from lamella_mrc.header import Header

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import Probe

__all__ = ["Extended", "extended_header"]

AGARD = np.dtype(
    [
        ("alpha tilt", "f4"),  # degree
        ("beta tilt", "f4"),
        ("x stage", "f4"),  # m
        ("y stage", "f4"),
        ("z stage", "f4"),
        ("x shift", "f4"),
        ("y shift", "f4"),
        ("defocus", "f4"),  # m
        ("exposure time", "f4"),  # s
        ("mean intensity", "f4"),
        ("tilt axis", "f4"),  # degree
        ("pixel size", "f4"),  # m
        ("magnification", "f4"),
        ("unused", "f4"),
        ("high tension", "f4"),  # V
        ("rest", "V68"),
    ]
)
"""The older extended header of FEI: always 1024 records of 128 bytes, one for each section."""

METADATA = (  # name in lamella.Metadata, field of any of the records, factor
    ("beam_energy", "HT", 1.0),
    ("beam_energy", "high tension", 1.0),
    ("magnification", "Magnification", 1.0),
    ("magnification", "magnification", 1.0),
    ("camera_length", "Camera length", 1.0),
    ("convergence_angle", "Convergence angle", math.degrees(1)),
    ("exposure_time", "Integration time", 1.0),
    ("exposure_time", "exposure time", 1.0),
    ("dwell_time", "Dwell time", 1.0),
)
MODES = {1: "TEM", 2: "STEM"}
DIFFRACTION = 1  # projection mode

DAYS_BEFORE_1970 = 25569

_LONGEST_RECORD = 1 << 16


@dataclass(frozen=True, slots=True)
class Extended:
    """An extended header with one record for each section; there may be more records than sections."""

    kind: str
    path: Path
    dtype: np.dtype[Any]
    count: int
    first: np.void
    valid: tuple[str, ...]

    @property
    def known(self) -> dict[str, Any]:
        """The valid fields of the first record."""
        return {name: self.first[name].item() for name in self.valid}

    @property
    def pixel_size(self) -> tuple[float, float, str]:
        """The distance of columns and rows with its units, 0 if the record does not tell; diffraction is in 1/nm."""
        known = self.known
        x, y = (float(known.get(f"Pixel size {axis}", known.get("pixel size", 0.0))) for axis in "XY")
        if known.get("Projection mode") == DIFFRACTION and not known.get("STEM Detector name"):
            return 1e-9 * x, 1e-9 * y, "1/nm"
        return 1e9 * x, 1e9 * y, "nm"

    def metadata(self) -> dict[str, Any]:
        """Give entries of `lamella.reader.Metadata`."""
        known = {name: json_value(value) for name, value in self.known.items()}
        found: dict[str, Any] = {
            name: known[field] * factor for name, field, factor in METADATA if _is_positive(known.get(field))
        }
        texts = {
            "acquired": day_time(known.get("Timestamp")),
            "instrument": known.get("Microscope type"),
            "detector": known.get("STEM Detector name") or known.get("Camera name"),
            "software": " ".join(filter(None, (known.get("Application"), known.get("Application version")))),
            "mode": MODES.get(known.get("Instrument mode", 0)),
        }
        return found | {name: text for name, text in texts.items() if text}

    def per_frame(self, n_frames: int) -> dict[str, Callable[[], NDArray[Any]]]:
        """Give functions that read one number for each frame, if there are enough records."""
        if self.count < n_frames:
            return {}
        numbers = [name for name in self.valid if self.dtype[name].kind in "biuf"]
        fields = {name: partial(_read_field, self.path, self.dtype, name, n_frames) for name in numbers}
        stamps = stamp_arrays(partial(_moments, fields["Timestamp"])) if "Timestamp" in fields else {}
        return {**fields, **stamps}


def _is_positive(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and value > 0


def extended_header(probe: Probe, header: Header) -> Extended | None:
    """Give the extended header if it is of a kind that is known."""
    assert probe.path is not None
    if header.lacks_extended:
        return None
    start, nbytes, kind = HEADER_DTYPE.itemsize, int(header.fields["nsymbt"]), bytes(header.fields["exttyp"])
    if kind in (b"FEI1", b"FEI2"):
        dtype = get_ext_header_dtype(kind, header.order)
        step = int.from_bytes(probe.read(start, 4), "little" if header.order == "<" else "big")
        if not dtype.itemsize <= step <= min(nbytes, _LONGEST_RECORD):
            return None
        dtype = _padded(dtype, step)
        first = take_record(probe.read(start, step), dtype, path=probe.path, what="extended header")
        return Extended(kind.decode(), probe.path, dtype, nbytes // step, first, tuple(_valid_fields(first)))
    if kind in (b"", b"AGAR") and nbytes == 1024 * AGARD.itemsize:
        dtype = AGARD.newbyteorder(header.order)
        first = take_record(probe.read(start, dtype.itemsize), dtype, path=probe.path, what="extended header")
        return Extended("Agard", probe.path, dtype, 1024, first, (AGARD.names or ())[:-1])
    return None


def _padded(dtype: np.dtype[Any], itemsize: int) -> np.dtype[Any]:
    fields: Mapping[str, Any] = dtype.fields or {}
    offsets = [entry[1] for entry in fields.values()]
    formats = [entry[0] for entry in fields.values()]
    return np.dtype({"names": list(fields), "formats": formats, "offsets": offsets, "itemsize": itemsize})


def _valid_fields(record: np.void) -> Iterator[str]:
    """Give the fields whose bit is set: the fields after ``Bitmask k`` own its bits, the lowest first."""
    mask = bit = 0
    for name in record.dtype.names or ():
        if name.startswith("Bitmask"):
            mask, bit = int(record[name]), 0
        elif name == "Unused range":
            bit += 6  # six numbers that are no longer used
        else:
            if mask >> bit & 1:
                yield name
            bit += 1


def _moments(read_days: Callable[[], NDArray[Any]]) -> NDArray[np.datetime64]:
    """Give when sections were recorded; stamps are days since 1899-12-30."""
    with np.errstate(over="ignore"):  # numbers that are no days
        return moments(86400.0 * (read_days() - DAYS_BEFORE_1970))


def _read_field(path: Path, dtype: np.dtype[Any], name: str, count: int) -> NDArray[Any]:
    records = read_records(path, HEADER_DTYPE.itemsize + dtype.itemsize * np.arange(count), dtype)
    column: NDArray[Any] = records[name]
    return column.astype(column.dtype.newbyteorder("="))
