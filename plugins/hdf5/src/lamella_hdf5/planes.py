"""Elements from their bit planes, which is what the bitshuffle filter makes of them.

Plane ``b`` holds bit ``b`` of all elements, eight elements in a byte. Wide vectors go through two transpositions in
registers: bits against planes, by masks and shifts, then bytes against elements, by interleaving. Both are written
down for vectors of any machine; LLVM cuts them to what there is.
"""

# Numba looks at the parameters of intrinsics by name, and compiles the functions that they give.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import extending, njit, types

from lamella_hdf5.addresses import bounds

__all__ = ["WIDTH", "by_vectors", "unbitshuffle", "unshuffle"]


def _has_wide_vectors() -> bool:
    """Whether the processor mixes bytes in vectors of 64 bytes."""
    try:
        return bool(binding.get_host_cpu_features().get("avx512bw"))
    except RuntimeError:  # LLVM does not say
        return False


WIDTH = 64 if _has_wide_vectors() else 32
"""Bytes of each plane that are taken at once; compiled code is kept for one kind of processor only."""

_intrinsic: Any = extending.intrinsic
_LANE = 16
_BYTE, _NUMBER, _WORD = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_EACH_BYTE = 0x0101010101010101


def by_vectors(size: int, width: int) -> Any:
    """Give a compiled function ``(planes, row, target)``: ``8 * width`` elements of ``size`` bytes, 1, 2, 4 or 8.

    Its arguments are the address of the first plane, the distance of planes, and the address of the first element.
    """

    @_intrinsic
    def transposed(typing_context, planes, row, target):
        def build(context, builder, signature, arguments):
            rows = list(_bytes_of_elements(builder, arguments[0], arguments[1], size, width))
            _interleave(builder, rows, arguments[2], width)
            return context.get_dummy_value()

        return types.void(planes, row, target), build

    return transposed


