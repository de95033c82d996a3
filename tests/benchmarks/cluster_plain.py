"""One plain process: does jobs that `cluster.py` asks for in one thread, with kernels, and says how long they took.

Several of them know nothing of each other, so what they lose is what memory and caches of the computer do not give.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cluster_parts import Scan
from cluster_udfs import make

import lamella
from lamella.executors import InlineExecutor
from lamella.udf import UDF, ApplyMasksUDF, CoMUDF, SumSigUDF, SumUDF

TOOLS = SimpleNamespace(UDF=UDF, CoMUDF=CoMUDF, ApplyMasksUDF=ApplyMasksUDF, SumUDF=SumUDF, SumSigUDF=SumSigUDF)

_MOST_RUNS = 10
"""How often a job is done at most until kernels are there."""


def main() -> None:
    """Serve until the input ends: a line of JSON is a job, which is done once; an empty line does it again."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # others print, too
    warnings.simplefilter("ignore")
    ctx = lamella.Context(executor=InlineExecutor())
    job: Any = None
    for line in sys.stdin:
        if line.strip():
            order = json.loads(line)
            scan = Scan(Path(order["path"]), tuple(order["nav"]), tuple(order["sig"]), order["partitions"])
            job = scan.open(), make(order["job"], TOOLS)
            for _ in range(_MOST_RUNS):
                ctx.run_udf(*job)
                if job[0].backend.name == "mmap":  # kernels were loaded
                    break
        began = time.perf_counter()
        ctx.run_udf(*job)
        print(json.dumps({"seconds": time.perf_counter() - began}), file=answers, flush=True)


if __name__ == "__main__":
    main()
