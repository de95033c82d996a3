"""Kernels are loaded as machine code, without numba, where an earlier process left it.

Versions that other tests compile, too, are in the folder of all tests, which knows the sources they were made from.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.kernels import builtin, fallback, library, store
from lamella.kernels.library import Kernel

pytest.importorskip("numba")
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="tried on Linux on x86-64 only"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(store, "candidate_folders", lambda: [tmp_path])
    return tmp_path


def _key(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(map(library._kind, arguments))


def _loaded(kernel: Kernel, *arguments: Any) -> Kernel:
    """Give a kernel that found on disk the machine code that another one left there."""
    Kernel(kernel.compiled, kernel.fallback).compile_for(*arguments)
    fresh = Kernel(kernel.compiled, kernel.fallback)
    assert fresh.look_for(*arguments) == store.NATIVE
    assert fresh.load_for(*arguments)
    return fresh


def _arguments(kernel: Kernel, dtype: str, swapped: tuple[int, ...]) -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    tile = rng.integers(0, 200, (300, 5003)).astype(dtype)
    wide = np.float64 if tile.dtype.kind == "f" else np.int64
    if kernel is builtin.weigh_pixels:
        return tile, swapped, rng.random((8, 5003)).astype(np.float32), np.zeros((300, 8))
    return tile, swapped, np.zeros(5003 if kernel is builtin.add_frames else 300, wide)


@pytest.mark.parametrize("kernel", [builtin.add_frames, builtin.add_pixels, builtin.weigh_pixels], ids=repr)
@pytest.mark.parametrize(("dtype", "swapped"), [("u2", ()), ("u2", (1,)), ("f4", ())])
def test_machine_code_does_what_numpy_does(kernel: Kernel, dtype: str, swapped: tuple[int, ...]) -> None:
    arguments = _arguments(kernel, dtype, swapped)
    fresh = _loaded(kernel, *arguments)
    apart = np.zeros((300, 5003 + 9), arguments[0].dtype)[:, :5003]
    apart[:] = arguments[0]
    apart.setflags(write=False)
    for tile in (arguments[0], apart):
        found, expected = arguments[-1].copy(), arguments[-1].copy()
        fresh._ready[_key(arguments)](tile, *arguments[1:-1], found)
        kernel.fallback(tile, *arguments[1:-1], expected)
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_numba_is_not_imported_for_machine_code(folder: Path) -> None:
    arguments = _arguments(builtin.add_pixels, "u2", ())
    Kernel(builtin.add_pixels.compiled, fallback.add_pixels).compile_for(*arguments)
    code = (
        "import sys; import numpy as np; from lamella.kernels.builtin import add_pixels\n"
        "total = np.zeros(4, np.int64); arguments = np.ones((4, 9), 'u2'), (), total\n"
        "assert add_pixels.load_for(*arguments); add_pixels(*arguments)\n"
        "assert 'numba' not in sys.modules and total.tolist() == [9, 9, 9, 9]"
    )
    environment = {**os.environ, "LAMELLA_KERNEL_CACHE": str(folder)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.parametrize("name", ["add_events", "weigh_events"])
def test_machine_code_says_what_is_wrong_with_events(name: str) -> None:
    values, pixels = np.ones(3, "u1"), np.array([0, 8, 9], "u2")
    rest = (
        (np.zeros(9, np.int64),)
        if name == "add_events"
        else (np.array([0, 3]), np.ones((1, 9, 4), np.float32), np.zeros((1, 4)))
    )
    fresh = _loaded(getattr(builtin, name), values, pixels, *rest)
    with pytest.raises(IndexError, match="outside the frame"):
        fresh(values, pixels, *rest)
    pixels[2] = 7
    fresh(values, pixels, *rest)
    assert rest[-1].sum() in (3, 12)


def _further(name: str, dtype: str) -> tuple[Any, ...]:
    """Give arguments of the kernels with more than one result."""
    rng = np.random.default_rng(1)
    tile = rng.integers(0, 200, (37, 2501)).astype(dtype)
    depth, width = tile.shape
    wide = np.float64 if tile.dtype.kind == "f" else np.int64
    nothing = np.zeros(0)
    results: dict[str, Callable[[], tuple[Any, ...]]] = {
        "add_moments": lambda: (np.full(width, 90.0), np.zeros(width), np.zeros(width)),
        "add_squares": lambda: (np.zeros(width, np.int64), np.zeros(width, np.int64)),
        "weigh_items": lambda: (
            np.sort(rng.integers(0, width, 300)),
            rng.integers(0, 3, 300),
            rng.random(300),
            np.zeros((depth, 3)),
        ),
        "correct_rows": lambda: (*rng.random((2, width)).astype(np.float32), np.zeros((depth, width), np.float32)),
        "reduce_rows": lambda: (
            nothing,
            np.zeros(width, wide),
            np.zeros(0, np.int64) if wide is np.int64 else nothing,
            np.zeros(depth, wide),
            rng.random((3, width)).astype(np.float32),
            np.zeros((depth, 3)),
        ),
    }
    return tile, (), *results[name]()


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("add_moments", "f4"),
        ("add_squares", "u2"),  # whole numbers of 16 bits have no other moments
        *((name, dtype) for name in ("weigh_items", "correct_rows", "reduce_rows") for dtype in ("u2", "f4")),
    ],
)
def test_machine_code_of_further_kernels_does_what_numpy_does(name: str, dtype: str) -> None:
    kernel: Kernel = getattr(builtin, name)
    arguments = _further(name, dtype)
    fresh = _loaded(kernel, *arguments)
    found, expected = ([np.copy(one) if isinstance(one, np.ndarray) else one for one in arguments] for _ in range(2))
    for _ in range(3):
        fresh._ready[_key(arguments)](*found)
        kernel.fallback(*expected)
    for one, other in zip(found, expected, strict=True):
        if isinstance(one, np.ndarray):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-9)
