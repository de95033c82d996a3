"""Messages on the pipe between a process and its worker, in frames that say what they are.

A message is an order in words, then, if it carries an object, a pickle and the memory that the pickle refers to. Each
of these parts is a frame of its own. Its head holds a key that only the two processes know, the kind of the content,
the number of the frame, and the length. A receiver knows which frame must come next, and takes no other: what is left
of a message that was cut off is never read as something else.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from enum import IntEnum
from multiprocessing import BufferTooShort
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

from lamella.executors.messages import Message

__all__ = ["BrokenFrameError", "Channel", "Order", "new_key"]

_HEAD = struct.Struct("<8sB7xQQ")
_LONGEST_ORDER = 16 << 20


class _Kind(IntEnum):
    order = 1
    pickle = 2
    memory = 3


class BrokenFrameError(OSError):
    """What came through a pipe is not the frame that must come next."""


class Order(NamedTuple):
    """What a message is about.

    Parameters
    ----------
    word
        What is to be done, or what came of it.
    run
        Number of the run.
    item
        Number of the item in the run.
    """

    word: str
    run: int = 0
    item: int = 0


def new_key() -> str:
    """Give a key for the two ends of a pipe."""
    return os.urandom(8).hex()


class Channel:
    """One end of a pipe; one thread sends, and one receives.

    Parameters
    ----------
    connection
        Carries blocks of bytes.
    key
        What `new_key` gave, the same at both ends.

    Attributes
    ----------
    broken : bool
        Whether a message is under way, or was cut off by an exception. Nothing may be sent or received any more then.
    """

    def __init__(self, connection: Connection, key: str) -> None:
        self.connection = connection
        self._key = bytes.fromhex(key)
        self._sending = self._receiving = False
        self._sent = self._received = 0

    @property
    def broken(self) -> bool:
        """Whether a message was cut off, or is under way."""
        return self._sending or self._receiving

    def send(self, order: Order, message: Message | None = None) -> None:
        """Send an order, and a packed object with it.

        Raises
        ------
        OSError
            If the other side is gone, or a message was cut off before.
        """
        if self._sending:
            raise BrokenFrameError("an earlier message was not sent whole")
        body, views = (b"", []) if message is None else (message[0], [buffer.raw() for buffer in message[1]])
        sizes = [] if message is None else [len(body), *(view.nbytes for view in views)]
        self._sending = True
        self._send(_Kind.order, json.dumps([*order, sizes]).encode())
        if message is not None:
            self._send(_Kind.pickle, body)
        for view in views:
            if view.nbytes:
                self._send(_Kind.memory, view)
        self._sending = False

    def _send(self, kind: _Kind, content: Any) -> None:
        size = memoryview(content).nbytes
        self.connection.send_bytes(_HEAD.pack(self._key, kind, self._sent, size))
        self.connection.send_bytes(content)
        self._sent += 1

    def receive(self) -> tuple[Order, Message | None]:
        """Wait for a message; gives the order, and the packed object, whose memory belongs to the caller.

        Raises
        ------
        EOFError, OSError
            If the other side is gone, or what comes is not a whole message.
        """
        if self._receiving:
            raise BrokenFrameError("an earlier message was not received whole")
        self._receiving = True
        order, sizes = _read_order(self._receive(_Kind.order, None))
        message: Message | None = None
        if sizes:
            body = bytes(self._receive(_Kind.pickle, sizes[0]))
            message = body, [self._receive(_Kind.memory, size) if size else bytearray() for size in sizes[1:]]
        self._receiving = False
        return order, message

    def _receive(self, kind: _Kind, size: int | None) -> Any:
        """Receive the content of the next frame, which must have this kind and size."""
        head = self.connection.recv_bytes(_HEAD.size)
        if len(head) != _HEAD.size:
            raise BrokenFrameError(f"the head of a frame has {len(head)} bytes, expected {_HEAD.size}")
        key, found, number, length = _HEAD.unpack(head)
        if (key, found, number) != (self._key, kind, self._received) or length != (length if size is None else size):
            raise BrokenFrameError(f"another frame was expected: number {self._received}, a {kind.name}")
        content = self._content(kind, length)
        self._received += 1
        return content

    def _content(self, kind: _Kind, length: int) -> Any:
        if kind is _Kind.order and length > _LONGEST_ORDER:
            raise BrokenFrameError(f"an order of {length} bytes")
        content: Any = None
        if kind is _Kind.memory:
            content = np.empty(length, dtype=np.uint8)
            try:
                found = self.connection.recv_bytes_into(content.data)
            except BufferTooShort:
                found = -1
        else:
            content = self.connection.recv_bytes(length)
            found = len(content)
        if found != length:
            raise BrokenFrameError(f"the content of a frame has {found} bytes, expected {length}")
        return content

    def close(self) -> None:
        """Close this end."""
        self.connection.close()


def _read_order(content: bytes) -> tuple[Order, Sequence[int]]:
    word, run, item, sizes = json.loads(content)
    return Order(word, run, item), sizes
