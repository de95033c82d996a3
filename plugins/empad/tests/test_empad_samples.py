"""Real files open by detection, and equal what an independent reader found in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lamella.opening.open import open_dataset

pytestmark = pytest.mark.recorded


@pytest.mark.parametrize(
    "name",
    [
        "map4x4",
    ],
)
def test_a_real_file_is_read_as_by_another_reader(samples: Path, name: str) -> None:
    folder = samples / "empad" / name
    described = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    ds = open_dataset("auto", folder / described.get("main", f"{name}.xml"), {})
    expected = np.load(folder / "expected.npy")
    assert ds.format == described["format"]
    assert ds.dtype == expected.dtype
    assert ds.shape.sig == expected.shape[-ds.shape.sig.dims :]
    np.testing.assert_array_equal(np.asarray(ds).reshape(expected.shape), expected)
    json.dumps([ds.raw_metadata, ds.metadata.to_json(), ds.diagnostics], allow_nan=False)


def test_a_map_whose_scan_shapes_contradict_is_calibrated(samples: Path) -> None:
    ds = open_dataset("auto", samples / "empad" / "map4x4" / "scan_x4_y4.raw", {})
    assert ds.shape.nav == (4, 4)
    assert ds.nav_origin == "file name"
    assert [axis.units for axis in ds.axes] == ["nm", "nm", "1/nm", "1/nm"]
    assert [axis.scale for axis in ds.axes] == pytest.approx([1141.6, 1141.6, 0.18265, 0.18265], rel=1e-4)
