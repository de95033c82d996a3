"""Other files that an HDF5 file names, whether they may be read, and paths that lead through them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lamella.errors import CorruptError, FormatError, UnsupportedError
from lamella_hdf5.library import opened
from lamella_hdf5.objects import Leaving, reach

if TYPE_CHECKING:
    from contextlib import ExitStack

    from lamella_hdf5.objects import Dataset, Group

__all__ = ["Elsewhere", "locate"]

_MOST_FILES = 8


class Elsewhere:
    """Finds files that a file names.

    Parameters
    ----------
    path
        The file that names them.
    policy
        ``"folder"``: only in its folder and below; ``"anywhere"``; ``"never"``.

    Attributes
    ----------
    missing : list
        Names of files that were looked for and not found.
    """

    def __init__(self, path: str | os.PathLike[str], policy: Literal["folder", "anywhere", "never"]) -> None:
        self.path = Path(path)
        self.policy = policy
        self.missing: list[str] = []

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
            if resolved.is_file():
                return resolved
        except (OSError, RuntimeError, ValueError):  # loops of links, names that the file system cannot hold
            pass
        if name not in self.missing:
            self.missing.append(name)
        return None

    def _refused(self, name: str, remedy: str) -> UnsupportedError:
        return UnsupportedError(
            "the file names another one that must not be read",
            path=self.path,
            expected="one in its folder" if self.policy == "folder" else "none",
            found=repr(name),
            remedy=remedy,
        )


def locate(root: Group, path: str, elsewhere: Elsewhere, files: ExitStack) -> tuple[Group | Dataset | None, Elsewhere]:
    """Give the object at a path, None if there is none, and what finds files for the file that it is in.

    External links on the way are followed where their files may be read; those files stay open in ``files``.

    Raises
    ------
    FormatError
        If a file on the way is missing or must not be read, or the links have no end.
    """
    for _ in range(_MOST_FILES):
        found = reach(root, path)
        if not isinstance(found, Leaving):
            return found, elsewhere
        file = elsewhere.find(found.file)
        if file is None:
            raise FormatError(
                "the file that an external link names is missing",
                path=elsewhere.path,
                expected=str(elsewhere.path.parent / found.file),
                remedy="Put it beside this file",
            )
        root, path, elsewhere = files.enter_context(opened(file)), found.path, Elsewhere(file, elsewhere.policy)
    raise CorruptError("external links lead on without end", path=elsewhere.path, found=path)
