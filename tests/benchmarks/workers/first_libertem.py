"""The first runs of a process that computes with LiberTEM: ``first_libertem.py FILE JOB RUNS WORKERS``."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
from libertem.api import Context
from libertem.udf.com import CoMUDF
from libertem.udf.masks import ApplyMasksUDF
from libertem.udf.sum import SumUDF


def main(path: str, job: str, runs: str, workers: str) -> None:
    """Run a job some times."""
    seconds = []
    ctx = Context.make_with("threads", cpus=int(workers))
    ds = ctx.load("npy", path=path)
    udf = made(job, tuple(ds.shape.sig))
    for _ in range(int(runs)):
        began = time.perf_counter()
        ctx.run_udf(ds, udf)
        seconds.append(time.perf_counter() - began)
    ctx.close()
    sys.stdout.write(json.dumps({"runs": seconds}) + "\n")


def made(job: str, sig: tuple[int, ...]) -> Any:
    """Give the UDF of a job."""
    if job == "sum":
        return SumUDF()
    if job == "com":
        return CoMUDF.with_params(cy=sig[0] / 2, cx=sig[1] / 2)
    masks = np.random.default_rng(0).random((8, *sig)).astype(np.float32)
    return ApplyMasksUDF(mask_factories=lambda: masks, mask_count=8, mask_dtype=np.float32, use_sparse=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
