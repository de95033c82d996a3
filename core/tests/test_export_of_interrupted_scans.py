"""Exports of scans that were interrupted: what was not recorded takes no room, and may be left out."""

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.dataset.dataset import DataSet
from lamella.dataset.provenance import Provenance
from lamella.errors import ParameterError
from lamella.export.cropping import cropped
from lamella.reader import Encoding, LinearSource, Resource, RunTable, SourceInfo

FRAME = (64, 64)
NBYTES = 64 * 64 * 2


def _scan(folder: Path, shape: tuple[int, ...], places: list[int]) -> tuple[DataSet, np.ndarray]:
    """Give a scan that has frames at some positions only, and its pixels."""
    pixels = np.random.default_rng(3).integers(1, 9, (len(places), *FRAME)).astype(np.uint16)
    (folder / "frames.bin").write_bytes(pixels.tobytes())
    index = np.full(max(places) + 1, -1, dtype=np.int64)
    index[places] = np.arange(len(places))
    source = LinearSource(
        resources=(Resource.of(folder / "frames.bin"),),
        runs=RunTable.single(offset=0, stride=NBYTES, count=len(places)),
        encoding=Encoding(np.dtype("<u2"), FRAME),
        info=SourceInfo(nav_shape=shape, index=index),
    )
    with pytest.warns(lamella.LamellaWarning):
        ds = DataSet(source, provenance=Provenance(format="raw", title="raw"), name="scan")
    whole = np.zeros((int(np.prod(shape)), *FRAME), np.uint16)
    whole[places] = pixels
    return ds, whole.reshape(*shape, *FRAME)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system with holes")
def test_holes_of_a_scan_take_no_room(tmp_path: Path) -> None:
    ds, expected = _scan(tmp_path, (40, 100), [*range(5), *range(2000, 2005), 3999])
    with lamella.Context("inline") as ctx:
        ctx.export_dataset(ds, tmp_path / "a.npy")
    assert (tmp_path / "a.npy").stat().st_blocks * 512 < 40 * NBYTES, "4000 positions, 11 frames"
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", mmap_mode="r"), expected)


@pytest.mark.parametrize(
    ("shape", "places", "part"),
    [
        ((10, 4), [*range(13, 18)], slice(3, 5)),
        ((10, 4), [0, 1], (slice(0, 1), slice(0, 2))),
        ((3, 10, 4), [41, 50], (slice(1, 2), slice(0, 3))),
        ((30,), [7, 9], slice(7, 10)),
    ],
)
def test_only_what_was_recorded_may_be_written(
    tmp_path: Path, shape: tuple[int, ...], places: list[int], part: Any
) -> None:
    ds, expected = _scan(tmp_path, shape, places)
    with lamella.Context("inline") as ctx:
        report = ctx.export_dataset(ds, tmp_path / "a.npy", crop="recorded")
    found = np.load(tmp_path / "a.npy")
    np.testing.assert_array_equal(found, expected[part])
    if report.missing:
        facts = json.loads((tmp_path / "a.npy.json").read_text())
        assert facts["nav_shape"] == list(found.shape[: len(shape)])


def test_what_is_left_out_is_known_to_worker_processes(tmp_path: Path) -> None:
    ds, expected = _scan(tmp_path, (10, 4), [9, 10, 30])
    again = pickle.loads(pickle.dumps(cropped(ds, "recorded")))
    assert tuple(again.shape.nav) == (6, 4)
    np.testing.assert_array_equal(again.read(..., fill=0), expected[2:8])


def test_other_crops_are_refused(tmp_path: Path) -> None:
    ds, _ = _scan(tmp_path, (10, 4), [0, 1])
    with lamella.Context("inline") as ctx, pytest.raises(ParameterError, match="crop"):
        ctx.export_dataset(ds, tmp_path / "a.npy", crop="all")
    assert not (tmp_path / "a.npy").exists()
