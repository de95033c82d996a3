"""Compile ahead: what a process would otherwise compile in the background while it computes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lamella.codecs.warm import codec_calls
from lamella.kernels import builtin
from lamella.kernels.library import Kernel

__all__ = ["common_calls", "warm"]

_DTYPES = ("u1", "u2", "i2", "i4", "f4")
_SWAPPED = ("u2",)


def common_calls() -> Iterator[tuple[Kernel, tuple[Any, ...]]]:
    """Give the calls that files of common detectors lead to: kernels with small arguments of the right types."""
    for dtype, swapped in [*((name, ()) for name in _DTYPES), *((name, (1,)) for name in _SWAPPED)]:
        for gap in (0, 1):
            yield from _calls(np.zeros((2, 8 + gap), dtype=dtype)[:, :8], swapped)
    yield from codec_calls()


def _calls(rows: Any, swapped: tuple[int, ...]) -> Iterator[tuple[Kernel, tuple[Any, ...]]]:
    total = np.float64 if rows.dtype.kind == "f" else np.int64
    weights = np.result_type(rows.dtype, np.float32)
    masks = np.zeros((4, 8), dtype=weights)
    moments = (np.zeros(8), np.zeros(8), np.zeros(8))
    yield builtin.add_frames, (rows, swapped, np.zeros(8, dtype=total))
    yield builtin.add_pixels, (rows, swapped, np.zeros(2, dtype=total))
    if rows.dtype.kind in "ui" and rows.itemsize <= 2:
        yield builtin.add_squares, (rows, swapped, np.zeros(8, dtype=total), np.zeros(8, dtype=total))
    else:
        yield builtin.add_moments, (rows, swapped, *moments)
    yield builtin.weigh_pixels, (rows, swapped, masks, np.zeros((2, 4)))
    wide = moments if rows.dtype.kind not in "ui" or rows.itemsize > 2 else (np.zeros(8), *2 * (np.zeros(8, np.int64),))
    yield builtin.reduce_rows, (rows, swapped, *wide, np.zeros(2, dtype=total), masks, np.zeros((2, 4)))
    listed = (np.zeros(2, np.int64), np.zeros(2, np.int64), np.zeros(2))
    yield builtin.weigh_items, (rows, swapped, *listed, np.zeros((2, 4)))


def warm() -> Iterator[tuple[int, int, str]]:
    """Compile, or load from the cache, the kernels of common calls; gives number done, number in all, and a name.

    Raises
    ------
    ImportError
        If numba cannot be imported.
    """
    calls = list(common_calls())
    for done, (kernel, arguments) in enumerate(calls, start=1):
        kernel.compile_for(*arguments)
        yield done, len(calls), f"{kernel.compiled.partition(':')[2]} of {arguments[0].dtype}"
