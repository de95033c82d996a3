"""NumPy's side: a memory map and the obvious expression, in blocks of frames where the whole would need copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from serve import serve

_BLOCK = 64


def prepare(file: dict[str, Any], job: str, state: str) -> Any:
    """Give the function to be timed."""
    if file["format"] not in ("raw", "npy"):
        raise ValueError("NumPy maps raw and npy files only")
    n = file["nav_shape"][0] * file["nav_shape"][1]
    if file["format"] == "npy":
        data = np.load(file["path"], mmap_mode="r").reshape(n, -1)
    else:
        data = np.memmap(file["path"], dtype=file["params"]["dtype"], mode="r").reshape(n, -1)
    jobs = {"sum": _sum, "sumsig": _sumsig, "std": _std}
    if job in jobs:
        return lambda: jobs[job](data)
    if job.startswith("mask"):
        count = int(job[4:])
        shape = (256, 256)
        weights = [np.random.default_rng(i).random(shape).astype(np.float32).reshape(-1) for i in range(count)]
        return lambda: _masks(data, np.stack(weights, axis=1))
    raise ValueError(f"no NumPy version of {job}")


def _blocks(data: Any) -> Any:
    return (data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK))


def _sum(data: Any) -> float:
    kind = np.float64 if data.dtype.kind == "f" else np.uint64
    return float(sum(block.sum(axis=0, dtype=kind) for block in _blocks(data)).sum())


def _sumsig(data: Any) -> float:
    return float(data.sum(axis=1, dtype=np.float64).sum())


def _std(data: Any) -> float:
    total, squares = np.zeros(data.shape[1]), np.zeros(data.shape[1])
    for block in _blocks(data):
        exact = block.astype(np.float64)
        total += exact.sum(axis=0)
        squares += np.einsum("ij,ij->j", exact, exact)
    return float(np.sqrt(squares / len(data) - (total / len(data)) ** 2).sum())


def _masks(data: Any, weights: Any) -> float:
    return float(sum((block.astype(np.float32) @ weights).sum(dtype=np.float64) for block in _blocks(data)))


if __name__ == "__main__":
    serve(prepare)
