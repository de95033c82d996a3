"""How many items go into one batch: few for workers that wait, many for tasks that Dask takes longer for than we do."""

from __future__ import annotations

import math

__all__ = ["batch_size", "room_for"]

_SHORTEST, _LONGEST = 0.03, 1.0
"""How long a batch should take [s]: a few times what Dask takes for it."""
_OFTEN = 0.25
"""How long it should take at most where the caller looks at each result [s]."""
_FIRST, _LARGEST = 4, 32
"""Items in a batch before it is known how long they take, and at most."""


def room_for(workers: int, ahead: int | None) -> int:
    """Give how many items may be under way, or wait for their turn.

    Parameters
    ----------
    workers
        How many threads work.
    ahead
        How many results may wait; None if they are small.
    """
    most = 2 * workers * _LARGEST
    return most if ahead is None else max(workers, min(ahead, most))


def batch_size(left: int, workers: int, room: int, pace: float | None, *, often: bool) -> int:
    """Give the number of items of the next batch.

    Parameters
    ----------
    left
        How many items were not handed out yet.
    workers
        How many threads work; each has two batches.
    room
        See `room_for`.
    pace
        How long an item takes [s]; None before that is known.
    often
        Whether the caller looks at each result.

    Examples
    --------
    >>> batch_size(1000, 2, 128, None, often=False), batch_size(1000, 2, 128, None, often=True)
    (4, 1)
    >>> [batch_size(left, 2, 128, 0.004, often=False) for left in (128, 64, 20, 10, 3, 1)]
    [32, 16, 8, 5, 2, 1]
    """
    fewest, most = 1, 1 if often else _FIRST
    if pace is not None:
        pace = max(pace, 1e-6)
        most = max(1, int((_OFTEN if often else _LONGEST) / pace))
        fewest = min(math.ceil(_SHORTEST / pace), math.ceil(left / workers))  # the last ones are shared by all
    guided = math.ceil(left / (2 * workers))
    return max(1, min(max(guided, fewest), most, _LARGEST, math.ceil(room / (2 * workers))))
