"""Executors by the names and arguments that LiberTEM has for them."""

from __future__ import annotations

from typing import Any, Self

from lamella.executors import InlineExecutor, ProcessesExecutor, ThreadsExecutor

__all__ = ["ConcurrentJobExecutor", "InlineJobExecutor", "PipelinedExecutor"]


class InlineJobExecutor(InlineExecutor):
    """Runs everything in the calling thread; arguments have no effect."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__()


class ConcurrentJobExecutor(ThreadsExecutor):
    """Runs partitions in threads."""

    @classmethod
    def make_local(cls, n_threads: int | None = None, main_process_gpu: None = None) -> Self:
        """Give an executor with a number of threads; one per processor by default."""
        return cls(n_threads)


class PipelinedExecutor(ProcessesExecutor):
    """Runs partitions in processes."""

    @classmethod
    def make_local(cls, *arguments: Any, **options: Any) -> Self:
        """Give an executor with one process per processor; arguments have no effect."""
        return cls()

    @classmethod
    def make_spec(cls, cpus: Any = None, cudas: Any = None) -> list[Any]:
        """Give what the constructor of LiberTEM takes: an entry for each process."""
        return list(cpus if cpus is not None and not isinstance(cpus, int) else range(cpus or 1))
