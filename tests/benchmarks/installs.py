"""Install Lamella and other programs into environments of their own; measure sizes, imports and a first image.

    python tests/benchmarks/installs.py --json installs.json --page docs/explanation/size-and-start.md

Each environment is made by `uv venv` and `uv pip install`: Lamella from wheels of this repository, the others in their
newest version. Sizes are those of the files as installed, before anything compiled a module. Times are processor time,
user and system together, of a fresh process and all that it starts, after one run that is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "workers")]

from kinds_merlin import KINDS  # noqa: E402

ROOT = HERE.parents[1]
SCAN, DETECTOR = (32, 32), (256, 256)

_LAMELLA = """
import lamella
from lamella.udf import SumSigUDF
ds = lamella.open({path!r})
with lamella.Context() as ctx:
    image = ctx.run_udf(ds, SumSigUDF())["intensity"].data
"""
_LIBERTEM = """
from libertem.api import Context
from libertem.udf.sumsigudf import SumSigUDF
if __name__ == "__main__":
    with Context.make_with({executor!r}) as ctx:
        ds = ctx.load("auto", path={header!r})
        image = ctx.run_udf(ds, SumSigUDF())["intensity"].data
"""
_RSCIIO = """
from rsciio.quantumdetector import file_reader
image = file_reader({path!r})[0]["data"].sum(axis=(-2, -1))
"""
_HYPERSPY = """
import hyperspy.api as hs
image = hs.load({path!r}).sum(axis=(2, 3)).data
"""
_PY4DSTEM = """
import py4DSTEM
image = py4DSTEM.import_file({path!r}, scan={scan}).data.sum(axis=(-2, -1))
"""
_CHECK = """
if __name__ == "__main__":
    import numpy
    print(numpy.asarray(image).size, int(numpy.asarray(image, dtype=numpy.int64).sum()))
"""


@dataclass(frozen=True)
class Installed:
    """An environment.

    Parameters
    ----------
    title
        What the table calls it.
    requires
        What is installed.
    imports
        The statement that a script begins with.
    image
        A script that makes an image of the intensity at each position; its name is ``image``.
    """

    title: str
    requires: tuple[str, ...]
    imports: str
    image: str


ENVIRONMENTS = {
    "lamella-mib": Installed("`lamella-mib`", ("lamella-mib",), "import lamella", _LAMELLA),
    "lamella[mib]": Installed("`lamella[mib]`", ("lamella[mib]",), "import lamella", _LAMELLA),
    "lamella[all]": Installed("`lamella[all]`", ("lamella[all]",), "import lamella", _LAMELLA),
    "lamella[full]": Installed("`lamella[full]`", ("lamella[full]",), "import lamella", _LAMELLA),
    "rosettasciio": Installed("RosettaSciIO", ("rosettasciio",), "import rsciio", _RSCIIO),
    "hyperspy": Installed("HyperSpy", ("hyperspy",), "import hyperspy.api", _HYPERSPY),
    "libertem": Installed("LiberTEM", ("libertem",), "import libertem.api", _LIBERTEM),
    "py4dstem": Installed("py4DSTEM", ("py4DSTEM",), "import py4DSTEM", _PY4DSTEM),
}


def main(arguments: list[str] | None = None) -> int:
    """Make the environments, measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(ENVIRONMENTS), help="environments, separated by commas")
    parser.add_argument("--folder", type=Path, help="where environments are made, and kept; removed by default")
    parser.add_argument("--runs", type=int, default=5, help="how often each script runs [default: 5]")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--page", type=Path, help="a page whose table is replaced")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        wheels, scan = _wheels(folder), _scan(folder)
        rows = [_measured(name, folder, wheels, scan, options.runs) for name in options.only.split(",")]
    figures = {"measured": f"{datetime.now(UTC):%Y-%m-%d}", "machine": _machine(), "rows": rows}
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if options.page is not None:
        options.page.write_text(filled(options.page.read_text(encoding="utf-8"), figures), encoding="utf-8")
    sys.stdout.write(table(figures) + "\n")
    return 0


def filled(text: str, figures: Mapping[str, Any]) -> str:
    """Give a page with its table made from figures."""
    mark = re.compile(r"(<!-- figures: installs -->\n).*?(<!-- end -->)", re.DOTALL)
    result, places = mark.subn(lambda found: f"{found[1]}{table(figures)}\n{found[2]}", text)
    if places != 1:
        raise ValueError(f"the page has {places} places for the table")
    return result


def table(figures: Mapping[str, Any]) -> str:
    """Give the figures as a table in Markdown."""
    lines = [
        "| installed | version | packages | size [MB] | import [s] | first image [s] |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row['title']} | {row['version']} | {row['packages']} | {row['size'] / 1e6:.0f} | "
            f"{_seconds(row['import'])} | {_seconds(row['image'])} |"
            for row in figures["rows"]
        ),
        "",
        f"Measured on {figures['measured']}: {figures['machine']}.",
    ]
    return "\n".join(lines)


