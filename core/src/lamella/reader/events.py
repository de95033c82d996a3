"""Sparse data: frames as lists of pixels that are not zero, for computations that need no others."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from lamella.geometry.frames import limited
from lamella.reader.source import FrameSource

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lamella.reader.session import IOSession

__all__ = ["EventSource", "Events", "event_stretches"]

_IN_A_TILE = 1 << 20
"""Events of a tile: some megabytes, so that Python is called seldom. Kernels take care of the cache themselves."""


class Events:
    """The pixels of consecutive frames that are not zero; those named twice add up.

    Parameters
    ----------
    values
        Value of each event, native dtype, shape ``(n,)``.
    pixels
        Flat pixel index of each event, unsigned, native byte order, shape ``(n,)``.
    starts
        First event of each frame, and the end of the last one, int64, shape ``(n_frames + 1,)``.
    check
        Raises `CorruptError` if one of some pixels lies outside the frame; called when somebody asks for pixels.
    """

    __slots__ = ("_check", "_pixels", "starts", "values")

    def __init__(
        self,
        values: NDArray[Any],
        pixels: NDArray[Any],
        starts: NDArray[np.int64],
        check: Callable[[NDArray[Any]], None] | None = None,
    ) -> None:
        self.values = values
        self.starts = starts
        self._pixels = pixels
        self._check = check

    @property
    def pixels(self) -> NDArray[Any]:
        """Flat pixel index of each event, unsigned, shape ``(n,)``.

        Raises
        ------
        CorruptError
            If an event lies outside the frame.
        """
        if self._check is not None:
            self._check(self._pixels)
            self._check = None
        return self._pixels

    def give(self, kernel: Callable[..., None], values: NDArray[Any], *others: Any) -> None:
        """Call ``kernel(values, pixels, *others)`` with pixels that it checks itself, by raising IndexError.

        Raises
        ------
        CorruptError
            If an event lies outside the frame.
        """
        try:
            kernel(values, self._pixels, *others)
        except IndexError:
            if self._check is not None:
                self._check(self._pixels)
            raise

    def __len__(self) -> int:
        return len(self.starts) - 1


class EventSource(FrameSource):
    """A source that stores events. Computations that can take them never see dense frames."""

    first_event: NDArray[np.int64]
    """First event of each stored frame, and the end of the last one, shape ``(n_frames + 1,)``."""

    @abstractmethod
    def events(self, io: IOSession, start: int, stop: int) -> Events:
        """Give the events of the stored frames ``[start, stop)``; valid until the next call.

        Raises
        ------
        FormatError
            If the file is damaged, or is no longer what it was.
        """


def event_stretches(first_event: NDArray[np.int64], start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Cut frames so that the events of one stretch fit into a tile, one frame at least."""
    return limited(first_event, start, stop, _IN_A_TILE)
