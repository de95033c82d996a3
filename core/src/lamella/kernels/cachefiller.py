"""Has numba's cache filled by another process: a helper, or what started this process.

One helper at a time compiles for all processes of a machine that share the cache; they wait for each other by a lock
file in it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lamella.kernels.cachefolder import cache_folder, candidate_folders, source_of
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
    """Fills the cache for the thread that compiles and loads.

    Parameters
    ----------
    is_kept
        Says whether the cache has a job.
    ask_parent
        In a worker process: has a job compiled by the process that started it.
    """

    def __init__(self, is_kept: Callable[[CompileJob], bool], ask_parent: Callable[[CompileJob], str] | None) -> None:
        self.helper: Helper | None = None
        self._is_kept = is_kept
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
        source = source_of(job.compiled)
        if source is None or cache_folder(source) is None:
            _warn_of_cache(source)
            return "there is no place to keep it"
        if self._ask_parent is not None:
            answer = self._ask_parent(job)
            if self._is_kept(job):
                return answer
        if self._wait_for_turn() and self._is_kept(job):
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
            folder = cache_folder(Path(__file__))
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


def _warn_of_cache(source: Path | None) -> None:
    """Say once what can be done; the process that started a child says it for all."""
    global _warned
    if _warned or is_child() or source is None:
        return
    _warned = True
    _log.warning(
        "compiled kernels cannot be kept, so each process compiles them again: none of the folders in which numba "
        "keeps them can be written (%s). Set NUMBA_CACHE_DIR to a folder that you can write to",
        ", ".join(map(str, candidate_folders(source))),
    )
