"""The jobs in terms of arrays: files as memory maps, for NumPy and dask."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import truth
from serve import Impossible


def mapped(file: Mapping[str, Any]) -> Any:
    """Give the frames of a file as a map, shape ``(n, height, width)``; the obvious way where there is one."""
    layout, sig = file["layout"], tuple(file["sig_shape"])
    if layout is None:
        raise Impossible("its frames cannot be mapped as an array")
    n = math.prod(file["nav_shape"])
    if file["format"] == "npy":
        return np.load(file["path"], mmap_mode="r").reshape(n, *sig)
    if not layout["gap"]:
        return np.memmap(file["path"], layout["dtype"], "r", layout["offset"], (n, *sig))
    record = np.dtype([("gap", f"V{layout['gap']}"), ("pixels", layout["dtype"], sig)])
    return np.memmap(file["path"], record, "r", layout["offset"], (n,))["pixels"]


def columns(name: str, sig: tuple[int, int]) -> Any:
    """Give the weights of a job that weighs pixels as columns, shape ``(n_pixels, n)``."""
    if name == "com":
        weights = np.stack([np.ones(sig), *np.indices(sig)])
    elif name == "rings":
        weights = truth.rings(truth.RINGS, sig)
    elif name.startswith("mask"):
        weights = truth.weights(int(name.removeprefix("mask")), sig)
    else:
        raise Impossible(f"no job {name}")
    return np.ascontiguousarray(weights.reshape(len(weights), -1).T, dtype=np.float32)


def parts(name: str) -> list[str]:
    """Give the single jobs that a job consists of."""
    return ["sum", "sumsig", "std", "com"] if name == "four" else [name]


def named(name: str, weighed: Any) -> Any:
    """Give sums over weights as the result of their job."""
    if name == "com":
        return {"com": weighed[:, 1:] / weighed[:, :1]}
    return {name.rstrip("0123456789"): weighed}
