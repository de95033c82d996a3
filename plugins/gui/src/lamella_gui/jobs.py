"""Work that goes on while pages look elsewhere: exports of whole data sets."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lamella.errors import CancelledRun

__all__ = ["Job", "Jobs"]

_MOST = 20


@dataclass(slots=True)
class Job:
    """One task: how far it is, and how it ended."""

    id: str
    title: str
    done: int = 0
    total: int = 0
    state: str = "running"
    text: str = ""
    stop: Callable[[], None] | None = None
    thread: threading.Thread | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Give what a page shows."""
        share = self.done / self.total if self.total else 0.0
        return {"id": self.id, "title": self.title, "share": share, "state": self.state, "text": self.text}


class Jobs:
    """Runs tasks, each in a thread.

    Parameters
    ----------
    told
        Gives the sentence for an error.
    """

    def __init__(self, told: Callable[[BaseException], str]) -> None:
        self._told = told
        self._jobs: dict[str, Job] = {}

    def start(
        self, title: str, work: Callable[[Callable[[int, int], None]], str], stop: Callable[[], None] | None = None
    ) -> Job:
        """Start a task.

        Parameters
        ----------
        title
            What it is.
        work
            Does it; is called with a function that takes how much is done, of how much. Gives a sentence for its end.
        stop
            Ends it early, from another thread.
        """
        for old in [job.id for job in self._jobs.values() if job.state != "running"][: -_MOST + 1 or None]:
            if len(self._jobs) >= _MOST:
                del self._jobs[old]
        job = Job(secrets.token_hex(6), title, stop=stop)

        def progress(done: int, total: int) -> None:
            job.done, job.total = done, total

        def run() -> None:
            try:
                job.text, job.state = work(progress), "done"
            except CancelledRun:
                job.text, job.state = "stopped", "stopped"
            except BaseException as error:
                job.text, job.state = self._told(error), "failed"

        job.thread = threading.Thread(target=run, name="lamella-job", daemon=True)
        self._jobs[job.id] = job
        job.thread.start()
        return job

    def get(self, id: str) -> Job | None:
        """Give a task."""
        return self._jobs.get(id)

    def end(self) -> None:
        """Stop all tasks."""
        for job in self._jobs.values():
            if job.state == "running" and job.stop is not None:
                job.stop()
