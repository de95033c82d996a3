"""The first runs of a process that computes with Lamella: ``first_lamella.py FILE JOB RUNS WORKERS``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import lamella
from lamella.kernels import builtin
from lamella.kernels.library import Kernel
from lamella.udf import UDF, ApplyMasksUDF, CoMUDF, SumUDF


def main(path: str, job: str, runs: str, workers: str) -> None:
    """Run a job some times, wait until kernels are compiled, and run it three times more."""
    calls = counted()
    ds = lamella.open(path)
    with lamella.Context.make_with("threads", cpus=int(workers)) as ctx:
        udf = made(job, ds.shape.sig)
        seconds = [timed(lambda: ctx.run_udf(ds, udf)) for _ in range(int(runs))]
        used = len(calls)
        lamella.wait_until_compiled()
        waited = [timed(lambda: ctx.run_udf(ds, udf)) for _ in range(3)]
    sys.stdout.write(json.dumps({"runs": seconds, "waited": waited, "calls": used}) + "\n")


def made(job: str, sig: Any) -> UDF:
    """Give the UDF of a job."""
    if job == "sum":
        return SumUDF()
    if job == "com":
        return CoMUDF(cy=sig[0] / 2, cx=sig[1] / 2)
    masks = np.random.default_rng(0).random((8, *sig)).astype(np.float32)
    return ApplyMasksUDF(lambda: masks)


def timed(action: Callable[[], object]) -> float:
    """Give how long something takes [s]."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def counted() -> list[str]:
    """Count the calls of NumPy versions of kernels; gives the list of their names, which grows."""
    calls: list[str] = []
    for kernel in vars(builtin).values():
        if isinstance(kernel, Kernel):
            kernel.fallback = noting(kernel.compiled, kernel.fallback, calls)
    return calls


def noting(name: str, function: Callable[..., None], calls: list[str]) -> Callable[..., None]:
    """Give a function that notes its calls."""

    def call(*arguments: Any) -> None:
        calls.append(name)
        function(*arguments)

    return call


if __name__ == "__main__":
    main(*sys.argv[1:])
