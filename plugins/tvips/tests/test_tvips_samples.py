"""Real files open by detection, and equal what an independent reader found in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lamella.opening.open import open_dataset

pytestmark = pytest.mark.recorded


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_real_file_is_read_as_by_another_reader(samples: Path, part: int) -> None:
    folder = samples / "tvips" / "test_tvips_2345_split"
    described = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    ds = open_dataset("auto", folder / described["main"].replace("_000", f"_{part:03d}"), {})
    expected = np.load(folder / "expected.npy")
    assert ds.format == described["format"]
    assert ds.dtype == expected.dtype
    assert ds.shape.sig == expected.shape[-ds.shape.sig.dims :]
    np.testing.assert_array_equal(np.asarray(ds).reshape(expected.shape), expected)
    json.dumps([ds.raw_metadata, ds.metadata.to_json(), ds.diagnostics], allow_nan=False)
    assert [axis.units for axis in ds.axes] == [None, "1/nm", "1/nm"]
