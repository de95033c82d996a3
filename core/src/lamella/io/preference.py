"""Which I/O backend ``"auto"`` means: what a host or an executor prefers, with the reason."""

from __future__ import annotations

from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType
from typing import Self

__all__ = ["Preference", "prefer", "preferred"]


@dataclass(frozen=True, slots=True)
class Preference:
    """The name of an I/O backend, and why ``"auto"`` means it here."""

    backend: str
    reason: str


_preference: ContextVar[Preference | None] = ContextVar("lamella_io_preference", default=None)


class prefer:  # noqa: N801 - used like a function
    """A context in which ``io_backend="auto"`` means a certain I/O backend.

    For executors and hosts that know better than the rule of thumb: a worker with a limit of memory, to which mapped
    files count, or a file system on which maps are slow. A backend that a user named is used all the same, and one
    that cannot read the files is passed over. What holds is decided where a run is planned and, again, where its plan
    is unpickled; so executors enter the context around that, and it holds for the tasks of that plan.

    The preference belongs to the present thread or asynchronous task and to what it calls; contexts may be nested.

    Parameters
    ----------
    backend
        Name of the backend.
    reason
        Why, in words that end a sentence about the backend; ``ds.diagnostics`` shows it.

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

    def __init__(self, backend: str, reason: str) -> None:
        self._preference = Preference(backend, reason)
        self._tokens: list[Token[Preference | None]] = []

    def __enter__(self) -> Self:
        self._tokens.append(_preference.set(self._preference))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _preference.reset(self._tokens.pop())


def preferred() -> Preference | None:
    """Give what ``io_backend="auto"`` means here, or None where nothing is preferred."""
    return _preference.get()
