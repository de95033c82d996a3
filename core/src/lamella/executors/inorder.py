"""One run on workers elsewhere: what is handed out, which answers wait for their turn, and results in order."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from threading import Event
from typing import Any, Generic, TypeVar

from lamella.errors import CancelledRun, UDFError
from lamella.executors.messages import Message, result_of, unpack

__all__ = ["InOrder"]

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")
P = TypeVar("P")


class InOrder(ABC, Generic[I, R]):
    """One run of an executor that sends items to its workers and gets messages back, in any order.

    A subclass says how items are handed out (`hand_out`), how answers come (`collect`), and how the workers are stopped
    (`stop`). `results` calls them, and gives the results in the order of the items.

    Parameters
    ----------
    items, cancel
        See `Executor.run`.

    Attributes
    ----------
    items : Sequence
        The items.
    begun : int
        How many items were taken.
    given : int
        How many results were given.
    """

    def __init__(self, items: Sequence[I], cancel: Event | None) -> None:
        self.items = items
        self.begun = self.given = 0
        self._end = len(items)
        self._cancel = cancel or Event()
        self._answers: dict[int, tuple[str, Any]] = {}

    @abstractmethod
    def hand_out(self) -> None:
        """Give workers what they can take at present."""

    @abstractmethod
    def collect(self) -> None:
        """Wait for a short time, and take the answers that come."""

    @abstractmethod
    def stop(self) -> None:
        """Stop what still runs, and forget the run; called once, however the run ends."""

    @property
    def left(self) -> int:
        """How many items were not taken yet."""
        return self._end - self.begun

    @property
    def waiting(self) -> int:
        """How many answers wait for their turn."""
        return len(self._answers)

    def results(self) -> Generator[R]:
        """Give the results in order; see `Executor.run`."""
        process = os.getpid()
        try:
            while self.given < len(self.items):
                if self._cancel.is_set():
                    raise CancelledRun("the run was cancelled")
                self.hand_out()
                if self.given in self._answers:
                    self.given += 1
                    yield result_of(self._answers.pop(self.given - 1))
                else:
                    self.collect()
        finally:
            if os.getpid() == process:  # and not another one, which was forked meanwhile
                self.stop()

    def take(self, prepare: Callable[[I], P]) -> tuple[int, P] | None:
        """Give the number of the next item, and what ``prepare`` makes of it; None if there is none.

        An item that cannot be had or prepared is an error in its place, and the last.
        """
        index = self.begun
        if not self.left:
            return None
        try:
            prepared = prepare(self.items[index])
        except Exception as error:
            self.failed(index, error)
            self._end = index
            return None
        self.begun += 1
        return index, prepared

    def answered(self, index: int, message: Message) -> None:
        """Keep the answer to an item; one that cannot be unpickled here is an error in its place."""
        try:
            kind, value = unpack(message)
        except Exception as error:
            told = f"the result of item {index} cannot be unpickled here ({type(error).__name__}: {error})"
            kind, value = "error", (UDFError(told), error)
        self._answers[index] = kind, value

    def failed(self, index: int, error: BaseException) -> None:
        """Keep an error in the place of an item."""
        self._answers[index] = "error", (error, error.__cause__)
