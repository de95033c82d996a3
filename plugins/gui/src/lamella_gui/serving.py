"""Listening: on a port of this computer or on a Unix socket, and how a second browser gets in."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import sys
import threading
import urllib.request
import webbrowser
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lamella
from lamella.errors import LamellaError
from lamella_gui.app import make_app
from lamella_gui.openlimit import OpenLimit
from lamella_gui.places import Places
from lamella_gui.security import Access, Guard
from lamella_gui.store import Store, user_folder
from lamella_gui.workspace import Workspace

if TYPE_CHECKING:
    import argparse

    import uvicorn

    from lamella.cli import Console

__all__ = ["config_of", "listen", "serve", "show_url"]

PORT = 8123
_TRIED = 20
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LARGEST_MESSAGE = 64 << 10


def serve(args: argparse.Namespace, console: Console) -> int:
    """Serve until Ctrl-C.

    Raises
    ------
    LamellaError
        If the port is taken, or a public address is asked for without a proxy.
    """
    import uvicorn

    if args.host not in _LOOPBACK and not args.behind_proxy:
        raise LamellaError(
            f"--host {args.host} lets others connect over the network without encryption. Leave it out and forward the "
            "port by ssh -L, or name the proxy that encrypts by --behind-proxy HOST"
        )
    prefix = "/" + args.prefix.strip("/") if args.prefix.strip("/") else ""
    listening = _unix_socket(args.socket) if args.socket else listen(args.host, args.port)
    port = 0 if args.socket else listening.getsockname()[1]
    access = Access(f"lamella-{port or 'socket'}")
    workspace = _workspace(args)
    app = Guard(make_app(workspace, access, prefix), access, _hosts(args, port), prefix, _schemes(args))
    path = _first_path(args, workspace)
    at = f"https://{args.behind_proxy[0]}" if args.behind_proxy else f"http://127.0.0.1:{port or PORT}"
    address = f"{at}{prefix}{path}"
    note = _Note(port, args.socket, access, prefix)
    _tell(args, console, address, access)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the server ends first, and then raises the signal again
    try:
        uvicorn.Server(config_of(app, prefix)).run([listening])
    except KeyboardInterrupt:
        pass
    finally:
        note.remove()
        if args.socket:
            with suppress(OSError):
                args.socket.unlink()
    return 0


def config_of(app: Any, prefix: str = "") -> uvicorn.Config:
    """Give how an application is served: without logs of addresses, with short messages."""
    import uvicorn

    return uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=_LARGEST_MESSAGE,
        ws_per_message_deflate=False,
        root_path=prefix,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )


def _workspace(args: argparse.Namespace) -> Workspace:
    roots = list(args.root) or [Path.home()]
    if args.file is not None:
        roots.append(Path(args.file).absolute().parent)
    limit = OpenLimit() if args.open_limit is None else OpenLimit(args.open_limit)
    return Workspace(Places(roots), Store(None if args.no_session else user_folder()), limit=limit)


def _first_path(args: argparse.Namespace, workspace: Workspace) -> str:
    """Give the path of the first page: of the file that was named, of the demo, or the one for choosing."""
    if args.demo:
        return f"/scan/{workspace.open_demo().id}"
    if args.file is None:
        return "/"
    if not Path(args.file).exists():
        lamella.open(args.file)  # says what is wrong
    values = {str(name): _text(value) for name, value in args.parameters.items()}
    one = workspace.open(Path(args.file).absolute(), args.format or "auto", values)
    return f"/scan/{one.id}"


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _tell(args: argparse.Namespace, console: Console, address: str, access: Access) -> None:
    """Print the address, and open it in a browser once the server listens."""
    if args.behind_proxy:
        console.complain(
            "lamella: the pages are served without encryption; the proxy has to encrypt, "
            "and nothing else may reach the port"
        )
    url = f"{address}?token={access.new_token()}"
    console.emit({"url": url, "socket": args.socket})
    where = (
        f"Lamella listens on the Unix socket {args.socket}; forward it to port 8123 and open"
        if args.socket
        else "Lamella is at"
    )
    console.say(f"{where} {url}", "The address is valid once. Ctrl-C ends the server.")
    if not args.no_browser and not console.as_json and not args.socket:
        threading.Timer(0.3, webbrowser.open, [f"{address}?token={access.new_token()}"]).start()


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


def _unix_socket(path: Path) -> socket.socket:
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


def _hosts(args: argparse.Namespace, port: int) -> set[str]:
    """Give the hosts by which pages may be asked for."""
    names = {"127.0.0.1", "localhost", "[::1]"}
    local = {f"{name}:{port}" for name in names} if port else names
    if args.socket:  # ssh -L and proxies reach it by a port that is not known here
        local |= {f"{name}:{number}" for name in names for number in range(1, 1 << 16)}
    return local | {host.lower() for host in args.behind_proxy}


def _schemes(args: argparse.Namespace) -> tuple[str, ...]:
    return ("http", "https") if args.behind_proxy else ("http",)


class _Note:
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
