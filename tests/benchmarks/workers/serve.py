"""What every candidate's process does: read orders, run jobs, say how long they took; standard library only."""

from __future__ import annotations

import json
import resource
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

Job = Callable[[], float]


def serve(prepare: Callable[[dict[str, Any], str, str], Job]) -> None:
    """Answer orders until the input ends.

    ``prepare(file, job, state)`` gives a function that runs the job and returns a checksum; making it is not timed.
    """
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer: dict[str, Any] = _run(prepare(order["file"], order["job"], order.get("state", "warm")))
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _run(job: Job) -> dict[str, Any]:
    cpu, begin = time.process_time(), time.perf_counter()
    checksum = job()
    seconds, spent = time.perf_counter() - begin, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "cpu": spent, "peak_mb": peak, "checksum": float(checksum)}
