"""Short ways to write files with h5py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

__all__ = ["CHUNKS", "FILLED", "MOSAIC", "PLAIN", "checksum", "create", "overwritten", "saved", "slower", "stored"]

PLAIN = {"layout": "contiguous, read directly"}
CHUNKS = {"layout": "chunks, read directly"}
MOSAIC = {"layout": "put together from its sources"}
FILLED = {"layout": "never written: fill values"}
"""What details say about the way to the pixels."""

_MASK = 0xFFFFFFFF
_MIX = ((0, 2, 1, 4), (1, 0, 2, 6), (2, 1, 0, 8), (0, 2, 1, 16), (1, 0, 2, 19), (2, 1, 0, 4))
_END = ((2, 1, 14), (0, 2, 11), (1, 0, 25), (2, 1, 16), (0, 2, 4), (1, 0, 14), (2, 1, 24))


def saved(path: Path, write: Callable[[Any], object], **options: Any) -> dict[str, Any]:
    """Write a file, and give the keywords that open it."""
    with h5py.File(path, "w", **options) as file:
        write(file)
    return {"path": path}


def stored(path: Path, values: Any, *, libver: Any = None, **options: Any) -> dict[str, Any]:
    """Write a file of one data set, ``data``, and give the keywords that open it."""
    return saved(path, lambda file: file.create_dataset("data", data=values, **options), libver=libver)


def slower(why: str) -> dict[str, Any]:
    """Give what details say about pixels that only libhdf5 can reach."""
    return {"layout": f"read through h5py, which is slower: {why}"}


def create(group: Any, name: str, shape: tuple[int, ...], kind: Any, plist: Any = None) -> Any:
    """Make a data set of a type of HDF5 that NumPy may not have."""
    space = h5py.h5s.create_simple(shape)
    return h5py.h5d.create(group.id, name.encode(), kind, space, plist)


def overwritten(path: Path, *changes: tuple[int, bytes]) -> dict[str, Any]:
    """Put bytes at places of a file, and give the keywords that open it."""
    with path.open("r+b") as file:
        for place, content in changes:
            file.seek(place)
            file.write(content)
    return {"path": path}


def checksum(content: bytes) -> bytes:
    """Give the checksum that follows metadata of newer files: the hash "lookup3", four bytes."""
    state = [(0xDEADBEEF + len(content)) & _MASK] * 3
    words = np.frombuffer(content.ljust(-(-len(content) // 12) * 12, b"\0"), "<u4").reshape(-1, 3).tolist()
    for row in words[:-1]:
        state = [(one + word) & _MASK for one, word in zip(state, row, strict=True)]
        for i, j, k, count in _MIX:
            state[i] = ((state[i] - state[j]) & _MASK) ^ _turned(state[j], count)
            state[j] = (state[j] + state[k]) & _MASK
    state = [(one + word) & _MASK for one, word in zip(state, words[-1], strict=True)]
    for i, j, count in _END:
        state[i] = ((state[i] ^ state[j]) - _turned(state[j], count)) & _MASK
    return state[2].to_bytes(4, "little")


def _turned(value: int, count: int) -> int:
    return (value << count | value >> (32 - count)) & _MASK
