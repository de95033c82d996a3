"""LiberTEM on its own Dask cluster: does the jobs that `cluster.py` asks for, and says how long each took.

Runs in an environment of its own, and reads a line of JSON for each job from its input.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import warnings
from types import SimpleNamespace
from typing import Any

import cluster_udfs


def main() -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # others print, too
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    from libertem import __version__
    from libertem.api import Context
    from libertem.udf import UDF
    from libertem.udf.com import CoMUDF
    from libertem.udf.masks import ApplyMasksUDF
    from libertem.udf.sum import SumUDF
    from libertem.udf.sumsigudf import SumSigUDF

    tools = SimpleNamespace(UDF=UDF, CoMUDF=CoMUDF, ApplyMasksUDF=ApplyMasksUDF, SumUDF=SumUDF, SumSigUDF=SumSigUDF)
    contexts: dict[int, Any] = {}
    opened: dict[str, tuple[Any, Any]] = {}
    print(json.dumps({"version": __version__}), file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        workers = order["workers"]
        if workers not in contexts:
            contexts[workers] = Context.make_with("dask", cpus=workers, gpus=0)
        if line not in opened:
            more = {"num_partitions": order["partitions"]} if order["partitions"] else {}
            dataset = contexts[workers].load(
                "raw", order["path"], dtype="uint16", nav_shape=order["nav"], sig_shape=order["sig"], **more
            )
            opened[line] = dataset, cluster_udfs.make(order["job"], tools)
        dataset, udf = opened[line]
        began = time.perf_counter()
        contexts[workers].run_udf(dataset=dataset, udf=udf)
        print(json.dumps({"seconds": time.perf_counter() - began}), file=answers, flush=True)
    for ctx in contexts.values():
        ctx.close()


if __name__ == "__main__":
    main()
