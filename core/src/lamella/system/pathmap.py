"""Where files of another host are on this one, if mount points differ."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

__all__ = ["VARIABLE", "path_here", "paths_here", "paths_of"]

VARIABLE = "LAMELLA_PATHS"
"""The environment variable that says it for all of a host."""

_paths: ContextVar[tuple[tuple[str, str], ...]] = ContextVar("lamella_paths", default=())


@contextmanager
def paths_here(paths: Mapping[str, str]) -> Iterator[None]:
    """Open files of another host where this one has them, inside of a ``with`` statement.

    For executors whose workers are on other hosts. It holds for data sets that are opened again from their recipe, as
    plans and lazy arrays do when they are unpickled or used; not for what is opened by `lamella.open`. What the
    environment variable ``LAMELLA_PATHS`` of a host says wins; it has pairs such as ``/mnt/a=/data/a``, separated as
    in ``PATH``.

    Parameters
    ----------
    paths
        From the beginning of a path there, which ends between folders, to the beginning of the path here.

    Examples
    --------
    >>> from lamella.io import path_here, paths_here
    >>> with paths_here({"/mnt/lab": "/data", "/mnt/lab/old": "/archive"}):
    ...     path_here("/mnt/lab/a.mib"), path_here("/mnt/lab/old/b.mib"), path_here("/mnt/laboratory/c.mib")
    ('/data/a.mib', '/archive/b.mib', '/mnt/laboratory/c.mib')
    """
    token = _paths.set(tuple(paths.items()))
    try:
        yield
    finally:
        _paths.reset(token)


def path_here(path: str) -> str:
    """Give the path on this host of a file of another one; the same path if nothing is said about it."""
    for known in (paths_of(os.environ.get(VARIABLE, "")), _paths.get()):
        for there, here in sorted(known, key=lambda pair: -len(pair[0])):
            rest = _below(path, there)
            if rest is not None:
                return here.rstrip("/\\") + (rest if os.sep == "/" else rest.replace("/", os.sep))
    return path


def _below(path: str, folder: str) -> str | None:
    """Give the rest of a path that lies in a folder, with slashes; paths of Windows may have either."""
    begin = folder.rstrip("/\\")
    rest = path[len(begin) :]
    if not path.startswith(begin) or (rest and rest[0] not in "/\\"):
        return None
    return rest.replace("\\", "/") if "\\" in folder else rest


@cache
def paths_of(text: str) -> tuple[tuple[str, str], ...]:
    """Give the pairs of a text such as ``/mnt/a=/data/a:/mnt/b=/data/b``; what is no pair is left out."""
    pairs = [part.partition("=") for part in text.split(os.pathsep)]
    return tuple((there, here) for there, sign, here in pairs if there and sign and here)
