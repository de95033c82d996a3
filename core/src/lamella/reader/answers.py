"""What a child process of `lamella.reader.in_child` does with one call, and how its answer looks: a line of JSON."""

from __future__ import annotations

import json
import math
import signal
from typing import Any

__all__ = ["LARGEST_ANSWER", "LONGEST_TEXT", "answer", "called", "end_after", "failed", "how_it_ended"]

LARGEST_ANSWER = 16 << 20
LONGEST_TEXT = 2000
_SPARE_SECONDS = 30
"""How much longer than its time a call may last where nobody ends its process."""
_LONGEST_SECONDS = 1 << 24


def called(function: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """Call a function, and give its result or its error."""
    try:
        return {"result": function(*arguments)}
    except Exception as error:
        return {**failed(error), "raised": True}
    except BaseException as error:
        return failed(error)


def failed(error: BaseException) -> dict[str, Any]:
    """Give what is told of an error."""
    return {"error": f"{type(error).__name__}: {error}"[:LONGEST_TEXT]}


def answer(number: int, reply: dict[str, Any]) -> bytes:
    """Give the message that answers the call of this number."""
    try:
        text = json.dumps({"number": number, **reply})
    except Exception as error:
        text = json.dumps({"number": number, **failed(error)})
    return text.encode()


def end_after(seconds: float | None) -> None:
    """Have the system end this process after a time, also where the function lets no thread run; None calls it off.

    Whoever waits for the answer does that earlier, if there still is somebody.
    """
    if hasattr(signal, "alarm"):
        signal.alarm(0 if seconds is None else math.ceil(min(seconds, _LONGEST_SECONDS)) + _SPARE_SECONDS)


def how_it_ended(code: int) -> str:
    """Say how a process ended, by its exit code; negative for a signal."""
    if code >= 0:
        return f"it ended with exit code {code}"
    try:
        return f"it ended by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"it ended by signal {-code}"
