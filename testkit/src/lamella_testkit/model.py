"""The brute-force model: which stored frame each scan position shows, one position after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["frames_shown", "scan"]


def frames_shown(n_frames: int, nav_shape: Sequence[int], sync_offset: int) -> list[int]:
    """Give the frame of each flat scan position, -1 where there is none.

    Examples
    --------
    >>> frames_shown(4, (2, 3), -1)
    [-1, 0, 1, 2, 3, -1]
    """
    shown = []
    for position in range(math.prod(nav_shape)):
        frame = position + sync_offset
        shown.append(frame if 0 <= frame < n_frames else -1)
    return shown


def scan(frames: NDArray[Any], nav_shape: Sequence[int], sync_offset: int, fill: Any = 0) -> NDArray[Any]:
    """Give the pixels of a scan, ``fill`` where no frame is shown.

    Parameters
    ----------
    frames
        Stored frames, shape ``(n_frames, *sig_shape)``.
    nav_shape, sync_offset
        How they are shown.
    fill
        Value of pixels without a frame.
    """
    shown = frames_shown(len(frames), nav_shape, sync_offset)
    pixels = np.full((len(shown), *frames.shape[1:]), fill, dtype=frames.dtype.newbyteorder("="))
    for position, frame in enumerate(shown):
        if frame >= 0:
            pixels[position] = frames[frame]
    return pixels.reshape(*nav_shape, *frames.shape[1:])
