"""Compare Lamella with LiberTEM, NumPy, dask and RosettaSciIO on this machine, side by side.

    python tests/benchmarks --others-python OTHER/bin/python --json figures.json

Each candidate runs in a process of its own and waits for orders; jobs are given to all of them in turn, round after
round, so that a machine whose speed drifts treats them alike. See docs/development/benchmark.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "workers")]

import figures  # noqa: E402
import report  # noqa: E402
import startup  # noqa: E402
from candidates import start  # noqa: E402
from datasets import kinds, make  # noqa: E402
from plan import CANDIDATES, JOBS, OWN_ENVIRONMENT, STATES  # noqa: E402
from rounds import compare  # noqa: E402
from system import machine  # noqa: E402

_QUICK = {
    "files": "raw_u2,raw_f4,mib_r12,blo_u1,many_u1",
    "jobs": "sum,com,std,mask8,four,pick,open",
    "candidates": "lamella,libertem,numpy",
    "states": "later,first",
    "mb": 96,
    "rounds": 3,
}


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for."""
    options = _parser().parse_args(arguments)
    if options.quick:
        options = _parser(_QUICK).parse_args(arguments)
    pythons = {} if options.others_python is None else dict.fromkeys(OWN_ENVIRONMENT, options.others_python)
    names = [name for name in options.candidates if name not in OWN_ENVIRONMENT or name in pythons]
    left_out = sorted(set(options.candidates) - set(names))
    if left_out:
        sys.stderr.write(f"without --others-python there is no {', '.join(left_out)}\n")
    everything = figures.Figures() if options.json is None else figures.read(options.json)
    now = figures.Figures()

    def keep(rows: list[figures.Row]) -> None:
        now.add(rows)
        everything.add(rows)
        if options.json is not None:  # now, so that a run that is stopped leaves what it has
            everything.write(options.json)

    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        files = [make(name, folder, options.mb << 20, many=options.many) for name in options.files if options.jobs]
        candidates = start(names, pythons, options.workers) if options.jobs else []
        versions = everything.conditions.get("versions", {}) | {one.name: one.versions for one in candidates}
        everything.conditions = {"machine": machine(), "versions": versions, "workers": options.workers}
        try:
            for file in files:
                for rows in compare(candidates, file, folder, options):
                    keep(rows)
        finally:
            for candidate in candidates:
                candidate.close()
        if options.startup:
            keep(list(startup.measure(make("raw_u2", folder, 64 << 20), pythons, names, options)))
    sys.stdout.write(report.table(now) + "\n")
    return 0


def _parser(defaults: dict[str, object] | None = None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests/benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="a smaller choice of everything, in less than three minutes"
    )
    parser.add_argument("--folder", type=Path, help="where the files lie and stay (default: a temporary folder)")
    parser.add_argument("--mb", type=int, default=192, help="size of each file [MB]")
    parser.add_argument("--many", type=int, default=1_000_000, help="frames of the files that have many small ones")
    parser.add_argument("--files", type=_of(kinds()), default="all", help=f"of {','.join(kinds())}, or all")
    parser.add_argument("--jobs", type=_of(JOBS), default="all", help=f"of {','.join(JOBS)}, all, or none")
    parser.add_argument("--candidates", type=_of(CANDIDATES), default="all", help=f"of {','.join(CANDIDATES)}, or all")
    parser.add_argument("--others-python", metavar="FILE", help=f"interpreter that has {', '.join(OWN_ENVIRONMENT)}")
    parser.add_argument("--states", type=_of(STATES), default="all", help=f"of {','.join(STATES)}, or all")
    parser.add_argument("--no-startup", dest="startup", action="store_false", help="leave out the fresh processes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="put the figures into this file, in place of older ones of the same")
    parser.set_defaults(**(defaults or {}))
    return parser


def _of(known: Iterable[str]) -> Callable[[str], list[str]]:
    names = list(known)

    def chosen(text: str) -> list[str]:
        if text in ("all", "none"):
            return names if text == "all" else []
        wrong = [name for name in text.split(",") if name not in names]
        if wrong:
            raise argparse.ArgumentTypeError(f"{', '.join(wrong)}: there is {', '.join(names)}")
        return text.split(",")

    return chosen


if __name__ == "__main__":
    raise SystemExit(main())
