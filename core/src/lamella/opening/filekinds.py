"""What a file is that no format can open: packed files and other familiar kinds, told by their first bytes."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["familiar_kind", "without_content"]


class _Kind(NamedTuple):
    offset: int
    magic: bytes
    name: str
    remedy: str


_UNPACK = "unpack it first; frames of a packed file cannot be reached one by one"
_CONVERT = "no installed format reads such files; convert it, or install a plugin for it"

_KINDS = (
    _Kind(0, b"\x1f\x8b", "packed with gzip", f"{_UNPACK}: gunzip FILE"),
    _Kind(0, b"BZh", "packed with bzip2", f"{_UNPACK}: bunzip2 FILE"),
    _Kind(0, b"\xfd7zXZ\x00", "packed with xz", f"{_UNPACK}: unxz FILE"),
    _Kind(0, b"\x28\xb5\x2f\xfd", "packed with Zstandard", f"{_UNPACK}: unzstd FILE"),
    _Kind(0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    _Kind(0, b"PK\x03\x04", "a ZIP archive", _UNPACK),
    _Kind(0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    _Kind(257, b"ustar", "a tar archive", _UNPACK),
    _Kind(0, b"II*\x00", "a TIFF image", _CONVERT),
    _Kind(0, b"MM\x00*", "a TIFF image", _CONVERT),
    _Kind(0, b"II+\x00", "a BigTIFF image", _CONVERT),
    _Kind(0, b"\x89PNG\r\n\x1a\n", "a PNG image", _CONVERT),
    _Kind(0, b"\xff\xd8\xff", "a JPEG image", _CONVERT),
    _Kind(0, b"%PDF-", "a PDF document", _CONVERT),
    _Kind(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an OLE2 document", _CONVERT),
    _Kind(0, b"version https://git-lfs", "a pointer of Git LFS, not the data", "fetch the data: git lfs pull"),
)


def familiar_kind(head: bytes) -> str | None:
    """Say what a file that begins with ``head`` is, and what to do; None if it is nothing familiar.

    Examples
    --------
    >>> familiar_kind(b"BZh91AY&SY")
    'it is packed with bzip2: unpack it first; frames of a packed file cannot be reached one by one: bunzip2 FILE'
    """
    for kind in _KINDS:
        if head[kind.offset : kind.offset + len(kind.magic)] == kind.magic:
            return f"it is {kind.name}: {kind.remedy}"
    return None


def without_content(size: int, head: bytes, tail: bytes) -> str | None:
    """Say that a file is empty, or zeros as far as it was looked at, and what that means; None if it is neither.

    Examples
    --------
    >>> without_content(0, b"", b"")
    'the file is empty; was the copy interrupted?'
    """
    if size == 0:
        return "the file is empty; was the copy interrupted?"
    if head and not head.strip(b"\0") and not tail.strip(b"\0"):
        return "the file begins and ends with zeros only; was the copy or the recording interrupted?"
    return None
