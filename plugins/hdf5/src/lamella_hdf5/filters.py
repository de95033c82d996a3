"""The filter pipeline of a chunk, undone outside of libhdf5 and without the lock of the interpreter.

Filters are listed in the order in which they were applied; a set bit i of the mask of a chunk says that filter i was
left out. Identifiers are those registered with The HDF Group.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import deflate
import numpy as np

from lamella.codecs import Kernel
from lamella.errors import CorruptError
from lamella_hdf5 import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ALLOWED", "CODECS", "FLETCHER32", "LZF", "NAMES", "SHUFFLE", "Filter", "Pipeline", "filters_of"]

DEFLATE, SHUFFLE, FLETCHER32, LZF, BLOSC, LZ4, BITSHUFFLE, ZSTD = 1, 2, 3, 32000, 32001, 32004, 32008, 32015

NAMES = {
    DEFLATE: "deflate (gzip)",
    SHUFFLE: "shuffle",
    FLETCHER32: "fletcher32",
    4: "szip",
    5: "nbit",
    6: "scaleoffset",
    LZF: "LZF",
    BLOSC: "Blosc",
    LZ4: "LZ4",
    BITSHUFFLE: "bitshuffle",
    ZSTD: "Zstandard",
    32026: "Blosc2",
}
"""Filters that are known; libhdf5 is never asked to load another one."""
ALLOWED = frozenset(NAMES)

_BITSHUFFLE_LZ4 = 2
CODECS = 'pip install "lamella-hdf5[codecs]"'
"""What gives further filters."""

_bitshuffle_lz4 = Kernel("lamella_hdf5.kernels:bitshuffle_lz4", plain.bitshuffle_lz4, worth_waiting=True)
_lz4_blocks = Kernel("lamella_hdf5.kernels:lz4_blocks", plain.lz4_blocks, worth_waiting=True)
_lzf = Kernel("lamella_hdf5.kernels:lzf", plain.lzf, worth_waiting=True)
_fletcher = Kernel("lamella_hdf5.kernels:fletcher32", plain.fletcher32)
_unshuffle = Kernel("lamella_hdf5.kernels:unshuffle", plain.unshuffle)


@dataclass(frozen=True, slots=True)
class Filter:
    """A step of the pipeline: its identifier and the values it was set up with."""

    code: int
    values: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What people call it."""
        return NAMES.get(self.code, f"filter {self.code}")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """All filters of a data set, and the size of an element and of a decoded chunk [bytes]."""

    filters: tuple[Filter, ...]
    itemsize: int
    nbytes: int

    def why_not(self) -> str | None:
        """Say why chunks cannot be decoded here, or give None."""
        packers = [step for step in self.filters if step.code not in (SHUFFLE, FLETCHER32)]
        if len(packers) > 1:
            return "several compressing filters"
        for step in self.filters:
            if step.code not in _DECODERS and step.code not in (DEFLATE, SHUFFLE, FLETCHER32):
                return f"the filter {step.name}"
            if step.code == BITSHUFFLE and (step.values[4:5] != (_BITSHUFFLE_LZ4,) or step.values[2] != self.itemsize):
                return "bitshuffle without LZ4"
            if step.code == SHUFFLE and step.values[:1] not in ((), (self.itemsize,)):
                return "shuffle with another element size"
            if step.code in (BLOSC, ZSTD) and not _has_numcodecs():
                return f"{step.name} without the package numcodecs ({CODECS})"
        return None

    @property
    def together(self) -> bool:
        """Whether there is a decoder for several chunks at once."""
        return len(self.filters) == 1 and self.filters[0].code == BITSHUFFLE

    def decode_all(
        self, stored: NDArray[np.uint8], places: NDArray[np.int64], first: int, out: NDArray[np.uint8]
    ) -> bool:
        """Decode chunks in one compiled call; gives whether all of them are sound.

        Parameters
        ----------
        stored
            Bytes of the file from byte ``first`` on, with all the chunks.
        places
            Offset in the file, size and mask of each chunk, shape ``(n, 3)``; all filters were applied.
        out
            Shape ``(n, nbytes)``.
        """
        status = np.zeros(1, dtype=np.int64)
        _call(_bitshuffle_lz4, stored, out, places, first, self.itemsize, status)
        return not status[0]

    def decode(self, stored: NDArray[np.uint8], mask: int, out: NDArray[np.uint8]) -> None:
        """Decode a chunk into ``out``, shape ``(nbytes,)``.

        Raises
        ------
        CorruptError
            If the bytes are not what the filters made.
        """
        steps = [step for i, step in enumerate(self.filters) if not mask >> i & 1]
        data = stored
        while steps:
            step = steps.pop()
            if step.code == FLETCHER32:
                data = _checked(data)
                continue
            behind = 4 * sum(other.code == FLETCHER32 for other in steps)
            if step.code == DEFLATE:
                data = _inflated(data, self.nbytes + behind)
                continue
            target = out if not steps else np.empty(self.nbytes + behind, dtype=np.uint8)
            if step.code == SHUFFLE:
                if data.size != target.size:
                    raise CorruptError("a chunk has the wrong size", expected=target.size, found=data.size)
                _call(_unshuffle, data, target, self.itemsize)
            else:
                _DECODERS[step.code](data, target, step, self.itemsize)
            data = target
        if data is out:
            return
        if data.size != out.size:
            raise CorruptError("a chunk has the wrong size", expected=f"{out.size} bytes", found=f"{data.size} bytes")
        out[:] = data


