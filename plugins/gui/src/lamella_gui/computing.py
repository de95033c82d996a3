"""Where exact results are computed: in threads, in processes, or by an executor of a plugin."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points

from lamella import Context
from lamella.errors import ParameterError

__all__ = ["Executor"]

_EXECUTORS = ("threads", "processes", "inline")
_MOST_WORKERS = 1024


@dataclass(frozen=True, slots=True)
class Executor:
    """Where exact results are computed; ``workers`` None: one for each processor."""

    name: str = "threads"
    workers: int | None = None

    @property
    def choices(self) -> tuple[str, ...]:
        """What can be chosen: what the core has, and what plugins declare."""
        return tuple(dict.fromkeys([*_EXECUTORS, *sorted(entry_points(group="lamella.executors").names)]))

    def make_context(self) -> Context:
        """Make what computes.

        Raises
        ------
        LamellaError
            If there is no such executor, or it does not take so many workers.
        """
        if self.name not in self.choices:
            text = f"expected one of {', '.join(self.choices)}, found {self.name[:40]!r}"
            raise ParameterError(text, field="executor")
        if self.workers is not None and self.workers > _MOST_WORKERS:
            raise ParameterError(f"at most {_MOST_WORKERS} workers", field="workers")
        return Context.make_with(self.name, cpus=self.workers)
