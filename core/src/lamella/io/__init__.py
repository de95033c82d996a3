"""The public module for authors of I/O backends: how bytes of files reach memory.

A backend is an `IOBackend`, declared in the entry-point group ``lamella.io_backends`` or given as ``io_backend=``. For
each worker it opens an `IOSession` over the files of a source, each of them a `Resource`, and the session gives ranges
of bytes. Both are abstract classes with few methods to define; what later versions add has a default.

Sessions raise `lamella.errors.FormatError` for a file that is gone, was rewritten since it was opened, or cannot be
read, and `lamella.errors.TruncatedError` for one that is too short; a backend that is impossible here raises
`lamella.errors.ParameterError`. ``BufferedBackend`` is the one to start from: it reads any resource.

A plugin declares a class of I/O backends in the entry-point group ``lamella.io_backends``::

    [project.entry-points."lamella.io_backends"]
    uring = "my_package.uring:UringBackend"

The name on the left is what users type, in any case of letters. The class may state the plugin API that it was written
for, as the class attribute ``api = (1, 0)``; without it, ``(1, 0)`` is assumed. A class for a plugin API that Lamella
does not understand is reported as incompatible, one that fails while it is imported as broken; neither is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.io.backend import IOBackend as IOBackend
    from lamella.io.buffered import BufferedBackend as BufferedBackend
    from lamella.io.choose import choose_backend as choose_backend
    from lamella.io.direct import DirectBackend as DirectBackend
    from lamella.io.mmap import MmapBackend as MmapBackend, forget_mappings as forget_mappings
    from lamella.io.preference import Preference as Preference, prefer as prefer, preferred as preferred
    from lamella.reader.resource import Resource as Resource
    from lamella.reader.session import IOSession as IOSession
    from lamella.system.pathmap import path_here as path_here, paths_here as paths_here

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.io.backend": "IOBackend",
        "lamella.reader.session": "IOSession",
        "lamella.reader.resource": "Resource",
        "lamella.io.choose": "choose_backend",
        "lamella.io.preference": "Preference prefer preferred",
        "lamella.system.pathmap": "path_here paths_here",
        "lamella.io.mmap": "MmapBackend forget_mappings",
        "lamella.io.buffered": "BufferedBackend",
        "lamella.io.direct": "DirectBackend",
    },
)
