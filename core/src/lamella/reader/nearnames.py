"""What somebody may have meant who named a file that does not exist."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lamella.system.text import printable

__all__ = ["what_was_meant"]

_MOST_NAMES = 5000
_LONGEST = 255
_COLLAPSED_URL = re.compile(r"(?:https?|s3|gs|gcs|abfss?|az|ftp|sftp|hdfs|smb|webdav):/", re.IGNORECASE)
_NAME = 100


def what_was_meant(path: str | os.PathLike[str]) -> str | None:
    """Give a name in the folder that is nearly the one of a missing file, in a clause; None if nothing is near.

    Parameters
    ----------
    path
        The path as it was named. At most 5000 names of its folder are compared.
    """
    text = os.fsdecode(path)
    if _COLLAPSED_URL.match(text):
        return "this looks like a URL, and remote files need a plugin that reads them; give URLs as text, not as a path"
    try:
        missing = Path(os.path.abspath(text))
        folder = missing.parent
        while not folder.is_dir():
            if folder.exists():
                return f"{printable(folder, _NAME)} is a file and not a folder"
            missing, folder = folder, folder.parent
            if folder == missing:
                return None
        near = _nearest(missing.name, _names(folder))
    except (OSError, ValueError, RuntimeError):
        return None
    meant = None if near is None else f"did you mean {printable(near, _NAME)}?"
    if missing == Path(os.path.abspath(text)):
        return meant
    return f"there is no folder {printable(missing, _NAME)}" + (f"; {meant}" if meant else "")


def _names(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry, _ in zip(entries, range(_MOST_NAMES), strict=False) if entry.name[:1] != "."]


def _nearest(name: str, known: list[str]) -> str | None:
    from difflib import get_close_matches

    if len(name) > _LONGEST:
        return None
    by_folded = {other.casefold(): other for other in known}
    close = get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.75)
    return by_folded[close[0]] if close else None
