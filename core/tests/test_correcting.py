"""The corrections of a data set are those of its files, the user's instead, or none; nothing is measured before use."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.corrections.corrections import Corrections
from lamella.dataset.dataset import DataSet
from lamella.dataset.provenance import Provenance
from lamella.dataset.tiling import TilingScheme
from lamella.errors import CorruptError, LamellaWarning, ParameterError, TruncatedError
from lamella.geometry.frames import Stretch
from lamella.geometry.shape import SigBox
from lamella.opening.reshape import reshape_source
from lamella.reader.resource import Resource
from lamella.reader.runs import RunTable
from lamella.reader.source import Encoding, LinearSource, SourceInfo
from lamella.udf.builtin.sum import SumUDF
from lamella.udf.builtin.sumsig import SumSigUDF

SIG = (3, 4)
FRAMES = np.arange(72, dtype="u2").reshape(6, *SIG) + 1
DARK = Corrections(dark=np.full(SIG, 5.0))


def raw(folder: Path) -> Path:
    path = folder / "scan.raw"
    path.write_bytes(FRAMES.tobytes())
    return path


def opened(folder: Path, **keywords: Any) -> DataSet:
    return lamella.open(raw(folder), "raw", dtype="u2", sig_shape=SIG, **keywords)


def calibrated(folder: Path, give: Any, sig_shape: tuple[int, ...] = SIG, **keywords: Any) -> DataSet:
    """Give a data set to whose files corrections belong."""
    source = LinearSource(
        resources=(Resource.of(raw(folder)),),
        runs=RunTable.single(offset=0, stride=24, count=6),
        encoding=Encoding(np.dtype("u2"), SIG),
        info=SourceInfo(corrections=give),
    )
    return DataSet(reshape_source(source, sig_shape), provenance=Provenance(format="test", title="Test"), **keywords)


def total(ds: DataSet, **keywords: Any) -> float:
    with lamella.Context(executor="inline") as ctx:
        return float(np.nansum(ctx.run_udf(ds, SumUDF(), **keywords)["intensity"].data))


RAW_TOTAL = float(FRAMES.sum())
DARK_TOTAL = RAW_TOTAL - 5.0 * FRAMES.size


# What the user asks for.


def test_corrections_given_at_opening_apply_to_computations_and_not_to_stored_values(tmp_path: Path) -> None:
    ds = opened(tmp_path, corrections=DARK)
    assert total(ds) == DARK_TOTAL
    np.testing.assert_array_equal(ds[2], FRAMES[2])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [({}, DARK_TOTAL), ({"corrections": True}, DARK_TOTAL)]
    + [({"corrections": none}, RAW_TOTAL) for none in (False, None, Corrections())]
    + [({"corrections": Corrections(gain=np.full(SIG, 2.0))}, 2 * RAW_TOTAL)],
)
def test_what_is_given_replaces_what_the_files_bring(tmp_path: Path, asked: Any, expected: float) -> None:
    assert total(calibrated(tmp_path, DARK, **asked)) == expected


@pytest.mark.parametrize("none", [False, Corrections()])
def test_a_run_can_go_without_the_corrections_of_a_data_set(tmp_path: Path, none: Any) -> None:
    ds = opened(tmp_path, corrections=DARK)
    assert total(ds, corrections=none) == RAW_TOTAL
    assert total(ds, corrections=Corrections(gain=np.full(SIG, 2.0))) == 2 * RAW_TOTAL
    assert total(ds, corrections=None) == DARK_TOTAL


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Corrections(dark=np.ones((4, 3))), r"dark of shape \(4, 3\) do not fit frames of shape \(3, 4\)"),
        (np.ones(SIG), "corrections: expected True, False or Corrections, found ndarray"),
        ("dark.npy", "expected True, False or Corrections, found str"),
    ],
)
def test_what_cannot_correct_the_frames_is_refused_at_once(tmp_path: Path, wrong: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        opened(tmp_path, corrections=wrong)


def test_corrections_travel_with_the_data_set(tmp_path: Path) -> None:
    one, other = (opened(tmp_path, corrections=Corrections(dark=np.full(SIG, dark))) for dark in (1.0, 2.0))
    assert one.fingerprint != other.fingerprint
    copies = [pickle.loads(pickle.dumps(ds)) for ds in (one, other)]
    assert [total(copy) for copy in copies] == [RAW_TOTAL - 72, RAW_TOTAL - 144]
    unnamed = pickle.loads(pickle.dumps(calibrated(tmp_path, DARK, corrections=False)))
    assert total(unnamed) == RAW_TOTAL


# Corrections that are measured when they are needed.

_calls: list[str] = []


def _measure(found: Corrections | None) -> Corrections | None:
    _calls.append("measured")
    return found


def _fail(error: Exception) -> Corrections:
    raise error


def measuring(found: Corrections | None = DARK) -> Callable[[], Corrections | None]:
    _calls.clear()
    return partial(_measure, found)


def test_they_are_measured_once_and_not_before(tmp_path: Path) -> None:
    ds = calibrated(tmp_path, measuring())
    repr(ds), ds.diagnostics, ds.fingerprint, ds[0], ds._repr_html_()
    assert _calls == []
    assert total(ds) == total(ds) == DARK_TOTAL
    assert _calls == ["measured"]


@pytest.mark.parametrize("asked", [False, None, Corrections(gain=np.ones(SIG))])
def test_they_are_never_measured_if_nobody_wants_them(tmp_path: Path, asked: Any) -> None:
    assert total(calibrated(tmp_path, measuring(), corrections=asked)) == RAW_TOTAL
    assert _calls == []


def test_there_may_turn_out_to_be_none(tmp_path: Path) -> None:
    assert calibrated(tmp_path, measuring(None)).corrections is None
    assert calibrated(tmp_path, measuring(Corrections())).corrections is None


def test_another_shape_of_frames_measures_nothing_either(tmp_path: Path) -> None:
    ds = calibrated(tmp_path, measuring(), (12,))
    assert _calls == []
    assert total(ds) == DARK_TOTAL
    assert calibrated(tmp_path, measuring(None), (12,)).corrections is None


@pytest.mark.parametrize("error", [ValueError("no number"), IndexError(3), FileNotFoundError(2, "gone", "dark.bin")])
def test_whatever_goes_wrong_is_a_damaged_file_with_a_name(tmp_path: Path, error: Exception) -> None:
    ds = calibrated(tmp_path, partial(_fail, error))
    name = "dark.bin" if isinstance(error, OSError) else "scan.raw"
    with pytest.raises(CorruptError, match="the corrections cannot be read") as caught:
        total(ds)
    assert name in str(caught.value)
    assert "corrections=False" in str(caught.value)
    assert total(ds, corrections=False) == RAW_TOTAL


@pytest.mark.parametrize("error", [TruncatedError("cut", path="dark.bin"), MemoryError("enough")])
def test_errors_that_say_what_is_wrong_pass(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        total(calibrated(tmp_path, partial(_fail, error), (12,)))
    assert caught.value is error


# Frames that are missing.


@pytest.mark.parametrize("backend", ["mmap", "buffered"])
def test_missing_frames_are_zeros_and_not_corrected(tmp_path: Path, backend: str) -> None:
    corrections = Corrections.of(SIG, dark=np.full(SIG, 5.0), gain=np.full(SIG, 2.0), excluded=[(1, 1)])
    with pytest.warns(LamellaWarning):
        ds = opened(
            tmp_path, nav_shape=(8,), sync_offset=-1, missing="zero", corrections=corrections, io_backend=backend
        )
    with lamella.Context(executor="inline") as ctx:
        delivered = ctx.map(ds, np.sum).raw_data
    present = 2.0 * (FRAMES.astype(float) - 5)
    present[:, 1, 1] = (present.sum(axis=(1, 2)) - present[:, 1, 1] - present[:, :, 3].sum(axis=1)) / 8
    np.testing.assert_allclose(delivered[1:7], present.sum(axis=(1, 2)), rtol=1e-6)
    assert delivered[[0, 7]].tolist() == [0, 0]


# Scans with an index.


def indexed(folder: Path, index: NDArray[np.int64], **keywords: Any) -> DataSet:
    """Give a data set whose file says which frame each step of the scan shows."""
    source = LinearSource(
        resources=(Resource.of(raw(folder)),),
        runs=RunTable.single(offset=0, stride=24, count=6),
        encoding=Encoding(np.dtype("u2"), SIG),
        info=SourceInfo(nav_shape=(2, 3), index=index),
    )
    return DataSet(source, provenance=Provenance(format="test", title="Test"), **keywords)


def shown(ds: DataSet) -> list[int]:
    numbers = ds.read((..., 0, 0), fill=0).reshape(-1).astype(int)
    return [int(number) // 12 if number else -1 for number in numbers]


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({}, [0, 1, -1, 3, 5, 4]),
        ({"nav_shape": (3, 2)}, [0, 1, -1, 3, 5, 4]),
        ({"nav_shape": (2, 2)}, [0, 1, -1, 3]),
        ({"nav_shape": (8,)}, [0, 1, -1, 3, 5, 4, -1, -1]),
        ({"nav_shape": (2, 2), "sync_offset": 1}, [1, -1, 3, 5]),
        ({"nav_shape": (4,), "sync_offset": -1}, [-1, 0, 1, -1]),
    ],
)
def test_lost_frames_stay_lost_whatever_the_shape_of_the_scan(
    tmp_path: Path, keywords: dict[str, Any], expected: list[int]
) -> None:
    ds = indexed(tmp_path, np.array([0, 1, -1, 3, 5, 4]), **keywords)
    assert shown(ds) == expected
    valid = np.array(expected) >= 0
    np.testing.assert_array_equal(ds.valid_mask.reshape(-1), valid)
    with lamella.Context(executor="inline") as ctx:
        sums = ctx.run_udf(ds, SumSigUDF())["intensity"].raw_data
    np.testing.assert_array_equal(sums[valid], FRAMES.sum(axis=(1, 2))[np.array(expected)[valid]])


def test_a_scan_that_leaves_out_steps_of_the_index_says_so(tmp_path: Path) -> None:
    with pytest.warns(LamellaWarning, match="2 frames at the end are not shown"):
        indexed(tmp_path, np.arange(6), nav_shape=(2, 2))


def test_frames_side_by_side_behind_an_index_are_not_copied(tmp_path: Path) -> None:
    with pytest.warns(LamellaWarning):
        ds = indexed(tmp_path, np.array([0, 1, -1, 2, 3, 5]), io_backend="mmap")
    scheme = TilingScheme(2, (SigBox.full(SIG),), SIG)
    [partition] = ds.partitions(1)
    tiles = [(tile.data.copy(), tile.data.flags.writeable) for tile in partition.tiles(scheme)]
    assert [data[:, 0, 0].tolist() for data, _ in tiles] == [[1, 13], [25, 37], [61]]
    assert [writeable for _, writeable in tiles] == [False] * 3


@pytest.mark.parametrize(
    ("frames", "depth", "pieces"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], 3, [[0, 1, 2], [3, 4, 5], [6, 7]]),
        ([0, 1, 2, 5, 6, 7, 8], 3, [[0, 1, 2], [5, 6, 7], [8]]),
        ([0, 1, 2, 5, 6, 7, 8], 2, [[0, 1], [2], [5, 6], [7, 8]]),
        ([0, 1, 2, 3, 7, 8, 9, 10], 100, [[0, 1, 2, 3], [7, 8, 9, 10]]),
        ([5, 3, 1, 9, 7, 11], 4, [[5, 3, 1, 9], [7, 11]]),
        ([0, 1, 3, 4, 6, 7, 9], 6, [[0, 1, 3, 4, 6, 7], [9]]),
        ([4], 3, [[4]]),
    ],
)
def test_tiles_end_where_frames_jump_unless_that_makes_them_small(
    frames: list[int], depth: int, pieces: list[list[int]]
) -> None:
    stretch = Stretch(10, np.arange(len(frames)) + 20, np.array(frames))
    found = list(stretch.pieces(depth))
    assert [list(piece.frames) for piece in found] == pieces
    assert [piece.start for piece in found] == [10 + sum(map(len, pieces[:i])) for i in range(len(pieces))]
    np.testing.assert_array_equal(np.concatenate([piece.positions for piece in found]), stretch.positions)
    whole = list(stretch.pieces(depth, whole_runs=False))
    assert [len(piece) for piece in whole[:-1]] == [depth] * (len(whole) - 1)


def test_a_partition_comes_in_one_piece_where_frames_jump(tmp_path: Path) -> None:
    ds = indexed(tmp_path, np.array([0, 1, 2, 4, 5, 3]))
    scheme = TilingScheme(6, (SigBox.full(SIG),), SIG, "partition")
    assert [len(tile.data) for tile in ds.partitions(1)[0].tiles(scheme)] == [6]
