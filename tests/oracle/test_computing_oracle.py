"""Everything computed with Lamella and with LiberTEM from the same file.

LiberTEM lives in an environment of its own, whose interpreter is named by the environment variable
``LAMELLA_ORACLE_PYTHON``. Run as a script, this module prints the table of differences.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

HERE = Path(__file__).parent
KINDS = ("uint16", "float32")

Results = dict[str, NDArray[Any]]

# LiberTEM adds up in single precision. Differences are in units of the largest value of a result; for centres of mass,
# which are ratios of sums from which much is subtracted, in pixels where that is more.
TOLERANCE = 5e-5
PIXELS = "centre of mass"
# Angles of nearly nothing are anything; which of two equal components is larger is anything.
SKIPPED = ("/phase_", "_angle", "/dominant_")


def interpreter() -> str:
    found = os.environ.get("LAMELLA_ORACLE_PYTHON")
    if not found:
        pytest.skip("LAMELLA_ORACLE_PYTHON does not name an interpreter with LiberTEM")
    return found


def write(path: Path, kind: str) -> None:
    """Write a scan whose pattern moves over the detector."""
    nav, sig = (7, 9), (64, 48)
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: sig[0], : sig[1]]
    data = np.empty((*nav, *sig))
    for i, j in np.ndindex(nav):
        data[i, j] = 900 * np.exp(-((y - 30 - 0.7 * i) ** 2 + (x - 22 - 0.5 * j) ** 2) / 120)
    counts = rng.poisson(data + 20)
    np.save(path, counts.astype(kind) if kind != "float32" else (counts * 1.25 + 0.3).astype(np.float32))


def reference(python: str, data: Path, folder: Path) -> Results:
    target = folder / "reference.npz"
    subprocess.run([python, "-W", "ignore", HERE / "computing_reference.py", data, target], check=True)
    with np.load(target) as saved:
        return {name.replace("|", "/"): saved[name] for name in saved}


def ours(data: Path) -> Results:
    sys.path.insert(0, str(HERE))
    try:
        from computing_jobs import results
    finally:
        sys.path.remove(str(HERE))
    import lamella
    from lamella import masks, udf

    with lamella.Context.make_with("threads", cpus=2) as context:
        dataset = context.load("npy", path=data, num_partitions=3)
        names = ("UDF", *(name for name in udf.__all__ if name.endswith("UDF")))
        library = SimpleNamespace(masks=masks, **{name: getattr(udf, name) for name in names})
        found: Results = results(context, dataset, library)
        for name, analysis in (
            ("analysis standard deviation", context.create_std_analysis(dataset)),
            ("analysis sum over detector", context.create_sumsig_analysis(dataset)),
        ):
            found |= {f"{name}/{channel.key}": np.array(channel.raw_data) for channel in context.run(analysis)}
    return found


def difference(name: str, mine: NDArray[Any], theirs: NDArray[Any]) -> float:
    """Give the largest difference; whole numbers outside a region are zero with us, not NaN."""
    assert mine.shape == theirs.shape
    there = np.isfinite(theirs)
    blank = mine[~there]
    assert not np.isfinite(blank).any() if mine.dtype.kind in "fc" else not blank.any()
    scale = np.abs(theirs[there]).max(initial=1.0 if PIXELS in name else 0.0) or 1.0
    return float(np.abs(mine[there].astype(theirs.dtype) - theirs[there]).max(initial=0) / scale)


@pytest.mark.oracle
@pytest.mark.parametrize("kind", KINDS)
def test_lamella_computes_what_libertem_computes(kind: str, tmp_path: Path) -> None:
    data = tmp_path / "scan.npy"
    write(data, kind)
    theirs, mine = reference(interpreter(), data, tmp_path), ours(data)
    assert set(theirs) <= set(mine)
    far = {
        name: value
        for name in theirs
        if not any(part in name for part in SKIPPED)
        and (value := difference(name, mine[name], theirs[name])) > TOLERANCE
    }
    assert not far


def table() -> None:
    """Print the largest difference of each computation."""
    with tempfile.TemporaryDirectory() as folder:
        worst: dict[str, dict[str, float]] = {}
        for kind in KINDS:
            data = Path(folder, f"{kind}.npy")
            write(data, kind)
            theirs, mine = reference(os.environ["LAMELLA_ORACLE_PYTHON"], data, Path(folder)), ours(data)
            for name, value in theirs.items():
                if any(part in name for part in SKIPPED):
                    continue
                job = name.split("/")[0].removesuffix(" roi")
                row = worst.setdefault(job, dict.fromkeys(KINDS, 0.0))
                row[kind] = max(row[kind], difference(name, mine[name], value))
    sys.stdout.write("| computation | " + " | ".join(KINDS) + " |\n|---|" + "---|" * len(KINDS) + "\n")
    for job, row in worst.items():
        cells = " | ".join(f"{row[kind]:.1e}" for kind in KINDS)
        sys.stdout.write(f"| {job} | {cells} |\n")


if __name__ == "__main__":
    table()
