"""One kernel to be compiled for arguments of certain types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

__all__ = ["CompileJob"]


@dataclass(eq=False)
class CompileJob:
    """A kernel for arguments of certain types: where its code is, examples of arguments, and what makes it ready.

    Parameters
    ----------
    compiled
        ``"module:function"``.
    examples
        Arguments of the right types.
    load
        Makes it ready in this process, compiling if need be; None for a job of another process.
    is_kept
        Says whether numba's cache has it.
    load_kept
        Makes it ready in this process if numba's cache has it; gives whether it does.
    look
        Says whether there is a record that it lies on disk.
    look_native
        Says whether it can be loaded without numba.
    key
        What depends on the types of the arguments.
    seconds
        Time that the NumPy version used [s].
    nbytes
        What it took for that [bytes].
    passed
        What it took in the present run [bytes].
    late
        Whether nobody waits for it any more.
    begun, done
        Whether it was begun, and whether it has come to an end, good or bad.
    """

    compiled: str
    examples: tuple[Any, ...]
    load: Callable[[], object] | None
    is_kept: Callable[[], bool] = bool
    key: tuple[Any, ...] = ()
    load_kept: Callable[[], bool] = bool
    look: Callable[[], bool] = bool
    look_native: Callable[[], bool] = bool
    seconds: float = 0.0
    nbytes: int = 0
    passed: int = 0
    late: bool = False
    begun: bool = False
    done: bool = False

    @cached_property
    def recorded(self) -> bool:
        """Whether it lay on disk when that was first asked; small runs never ask."""
        return self.look()

    @cached_property
    def native(self) -> bool:
        """Whether it could be loaded without numba when that was first asked."""
        return self.look_native()
