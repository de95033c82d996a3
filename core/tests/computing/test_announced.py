"""Scans that announce far more positions than they hold cost what they hold, and give what the stored frames give."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.errors import CorruptError, FrameMissingError, LamellaWarning, ParameterError
from lamella.udf import UDF, ApplyMasksUDF, CoMUDF, PickUDF, StdDevUDF, SumSigUDF, SumUDF

N, SIG = 12, (6, 8)
FRAMES: NDArray[np.uint16] = np.random.default_rng(5).integers(1, 900, (N, *SIG)).astype("<u2")
LARGE = (1 << 12, 1 << 10)
"""A scan of 2^22 positions, of which 12 have a frame."""
HUGE = (1 << 16, 1 << 16)

Open = Callable[..., lamella.DataSet]


def announced(path: Path, nav_shape: tuple[int, ...], frames: NDArray[Any]) -> Path:
    """Write a ``.npy`` file that announces a scan and ends behind some frames."""
    with path.open("wb") as file:
        shape = (*nav_shape, *frames.shape[1:])
        np.lib.format.write_array_header_2_0(file, {"descr": frames.dtype.str, "fortran_order": False, "shape": shape})
        file.write(frames.tobytes())
    return path


@pytest.fixture(scope="module", params=["npy", "raw"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Opens the twelve frames: in a file that announces the scan, or in one for which the user says so."""
    folder: Path = tmp_path_factory.mktemp("announced")
    FRAMES.tofile(folder / "a.raw")
    announced(folder / "a.npy", LARGE, FRAMES)

    def opened(**keywords: Any) -> lamella.DataSet:
        given = {} if request.param == "npy" else {"dtype": "<u2", "sig_shape": SIG, "nav_shape": LARGE}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LamellaWarning)
            return lamella.open(folder / f"a.{request.param}", format=request.param, **{**given, **keywords})

    return opened


def udfs() -> list[UDF]:
    return [SumUDF(), StdDevUDF(), ApplyMasksUDF(mask_factories=[np.eye(*SIG, dtype=np.float32)]), SumSigUDF()]


@pytest.mark.parametrize("sync_offset", [0, 5, -(1 << 21), -(LARGE[0] * LARGE[1] - 4)])
def test_results_are_those_of_the_stored_frames(ctx: lamella.Context, large: Open, sync_offset: int) -> None:
    ds = large(sync_offset=sync_offset, num_partitions=3)
    first, begin = max(0, -sync_offset), max(0, sync_offset)
    stored = FRAMES[begin : begin + ds.frame_map.counts.shown]
    assert sum(map(len, ds.partitions())) == len(stored)
    total, std, masked, sums = ctx.run_udf(ds, udfs())
    alone = ctx.run_udf(lamella.open(stored, format="memory", num_partitions=3), udfs())
    np.testing.assert_array_equal(total["intensity"].data, alone[0]["intensity"].data)
    np.testing.assert_array_equal(std["std"].data, alone[1]["std"].data)
    shown = slice(first, first + len(stored))
    for found, expected in ((masked, alone[2]), (sums, alone[3])):
        values = found["intensity"].raw_data
        np.testing.assert_array_equal(values[shown], expected["intensity"].raw_data)
        assert np.count_nonzero(found["intensity"].raw_masked_data.mask.reshape(len(values), -1)[:, 0]) == len(
            values
        ) - len(stored)


def test_partial_results_come_for_stored_frames_only(ctx: lamella.Context, large: Open) -> None:
    told: list[tuple[int, int]] = []
    ds = large(num_partitions=4)
    partials = ctx.run_udf_iter(ds, SumUDF(), progress=lambda done, total: told.append((done, total)))
    sums = [partial.buffers[0]["intensity"].data.sum() for partial in partials]
    assert (len(sums), sums[-1]) == (4, FRAMES.sum())
    assert told[-1] == (N, N)


@pytest.mark.filterwarnings("ignore:.*the file was cut:lamella.errors.LamellaWarning")
def test_a_sum_makes_nothing_of_the_size_of_the_scan(inline: lamella.Context, tmp_path: Path) -> None:
    path = announced(tmp_path / "a.npy", HUGE, FRAMES)
    with pytest.warns(LamellaWarning, match="4294967284 of 4294967296 scan positions have no frame"):
        ds = lamella.open(path)
    tracemalloc.start()
    try:
        partials = list(inline.run_udf_iter(ds, [SumUDF(), StdDevUDF()]))
        assert "4294967296" in repr(ds)
        assert ds.diagnostics["partitions"] <= N
        assert ds.scheme().depth <= N
        assert lamella.check("auto", path).counts == ds.frame_map.counts
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(partials[-1].buffers[0]["intensity"].data, FRAMES.sum(axis=0))


