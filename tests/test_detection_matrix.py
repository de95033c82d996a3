"""Real files against every installed format: each is claimed by its own, clearly, and by no other nearly as much."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import lamella
from lamella.errors import LamellaWarning
from lamella.opening.detect import LEAD, detect
from lamella.plugins.registry import default_registry
from lamella.reader import Confidence


class Sample(NamedTuple):
    """A real file, its format, and how the independent reader was asked to read it."""

    format: str
    main: Path
    load: dict[str, Any]
    reference: str

    @property
    def expected(self) -> Path:
        return self.main.with_name("expected.npy")


def found(samples: Path) -> list[Sample]:
    installed = {plugin.name for plugin in default_registry().usable()}
    entries = []
    for folder in sorted(samples.glob("*/*")):
        facts_file = folder / "sample.json"
        if folder.parent.name not in installed:
            continue
        facts = json.loads(facts_file.read_text()) if facts_file.exists() else {}
        main = folder / facts["main"] if "main" in facts else next(iter(_leading(folder)))
        entries.append(Sample(folder.parent.name, main, facts.get("load", {}), facts.get("expected_is", "")))
    return entries


def _leading(folder: Path) -> list[Path]:
    return [path for pattern in ("*_master.h5", "*.xml") for path in folder.glob(pattern)]


@pytest.mark.recorded
def test_every_real_file_is_claimed_by_its_format_and_by_no_other(samples: Path) -> None:
    problems = []
    for sample in found(samples):
        report = detect(sample.main, default_registry())
        confidences = {one.name: one.confidence for one in report.candidates if one.eligible}
        own = confidences.pop(sample.format, 0)
        if own < Confidence.MAGIC or own - max(confidences.values(), default=0) < LEAD:
            problems.append(f"{sample.main.name}: {sample.format} {own}, others {confidences}")
    assert not problems


@pytest.mark.recorded
def test_real_files_open_by_detection_and_equal_an_independent_reader(samples: Path) -> None:
    problems = []
    for sample in found(samples):
        if sample.expected.exists():
            problems += compared(sample)
    assert not problems


def compared(sample: Sample) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LamellaWarning)
        data = lamella.open(sample.main, **sample.load).read(fill=0)
    expected = np.load(sample.expected)
    if sample.format == "mib" and sample.reference == "rosettasciio":  # which turns the detector upside down
        expected = expected[..., ::-1, :]
    if sample.main.name == "EELS_SI.dm4":  # it gives the stored order, a map for each energy; the scan comes first here
        expected = np.moveaxis(expected, 0, -1)
    if data.size != expected.size:
        return [f"{sample.main.name}: shape {data.shape}, expected {expected.shape}"]
    if sample.main.name.endswith("1_Rows_256RAW.mib"):  # of which the reference gives single bits as 64-bit words
        expected = expected.astype(np.uint8)
    if data.dtype != expected.dtype.newbyteorder("="):
        return [f"{sample.main.name}: dtype {data.dtype}, expected {expected.dtype}"]
    if not np.array_equal(data.reshape(expected.shape), expected, equal_nan=expected.dtype.kind == "f"):
        return [f"{sample.main.name}: pixels differ"]
    return []
