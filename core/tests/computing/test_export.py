"""Exports and saved results: right, complete or absent, and in bounded memory."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.errors import CancelledRun, ParameterError, PluginError
from lamella.export.dataset import find_exporter
from lamella.export.images import tiff_bytes
from lamella.export.results import save_results
from lamella.udf.builtin.sum import SumUDF
from lamella.udf.builtin.sumsig import SumSigUDF

NAV, SIG = (5, 6), (7, 8)
DATA = np.random.default_rng(9).integers(0, 4000, (*NAV, *SIG)).astype(np.uint16)

MakeScan = Callable[..., lamella.DataSet]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">i4", "float16", ">f4", "float64", "complex64", "bool"])
@pytest.mark.parametrize("pieces", [1, 4, 30])
def test_a_data_set_is_written_as_it_is(
    ctx: lamella.Context, make_scan: MakeScan, tmp_path: Path, dtype: str, pieces: int
) -> None:
    data = DATA.astype(dtype)
    report = ctx.export_dataset(make_scan(data, num_partitions=pieces), tmp_path / "copy.npy")
    found = np.load(tmp_path / "copy.npy", mmap_mode="r")
    np.testing.assert_array_equal(found, data)
    assert found.dtype == data.dtype.newbyteorder("=")
    assert [file.name for file in tmp_path.iterdir()] == ["copy.npy"]
    assert (report.path, report.missing) == (tmp_path / "copy.npy", 0)
    assert report.nbytes == (tmp_path / "copy.npy").stat().st_size


def test_the_path_may_be_named(inline: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    inline.export_dataset(make_scan(DATA), path=str(tmp_path / "copy.npy"))
    assert lamella.open(tmp_path / "copy.npy").shape == DATA.shape


@pytest.mark.parametrize("sync_offset", [3, -4])
@pytest.mark.parametrize("fill", [0, 7])
def test_shape_and_offset_are_baked_in_and_missing_frames_filled(
    ctx: lamella.Context, make_scan: MakeScan, tmp_path: Path, sync_offset: int, fill: int
) -> None:
    ds = make_scan(DATA, nav_shape=(4, 8), sync_offset=sync_offset, num_partitions=3)
    report = ctx.export_dataset(ds, tmp_path / "copy.npy", fill=fill)
    np.testing.assert_array_equal(np.load(tmp_path / "copy.npy"), ds.read((), fill=fill))
    assert (report.missing, report.fill) == (ds.missing_count, fill)


def test_what_was_filled_is_recorded(inline: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    ds = make_scan(DATA, sync_offset=-4)
    inline.export_dataset(ds, tmp_path / "copy.npy", fill=5)
    facts = json.loads((tmp_path / "copy.npy.json").read_text())
    assert (facts["fill"], facts["missing"], facts["missing_positions"]) == (5, 4, [[0, 4]])
    assert facts["sync_offset"] == -4


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [("u1", -1), ("u1", 256), ("u2", 1.5), ("u2", math.nan), ("bool", 2), ("f4", 1e39), ("f4", 1j), ("i4", "a")],
)
def test_a_fill_value_that_pixels_cannot_have_is_refused_and_nothing_is_written(
    inline: lamella.Context, make_scan: MakeScan, tmp_path: Path, dtype: str, fill: Any
) -> None:
    ds = make_scan(DATA.astype(dtype), sync_offset=4)
    for attempt in (lambda: inline.export_dataset(ds, tmp_path / "copy.npy", fill=fill), lambda: ds.read(fill=fill)):
        with pytest.raises(ParameterError, match=rf"fill: expected a value of dtype {ds.dtype}, found ") as caught:
            attempt()
        assert caught.value.problems[0].field == "fill"
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("dtype", "fill", "recorded"),
    [("u2", np.uint16(7), 7), ("f4", math.nan, "nan"), ("f4", np.float64(0.1), 0.1), ("c8", 2 + 1j, "(2+1j)")],
)
def test_whatever_pixels_can_have_fills_gaps_and_is_recorded_as_json(
    inline: lamella.Context, make_scan: MakeScan, tmp_path: Path, dtype: str, fill: Any, recorded: object
) -> None:
    ds = make_scan(DATA.astype(dtype), sync_offset=-4)
    inline.export_dataset(ds, tmp_path / "copy.npy", fill=fill)
    expected = np.full((4, *SIG), fill, dtype=dtype)
    np.testing.assert_array_equal(np.load(tmp_path / "copy.npy")[0, :4], expected)
    np.testing.assert_array_equal(ds.to_dask(fill=fill)[0, :4].compute(), expected)
    text = (tmp_path / "copy.npy.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail)["fill"] == recorded


def test_frames_of_zeros_that_computations_get_are_filled_in_a_file(
    ctx: lamella.Context, make_scan: MakeScan, tmp_path: Path
) -> None:
    ds = make_scan(DATA, sync_offset=-4, missing="zero")
    ctx.export_dataset(ds, tmp_path / "copy.npy", fill=5)
    np.testing.assert_array_equal(np.load(tmp_path / "copy.npy"), ds.read(fill=5))


def test_the_scan_reads_back_as_it_was_written(inline: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    ds = make_scan(DATA, sync_offset=-4)
    inline.export_dataset(ds, tmp_path / "copy.npy")
    again = lamella.open(tmp_path / "copy.npy")
    before, after = (inline.run_udf(each, SumSigUDF())["intensity"].data for each in (ds, again))
    np.testing.assert_array_equal(before, after)


def test_a_file_is_replaced_only_when_asked(inline: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    path = tmp_path / "copy.npy"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        inline.export_dataset(make_scan(DATA), path)
    assert path.read_text() == "precious"
    inline.export_dataset(make_scan(DATA), path, overwrite=True)
    np.testing.assert_array_equal(np.load(path), DATA)


def test_a_file_can_be_exported_over_itself(ctx: lamella.Context, tmp_path: Path) -> None:
    path = tmp_path / "scan.npy"
    np.save(path, DATA)
    ctx.export_dataset(lamella.open(path, sync_offset=0, nav_shape=(6, 5)), path, overwrite=True)
    np.testing.assert_array_equal(np.load(path), DATA.reshape(6, 5, *SIG))


def test_other_kinds_of_files_are_refused(inline: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot be written as \.mrc files, only as \.npy"):
        inline.export_dataset(make_scan(DATA), tmp_path / "copy.mrc")


def test_the_format_may_be_named(inline: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    inline.export_dataset(make_scan(DATA), tmp_path / "copy.data", format="NPY")
    np.testing.assert_array_equal(np.load(tmp_path / "copy.data"), DATA)
    with pytest.raises(PluginError, match="zarr"):
        find_exporter("x", "zarr")


def test_a_folder_that_does_not_exist_is_an_error(inline: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="the folder"):
        inline.export_dataset(make_scan(DATA), tmp_path / "no" / "copy.npy")


def test_progress_counts_frames(ctx: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    ds = make_scan(DATA, num_partitions=3)
    ctx.export_dataset(ds, tmp_path / "copy.npy", progress=lambda *state: seen.append(state))
    assert seen == [(0, 30), (10, 30), (20, 30), (30, 30)]


def test_a_cancelled_export_leaves_nothing(ctx: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done:
            raise CancelledRun("enough")

    with pytest.raises(CancelledRun):
        ctx.export_dataset(make_scan(DATA, num_partitions=6), tmp_path / "copy.npy", progress=stop)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import sys, time, lamella
ctx = lamella.Context.make_with("inline")
ds = lamella.open(sys.argv[1], num_partitions=6)
def slow(done, total):
    print(done, flush=True)
    time.sleep(60 if done else 0)
ctx.export_dataset(ds, sys.argv[2], progress=slow)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_export_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", DATA)
    target = tmp_path / "copy.npy"
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, tmp_path / "scan.npy", target], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    while child.stdout.readline().strip() in ("", "0"):
        assert child.poll() is None
        time.sleep(0.001)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert not target.exists()
    left = sorted(file.name for file in tmp_path.iterdir() if file.name != "scan.npy")
    assert len(left) == 2
    assert left[0].startswith(".copy.npy.")
    assert left[0].endswith(".part")
    assert left[1] == f"{left[0]}.writer"
    dataset = lamella.open(tmp_path / "scan.npy")
    lamella.Context.make_with("inline").export_dataset(dataset, target)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy.npy", "scan.npy"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_was_filled_is_forgotten_with_the_file(
    inline: lamella.Context, make_scan: MakeScan, tmp_path: Path, number: int
) -> None:
    path, beside = tmp_path / "copy.npy", tmp_path / "copy.npy.json"
    if number == 1:
        inline.export_dataset(make_scan(DATA, sync_offset=-4), path)
        assert beside.exists()
    else:
        path.touch()
        beside.write_text('{"mine": 1}' if number == 2 else "[" * 3000)
    inline.export_dataset(make_scan(DATA), path, overwrite=True)
    assert beside.exists() == (number > 1)


# Results.


def results(ctx: lamella.Context, make_scan: MakeScan) -> dict[str, Any]:
    total, sums = ctx.run_udf(make_scan(DATA), [SumUDF(), SumSigUDF(dtype="float32")])
    return {"total": total["intensity"], "sums": sums["intensity"], "cube": np.zeros((2, 3, 4)), "ok": np.eye(3) > 0}


def test_results_are_saved_as_arrays(inline: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    found = results(inline, make_scan)
    save_results(found, tmp_path / "all.npz")
    with np.load(tmp_path / "all.npz") as saved:
        assert set(saved) == set(found)
        np.testing.assert_array_equal(saved["total"], DATA.sum(axis=(0, 1)))


def test_results_are_saved_as_tiff(inline: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    save_results({"a": DATA[0, 0].astype(np.float32), "b": DATA[1, 1], "c": np.eye(3) > 0}, tmp_path / "all.tif")
    with image.open(tmp_path / "all.tif") as pages:
        assert pages.n_frames == 3
        for i, (name, expected) in enumerate([("a", DATA[0, 0]), ("b", DATA[1, 1]), ("c", np.eye(3))]):
            pages.seek(i)
            np.testing.assert_array_equal(np.asarray(pages), expected)
            assert pages.tag_v2[270] == name


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i2", "i4", "i8", "f4", "f8", ">u2"])
def test_tiff_holds_every_kind_of_real_number(dtype: str) -> None:
    """Read by hand, from the description of the format."""
    values = (DATA[0, 0] % 100).astype(dtype)
    file = tiff_bytes([("first", values), ("a longer text", values + 1)])
    assert file[:4] == b"II*\0"
    at = int.from_bytes(file[4:8], "little")
    for text, expected in (("first", values), ("a longer text", values + 1)):
        count = int.from_bytes(file[at : at + 2], "little")
        entries = np.frombuffer(file, "<u2,<u2,<u4,<u4", count, at + 2)
        tags = {int(tag): int(value) for tag, _, _, value in entries}
        assert list(tags) == sorted(tags)
        kind = {1: "u", 2: "i", 3: "f"}[tags[339]]
        stored = np.frombuffer(file, f"<{kind}{tags[258] // 8}", expected.size, tags[273])
        np.testing.assert_array_equal(stored.reshape(tags[257], tags[256]), expected)
        assert file[tags[270] :].split(b"\0")[0].decode() == text
        at = int.from_bytes(file[at + 2 + count * 12 :][:4], "little")
    assert at == 0


def test_a_tiff_page_is_an_image_of_real_numbers() -> None:
    with pytest.raises(ParameterError, match="not an image of real numbers"):
        tiff_bytes([("x", np.zeros((2, 2), complex))])


def test_results_are_saved_as_pictures(inline: lamella.Context, make_scan: MakeScan, tmp_path: Path) -> None:
    files = save_results(results(inline, make_scan), tmp_path / "all.png")
    assert [file.name for file in files] == ["all_total.png", "all_sums.png", "all_ok.png"]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)


@pytest.mark.parametrize(
    ("name", "arrays", "complaint"),
    [
        ("x.h5", {"a": np.eye(2)}, r"cannot be written as \.h5"),
        ("x", {"a": np.eye(2)}, "a file without extension"),
        ("x.tif", {"a": np.zeros((2, 2, 2))}, r"no image among the results; x\.npz can hold them"),
    ],
)
def test_results_that_do_not_fit_are_refused(tmp_path: Path, name: str, arrays: Any, complaint: str) -> None:
    with pytest.raises(ParameterError, match=complaint):
        save_results(arrays, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
