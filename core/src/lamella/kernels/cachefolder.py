"""Where compiled kernels are kept."""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

from lamella.system.userfolder import user_cache

__all__ = ["INSTALLED", "VARIABLE", "cache_folder", "candidate_folders", "source_of"]

VARIABLE = "LAMELLA_KERNEL_CACHE"
"""The environment variable that names a folder."""
INSTALLED = Path(__file__).parent / "__pycache__" / "lamella-kernels"
"""The folder of this installation."""


def source_of(compiled: str) -> Path | None:
    """Give the file of the function ``"module:function"``, or None if it has none."""
    try:
        found = find_spec(compiled.partition(":")[0])
    except (ImportError, ValueError):
        return None
    path = Path(found.origin) if found is not None and found.origin is not None else None
    return path if path is not None and path.is_file() else None


def candidate_folders() -> list[Path]:
    """Give the folders of compiled kernels: the one that was named, that of the installation, that of the user."""
    chosen = os.environ.get(VARIABLE)
    usual = [INSTALLED, user_cache() / "lamella" / "kernels"]
    return [Path(chosen).absolute(), *usual] if chosen else usual


def cache_folder() -> Path | None:
    """Give the first of them that can be written, made if need be; None if there is none."""
    return next(filter(_can_be_written, candidate_folders()), None)


def _can_be_written(folder: Path) -> bool:
    """Try: neither modes nor owners tell it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
