"""Kernels that start as NumPy code and become compiled code while they work.

A `Kernel` is called like a function. At first it runs its NumPy version. Once the process has streamed enough bytes
for compiling to pay, a background thread imports numba and compiles, or loads from numba's cache, the versions that
are in use; later calls use them. Both versions do the same to the same arrays, so a switch in the middle of a run
changes the speed and nothing else. Small jobs never import numba, and nobody waits for a compiler.

The environment variable ``LAMELLA_KERNELS`` chooses ``auto`` (this), ``numpy`` (never compile) or ``compiled``
(compile at the first call, and wait).
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

__all__ = ["Kernel", "wait_until_compiled"]

_log = logging.getLogger(__name__)

WORTH_COMPILING = 64 << 20
"""Bytes that a process streams through NumPy before it starts to compile."""


class Kernel:
    """A NumPy function, and the compiled function that takes its place.

    The first argument is an array; its size says how much work a call is.

    Parameters
    ----------
    compiled
        ``"module:function"`` of the compiled version, a numba dispatcher; imported in the background.
    fallback
        The NumPy version: same arguments, same effect.
    """

    def __init__(self, compiled: str, fallback: Callable[..., None]) -> None:
        self.compiled = compiled
        self.fallback = fallback
        self._ready: dict[tuple[Any, ...], Callable[..., None]] = {}
        self._requested: set[tuple[Any, ...]] = set()

    def __repr__(self) -> str:
        return f"Kernel({self.compiled!r})"

    def __call__(self, *arguments: Any) -> None:
        """Run the version that is ready."""
        key = tuple(map(_kind, arguments))
        ready = self._ready.get(key)
        if ready is None:
            ready = self._not_compiled(key, arguments)
        ready(*arguments)

    def _not_compiled(self, key: tuple[Any, ...], arguments: tuple[Any, ...]) -> Callable[..., None]:
        if key not in self._requested and _compilable(arguments[0].dtype) and _workshop.worth(arguments[0].nbytes):
            self._requested.add(key)
            _workshop.request(self, key, arguments)
        return self._ready.get(key, self.fallback)

    def compile_for(self, *arguments: Any) -> None:
        """Compile, or load from numba's cache, the version for arguments of these types, now."""
        key = tuple(map(_kind, arguments))
        if key not in self._ready:
            self._requested.add(key)
            self.compile(key, arguments)

    def compile(self, key: tuple[Any, ...], arguments: tuple[Any, ...]) -> None:
        """Compile for arguments of these types; called by the workshop."""
        from numba import typeof, types

        module, _, name = self.compiled.partition(":")
        dispatcher = getattr(importlib.import_module(module), name)
        signature = []
        for position, argument in enumerate(arguments):
            kind = typeof(argument)
            if isinstance(kind, types.Array):
                # The first array may be a view of a mapping: read-only, at any address.
                first = position == 0
                kind = types.Array(
                    kind.dtype, kind.ndim, kind.layout, readonly=first or not kind.mutable, aligned=not first
                )
            signature.append(kind)
        dispatcher.compile(tuple(signature))
        self._ready[key] = dispatcher


def _kind(argument: Any) -> Any:
    """Give what a compiled version depends on: dtype, rank and layout of an array, the type of anything else."""
    if isinstance(argument, np.ndarray):
        return argument.dtype, argument.ndim, argument.flags.c_contiguous
    return type(argument), argument if isinstance(argument, tuple) else None


def _compilable(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "biuf" and dtype.itemsize <= 8 and dtype != np.float16


class _Workshop:
    """The background thread that compiles; the process does not end in the middle of a compilation."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streamed = 0
        self._pool: ThreadPoolExecutor | None = None
        self._orders: list[tuple[Kernel, tuple[Any, ...], tuple[Any, ...]]] = []
        self._idle = threading.Event()
        self._idle.set()

    def worth(self, nbytes: int) -> bool:
        """Whether compiling pays, now that ``nbytes`` more are being streamed."""
        mode = os.environ.get("LAMELLA_KERNELS", "auto")
        if mode != "auto":
            return mode == "compiled"
        self._streamed += nbytes
        return self._streamed > WORTH_COMPILING

    def request(self, kernel: Kernel, key: tuple[Any, ...], arguments: tuple[Any, ...]) -> None:
        """Have a kernel compiled, in the background unless the user wants to wait."""
        if os.environ.get("LAMELLA_KERNELS") == "compiled":
            self._compile(kernel, key, arguments)
            return
        examples = tuple(_example(argument) for argument in arguments)
        with self._lock:
            self._orders.append((kernel, key, examples))
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, thread_name_prefix="lamella-compile")
            if self._idle.is_set():
                self._idle.clear()
                self._next()

    def _next(self) -> None:
        assert self._pool is not None
        try:
            self._pool.submit(self._work)
        except RuntimeError:  # the interpreter is shutting down
            self._orders.clear()
            self._idle.set()

    def _work(self) -> None:
        with self._lock:
            order = self._orders.pop(0) if self._orders else None
        if order is not None:
            self._compile(*order)
        with self._lock:
            if self._orders:
                self._next()
            else:
                self._idle.set()

    def _compile(self, kernel: Kernel, key: tuple[Any, ...], arguments: tuple[Any, ...]) -> None:
        try:
            kernel.compile(key, arguments)
        except Exception as error:
            _log.warning("%r stays in NumPy: compiling failed (%s: %s)", kernel, type(error).__name__, error)

    def wait(self, timeout: float | None) -> bool:
        """Wait until nothing is left to compile."""
        return self._idle.wait(timeout)


_workshop = _Workshop()


def wait_until_compiled(timeout: float | None = None) -> bool:
    """Wait until every kernel in use is compiled; gives False when ``timeout`` [s] ran out first."""
    return _workshop.wait(timeout)


def _example(argument: Any) -> Any:
    """Give a tiny argument of the same type, so that buffers are not kept alive."""
    if not isinstance(argument, np.ndarray):
        return argument
    shape = tuple(min(2, length) for length in argument.shape)
    if argument.flags.c_contiguous:
        example = np.empty(shape, dtype=argument.dtype)
    else:
        example = np.empty((*shape[:-1], shape[-1] + 1), dtype=argument.dtype)[..., :-1]
    example.setflags(write=argument.flags.writeable)
    return example
