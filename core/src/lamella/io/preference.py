"""Which I/O backend ``"auto"`` means: what a host or an executor prefers, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Preference", "prefer", "preferred"]


@dataclass(frozen=True, slots=True)
class Preference:
    """The name of an I/O backend, why ``"auto"`` means it here, and up to which size files may be mapped instead."""

    backend: str
    reason: str
    mapped_below: int | None = None


_preference: ContextVar[Preference | None] = ContextVar("lamella_io_preference", default=None)


@contextmanager
def prefer(backend: str, reason: str, *, mapped_below: int | None = None) -> Iterator[None]:
    """Let ``io_backend="auto"`` mean a certain I/O backend, inside of a ``with`` statement.

    For executors and hosts that know better than the rule of thumb: a worker with a limit of memory, to which mapped
    files count, or a file system on which maps are slow. A backend that a user named is used all the same, and one
    that cannot read the files is passed over. What holds is decided where a run is planned and, again, where its plan
    is unpickled; so executors do that inside of the statement, and it holds for the tasks of that plan.

    The preference belongs to the present thread or asynchronous task and to what it calls; statements may be nested.
    Worker processes do not take it over: they may be on other hosts. Users who want a certain backend everywhere name
    it when they open the data.

    Parameters
    ----------
    backend
        Name of the backend.
    reason
        Why, in words that end a sentence about the backend; ``ds.diagnostics`` shows it.
    mapped_below
        Where that can be (on Linux, once a compiled kernel was loaded), map files all the same, and give back their
        pages while the process takes more memory than that [bytes]. None to map nothing.

    Examples
    --------
    >>> import tempfile
    >>> from lamella.io import Resource, choose_backend, prefer
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     files = [Resource.of(file.name)]
    ...     with prefer("buffered", "the worker has a limit of 400 MiB"):
    ...         choose_backend("auto", files).name, choose_backend("mmap", files).name
    ('buffered', 'mmap')
    """
    token = _preference.set(Preference(backend, reason, mapped_below))
    try:
        yield
    finally:
        _preference.reset(token)


def preferred() -> Preference | None:
    """Give what ``io_backend="auto"`` means here, or None where nothing is preferred."""
    return _preference.get()
