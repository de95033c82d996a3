"""Level 2, tiled: any sequence of opening, reading, iterating and copying several data sets."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from lamella.dataset.dataset import DataSet
from lamella.dataset.partition import Tile
from lamella_testkit.checking import check
from lamella_testkit.diagnose import expect_equal
from lamella_testkit.kit import Kit
from lamella_testkit.model import scan
from lamella_testkit.outcomes import Broken
from lamella_testkit.sample import SampleData

_MOST = 4
"""Data sets that are open at the same time."""


@check(level=2)
def any_sequence_of_uses_works(kit: Kit) -> None:
    """Data sets can be opened, read, iterated in part, copied and dropped in any order, and never disturb each other.

    The example lists the steps. Look for state outside the source and the session: module variables, caches.
    """
    steps: list[str] = []
    machine = type("Machine", (_Machine,), {"kit": kit, "steps": steps})
    try:
        with kit.case("a sequence of uses", seconds=20 * kit.profile.case_seconds):
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=kit.profile.some(100 if kit.data((1, 1)).nbytes < 1 << 20 else 30),
                    stateful_step_count=20,
                    derandomize=kit.profile.derandomize,
                    database=None,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    verbosity=Verbosity.quiet,
                    report_multiple_bugs=False,
                    phases=(Phase.generate, Phase.shrink),
                ),
            )
    except Broken as broken:
        broken.example = "\n".join(steps)
        raise
    except Exception as error:
        raise Broken("a step fails", example="\n".join(steps)) from error


class _Machine(RuleBasedStateMachine):
    """Some open data sets, and a model of each."""

    kit: Kit
    steps: list[str]

    def __init__(self) -> None:
        super().__init__()
        self.steps.clear()
        self.numbers = itertools.count()
        self.open: dict[int, tuple[DataSet, SampleData, int]] = {}
        self.walks: dict[int, Iterator[Tile]] = {}

    def pick(self, choice: int) -> int:
        return sorted(self.open)[choice % len(self.open)]

    @rule(seed=st.integers(0, 1), kind=st.integers(0, 7), offset=st.integers(-1, 1), parts=st.integers(1, 3))
    def open_scan(self, seed: int, kind: int, offset: int, parts: int) -> None:
        kinds = self.kit.kinds((2, 3), (4, 5))
        data = kinds[kind % len(kinds)].but(seed=seed)
        number = next(self.numbers)
        self.steps.append(f"{number} = open({data}, sync_offset={offset}, num_partitions={parts})")
        ds = self.kit.open(self.kit.written(data), sync_offset=offset, num_partitions=parts)
        self.open[number] = (ds, data, offset)
        if len(self.open) > _MOST:
            self.forget(0)

    @precondition(lambda self: self.open)
    @rule(choice=st.integers(0, 3), position=st.integers(0, 5))
    def read_one(self, choice: int, position: int) -> None:
        number = self.pick(choice)
        ds, data, offset = self.open[number]
        where = tuple(int(i) for i in np.unravel_index(position % data.n_frames, data.nav_shape))
        self.steps.append(f"{number}.read({where}, fill=0)")
        expected = scan(data.frames, data.nav_shape, offset)[where]
        expect_equal(ds.read(where, fill=0), expected, f"position {where} of {number}")

    @precondition(lambda self: self.open)
    @rule(choice=st.integers(0, 3))
    def read_all(self, choice: int) -> None:
        number = self.pick(choice)
        ds, data, offset = self.open[number]
        self.steps.append(f"{number}.read(fill=0)")
        expect_equal(ds.read(fill=0), scan(data.frames, data.nav_shape, offset), f"all of {number}")

    @precondition(lambda self: self.open)
    @rule(choice=st.integers(0, 3))
    def begin_tiles(self, choice: int) -> None:
        number = self.pick(choice)
        self.steps.append(f"tiles of {number} begin")
        self.walks[number] = _tiles(self.open[number][0])

    @precondition(lambda self: self.walks)
    @rule(choice=st.integers(0, 3))
    def take_tile(self, choice: int) -> None:
        number = sorted(self.walks)[choice % len(self.walks)]
        _, data, offset = self.open[number]
        self.steps.append(f"next tile of {number}")
        tile = next(self.walks[number], None)
        if tile is None:
            del self.walks[number]
            return
        frames = np.asarray(list(tile.positions)) + offset
        expect_equal(
            tile.data, data.frames[frames][(slice(None), *tile.box.slices)], f"the tile at {list(tile.positions)}"
        )

    @precondition(lambda self: self.open)
    @rule(choice=st.integers(0, 3))
    def copy(self, choice: int) -> None:
        number = self.pick(choice)
        ds, data, offset = self.open[number]
        again = next(self.numbers)
        self.steps.append(f"{again} = pickle.loads(pickle.dumps({number}))")
        self.open[again] = (pickle.loads(pickle.dumps(ds)), data, offset)
        if len(self.open) > _MOST:
            self.forget(0)

    @precondition(lambda self: self.open)
    @rule(choice=st.integers(0, 3))
    def forget(self, choice: int) -> None:
        number = self.pick(choice)
        self.steps.append(f"del {number}")
        del self.open[number]
        self.walks.pop(number, None)


def _tiles(ds: DataSet) -> Iterator[Any]:
    for part in ds.partitions():
        yield from part.tiles(ds.scheme())
