"""Fresh processes: what an import costs, and how long a user waits for a first frame, a first result, and a command."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from datasets import File
from figures import Row

FILE = "start"
"""The name under which figures of fresh processes are kept; they are measured on a raw file of 64 MB."""

_ARRAY = "np.memmap({path!r}, {dtype!r}, 'r', 0, {nav} + {sig})"
_LIBERTEM = (
    "import numpy as np\nfrom libertem.api import Context\nif __name__ == '__main__':\n"
    " ctx = Context{how}\n ds = ctx.load('raw', {path!r}, dtype={dtype!r}, sig_shape={sig}, nav_shape={nav})\n"
)
_LIBERTEM_FRAME = (
    " from libertem.udf.raw import PickUDF\n roi = np.zeros({nav}, dtype=bool); roi[0, 0] = True\n"
    " ctx.run_udf(ds, PickUDF(), roi=roi)\n ctx.close()\n"
)
_LIBERTEM_SUM = " from libertem.udf.sum import SumUDF\n ctx.run_udf(ds, SumUDF())\n ctx.close()\n"
_THREADS = ".make_with('threads', cpus={workers})"
_LAMELLA = "import lamella\nds = lamella.open({path!r}, 'raw', dtype={dtype!r}, sig_shape={sig}, nav_shape={nav})\n"
_LAMELLA_SUM = (
    "from lamella.udf import SumUDF\nwith lamella.Context.make_with('threads', cpus={workers}) as ctx:\n"
    " ctx.run_udf(ds, SumUDF())\n"
)
SCRIPTS = {
    "bare": {"python": "pass"},
    "import": {
        "lamella": "import lamella",
        "libertem": "import libertem.api",
        "numpy": "import numpy",
        "dask": "import dask.array",
        "rosettasciio": "import rsciio",
    },
    "script-frame": {
        "lamella": _LAMELLA + "ds[0, 0]",
        "libertem": _LIBERTEM.replace("{how}", _THREADS) + _LIBERTEM_FRAME,
        "libertem-default": _LIBERTEM.replace("{how}", "()") + _LIBERTEM_FRAME,
        "numpy": "import numpy as np\nnp.array(" + _ARRAY + "[0, 0])",
        "dask": "import numpy as np\nimport dask.array as da\nda.from_array(" + _ARRAY + ")[0, 0].compute()",
    },
    "script-sum": {
        "lamella": _LAMELLA + _LAMELLA_SUM,
        "libertem": _LIBERTEM.replace("{how}", _THREADS) + _LIBERTEM_SUM,
        "libertem-default": _LIBERTEM.replace("{how}", "()") + _LIBERTEM_SUM,
        "numpy": "import numpy as np\n" + _ARRAY + ".sum(axis=(0, 1))",
        "dask": "import numpy as np\nimport dask.array as da\nda.from_array(" + _ARRAY + ").sum(axis=(0, 1)).compute()",
    },
    "script-fresh": {
        "lamella": _LAMELLA + _LAMELLA_SUM,
        "libertem": _LIBERTEM.replace("{how}", _THREADS) + _LIBERTEM_SUM,
    },
    "lamella-run": {"lamella": ""},
}
TITLES = {
    "bare": "Python that does nothing",
    "import": "import",
    "script-frame": "script start to first frame",
    "script-sum": "script start to first sum",
    "script-fresh": "the same, nothing compiled before",
    "lamella-run": "`lamella run`, whole process",
}


def measure(file: File, pythons: dict[str, str], names: Sequence[str], options: Namespace) -> Iterator[Row]:
    """Give the figures of all scripts, on a raw file; candidates take turns."""
    with tempfile.TemporaryDirectory() as cache:
        yield from _measured(file, pythons, names, options, cache)


def _measured(
    file: File, pythons: dict[str, str], names: Sequence[str], options: Namespace, cache: str
) -> Iterator[Row]:
    for job, scripts in SCRIPTS.items():
        if job == "script-fresh" and options.quick:  # LiberTEM compiles for ten seconds and longer
            continue
        chosen = [name for name in scripts if name in (*names, "python")]
        times: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for number in range(-1, options.rounds):
            for name in chosen if number % 2 == 0 else chosen[::-1]:
                python = pythons.get(name, sys.executable)
                taken = _timed(job, scripts[name], file, python, options, cache)
                if number >= 0:  # before that, modules are compiled to bytecode
                    times[name].append(taken)
        for name, pairs in times.items():
            values = [1e3 * wall for wall, _ in pairs]
            yield Row(
                file=FILE,
                job=job,
                state="fresh",
                candidate=name,
                unit="ms",
                value=statistics.median(values),
                lowest=min(values),
                highest=max(values),
                rounds=len(values),
                cpu=statistics.median(cpu for _, cpu in pairs),
                mb=file.nbytes / 1e6,
                when=time.strftime("%Y-%m-%d %H:%M"),
            )


def _timed(job: str, script: str, file: File, python: str, options: Namespace, cache: str) -> tuple[float, float]:
    values = {
        "path": file.path,
        "dtype": file.params["dtype"],
        "nav": tuple(file.nav_shape),
        "sig": tuple(file.sig_shape),
        "workers": options.workers,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "script.py"
        path.write_text(script.format(**values), encoding="utf-8")
        command = [python, str(path)]
        if job == "lamella-run":
            command = [python, "-m", "lamella", "run", file.path, "--format", "raw", "--out", f"{folder}/results"]
            command += ["--dtype", file.params["dtype"], "--nav-shape", _comma(file.nav_shape)]
            command += ["--sig-shape", _comma(file.sig_shape)]
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        if job == "script-fresh":
            environment["LAMELLA_KERNEL_CACHE"] = folder
        before, begin = os.times(), time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        wall, after = time.perf_counter() - begin, os.times()
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return wall, used


def _comma(shape: Sequence[int]) -> str:
    return ",".join(map(str, shape))
