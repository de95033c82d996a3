"""A cable between a client and a server: slow, cut, or with a proxy that removes a prefix."""

import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_PIECE = 1 << 14


class Wire:
    """Listens on a port of its own, and carries bytes to a server and back.

    ``connect`` makes a connection to the server; ``rate`` limits what comes back [bytes/s]; ``prefix`` is removed from
    the paths of requests, as a proxy does.
    """

    def __init__(self, connect: Callable[[], socket.socket], *, rate: float | None = None, prefix: str = "") -> None:
        self._connect = connect
        self._rate = rate
        self._prefixed = re.compile(rb"\A(GET|POST) " + prefix.encode()) if prefix else None
        self._ends: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.flows = threading.Event()
        """Nothing is carried before it is set again, and nobody is told: the cable was pulled."""
        self.flows.set()
        self.carried = 0
        """Bytes that came back."""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = self._connect()
                if self._rate is not None:  # what was sent waits in the server, not on the way
                    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _PIECE)
                self._ends += [client, server]
                threading.Thread(target=self._carry, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._carry, args=(server, client, False), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, there: bool) -> None:
        with suppress(OSError):
            while data := source.recv(_PIECE):
                self.flows.wait(60)
                if there and self._prefixed is not None:
                    data = self._prefixed.sub(rb"\1 ", data)
                if not there:
                    self.carried += len(data)
                    if self._rate is not None:
                        time.sleep(len(data) / self._rate)
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """End all connections at once, as no program would: nothing is said, and nothing is read any more."""
        for end in self._ends:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def close(self) -> None:
        """Listen no more."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.flows.set()
        self.cut()
