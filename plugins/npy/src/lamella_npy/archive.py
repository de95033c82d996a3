"""Arrays in an ``.npz`` archive, which is a ZIP file of ``.npy`` files: where they lie, and their pixels."""

from __future__ import annotations

import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, ParameterError, TruncatedError, UnsupportedError
from lamella.reader import FrameSource, Probe, Resource, SourceInfo, memory_size
from lamella_npy.header import Header, parse_header

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import IOSession, SigBox

__all__ = ["MAGIC", "Member", "UnpackedSource", "arrays_in", "choose_member", "header_of", "refuse_large"]

MAGIC = b"PK\x03\x04"
_LOCAL_HEADER = 30
_LARGEST_INDEX = 4 << 20
_TAIL = (1 << 16) + 256
"""Bytes that the last records take, with a comment of any length."""
_MOST_PACKED = 1100
"""Deflate packs 1032 to one."""
_SHARE = 4
_HEADER_NBYTES = 10_100
_ENDING = ".npy"
_DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, OSError)


@dataclass(frozen=True, slots=True)
class Member:
    """An array of an archive: its name, where its bytes are stored and how many, and how many they are unpacked."""

    name: str
    entry: str
    offset: int
    stored: int
    size: int
    packed: bool


def arrays_in(probe: Probe) -> tuple[Member, ...]:
    """Give the arrays of an archive; sizes are checked against the file, and nothing is unpacked.

    Raises
    ------
    FormatError
        If it is no archive, damaged, or holds no array.
    """
    found = tuple(_members(probe))
    if not found:
        raise FormatError("the archive holds no .npy file", path=probe.path, expected="arrays saved by np.savez")
    return found


def _members(probe: Probe) -> list[Member]:
    assert probe.path is not None
    _check_index(probe)
    try:
        with zipfile.ZipFile(probe.path) as archive:
            entries = [one for one in archive.infolist() if one.filename.endswith(_ENDING)]
    except _DAMAGE as error:
        raise CorruptError(f"this is not a complete ZIP archive ({error})", path=probe.path) from error
    return [_member(entry, probe) for entry in entries]


def _check_index(probe: Probe) -> None:
    """Refuse an index that would take much memory; it stands in front of the last record."""
    tail = probe.read(max(0, probe.size - _TAIL), _TAIL)
    at, wide = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    if at < 0:
        raise TruncatedError(
            "the archive has no index at its end; it was cut",
            path=probe.path,
            expected="an index after its files",
            found=f"{probe.size} bytes without one",
        )
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    if size == 0xFFFFFFFF and wide >= 0:
        size = int.from_bytes(tail[wide + 40 : wide + 48], "little")
    if size > min(_LARGEST_INDEX, probe.size):
        raise CorruptError(
            "the index of the archive is too long",
            path=probe.path,
            expected=f"at most {_LARGEST_INDEX} bytes",
            found=size,
        )


def _member(entry: zipfile.ZipInfo, probe: Probe) -> Member:
    packed = entry.compress_type != zipfile.ZIP_STORED
    local = probe.read(entry.header_offset, _LOCAL_HEADER) if entry.header_offset >= 0 else b""
    if not local.startswith(MAGIC):
        raise CorruptError(f"{entry.filename} is not where the index says", path=probe.path)
    begin = entry.header_offset + _LOCAL_HEADER + sum(int.from_bytes(local[at : at + 2], "little") for at in (26, 28))
    if entry.flag_bits & 1:
        raise UnsupportedError(f"{entry.filename} is encrypted", path=probe.path)
    if begin + entry.compress_size > probe.size:
        raise TruncatedError(
            f"{entry.filename} reaches beyond the archive",
            path=probe.path,
            expected=f"{begin + entry.compress_size} bytes",
            found=f"{probe.size} bytes",
        )
    most = entry.compress_size * _MOST_PACKED + 64 if packed else entry.compress_size
    if entry.file_size > most or (not packed and entry.file_size != entry.compress_size):
        raise CorruptError(
            f"{entry.filename} cannot be that large",
            path=probe.path,
            expected=f"at most {most} bytes from {entry.compress_size} stored ones",
            found=f"{entry.file_size} bytes",
        )
    name = entry.filename.removesuffix(_ENDING)
    return Member(name, entry.filename, begin, entry.compress_size, entry.file_size, packed)


def choose_member(members: tuple[Member, ...], name: str | None, probe: Probe) -> Member:
    """Give the array that was asked for, or the only one.

    Raises
    ------
    ParameterError
        If there is none of that name, or several and no name.
    """
    listed = ", ".join(repr(one.name) for one in members[:8]) + (" ..." if len(members) > 8 else "")
    chosen = [one for one in members if name in (None, one.name, one.entry)]
    if len(chosen) == 1:
        return chosen[0]
    if name is None:
        text = f"the archive holds {len(members)} arrays, {listed}; say which one, such as name={members[0].name!r}"
    else:
        text = f"the archive holds no single array {name!r}, but {listed}"
    raise ParameterError(text, field="name")