def filters_of(plist: Any) -> tuple[Filter, ...]:
    """Give the filters of a creation property list of h5py."""
    found = (plist.get_filter(i) for i in range(plist.get_nfilters()))
    return tuple(Filter(int(code), tuple(int(value) for value in values)) for code, _, values, _ in found)


def _inflated(data: NDArray[np.uint8], nbytes: int) -> NDArray[np.uint8]:
    try:
        made = deflate.zlib_decompress(data.data, nbytes)
    except deflate.DeflateError as error:
        raise CorruptError("a chunk is not a deflate stream, or is larger than the others") from error
    if len(made) != nbytes:
        raise CorruptError("a chunk decodes to the wrong size", expected=nbytes, found=len(made))
    return np.frombuffer(made, dtype=np.uint8)


def _bitshuffle(data: NDArray[np.uint8], out: NDArray[np.uint8], step: Filter, itemsize: int) -> None:
    _run(_bitshuffle_lz4, data, out.reshape(1, -1), np.asarray([[0, data.size, 0]]), 0, itemsize)


def _lz4_filter(data: NDArray[np.uint8], out: NDArray[np.uint8], step: Filter, itemsize: int) -> None:
    _run(_lz4_blocks, data, out)


def _lzf_filter(data: NDArray[np.uint8], out: NDArray[np.uint8], step: Filter, itemsize: int) -> None:
    _run(_lzf, data, out)


def _numcodecs(data: NDArray[np.uint8], out: NDArray[np.uint8], step: Filter, itemsize: int) -> None:
    module = importlib.import_module("numcodecs.blosc" if step.code == BLOSC else "numcodecs.zstd")
    packed = data.tobytes()
    if step.code == BLOSC:
        stated = int.from_bytes(packed[4:8], "little") if len(packed) >= 16 else -1
        if stated != out.size or int.from_bytes(packed[12:16], "little") != len(packed):
            raise CorruptError("a Blosc chunk states the wrong size", expected=out.size, found=stated)
    try:
        module.decompress(packed, out)
    except Exception as error:
        raise CorruptError(f"a chunk cannot be decoded by {step.name} ({error})") from error


_DECODERS: dict[int, Callable[[NDArray[np.uint8], NDArray[np.uint8], Filter, int], None]] = {
    BITSHUFFLE: _bitshuffle,
    LZ4: _lz4_filter,
    LZF: _lzf_filter,
    BLOSC: _numcodecs,
    ZSTD: _numcodecs,
}


def _call(kernel: Kernel, data: NDArray[np.uint8], *rest: Any) -> None:
    data.setflags(write=False)  # one compiled version for all
    kernel(data, *rest)


def _run(kernel: Kernel, data: NDArray[np.uint8], out: NDArray[np.uint8], *rest: Any) -> None:
    status = np.zeros(1, dtype=np.int64)
    _call(kernel, data, out, *rest, status)
    if status[0]:
        raise CorruptError("a chunk cannot be decoded: its lengths contradict each other")


def _checked(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Check and remove the Fletcher checksum; both byte orders of it are in use."""
    if data.size < 4:
        raise CorruptError("a chunk is too short for its checksum", expected="4 bytes", found=data.size)
    body, stored = data[:-4], int.from_bytes(data[-4:].tobytes(), "little")
    found = _fletcher32(body)
    swapped = (stored & 0x00FF00FF) << 8 | (stored & 0xFF00FF00) >> 8
    if not any(_same(found, other) for other in (stored, swapped)):
        raise CorruptError("a chunk does not fit its checksum", expected=f"{stored:08x}", found=f"{found:08x}")
    return body


def _same(one: int, other: int) -> bool:
    """Compare sums modulo 65535, in which 0 and 65535 are one."""
    return (one - other) % 65535 == 0 and ((one >> 16) - (other >> 16)) % 65535 == 0


def _fletcher32(body: NDArray[np.uint8]) -> int:
    sums = np.zeros(2, dtype=np.uint64)
    _call(_fletcher, body, sums)
    return int(sums[1]) << 16 | int(sums[0])


@cache
def _has_numcodecs() -> bool:
    return importlib.util.find_spec("numcodecs") is not None
