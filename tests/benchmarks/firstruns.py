"""Measure the first runs of fresh processes: how long until a process computes as fast as it can.

    python tests/benchmarks/firstruns.py --others-python OTHER/bin/python

Each process opens a file of one gibibyte and computes the same twelve times. Lamella and LiberTEM take turns, each in a
process of its own, with two threads. Then Lamella waits until its kernels are compiled, and runs three times more. With
``--burners 3`` other processes keep the processors busy; with ``--empty`` no kernel is on disk. ``--before-python``
names an environment with another version of Lamella.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

WORKERS = Path(__file__).resolve().parent / "workers"
JOBS = ("sum", "mask8", "com")
DTYPES = ("u2", "f4")
SIDE = 256
_COLUMNS = ("job", "candidate", "first [s]", "all [s]", "settled [ms]", "slowest after 3", "NumPy calls", "waited [ms]")
_SETTLED = 3
"""Runs after which no run should be slow."""


def main() -> None:
    """Measure what the command line asks for, and print a table."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            f"| {' | '.join(_COLUMNS)} |",
            f"|{'---|' * len(_COLUMNS)}",
        ]
        with burning(options.burners):
            for dtype in options.dtypes:
                path = written(folder, dtype, options.mb << 20)
                for job in options.jobs:
                    lines += compared(path, dtype, job, options, Path(temporary))
                    sys.stderr.write(lines[-1] + "\n")
    sys.stdout.write("\n".join(lines) + "\n")


def compared(path: Path, dtype: str, job: str, options: argparse.Namespace, temporary: Path) -> list[str]:
    """Let the candidates take turns; gives a line for each, and one with the ratios."""
    pythons = {"lamella": sys.executable, "before": options.before_python, "libertem": options.others_python}
    pythons = {name: python for name, python in pythons.items() if python}
    if options.empty:
        expect_no_kernels(sys.executable)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in pythons}
    for turn in range(options.rounds):
        for name, python in sorted(pythons.items(), reverse=bool(turn % 2)):
            environment = dict(os.environ)
            if options.empty and name != "libertem":
                empty = tempfile.mkdtemp(dir=temporary)
                environment |= dict.fromkeys(("LAMELLA_KERNEL_CACHE", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"), empty)
            worker = "libertem" if name == "libertem" else "lamella"
            order = [python, WORKERS / f"first_{worker}.py", path, job, str(options.runs), str(options.workers)]
            done = subprocess.run(order, capture_output=True, text=True, env=environment, check=False)
            if done.returncode:
                raise SystemExit(f"{name} failed:\n{done.stderr}")
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    figures = {name: _figures(rows) for name, rows in found.items()}
    lines = [
        f"| {dtype}, {job} | {name} | {one['first']:.2f} | {one['all']:.2f} | {1000 * one['settled']:.0f} "
        f"| {one['slowest']:.1f} | {one['calls']:.0f} | {1000 * one['waited']:.0f} |"
        for name, one in figures.items()
    ]
    for other in sorted(figures.keys() - {"lamella"}):
        us, them = figures["lamella"], figures[other]
        ratios = {key: them[key] / us[key] for key in ("first", "all", "settled")}
        shown = " | ".join(f"{ratio:.2f}" for ratio in ratios.values())
        lines.append(f"| {dtype}, {job} | {other} / lamella | {shown} |  |  |  |")
    return lines


def expect_no_kernels(python: str) -> None:
    """End if kernels are kept with an installation, which all processes read."""
    order = [python, "-c", "from lamella.kernels.cachefolder import INSTALLED; print(INSTALLED)"]
    folder = Path(subprocess.run(order, capture_output=True, text=True, check=True).stdout.strip())
    if folder.is_dir() and any(folder.iterdir()):
        raise SystemExit(f"{folder} holds compiled kernels; move it away to measure without them")


def _figures(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Give medians over the processes of one candidate."""
    settled = [statistics.median(row["runs"][_SETTLED:]) for row in rows]
    return {
        "first": statistics.median(row["runs"][0] for row in rows),
        "all": statistics.median(sum(row["runs"]) for row in rows),
        "settled": statistics.median(settled),
        "slowest": statistics.median(max(row["runs"][_SETTLED:]) / one for row, one in zip(rows, settled, strict=True)),
        "calls": statistics.median(row.get("calls", 0) for row in rows),
        "waited": statistics.median(statistics.median(row["waited"]) if row.get("waited") else 0 for row in rows),
    }


def written(folder: Path, dtype: str, nbytes: int) -> Path:
    """Write counts of electrons as a file of that size, unless it is there."""
    path = folder / f"first_{dtype}_{nbytes >> 20}.npy"
    n_rows = max(2, nbytes // (64 * SIDE * SIDE * np.dtype(dtype).itemsize))
    if not path.exists():
        data = np.lib.format.open_memmap(path, "w+", dtype, (n_rows, 64, SIDE, SIDE))
        block = np.random.default_rng(1).poisson(3, data.shape[1:]).astype(dtype)
        for row in range(n_rows):
            data[row] = block
        data.flush()
    for _ in path.open("rb"):  # so that all candidates find it in the page cache
        pass
    return path


@contextlib.contextmanager
def burning(count: int) -> Iterator[None]:
    """Keep the processors busy meanwhile."""
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--others-python", metavar="FILE", help="the Python of an environment with LiberTEM")
    parser.add_argument("--before-python", metavar="FILE", help="the Python of another version of Lamella")
    parser.add_argument("--folder", type=Path, help="where files are made, and kept for the next time")
    parser.add_argument("--jobs", type=lambda text: text.split(","), default=JOBS, help="some of sum,mask8,com")
    parser.add_argument("--dtypes", type=lambda text: text.split(","), default=DTYPES, help="such as u2,f4")
    parser.add_argument("--mb", type=int, default=1024, help="size of a file [MiB]")
    parser.add_argument("--runs", type=int, default=12, help="runs of each process")
    parser.add_argument("--rounds", type=int, default=5, help="processes of each candidate")
    parser.add_argument("--workers", type=int, default=2, help="threads")
    parser.add_argument("--burners", type=int, default=0, help="busy processes beside")
    parser.add_argument("--empty", action="store_true", help="with no kernel on disk")
    return parser


if __name__ == "__main__":
    main()
