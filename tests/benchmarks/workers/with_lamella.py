"""Lamella's side."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from serve import serve

import lamella
from lamella.io.mmap import forget_mappings
from lamella.kernels import wait_until_compiled
from lamella.udf import ApplyMasksUDF, CoMUDF, StdDevUDF, SumSigUDF, SumUDF


def masks(count: int, shape: tuple[int, int]) -> list[Any]:
    """Give mask factories: seeded weights, the same for every candidate."""
    return [lambda i=i: np.random.default_rng(i).random(shape).astype(np.float32) for i in range(count)]


def main() -> None:
    """Serve."""
    ctx = lamella.Context.make_with("threads", cpus=int(sys.argv[1]))
    opened: dict[str, Any] = {}

    def udfs(job: str) -> list[Any]:
        if job.startswith("mask"):
            return [ApplyMasksUDF(mask_factories=masks(int(job[4:]), (256, 256)), use_sparse=False)]
        single: dict[str, Any] = {"sum": SumUDF, "sumsig": SumSigUDF, "std": StdDevUDF, "com": CoMUDF.with_params}
        return [single[name]() for name in (single if job == "four" else [job])]

    def prepare(file: dict[str, Any], job: str, state: str) -> Any:
        if file["path"] not in opened:
            params = {**file["params"], "nav_shape": tuple(file["nav_shape"])}
            opened[file["path"]] = ctx.load(file["format"], file["path"], **params)
        dataset, chosen = opened[file["path"]], udfs(job)
        if state in ("first", "cold"):
            forget_mappings()

        def run() -> float:
            results = ctx.run_udf(dataset=dataset, udf=chosen)
            name = {"std": "std", "com": "field"}.get(job, "intensity")
            return float(np.nansum(np.asarray(results[0][name].data, dtype=np.float64)))

        if state == "warm":
            run()
            wait_until_compiled()
        return run

    serve(prepare)


if __name__ == "__main__":
    main()
