"""The jobs in terms of UDFs, whose names Lamella and LiberTEM share; only where the classes come from differs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import truth
from serve import Impossible, Job


def users_udf(base: Any) -> Any:
    """Give a UDF as a user writes it, in NumPy: the largest value of each frame."""

    class LargestUDF(base):  # type: ignore[misc]
        def get_result_buffers(self) -> Any:
            return {"largest": self.buffer(kind="nav", dtype="float32")}

        def process_tile(self, tile: Any) -> None:
            found = tile.reshape(len(tile), -1).max(axis=1)
            self.results.largest[:] = np.maximum(self.results.largest, found)

    return LargestUDF()


def empty_udf(base: Any) -> Any:
    """Give a UDF that does nothing with a tile but count it, and notes when the first one came."""

    class EmptyUDF(base):  # type: ignore[misc]
        def get_preferred_input_dtype(self) -> Any:
            return self.USE_NATIVE_DTYPE

        def get_result_buffers(self) -> Any:
            return {
                "tiles": self.buffer(kind="single", dtype="int64"),
                "first": self.buffer(kind="single", dtype="float64"),
            }

        def process_tile(self, tile: Any) -> None:
            if not self.results.tiles[0]:
                self.results.first[0] = time.perf_counter()
            self.results.tiles[0] += 1

        def merge(self, dest: Any, src: Any) -> None:
            if not dest.tiles[0] or dest.first[0] > src.first[0] > 0:
                dest.first[:] = src.first
            dest.tiles[:] += src.tiles

    return EmptyUDF()


def job_of(name: str, file: Mapping[str, Any], ctx: Any, dataset: Any, tools: SimpleNamespace) -> Job:
    """Give the function that does a streaming job on a data set that is open."""
    nav, sig = tuple(file["nav_shape"]), tuple(file["sig_shape"])
    if name in ("tiles", "firsttile"):
        return lambda number: _timed(ctx, dataset, empty_udf(tools.UDF), name)
    if name == "roi":
        roi = truth.roi_of(nav)
        return lambda number: {"roi": _data(ctx.run_udf(dataset=dataset, udf=tools.SumUDF(), roi=roi), "intensity")}
    single: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
        "sum": (tools.SumUDF, lambda result: _data(result, "intensity")),
        "sumsig": (tools.SumSigUDF, lambda result: _data(result, "intensity")),
        "std": (tools.StdDevUDF, lambda result: _data(result, "std")),
        "com": (tools.CoMUDF.with_params, lambda result: _data(result, "raw_com")),
        "user": (lambda: users_udf(tools.UDF), lambda result: _data(result, "largest")),
        "rings": (
            lambda: _masks(tools, truth.rings, truth.RINGS, sig, sparse=True),
            lambda result: _data(result, "intensity"),
        ),
    }
    if name.startswith("mask"):
        single["mask"] = (
            lambda: _masks(tools, truth.weights, int(name.removeprefix("mask")), sig, sparse=False),
            lambda result: _data(result, "intensity"),
        )
    names = {"four": ["sum", "sumsig", "std", "com"]}.get(name, [name.rstrip("0123456789")])
    if not set(names) <= set(single):
        raise Impossible(f"no job {name}")
    udfs = [single[part][0]() for part in names]

    def run(number: int) -> Any:
        results = ctx.run_udf(dataset=dataset, udf=udfs)
        return {part: single[part][1](result) for part, result in zip(names, results, strict=True)}

    return run


def _masks(tools: SimpleNamespace, make: Any, count: int, sig: tuple[int, int], *, sparse: bool) -> Any:
    # A function that remembers what it made, and travels by its name: the cheapest for everybody.
    factory = partial(make, count, sig)
    return tools.ApplyMasksUDF(mask_factories=factory, mask_count=count, mask_dtype="float32", use_sparse=sparse)


def place(number: int, nav: tuple[int, int]) -> tuple[int, int]:
    """Give the scan position of the frame to pick: the known one first, then others all over the scan."""
    n = math.prod(nav)
    y, x = divmod((truth.picked(nav) + number * 7919) % n, nav[1])
    return y, x


def _timed(ctx: Any, dataset: Any, udf: Any, name: str) -> Any:
    begin = time.perf_counter()
    result = ctx.run_udf(dataset=dataset, udf=udf)
    measured: dict[str, float] = {"tiles": int(_data(result, "tiles")[0])}
    if name == "firsttile":
        measured["seconds"] = float(_data(result, "first")[0]) - begin
    return measured


def _data(result: Any, name: str) -> Any:
    return np.asarray(result[name].data)
