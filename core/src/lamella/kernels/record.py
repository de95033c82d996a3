"""Which compiled kernels lie on disk, known without importing numba.

numba's index of a function says which versions of it are there, but only to a process that has imported numba. So a
small file beside the cache records each version that was compiled or loaded: its name is a hash of all that the
version depends on. A record is advice: when numba does not have the version after all, it is compiled as without one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from lamella.kernels.cachefolder import candidate_folders, source_of

__all__ = ["is_recorded", "record"]

_FOLDER = "lamella-kernels"
_CHOICES = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_OPT")


def is_recorded(compiled: str, key: tuple[Any, ...]) -> bool:
    """Say whether a version of a kernel was put into a cache that this process uses.

    Parameters
    ----------
    compiled
        ``"module:function"``.
    key
        What the version depends on.
    """
    source = source_of(compiled)
    if source is None:
        return False
    name = _name(compiled, key, source)
    return any((folder / _FOLDER / name).is_file() for folder in candidate_folders(source))


def record(compiled: str, key: tuple[Any, ...]) -> None:
    """Record a version of a kernel that numba keeps; nothing happens where no folder can be written."""
    source = source_of(compiled)
    if source is None:
        return
    name = _name(compiled, key, source)
    for folder in candidate_folders(source):
        if (folder / _FOLDER / name).is_file():
            return
        with contextlib.suppress(OSError):
            (folder / _FOLDER).mkdir(parents=True, exist_ok=True)
            handle, made = tempfile.mkstemp(dir=folder / _FOLDER)
            with os.fdopen(handle, "w") as file:
                file.write(f"{compiled}\n{key!r}\n")
            Path(made).replace(folder / _FOLDER / name)
            return


def _name(compiled: str, key: tuple[Any, ...], source: Path) -> str:
    try:
        state = source.stat()
        stamp = (state.st_mtime_ns, state.st_size)
    except OSError:  # within an archive
        stamp = (0, 0)
    facts = (compiled, key, str(source), *stamp, _surroundings())
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=1)
def _surroundings() -> tuple[object, ...]:
    """Give what all kernels depend on: versions, processor, and what numba was told about it."""
    from importlib_metadata import PackageNotFoundError, version

    versions = []
    for name in ("numba", "llvmlite"):
        try:
            versions.append(version(name))
        except PackageNotFoundError:
            versions.append("")
    choices = [os.environ.get(name) for name in _CHOICES]
    return (sys.version_info[:2], *versions, platform.system(), platform.machine(), _processor(), *choices)


def _processor() -> str:
    """Give the features of the processor where the system tells them, else its name."""
    try:
        with Path("/proc/cpuinfo").open("rb") as file:
            lines = file.read(8192).splitlines()
    except OSError:
        return platform.processor()
    wanted = (b"model name", b"flags", b"Features", b"CPU part")
    return repr([line for line in lines if line.startswith(wanted)][:2])
