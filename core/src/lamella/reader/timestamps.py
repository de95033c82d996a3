"""When frames were recorded, in the same words for every format.

A file with a time stamp for each frame offers two arrays: ``"acquired"``, moments of type ``datetime64[ns]``, in UTC
where the file says so and else by the clock of the recording computer; and ``"time"``, seconds since the first frame
as float64. A file whose clock has no date offers ``"time"`` alone. Frames without a stamp are NaT and NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["elapsed", "moments", "stamp_arrays"]

_LATEST = 1 << 33  # seconds since 1970 that datetime64[ns] can hold


def moments(seconds: ArrayLike, nanoseconds: ArrayLike = 0) -> NDArray[np.datetime64]:
    """Give moments from seconds since 1970; NaT where they are not positive, or mean nothing.

    Parameters
    ----------
    seconds
        Whole seconds, or floating point, which are rounded to microseconds: they are no finer this long after 1970.
    nanoseconds
        What is to be added.

    Examples
    --------
    >>> moments([1456168703, 0, float("nan")], 500).tolist()
    [1456168703000000500, None, None]
    """
    given = np.asarray(seconds, dtype=np.float64)
    known = (given > 0) & (given < _LATEST)
    whole = np.floor(np.where(known, given, 0))
    fraction = np.round((np.where(known, given, 0) - whole) * 1e6).astype(np.int64) * 1000
    total = whole.astype(np.int64) * 1_000_000_000 + fraction + np.asarray(nanoseconds, dtype=np.int64)
    return np.where(known, total.astype("M8[ns]"), np.datetime64("NaT", "ns"))


def elapsed(acquired: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Give seconds since the first moment that is known; NaN where there is none.

    Examples
    --------
    >>> elapsed(np.array(["2021-05-07T16:51:10", "NaT", "2021-05-07T16:51:10.25"], dtype="M8[ns]")).tolist()
    [0.0, nan, 0.25]
    """
    known = ~np.isnat(acquired)
    seconds = np.full(acquired.shape, np.nan)
    if known.any():
        seconds[known] = (acquired[known] - acquired[known][0]) / np.timedelta64(1, "s")
    return seconds


def stamp_arrays(acquired: Callable[[], NDArray[np.datetime64]]) -> dict[str, Callable[[], NDArray[Any]]]:
    """Give the entries of ``per_frame`` for a function that reads the moments of all frames.

    Examples
    --------
    >>> arrays = stamp_arrays(partial(moments, [1456168703.25, 1456168704.5]))
    >>> arrays["time"]().tolist(), arrays["acquired"]()[0]
    ([0.0, 1.25], np.datetime64('2016-02-22T19:18:23.250000000'))
    """
    return {"time": partial(_elapsed, acquired), "acquired": acquired}


def _elapsed(acquired: Callable[[], NDArray[np.datetime64]]) -> NDArray[np.float64]:
    return elapsed(acquired())
