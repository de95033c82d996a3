"""What is kept over a restart: the session and the recent files, in a file of the user."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["Store", "user_folder"]

_MOST_RECENT = 20
_MOST_BOOKMARKS = 50
_VERSION = 1
_LARGEST = 4 << 20


def user_folder() -> Path:
    """Give the folder of the user for what programs keep; it need not exist."""
    if chosen := os.environ.get("LAMELLA_GUI_HOME"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "lamella" / "gui"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "lamella" / "gui"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "lamella" / "gui"


class Store:
    """A JSON file that is written as a whole, for its owner only; what cannot be read or written is no error.

    Parameters
    ----------
    folder
        Where it lies; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / "session.json"
        self._lock = threading.Lock()
        self.recent: list[dict[str, Any]] = []
        self.scans: list[dict[str, Any]] = []
        self.bookmarks: list[str] = []
        """Folders that were marked."""
        self._read()

    def _read(self) -> None:
        try:
            if self._path is None or self._path.stat().st_size > _LARGEST:
                return
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return
        if isinstance(kept, dict) and kept.get("version") == _VERSION:
            self.recent = [one for one in _list(kept.get("recent")) if _is_entry(one)][:_MOST_RECENT]
            self.scans = [one for one in _list(kept.get("scans")) if _is_entry(one)]
            self.bookmarks = [one for one in _list(kept.get("bookmarks")) if isinstance(one, str)][:_MOST_BOOKMARKS]

    def opened(self, target: str, format: str, values: Mapping[str, str]) -> None:
        """Put a file in front of the recent ones, with the values it was opened with."""
        entry = {"target": target, "format": format, "values": dict(values)}
        with self._lock:
            self.recent = [entry, *(one for one in self.recent if one["target"] != target)][:_MOST_RECENT]

    def mark(self, folder: str, *, kept: bool) -> None:
        """Put a folder at the end of the bookmarks, or take it away."""
        with self._lock:
            others = [one for one in self.bookmarks if one != folder]
            self.bookmarks = [*others, folder][:_MOST_BOOKMARKS] if kept else others

    def write(self, scans: list[dict[str, Any]]) -> None:
        """Keep the open data sets."""
        with self._lock:
            self.scans = scans
            if self._path is None:
                return
            kept = {"version": _VERSION, "recent": self.recent, "bookmarks": self.bookmarks, "scans": scans}
            text = json.dumps(kept)
            temporary = self._path.with_suffix(f".{os.getpid()}")
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                temporary.replace(self._path)
            except OSError:
                temporary.unlink(missing_ok=True)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_entry(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    texts = all(isinstance(value.get(name), str) for name in ("target", "format"))
    return texts and isinstance(value.get("values"), dict)
