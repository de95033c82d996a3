"""The eight pixels in a byte of 1-bit data, as eight bytes of a 64-bit word.

Kernels take these tables as arguments: one that is compiled in costs half of the speed.
"""

import numpy as np

__all__ = ["LSB_FIRST", "MSB_FIRST"]

_BYTES = np.arange(256, dtype=np.uint8)[:, None]

LSB_FIRST = np.unpackbits(_BYTES, axis=1, bitorder="little").view(np.uint64).reshape(256)
MSB_FIRST = np.unpackbits(_BYTES, axis=1, bitorder="big").view(np.uint64).reshape(256)
