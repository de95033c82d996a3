"""How bytes reach memory: kept maps, buffered reads, direct reads, and the choice between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from lamella.errors import ParameterError
from lamella.io.backend import IOBackend
from lamella.io.preference import preferred
from lamella.io.resident import can_bound
from lamella.kernels.guard import is_installed
from lamella.reader.session import IOSession
from lamella.system.logs import logger_of

if TYPE_CHECKING:
    from lamella.reader.resource import Resource

__all__ = ["IOBackend", "IOSession", "choose_backend"]

_log = logger_of(__name__)


def choose_backend(wanted: str | IOBackend | None, resources: Sequence[Resource]) -> IOBackend:
    """Give the I/O backend for some files.

    Parameters
    ----------
    wanted
        A name, a backend, or None or ``"auto"`` for the best one: what `lamella.io.prefer` says here, else kept maps
        once this process has loaded a compiled kernel, and with it the handler that makes it safe to map files that may
        be cut. Before that, where there is no such handler (Windows) and where there is no room to map the files, it
        is buffered reads.
    resources
        The files to be read.

    Raises
    ------
    ParameterError
        If the backend is impossible here, with the reason.
    PluginError
        If no backend has that name, or its plugin cannot be used.
    """
    if wanted is None or wanted == "auto":
        return _best(resources)
    backend = _named(wanted) if isinstance(wanted, str) else wanted
    reason = backend.unavailable(resources)
    is_installed()  # if it was, and nothing is in its place any more, it is put there again
    if reason is not None:
        raise ParameterError(f"{backend.name!r} cannot be used: {reason}", field="io_backend")
    return backend


def _named(name: str) -> IOBackend:
    from lamella.plugins.kinds import IO_BACKENDS
    from lamella.plugins.registry import default_registry

    return cast("IOBackend", default_registry().get(name, IO_BACKENDS).make())


def _best(resources: Sequence[Resource]) -> IOBackend:
    """Give what is preferred here, if it can read the files, or else what is usually best."""
    from lamella.io.buffered import BufferedBackend

    preference = preferred()
    if preference is not None:
        if preference.mapped_below is not None and can_bound():
            bounded = _mapped(resources, preference.mapped_below)
            if bounded is not None:
                return bounded
        backend = _named(preference.backend)
        reason = backend.unavailable(resources)
        if reason is None:
            return backend
        _log.info("%s was preferred because %s, but: %s", backend.name, preference.reason, reason)
    return _mapped(resources) or BufferedBackend()


def _mapped(resources: Sequence[Resource], below: int | None = None) -> IOBackend | None:
    """Give kept maps, if it is safe to map these files and there is room."""
    if not is_installed():
        return None
    from lamella.io.mmap import MmapBackend

    mapped = MmapBackend(below)
    return mapped if mapped.unavailable(resources) is None else None
