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

__all__ = ["is_recorded", "native_file", "record"]

_FOLDER = "lamella-kernels"
_NATIVE = ".o"
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


def native_file(compiled: str, key: tuple[Any, ...]) -> Path | None:
    """Give the machine code of a version of a kernel that can be loaded without numba, if there is some."""
    source = source_of(compiled)
    if source is None:
        return None
    name = _name(compiled, key, source) + _NATIVE
    return next(filter(Path.is_file, (folder / _FOLDER / name for folder in candidate_folders(source))), None)


def record(compiled: str, key: tuple[Any, ...], native: bytes | None = None) -> None:
    """Record a version of a kernel that numba keeps, with its machine code where there is some.

    Nothing happens where no folder can be written.
    """
    source = source_of(compiled)
    if source is None:
        return
    name = _name(compiled, key, source)
    for folder in candidate_folders(source):
        wanted = folder / _FOLDER / name
        with contextlib.suppress(OSError):
            if native is not None:
                _write(wanted.with_suffix(_NATIVE), native)
            _write(wanted, f"{compiled}\n{key!r}\n".encode())
            return


def _write(path: Path, content: bytes) -> None:
    """Write a file that is not there, so that nobody sees a part of it."""
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, made = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(made).chmod(0o644)  # other users of the folder may load it
    Path(made).replace(path)


def _name(compiled: str, key: tuple[Any, ...], source: Path) -> str:
    facts = (compiled, key, str(source), _stamp(source.parent), _surroundings())
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


@lru_cache
def _stamp(folder: Path) -> tuple[object, ...]:
    """Give what changes with the source of a kernel, and of what is compiled into it from the files beside it."""
    try:
        files = [(path.name, path.stat()) for path in sorted(folder.glob("*.py"))]
    except OSError:  # within an archive
        return ()
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in files)


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
