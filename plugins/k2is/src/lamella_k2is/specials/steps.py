"""What each step of a scan shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["shown"]


def shown(frames: NDArray[Any], steps: Sequence[int], nav: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Give what steps show that have these frames, -1 for none."""
    places = np.asarray(steps)
    return frames[places].reshape(*nav, *frames.shape[1:]), (places >= 0).reshape(nav)
