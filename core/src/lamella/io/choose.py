"""How bytes reach memory: kept maps, buffered reads, direct reads, and the choice between them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from lamella.errors import ParameterError
from lamella.io.backend import IOBackend
from lamella.reader.session import IOSession

if TYPE_CHECKING:
    from lamella.reader.resource import Resource

__all__ = ["IOBackend", "IOSession", "choose_backend"]

_BUILTIN = {
    "mmap": "lamella.io.mmap:MmapBackend",
    "buffered": "lamella.io.buffered:BufferedBackend",
    "direct": "lamella.io.direct:DirectBackend",
}


def choose_backend(wanted: str | IOBackend | None, resources: Sequence[Resource]) -> IOBackend:
    """Give the I/O backend for some files.

    Parameters
    ----------
    wanted
        A name, a backend, or None or ``"auto"`` for the best one: kept maps, except where files cannot be replaced
        while they are mapped (Windows) or there is no room to map them, there buffered reads.
    resources
        The files to be read.

    Raises
    ------
    ParameterError
        If the backend is impossible here, with the reason.
    PluginError
        If no backend has that name.
    """
    from lamella.io.mmap import MmapBackend
    from lamella.plugins.entrypoints import load_named

    if wanted is None or wanted == "auto":
        mapped = MmapBackend() if sys.platform != "win32" else None
        wanted = "buffered" if mapped is None or mapped.unavailable(resources) else mapped
    if isinstance(wanted, str):
        factory = load_named("lamella.io_backends", wanted.lower(), builtin=_BUILTIN)
        backend = cast("IOBackend", factory())
    else:
        backend = wanted
    reason = backend.unavailable(resources)
    if reason is not None:
        raise ParameterError(f"{backend.name!r} cannot be used: {reason}", field="io_backend")
    return backend
