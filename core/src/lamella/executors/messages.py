"""Objects through a pipe: arrays travel as they lie in memory, and are received where they stay."""

from __future__ import annotations

import pickle
import traceback
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

__all__ = ["Message", "pack", "pack_error", "receive", "send"]

Message = tuple[bytes, list[pickle.PickleBuffer]]
"""A pickle, and the memory that it refers to."""


def pack(thing: Any, *, by_value: bool = False) -> Message:
    """Pickle without copying arrays.

    Parameters
    ----------
    thing
        Any object.
    by_value
        Also take along functions and classes that the other side cannot import: lambdas, and what was defined in a
        script or a notebook.
    """
    buffers: list[pickle.PickleBuffer] = []
    if not by_value:
        try:
            return pickle.dumps(thing, protocol=5, buffer_callback=buffers.append), buffers
        except (pickle.PicklingError, AttributeError, TypeError):
            buffers.clear()
    import cloudpickle  # type: ignore[import-untyped]

    return cloudpickle.dumps(thing, protocol=5, buffer_callback=buffers.append), buffers


def send(connection: Connection, message: Message) -> None:
    """Send a packed object."""
    body, buffers = message
    views = [buffer.raw() for buffer in buffers]
    connection.send([len(body), *(view.nbytes for view in views)])
    connection.send_bytes(body)
    for view in views:
        if view.nbytes:
            connection.send_bytes(view)


def receive(connection: Connection) -> Any:
    """Receive an object; arrays lie in memory of their own.

    Raises
    ------
    EOFError, OSError
        If the other side is gone.
    """
    _, *sizes = connection.recv()
    body = connection.recv_bytes()
    buffers = [np.empty(size, dtype=np.uint8) for size in sizes]
    for buffer in buffers:
        if buffer.size:
            connection.recv_bytes_into(buffer.data)
    return pickle.loads(body, buffers=buffers)


def pack_error(error: BaseException) -> Message:
    """Pack an error with its cause and, as a note, the place where it was raised."""
    error.add_note("In a worker process:\n" + "".join(traceback.format_exception(error)).rstrip())
    for thing in ((error, error.__cause__), (error, None), (RuntimeError(f"{type(error).__name__}: {error}"), None)):
        try:
            message = pack(("error", thing), by_value=True)
            pickle.loads(message[0], buffers=message[1])
        except Exception:
            continue
        return message
    raise error
