"""Objects on their way between processes: arrays travel as they lie in memory, errors with where they were raised.

A job is answered by ``pack_result(result)`` or ``pack_error(error)``; ``result_of(unpack(message))`` gives that result
again, or raises that error.
"""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Sequence
from typing import Any, TypeAlias

from lamella.executors.executor import as_error
from lamella.system.text import made_printable, printable_lines

__all__ = ["Message", "pack", "pack_error", "pack_result", "result_of", "unpack"]

Message: TypeAlias = tuple[bytes, Sequence[Any]]
"""A pickle of protocol 5, and the memory that it refers to: objects with the buffer protocol."""


def pack(thing: Any, *, by_value: bool = False) -> Message:
    """Pickle without copying arrays.

    Parameters
    ----------
    thing
        Any object.
    by_value
        Also take along functions and classes that the other side cannot import: lambdas, and what was defined in a
        script or a notebook.

    Examples
    --------
    >>> import numpy as np
    >>> body, buffers = pack({"image": np.ones((64, 64)), "name": "sum"})
    >>> len(body) < 1000, [memoryview(buffer).nbytes for buffer in buffers]
    (True, [32768])
    >>> unpack((body, buffers))["image"].shape
    (64, 64)
    """
    buffers: list[pickle.PickleBuffer] = []
    if not by_value:
        try:
            return pickle.dumps(thing, protocol=5, buffer_callback=buffers.append), buffers
        except (pickle.PicklingError, AttributeError, TypeError):
            buffers.clear()
    import cloudpickle  # type: ignore[import-untyped]

    return cloudpickle.dumps(thing, protocol=5, buffer_callback=buffers.append), buffers


def unpack(message: Message) -> Any:
    """Give the object that was packed; its arrays use the memory of the message.

    Only messages of one's own workers may be unpacked: unpickling runs code.
    """
    body, buffers = message
    return pickle.loads(body, buffers=buffers)


def pack_result(result: Any) -> Message:
    """Pack the answer of a job that ended well; for `result_of`."""
    return pack(("result", result))


def pack_error(error: BaseException, where: str = "a worker process") -> Message:
    """Pack the answer of a job that raised, for `result_of`: the error, its cause, and the place as a note.

    What is no `Exception`, such as `SystemExit`, becomes a `lamella.errors.UDFError`: it must not end the program of
    the user. An error that cannot be pickled becomes a `RuntimeError` with its type and text.

    Parameters
    ----------
    error
        What the job raised.
    where
        The worker, in words; begins the note.
    """
    error = as_error(error)
    made_printable(error, breaks=True)
    error.add_note(printable_lines(f"In {where}:\n" + "".join(traceback.format_exception(error)).rstrip()))
    for thing in ((error, error.__cause__), (error, None), (RuntimeError(f"{type(error).__name__}: {error}"), None)):
        try:
            message = pack(("error", thing), by_value=True)
            unpack(message)
        except Exception:
            continue
        return message
    raise error


def result_of(answer: tuple[str, Any]) -> Any:
    """Give the result of a job from its unpacked answer, or raise its error.

    Examples
    --------
    >>> result_of(unpack(pack_result(42)))
    42
    >>> answer = unpack(pack_error(ValueError("not today"), "worker 7"))
    >>> try:
    ...     result_of(answer)
    ... except ValueError as error:
    ...     error, error.__notes__[0].splitlines()[0]
    (ValueError('not today'), 'In worker 7:')
    """
    kind, value = answer
    if kind == "error":
        error, cause = value
        raise error from cause
    return value
