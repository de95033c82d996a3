"""The same decoders without a compiler: for picking a frame, and until the compiled ones are ready."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["bitshuffle_lz4", "fletcher32", "lz4_blocks", "lzf", "unshuffle"]


class _Damaged(Exception):
    """A length that leads out of the chunk."""


def _copy_back(out: bytearray, back: int, n: int, limit: int) -> None:
    if back == 0 or back > len(out) or n > limit - len(out):
        raise _Damaged
    start = len(out) - back
    pattern = bytes(out[start : start + n]) if n <= back else bytes(out[start:]) * (n // back + 1)
    out += pattern[:n]


def _extended(src: bytes, i: int, n: int, limit: int) -> tuple[int, int]:
    more = 255
    while more == 255:
        if i >= len(src) or n > limit:
            raise _Damaged
        more = src[i]
        i += 1
        n += more
    return i, n


def _lz4(src: bytes, limit: int) -> bytearray:
    out, i = bytearray(), 0
    while i < len(src):
        token = src[i]
        i += 1
        n = token >> 4
        if n == 15:
            i, n = _extended(src, i, n, limit)
        if n > len(src) - i or n > limit - len(out):
            raise _Damaged
        out += src[i : i + n]
        i += n
        if i >= len(src):
            break
        if len(src) - i < 2:
            raise _Damaged
        back = src[i] | src[i + 1] << 8
        i += 2
        n = token & 15
        if n == 15:
            i, n = _extended(src, i, n, limit)
        _copy_back(out, back, n + 4, limit)
    if len(out) != limit:
        raise _Damaged
    return out


def _unbitshuffle(planes: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    bits = np.unpackbits(planes.reshape(8 * size, -1), axis=1, bitorder="little")
    return np.packbits(bits.T, axis=1, bitorder="little").reshape(-1)


def bitshuffle_lz4(
    src: NDArray[np.uint8], out: NDArray[np.uint8], places: NDArray[np.int64], first: int, size: int, status: Any
) -> None:
    """Decode chunks of the bitshuffle filter with LZ4; ``status[0]`` is 0 if all went well."""
    status[0] = 1
    with suppress(_Damaged):
        for row, (begin, nbytes) in zip(out, places[:, :2].tolist(), strict=True):
            _bitshuffled(src[begin - first : begin - first + nbytes].tobytes(), row, size)
        status[0] = 0


def _bitshuffled(data: bytes, out: NDArray[np.uint8], size: int) -> None:
    """Decode one chunk."""
    block = int.from_bytes(data[8:12], "big")
    fits = len(data) >= 12 and int.from_bytes(data[:8], "big") == out.size
    if not fits or block <= 0 or block % (8 * size):
        raise _Damaged
    i, done, whole = 12, 0, out.size // (8 * size) * (8 * size)
    while done < whole:
        length, packed = min(block, whole - done), int.from_bytes(data[i : i + 4], "big")
        i += 4
        if packed > len(data) - i:
            raise _Damaged
        planes = _lz4(data[i : i + packed], length)
        out[done : done + length] = _unbitshuffle(np.frombuffer(planes, dtype=np.uint8), size)
        i += packed
        done += length
    rest = np.frombuffer(data[i : i + out.size - done], dtype=np.uint8)
    if rest.size != out.size - done:
        raise _Damaged
    out[done:] = rest


def lz4_blocks(src: NDArray[np.uint8], out: NDArray[np.uint8], status: Any) -> None:
    """Decode a chunk of the LZ4 filter; ``status[0]`` is 0 if all went well."""
    status[0] = 1
    with suppress(_Damaged):
        _lz4_blocks(src.tobytes(), out)
        status[0] = 0


def _lz4_blocks(data: bytes, out: NDArray[np.uint8]) -> None:
    block = int.from_bytes(data[8:12], "big")
    if len(data) < 12 or int.from_bytes(data[:8], "big") != out.size or block <= 0:
        raise _Damaged
    i, done = 12, 0
    while done < out.size:
        length, packed = min(block, out.size - done), int.from_bytes(data[i : i + 4], "big")
        i += 4
        if packed > len(data) - i:
            raise _Damaged
        piece: bytes | bytearray = data[i : i + packed]
        if packed != length:
            piece = _lz4(data[i : i + packed], length)
        out[done : done + length] = np.frombuffer(piece, dtype=np.uint8)
        i += packed
        done += length


def lzf(src: NDArray[np.uint8], out: NDArray[np.uint8], status: Any) -> None:
    """Decode a chunk of the LZF filter; ``status[0]`` is 0 if all went well."""
    status[0] = 1
    with suppress(_Damaged, IndexError):
        made = _lzf(src.tobytes(), out.size)
        out[:] = np.frombuffer(made, dtype=np.uint8)
        status[0] = 0


def _lzf(data: bytes, limit: int) -> bytearray:
    made, i = bytearray(), 0
    while i < len(data):
        control = data[i]
        i += 1
        if control < 32:
            if control + 1 > len(data) - i or control + 1 > limit - len(made):
                raise _Damaged
            made += data[i : i + control + 1]
            i += control + 1
            continue
        n = control >> 5
        if n == 7:
            n += data[i]
            i += 1
        back = ((control & 31) << 8 | data[i]) + 1
        i += 1
        _copy_back(made, back, n + 2, limit)
    if len(made) != limit:
        raise _Damaged
    return made


def unshuffle(src: NDArray[np.uint8], out: NDArray[np.uint8], size: int) -> None:
    """Put the bytes of elements together again; ``src`` holds all first bytes, then all second bytes ..."""
    n = out.size // size
    out[: n * size].reshape(n, size)[...] = src[: n * size].reshape(size, n).T
    out[n * size :] = src[n * size :]


def fletcher32(body: NDArray[np.uint8], sums: NDArray[np.uint64]) -> None:
    """Give the two sums modulo 65535 of big-endian words of two bytes, the last one filled up with zero."""
    words = np.zeros((body.size + 1) // 2 * 2, dtype=np.uint8)
    words[: body.size] = body
    low = high = 0
    step = 1 << 15
    values = words.view(">u2")
    for start in range(0, values.size, step):
        part = values[start : start + step].astype(np.uint64)
        total = int(part.sum())
        weighted = int((part * np.arange(part.size, 0, -1, dtype=np.uint64)).sum())
        high = (high + low * part.size + weighted) % 65535
        low = (low + total) % 65535
    sums[:] = low, high
