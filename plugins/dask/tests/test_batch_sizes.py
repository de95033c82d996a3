"""How many partitions go to a worker at a time: that decides how evenly a run ends, and what Dask costs."""

from __future__ import annotations

import pytest

from lamella_dask.batchsize import batch_size, room_for


def sizes(left: int, workers: int, pace: float, *, ahead: int | None = None, often: bool = False) -> list[int]:
    """Give all batches of a run whose items take equally long."""
    found: list[int] = []
    while left:
        known = pace if len(found) >= 2 * workers else None
        found.append(batch_size(left, workers, room_for(workers, ahead), known, often=often))
        left -= found[-1]
        assert left >= 0
    return found


@pytest.mark.parametrize(
    ("left", "workers", "pace", "expected"),
    [
        (16, 2, 0.008, [4, 3, 3, 2, 2, 1, 1]),
        (20, 2, 10.0, [4, 4, 3, 3, 1, 1, 1, 1, 1, 1]),  # a second is too short for two of them
        (3, 4, 0.001, [1, 1, 1]),
        (8, 1, 0.5, [4, 2, 1, 1]),
    ],
)
def test_first_batches_are_small_and_the_last_ones_are_shared(
    left: int, workers: int, pace: float, expected: list[int]
) -> None:
    assert sizes(left, workers, pace) == expected


def test_a_batch_takes_long_enough_for_what_dask_takes_and_not_too_long() -> None:
    assert batch_size(1000, 2, room_for(2, None), 1e-9, often=False) == 32
    assert [batch_size(40, 2, 128, pace, often=False) for pace in (0.002, 0.01, 0.2, 0.4, 2)] == [15, 10, 5, 2, 1]


def test_results_that_are_looked_at_come_every_quarter_of_a_second() -> None:
    assert [batch_size(1000, 2, 128, pace, often=True) for pace in (0.01, 0.1, 0.3)] == [25, 2, 1]
    assert batch_size(1000, 2, 128, None, often=True) == 1


def test_large_results_leave_room_for_few_items() -> None:
    assert [room_for(2, ahead) for ahead in (None, 1000, 9, 1)] == [128, 128, 9, 2]
    assert batch_size(1000, 2, room_for(2, 9), 0.001, often=False) == 3
    assert batch_size(1000, 2, room_for(2, 1), 0.001, often=False) == 1
