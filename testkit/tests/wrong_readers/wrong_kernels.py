"""Level 3: a kernel whose versions differ."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.codecs import Kernel
from wrong_readers.catalogue import mistake
from wrong_readers.toy_reader import PROCEDURAL, ToyFrames, ToyProceduralReader


def _invert(source: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
    whole = len(source) // 8 * 8
    np.invert(source[:whole], out=target[:whole])
    target[whole:] = source[whole:]


invert = Kernel("wrong_readers.compiled:invert", _invert)


@mistake(
    "until a kernel is compiled, what makes no eight bytes is left as it is",
    check="kernels_need_not_be_compiled",
    level=3,
    capabilities=PROCEDURAL.capabilities,
)
class RestLeft(ToyProceduralReader):
    class frames(ToyFrames):
        def pixels(self, data: NDArray[np.uint8]) -> NDArray[Any]:
            inverted = np.empty_like(data)
            invert(~data, inverted)
            return super().pixels(inverted)
