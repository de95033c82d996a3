"""Kernels that start as NumPy code and become compiled code while they work.

A `Kernel` is called like a function. At first it runs its NumPy version. Once the process has computed long enough for
compiling to pay, the versions in use are compiled in the background, or loaded from numba's cache; later calls use
them, see `lamella.kernels.compilequeue`. Both versions do the same to the same arrays, so a switch in the middle of a
run changes the speed and nothing else. Small jobs never import numba, and nobody waits for a compiler.

The environment variable ``LAMELLA_KERNELS`` chooses ``auto`` (this), ``numpy`` (never compile) or ``compiled``
(compile at the first call, and wait).
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from lamella.kernels.compilequeue import WORTH_ITS_WHILE, CompileJob, compile_queue

__all__ = ["Kernel", "nothing_compiled", "wait_until_compiled"]


class Kernel:
    """A NumPy function, and the compiled function that takes its place.

    Parameters
    ----------
    compiled
        ``"module:function"`` of the compiled version, a numba dispatcher; imported in the background.
    fallback
        The NumPy version: same arguments, same effect.
    worth_waiting
        Callers wait for the compiled version once the NumPy version, which is slower by far, has cost some time.
    """

    def __init__(self, compiled: str, fallback: Callable[..., None], *, worth_waiting: bool = False) -> None:
        self.compiled = compiled
        self.fallback = fallback
        self._worth_waiting = worth_waiting
        self._ready: dict[tuple[Any, ...], Callable[..., None]] = {}

    def __repr__(self) -> str:
        return f"Kernel({self.compiled!r})"

    def __call__(self, *arguments: Any) -> None:
        """Run the version that is ready."""
        key = tuple(map(_kind, arguments))
        ready = self._ready.get(key)
        if ready is None:
            self._not_compiled(key, arguments)
        else:
            ready(*arguments)

    def _not_compiled(self, key: tuple[Any, ...], arguments: tuple[Any, ...]) -> None:
        mode = os.environ.get("LAMELLA_KERNELS", "auto")
        if mode == "numpy" or not _compilable(arguments[0].dtype):
            self.fallback(*arguments)
            return
        order = compile_queue.order(self.compiled, key, lambda: self._order(key, arguments))
        if mode == "compiled" or (self._worth_waiting and order.seconds > WORTH_ITS_WHILE):
            compile_queue.make_now(order)
            self._ready.get(key, self.fallback)(*arguments)
            return
        begin = time.thread_time()
        self.fallback(*arguments)
        seconds = time.thread_time() - begin
        if self._worth_waiting:
            order.seconds += seconds
        else:
            compile_queue.spent(order, seconds)

    def _order(self, key: tuple[Any, ...], arguments: tuple[Any, ...]) -> CompileJob:
        examples = tuple(_example(argument) for argument in arguments)
        return CompileJob(self.compiled, examples, lambda: self._load(key, examples))

    def compile_for(self, *arguments: Any) -> bool:
        """Compile, or load from numba's cache, the version for arguments of these types, now.

        Returns
        -------
        bool
            Whether numba keeps it on disk for other processes.
        """
        key = tuple(map(_kind, arguments))
        return key in self._ready or self._load(key, arguments)

    def _load(self, key: tuple[Any, ...], arguments: tuple[Any, ...]) -> bool:
        from numba import typeof, types

        module, _, name = self.compiled.partition(":")
        dispatcher = getattr(importlib.import_module(module), name)
        signature = []
        for position, argument in enumerate(arguments):
            kind = typeof(argument)
            if isinstance(kind, types.Array):
                # The first array may be a view of a mapping: read-only, at any address, and with bytes between frames.
                first = position == 0
                layout: Any = "C" if kind.layout == "C" and not (first and kind.ndim > 1) else "A"
                kind = types.Array(kind.dtype, kind.ndim, layout, readonly=first or not kind.mutable, aligned=not first)
            signature.append(kind)
        # A call of the dispatcher would compile once more for each array that differs in what does not matter.
        self._ready[key] = dispatcher.compile(tuple(signature))
        return dispatcher.stats.cache_path is not None


def _kind(argument: Any) -> Any:
    """Give what a compiled version depends on: dtype, rank and layout of an array, the type of anything else."""
    if isinstance(argument, np.ndarray):
        return argument.dtype, argument.ndim, argument.flags.c_contiguous
    return type(argument), argument if isinstance(argument, tuple) else None


def _compilable(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "biuf" and dtype.itemsize <= 8 and dtype != np.float16


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


def nothing_compiled() -> AbstractContextManager[None]:
    """Give a context in which no kernel is compiled or loaded: for measurements of the memory that a process takes."""
    return compile_queue.paused()


def wait_until_compiled(timeout: float | None = None) -> bool:
    """Have every kernel that this process used so far compiled, and wait for it.

    Parameters
    ----------
    timeout
        How long to wait at most [s]; for as long as it takes if None.

    Returns
    -------
    bool
        False when the time ran out first.
    """
    return compile_queue.finish(timeout)
