"""How a second browser gets in: servers leave a note for their user, who asks them for a new address."""

from __future__ import annotations

import json
import os
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.errors import LamellaError
from lamella_gui.security import Access
from lamella_gui.store import user_folder

if TYPE_CHECKING:
    import argparse

    from lamella.cli import Console

__all__ = ["Note", "show_url"]


class Note:
    """Lets `lamella gui --show-url` of the same user find this server; only its owner can read it."""

    def __init__(self, port: int, path: Path | None, access: Access, prefix: str) -> None:
        self._path = _notes() / f"{port or os.getpid()}.json"
        self._text = json.dumps({"port": port, "secret": access.secret, "prefix": prefix})
        if path is not None or not port:
            return
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.unlink(missing_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(self._text)

    def remove(self) -> None:
        """Forget the server; a later one on the same port, which has begun meanwhile, stays known."""
        with suppress(OSError):
            if self._path.read_text(encoding="utf-8") == self._text:
                self._path.unlink()


def _notes() -> Path:
    return user_folder() / "servers"


def show_url(args: argparse.Namespace, console: Console) -> int:
    """Print a new address for each server of this user; with a port, for that one.

    Raises
    ------
    LamellaError
        If none runs.
    """
    found = []
    for path in sorted(_notes().glob("*.json")) if _notes().is_dir() else []:
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
            port, secret, prefix = int(note["port"]), str(note["secret"]), str(note["prefix"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if args.port in (None, port) and (token := _ask(port, secret, prefix)) is not None:
            found.append(f"http://127.0.0.1:{port}{prefix}/?token={token}")
    if not found:
        raise LamellaError("no server of yours runs here. lamella gui starts one")
    console.emit({"urls": found})
    console.say(*found)
    return 0


def _ask(port: int, secret: str, prefix: str) -> str | None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{prefix}/token",
        data=b"",
        headers={"Authorization": secret, "Origin": f"http://127.0.0.1:{port}"},
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=3) as answer:
            return str(answer.read(100).decode())
    except (OSError, ValueError):
        return None
