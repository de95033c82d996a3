"""The websocket of a page: messages go to the lanes of a scan, pictures come back."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from lamella_gui.openscan import Closed
from lamella_gui.workspace import Workspace
from lamella_viewer.live import Scan, Talk

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
            scan = (await asyncio.to_thread(self._workspace.get, name)).scan
        except Closed as error:
            await socket.close(4404, str(error))
            return
        if scan is None:
            await socket.close(4404, "the data set is not open")
            return
        if self._pages.get(name, 0) >= _MOST_PAGES:
            await socket.close(4429, f"at most {_MOST_PAGES} pages show a data set at a time")
            return
        await socket.accept(SUBPROTOCOL)
        self._pages[name] = self._pages.get(name, 0) + 1
        post = _Post(socket)
        talk = scan.connect(post.put, post.end)
        sending, receiving = asyncio.create_task(post.work()), asyncio.create_task(_receive(socket, talk))
        try:
            await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
            closed = post.ended and not receiving.done()
        finally:
            self._pages[name] -= 1
            sending.cancel()
            receiving.cancel()
            await asyncio.to_thread(talk.close)
        if closed:
            await self._say_why(socket, name, scan)

    async def _say_why(self, socket: WebSocket, name: str, closed: Scan) -> None:
        """End the connection to a scan that was closed, and say what became of its data set."""
        code, reason = 4410, "the data set was opened again"
        try:
            if (await asyncio.to_thread(self._workspace.get, name)).scan is closed:
                code, reason = 1012, "the server ends"
        except Closed as error:
            code, reason = 4404, str(error)
        with suppress(Exception):  # the page is gone
            await socket.close(code, reason)


async def _receive(socket: WebSocket, talk: Talk) -> None:
    """Give a talk what its page sends, until the page leaves, is idle, or sends bytes."""
    with suppress(WebSocketDisconnect, TimeoutError, KeyError, RuntimeError):
        while True:
            talk.receive(await asyncio.wait_for(socket.receive_text(), _IDLE))


class _Post:
    """Takes messages from any thread, and sends them one after the other."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes | str] = deque()
        self._change = asyncio.Event()
        self.ended = False

    def put(self, message: bytes | str) -> None:
        """Let a message wait; called from any thread."""
        self._waiting.append(message)
        if len(self._waiting) > _MOST_WAITING:
            raise ConnectionError("the page does not take its messages")
        try:
            self._loop.call_soon_threadsafe(self._change.set)
        except RuntimeError as error:
            raise ConnectionError("the server ends") from error

    def end(self) -> None:
        """Send what waits, and nothing after it; called from any thread."""
        self.ended = True
        with suppress(RuntimeError):  # the server ends
            self._loop.call_soon_threadsafe(self._change.set)

    async def work(self) -> None:
        """Send until the page is gone, or the scan was closed."""
        while not self.ended or self._waiting:
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
