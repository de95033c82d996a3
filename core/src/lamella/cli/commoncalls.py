"""The calls of kernels that files lead to, to be compiled ahead."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lamella.codecs.warm import codec_calls
from lamella.kernels import builtin
from lamella.kernels.library import Kernel

__all__ = ["common_calls", "compile_for_file", "version_text", "warm"]

_DTYPES = ("u1", "u2", "i2", "i4", "f4")
_SWAPPED = ("u2",)
_EVENTS = ("u1", "u2", "i4", "f4")
_FEW = 64
"""Frames that are read to see what a file needs."""


def common_calls() -> Iterator[tuple[Kernel, tuple[Any, ...]]]:
    """Give the calls that files of common detectors lead to: kernels with small arguments of the right types."""
    for dtype, swapped in [*((name, ()) for name in _DTYPES), *((name, (1,)) for name in _SWAPPED)]:
        yield from _calls(np.zeros((2, 8), dtype=dtype), swapped)
    for dtype in _EVENTS:
        yield from _event_calls(np.zeros(2, dtype))
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


def _event_calls(values: Any) -> Iterator[tuple[Kernel, tuple[Any, ...]]]:
    pixels, starts = np.zeros(2, np.uint32), np.array([0, 2])
    pixels.flags.writeable = values.flags.writeable = False
    total = np.float64 if values.dtype.kind == "f" else np.int64
    yield builtin.add_events, (values, pixels, np.zeros(8, total))
    yield builtin.add_rows, (values, starts, np.zeros(1, total))
    yield builtin.weigh_events, (values, pixels, starts, np.zeros((1, 8, 4), np.float32), np.zeros((1, 4)))


def version_text(arguments: tuple[Any, ...]) -> str:
    """Name the version of a kernel that such arguments need."""
    swapped = len(arguments) > 1 and isinstance(arguments[1], tuple) and bool(arguments[1])
    return f"{'swapped ' if swapped else ''}{arguments[0].dtype}"


def warm() -> Iterator[tuple[int, int, str]]:
    """Compile the kernels of common calls, or load them from disk; gives number done, number in all, and a name.

    Raises
    ------
    ImportError
        If numba cannot be imported.
    """
    calls = list(common_calls())
    for done, (kernel, arguments) in enumerate(calls, start=1):
        kernel.compile_for(*arguments)
        yield done, len(calls), f"{kernel.compiled.partition(':')[2]} of {version_text(arguments)}"


def compile_for_file(path: Path) -> None:
    """Compile what usual computations of a file need, whatever its format, by doing them for a few frames."""
    import lamella
    from lamella.udf import UDF, ApplyMasksUDF, CoMUDF, StdDevUDF, SumSigUDF, SumUDF

    before = os.environ.get("LAMELLA_KERNELS")
    os.environ["LAMELLA_KERNELS"] = "compiled"
    try:
        ds = lamella.open(path)
        few = np.arange(ds.shape.nav.size) < _FEW
        mask = np.ones(tuple(ds.shape.sig))
        runs: list[list[UDF]] = [[udf] for udf in (SumUDF(), SumSigUDF(), StdDevUDF(), CoMUDF())]
        runs.append([ApplyMasksUDF(mask_factories=lambda: mask)])
        with lamella.Context("inline") as ctx:
            for udfs in [*runs, [udf for (udf,) in runs]]:
                ctx.run_udf(ds, udfs, roi=few.reshape(tuple(ds.shape.nav)))
    finally:
        if before is None:
            del os.environ["LAMELLA_KERNELS"]
        else:
            os.environ["LAMELLA_KERNELS"] = before
