"""Blocks of frames that are made at once and kept, for formats in which a single frame touches the whole file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader.session import IOSession
    from lamella.reader.source import FrameSource

__all__ = ["cached_block"]


@dataclass(frozen=True, slots=True)
class _Visit:
    """The block in which a worker was last; its frames once it was clear that it stays, or goes on to the next."""

    index: int
    frames: NDArray[Any] | None = None


def cached_block(
    io: IOSession, source: FrameSource, index: int, make: Callable[[], NDArray[Any]]
) -> NDArray[Any] | None:
    """Give all frames of a block if this worker comes back to it, or reads on from the one before; else None.

    A first visit is only remembered, for whoever picks a frame here and there must not pay for whole blocks. A worker
    keeps one block.

    Parameters
    ----------
    io
        The session of the worker.
    source
        Whose frames they are.
    index
        Which block.
    make
        Makes the block, shape ``(n, *sig)``.
    """
    last: _Visit | None = io.scratch.get(source)
    if last is not None and last.index == index and last.frames is not None:
        return last.frames
    reads_on = last is not None and (last.index == index or (last.index == index - 1 and last.frames is not None))
    visit = _Visit(index, make() if reads_on else None)
    io.scratch[source] = visit
    return visit.frames
