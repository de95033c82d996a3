"""What all tasks of a run in one process share: worked out by the first that needs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

__all__ = ["Memo"]

T = TypeVar("T")


class Memo:
    """Values by key, each made once; empty again after pickling."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give the value of ``key``, made by the first call."""
        try:
            return self._values[key]  # type: ignore[no-any-return]
        except KeyError:
            pass
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
            return self._values[key]  # type: ignore[no-any-return]

    def replace(self, key: Hashable, value: Any) -> None:
        """Keep another form of a value that was made."""
        with self._lock:
            if key in self._values:
                self._values[key] = value

    def current(self, generation: int) -> Memo:
        """Give the memo of one generation of parameters; that of an earlier generation is dropped."""
        with self._lock:
            held = self._values.get("current")
            if held is None or held[0] != generation:
                held = self._values["current"] = generation, Memo()
            memo: Memo = held[1]
            return memo

    def __reduce__(self) -> tuple[type[Memo], tuple[()]]:
        return Memo, ()
