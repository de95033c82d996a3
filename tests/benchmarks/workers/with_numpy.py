"""NumPy's side: a memory map and the obvious expression, in blocks of frames where the whole would need copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import truth
from array_jobs import columns, mapped, named, parts
from serve import Impossible, Job, serve
from udf_jobs import place

_BLOCK = 64


def main() -> None:
    """Serve."""
    opened: dict[str, Any] = {}

    def prepare(file: dict[str, Any], job: str, state: str) -> Job:
        if state != "later":
            opened.clear()
        if file["path"] not in opened:
            opened[file["path"]] = mapped(file)
        data, nav, sig = opened[file["path"]], tuple(file["nav_shape"]), tuple(file["sig_shape"])
        if job == "open":
            return lambda number: {"frame": np.array(mapped(file)[0])}
        if job == "frame":
            return lambda number: {"frame": np.array(data[0])}
        if job == "pick":
            return lambda number: {"pick": np.array(data[np.ravel_multi_index(place(number, nav), nav)])}
        if job == "roi":
            chosen = np.flatnonzero(truth.roi_of(nav))
            return lambda number: {"roi": data[chosen].sum(axis=0, dtype=_wide(data))}
        if job == "export":
            return lambda number: _exported(data.reshape(*nav, *sig), Path(file["scratch"]) / "numpy.npy")
        if job in ("tiles", "firsttile"):
            raise Impossible("it has no tiles")
        weights = {part: columns(part, sig) for part in parts(job) if part not in _REDUCTIONS}
        return lambda number: _all(job, data, weights)

    serve(prepare, opened.clear)


def _all(job: str, data: Any, weights: dict[str, Any]) -> Any:
    results: dict[str, Any] = {}
    for part in parts(job):
        if part in _REDUCTIONS:
            results[part] = _REDUCTIONS[part](data)
        else:
            results |= named(
                part, np.concatenate([_flat(block, np.float32) @ weights[part] for block in _blocks(data)])
            )
    return results


def _blocks(data: Any) -> Any:
    return (data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK))


def _wide(data: Any) -> Any:
    return np.float64 if data.dtype.kind == "f" else np.uint64


def _flat(block: Any, dtype: Any) -> Any:
    return block.reshape(len(block), -1).astype(dtype)


def _sum(data: Any) -> Any:
    return sum(block.sum(axis=0, dtype=_wide(data)) for block in _blocks(data))


def _sumsig(data: Any) -> Any:
    return data.sum(axis=(1, 2), dtype=_wide(data))


def _largest(data: Any) -> Any:
    return data.max(axis=(1, 2))


def _std(data: Any) -> Any:
    total = squares = 0
    for block in _blocks(data):
        exact = _flat(block, np.float64)
        total += exact.sum(axis=0)
        squares += np.einsum("ij,ij->j", exact, exact)
    return np.sqrt(squares / len(data) - (total / len(data)) ** 2)


_REDUCTIONS = {"sum": _sum, "sumsig": _sumsig, "std": _std, "user": _largest}


def _exported(data: Any, path: Path) -> Any:
    np.save(path, data)
    return {}


if __name__ == "__main__":
    main()
