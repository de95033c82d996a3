"""A block of frames is made for whoever stays in it, not for whoever passes by."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from lamella.reader.blockcache import cached_block


def visits(*indices: int) -> list[tuple[int | None, int]]:
    """Give, for each visit, the block that was given (or None), and how many blocks were made until then."""
    io: Any = SimpleNamespace(scratch={})
    source: Any = object()
    made: list[int] = []

    def visit(index: int) -> int | None:
        def make() -> Any:
            made.append(index)
            return np.full((2, 3), index)

        block = cached_block(io, source, index, make)
        return None if block is None else int(block[0, 0])

    return [(visit(index), len(made)) for index in indices]


def test_a_block_is_made_at_the_second_visit_and_kept() -> None:
    assert visits(4, 4, 4) == [(None, 0), (4, 1), (4, 1)]


def test_who_reads_on_gets_the_next_block_at_once() -> None:
    assert visits(0, 0, 1, 2) == [(None, 0), (0, 1), (1, 2), (2, 3)]


def test_who_jumps_about_pays_for_no_block() -> None:
    assert visits(5, 1, 2, 3, 7) == [(None, 0)] * 5
