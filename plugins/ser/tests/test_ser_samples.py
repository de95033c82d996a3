"""Real files open by detection, and equal what an independent reader found in them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.opening import open_dataset

pytestmark = pytest.mark.recorded

SAMPLES = Path(os.environ.get("LAMELLA_SAMPLES") or Path(__file__).parents[4] / "shared" / "samples") / "ser"
NONE = pytest.param(None, marks=pytest.mark.skip(f"no real files in {SAMPLES}; LAMELLA_SAMPLES names their folder"))
FOLDERS: list[Any] = sorted(file.parent for file in SAMPLES.glob("*/sample.json")) or [NONE]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: getattr(folder, "name", "none"))
def test_a_real_file_is_read_as_by_another_reader(folder: Path) -> None:
    described = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    ds = open_dataset("auto", folder / described["main"], {})
    expected = np.load(folder / "expected.npy")
    assert ds.format == "ser"
    assert ds.dtype == expected.dtype
    assert ds.shape.sig == expected.shape[-ds.shape.sig.dims :]
    np.testing.assert_array_equal(np.asarray(ds).reshape(expected.shape), expected)
    json.dumps([ds.raw_metadata, ds.metadata.to_json(), ds.diagnostics], allow_nan=False)
