"""Other files that an HDF5 file names, and whether they may be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from lamella.errors import UnsupportedError

__all__ = ["Elsewhere"]


class Elsewhere:
    """Finds files that a file names.

    Parameters
    ----------
    path
        The file that names them.
    policy
        ``"folder"``: only in its folder and below; ``"anywhere"``; ``"never"``.
    """

    def __init__(self, path: str | os.PathLike[str], policy: Literal["folder", "anywhere", "never"]) -> None:
        self.path = Path(path)
        self.policy = policy

    def find(self, name: str) -> Path | None:
        """Give the file, None if there is none.

        Raises
        ------
        UnsupportedError
            If it lies where it must not.
        """
        if self.policy == "never":
            raise self._refused(name, "external='folder' allows files beside this one")
        try:
            path = self.path.parent / name
            if self.policy == "folder":
                homes = {self.path.parent.resolve(), self.path.resolve().parent}
                resolved = path.resolve()
                if not any(resolved.is_relative_to(home) for home in homes):
                    beside = self.path.parent / Path(name).name  # written elsewhere, and copied here since
                    if not beside.is_file() or beside.resolve().parent not in homes:
                        raise self._refused(name, "external='anywhere' allows it, if you trust the file")
                    path = beside
            resolved = path.resolve()  # what was checked is what is read
            return resolved if resolved.is_file() else None
        except (OSError, RuntimeError, ValueError):  # loops of links, names that the file system cannot hold
            return None

    def _refused(self, name: str, remedy: str) -> UnsupportedError:
        return UnsupportedError(
            "the file names another one that must not be read",
            path=self.path,
            expected="one in its folder" if self.policy == "folder" else "none",
            found=repr(name),
            remedy=remedy,
        )
