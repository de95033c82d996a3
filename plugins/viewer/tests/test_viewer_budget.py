"""How much of a scan fits into the time for a first picture; results that are kept."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import lamella
from lamella import Context
from lamella_viewer.live.budget import Budget, Speed, ladder
from lamella_viewer.live.memo import ResultMemo, nbytes_of

SIZES = [float(1 << (30 - 2 * i)) for i in range(4)]  # four levels, each a quarter of the one before


def served(budget: Budget, per_byte: float, times: int, fixed: float = 0.001) -> list[int]:
    """Give the levels of several requests on a computer of a speed."""
    levels = []
    for _ in range(times):
        levels.append(budget.level("ring", SIZES))
        budget.record("ring", SIZES[levels[-1]], fixed + per_byte * SIZES[levels[-1]])
    return levels


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=3))
def test_a_ladder_never_has_less_than_32_positions_along_an_axis(shape: list[int]) -> None:
    steps = ladder(shape)
    assert steps[0] == (1,) * len(shape)
    assert len(set(steps)) == len(steps)
    assert all(-(-n // step) >= min(n, 32) for n, step in zip(shape, steps[-1], strict=True))


def test_nothing_measured_means_the_coarsest_level() -> None:
    assert Budget().level("ring", SIZES) == 3


def test_the_finest_level_that_fits_is_found_and_kept() -> None:
    for best, per_byte in [(0, 1e-12), (1, 5e-11), (2, 2e-10), (3, 1e-8)]:
        levels = served(Budget(0.02), per_byte, 20)
        assert levels[-10:] == [best] * 10, levels


def test_one_slow_run_changes_nothing() -> None:
    budget = Budget(0.02)
    before = served(budget, 5e-11, 20)[-1]
    budget.record("ring", SIZES[before], 1.0)
    assert budget.level("ring", SIZES) == before


def test_a_computer_that_became_slow_is_noticed_and_one_that_became_fast_too() -> None:
    budget = Budget(0.02)
    assert served(budget, 5e-11, 20)[-1] == 1
    assert served(budget, 1e-8, 20)[-1] == 3
    assert served(budget, 5e-11, 120)[-1] == 1


def test_kinds_of_work_have_speeds_of_their_own() -> None:
    budget = Budget(0.02)
    served(budget, 1e-12, 10)
    assert budget.level("com", SIZES) == 3
    assert budget.predict("com", 1.0) is None


def test_between_sizes_time_is_fixed_and_per_byte() -> None:
    speed = Speed()
    for size in (1e6, 1e7):
        speed.add(size, 0.002 + 1e-9 * size)
    assert speed.predict(4e6) == pytest.approx(0.006, rel=0.01)
    assert speed.knows(1e6)
    assert not speed.knows(4e6)


def test_results_that_were_used_longest_ago_go_first() -> None:
    dataset = lamella.open(np.ones((4, 4, 8, 8), dtype="u1"), nav_shape=(4, 4))
    with Context.make_with("inline") as context:
        results = context.run(context.create_sum_analysis(dataset))
    size = nbytes_of(results)
    memo = ResultMemo(3 * size)
    for key in "abc":
        memo.put(key, results)
    memo.get("a")
    memo.put("d", results)
    assert [key for key in "abcd" if memo.get(key)] == ["a", "c", "d"]
    assert memo.nbytes == 3 * size
    memo.put("a", results)
    assert memo.nbytes == 3 * size
    memo.clear()
    assert (memo.nbytes, memo.get("a")) == (0, None)
    small = ResultMemo(size - 1)
    small.put("a", results)
    assert (small.nbytes, small.get("a")) == (0, None)
