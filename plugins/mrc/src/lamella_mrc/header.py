"""The header of an MRC file: 1024 bytes, then an extended header of ``nsymbt`` bytes, then the sections.

Sources: the MRC2014 definition (doi:10.1016/j.jsb.2015.04.002, https://www.ccpem.ac.uk/mrc_format/mrc2014.php), whose
fields are ``mrcfile.dtypes.HEADER_DTYPE``; https://bio3d.colorado.edu/imod/doc/mrc_format.txt for modes 3, 12 and 101
and for the sign of bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE

from lamella.errors import CorruptError, TruncatedError, UnsupportedError
from lamella.reader import Caution, Encoding, take_record
from lamella_mrc.codecs import ComplexIntegers, Nibbles

if TYPE_CHECKING:
    from lamella.reader import Probe
    from lamella_mrc.params import MrcParams

__all__ = ["MODES", "STAMPS", "Header", "plausible_orders", "read_header"]

Order: TypeAlias = Literal["<", ">"]

MODES: Mapping[int, str] = {
    0: "i1",
    1: "i2",
    2: "f4",
    3: "complex of i2",
    4: "c8",
    6: "u2",
    12: "f2",
    101: "4-bit",
}
"""Kind of pixel of each mode."""

STAMPS: Mapping[bytes, Order] = {b"\x44\x44": "<", b"\x44\x41": "<", b"\x11\x11": ">"}
"""Byte order that the machine stamp at byte 212 stands for."""

IMOD_STAMP, IMOD_SIGNED = 1146047817, 1
"""In IMOD's files the int32 at byte 152, and the bit of the flags at byte 156 that makes mode 0 signed."""

_HEADER: int = HEADER_DTYPE.itemsize

PACKERS = {b"\x1f\x8b": ("gzip", "gunzip"), b"BZ": ("bzip2", "bunzip2")}


@dataclass(frozen=True, slots=True)
class Header:
    """A header that makes sense: its fields, the byte order, and what had to be decided."""

    fields: np.void
    order: Order
    encoding: Encoding
    notes: tuple[str, ...]
    lacks_extended: bool = False
    """Whether the extended header that it announces is not in the file."""

    @property
    def mode(self) -> int:
        """The kind of pixel, a key of `MODES`."""
        return int(self.fields["mode"])

    @property
    def sections(self) -> int:
        """The number of sections announced; 0 while a recording is going on."""
        return int(self.fields["nz"])

    @property
    def offset(self) -> int:
        """The first byte of the pixels."""
        return _HEADER + (0 if self.lacks_extended else int(self.fields["nsymbt"]))

    @property
    def pixel_size(self) -> tuple[float, float, float]:
        """The distance of columns, rows and sections [nm]; 0 where the header does not say, as if negative."""
        cell, grid = self.fields["cella"], [int(self.fields[name]) for name in ("mx", "my", "mz")]
        sizes = [float(length) / n / 10 if n > 0 else 0.0 for length, n in zip(cell, grid, strict=True)]
        order = [int(self.fields[name]) - 1 for name in ("mapc", "mapr", "maps")]
        kept = sizes if sorted(order) != [0, 1, 2] else [sizes[i] for i in order]
        x, y, z = (size if math.isfinite(size) and size > 0 else 0.0 for size in kept)
        return x, y, z

    @property
    def is_volume(self) -> bool:
        """Whether sections lie above each other in one volume, or several, and are no series of frames."""
        return int(self.fields["ispg"]) != 0


def read_header(probe: Probe, params: MrcParams) -> Header:
    """Give the header of a file.

    Raises
    ------
    FormatError
        If there is none, if it contradicts the size of the file, or if it is of a kind that cannot be read.
    """
    for magic, (packer, unpack) in PACKERS.items():
        if probe.head.startswith(magic):
            raise UnsupportedError(
                f"the file is compressed with {packer}", path=probe.path, remedy=f"Unpack it with {unpack} first"
            )
    order, notes = _byte_order(probe, params)
    fields = _fields(probe, order)
    lacks = _lacks_extended(fields, probe.size)
    _check(fields, probe, lacks_extended=lacks)
    encoding, doubt = _encoding(fields, order, params.signed)
    if lacks:
        text = f"the header announces an extended header of {fields['nsymbt']} bytes, and its {fields['nz']} sections"
        notes += (Caution(f"{text} fill the file from byte {_HEADER}; they are read there"),)
    return Header(fields, order, encoding, (*notes, *doubt), lacks)


