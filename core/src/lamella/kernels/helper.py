"""A process that compiles kernels for another one, and keeps them on disk."""

from __future__ import annotations

import pickle
import subprocess
from typing import Any

from lamella.system.spawn import Pipes, leave_to_parent, start

__all__ = ["Helper"]


class Helper:
    """A child at a low priority, and the pipes to it.

    Raises
    ------
    OSError
        If it cannot be started.
    """

    def __init__(self) -> None:
        self._process = start("lamella.kernels.serve:serve", answers=True, errors=subprocess.DEVNULL, background=True)
        self._pipes = Pipes.to(self._process)

    def compile(self, compiled: str, examples: tuple[Any, ...]) -> str:
        """Have a kernel compiled for arguments like the examples; gives what came of it.

        Raises
        ------
        OSError, EOFError
            If the process is gone, or ends meanwhile.
        """
        self._pipes.send(pickle.dumps((compiled, examples)))
        return self._pipes.receive().decode()

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._pipes.close()

    def leave_to_parent(self) -> None:
        """Release the process of the parent, in a process that was forked."""
        leave_to_parent(self._process, self._pipes)
