"""Compare Lamella with LiberTEM, NumPy and dask on this machine, side by side.

    uv run python tests/benchmarks --help

Each candidate runs in a process of its own and waits for orders; jobs are given to all of them in turn, round after
round, so that a machine whose speed drifts treats them alike. See docs/how-to/benchmark.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import datasets  # noqa: E402
import limits  # noqa: E402
import report  # noqa: E402
from rounds import compare  # noqa: E402


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="tests/benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the files lie and stay (default: a temporary folder)")
    parser.add_argument("--mb", type=int, default=512, help="size of each file [MB]")
    parser.add_argument("--formats", default="raw_u2,raw_f4,raw_u1", help=f"of {','.join(datasets.NAMES)}, or all")
    parser.add_argument(
        "--jobs", default="sum,sumsig,std,com,mask1,mask8,mask64,four", help="sum, sumsig, std, com, maskN, four"
    )
    parser.add_argument("--candidates", default="lamella,libertem,numpy")
    parser.add_argument("--libertem-python", help="interpreter of an environment with LiberTEM from PyPI")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cold", action="store_true", help="also drop the file from the page cache (Linux)")
    parser.add_argument("--json", type=Path, help="write every single figure here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        names = datasets.NAMES if options.formats == "all" else tuple(options.formats.split(","))
        files = [datasets.make(name, folder, options.mb << 20) for name in names]
        limit = limits.memory_read(options.workers)
        figures = compare(files, options)
    text = report.table(figures, limit)
    sys.stdout.write(text + "\n")
    if options.json:
        options.json.write_text(json.dumps({"limit": limit, "figures": figures}, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
