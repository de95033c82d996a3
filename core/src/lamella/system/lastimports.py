"""Modules in folders that are looked at last, when nothing else has them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

__all__ = ["search_last"]


def search_last(folders: Sequence[str]) -> None:
    """Have modules found in folders, but no module of Python, not even one that this platform lacks.

    The folders are not in `sys.path`, so that no plugin is found in them either.
    """
    sys.meta_path.append(_LastFinder(list(folders)))


class _LastFinder(MetaPathFinder):
    def __init__(self, folders: list[str]) -> None:
        self._folders = folders

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module at the top."""
        if path is not None or name in sys.stdlib_module_names:
            return None
        return PathFinder.find_spec(name, self._folders, target)
