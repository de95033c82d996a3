"""Images as TIFF files, in the simplest form that every program reads."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["tiff_bytes"]

# TIFF 6.0: tag, type (2 text, 3 short, 4 long) and meaning.
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _TEXT = 256, 257, 258, 259, 262, 270
_OFFSET, _SAMPLES, _ROWS, _NBYTES, _FORMAT = 273, 277, 278, 279, 339
_SAMPLE_FORMAT = {"u": 1, "b": 1, "i": 2, "f": 3}


def tiff_bytes(pages: Sequence[tuple[str, NDArray[Any]]]) -> bytes:
    """Give a TIFF file of several pages, uncompressed.

    Parameters
    ----------
    pages
        Description and values of each page, real numbers of shape ``(height, width)``.

    Raises
    ------
    ParameterError
        If a page is not an image of real numbers.
    """
    file = bytearray(b"II*\0\0\0\0\0")
    link = 4
    for text, values in pages:
        image = np.atleast_2d(values)
        if image.ndim != 2 or image.dtype.kind not in _SAMPLE_FORMAT:
            raise ParameterError(f"{text!r} ({values.dtype} of shape {values.shape}) is not an image of real numbers")
        file += b"\0" * (-len(file) % 8)
        data_at = len(file)
        little = np.ascontiguousarray(image.astype(image.dtype.newbyteorder("<"), copy=False))
        file += little.tobytes()
        label = text.encode("ascii", "replace") + b"\0"
        label_at = len(file)
        if len(label) <= 4:  # so short a value stands in its entry
            label_at = int.from_bytes(label, "little")
        else:
            file += label + b"\0" * (-(len(file) + len(label)) % 2)
        struct.pack_into("<I", file, link, len(file))
        link = len(file) + 2 + 11 * 12
        file += _directory(image, data_at, little.nbytes, label_at, len(label))
    return bytes(file)


def _directory(image: NDArray[Any], data_at: int, nbytes: int, label_at: int, label_nbytes: int) -> bytes:
    height, width = image.shape
    entries = (
        (_WIDTH, 4, 1, width),
        (_HEIGHT, 4, 1, height),
        (_BITS, 3, 1, image.dtype.itemsize * 8),
        (_COMPRESSION, 3, 1, 1),
        (_PHOTOMETRIC, 3, 1, 1),
        (_TEXT, 2, label_nbytes, label_at),
        (_OFFSET, 4, 1, data_at),
        (_SAMPLES, 3, 1, 1),
        (_ROWS, 4, 1, height),
        (_NBYTES, 4, 1, nbytes),
        (_FORMAT, 3, 1, _SAMPLE_FORMAT[image.dtype.kind]),
    )
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + packed + struct.pack("<I", 0)
