"""Large data: every n-th scan position in each direction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet

__all__ = ["grid_mask", "grid_step", "grid_words"]


def grid_step(dataset: DataSet, most_nbytes: float) -> int:
    """Give n such that every n-th position in each direction makes at most so many bytes; one for all positions."""
    nav = tuple(dataset.shape.nav)
    share = dataset.delivered_nbytes / max(1, math.prod(nav))
    longest = max(nav, default=1)
    step = 1
    while step < longest and share * math.prod(-(-n // step) for n in nav) > most_nbytes:
        step += 1 if step < 64 else step // 16
    return step


def grid_mask(dataset: DataSet, step: int) -> NDArray[np.bool_]:
    """Give the mask of every ``step``-th position."""
    dataset.check_room(dataset.missing_count, "a grid of positions")
    mask = np.zeros(tuple(dataset.shape.nav), dtype=np.bool_)
    mask[(slice(None, None, step),) * mask.ndim] = True
    return mask


def grid_words(step: int, names: Sequence[str]) -> str:
    """Give a grid in words, such as ``"every 3rd position in y and x"``."""
    last_two = step % 100
    ending = "th" if 10 <= last_two <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(step % 10, "th")
    return f"every {step}{ending} position in {' and '.join(names)}"