@pytest.mark.parametrize("udf", [SumSigUDF, CoMUDF, PickUDF])
def test_results_that_need_a_quarter_of_the_memory_are_refused(
    inline: lamella.Context, large: Open, monkeypatch: pytest.MonkeyPatch, udf: type[UDF]
) -> None:
    ds = large()
    monkeypatch.setattr("lamella.dataset.coverage.memory_size", lambda: 1 << 26)
    monkeypatch.setattr("lamella.dataset.coverage._NEVER_TOO_MUCH", 0)
    with pytest.raises((CorruptError, ParameterError), match="4194304 scan positions, of which 12") as caught:
        inline.run_udf(ds, udf())
    assert "nav_shape" in str(caught.value)
    assert "16777216 bytes, a quarter of the memory" in str(caught.value)
    inside = inline.run_udf(ds, udf(), roi=ds.roi[0, :N])  # a region is as large as it is
    assert next(iter(inside.values())).raw_data.shape[0] == N


def test_regions_select_among_what_is_stored(inline: lamella.Context, large: Open) -> None:
    ds = large(sync_offset=-(1 << 21))
    here = tuple(int(i) for i in np.unravel_index((1 << 21) + 3, LARGE))
    np.testing.assert_array_equal(inline.run_udf(ds, PickUDF(), roi=here)["intensity"].data[0], FRAMES[3])
    some = ds.roi[here[0], here[1] : here[1] + 4]
    np.testing.assert_array_equal(inline.run_udf(ds, SumUDF(), roi=some)["intensity"].data, FRAMES[3:7].sum(axis=0))
    assert not inline.run_udf(ds, SumUDF(), roi=ds.roi[0])["intensity"].data.any()


def test_indexing_reads_what_is_stored(large: Open) -> None:
    ds = large(sync_offset=-(1 << 21))
    first = tuple(int(i) for i in np.unravel_index(1 << 21, LARGE))
    np.testing.assert_array_equal(ds[first[0], first[1] : first[1] + N], FRAMES)
    for index in ((), np.s_[:, 5], np.s_[first[0]], np.s_[first[0], :, 1, 2]):
        with pytest.raises(FrameMissingError):
            ds[index]
    line = ds.read(np.s_[first[0], :, 1, 2], fill=7)
    np.testing.assert_array_equal(line, np.where(np.arange(LARGE[1]) < N, np.resize(FRAMES[:, 1, 2], LARGE[1]), 7))
    column = ds.read(np.s_[::-1, first[1] + 1, [0, -1], [0, -1]], fill=7)
    assert column.shape == (LARGE[0], 2, 2)
    np.testing.assert_array_equal(column[LARGE[0] - 1 - first[0]], FRAMES[1][np.ix_([0, -1], [0, -1])])
    assert np.count_nonzero((column != 7).any(axis=(1, 2))) == 1