def header_of(member: Member, probe: Probe) -> Header:
    """Read the header of an array; of a packed one, no more than that is unpacked.

    Raises
    ------
    FormatError
        If it is damaged, or the array does not fit into the archive.
    """
    if member.packed:
        head = _unpacked(probe.resource, member, min(member.size, _HEADER_NBYTES)).tobytes()
    else:
        head = probe.read(member.offset, min(member.size, _HEADER_NBYTES))
    header = parse_header(head, probe.path, begin=0 if member.packed else member.offset, length=member.size)
    if header.end - header.offset < header.nbytes:
        raise TruncatedError(
            f"{member.entry} is shorter than its header says",
            path=probe.path,
            expected=f"{header.nbytes} bytes of pixels",
            found=f"{header.end - header.offset}",
        )
    return header


def refuse_large(member: Member, probe: Probe) -> None:
    """Refuse a packed array that would take too much memory, with the line that makes it readable.

    Raises
    ------
    UnsupportedError
        If it takes more than a quarter of the memory.
    """
    most = memory_size() // _SHARE
    if not member.packed or member.size <= most:
        return
    path = Path(probe.resource.path)
    raise UnsupportedError(
        f"the compressed array {member.name!r} is too large to be unpacked into memory",
        path=probe.path,
        expected=f"at most {most} bytes, a quarter of the memory",
        found=f"{member.size} bytes",
        remedy=f"Unpack it once where there is more memory: "
        f"np.save({path.with_suffix(_ENDING).name!r}, np.load({path.name!r})[{member.name!r}])",
    )


def _unpacked(resource: Resource, member: Member, nbytes: int) -> NDArray[np.uint8]:
    """Unpack the first bytes of a member; all of them are checked against their checksum."""
    out = np.empty(nbytes, dtype=np.uint8)
    memory, done = out.data, 0
    try:
        with zipfile.ZipFile(resource.path) as archive, archive.open(member.entry) as file:
            while done < nbytes and (part := file.read(min(nbytes - done, 1 << 20))):
                memory[done : done + len(part)] = part
                done += len(part)
            if nbytes == member.size:
                file.read(1)  # at the end, the checksum is compared
    except (*_DAMAGE, KeyError) as error:
        resource.check_unchanged()
        raise CorruptError(f"{member.entry} cannot be unpacked ({error})", path=resource.path) from error
    if done < nbytes:
        raise TruncatedError(
            f"{member.entry} was cut", path=resource.path, expected=f"{nbytes} bytes", found=f"{done} bytes"
        )
    return out


class UnpackedSource(FrameSource):
    """An array that each process unpacks once, when it is first read."""

    def __init__(
        self, info: SourceInfo, *, resource: Resource, member: Member, header: Header, sig_shape: tuple[int, ...]
    ) -> None:
        count = header.size // math.prod(sig_shape)
        super().__init__(info, n_frames=count, sig_shape=sig_shape, dtype=header.dtype, resources=[resource])
        self._member = member
        self._header = header

    @property
    def identity(self) -> tuple[str, ...]:
        """The name of the array within the archive."""
        return (self._member.entry,)

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Copy frames."""
        self._expect_same_file()
        chosen: Any = (frames, *box.slices)
        out[...] = self._frames()[chosen]

    def view(self, frames: range, box: SigBox) -> NDArray[Any] | None:
        """Give frames from where they were unpacked."""
        self._expect_same_file()
        chosen: Any = (slice(frames.start, frames.stop, frames.step), *box.slices)
        part: NDArray[Any] = self._frames()[chosen]
        return part

    def _expect_same_file(self) -> None:
        """Refuse a file that was replaced; unlike one of frames, an archive that has grown is another one."""
        resource = self.resources[0]
        if not resource.same_file(resource.look_again()):
            raise resource.rewritten()

    def _frames(self) -> NDArray[Any]:
        """Give all frames, shape ``(n_frames, *sig_shape)``, read-only."""
        key = self.resources[0], self._member
        with _lock:
            if key not in _kept:
                _kept.clear()
                _kept[key] = self._unpack()
            pixels = _kept[key]
        return pixels[: self.n_frames * math.prod(self.sig_shape)].reshape(self.n_frames, *self.sig_shape)

    def _unpack(self) -> NDArray[Any]:
        header = self._header
        raw = _unpacked(self.resources[0], self._member, self._member.size)
        pixels = raw[header.offset : header.offset + header.nbytes].view(header.dtype)
        if header.fortran_order:
            pixels = np.ascontiguousarray(pixels.reshape(header.shape, order="F")).reshape(-1)
        if not header.dtype.isnative:
            pixels = pixels.astype(self.dtype)
        pixels.setflags(write=False)
        return pixels


_kept: dict[tuple[Resource, Member], NDArray[Any]] = {}
_lock = Lock()
