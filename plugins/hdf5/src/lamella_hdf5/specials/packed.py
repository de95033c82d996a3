"""Chunks that are packed by filters which h5py may not have, encoded here."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella_hdf5.specials.writing import create, overwritten, saved, slower, stored
from lamella_testkit import Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_testkit import SampleData

    Pack = Callable[[NDArray[Any]], bytes]

__all__ = ["HAS_NUMCODECS", "HAS_PLUGINS", "special_files"]

HAS_NUMCODECS = find_spec("numcodecs") is not None
HAS_PLUGINS = find_spec("hdf5plugin") is not None

_LZF, _BLOSC, _LZ4, _BITSHUFFLE, _ZSTD = 32000, 32001, 32004, 32008, 32015
_BLOCK = 512
"""Bytes that are packed as one block, by the filters that have blocks."""


def special_files(folder: Path, data: SampleData) -> Iterator[Special]:
    """Write them; without the package for a filter, files of it are left out."""
    frames = np.zeros((5, 15, 41), np.uint16)
    frames[:, :8] = np.resize(data.frames, (5, 8, 41))
    yield from _bitshuffle(folder, frames)
    keywords = _written(folder / "lz4.h5", frames, 1, _LZ4, (), _lz4_chunk)
    yield Special("LZ4", keywords, pixels=frames)
    yield from _of_libraries(folder, frames)
    yield from _combined(folder, frames)


def _written(
    path: Path,
    frames: NDArray[Any],
    count: int,
    code: int,
    values: tuple[int, ...],
    pack: Pack,
    *,
    left: tuple[int, ...] = (),
) -> dict[str, Any]:
    """Write frames, ``count`` to a chunk, packed by hand; chunks whose first frame is in ``left`` are not packed."""

    def write(file: Any) -> None:
        chunks = (count, *frames.shape[1:])
        made = file.create_dataset(
            "data",
            frames.shape,
            frames.dtype,
            chunks=chunks,
            compression=code,
            compression_opts=values,
            allow_unknown_filter=True,
        )
        for first in range(0, len(frames), count):
            chunk = np.zeros(chunks, frames.dtype)
            chunk[: len(frames[first : first + count])] = frames[first : first + count]
            content, mask = (chunk.tobytes(), 1) if first in left else (pack(chunk), 0)
            made.id.write_direct_chunk((first, 0, 0), content, mask)

    return saved(path, write)


def _bitshuffle(folder: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Bits in order of their weight, packed by LZ4; as DECTRIS detectors write them."""
    size = frames.itemsize
    values = (0, 2) if h5py.h5z.filter_avail(_BITSHUFFLE) else (0, 3, size, 0, 2)  # the filter adds the first three
    for text, count, left in (("one", 1, ()), ("two", 2, ()), ("one, not packed for the third,", 1, (2,))):
        keywords = _written(folder / "bits.h5", frames, count, _BITSHUFFLE, values, _bitshuffled, left=left)
        yield Special(f"bitshuffle, {text} frame to a chunk", keywords, pixels=frames)
    if HAS_PLUGINS:
        plugins = import_module("hdf5plugin")
        slow = {"path": folder / "bits.h5", "fast": False}
        yield Special("the same, read by libhdf5", slow, pixels=frames, details=slower("fast=False"))
        apart = stored(folder / "apart.h5", frames, chunks=(1, *frames.shape[1:]), **plugins.Bitshuffle(cname="none"))
        yield Special("bitshuffle without LZ4", apart, pixels=frames, details=slower("bitshuffle without LZ4"))


