"""What every candidate's process does: read orders, run jobs, say how long they took."""

from __future__ import annotations

import json
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Results = Mapping[str, Any]
Job = Callable[[int], Results]
"""Takes the number of the repetition and gives results by name; ``seconds`` and ``tiles`` are measurements."""

_MEASURED = ("seconds", "tiles")


class Impossible(Exception):
    """A job that a candidate cannot do; the text says why."""


def serve(
    prepare: Callable[[dict[str, Any], str, str], Job],
    forget: Callable[[], None],
    settle: Callable[[], object] = lambda: None,
    versions: tuple[str, ...] = ("numpy",),
) -> None:
    """Answer orders until the input ends.

    ``prepare(file, job, state)`` gives a function that runs the job; making it is not timed. ``forget()`` lets go of
    files. ``settle()`` waits for what a first run leaves to be done.
    """
    _say({name: _version(name) for name in versions})
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = _obey(order, prepare, forget, settle)
        except Impossible as reason:
            answer = {"error": str(reason)}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        _say(answer)


def _obey(order: dict[str, Any], prepare: Any, forget: Any, settle: Any) -> dict[str, Any]:
    if order["do"] == "forget":
        forget()
        return {}
    job = prepare(order["file"], order["job"], order.get("state", "later"))
    if order["do"] == "warm":
        job(0)
        settle()
        results = job(0)
        np.savez(order["results"], **{name: value for name, value in results.items() if name not in _MEASURED})
        return {}
    return _run(job, order.get("repeats", 1))


def _run(job: Job, repeats: int) -> dict[str, Any]:
    times, results = [], dict[str, Any]()
    cpu = time.process_time()
    for number in range(repeats):
        begin = time.perf_counter()
        results = dict(job(number))
        times.append(results.get("seconds", time.perf_counter() - begin))
    spent = (time.process_time() - cpu) / repeats
    answer = {"seconds": statistics.median(times), "cpu": spent, "checksum": _checksum(results)}
    return answer | ({"tiles": int(results["tiles"])} if "tiles" in results else {})


def _checksum(results: Results) -> float:
    return float(
        sum(
            np.nansum(np.asarray(value, dtype=np.float64))
            for name, value in results.items()
            if name not in (*_MEASURED, "frame", "pick")
        )
    )


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(name)


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
