"""Kernels that start as NumPy code and become compiled code while they work.

A `Kernel` is called like a function. At first it runs its NumPy version. Once the process has computed long enough for
compiling to pay, the versions in use are compiled in the background, or loaded from disk; later calls use them, see
`lamella.kernels.compilequeue`. Both versions do the same to the same arrays, so a switch in the middle of a run changes
the speed and nothing else. Small jobs never import numba, and nobody waits for a compiler.

The environment variable ``LAMELLA_KERNELS`` chooses ``auto`` (this), ``numpy`` (never compile) or ``compiled``
(compile at the first call, and wait).
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal

import numpy as np

from lamella.kernels import numbacode, store
from lamella.kernels.compilejob import CompileJob
from lamella.kernels.compilequeue import WORTH_ITS_WHILE, compile_queue
from lamella.kernels.native import load_native, make_native
from lamella.system.logs import logger_of

_log = logger_of(__name__)

__all__ = ["Kernel", "nothing_compiled", "only_fallbacks", "wait_until_compiled"]

_only_fallbacks = ""


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
        if _only_fallbacks and self.fallback.__module__.partition(".")[0] == _only_fallbacks:
            self.fallback(*arguments)
            return
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
        job = compile_queue.order(self.compiled, key, lambda: self._job(key, arguments))
        if mode == "compiled" or (self._worth_waiting and job.seconds > WORTH_ITS_WHILE):
            compile_queue.make_now(job)
        else:
            compile_queue.wait_if_soon(job)
        ready = self._ready.get(key)
        if ready is not None or mode == "compiled":
            (ready or self.fallback)(*arguments)
            return
        begin = time.thread_time()
        self.fallback(*arguments)
        seconds = time.thread_time() - begin
        if self._worth_waiting:
            job.seconds += seconds
        else:
            compile_queue.spent(job, seconds, arguments[0].nbytes)

    def _job(self, key: tuple[Any, ...], arguments: tuple[Any, ...]) -> CompileJob:
        examples = tuple(_example(argument) for argument in arguments)
        return CompileJob(
            self.compiled,
            examples,
            load=lambda: self._load(key, examples),
            load_kept=lambda: self._load_kept(key),
            look=lambda: store.look(self.compiled, _layout_free(key)),
            key=key,
        )

    def compile_for(self, *arguments: Any) -> bool:
        """Load from disk, or compile, the version for arguments of these types, now.

        Returns
        -------
        bool
            Whether it is on disk for other processes.
        """
        key = tuple(map(_kind, arguments))
        return key in self._ready or self._load(key, arguments)

    def look_for(self, *arguments: Any) -> str:
        """Say how the version for arguments of these types is kept on disk, as `lamella.kernels.store.look` does."""
        return store.look(self.compiled, _layout_free(tuple(map(_kind, arguments))))

    def load_for(self, *arguments: Any) -> bool:
        """Load from disk the version for arguments of these types, now; gives whether it was there."""
        return self._load_kept(tuple(map(_kind, arguments)))

    def _load(self, key: tuple[Any, ...], arguments: tuple[Any, ...]) -> bool:
        if self._load_kept(key):
            return True
        dispatcher, signature = self._dispatcher(), _signature(arguments)
        # A call of the dispatcher would compile once more for each array that differs in what does not matter.
        self._ready[key] = dispatcher.compile(signature)
        return self._keep(key, arguments, dispatcher.overloads.get(signature))

    def _load_kept(self, key: tuple[Any, ...]) -> bool:
        """Load a version from disk if it is there."""
        for suffix, code in store.stored(self.compiled, _layout_free(key)):
            try:
                ready = load_native(code) if suffix == store.NATIVE else numbacode.load(self._dispatcher(), code)
            except Exception as error:  # another version of numba
                _log.debug("%s cannot be loaded: %s: %s", self.compiled, type(error).__name__, error)
                continue
            if ready is not None:
                self._ready[key] = ready
                return True
        return False

    def _keep(self, key: tuple[Any, ...], arguments: tuple[Any, ...], result: Any) -> bool:
        """Keep a version that was compiled, as machine code where that can be; gives whether it is on disk."""
        for suffix, make in (
            (store.NATIVE, lambda: make_native(self.compiled, result, arguments)),
            (store.NUMBA, lambda: numbacode.dump(result)),
        ):
            try:
                code = make()
            except Exception as error:  # another version of numba
                _log.debug("%s is not kept as %s: %s: %s", self.compiled, suffix, type(error).__name__, error)
                continue
            if code is not None:
                return store.keep(self.compiled, _layout_free(key), suffix, code)
        return False

    def _dispatcher(self) -> Any:
        module, _, name = self.compiled.partition(":")
        return getattr(importlib.import_module(module), name)


def _signature(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give numba's types of arguments.

    The first array may be a view of a mapping: read-only, at any address, and with bytes between frames.
    """
    from numba import typeof, types

    signature = []
    layout: Literal["C", "A"]
    for position, argument in enumerate(arguments):
        kind = typeof(argument)
        if isinstance(kind, types.Array):
            first = position == 0
            layout = "C" if kind.layout == "C" and not (first and kind.ndim > 1) else "A"
            kind = types.Array(kind.dtype, kind.ndim, layout, readonly=first or not kind.mutable, aligned=not first)
        signature.append(kind)
    return tuple(signature)


def _kind(argument: Any) -> Any:
    """Give what a compiled version depends on: dtype, rank and layout of an array, the type of anything else."""
    if isinstance(argument, np.ndarray):
        return argument.dtype, argument.ndim, argument.flags.c_contiguous
    return type(argument), argument if isinstance(argument, tuple) else None


def _layout_free(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give what a version is kept under: frames may lie apart or not, see `_signature`."""
    dtype, ndim, contiguous = key[0]
    return (dtype, ndim, contiguous and ndim == 1), *key[1:]


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


@contextmanager
def only_fallbacks(package: str) -> Iterator[None]:
    """Have the kernels of a package run their NumPy version, also those that are compiled, for whoever looks at it."""
    global _only_fallbacks
    before, _only_fallbacks = _only_fallbacks, package
    try:
        yield
    finally:
        _only_fallbacks = before


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
