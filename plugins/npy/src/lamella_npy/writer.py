"""Writes array files and archives byte by byte, without the reader."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Entry", "archive", "array_file", "dictionary", "npy_file"]


def array_file(pixels: NDArray[Any], *, fortran: bool = False) -> bytes:
    """Give the file of an array, in version 1."""
    entries = {"descr": repr(pixels.dtype.str), "fortran_order": repr(fortran), "shape": repr(pixels.shape)}
    return npy_file(dictionary(entries), pixels.tobytes(order="F" if fortran else "C"))


def dictionary(entries: Mapping[str, str]) -> str:
    """Give the text of a header; values are texts of Python."""
    return "{" + "".join(f"{name!r}: {value}, " for name, value in entries.items()) + "}"


def npy_file(text: str, pixels: bytes, *, version: int = 1, step: int = 64) -> bytes:
    """Give a file; header and pixels are separated by blanks up to a multiple of ``step``."""
    width = 2 if version == 1 else 4
    begin = 8 + width
    length = -(-(begin + len(text) + 1) // step) * step - begin
    line = text.ljust(length - 1) + "\n"
    return b"\x93NUMPY" + bytes([version, 0]) + length.to_bytes(width, "little") + line.encode("ascii") + pixels


@dataclass(frozen=True)
class Entry:
    """A file of an archive; what is None follows from the content.

    Parameters
    ----------
    name, content
        The file.
    packed
        Whether it is compressed.
    extra
        Bytes between its local header and its content.
    size, stored
        Sizes as the index has them, unpacked and as stored [bytes].
    checksum
        As the index and the local header have it.
    flags
        Bit 0 marks an encrypted file.
    magic
        What the local header begins with.
    """

    name: str
    content: bytes
    packed: bool = False
    extra: bytes = b""
    size: int | None = None
    stored: int | None = None
    checksum: int | None = None
    flags: int = 0
    magic: bytes = b"PK\x03\x04"


def archive(
    entries: Sequence[Entry], *, comment: bytes = b"", wide: bool = False, index_size: int | None = None
) -> bytes:
    """Give a ZIP archive; ``wide`` has the index described by numbers of 64 bits."""
    files, index = b"", b""
    for one in entries:
        packer = zlib.compressobj(wbits=-15)
        body = packer.compress(one.content) + packer.flush() if one.packed else one.content
        checksum = zlib.crc32(one.content) if one.checksum is None else one.checksum
        size = len(one.content) if one.size is None else one.size
        stored = len(body) if one.stored is None else one.stored
        name, method = one.name.encode(), 8 if one.packed else 0
        common = struct.pack("<HHHHHLLLH", 20, one.flags, method, 0, 33, checksum, stored, size, len(name))
        index += (
            b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHHLL", 0, 0, 0, 0, 0, len(files)) + name
        )
        files += one.magic + common + struct.pack("<H", len(one.extra)) + name + one.extra + body
    n, length, begin = len(entries), len(index), len(files)
    if index_size is not None:
        length = index_size
    end = b""
    if wide:
        end = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, n, n, length, begin)
        end += b"PK\x06\x07" + struct.pack("<LQL", 0, begin + len(index), 1)
        n, length, begin = 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF
    end += b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, n, n, length, begin, len(comment)) + comment
    return files + index + end
