"""Paths as operating systems take them: letters of names, and paths of Windows that are long."""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["as_listed", "extended", "long_path", "name_of_file", "relative_names"]

IGNORES_CASE = sys.platform in ("win32", "darwin")
"""Whether usual file systems find a file by its name in other letters: upper and lower case, composed accents."""

_LONGEST = 247
"""Characters that every function of Windows takes; folders may have no more."""
_MOST_NAMES = 100_000
_DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(10))}
"""What no file of Windows can be called, with any extension."""


def as_listed(path: Path) -> Path:
    """Give a path with the name of its file as its folder lists it.

    Readers compare names, for instance to find the parts of a scan. Windows and macOS also find a file by a name in
    other letters, which would fit none of them.
    """
    if not IGNORES_CASE:
        return path
    try:
        names = _names(str(path.parent), os.stat(path.parent).st_mtime_ns)
    except OSError:
        return path
    if path.name in names:
        return path
    wanted = _folded(path.name)
    alike = [name for name in names if _folded(name) == wanted]
    return path.with_name(alike[0]) if len(alike) == 1 else path


@lru_cache(maxsize=4)
def _names(folder: str, changed: int) -> frozenset[str]:
    with os.scandir(folder) as entries:
        return frozenset(entry.name for entry, _ in zip(entries, range(_MOST_NAMES), strict=False))


def _folded(name: str) -> str:
    from unicodedata import normalize

    return normalize("NFC", name).casefold()


def long_path(path: Path) -> Path:
    """Give an absolute path in the form that may be long on Windows; as it is on other systems."""
    return Path(extended(os.path.abspath(path))) if os.name == "nt" else path


def extended(path: str) -> str:
    r"""Give an absolute path of Windows in the form that may have more than 260 characters.

    Examples
    --------
    >>> print(extended(r"C:\scans\a.mib"))
    C:\scans\a.mib
    >>> print(extended("C:" + r"\folder" * 40)[:17])
    \\?\C:\folder\fol
    >>> print(extended(r"\\server\share" + r"\folder" * 40)[:28])
    \\?\UNC\server\share\folder\
    """
    if len(path) <= _LONGEST or path.startswith(("\\\\?\\", "\\\\.\\")):
        return path
    return f"\\\\?\\UNC\\{path[2:]}" if path.startswith("\\\\") else f"\\\\?\\{path}"


def name_of_file(name: str) -> str:
    """Give a name for a file, without its extension; one that Windows keeps for a device gets a ``_``.

    Examples
    --------
    >>> name_of_file("disk"), name_of_file("aux")
    ('disk', 'aux_')
    """
    return f"{name}_" if name.casefold() in _DEVICES else name


def relative_names(value: Any, root: str | os.PathLike[str] | None) -> Any:
    """Give a text, or values as JSON holds them, in which files inside of a folder are named relative to it.

    Parameters
    ----------
    value
        A text, or lists and dictionaries with texts.
    root
        The folder, as it is named or with its links followed; None to change nothing.

    Examples
    --------
    >>> relative_names(["/data/a/scan.mib: damaged", "/data/a", "/mnt/data/a/b"], "/data/a")
    ['scan.mib: damaged', '.', '/mnt/data/a/b']
    """
    if root is None:
        return value
    folders = {os.path.abspath(root), os.path.realpath(root)}
    stems = sorted((folder for folder in folders if Path(folder).parent != Path(folder)), key=len, reverse=True)
    named = "|".join(re.escape(stem) for folder in stems for stem in dict.fromkeys((folder, _as_in_repr(folder))))
    return _replaced(value, re.compile(rf"(?<![\w./\\-])(?:{named})(?:([/\\]+)|(?![\w.-]))")) if named else value


def _as_in_repr(path: str) -> str:
    return path.replace("\\", "\\\\")


def _replaced(value: Any, folder: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return folder.sub(lambda found: "" if found[1] else ".", value)
    if isinstance(value, dict):
        return {_replaced(key, folder): _replaced(item, folder) for key, item in value.items()}
    return [_replaced(item, folder) for item in value] if isinstance(value, list) else value
