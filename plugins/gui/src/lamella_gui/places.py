"""The folders that a page may look into, and names of files relative to them."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Entry", "Place", "Places"]

_MOST_ENTRIES = 5000
_MOST_MATCHES = 100_000


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that may be looked into, with the name that pages show."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a folder in a listing; ``size`` is in bytes, and None for a folder."""

    name: str
    address: str
    is_folder: bool
    size: int | None
    changed: float


class Places:
    """Confines all paths to some folders.

    A page names a file by an *address*: the name of a place, and the path in it, with ``/`` between. Links are followed
    before the check, so a link that leads out of the places is absent.

    Parameters
    ----------
    roots
        The folders; those that do not exist are left out.
    """

    def __init__(self, roots: Iterable[Path]) -> None:
        self._places: list[Place] = []
        for root in roots:
            self.add(root)

    def add(self, root: Path) -> None:
        """Allow one more folder; one that lies in another one is known by that."""
        path = root.resolve()
        if not path.is_dir() or any(path.is_relative_to(place.path) for place in self._places):
            return
        taken = {place.name for place in self._places}
        name = path.name or path.anchor.rstrip("/\\:") or "root"
        numbered = (f"{name}-{i}" for i in range(2, 1000))
        self._places.append(Place(name if name not in taken else next(n for n in numbered if n not in taken), path))

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places)

    def find(self, address: str) -> Path | None:
        """Give the path of an address; None if there is no such file or folder in the places.

        A full path is taken too if it lies in one of them.
        """
        if "\0" in address or len(address) > 4096:
            return None
        given = Path(address)
        if given.is_absolute():
            return self._inside(given)
        name, _, rest = address.strip("/").partition("/")
        place = next((place for place in self._places if place.name == name), None)
        if place is None or Path(rest).is_absolute():
            return None
        return self._inside(place.path / rest)

    def _inside(self, path: Path) -> Path | None:
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            return None
        return real if any(real.is_relative_to(place.path) for place in self._places) else None

    def matching(self, address: str) -> list[Path]:
        """Give the files of one folder whose names fit a pattern, in the order of the numbers in their names.

        The last part of the address is the pattern: ``*`` stands for any letters, ``?`` for one.
        """
        parent, _, pattern = address.replace(os.sep, "/").rpartition("/")
        folder = self.find(parent) if parent and set("*?") & set(pattern) else None
        if folder is None:
            return []
        fits = re.compile(fnmatch.translate(pattern.replace("[", "[[]")), re.IGNORECASE).match
        found: list[Path] = []
        try:
            with os.scandir(folder) as items:
                for item in items:
                    if item.name.startswith(".") or not fits(item.name) or len(found) >= _MOST_MATCHES:
                        continue
                    path = self._inside(folder / item.name) if item.is_symlink() else folder / item.name
                    if path is not None and path.is_file():
                        found.append(path)
        except OSError:
            return []
        return sorted(found, key=lambda path: _in_order(path.name))

    def target(self, address: str) -> Path | list[Path] | None:
        """Give the file or folder of an address, or the files of a pattern; None if there is nothing in the places."""
        path = self.find(address)
        if path is not None:
            return path
        files = self.matching(address)
        return files[0] if len(files) == 1 else files or None

    def path_text(self, address: str) -> str:
        """Give what names an address in a later session: the whole path of a file, folder or pattern."""
        path = self.find(address)
        if path is not None:
            return str(path)
        parent, _, pattern = address.replace(os.sep, "/").rpartition("/")
        folder = self.find(parent)
        return address if folder is None else str(folder / pattern)

    def address(self, path: str | os.PathLike[str]) -> str:
        """Give the address of a path; its name alone if it lies in no place."""
        return self._below(Path(path)) or self._below(Path(os.path.realpath(path))) or Path(path).name

    def named(self, path: str) -> str:
        """Give the address of a path as it is written; no disk is asked, since it may not answer."""
        return self._below(Path(path)) or Path(path).name

    def holds(self, path: str) -> bool:
        """Whether a path, as it is written, lies in one of the places."""
        return self._below(Path(path)) is not None

    def _below(self, path: Path) -> str | None:
        for place in sorted(self._places, key=lambda place: -len(place.path.parts)):
            if path.is_relative_to(place.path):
                rest = path.relative_to(place.path).as_posix()
                return place.name if rest == "." else f"{place.name}/{rest}"
        return None

    def hidden(self, text: str) -> str:
        """Give a text in which files are named by their addresses instead of their paths."""
        for place in sorted(self._places, key=lambda place: -len(str(place.path))):
            root = str(place.path)
            if root == place.path.anchor:
                continue
            text = text.replace(root, place.name).replace(root.replace("\\", "\\\\"), place.name)
        return text

    def listing(self, folder: Path, order: str = "name", kinds: Sequence[str] = ()) -> Sequence[Entry]:
        """Give what is in a folder: folders first, then by name, or the newest first.

        Parameters
        ----------
        folder
            The folder.
        order
            ``"time"`` for the newest first.
        kinds
            Extensions of the files that are shown; all if there are none.
        """
        ends = tuple(f".{kind}" for kind in kinds)
        found: list[Entry] = []
        try:
            with os.scandir(folder) as items:
                for item in items:
                    if len(found) >= _MOST_ENTRIES:
                        break
                    entry = None if item.name.startswith(".") else self._entry(item)
                    if entry is not None and (entry.is_folder or not ends or entry.name.lower().endswith(ends)):
                        found.append(entry)
        except OSError:
            return ()
        if order == "time":
            return sorted(found, key=lambda entry: (not entry.is_folder, -entry.changed, entry.name))
        return sorted(found, key=lambda entry: (not entry.is_folder, _in_order(entry.name)))

    def _entry(self, item: os.DirEntry[str]) -> Entry | None:
        path = self._inside(Path(item.path))
        if path is None:
            return None
        try:
            status = path.stat()
        except OSError:
            return None
        is_folder = path.is_dir()
        if not is_folder and not path.is_file():
            return None
        size = None if is_folder else status.st_size
        return Entry(item.name, self.address(item.path), is_folder, size, status.st_mtime)


def _in_order(name: str) -> tuple[tuple[int, str], ...]:
    """Give a key that puts ``frame 9`` before ``frame 10``."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name.lower()))
