"""Chunks that were never written, at edges, behind a user block, and read by libhdf5."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella_hdf5.specials.writing import CHUNKS, PLAIN, checksum, overwritten, saved, slower, stored
from lamella_testkit import Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_testkit import SampleData

__all__ = ["special_files"]


def special_files(folder: Path, data: SampleData) -> Iterator[Special]:
    """Write them."""
    yield from _never_written(folder, data)
    yield from _at_edges(folder, data)
    yield from _in_other_orders(folder, data)
    ones = (*(1 for _ in data.nav_shape), *data.sig_shape)
    path = folder / "block.h5"
    block = saved(
        path,
        lambda file: file.create_dataset("data", data=data.pixels, chunks=ones, compression="gzip"),
        userblock_size=1024,
    )
    yield Special("chunks behind a user block", block, pixels=data.pixels)
    way = slower("fast=False")
    yield Special("the same, read by libhdf5", {**block, "fast": False}, pixels=data.pixels, details=way)
    far = saved(folder / "far.h5", lambda file: file.update({"data": data.pixels}), userblock_size=1 << 17)
    yield Special("a beginning behind what is looked at first", far, pixels=data.pixels, details=PLAIN)
    big = stored(folder / "big.h5", data.pixels.astype(data.native_dtype.newbyteorder(">")), chunks=ones)
    yield Special("big-endian numbers in chunks of a frame", big, pixels=data.pixels)


def _never_written(folder: Path, data: SampleData) -> Iterator[Special]:
    """Chunks of which some, or all, hold the fill value."""
    frames, dtype = data.frames, data.native_dtype
    ones = (1, *data.sig_shape)
    for text, some in (("the last", slice(0, -1)), ("all but the last", slice(-1, None)), ("every", slice(0, 0))):

        def write(file: Any, some: slice = some) -> None:
            made = file.create_dataset("data", frames.shape, dtype, chunks=ones, fillvalue=5, compression="gzip")
            if len(frames[some]):
                made[some] = frames[some]

        filled = np.full_like(frames, 5)
        filled[some] = frames[some]
        yield Special(f"{text} chunk was never written", saved(folder / "some.h5", write), pixels=filled)


def _in_other_orders(folder: Path, data: SampleData) -> Iterator[Special]:
    """Chunks of several scan positions, whose axes are taken for others, and some of which were never written."""
    pixels = data.pixels
    for name, chunks in (("several", (2, 2, 3, 4)), ("single", (1, 1, *data.sig_shape))):

        def write(file: Any, chunks: tuple[int, ...] = chunks) -> None:
            made = file.create_dataset("data", pixels.shape, ">i4", chunks=chunks, fillvalue=5, compression="gzip")
            made[:2, :3] = pixels[:2, :3]

        shown = np.full(pixels.shape, 5, np.int32)
        shown[:2, :3] = pixels[:2, :3]
        keywords = saved(folder / f"{name}.h5", write)
        for text, more, order in (
            ("as they are", {}, (0, 1, 2, 3)),
            ("with the scan for the detector", {"sig_axes": (0, 1)}, (2, 3, 0, 1)),
            ("with every second axis for the detector", {"sig_axes": (1, 3)}, (0, 2, 1, 3)),
            ("in reverse order", {"reverse_axes": True}, (3, 2, 1, 0)),
        ):
            yield Special(f"chunks {chunks} {text}", {**keywords, **more}, pixels=shown.transpose(order))


def _at_edges(folder: Path, data: SampleData) -> Iterator[Special]:
    """Chunks that stick out of the data set, through each filter of h5py; the lower rows were never written."""
    shape, frames = data.frames.shape, data.frames

    def corners(file: Any, **options: Any) -> None:
        made = file.create_dataset("data", shape, data.native_dtype, chunks=(2, 3, 4), fillvalue=5, **options)
        made[:, :3] = frames[:, :3]

    filled = frames.copy()
    filled[:, 3:] = 5
    filters: dict[str, dict[str, Any]] = {
        "plain": {},
        "shuffle": {"shuffle": True},
        "fletcher32": {"fletcher32": True},
        "gzip": {"compression": "gzip", "shuffle": True},
        "lzf": {"compression": "lzf"},
        "scaleoffset": {"scaleoffset": 0},
    }
    for name, options in filters.items():
        keywords = saved(folder / f"{name}.h5", partial(corners, **options))
        way = slower("the filter scaleoffset") if name == "scaleoffset" else CHUNKS
        yield Special(f"chunks at corners, {name}", keywords, pixels=filled, details=way)
    alike = np.zeros((5, 4, 6), np.uint16)
    alike[:4] = frames[:4, :4]
    keywords = stored(folder / "zeros.h5", alike, chunks=(2, 4, 6), shuffle=True)
    yield Special("a chunk at the edge that shuffling does not change", keywords, pixels=alike)
    for packed in (True, False):
        keywords = _left_at_edge(folder / "left.h5", frames, packed=packed)
        yield Special(f"chunks at the edge without filters, others packed: {packed}", keywords, pixels=frames)
    yield Special("a chunk that takes as much room as its pixels", _as_large(folder / "size.h5", frames), pixels=frames)


def _left_at_edge(path: Path, frames: NDArray[Any], *, packed: bool) -> dict[str, Any]:
    """Write frames whose chunk at the edge was left as it is, not packed, not shuffled; a bit of the header says so."""
    count = len(frames) - 1
    first = frames[:count].tobytes()
    content = zlib.compress(first) if packed else _shuffled(frames[:count])

    def write(file: Any) -> None:
        chunks = (count, *frames.shape[1:])
        options: dict[str, Any] = {"compression": "gzip"} if packed else {"shuffle": True}
        made = file.create_dataset("data", frames.shape, frames.dtype, chunks=chunks, **options)
        made.id.write_direct_chunk((0, 0, 0), content)
        made.id.write_direct_chunk((count, 0, 0), frames[count:].tobytes().ljust(len(first), b"\0"))

    saved(path, write, libver=("v110", "v110"))
    with h5py.File(path) as file:
        begin = h5py.h5o.get_info(file["data"].id).addr
    header = path.read_bytes()[begin:]
    # Signature, version and flags, times if there are any, the size of what follows in as many bytes as the flags say.
    size, width = 22 if header[5] & 0x20 else 6, 1 << (header[5] & 3)
    end = size + width + int.from_bytes(header[size : size + width], "little")
    layout = header.index(bytes([4, 2, 0, frames.ndim + 1]), 0, end)
    marked = header[: layout + 2] + b"\1" + header[layout + 3 : end]
    return overwritten(path, (begin, marked + checksum(marked)))


def _shuffled(values: NDArray[Any]) -> bytes:
    return np.frombuffer(values.tobytes(), np.uint8).reshape(-1, values.itemsize).T.tobytes()


def _as_large(path: Path, frames: NDArray[Any]) -> dict[str, Any]:
    """Write frames of which the chunk at the edge is packed into as many bytes as it has pixels, by chance."""
    chunk = (len(frames) - 1, *frames.shape[1:])

    def write(file: Any) -> None:
        made = file.create_dataset("data", frames.shape, frames.dtype, chunks=chunk, compression="gzip")
        made[: len(frames) - 1] = frames[:-1]
        last = np.zeros(chunk, frames.dtype)
        last[0] = frames[-1]
        made.id.write_direct_chunk((len(frames) - 1, 0, 0), _packed_into_its_size(last, frames[0].size))

    return saved(path, write)


def _packed_into_its_size(chunk: NDArray[Any], shown: int) -> bytes:
    """Pack a chunk; pixels outside of the data set are chosen so that this makes it neither smaller nor larger."""
    flat = np.ascontiguousarray(chunk).reshape(-1).view(np.uint8)
    noise = np.random.default_rng(0)
    begin = shown * chunk.itemsize
    for end in range(begin, len(flat)):
        for _ in range(40):
            flat[begin:end] = noise.integers(0, 256, end - begin)
            packed = zlib.compress(flat.tobytes(), 1)
            if len(packed) == len(flat):
                return packed
            if abs(len(packed) - len(flat)) > 12:
                break
    raise AssertionError("noise is packed into its size sooner or later")