def _bytes_of_elements(builder: Any, planes: Any, row: Any, size: int, width: int) -> Iterator[Any]:
    """Give vectors in the order of bytes in memory: each holds one byte of every eighth element."""
    words = ir.VectorType(_WORD, width // 8)

    def every(value: int) -> Any:
        return ir.Constant(words, [ir.Constant(_WORD, value)] * (width // 8))

    found = []
    for j in range(size):
        p = []
        for b in range(8):
            address = builder.add(planes, builder.mul(row, ir.Constant(_WORD, 8 * j + b)))
            p.append(builder.load(builder.inttoptr(address, words.as_pointer()), align=1))
        for step, low in ((4, 0x0F), (2, 0x33), (1, 0x55)):
            for a in (a for a in range(8) if not a & step):
                x, y = p[a], p[a + step]
                swap = builder.and_(builder.xor(builder.lshr(x, every(step)), y), every(low * _EACH_BYTE))
                p[a], p[a + step] = builder.xor(x, builder.shl(swap, every(step))), builder.xor(y, swap)
        found.append([builder.bitcast(one, ir.VectorType(_BYTE, width)) for one in p])
    for k in range(8):
        for j in range(size):
            yield found[j][k]


def _interleave(builder: Any, rows: list[Any], target: Any, width: int) -> None:
    """Write byte ``g`` of all rows, then byte ``g + 1`` of all rows ..."""
    n = min(_LANE, len(rows))
    for group in range(0, len(rows), n):
        held, places = rows[group : group + n], [list(range(_LANE))] * n
        item = 1
        while item < n:
            pairs = [(i, half) for half in (0, 1) for i in range(0, n, 2)]
            masks = [_numbers(_zipped(width, item, half)) for half in (0, 1)]
            held = [builder.shuffle_vector(held[i], held[i + 1], masks[half]) for i, half in pairs]
            places = [[(places[i] + places[i + 1])[k] for k in _zipped(_LANE, item, half)] for i, half in pairs]
            item *= 2
        for vector, place in zip(held, places, strict=True):
            for lane in range(0, width, _LANE):
                part = builder.shuffle_vector(vector, vector, _numbers(range(lane, lane + _LANE)))
                address = builder.add(target, ir.Constant(_WORD, (lane + place[0]) * len(rows) + group))
                builder.store(part, builder.inttoptr(address, part.type.as_pointer()), align=1)


def _zipped(width: int, item: int, half: int) -> list[int]:
    """Say which bytes of two vectors become one, items in turn, from the lower or the upper half of each lane."""
    starts = [lane + half * _LANE // 2 + at for lane in range(0, width, _LANE) for at in range(0, _LANE // 2, item)]
    return [which * width + start + b for start in starts for which in (0, 1) for b in range(item)]


def _numbers(values: Any) -> Any:
    numbers = [ir.Constant(_NUMBER, value) for value in values]
    return ir.Constant(ir.VectorType(_NUMBER, len(numbers)), numbers)


_one, _two, _four = (by_vectors(size, WIDTH) for size in (1, 2, 4))


@njit(nogil=True)
def _transposed(x):
    """Transpose a matrix of 8 x 8 bits."""
    t = (x ^ (x >> np.uint64(7))) & np.uint64(0x00AA00AA00AA00AA)
    x = x ^ t ^ (t << np.uint64(7))
    t = (x ^ (x >> np.uint64(14))) & np.uint64(0x0000CCCC0000CCCC)
    x = x ^ t ^ (t << np.uint64(14))
    t = (x ^ (x >> np.uint64(28))) & np.uint64(0x00000000F0F0F0F0)
    return x ^ t ^ (t << np.uint64(28))


@njit(nogil=True)
def unshuffle(src, out, size):
    """Put the bytes of elements together again; ``src`` holds all first bytes, then all second bytes ..."""
    n = out.size // size
    if size == 2:
        for e in range(n):
            out[2 * e] = src[e]
            out[2 * e + 1] = src[n + e]
    elif size == 4:
        for e in range(n):
            out[4 * e] = src[e]
            out[4 * e + 1] = src[n + e]
            out[4 * e + 2] = src[2 * n + e]
            out[4 * e + 3] = src[3 * n + e]
    else:
        for j in range(size):
            for e in range(n):
                out[e * size + j] = src[j * n + e]
    for k in range(n * size, out.size):
        out[k] = src[k]


@njit(nogil=True)
def _by_words(planes, n, size, shuffled, out):
    """Do the same for few elements, or large ones.

    Bits become bytes first, then bytes become elements: both loops run over neighbours in memory, eight at a time.
    """
    row = n // 8
    for j in range(size):
        first = 8 * j * row
        p0 = planes[first : first + row]
        p1 = planes[first + row : first + 2 * row]
        p2 = planes[first + 2 * row : first + 3 * row]
        p3 = planes[first + 3 * row : first + 4 * row]
        p4 = planes[first + 4 * row : first + 5 * row]
        p5 = planes[first + 5 * row : first + 6 * row]
        p6 = planes[first + 6 * row : first + 7 * row]
        p7 = planes[first + 7 * row : first + 8 * row]
        words = shuffled[j * n : (j + 1) * n].view(np.uint64)
        for g in range(row):
            x = (
                np.uint64(p0[g])
                | np.uint64(p1[g]) << np.uint64(8)
                | np.uint64(p2[g]) << np.uint64(16)
                | np.uint64(p3[g]) << np.uint64(24)
                | np.uint64(p4[g]) << np.uint64(32)
                | np.uint64(p5[g]) << np.uint64(40)
                | np.uint64(p6[g]) << np.uint64(48)
                | np.uint64(p7[g]) << np.uint64(56)
            )
            words[g] = _transposed(x)
    unshuffle(shuffled[: n * size], out, size)


@njit(nogil=True)
def unbitshuffle(planes, n, size, shuffled, out):
    """Give ``n`` elements of ``size`` bytes, a multiple of 8, from their bit planes; ``shuffled`` is room for them."""
    row = n // 8
    if row < WIDTH or (size != 1 and size != 2 and size != 4):
        _by_words(planes, n, size, shuffled, out)
        return
    first, target = bounds(planes)[0], bounds(out)[0]
    for begin in range(0, row, WIDTH):
        g = min(begin, row - WIDTH)
        if size == 1:
            _one(first + g, row, target + g * 8)
        elif size == 2:
            _two(first + g, row, target + g * 16)
        else:
            _four(first + g, row, target + g * 32)
