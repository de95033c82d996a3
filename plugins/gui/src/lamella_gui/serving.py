"""The server: what it serves to whom, and how it begins and ends."""

from __future__ import annotations

import signal
import sys
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lamella
from lamella.errors import LamellaError
from lamella_gui.app import make_app
from lamella_gui.listening import PORT, listen, listen_at
from lamella_gui.openlimit import OpenLimit
from lamella_gui.places import Places
from lamella_gui.security import Access, Guard
from lamella_gui.showurl import Note
from lamella_gui.store import Store, user_folder
from lamella_gui.workspace import Workspace

if TYPE_CHECKING:
    import argparse

    import uvicorn

    from lamella.cli import Console

__all__ = ["config_of", "serve", "workspace_of"]

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
    listening = listen_at(args.socket) if args.socket else listen(args.host, args.port)
    port = 0 if args.socket else listening.getsockname()[1]
    access = Access(f"lamella-{port or 'socket'}")
    workspace = workspace_of(args)
    app = Guard(make_app(workspace, access, prefix), access, _hosts(args, port), prefix, _schemes(args))
    path = _first_path(args, workspace)
    at = f"https://{args.behind_proxy[0]}" if args.behind_proxy else f"http://127.0.0.1:{port or PORT}"
    address = f"{at}{prefix}{path}"
    note = Note(port, args.socket, access, prefix)
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


def workspace_of(args: argparse.Namespace) -> Workspace:
    """Give the data sets that a command line asks for: where files may lie, and what is kept."""
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


def _hosts(args: argparse.Namespace, port: int) -> set[str]:
    """Give the hosts by which pages may be asked for."""
    names = {"127.0.0.1", "localhost", "[::1]"}
    local = {f"{name}:{port}" for name in names} if port else names
    if args.socket:  # ssh -L and proxies reach it by a port that is not known here
        local |= {f"{name}:{number}" for name in names for number in range(1, 1 << 16)}
    return local | {host.lower() for host in args.behind_proxy}


def _schemes(args: argparse.Namespace) -> tuple[str, ...]:
    return ("http", "https") if args.behind_proxy else ("http",)
