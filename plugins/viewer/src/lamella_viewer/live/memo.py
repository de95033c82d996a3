"""Exact results that are kept, least recently used ones go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lamella.analysis import AnalysisResult, AnalysisResultSet

__all__ = ["ResultMemo", "nbytes_of"]

_MOST_BYTES = 64 << 20


class ResultMemo:
    """Exact results by what they were asked with; for any thread.

    Parameters
    ----------
    most_nbytes
        Size of all of them together [bytes]; a larger result is not kept.
    """

    def __init__(self, most_nbytes: int = _MOST_BYTES) -> None:
        self._most = most_nbytes
        self._held: OrderedDict[Hashable, tuple[AnalysisResultSet, int]] = OrderedDict()
        self._lock = threading.Lock()
        self.nbytes = 0

    def get(self, key: Hashable) -> AnalysisResultSet | None:
        """Give a result, or None."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][0]

    def put(self, key: Hashable, results: AnalysisResultSet) -> None:
        """Keep a result."""
        size = nbytes_of(results)
        with self._lock:
            if key in self._held:
                self.nbytes -= self._held.pop(key)[1]
            if size > self._most:
                return
            self._held[key] = (results, size)
            self.nbytes += size
            while self.nbytes > self._most:
                self.nbytes -= self._held.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._held.clear()
            self.nbytes = 0


def nbytes_of(results: Iterable[AnalysisResult]) -> int:
    """Give the size of the arrays of a result, each counted once [bytes]."""
    sizes: dict[int, int] = {}
    for channel in results:
        for part in channel.raw_data if isinstance(channel.raw_data, tuple) else (channel.raw_data,):
            array = np.asarray(part)
            base = array if array.base is None else array.base
            sizes[id(base)] = array.nbytes
    return sum(sizes.values())
