"""The child's side of a compile helper: compile kernels into numba's cache until the parent is gone."""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any

from lamella.kernels.library import Kernel

__all__ = ["serve"]

_NICE = 5
"""Enough to let the computation go first; at 19, a computation on all processors would leave the compiler no time."""


def serve() -> None:
    """Compile what comes through the pipe until the other side is gone."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a module prints while it is imported is not an answer
    while True:
        try:
            compiled, examples = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            kept = Kernel(compiled, _never).compile_for(*examples)
            answer = "compiled" if kept else "compiled, but numba has no place to keep it"
        except Exception as error:
            answer = f"failed ({type(error).__name__}: {error})"
        pickle.dump(answer, answers)
        answers.flush()


def _never(*arguments: Any) -> None:
    raise AssertionError("the helper compiles and never computes")
