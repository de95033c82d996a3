"""Whether what is pickled leaves this host: what only this host has, such as shared memory, must then go along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["across_hosts", "crosses_hosts"]

_crosses: ContextVar[bool] = ContextVar("lamella_crosses_hosts", default=False)


@contextmanager
def across_hosts() -> Iterator[None]:
    """Pickle for workers on other hosts, inside of a ``with`` statement.

    For executors. It belongs to the present thread or asynchronous task; objects ask `crosses_hosts`.

    Examples
    --------
    >>> from lamella.executors import across_hosts
    >>> from lamella.reader import crosses_hosts
    >>> with across_hosts():
    ...     crosses_hosts()
    True
    >>> crosses_hosts()
    False
    """
    token = _crosses.set(True)
    try:
        yield
    finally:
        _crosses.reset(token)


def crosses_hosts() -> bool:
    """Whether an object that is being pickled goes to other hosts, so that a name of shared memory is of no use."""
    return _crosses.get()
