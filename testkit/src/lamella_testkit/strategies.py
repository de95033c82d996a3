"""Hypothesis strategies: scans, ways to look at them, and byte changes. They shrink towards the usual."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from lamella.dataset.tiling import TilingScheme
from lamella.format import Capability
from lamella.reader import SigBox
from lamella_testkit.sample import SampleData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_testkit.kit import Kit

__all__ = ["Look", "backends", "boxes", "indices", "looks", "scans", "schemes"]

_LARGEST_SCAN = 24
"""Frames of the largest scan that is written for a search."""


@dataclass(frozen=True)
class Look:
    """A scan and one way to look at it."""

    data: SampleData
    nav_shape: tuple[int, ...]
    sync_offset: int
    roi: tuple[bool, ...] | None
    partitions: int
    scheme: TilingScheme
    backend: str | None

    def mask(self) -> NDArray[np.bool_] | None:
        """Give the region of interest as an array."""
        return None if self.roi is None else np.asarray(self.roi, dtype=np.bool_).reshape(self.nav_shape)

    def __str__(self) -> str:
        boxes = ", ".join(f"{box.origin}+{box.shape}" for box in self.scheme.boxes)
        roi = "no roi" if self.roi is None else f"roi of positions {np.flatnonzero(self.roi).tolist()}"
        return (
            f"{self.data}; nav_shape={self.nav_shape}, sync_offset={self.sync_offset}, {roi}, "
            f"{self.partitions} partitions, tiles {self.scheme.depth} deep of {boxes}, io_backend={self.backend!r}"
        )


def scans(kit: Kit) -> st.SearchStrategy[SampleData]:
    """Give scans that the format can hold."""
    sampler = kit.sampler

    def shape(ranks: Sequence[int], largest: int) -> st.SearchStrategy[tuple[int, ...]]:
        def of_rank(rank: int) -> st.SearchStrategy[tuple[int, ...]]:
            most = max(2, largest // max(1, rank - 1))
            return st.tuples(*[st.integers(1, most)] * rank)

        return st.sampled_from(ranks).flatmap(of_rank)

    return st.builds(
        lambda nav, sig, dtype, variant: kit.data(nav, sig, dtype=dtype, variant=variant),
        shape(sampler.nav_ranks, 6).filter(lambda nav: math.prod(nav) <= _LARGEST_SCAN),
        shape(sampler.sig_ranks, 9),
        st.sampled_from(sampler.dtypes),
        st.sampled_from(sampler.variants),
    )


def boxes(sig_shape: Sequence[int]) -> st.SearchStrategy[SigBox]:
    """Give boxes on a detector."""
    return st.tuples(*[_spans(length) for length in sig_shape]).map(
        lambda pairs: SigBox(tuple(o for o, _ in pairs), tuple(n for _, n in pairs))
    )


def _spans(length: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.integers(0, length - 1).flatmap(lambda begin: st.tuples(st.just(begin), st.integers(1, length - begin)))


def schemes(sig_shape: Sequence[int], n_positions: int) -> st.SearchStrategy[TilingScheme]:
    """Give tilings: a depth, and a grid of boxes that covers the detector."""

    def cuts(length: int) -> st.SearchStrategy[list[int]]:
        inner = st.lists(st.integers(1, length - 1), unique=True, max_size=3) if length > 1 else st.just([])
        return inner.map(lambda some: [0, *sorted(some), length])

    def build(depth: int, edges: tuple[list[int], ...]) -> TilingScheme:
        grid: list[SigBox] = [SigBox((), ())]
        for axis in edges:
            steps = list(zip(axis[:-1], axis[1:], strict=True))
            grid = [SigBox((*box.origin, a), (*box.shape, b - a)) for box in grid for a, b in steps]
        return TilingScheme(depth, tuple(grid), tuple(sig_shape))

    return st.builds(build, st.integers(1, n_positions + 2), st.tuples(*[cuts(length) for length in sig_shape]))


def backends(kit: Kit) -> list[str | None]:
    """Give the names of the I/O backends that can be chosen, and None for the default."""
    from lamella.errors import ParameterError
    from lamella.io import choose_backend

    names: list[str | None] = [None]
    if not kit.has(Capability.IO_BACKENDS):
        return names
    resources = kit.source(kit.written()).resources
    for name in ("buffered", "mmap", "direct"):
        try:
            choose_backend(name, resources)
        except ParameterError:
            continue
        names.append(name)
    return names


@st.composite
def looks(draw: st.DrawFn, kit: Kit, names: Sequence[str | None] = (None,)) -> Look:
    """Give a scan and one way to look at it: shape, offset, region, partitions, tiles, backend."""
    data = draw(scans(kit))
    n = data.n_frames
    rank = draw(st.integers(1, 3))
    other = st.tuples(*[st.integers(1, (5, 5, 3)[rank - 1])] * rank)
    nav_shape = draw(st.one_of(st.just(data.nav_shape), other)) if reshapes(kit, data) else data.nav_shape
    positions = math.prod(nav_shape)
    offset = draw(st.one_of(st.just(0), st.integers(-positions - 1, n + 1)))
    roi = draw(st.one_of(st.none(), _masks(positions, n, offset)))
    return Look(
        data,
        nav_shape,
        offset,
        roi,
        draw(st.integers(1, positions + 1)),
        draw(schemes(data.sig_shape, positions)),
        draw(st.sampled_from(list(names))),
    )


def reshapes(kit: Kit, data: SampleData) -> bool:
    """Whether another scan shape shows frames in the same order; not so where the file says where each belongs."""
    return kit.source(kit.written(data)).info.index is None


def _masks(positions: int, n_frames: int, offset: int) -> st.SearchStrategy[tuple[bool, ...]]:
    """Give regions of interest: random, empty, full, a single position, and only positions without a frame."""
    missing = tuple(not 0 <= k + offset < n_frames for k in range(positions))
    single = st.integers(0, positions - 1).map(lambda k: tuple(i == k for i in range(positions)))
    random = st.lists(st.booleans(), min_size=positions, max_size=positions).map(tuple)
    return st.one_of(random, single, st.sampled_from([(False,) * positions, (True,) * positions, missing]))


def indices(shape: Sequence[int]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Give NumPy basic indices: integers, slices, and at most one Ellipsis."""

    def item(length: int) -> st.SearchStrategy[Any]:
        bound = st.one_of(st.none(), st.integers(-length - 2, length + 2))
        step = st.one_of(st.none(), st.sampled_from([1, 2, -1, -2, 3]))
        return st.one_of(st.integers(-length, length - 1), st.builds(slice, bound, bound, step))

    def build(items: tuple[Any, ...], keep: int, dots: bool) -> tuple[Any, ...]:
        return (*items[:keep], Ellipsis) if dots else items[:keep]

    return st.builds(build, st.tuples(*[item(length) for length in shape]), st.integers(0, len(shape)), st.booleans())
