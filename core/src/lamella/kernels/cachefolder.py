"""Where numba keeps compiled code, found without importing numba."""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

from lamella.system.userfolder import user_cache

__all__ = ["cache_folder", "candidate_folders", "source_of"]


def source_of(compiled: str) -> Path | None:
    """Give the file of the function ``"module:function"``, or None if it has none."""
    try:
        found = find_spec(compiled.partition(":")[0])
    except (ImportError, ValueError):
        return None
    return Path(found.origin) if found is not None and found.origin is not None else None


def candidate_folders(source: Path) -> list[Path]:
    """Give the folders that numba tries for code compiled from a file, in its order."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    return [*([Path(chosen)] if chosen else []), source.parent / "__pycache__", user_cache() / "numba"]


def cache_folder(source: Path) -> Path | None:
    """Give the first of them that can be written, made if need be; None if there is none."""
    return next(filter(_can_be_written, candidate_folders(source)), None)


def _can_be_written(folder: Path) -> bool:
    """Try, as numba does: neither modes nor owners tell it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