def _lacks_extended(fields: np.void, size: int) -> bool:
    """Whether the sections fill the file without the extended header: a header was copied from another file."""
    if not fields["nsymbt"]:
        return False
    nx, ny, nz = (int(fields[name]) for name in ("nx", "ny", "nz"))
    if min(nx, ny, nz) <= 0 or int(fields["mode"]) not in MODES:
        return False
    encoding, _ = _encoding(fields, "<", None)
    return _HEADER + nz * encoding.extent()[1] == size


def plausible_orders(probe: Probe) -> list[Order]:
    """Give the byte orders in which the header makes sense and at least one section fits into the file."""
    orders: tuple[Order, ...] = ("<", ">")
    return [order for order in orders if _is_plausible(_fields(probe, order), probe.size)]


def _fields(probe: Probe, order: Order) -> np.void:
    return take_record(probe.head, HEADER_DTYPE.newbyteorder(order), path=probe.path)


def _is_plausible(fields: np.void, size: int) -> bool:
    nx, ny, nz, nsymbt = (int(fields[name]) for name in ("nx", "ny", "nz", "nsymbt"))
    if min(nx, ny) <= 0 or min(nz, nsymbt) < 0 or int(fields["mode"]) not in MODES:
        return False
    axes = all(0 <= fields[name] <= 3 for name in ("mapc", "mapr", "maps"))
    encoding, _ = _encoding(fields, "<", None)
    needed = 0 if _lacks_extended(fields, size) else nsymbt
    return axes and _HEADER + needed + encoding.extent()[1] <= size


def _byte_order(probe: Probe, params: MrcParams) -> tuple[Order, tuple[str, ...]]:
    if params.byte_order is not None:
        return ("<" if params.byte_order == "little" else ">"), ()
    stamped = STAMPS.get(probe.head[212:214])
    sensible = plausible_orders(probe)
    if len(sensible) == 1 and stamped not in (None, sensible[0]):
        return sensible[0], (
            "the machine stamp contradicts the header, which makes sense in the other byte order only",
        )
    if len(sensible) == 2 and stamped is None:
        raise CorruptError(
            "the byte order is ambiguous: there is no machine stamp, and the header makes sense both ways",
            path=probe.path,
            remedy="Give byte_order='little' or byte_order='big'",
        )
    return stamped or (sensible or ["<"])[0], ()


def _check(fields: np.void, probe: Probe, *, lacks_extended: bool) -> None:
    nx, ny, nz, mode, nsymbt = (int(fields[name]) for name in ("nx", "ny", "nz", "mode", "nsymbt"))
    if min(nx, ny) <= 0 or nz < 0:
        raise CorruptError(
            "the header gives an impossible size",
            path=probe.path,
            expected="positive numbers of columns, rows and sections",
            found=f"nx={nx}, ny={ny}, nz={nz}",
            remedy="If this is an MRC file, try byte_order='little' or byte_order='big'",
        )
    if mode not in MODES:
        known = ", ".join(f"{number} ({name})" for number, name in MODES.items())
        raise UnsupportedError(
            f"pixels of mode {mode} cannot be read", path=probe.path, expected=f"one of the modes {known}"
        )
    if not (lacks_extended or 0 <= nsymbt <= probe.size - _HEADER):
        raise TruncatedError(
            "the extended header does not fit into the file",
            path=probe.path,
            expected=f"{nsymbt} bytes from byte {_HEADER}",
            found=f"{probe.size} bytes",
        )


def _encoding(fields: np.void, order: Order, signed: bool | None) -> tuple[Encoding, tuple[str, ...]]:
    """Give the encoding of a section, and a note if the sign of bytes had to be guessed."""
    mode, shape = int(fields["mode"]), (int(fields["ny"]), int(fields["nx"]))
    if mode == 3:
        return Encoding(np.dtype("c8"), shape, ComplexIntegers(np.dtype(f"{order}i2"))), ()
    if mode == 101:
        return Encoding(np.dtype("u1"), shape, Nibbles()), ()
    if mode == 0:
        is_signed, notes = _sign(fields, order) if signed is None else (signed, ())
        return Encoding(np.dtype("i1" if is_signed else "u1"), shape), notes
    return Encoding(np.dtype(f"{order}{MODES[mode]}"), shape), ()


def _sign(fields: np.void, order: Order) -> tuple[bool, tuple[str, ...]]:
    """Say whether the bytes of mode 0 are signed: MRC2014 says yes, IMOD has a flag, others go by the values."""
    stamp, flags = np.frombuffer(bytes(fields["extra2"])[40:48], f"{order}i4").tolist()
    if stamp == IMOD_STAMP:
        return bool(flags & IMOD_SIGNED), ()
    lowest, highest = float(fields["dmin"]), float(fields["dmax"])
    if 0 <= lowest <= highest and highest > 127:
        return False, (
            f"bytes are taken as unsigned, for the header's largest value is {highest:g}; signed=True undoes",
        )
    return True, ()
