"""The calls of compiled loops that files of common detectors lead to, to be compiled ahead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lamella.codecs import chips, folding, packed, words
from lamella.codecs.tables import LSB_FIRST, MSB_FIRST
from lamella.kernels.library import Kernel

__all__ = ["codec_calls"]

_ROW = 4 * chips.CHIP_WIDTH


def codec_calls() -> Iterator[tuple[Kernel, tuple[Any, ...]]]:
    """Give kernels with small arguments of the right types."""
    yield packed._unpack1, (_stored(1)[:, None, None], _pixels(1, 8)[:, None], LSB_FIRST)
    for bits, kernel in packed._KERNELS.items():
        yield kernel, (_stored(3)[:, None, None], _pixels(1, 24 // bits, packed.packed_dtype(bits))[:, None])
    yield words._words1, (_stored(8), np.zeros((2, 64), np.uint8), LSB_FIRST)
    yield chips._quad1, (_stored(_ROW // 8), _pixels(2, _ROW // 2), LSB_FIRST, MSB_FIRST)
    yield chips._quad8, (_stored(_ROW), _pixels(2, _ROW // 2))
    yield chips._quad16, (_stored(2 * _ROW), _pixels(2, _ROW // 2, np.uint16))
    yield folding._fold, (_stored(16), _pixels(2, 4, np.uint16), 1)


def _stored(nbytes: int) -> Any:
    return np.zeros((2, nbytes), np.uint8)


def _pixels(height: int, width: int, dtype: Any = np.uint8) -> Any:
    return np.zeros((2, height, width), dtype)
