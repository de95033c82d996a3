"""Pictures in the size in which they are drawn: means of pixels where there are too many, sharp squares else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["averaged", "enlarged"]

_MOST_AVERAGED = 4
"""Pixels along an axis whose mean is taken; where there are more, some are left out."""
_EVEN = np.uint32(0x00FF00FF)


def averaged(values: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """Give an image that has at most so many rows and columns: means over equal parts, without what is not finite.

    Parameters
    ----------
    values
        Real numbers, the rows and columns along the last two axes.
    shape
        Rows and columns at most.
    """
    for axis, most in zip((-2, -1), shape, strict=True):
        length = values.shape[axis]
        if length > most:
            step = max(1, length // (most * _MOST_AVERAGED))
            values = np.moveaxis(_means(np.moveaxis(values, axis, -1)[..., ::step], most), -1, axis)
    return values


def _means(values: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Give means over equal parts of the last axis, whose ends may lie within a pixel."""
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers)
    if finite.all():
        return np.asarray(_sums(numbers, count) * (count / numbers.shape[-1]))
    weights = _sums(finite.astype(np.float64), count)
    sums = _sums(np.where(finite, numbers, 0.0), count)
    return np.where(weights > 1e-9, sums / np.maximum(weights, 1e-9), np.nan)


def _sums(numbers: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    length = numbers.shape[-1]
    edges = np.arange(count + 1) * (length / count)
    whole = np.minimum(edges.astype(np.intp), length - 1)
    before = numbers[..., whole[:-1]] * (edges - whole)[:-1]
    behind = numbers[..., whole[1:]] * (edges - whole)[1:]
    behind[..., -1] = 0.0  # the last part ends with the last pixel
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.add.reduceat(numbers, whole[:-1], axis=-1) - before + behind)


def enlarged(colours: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Give a picture with more rows and columns, shape ``(*shape, 4)``.

    Each pixel becomes a rectangle of one colour. Where its edge lies within a pixel of the result, that is a mixture.

    Parameters
    ----------
    colours
        Shape ``(height, width, 4)``.
    shape
        Rows and columns, at least as many as there are.
    """
    packed = np.ascontiguousarray(colours).view(np.uint32)[..., 0]
    stretched = _stretched(_stretched(packed, shape[0], 0), shape[1], 1)
    return np.ascontiguousarray(stretched).view(np.uint8).reshape(*shape, 4)


def _stretched(packed: NDArray[np.uint32], count: int, axis: int) -> NDArray[np.uint32]:
    """Enlarge along an axis; each number holds the four bytes of a colour."""
    length = packed.shape[axis]
    if count == length:
        return packed
    edges = np.arange(count + 1) * (length / count)
    first = np.minimum(np.floor(edges[:-1] + 1e-9).astype(np.intp), length - 1)
    last = np.minimum(np.floor(edges[1:] - 1e-9).astype(np.intp), length - 1)
    result = packed.take(first, axis)
    mixed = np.flatnonzero(last > first)
    if mixed.size:
        part = np.rint((edges[1:] - last)[mixed] * (count / length) * 256).astype(np.uint32)
        part = part[:, np.newaxis] if axis == 0 else part
        between = _mixed(packed.take(first[mixed], axis), packed.take(last[mixed], axis), part)
        result[(slice(None),) * axis + (mixed,)] = between
    return np.asarray(result, dtype=np.uint32)


def _mixed(before: NDArray[np.uint32], behind: NDArray[np.uint32], part: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Mix colours, ``part`` / 256 of the second; two bytes at a time, so that each has room for its product."""
    rest = np.uint32(256) - part
    low = ((before & _EVEN) * rest + (behind & _EVEN) * part) >> np.uint32(8) & _EVEN
    high = ((before >> np.uint32(8) & _EVEN) * rest + (behind >> np.uint32(8) & _EVEN) * part) & ~_EVEN
    return np.asarray(low | high, dtype=np.uint32)
