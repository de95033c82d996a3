"""The first bytes of an HDF5 file, checked without libhdf5: whether it is one, complete, and looks right.

File Format Specification, section II.A. After a user block of 0, 512, 1024, 2048 ... bytes come the signature and the
version. Addresses are relative to the base address, which is the length of the user block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamella.errors import CorruptError, TruncatedError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamella.reader import Probe

__all__ = ["SIGNATURE", "Superblock", "begins_well", "find_signature", "read_superblock"]

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LARGEST_USER_BLOCK = 64 << 20
_LOOKED_AT = (32 << 10, 1 << 20)
_PART = 256
"""Collections of texts are looked for in this part of a file at either end, within those limits [bytes]."""

# version: (place of the sizes of addresses and lengths, first address, which address is the end of the file)
_LAYOUTS = {0: (13, 24, 2), 1: (13, 28, 2), 2: (9, 12, 2), 3: (9, 12, 2)}
_WIDTHS = (2, 4, 8)
_DRIVER = 3
"""Which address is that of the driver information block, up to version 1. A damaged one can crash libhdf5."""


@dataclass(frozen=True, slots=True)
class Superblock:
    """Where the file says it begins and ends [bytes]; ``odd`` is what looks wrong, empty if nothing does."""

    offset: int
    version: int
    end: int
    odd: str = ""


def find_signature(probe: Probe) -> int | None:
    """Give the place of the signature; foreign files cost a few reads of eight bytes, once."""
    return probe.once("hdf5 signature", _look_for_signature)


def _look_for_signature(probe: Probe) -> int | None:
    if probe.head.startswith(SIGNATURE):
        return 0
    offset = 512
    while offset + len(SIGNATURE) <= min(probe.size, _LARGEST_USER_BLOCK):
        within = offset + len(SIGNATURE) <= len(probe.head)
        found = probe.head[offset : offset + 8] if within else probe.read(offset, 8)
        if found == SIGNATURE:
            return offset
        offset *= 2
    return None


def begins_well(probe: Probe, offset: int) -> bool:
    """Whether the signature is followed by a known version and a possible size of addresses."""
    block = probe.read(offset, 16).ljust(16, b"\0")
    return block[8] in _LAYOUTS and block[_LAYOUTS[block[8]][0]] in _WIDTHS


def read_superblock(probe: Probe) -> Superblock:
    """Check the superblock against the file.

    Raises
    ------
    CorruptError, TruncatedError, UnsupportedError
        If there is none, the file was cut, or its version is unknown.
    """
    offset = find_signature(probe)
    if offset is None:
        raise CorruptError(
            "this is not an HDF5 file", path=probe.path, expected=f"{SIGNATURE!r}", found=f"{probe.head[:8]!r}"
        )
    block = probe.read(offset, 96).ljust(96, b"\0")
    version = block[8] if len(block) > 8 else -1
    if version not in _LAYOUTS:
        raise UnsupportedError("unknown superblock", path=probe.path, expected="version 0 to 3", found=version)
    sizes, first, number = _LAYOUTS[version]
    width = block[sizes] if len(block) > sizes else 0
    if width not in _WIDTHS:
        raise CorruptError(
            "the superblock is damaged", path=probe.path, expected="addresses of 2, 4 or 8 bytes", found=width
        )
    addresses = [int.from_bytes(block[first + i * width : first + (i + 1) * width], "little") for i in range(4)]
    base, stated = addresses[0], addresses[number]
    if base > offset or stated > 1 << 62:
        raise CorruptError(
            "the superblock is damaged", path=probe.path, expected=f"base {offset}", found=f"base {base}"
        )
    end = stated + (offset - base)  # a file may have got its user block later
    if end > probe.size:
        raise TruncatedError(
            "the file was cut, or not closed by the program that wrote it",
            path=probe.path,
            expected=f"{end} bytes",
            found=f"{probe.size} bytes",
            remedy="Copy it again; `h5clear --increase-eof-size=0` may help where a writer crashed",
        )
    if version < 2 and addresses[_DRIVER] != (1 << 8 * width) - 1:
        raise UnsupportedError(
            "the superblock names a driver: the file is damaged, or one part of a file that was stored in several",
            path=probe.path,
            expected="no driver information block",
            found=f"one at byte {addresses[_DRIVER]}",
            remedy="Copy it again if it is damaged; join the parts with `h5repart`, or repack them with `h5repack`",
        )
    odd = []
    if version == 3 and block[11] & 0b101:
        odd.append("it was not closed by the program that wrote it")
    if version < 2 and (block[12] or block[15] or block[9] or block[10]):
        odd.append("reserved bytes of the superblock are set")
    if end < probe.size:
        odd.append(f"{probe.size - end} bytes follow its end")
    odd += _odd_heaps(probe)
    return Superblock(offset, version, end, "; ".join(odd))


def _odd_heaps(probe: Probe) -> Iterator[str]:
    """Look through the collections of texts near both ends of the file; damaged ones can make libhdf5 hang.

    Section III.E: "GCOL", version, size; then objects: index, reference count, size, content. Index 0 is free room.
    Free room that does not reach the end makes libhdf5 search for ever.
    """
    window = min(max(probe.size // _PART, _LOOKED_AT[0]), _LOOKED_AT[1])
    begins = {0, max(0, probe.size - window)}
    for begin in sorted(begins):
        content = probe.read(begin, window)
        at = content.find(b"GCOL")
        while at >= 0:
            if not _is_whole(content, at, probe.size - begin):
                yield f"the text collection at byte {begin + at} is damaged"
                return
            at = content.find(b"GCOL", at + 4)


def _is_whole(content: bytes, at: int, room: int) -> bool:
    size = int.from_bytes(content[at + 8 : at + 16], "little")
    if at + 16 > len(content):
        return True  # the window ends here
    if content[at + 4] != 1 or size < 32 or at + size > room:
        return False
    place, end = at + 16, at + size
    while place + 16 <= end:
        if place + 16 > len(content):
            return True
        index = int.from_bytes(content[place : place + 2], "little")
        length = int.from_bytes(content[place + 8 : place + 16], "little")
        if index == 0:
            return place + length == end
        place += 16 + (length + 7) // 8 * 8
    return place <= end
