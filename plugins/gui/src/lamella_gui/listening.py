"""Sockets that listen: on a port of this computer, or at a path that only its owner can open."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from lamella.errors import LamellaError

__all__ = ["PORT", "listen", "listen_at"]

PORT = 8123
_TRIED = 20


def listen(host: str, port: int | None) -> socket.socket:
    """Give a socket that listens: on the port (0: any), or on the first free one from 8123 on."""
    wanted: Iterable[int] = (port,) if port is not None else (*range(PORT, PORT + _TRIED), 0)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in wanted:
        # With the protocol named, asyncio sends small messages at once; else they wait for 40 ms.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # elsewhere this lets two programs share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, number))
        except OSError as error:
            listening.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES) or port is not None:
                text = f"cannot listen on port {number} of {host}: {error.strerror}. Choose another one by --port"
                raise LamellaError(text) from error
            continue
        listening.listen(128)
        return listening
    raise LamellaError("there is no free port")


def listen_at(path: Path) -> socket.socket:
    """Give a socket that listens at a path, for its owner only."""
    if not hasattr(socket, "AF_UNIX"):
        raise LamellaError("this system has no Unix sockets; leave out --socket")
    with suppress(FileNotFoundError):
        if path.is_socket():
            path.unlink()
    listening = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    except OSError as error:
        listening.close()
        raise LamellaError(f"cannot listen on {path}: {error.strerror}") from error
    finally:
        os.umask(before)
    listening.listen(128)
    return listening
