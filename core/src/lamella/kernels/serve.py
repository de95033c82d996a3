"""The child's side of a compile helper: compile kernels, and keep them on disk, until the parent is gone."""

from __future__ import annotations

import os
import pickle
from typing import Any

from lamella.kernels.library import Kernel
from lamella.system.spawn import parent_pipes

__all__ = ["serve"]

_NICE = 5
"""Enough to let the computation go first; at 19, a computation on all processors would leave the compiler no time."""


def serve() -> None:
    """Compile what comes through the pipe until the other side is gone."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    parent = parent_pipes()
    while True:
        try:
            message = parent.receive()
        except EOFError:
            return
        parent.send(_compile(message).encode())


def _compile(message: bytes) -> str:
    try:
        compiled, examples = pickle.loads(message)
        kept = Kernel(compiled, _never).compile_for(*examples)
    except Exception as error:
        return f"failed ({type(error).__name__}: {error})"
    return "compiled" if kept else "compiled, but there is no place to keep it"


def _never(*arguments: Any) -> None:
    raise AssertionError("the helper compiles and never computes")
