"""What the code under test asks of the operating system: files, maps, processes, sockets; seen by an audit hook."""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["Seen", "watch"]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect", "socket.getaddrinfo")
_CHANGING = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.link", "os.symlink")


@dataclass
class Seen:
    """What happened while it was watched."""

    read: list[Path] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)
    mapped: int = 0
    """Length of the longest memory map [bytes]; one of unknown length counts as the longest there is."""
    forbidden: list[str] = field(default_factory=list)

    def outside(self, directory: Path) -> list[Path]:
        """Give the files that were read and that belong neither to ``directory`` nor to Python itself."""
        home = directory.resolve()
        return [path for path in self.read if not path.resolve().is_relative_to(home) and not _of_python(path)]


_local = threading.local()
_installed = False


@contextlib.contextmanager
def watch() -> Iterator[Seen]:
    """Record what this thread asks of the operating system while the body runs."""
    global _installed
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    seen = Seen()
    before = getattr(_local, "seen", None)
    _local.seen = seen
    try:
        yield seen
    finally:
        _local.seen = before


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    seen: Seen | None = getattr(_local, "seen", None)
    if seen is None:
        return
    if event == "open":
        path, mode, flags = arguments
        if isinstance(path, (str, bytes, os.PathLike)):
            place = Path(os.fsdecode(path)).absolute()
            writing = any(letter in (mode or "") for letter in "wax+") or (mode is None and flags & _WRITING)
            (seen.written if writing else seen.read).append(place)
    elif event == "mmap.__new__":
        handle, length = arguments[0], arguments[1]
        if handle != -1:
            seen.mapped = max(seen.mapped, length or sys.maxsize)
    elif event == "pickle.find_class":
        seen.forbidden.append(f"unpickles {arguments[0]}.{arguments[1]}")
    elif event in _CHANGING:
        seen.written.append(Path(os.fsdecode(arguments[0])).absolute())
    elif event in _FORBIDDEN:
        seen.forbidden.append(event)


def _of_python(path: Path) -> bool:
    text = str(path)
    return text.endswith((".py", ".pyc", ".so", ".nbi", ".nbc")) or text.startswith(_roots())


@cache
def _roots() -> tuple[str, ...]:
    roots = {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, "/proc", "/sys", "/dev", "/etc"}
    return tuple(roots)
