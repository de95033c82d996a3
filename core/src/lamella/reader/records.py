"""Records: what a structured dtype names, read from checked places of a file.

A header is a table. A reader writes it down as a NumPy structured dtype, whose field names are the documentation of the
format, and takes it from the first bytes of a file with `take_record`. What lies beside each frame (time stamps, tags,
footers) is read with `read_records` when somebody asks for it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import FormatError, TruncatedError
from lamella.reader.resource import Resource

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


def read_records(
    file: Resource | _Path, offsets: ArrayLike, dtype: np.dtype[Any], *, strict: bool = True
) -> NDArray[Any]:
    """Read one record at each of many places of a file, and nothing in between.

    Parameters
    ----------
    file
        The file as it was when it was opened, so that one that was rewritten meanwhile is an error; or the path of a
        local file as it is now.
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
        If the file cannot be read, or is no longer what it was.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from lamella.reader import Resource, read_records
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name) / "stamps.dat"
    >>> _ = path.write_bytes(bytes(range(12)))
    >>> read_records(Resource.of(path), [0, 8], np.dtype("<u2")).tolist()
    [256, 2312]
    >>> folder.cleanup()
    """
    places = np.asarray(offsets, dtype=np.int64).reshape(-1).tolist()
    records = np.zeros(len(places), dtype)
    rows = records.view(np.uint8).reshape(len(places), dtype.itemsize)
    resource = file if isinstance(file, Resource) else _resource_of(file)
    with resource.reading() as opened:
        for row, place in zip(rows, places, strict=True):
            if 0 <= place <= resource.size - dtype.itemsize:
                opened.readinto(place, row.data)
            elif strict:
                raise TruncatedError(
                    "the file was cut",
                    path=resource.location,
                    expected=f"{dtype.itemsize} bytes from byte {place}",
                    found=f"{resource.size} bytes",
                )
    return records


def _resource_of(path: _Path) -> Resource:
    try:
        return Resource.of(path)
    except OSError as error:
        raise FormatError(f"the file can no longer be read ({error.strerror})", path=path) from error
