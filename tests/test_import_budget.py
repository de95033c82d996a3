"""What imports cost, and what is never imported by opening a file and looking at a frame."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from lamella.demo import DemoScan, write_scan

HEAVY = ("numba", "h5py", "dask", "distributed", "matplotlib", "scipy", "pandas", "tqdm", "rich", "IPython")
RUNS = 5
REFERENCE_MS = 40
"""What imports of the standard library cost where the budgets were set; a busy or slow machine gets more time."""


def run(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    alone = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV_"))}
    return subprocess.run([sys.executable, *options, "-c", code], env=alone, capture_output=True, text=True, check=True)


def cpu_ms(statement: str, before: str = "pass") -> float:
    """Time on the processor that a statement costs in a fresh process; other work hardly changes it."""
    times = []
    for _ in range(RUNS):
        done = run(
            f"import time\n{before}\nbegan = time.process_time()\n{statement}\nprint(time.process_time() - began)"
        )
        times.append(1000 * float(done.stdout.splitlines()[-1]))
    return statistics.quantiles(times, n=4)[0]


@pytest.fixture(scope="module")
def slowness() -> float:
    """How many times longer than on a quiet desktop computer imports of the standard library take now, at least 1."""
    return max(1.0, cpu_ms("import argparse, asyncio, decimal, json") / REFERENCE_MS)


def modules_after(code: str) -> set[str]:
    done = run(f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))")
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("budget") / "scan.blo"
    write_scan(path, DemoScan((4, 6), detector=16))
    return path


def test_importing_lamella_costs_at_most_25_ms(slowness: float) -> None:
    assert cpu_ms("import lamella") <= 25 * slowness


def test_importing_lamella_imports_no_numpy() -> None:
    assert "numpy" not in modules_after("import lamella")


def test_opening_a_file_and_picking_a_frame_imports_nothing_heavy(scan: Path) -> None:
    loaded = modules_after(f"import lamella\nds = lamella.open({str(scan)!r})\nds[1, 2]\nrepr(ds)")
    assert "lamella_blo.reader" in loaded
    assert sorted(loaded & set(HEAVY)) == []


def test_looking_at_a_file_costs_at_most_300_ms(scan: Path, slowness: float) -> None:
    assert cpu_ms(f"from lamella.cli import main\nmain(['info', {str(scan)!r}])") <= 300 * slowness


def test_looking_at_a_file_imports_nothing_that_reads_pixels(scan: Path) -> None:
    loaded = modules_after(f"from lamella.cli import main\nmain(['info', {str(scan)!r}])")
    slow = {"concurrent.futures", "hashlib", "numpy.ma"}
    reading = {
        f"lamella.{name}"
        for name in (
            "codecs",
            "corrections.deadpixels",
            "dataset.framereader",
            "dataset.partition",
            "dataset.tiling",
            "io.mmap",
            "kernels.compilequeue",
            "kernels.library",
        )
    }
    assert "lamella_blo.reader" in loaded
    assert sorted(loaded & {*slow, *reading, *HEAVY}) == []


def test_finding_all_plugins_costs_less_than_40_ms(slowness: float) -> None:
    before = "from lamella.plugins.registry import default_registry"
    assert cpu_ms("default_registry().plugins()", before) < 40 * slowness


def test_finding_all_plugins_imports_no_numpy_and_no_reader() -> None:
    loaded = modules_after("from lamella.plugins.registry import default_registry\ndefault_registry().plugins()")
    assert sorted(loaded & {"numpy", *HEAVY}) == []
    assert sorted(name for name in loaded if name.endswith(".reader")) == []


@pytest.fixture(scope="module")
def bare() -> set[str]:
    """What the modules of specs may import."""
    return modules_after("import lamella.format")


@pytest.mark.parametrize(
    "spec",
    [
        path
        for path in sorted(Path(__file__).parents[1].glob("plugins/*/src/*/__init__.py"))
        if "lamella.formats" in (path.parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    ],
    ids=lambda p: p.parent.name,
)
def test_the_module_of_a_spec_imports_only_the_declaration(spec: Path, bare: set[str]) -> None:
    name = spec.parent.name
    added = modules_after(f"import {name}") - bare
    foreign = {module for module in added if module.partition(".")[0] not in sys.stdlib_module_names}
    assert foreign == {name}


@pytest.mark.parametrize("arguments", [[], ["--version"], ["formats", "--json"], ["probe", "nowhere"]])
def test_light_commands_import_nothing_heavy(arguments: list[str]) -> None:
    code = f"from lamella.cli import main\nmain({arguments!r})"
    assert sorted(modules_after(code) & (set(HEAVY) | {"numpy"})) == []
