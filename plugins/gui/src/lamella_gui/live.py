"""The websocket of a page: messages go to the lanes of a scan, pictures come back."""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.websockets import WebSocket, WebSocketDisconnect

from lamella_gui.openscan import Closed
from lamella_gui.workspace import Workspace

__all__ = ["SUBPROTOCOL", "Connections"]

SUBPROTOCOL = "lamella.1"
_MOST_PAGES = 4
_MOST_WAITING = 2000
_IDLE = 3600.0
"""After so long without a message the connection ends [s]; the page connects again when it is used."""


class Connections:
    """Serves the pages that look at data sets.

    Parameters
    ----------
    workspace
        The data sets.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._pages: dict[str, int] = {}

    async def serve(self, socket: WebSocket) -> None:
        """Serve one page until it leaves."""
        name = socket.path_params["id"]
        if SUBPROTOCOL not in socket.scope.get("subprotocols", []):
            await socket.close(4400, f"speak the protocol {SUBPROTOCOL}")
            return
        try:
            one = await asyncio.to_thread(self._workspace.get, name)
        except Closed as error:
            await socket.close(4404, str(error))
            return
        if one.scan is None:
            await socket.close(4404, "the data set is not open")
            return
        if self._pages.get(name, 0) >= _MOST_PAGES:
            await socket.close(4429, f"at most {_MOST_PAGES} pages show a data set at a time")
            return
        await socket.accept(SUBPROTOCOL)
        self._pages[name] = self._pages.get(name, 0) + 1
        post = _Post(socket)
        talk = one.scan.connect(post.put)
        sending = asyncio.create_task(post.work())
        try:
            while not sending.done():
                talk.receive(await asyncio.wait_for(socket.receive_text(), _IDLE))
        except (WebSocketDisconnect, TimeoutError, KeyError, RuntimeError):
            pass  # the page left, was idle, or sent bytes
        finally:
            self._pages[name] -= 1
            sending.cancel()
            await asyncio.to_thread(talk.close)


class _Post:
    """Takes messages from any thread, and sends them one after the other."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes | str] = deque()
        self._change = asyncio.Event()

    def put(self, message: bytes | str) -> None:
        """Let a message wait; called from any thread."""
        self._waiting.append(message)
        if len(self._waiting) > _MOST_WAITING:
            raise ConnectionError("the page does not take its messages")
        try:
            self._loop.call_soon_threadsafe(self._change.set)
        except RuntimeError as error:
            raise ConnectionError("the server ends") from error

    async def work(self) -> None:
        """Send until the page is gone."""
        while True:
            await self._change.wait()
            self._change.clear()
            while self._waiting:
                message = self._waiting.popleft()
                try:
                    if isinstance(message, bytes):
                        await self._socket.send_bytes(message)
                    else:
                        await self._socket.send_text(message)
                except Exception:  # the page is gone; what carries the socket says so in many ways
                    return
