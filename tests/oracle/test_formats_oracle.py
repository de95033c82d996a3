"""What the samplers of header formats write is read alike by Lamella and by every independent reader that can.

The other readers live in an environment of their own, whose interpreter is named by ``LAMELLA_ORACLE_PYTHON``. Run as a
script, this module prints the table.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella_testkit import SampleData
from lamella_testkit.samplers import sampler_named

HERE = Path(__file__).parent
OTHERS = {
    "ser": ("LiberTEM", "RosettaSciIO", "ncempy"),
    "dm": ("LiberTEM", "RosettaSciIO", "ncempy"),
    "mrc": ("LiberTEM", "RosettaSciIO", "ncempy", "mrcfile"),
    "empad": ("LiberTEM", "RosettaSciIO"),
    "seq": ("LiberTEM", "PIMS"),
    "tvips": ("LiberTEM", "RosettaSciIO"),
}

CANNOT = {
    ("dm", "scan fastest", "LiberTEM"): "refuses scans that are fastest in the file",
    ("dm", "scan fastest", "RosettaSciIO"): "leaves scan and detector exchanged",
    ("dm", "scan fastest", "ncempy"): "leaves scan and detector exchanged",
    ("mrc", "direct-electron", "LiberTEM"): "takes the sampling grid for the size of a frame",
    ("empad", "json", "LiberTEM"): "does not know the JSON of the community",
    ("empad", "json", "RosettaSciIO"): "does not know the JSON of the community",
    ("empad", "name", "RosettaSciIO"): "wants the XML",
    ("empad", "g2", "LiberTEM"): "does not know the second generation",
    ("empad", "g2", "RosettaSciIO"): "does not know the second generation",
    ("empad", "float32", "LiberTEM"): "does not know the second generation",
    ("empad", "float32", "RosettaSciIO"): "does not know the second generation",
    ("seq", "celeritas", "LiberTEM"): "does not join the halves of a sensor",
    ("seq", "celeritas", "PIMS"): "does not join the halves of a sensor",
    ("tvips", "version 1", "RosettaSciIO"): "does not read version 1",
    ("tvips", "parts", "LiberTEM"): "walks past the end of the first part of a stream without a scan",
}
"""What the other readers are known not to do, by format, variant and reader."""


@dataclass(frozen=True)
class Row:
    """A file of a sampler: what Lamella makes of it, and what others do."""

    format: str
    variant: str
    ours: str
    others: dict[str, str]


def rows(python: str, folder: Path) -> Iterator[Row]:
    """Write a file for each variant of each format, have it read by all, and compare with what was written."""
    jobs, written = [], []
    for name in OTHERS:
        sampler = sampler_named(name)()
        for number, variant in enumerate(sampler.variants):
            directory = folder / f"{name}{number}"
            directory.mkdir()
            data = sampler.fit(SampleData((4, 4), (6, 8), sampler.dtypes[0], variant=variant))
            keywords = dict(sampler.write(directory, data))
            path = keywords.pop("path")
            written.append((name, variant, data, path, keywords))
            jobs += [
                {
                    "reader": reader,
                    "format": name,
                    "path": str(path),
                    "target": str(directory / f"{reader}.npy"),
                    "nav_shape": data.nav_shape,
                    "needs_shape": name in ("seq", "mrc") or path.suffix == ".raw",
                }
                for reader in OTHERS[name]
            ]
    listed = folder / "jobs"
    listed.write_text("\n".join(map(json.dumps, jobs)), encoding="utf-8")
    subprocess.run([python, "-W", "ignore", HERE / "formats_reference.py", listed], check=True, timeout=600)
    for name, variant, data, path, keywords in written:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours = lamella.open(path, **keywords).read()
        others = {reader: verdict_of(path.parent / f"{reader}.npy", data) for reader in OTHERS[name]}
        yield Row(name, variant, compared(np.asarray(ours), data.pixels), others)


def verdict_of(target: Path, data: SampleData) -> str:
    if target.with_suffix(".txt").exists():
        return target.with_suffix(".txt").read_text(encoding="utf-8").splitlines()[0]
    return compared(np.load(target), data.pixels)


def compared(found: NDArray[Any], wanted: NDArray[Any]) -> str:
    """Say whether pixels are those that were written; the shape of the scan is not the reader's to know."""
    if found.size != wanted.size or found.shape[-2:] != wanted.shape[-2:]:
        return f"shape {found.shape}"
    return "equal" if np.array_equal(found.reshape(wanted.shape), wanted) else "other pixels"


@pytest.mark.oracle
def test_every_reader_that_can_sees_what_was_written(tmp_path: Path) -> None:
    python = os.environ.get("LAMELLA_ORACLE_PYTHON")
    if not python:
        pytest.skip("LAMELLA_ORACLE_PYTHON does not name an interpreter with the other readers")
    problems = []
    for row in rows(python, tmp_path):
        if row.ours != "equal":
            problems.append(f"{row.format} {row.variant}: Lamella {row.ours}")
        for reader, verdict in row.others.items():
            known = (row.format, row.variant, reader) in CANNOT
            if known == (verdict == "equal"):
                problems.append(f"{row.format} {row.variant!r}: {reader} {verdict}")
    assert not problems


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for one in rows(sys.argv[1], Path(scratch)):
            print(f"{one.format:6} {one.variant:16} Lamella {one.ours:8}", end="")
            for reader, verdict in one.others.items():
                print(f" | {reader} {verdict[:70]}", end="")
            print()
