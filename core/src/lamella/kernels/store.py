"""Compiled kernels on disk: which versions of them there are, and their code.

Numba has a cache of its own, but only a process that has imported numba can look into it, and only at the first folder
that it could write to. So each version of a kernel is a file whose name says all that the version depends on: the
sources, not when they were written, so that a file stays valid in another image, prefix or home. All folders are read,
and the first that can be written gets what is new. Its content is as trusted as the sources beside it.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from lamella.kernels.cachefolder import INSTALLED, candidate_folders, source_of

__all__ = ["NATIVE", "NUMBA", "keep", "look", "stored"]

NATIVE = ".native"
"""Machine code that is loaded without numba."""
NUMBA = ".numba"
"""What numba loads."""
_DIGEST = 32


def look(compiled: str, key: tuple[Any, ...]) -> str:
    """Say how a version of a kernel is kept, `NATIVE` or `NUMBA`; an empty text if it is not.

    Parameters
    ----------
    compiled
        ``"module:function"``.
    key
        What the version depends on.
    """
    return next((path.suffix for path in _files(compiled, key) if path.is_file()), "")


def stored(compiled: str, key: tuple[Any, ...]) -> Iterator[tuple[str, bytes]]:
    """Give how a version of a kernel is kept, and its code; files that are damaged are left out."""
    for path in _files(compiled, key):
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            digest, code = content[:_DIGEST], content[_DIGEST:]
            if digest == _digest(code):
                yield path.suffix, code


def keep(compiled: str, key: tuple[Any, ...], suffix: str, code: bytes) -> bool:
    """Keep a version of a kernel for all processes; gives whether a folder could be written."""
    source = source_of(compiled)
    if source is None:
        return False
    family, name = _names(compiled, key, source)
    for folder in candidate_folders():
        with contextlib.suppress(OSError):
            _write(folder / (name + suffix), _digest(code) + code)
            if folder == INSTALLED:  # no other sources put something there
                _remove_others(folder, family, name)
            return True
    return False


def _files(compiled: str, key: tuple[Any, ...]) -> Iterator[Path]:
    source = source_of(compiled)
    if source is not None:
        _, name = _names(compiled, key, source)
        for suffix in (NATIVE, NUMBA):
            for folder in candidate_folders():
                yield folder / (name + suffix)


def _write(path: Path, content: bytes) -> None:
    """Write a file so that nobody sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, made = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(made).chmod(0o644)  # other users of the folder may load it
        Path(made).replace(path)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise


def _remove_others(folder: Path, family: str, name: str) -> None:
    """Remove what was compiled from earlier sources."""
    for path in folder.glob(f"{family}-*"):
        if path.stem != name:
            path.unlink(missing_ok=True)


def _names(compiled: str, key: tuple[Any, ...], source: Path) -> tuple[str, str]:
    """Give what the names of one version have in common whatever the sources are, and the name for these sources."""
    function = compiled.partition(":")[2]
    family = f"{function}-{_hash(compiled, key, _surroundings())}"
    return family, f"{family}-{_hash(_contents(Path(__file__).parent), _contents(source.parent))}"


def _hash(*facts: object) -> str:
    return _digest(repr(facts).encode(), 12).hex()


def _digest(content: bytes, size: int = _DIGEST) -> bytes:
    import hashlib  # slow to import, and what only looks at a file loads no kernel

    return hashlib.blake2b(content, digest_size=size).digest()


@lru_cache
def _contents(folder: Path) -> str:
    """Give what changes with the source of a kernel, and of what is compiled into it from the files beside it."""
    facts = []
    for path in sorted(folder.glob("*.py")):
        with contextlib.suppress(OSError):
            facts.append(path.name.encode() + b"\0" + _digest(path.read_bytes()))
    return _digest(b"".join(facts)).hex()


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
    return (sys.version_info[:2], *versions, platform.system(), platform.machine(), _target())


def _target() -> tuple[object, ...]:
    """Give what numba compiles for: a processor that was named, so that one image serves many, or this one."""
    name, features = os.environ.get("NUMBA_CPU_NAME"), os.environ.get("NUMBA_CPU_FEATURES")
    named = name is not None and (features is not None or name.lower() == "generic")
    return name, features, os.environ.get("NUMBA_OPT"), None if named else _processor()


def _processor() -> str:
    """Give the features of the processor where the system tells them, else its name."""
    try:
        with Path("/proc/cpuinfo").open("rb") as file:
            lines = file.read(8192).splitlines()
    except OSError:
        return platform.processor()
    wanted = (b"model name", b"flags", b"Features", b"CPU part")
    return repr([line for line in lines if line.startswith(wanted)][:2])
