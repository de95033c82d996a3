"""Where kernels are compiled while the process computes: in a process of its own.

Compiling holds the GIL for seconds, so a helper process does it, at a low priority, and leaves the
result on disk. A background thread of this process then loads it from there. When this process ends, the
helper ends with it; what it had finished stays on disk for the next time.

One helper at a time compiles for all processes of a machine that share a folder: they wait for each other by a lock
file in it. Worker processes start none; they ask the process that started them. Where no folder can be written, a
helper would be of no use, and kernels are compiled here.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import sys
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING, Any

from lamella.kernels import compiler, guard, store
from lamella.kernels.compilejob import CompileJob
from lamella.system.logs import logger_of
from lamella.system.memory import address_space_left
from lamella.system.processors import available_cpus

if TYPE_CHECKING:
    from lamella.kernels.cachefiller import CacheFiller

__all__ = ["CompileQueue", "compile_queue"]

_log = logger_of(__name__)

WORTH_COMPILING = 0.5
"""Processor time that all NumPy versions together use before anything is compiled [s]."""
WORTH_ITS_WHILE = 0.1
"""Processor time that one of them uses before it is compiled [s]."""


WORTH_TELLING = 2.0
"""Processor time that NumPy versions use before users are told that a compiler is missing [s]."""

LOADING = 0.35
"""What loading the first kernel from disk costs, most of it importing numba [s]."""
LOADING_NATIVE = 0.1
"""The same where its machine code can be loaded without numba."""
_TIMES = 2
"""How many times as much the rest of a run has to cost, because loading slows down the NumPy versions meanwhile."""
_LOADING_MORE = 0.02
"""The same for each further one."""
_LONGEST_LOADING = 1.0
"""How long callers wait for a kernel that is on disk [s]; on a busy machine it may take longer."""

ROOM = 512 << 20
ROOM_PER_CPU = 64 << 20
"""Address space without which the compiler is not loaded [bytes]: it and its libraries end the process, or never
return, where they do not get what they ask for."""
ROOM_ONCE_LOADED = 128 << 20

FORK_WAIT = 60.0
"""How long a fork waits for the compiler [s]: a process that was forked in the middle of it can hang or crash when it
ends."""

_LONGEST_WAIT = 600.0
"""How long a worker process waits for the one that started it [s]."""

_queues: weakref.WeakSet[CompileQueue] = weakref.WeakSet()


class CompileQueue:
    """Counts what the NumPy versions cost, and has compiled what is worth it."""

    ask_parent: Callable[[CompileJob], str] | None = None
    """In a worker process: has a job compiled by the process that started it."""
    loaded: bool
    """Whether a compiled kernel was loaded by this process."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, CompileJob] = {}
        self._seconds = 0.0
        self._told = False
        self._run: object = None
        self._announced = 0
        self._pauses = 0
        self.loaded = False
        self._usable = True
        self._begin_anew()
        _queues.add(self)

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._loading = threading.Lock()
        self._loader: int | None = None
        self._held_for_fork = False
        self._waiting: queue.SimpleQueue[CompileJob] = queue.SimpleQueue()
        self._left = 0
        self._thread: threading.Thread | None = None
        self._filler: CacheFiller | None = None
        self.closed = False

    @contextlib.contextmanager
    def _inside_numba(self) -> Iterator[None]:
        with self._loading:
            self._loader = threading.get_ident()
            try:
                yield
            finally:
                self._loader = None

    def before_fork(self) -> None:
        """Wait until no thread is inside of numba, and let none in: the process that is forked has no such thread."""
        if self._loader != threading.get_ident():
            self._held_for_fork = self._loading.acquire(timeout=FORK_WAIT)

    def after_fork_in_parent(self) -> None:
        """Let threads into numba again."""
        if self._held_for_fork:
            self._held_for_fork = False
            self._loading.release()

    def after_fork(self) -> None:
        """Go on in a process that was forked: thread, helper and lock stayed with the parent.

        If the parent was inside of numba, so is this process, for ever: nothing is compiled or loaded here then.
        """
        filler = self._filler
        self._usable = self._usable and self._held_for_fork
        self._begin_anew()
        if filler is not None:
            filler.leave_to_parent()
        for job in self._seen.values():
            job.begun = job.done

    def order(self, name: str, key: tuple[Any, ...], make: Callable[[], CompileJob]) -> CompileJob:
        """Give the job for a kernel and types of arguments."""
        found = self._seen.get((name, key))
        if found is None:
            with self._lock:
                found = self._seen.setdefault((name, key), make())
        return found

    def announce(self, run: object, nbytes: int) -> None:
        """Tell how much of a run this process will see at most, before a part of it begins.

        Parameters
        ----------
        run
            What the parts of a run share.
        nbytes
            Pixels that kernels will be called with, about [bytes].
        """
        with self._lock:
            if run is not self._run:
                self._run, self._announced = run, nbytes
                for job in self._seen.values():
                    job.passed = 0

    def _left_to_do(self, job: CompileJob) -> float:
        """Estimate what the NumPy version will still cost in this run [s of processor time]."""
        left = self._announced - job.passed
        return job.seconds / job.nbytes * left if left > 0 and job.nbytes else 0.0

    def spent(self, job: CompileJob, seconds: float, nbytes: int = 0) -> None:
        """Count the time that a NumPy version took, and have it replaced if that pays."""
        self._seconds += seconds
        job.seconds += seconds
        job.nbytes += nbytes
        job.passed += nbytes
        if job.begun:
            return
        if not compiler.is_installed():
            self._tell_once(job)
            return
        worth_it = self._seconds > WORTH_COMPILING and job.seconds > WORTH_ITS_WHILE
        if worth_it or self._is_worth_loading(job):
            self._begin(job)

    def _tell_once(self, job: CompileJob) -> None:
        """Tell, once in a process and by the one that the user started, that kernels stay in NumPy."""
        if self._told or self._seconds < WORTH_TELLING:
            return
        self._told = True
        if self.ask_parent is None:
            _log.warning("%s", compiler.WITHOUT)
        else:
            self.ask_parent(job)

    def _loading_cost(self, job: CompileJob) -> float:
        if self.loaded:
            return _LOADING_MORE
        return LOADING_NATIVE if job.found == store.NATIVE else LOADING

    def _is_worth_loading(self, job: CompileJob) -> bool:
        """Whether the rest of the run pays for loading, or short runs have cost more; looks at the disk only then."""
        cost, least = max(self._left_to_do(job), job.seconds), _LOADING_MORE if self.loaded else LOADING_NATIVE
        return cost > _TIMES * least and bool(job.found) and cost > _TIMES * self._loading_cost(job)

    def wait_if_soon(self, job: CompileJob) -> None:
        """Wait for a kernel that is being loaded from disk, if that is faster than going on with NumPy."""
        if not job.begun or job.done or not job.found or job.late:
            return
        if self._left_to_do(job) < available_cpus() * self._loading_cost(job):
            return
        with self._idle:
            self._idle.wait_for(lambda: job.done or job.late or self.closed, _LONGEST_LOADING)
            job.late = not job.done

    def finish(self, timeout: float | None) -> bool:
        """Have everything that was used compiled; gives False when the time ran out first."""
        for job in list(self._seen.values()):
            self._begin(job)
        with self._idle:
            return self._idle.wait_for(lambda: not self._left, timeout)

    def make_now(self, job: CompileJob) -> None:
        """Compile here, and wait for it, if there is room."""
        if not self._may_begin():
            return
        with self._inside_numba():
            if not job.begun:
                job.begun = True
                self._load(job)

    def guard_mappings(self) -> bool:
        """Make sure that files may be cut while their mappings are read, if there is room; gives whether that is so."""
        if guard.is_installed():
            return True
        if not self._may_begin():
            return False
        with self._inside_numba():
            return guard.install()

    def compile_for_child(self, compiled: str, key: tuple[Any, ...], examples: tuple[Any, ...]) -> str:
        """Have compiled what a worker process asks for, once for all workers; gives what came of it."""
        if not compiler.is_installed():
            self._seconds = max(self._seconds, WORTH_TELLING)
            self._tell_once(CompileJob(compiled, examples, None))
            return compiler.WITHOUT
        job = self.order(compiled, ("for a child", *key), lambda: CompileJob(compiled, examples, None))
        self._begin(job)
        if not job.begun:
            return "this process must not compile now"
        with self._idle:
            self._idle.wait_for(lambda: job.done or self.closed, _LONGEST_WAIT)
        return "the process that started this one had it compiled"

    def _begin(self, job: CompileJob) -> None:
        if job.begun or not self._may_begin():
            return
        with self._lock:
            if job.begun or self.closed:
                return
            job.begun = True
            self._left += 1
            if self._thread is None:
                # A thread that waits for the helper must not keep the process from ending.
                self._thread = threading.Thread(target=self._work, name="lamella-compile", daemon=True)
                self._thread.start()
                atexit.register(self.close)
        self._waiting.put(job)

    def _work(self) -> None:
        from lamella.kernels.cachefiller import CacheFiller

        # Kernels may have to be compiled first, and files can be mapped before that.
        with self._inside_numba():
            if not self.closed:
                guard.install()
        filler = self._filler = CacheFiller(self.ask_parent)
        while True:
            job = self._waiting.get()
            if not (job.found and self._load_kept(job)):
                self._fill(filler, job)
                with self._inside_numba():
                    if self.closed:
                        return
                    self._load(job)
                if self._waiting.empty():
                    filler.rest()
            with self._idle:
                self._left -= 1
                self._idle.notify_all()

    def _fill(self, filler: CacheFiller, job: CompileJob) -> None:
        """Have a job compiled by another process; loading compiles what that did not."""
        begin = time.monotonic()
        try:
            outcome = filler.fill(job)
        except Exception as error:
            outcome = f"no helper ({type(error).__name__}: {error})"
        _log.debug("%s: %s after %.1f s", job.compiled, outcome, time.monotonic() - begin)

    def _load_kept(self, job: CompileJob) -> bool:
        """Load a job from disk, if it can be; callers who wait for it go on if it cannot."""
        with self._inside_numba():
            if not self.closed and job.load_kept():
                self.loaded = job.done = True
                guard.install()
        job.late = not job.done
        if job.late:
            with self._idle:
                self._idle.notify_all()
        return job.done

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Begin nothing meanwhile, after what was begun is done."""
        self._pauses += 1
        try:
            with self._idle:
                self._idle.wait_for(lambda: not self._left)
            yield
        finally:
            self._pauses -= 1

    def _may_begin(self) -> bool:
        """Whether nobody minds, and the process may address what the compiler needs."""
        needed = ROOM_ONCE_LOADED if "numba" in sys.modules else ROOM + ROOM_PER_CPU * available_cpus()
        return self._usable and compiler.is_installed() and not self._pauses and address_space_left() >= needed

    def _load(self, job: CompileJob) -> None:
        try:
            if job.load is not None:
                job.load()
                self.loaded = True
                guard.install()
        except Exception as error:
            _log.warning(
                "Kernel(%r) stays in NumPy: compiling failed (%s: %s)", job.compiled, type(error).__name__, error
            )
        finally:
            job.done = True

    def close(self) -> None:
        """End the helper, and let what is being loaded become ready: nothing may be cut off in the compiler."""
        self.closed = True
        if self._filler is not None:
            self._filler.close()
        with self._loading:
            pass


def _for_each(do: Callable[[CompileQueue], None]) -> Callable[[], None]:
    def call() -> None:
        for one in list(_queues):
            do(one)

    return call


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_for_each(CompileQueue.before_fork),
        after_in_parent=_for_each(CompileQueue.after_fork_in_parent),
        after_in_child=_for_each(CompileQueue.after_fork),
    )

compile_queue = CompileQueue()
