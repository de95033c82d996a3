"""Records: what a structured dtype names, read from checked places of a file.

A header is a table. A reader writes it down as a NumPy structured dtype, whose field names are the documentation of the
format, and takes it from the first bytes of a file with `take_record`. What lies beside each frame (time stamps, tags,
footers) is read with `read_records` when somebody asks for it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import FormatError, TruncatedError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["fields_of", "read_records", "take_record"]

_Path = str | os.PathLike[str]


def take_record(
    data: bytes,
    dtype: np.dtype[Any],
    offset: int = 0,
    *,
    path: _Path | None = None,
    what: str = "header",
    remedy: str | None = None,
) -> np.void:
    """Give the record at ``offset`` [bytes], as it is stored.

    Parameters
    ----------
    data
        Bytes, such as `Probe.head`.
    dtype
        Structured dtype of the record, with byte order.
    offset
        Where the record begins [bytes].
    path, what, remedy
        The file, what the record is called there, and what to do if it is cut; for the error.

    Raises
    ------
    TruncatedError
        If the bytes end within the record.

    Examples
    --------
    >>> header = np.dtype([("width", "<u2"), ("height", "<u2"), ("step", "<f4")])
    >>> int(take_record(bytes([4, 0, 2, 0, 0, 0, 0, 0]), header)["width"])
    4
    >>> take_record(bytes(6), header, path="a.dat", what="header of the scan")
    Traceback (most recent call last):
    lamella.errors.TruncatedError: a.dat: the header of the scan is incomplete; expected 8 bytes; found 6 bytes
    """
    if offset < 0 or offset + dtype.itemsize > len(data):
        raise TruncatedError(
            f"the {what} is incomplete",
            path=path,
            expected=f"{offset + dtype.itemsize} bytes",
            found=f"{len(data)} bytes",
            remedy=remedy,
        )
    record: np.void = np.frombuffer(data, dtype, count=1, offset=offset)[0]
    return record


def fields_of(record: np.void) -> dict[str, Any]:
    """Give the fields of a record as Python's own numbers, bytes and lists.

    Examples
    --------
    >>> fields_of(np.array((4, b"ab"), dtype=[("width", "<u2"), ("name", "S8")])[()])
    {'width': 4, 'name': b'ab'}
    """
    return {name: record[name].tolist() for name in record.dtype.names or ()}


def read_records(path: _Path, offsets: ArrayLike, dtype: np.dtype[Any], *, strict: bool = True) -> NDArray[Any]:
    """Read one record at each of many places of a file, and nothing in between.

    Parameters
    ----------
    path
        The file.
    offsets
        Where records begin [bytes], shape ``(n,)``.
    dtype
        Dtype of a record, with byte order.
    strict
        Whether a record that does not lie inside the file is an error; otherwise it is zero.

    Returns
    -------
    array
        Records as they are stored, shape ``(n,)``.

    Raises
    ------
    TruncatedError
        If a record does not lie inside the file, and ``strict``.
    FormatError
        If the file cannot be read.
    """
    places = np.asarray(offsets, dtype=np.int64).reshape(-1).tolist()
    records = np.zeros(len(places), dtype)
    rows = records.view(np.uint8).reshape(len(places), dtype.itemsize)
    try:
        with Path(path).open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            for row, place in zip(rows, places, strict=True):
                if 0 <= place <= size - dtype.itemsize:
                    file.seek(place)
                    file.readinto(row.data)
                elif strict:
                    expected, found = f"{dtype.itemsize} bytes from byte {place}", f"{size} bytes"
                    raise TruncatedError("the file was cut", path=path, expected=expected, found=found)
    except OSError as error:
        raise FormatError(f"the file can no longer be read ({error.strerror})", path=path) from error
    return records
