"""The public module for authors of I/O backends: how bytes of files reach memory.

A backend is an `IOBackend`, declared in the entry-point group ``lamella.io_backends`` or given as ``io_backend=``. For
each worker it opens an `IOSession` over the files of a source, each of them a `Resource`, and the session gives ranges
of bytes. Both are abstract classes with few methods to define; what later versions add has a default.

Sessions raise `lamella.errors.FormatError` for a file that is gone, was rewritten since it was opened, or cannot be
read, and `lamella.errors.TruncatedError` for one that is too short; a backend that is impossible here raises
`lamella.errors.ParameterError`. ``BufferedBackend`` is the one to start from: it reads any resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.io.backend import IOBackend as IOBackend
    from lamella.io.buffered import BufferedBackend as BufferedBackend
    from lamella.io.choose import choose_backend as choose_backend
    from lamella.io.direct import DirectBackend as DirectBackend
    from lamella.io.mmap import MmapBackend as MmapBackend
    from lamella.reader.resource import Resource as Resource
    from lamella.reader.session import IOSession as IOSession

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.io.backend": "IOBackend",
        "lamella.reader.session": "IOSession",
        "lamella.reader.resource": "Resource",
        "lamella.io.choose": "choose_backend",
        "lamella.io.mmap": "MmapBackend",
        "lamella.io.buffered": "BufferedBackend",
        "lamella.io.direct": "DirectBackend",
    },
)
