"""What the last run of an executor took."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LastRun"]


@dataclass(slots=True)
class LastRun:
    """Counters of one run.

    Attributes
    ----------
    items : int
        How many results came.
    batches : int
        In how many tasks of Dask.
    retries : int
        How many tasks had to be submitted again, because workers were lost with them.
    plan_bytes : int
        Size of the plan [bytes].
    result_bytes : int
        Size of all results, as they were packed [bytes].
    busy : float
        What workers computed, all together [s].
    submit, wait : float
        What the client took to hand out batches, and to wait for results [s].
    wall : float
        From the beginning to the end, with what the caller did with the results [s].
    """

    items: int = 0
    batches: int = 0
    retries: int = 0
    plan_bytes: int = 0
    result_bytes: int = 0
    busy: float = 0.0
    submit: float = 0.0
    wait: float = 0.0
    wall: float = 0.0