def test_an_index_that_asks_for_more_than_memory_is_refused(large: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    ds = large()
    monkeypatch.setattr("lamella.dataset.coverage.memory_size", lambda: 1 << 26)
    monkeypatch.setattr("lamella.dataset.coverage._NEVER_TOO_MUCH", 0)
    with pytest.raises((CorruptError, ParameterError), match="4194304 scan positions, of which 12") as caught:
        ds.read(fill=0)
    assert "nav_shape" in str(caught.value)


class _JoiningUDF(UDF):
    """Joins the sums of partitions at the end; the maximum begins with something else than zero."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"sums": self.buffer("nav", dtype=np.int64), "frames": self.buffer("single", dtype=np.int64)}

    def preprocess(self) -> None:
        self.results.sums[:] = -1

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.sums[...] = frame.sum(dtype=np.int64)
        self.results.frames[:] += 1

    def merge_all(self, ordered_results: Mapping[Any, Any]) -> Mapping[str, Any]:
        results = list(ordered_results.values())
        return {
            "sums": np.concatenate([one.sums for one in results]),
            "frames": np.sum([one.frames for one in results], axis=0),
        }


@pytest.mark.parametrize("sync_offset", [0, -40])
def test_partitions_that_are_merged_at_once_make_a_whole_scan(
    ctx: lamella.Context, large: Open, sync_offset: int
) -> None:
    ds = large(nav_shape=(10, 10), sync_offset=sync_offset, num_partitions=3)
    result = ctx.run_udf(ds, _JoiningUDF())
    expected = np.full(100, -1)
    expected[-sync_offset : N - sync_offset] = FRAMES.sum(axis=(1, 2))
    np.testing.assert_array_equal(result["sums"].data.reshape(-1), expected)
    assert result["frames"].data.tolist() == [N]


def test_an_exported_file_takes_the_room_of_what_is_stored(ctx: lamella.Context, large: Open, tmp_path: Path) -> None:
    ds = large(sync_offset=-(1 << 21))
    report = ctx.export_dataset(ds, tmp_path / "copy.npy")
    assert report.nbytes > 1 << 28
    if hasattr((tmp_path / "copy.npy").stat(), "st_blocks"):
        assert (tmp_path / "copy.npy").stat().st_blocks * 512 < 1 << 20
    copied = np.load(tmp_path / "copy.npy", mmap_mode="r")
    assert copied.shape == ds.shape
    flat = copied.reshape(-1, *SIG)
    np.testing.assert_array_equal(
        flat[(1 << 21) - 1 : (1 << 21) + N + 1].sum(axis=(1, 2)), [0, *FRAMES.sum(axis=(1, 2)), 0]
    )
    told = json.loads((tmp_path / "copy.npy.json").read_text())
    assert told["missing_positions"] == [[0, 1 << 21], [(1 << 21) + N, 1 << 22]]


def test_positions_without_a_frame_are_filled_in_an_exported_file(
    ctx: lamella.Context, large: Open, tmp_path: Path
) -> None:
    ds = large(nav_shape=(100, 100), sync_offset=-40)
    ctx.export_dataset(ds, tmp_path / "copy.npy", fill=9)
    np.testing.assert_array_equal(np.load(tmp_path / "copy.npy"), ds.read(fill=9))


_MEASURED = """
import resource, sys
from lamella.cli import main
code = main(sys.argv[1:])
usage = resource.getrusage(resource.RUSAGE_SELF)
with open("/proc/self/status") as file:
    (peak,) = (line.split()[1] for line in file if line.startswith("VmHWM"))
print(code, usage.ru_utime + usage.ru_stime, int(peak) >> 10)
"""


@pytest.fixture(scope="module")
def large_frames(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NDArray[np.uint16]]:
    """Five frames of 7.6 MB in a file that announces 2^18: 2 TB."""
    frames = np.zeros((5, 1860, 2048), dtype="<u2")
    frames[:, 900:960, 1000:1060] = np.arange(1, 6)[:, np.newaxis, np.newaxis]
    return announced(tmp_path_factory.mktemp("frames") / "a.npy", (1 << 17, 2), frames), frames


def measured_run(path: Path, out: Path, *what: str) -> tuple[float, float]:
    """Give the processor time [s] and the memory [MiB] of `lamella run`."""
    command = [sys.executable, "-c", _MEASURED, "run", str(path), *what, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    code, seconds, megabytes = map(float, done.stdout.split()[-3:])
    assert code == 0, done.stderr
    return seconds, megabytes


@pytest.mark.skipif(sys.platform != "linux", reason="reads the time and the memory of a process")
def test_lamella_run_costs_what_a_file_holds(large_frames: tuple[Path, NDArray[np.uint16]], tmp_path: Path) -> None:
    path, frames = large_frames
    seconds, megabytes = measured_run(path, tmp_path, "--sum", "--sumsig", "--disk", "930,1030,50", "--no-pictures")
    np.testing.assert_array_equal(np.load(tmp_path / "sum.npy"), frames.sum(axis=0))
    disk = np.load(tmp_path / "disk.npy")
    assert disk.shape == (1 << 17, 2)
    np.testing.assert_array_equal(disk.reshape(-1)[:5], frames.sum(axis=(1, 2)))
    assert np.isnan(disk.reshape(-1)[5:]).all()
    assert megabytes < 256
    assert seconds < 4  # 1 s where nothing else runs


@pytest.mark.skipif(sys.platform != "linux", reason="reads the time and the memory of a process")
def test_the_default_run_draws_large_frames_within_256_mib(
    large_frames: tuple[Path, NDArray[np.uint16]], tmp_path: Path
) -> None:
    path, frames = large_frames
    seconds, megabytes = measured_run(path, tmp_path, "--pictures", "each")
    total = frames.sum(axis=0)
    np.testing.assert_array_equal(np.load(tmp_path / "sum.npy"), total)
    np.testing.assert_array_equal(np.load(tmp_path / "mean.npy"), total / 5)
    disk = np.load(tmp_path / "disk.npy").reshape(-1)[:5]
    np.testing.assert_array_equal(disk, (60 * 60 - 4) * np.arange(1, 6))  # without the corners of the square
    np.testing.assert_allclose(np.load(tmp_path / "com_x.npy").reshape(-1)[:5], 0, atol=1e-9)
    drawn = {file.stem for file in tmp_path.glob("*.png")}
    assert drawn == {"overview", "disk", "ring", "com_x", "com_y", "mean", "pattern"}
    assert megabytes < 256
    assert seconds < 9  # 2 s where nothing else runs and modules are compiled to bytecode


def test_weights_are_kept_only_while_more_tiles_come(inline: lamella.Context) -> None:
    """Weights take more memory than frames; of joined ones, UDFs keep views."""
    frames = np.ones((4, 1024, 1024), np.uint16)
    udfs = [ApplyMasksUDF(mask_factories=[np.ones((1024, 1024), np.float32)] * 3), CoMUDF(), SumUDF()]

    def peak(num_partitions: int) -> int:
        ds = lamella.open(frames[np.newaxis], format="memory", num_partitions=num_partitions)
        tracemalloc.start()
        try:
            masked, shifts, total = inline.run_udf(ds, udfs)
            np.testing.assert_array_equal(masked["intensity"].data, np.full((1, 4, 3), 1 << 20))
            np.testing.assert_array_equal(shifts["raw_com"].data, np.full((1, 4, 2), 511.5))
            np.testing.assert_array_equal(total["intensity"].data, np.full((1024, 1024), 4))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(1) < 64 << 20  # 97 MiB if weights of 24 MiB are kept twice
    assert peak(2) < 84 << 20  # 96 MiB if so
