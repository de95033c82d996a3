"""What the machine can do: the rate at which threads read memory, the yardstick for every streaming job."""

from __future__ import annotations

import statistics
import threading
import time
from typing import Any

import numpy as np
from numba import njit


@njit(nogil=True, fastmath=True, cache=True)
def _read(words: Any) -> int:
    total = 0
    for i in range(words.size):
        total ^= words[i]
    return total


def memory_read(workers: int, nbytes: int = 1 << 29, repeats: int = 7) -> float:
    """Give the rate [GB/s] at which ``workers`` threads read memory that is far larger than the caches."""
    parts = [np.ones(nbytes // workers // 8, dtype=np.int64) for _ in range(workers)]
    _read(parts[0][:8])
    rates = []
    for _ in range(repeats):
        threads = [threading.Thread(target=_read, args=(part,)) for part in parts]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rates.append(sum(part.nbytes for part in parts) / (time.perf_counter() - begin) / 1e9)
    return statistics.median(rates)
