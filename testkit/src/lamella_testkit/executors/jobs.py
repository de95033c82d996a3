"""What the checks of executors run on workers. Jobs tell what they did by files: they may run anywhere."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamella.errors import CancelledRun

__all__ = [
    "Made",
    "Where",
    "count",
    "die_at",
    "fail_from",
    "late",
    "mark",
    "until_cancelled",
    "where",
]


@dataclass(frozen=True, slots=True)
class Where:
    """A place where something runs.

    Attributes
    ----------
    process, thread : int
        Numbers of the system.
    """

    process: int
    thread: int

    @classmethod
    def here(cls) -> Where:
        """Give this place."""
        return cls(os.getpid(), threading.get_ident())


class Made(Sequence[Any]):
    """Items that are made when they are asked for.

    Parameters
    ----------
    count
        How many there are.
    make
        Gives one of them.
    """

    def __init__(self, count: int, make: Callable[[int], Any]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        return self._make(range(self._count)[index])


def mark(folder: Path, name: str) -> None:
    """Leave a file that counts as one ``name``."""
    (folder / f"{name}-{uuid.uuid4().hex}").touch()


def count(folder: Path, name: str) -> int:
    """Give how often a name was marked."""
    return sum(1 for _ in folder.glob(f"{name}-*"))


def where(shared: None, item: int, cancelled: Callable[[], bool]) -> Where:
    """Say where it runs."""
    time.sleep(0.002)
    return Where.here()


def late(shared: Any, item: int, cancelled: Callable[[], bool]) -> tuple[int, Any]:
    """Give the item and what is shared; of three items in a row, earlier ones take longer."""
    time.sleep(0.004 * (2 - item % 3))
    return item, shared


def fail_from(shared: tuple[Path, int], item: int, cancelled: Callable[[], bool]) -> int:
    """Raise from some item on; later items raise sooner."""
    folder, first = shared
    if item >= first:
        time.sleep(max(0.0, 0.03 - 0.01 * (item - first)))
        mark(folder, f"raised{item}")
        raise ZeroDivisionError(f"item {item}")
    time.sleep(0.01)
    return item


def until_cancelled(shared: tuple[Path, float], item: int, cancelled: Callable[[], bool]) -> int:
    """Give the item 0 at once; others wait until they are cancelled, or so many seconds, and mark beginning and end."""
    folder, seconds = shared
    if not item:
        return item
    mark(folder, "begun")
    deadline = time.monotonic() + seconds
    while not cancelled() and time.monotonic() < deadline:
        time.sleep(0.002)
    mark(folder, "ended")
    if cancelled():
        raise CancelledRun("stopped")
    return item


def die_at(shared: tuple[Path, int, int], item: int, cancelled: Callable[[], bool]) -> int:
    """End the worker at one item, as often as wanted; in a process of the caller it is an error instead."""
    folder, deadly, caller = shared
    if item == deadly and os.getpid() != caller:
        lives = sorted(folder.glob("life-*"))
        if lives:
            lives[0].unlink()
            os._exit(9)
    return item
