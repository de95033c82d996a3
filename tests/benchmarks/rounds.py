"""The measuring: rounds in which each candidate gets the same order, and the comparison of their results."""

from __future__ import annotations

import math
import statistics
import sys
import time
from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import limits
import numpy as np
from candidates import Candidate
from datasets import File
from figures import Row
from plan import JOBS, MEMORY_FILES, STATES, takes_part, wanted
from system import LINUX, drop_from_cache, load
from truth import deviation

ALLOWED = 1e-4
"""Largest deviation from the right result, relative to the largest value; centres of mass in units of 100 px."""


def compare(candidates: list[Candidate], file: File, scratch: Path, options: Namespace) -> Iterator[list[Row]]:
    """Give the figures of all jobs on one file, those of a job together."""
    limit = {workers: limits.memory_read(workers) for workers in {candidate.workers for candidate in candidates}}
    with np.load(file.truth) as stored:
        truth = dict(stored)
    for job in options.jobs:
        if wanted(job, file):
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} {file.name} {job}\n")
            able = [one for one in candidates if one.alive and takes_part(one.name, job, file)]
            try:
                yield list(_job(able, file, job, truth, limit, scratch, options))
            except (OSError, RuntimeError) as error:  # the others' figures of an hour are not lost by one that fails
                sys.stderr.write(f"{file.name} {job} was given up: {error}\n")


def _job(
    candidates: list[Candidate],
    file: File,
    job: str,
    truth: dict[str, Any],
    limit: dict[int, float],
    scratch: Path,
    options: Namespace,
) -> Iterator[Row]:
    order = {"file": {**file.order(), "scratch": str(scratch)}, "job": job}
    able: dict[str, tuple[Candidate, float]] = {}
    for candidate in candidates:
        result = _warmed(candidate, file, order, truth, scratch)
        if isinstance(result, str):
            yield Row(file.name, job, "later", candidate.name, JOBS[job].unit, reason=result)
        else:
            able[candidate.name] = candidate, result
    for state in (state for state in STATES if state in options.states and state in JOBS[job].states):
        chosen = [one for one, _ in able.values() if takes_part(one.name, job, file, state)]
        if state == "memory":
            yield from (_memory(candidate, file, order, scratch) for candidate in chosen if file.name in MEMORY_FILES)
            continue
        impossible = _cold(candidates, file) if state == "cold" else None
        if impossible is not None:
            yield from (Row(file.name, job, state, name, JOBS[job].unit, reason=impossible) for name in able)
            continue
        for name, answers in _rounds(chosen, candidates, file, order, state, options.rounds).items():
            one, gap = able[name]
            yield _row(file, job, state, name, answers, limit[one.workers], gap)


def _rounds(
    chosen: list[Candidate],
    candidates: list[Candidate],
    file: File,
    order: dict[str, Any],
    state: str,
    rounds: int,
) -> dict[str, list[dict[str, Any]]]:
    answers: dict[str, list[dict[str, Any]]] = defaultdict(list)
    repeats = JOBS[order["job"]].repeats
    for number in range(rounds):
        for candidate in chosen if number % 2 == 0 else chosen[::-1]:
            if state == "cold":
                _cold(candidates, file)
            answer = candidate.measure(**order, state=state, repeats=repeats)
            if "error" in answer:
                raise RuntimeError(f"{candidate.name}, {order['job']} of {file.name}: {answer['error']}")
            answers[candidate.name].append(answer)
    return answers


def _warmed(
    candidate: Candidate, file: File, order: dict[str, Any], truth: dict[str, Any], scratch: Path
) -> float | str:
    """Let a candidate compile, map and fill the page cache; gives how far its result is off, or why it has none."""
    path = scratch / f"{candidate.name}.npz"
    answer = candidate.ask(do="warm", results=str(path), **order)
    if "error" in answer:
        return str(answer["error"])
    with np.load(path) as stored:
        results = dict(stored)
    path.unlink()
    if order["job"] in ("tiles", "firsttile"):
        return 0.0
    if order["job"] == "export":
        exported = np.load(scratch / f"{candidate.name.partition('-')[0]}.npy", mmap_mode="r")
        results = {"sum": exported.reshape(-1, *file.sig_shape).sum(axis=0, dtype=np.float64)}
    gap = deviation(results, truth)
    allowed = ALLOWED * (100 if set(results) == {"com"} or "com" in results else 1)
    return gap if gap <= allowed else f"wrong result: it is off by {gap:.2g}"


def _cold(candidates: list[Candidate], file: File) -> str | None:
    for candidate in candidates:  # what is mapped by anybody stays in the cache
        candidate.ask(do="forget")
    return drop_from_cache(file.parts)


def _memory(candidate: Candidate, file: File, order: dict[str, Any], scratch: Path) -> Row:
    """Give the peak of memory of a fresh process, from its start to the result."""
    row = Row(file.name, order["job"], "memory", candidate.name, "MB")
    if not LINUX:
        return replace(row, reason="not measured: the system does not tell")
    fresh = candidate.again()
    try:
        peak = fresh.peak(**order, results=str(scratch / "peak.npz"))
    finally:
        fresh.close()
    return replace(row, value=peak, lowest=peak, highest=peak, rounds=1, mb=file.nbytes / 1e6, when=_now())


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M")


def _row(
    file: File,
    job: str,
    state: str,
    name: str,
    answers: list[dict[str, Any]],
    limit: float,
    gap: float,
) -> Row:
    unit = JOBS[job].unit
    sums = [answer["checksum"] for answer in answers]
    if not math.isclose(min(sums), max(sums), rel_tol=ALLOWED, abs_tol=ALLOWED):
        return Row(file.name, job, state, name, unit, reason="it gives another result in each round")
    if unit == "µs/tile":
        values = [1e6 * answer["cpu"] / answer["tiles"] for answer in answers]
    elif unit == "ms":
        values = [1e3 * answer["seconds"] for answer in answers]
    else:
        values = [file.nbytes / answer["seconds"] / 1e9 for answer in answers]
    return Row(
        file=file.name,
        job=job,
        state=state,
        candidate=name,
        unit=unit,
        value=statistics.median(values),
        lowest=min(values),
        highest=max(values),
        rounds=len(values),
        cpu=statistics.median(answer["cpu"] for answer in answers),
        deviation=gap,
        limit=limit,
        mb=file.nbytes / 1e6,
        load=load(),
        when=_now(),
    )
