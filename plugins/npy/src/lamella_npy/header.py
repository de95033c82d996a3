r"""The header of an .npy file, as NumPy publishes it (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).

==========  =================================================================
0           ``\x93NUMPY``
6           major version: 1, 2 or 3
7           minor version: 0
8           length of the text: ``<u2`` in version 1, ``<u4`` in 2 and 3
10 or 12    text: a Python dictionary of ``descr``, ``fortran_order``, ``shape``
behind it   the pixels
==========  =================================================================
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lamella.errors import CorruptError, FormatError, TruncatedError, UnsupportedError
from lamella.reader import Probe

MAGIC = b"\x93NUMPY"
_TEXT_STARTS_AT = {1: 10, 2: 12, 3: 12}
_LONGEST_TEXT = 10_000  # characters, as in NumPy: parsing costs memory and time
_PLAIN_DTYPE = re.compile(r"[<>|=]?[biufc]\d{1,2}")
_PYTHON_2_LONG = re.compile(r"(\d)L\b")


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says: shape, dtype and order of the array; where it begins, and where its room ends."""

    version: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran_order: bool
    offset: int
    end: int

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The number of bytes behind the header."""
        return self.size * self.dtype.itemsize


def read_header(probe: Probe) -> Header:
    """Read the header.

    Raises
    ------
    FormatError
        If it is none, is damaged, or describes something else than an array of numbers.
    """
    return parse_header(probe.head, probe.path, begin=0, length=probe.size)


def parse_header(head: bytes, path: Path | None, *, begin: int, length: int) -> Header:
    """Give the header that a stretch of a file begins with.

    Parameters
    ----------
    head
        The first bytes.
    path
        The file, for errors.
    begin, length
        Where the stretch begins and how long it is [bytes].

    Raises
    ------
    FormatError
        If it is none, is damaged, or describes something else than an array of numbers.
    """
    if not head.startswith(MAGIC):
        raise FormatError("this is not a .npy file", path=path, expected=repr(MAGIC), found=repr(head[:8]))
    if len(head) < 12:
        raise TruncatedError("the file ends within the header", path=path, found=f"{len(head)} bytes")
    version = head[6]
    if version not in _TEXT_STARTS_AT:
        raise UnsupportedError("unknown version of the format", path=path, expected="1, 2 or 3", found=version)
    start = _TEXT_STARTS_AT[version]
    count = int.from_bytes(head[8:start], "little")
    if count > _LONGEST_TEXT:
        raise UnsupportedError(
            "the header is too long", path=path, expected=f"at most {_LONGEST_TEXT} bytes", found=f"{count} bytes"
        )
    text = head[start : start + count].decode("utf-8", errors="replace")  # what is read is ASCII
    if len(head) < start + count:
        raise TruncatedError(
            "the file ends within the header",
            path=path,
            expected=f"{start + count} bytes",
            found=f"{length} bytes",
        )
    fields = _fields(text, path)
    shape, fortran_order = fields["shape"], fields["fortran_order"]
    if not (isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)):
        raise CorruptError("the header has no shape", path=path, expected="a tuple of lengths", found=_shown(shape))
    if any(n >> 63 for n in shape):
        raise CorruptError(
            "the header has no shape", path=path, expected="lengths below 2**63", found="a longer number"
        )
    if not isinstance(fortran_order, bool):
        raise CorruptError("the order is not stated", path=path, expected="True or False", found=_shown(fortran_order))
    dtype = _dtype(fields["descr"], path)
    return Header(version, dtype, shape, fortran_order, begin + start + count, begin + length)


def _fields(text: str, path: Path | None) -> dict[str, Any]:
    try:
        fields = ast.literal_eval(_PYTHON_2_LONG.sub(r"\1", text).strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise CorruptError("the header cannot be understood", path=path, found=repr(text[:80])) from error
    if not isinstance(fields, dict) or set(fields) != {"descr", "fortran_order", "shape"}:
        raise CorruptError(
            "the header is incomplete",
            path=path,
            expected="a dictionary of descr, fortran_order and shape",
            found=repr(text[:80]),
        )
    return fields


def _dtype(descr: object, path: Path | None) -> np.dtype[Any]:
    if not isinstance(descr, str):
        raise _refusal("a structured dtype", descr, path, "Save one field of it: np.save(path, array['name'])")
    if descr.lstrip("|<>=").startswith("O"):
        remedy = "Save it as numbers: opening pickled objects would run code from the file"
        raise _refusal("Python objects", descr, path, remedy)
    if not _PLAIN_DTYPE.fullmatch(descr):
        raise _refusal("an unsupported dtype", descr, path, "Save it as numbers")
    try:
        return np.dtype(descr)
    except TypeError:
        raise _refusal("an unsupported dtype", descr, path, "Save it as numbers") from None


def _refusal(what: str, descr: object, path: Path | None, remedy: str) -> FormatError:
    return UnsupportedError(
        f"the array holds {what}",
        path=path,
        expected="booleans, integers, real or complex numbers",
        found=f"descr {descr!r}",
        remedy=remedy,
    )


def _shown(value: object) -> str:
    """Give a value as text; Python refuses to write numbers of some thousand digits."""
    try:
        return repr(value)
    except ValueError:
        return "a number of thousands of digits"
