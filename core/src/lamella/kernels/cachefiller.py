"""Has kernels compiled by another process, which keeps them on disk: a helper, or what started this process.

One helper at a time compiles for all processes of a machine that share a folder; they wait for each other by a lock
file in it.
"""

from __future__ import annotations

from collections.abc import Callable

from lamella.kernels.cachefolder import VARIABLE, cache_folder, candidate_folders, source_of
from lamella.kernels.compilejob import CompileJob
from lamella.kernels.helper import Helper
from lamella.system.filelock import FileLock
from lamella.system.logs import logger_of
from lamella.system.spawn import is_child, python_executable

__all__ = ["LOCK_NAME", "LONGEST_WAIT", "CacheFiller"]

_log = logger_of(__name__)

LOCK_NAME = "lamella-compile.lock"
LONGEST_WAIT = 120.0
"""How long to wait for another process that compiles [s]."""

_warned = False


class CacheFiller:
    """Fills the folder of kernels for the thread that compiles and loads.

    Parameters
    ----------
    ask_parent
        In a worker process: has a job compiled by the process that started it.
    """

    def __init__(self, ask_parent: Callable[[CompileJob], str] | None) -> None:
        self.helper: Helper | None = None
        self._ask_parent = ask_parent
        self._turn: FileLock | None = None
        self._closed = False

    def fill(self, job: CompileJob) -> str:
        """Have a job compiled elsewhere, if that can be; gives what came of it.

        Raises
        ------
        OSError, EOFError
            If a helper cannot be started, or ends.
        """
        if source_of(job.compiled) is None:
            return "it has no source"
        if cache_folder() is None:
            _warn_of_cache()
            return "there is no place to keep it"
        if self._ask_parent is not None:
            answer = self._ask_parent(job)
            if job.look():
                return answer
        if self._wait_for_turn() and job.look():
            return "another process compiled it"
        if is_child() or python_executable() is None:
            return "no helper may be started, so it is compiled here"
        helper = self.helper = self.helper or Helper()
        try:
            return helper.compile(job.compiled, job.examples)
        except BaseException:  # what it says later would be taken for the answer to another job
            self.helper = None
            helper.end()
            raise

    def _wait_for_turn(self) -> bool:
        """Wait until no other process compiles; gives whether one did."""
        if self._turn is None:
            folder = cache_folder()
            if folder is None:
                return False
            self._turn = FileLock(folder / LOCK_NAME)
        return not self._turn.held and self._turn.acquire(LONGEST_WAIT, lambda: self._closed).waited

    def rest(self) -> None:
        """End the helper, which would hold memory until there is something to do again, and let others compile."""
        helper, self.helper = self.helper, None
        if helper is not None:
            helper.end()
        if self._turn is not None:
            self._turn.release()

    def close(self) -> None:
        """Stop waiting, and end the helper, from another thread."""
        self._closed = True
        helper = self.helper
        if helper is not None:
            helper.end()

    def leave_to_parent(self) -> None:
        """Release helper and lock in a process that was forked."""
        if self.helper is not None:
            self.helper.leave_to_parent()
        if self._turn is not None:
            self._turn.release()


def _warn_of_cache() -> None:
    """Say once what can be done; the process that started a child says it for all."""
    global _warned
    if _warned or is_child():
        return
    _warned = True
    _log.warning(
        "compiled kernels cannot be kept, so each process compiles them again: none of their folders can be written "
        "(%s). Set %s to a folder that you can write to",
        ", ".join(map(str, candidate_folders())),
        VARIABLE,
    )
