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
    load_kept
        Makes it ready in this process if it is on disk; gives whether it is.
    look
        Says how it is kept on disk, as `lamella.kernels.store.look` does.
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
    load_kept: Callable[[], bool] = bool
    look: Callable[[], str] = str
    key: tuple[Any, ...] = ()
    seconds: float = 0.0
    nbytes: int = 0
    passed: int = 0
    late: bool = False
    begun: bool = False
    done: bool = False

    @cached_property
    def found(self) -> str:
        """How it was kept on disk when that was first asked; small runs never ask."""
        return self.look()
