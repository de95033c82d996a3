"""A process that compiles kernels into numba's cache for another one."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from multiprocessing.spawn import get_executable
from typing import Any

__all__ = ["Helper"]

_FLAGS = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
_START = """
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from lamella.kernels.serve import serve
serve()
"""


class Helper:
    """A fresh interpreter at a low priority, and the pipes to it.

    Raises
    ------
    OSError
        If it cannot be started.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [os.fsdecode(get_executable()), "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
            | getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._send(sys.path)

    def _send(self, message: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(pickle.dumps(message))
        self._process.stdin.flush()

    def compile(self, compiled: str, examples: tuple[Any, ...]) -> str:
        """Have a kernel compiled for arguments like the examples; gives what came of it.

        Raises
        ------
        OSError
            If the process is gone.
        EOFError
            If it ends meanwhile.
        """
        assert self._process.stdout is not None
        self._send((compiled, examples))
        return str(pickle.load(self._process.stdout))

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