def _of_libraries(folder: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Zstandard and Blosc, packed by numcodecs."""
    if not HAS_NUMCODECS:
        return
    zstd, blosc = import_module("numcodecs.zstd"), import_module("numcodecs.blosc")
    keywords = _written(folder / "zstd.h5", frames, 1, _ZSTD, (3,), lambda chunk: bytes(zstd.Zstd(3).encode(chunk)))
    yield Special("Zstandard", keywords, pixels=frames)
    values = (2, 2, frames.itemsize, frames[0].nbytes, 5, 1, 0)
    pack = blosc.Blosc("blosclz", 5, blosc.SHUFFLE)
    keywords = _written(folder / "blosc.h5", frames, 1, _BLOSC, values, lambda chunk: bytes(pack.encode(chunk)))
    yield Special("Blosc", keywords, pixels=frames)


def _combined(folder: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Filters that only libhdf5 undoes together, and bytes in order of their weight, four at a time."""
    chunks = (1, *frames.shape[1:])

    def both(file: Any) -> None:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk(chunks)
        plist.set_deflate(1)
        plist.set_filter(_LZF, h5py.h5z.FLAG_OPTIONAL)
        create(file, "data", frames.shape, h5py.h5t.STD_U16LE, plist)
        file["data"][...] = frames

    way = slower("several compressing filters")
    yield Special("two packing filters", saved(folder / "both.h5", both), pixels=frames, details=way)
    for shuffled in (False, True):

        def summed(file: Any, shuffled: bool = shuffled) -> None:
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plist.set_chunk(chunks)
            plist.set_fletcher32()
            if shuffled:
                plist.set_shuffle()
            plist.set_deflate(1)
            create(file, "data", frames.shape, h5py.h5t.STD_U16LE, plist)
            file["data"][...] = frames

        keywords = saved(folder / "summed.h5", summed)
        yield Special(f"checksums that are packed as well, shuffled: {shuffled}", keywords, pixels=frames)
    path = folder / "fours.h5"
    even = np.ascontiguousarray(frames[..., 1:])

    def fours(file: Any) -> None:
        made = file.create_dataset("data", even.shape, even.dtype, chunks=(1, *even.shape[1:]), shuffle=True)
        for number, frame in enumerate(even):
            words = np.frombuffer(frame.tobytes(), np.uint8).reshape(-1, 4).T
            made.id.write_direct_chunk((number, 0, 0), words.tobytes())

    saved(path, fours)
    step = b"shuffle\0" + (2).to_bytes(4, "little")
    keywords = overwritten(path, (path.read_bytes().index(step) + 8, b"\4"))
    way = slower("shuffle with another element size")
    yield Special("bytes of four neighbours by their weight", keywords, pixels=even, details=way)


def _bitshuffled(chunk: NDArray[Any]) -> bytes:
    """Pack a chunk as the filter bitshuffle does with LZ4; what makes no eight elements follows as it is."""
    size, content = chunk.itemsize, chunk.tobytes()
    whole = len(content) // (8 * size) * (8 * size)
    made = struct.pack(">QI", len(content), _BLOCK)
    for begin in range(0, whole, _BLOCK):
        block = np.frombuffer(content[begin : min(begin + _BLOCK, whole)], np.uint8).reshape(-1, size)
        planes = np.packbits(np.unpackbits(block, axis=1, bitorder="little").T, axis=1, bitorder="little")
        packed = _lz4(planes.tobytes())
        made += struct.pack(">I", len(packed)) + packed
    return made + content[whole:]


def _lz4_chunk(chunk: NDArray[Any]) -> bytes:
    """Pack a chunk as the filter LZ4 does; blocks that would not become smaller stay as they are."""
    content = chunk.tobytes()
    made = struct.pack(">QI", len(content), _BLOCK)
    for begin in range(0, len(content), _BLOCK):
        block = content[begin : begin + _BLOCK]
        packed = _lz4(block)
        packed = packed if len(packed) < len(block) else block
        made += struct.pack(">I", len(packed)) + packed
    return made


def _lz4(content: bytes) -> bytes:
    """Pack bytes as one block of LZ4; runs of equal bytes become shorter, but not the last five bytes."""
    made, start, at = b"", 0, 0
    for _, run in groupby(content[:-5]):
        length = len(list(run))
        if length > 6:
            made += _sequence(content[start : at + 1], length - 1)
            start = at + length
        at += length
    return made + _sequence(content[start:], None)


def _sequence(literals: bytes, match: int | None) -> bytes:
    """Give literals, and a match of some bytes that repeats the last of them."""
    more = 0 if match is None else match - 4
    token = bytes([min(len(literals), 15) << 4 | min(more, 15)])
    end = b"" if match is None else struct.pack("<H", 1) + _extended(more)
    return token + _extended(len(literals)) + literals + end


def _extended(length: int) -> bytes:
    return b"" if length < 15 else b"\xff" * ((length - 15) // 255) + bytes([(length - 15) % 255])
