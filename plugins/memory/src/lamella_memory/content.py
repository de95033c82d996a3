"""A short name for the content of arrays, so that results of another array are never taken for those of this one."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

_READ_COMPLETELY = 16 << 20
_SAMPLES = 1 << 16


def content_of(*arrays: np.ndarray[Any, Any]) -> str:
    """Give a digest of shape, dtype and content; of large arrays it takes samples and the place in memory."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        if array.nbytes <= _READ_COMPLETELY:
            digest.update(np.ascontiguousarray(array).data)
        else:
            digest.update(np.ascontiguousarray(array.flat[:: -(-array.size // _SAMPLES)]).data)
            digest.update(str(array.__array_interface__["data"][0]).encode())
    return digest.hexdigest()