def _seconds(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.2f}"


def _measured(name: str, folder: Path, wheels: Path, scan: Mapping[str, Any], runs: int) -> dict[str, Any]:
    one = ENVIRONMENTS[name]
    environment = folder / re.sub(r"\W+", "-", name).strip("-")
    python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    _run("uv", "venv", "--quiet", "--clear", "--python", sys.executable, environment)
    _run("uv", "pip", "install", "--quiet", "--find-links", wheels, "--python", python, *one.requires)
    site = next(environment.rglob("site-packages"))
    listed = json.loads(_run("uv", "pip", "list", "--quiet", "--python", python, "--format", "json"))
    versions = {each["name"].lower().replace("_", "-"): each["version"] for each in listed}
    size = sum(path.lstat().st_size for path in site.rglob("*") if not path.is_dir())
    sys.stderr.write(f"{name}: {size / 1e6:.0f} MB, {len(listed)} packages\n")
    begins = folder / "imports.py"
    begins.write_text(one.imports + "\n", encoding="utf-8")
    row = {
        "name": name,
        "title": one.title,
        "version": versions[re.split(r"[\[<>=]", name)[0]],
        "packages": len(listed),
        "size": size,
        "versions": {key: versions[key] for key in ("numpy", "numba") if key in versions},
        "import": _processor_time(python, begins, runs),
        "image": _image(one, folder, python, scan, runs),
    }
    sys.stderr.write(f"{name}: import {row['import']}, image {row['image']}\n")
    return row


def _image(one: Installed, folder: Path, python: Path, scan: Mapping[str, Any], runs: int) -> float | str:
    """Give the time to the first image, or why there is none."""
    script = folder / "image.py"
    script.write_text(one.image.format(**scan) + _CHECK, encoding="utf-8")
    try:
        told = _run(python, script, cwd=folder).splitlines()[-1].split()
    except subprocess.CalledProcessError as error:
        sys.stderr.write(error.stderr)
        return "cannot open the file"
    if told != [str(scan["positions"]), str(scan["sum"])]:
        return "another result"
    return _processor_time(python, script, runs)


def _processor_time(python: Path, script: Path, runs: int) -> float:
    """Give the median of the processor time of a script and its children [s]."""
    _run(python, script, cwd=script.parent)
    times = []
    for _ in range(runs):
        before = _children()
        _run(python, script, cwd=script.parent)
        times.append(_children() - before)
    return statistics.median(times)


def _children() -> float:
    import resource  # not on Windows

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(*command: str | Path, cwd: Path | None = None) -> str:
    outside = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    outside.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=outside, capture_output=True, text=True, check=True
    )
    return done.stdout


def _wheels(folder: Path) -> Path:
    wheels = folder / "wheels"
    subprocess.run(["uv", "build", "--quiet", "--all-packages", "--wheel", "--out-dir", wheels], cwd=ROOT, check=True)
    return wheels


def _scan(folder: Path) -> dict[str, Any]:
    """Write a Merlin file with its header: 32 x 32 patterns of 256 x 256 pixels of 16 bits, 134 MB."""
    path, header = folder / "scan.mib", folder / "scan.hdr"
    batch = np.random.default_rng(3).poisson(20, (SCAN[1], *DETECTOR)).astype("u2")
    KINDS["mib_u2"].write(path, SCAN, (batch for _ in range(SCAN[0])))
    lines = [
        "HDR,\t",
        "Time and Date Stamp (day, mnth, yr, hr, min, s):\t07/05/2021 16:51:10",
        "Chip ID:\tW001_A1,-,-,-",
        "Chip Type (Medipix 3.0, Medipix 3.1, Medipix 3RX):\tMedipix 3RX",
        "Assembly Size (NX1, 2X2):\t1x1",
        "Chip Mode  (SPM, CSM, CM, CSCM):\tSPM",
        "Counter Depth (number):\t12",
        f"Frames in Acquisition (Number):\t{SCAN[0] * SCAN[1]}",
        f"Frames per Trigger (Number):\t{SCAN[1]}",
        f"ScanX:\t{SCAN[1]}",
        f"ScanY:\t{SCAN[0]}",
        "End\t",
    ]
    header.write_text("\r\n".join(lines) + "\r\n", encoding="ascii", newline="")
    facts = {"path": str(path), "header": str(header), "scan": SCAN, "executor": "threads"}
    return {**facts, "positions": SCAN[0] * SCAN[1], "sum": SCAN[0] * int(batch.sum(dtype=np.int64))}


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} processors, {memory:.0f} GiB of memory, {system}"


if __name__ == "__main__":
    sys.exit(main())
