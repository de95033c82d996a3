"""Scan positions and stored frames meet as the model says, for every format, region, partitioning and depth.

The model: position k shows frame k + sync_offset where that exists; elsewhere it is missing, which means that it is
never delivered and never counted. Regions and missing positions do not influence each other.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lamella.dataset.dataset import DataSet
from lamella.dataset.partition import Partition
from lamella.dataset.tiling import TilingScheme
from lamella.errors import CorruptError, FrameMissingError, LamellaWarning, ParameterError
from lamella.geometry.shape import SigBox
from lamella.opening.open import open_dataset

N = 12
SIG = (4, 4)
FRAMES: NDArray[np.uint8] = np.arange(N * 16, dtype="u1").reshape(N, *SIG) + 1  # no pixel is 0


@dataclass(frozen=True)
class Case:
    """A scan shape and an offset, and the rule that it is here for."""

    nav_shape: tuple[int, ...]
    sync_offset: int
    why: str

    @property
    def frames(self) -> NDArray[np.int64]:
        """The frame that each position shows, -1 for none: the model."""
        idx = np.arange(np.prod(self.nav_shape)) + self.sync_offset
        valid = (idx >= 0) & (idx < N)
        return np.where(valid, idx, -1)

    def __str__(self) -> str:
        return f"{'x'.join(map(str, self.nav_shape))}, offset {self.sync_offset}: {self.why}"


CASES = (
    Case((3, 4), 0, "every frame is shown"),
    Case((3, 4), 2, "frames skipped at the start leave the end missing"),
    Case((3, 4), -2, "positions left out at the start leave frames at the end"),
    Case((4, 4), 0, "a scan larger than the file"),
    Case((2, 4), 0, "a scan smaller than the file"),
    Case((4, 4), 3, "larger, and frames skipped"),
    Case((5, 5), -5, "larger, missing at both ends"),
    Case((2, 3), 4, "smaller, frames left at both ends"),
    Case((3, 4), N - 1, "only the last frame is shown, at the first position"),
    Case((2, 2, 5), -3, "a scan of three axes, missing at both ends"),
)
NOTHING_VISIBLE = (
    Case((2, 2), -5, "smaller than what is left out"),
    Case((3, 4), N, "every frame is skipped"),
    Case((3, 4), -N, "every position is left out"),
    Case((3, 4), 10**18, "an offset beyond any file"),
    Case((3, 4), -(10**18), "an offset beyond any file"),
    Case((3, 4), 10**30, "an absurd offset"),
    Case((3, 4), -(10**30), "an absurd offset"),
)


# Writers that share nothing with the readers


def write_raw(folder: Path) -> dict[str, Any]:
    FRAMES.tofile(folder / "scan.raw")
    return {"target": folder / "scan.raw", "dtype": "u1", "sig_shape": SIG}


def write_npy(folder: Path) -> dict[str, Any]:
    np.save(folder / "scan.npy", FRAMES.reshape(3, 4, *SIG))
    return {"target": folder / "scan.npy"}


def write_fortran_npy(folder: Path) -> dict[str, Any]:
    np.save(folder / "scan.npy", np.asfortranarray(FRAMES.reshape(3, 4, *SIG)))
    return {"target": folder / "scan.npy"}


def write_blo(folder: Path) -> dict[str, Any]:
    header = struct.pack("<6sHIIIHHHH", b"IMGBLO", 0x0102, 512, 528, 0, SIG[0], 0, 4, 3).ljust(528, b"\0")
    records = (b"\xaa\x55" + struct.pack("<I", i) + frame.tobytes() for i, frame in enumerate(FRAMES))
    (folder / "scan.blo").write_bytes(header + b"".join(records))
    return {"target": folder / "scan.blo"}


def array(_: Path) -> dict[str, Any]:
    return {"target": FRAMES.reshape(3, 4, *SIG)}


def strided_array(_: Path) -> dict[str, Any]:
    return {"target": np.repeat(FRAMES, 2, axis=0).reshape(3, 8, *SIG)[:, ::2]}


def indexed_array(_: Path) -> dict[str, Any]:
    class Stored:
        shape, dtype = (3, 4, *SIG), FRAMES.dtype

        def __getitem__(self, index: Any) -> Any:
            return FRAMES.reshape(self.shape)[index]

    return {"target": Stored()}


FORMATS: dict[str, tuple[str, Callable[[Path], dict[str, Any]], dict[str, Any]]] = {
    "raw": ("raw", write_raw, {}),
    "raw, buffered": ("raw", write_raw, {"io_backend": "buffered"}),
    "raw, reshaped": ("raw", write_raw, {"sig_shape": (2, 8)}),
    "npy": ("npy", write_npy, {}),
    "npy, Fortran order": ("npy", write_fortran_npy, {}),
    "npy, Fortran order, buffered": ("npy", write_fortran_npy, {"io_backend": "buffered"}),
    "blo": ("blo", write_blo, {}),
    "blo, buffered": ("blo", write_blo, {"io_backend": "buffered"}),
    "blo, reshaped": ("blo", write_blo, {"sig_shape": (16,)}),
    "memory": ("memory", array, {}),
    "memory, strided": ("memory", strided_array, {}),
    "memory, indexed": ("memory", indexed_array, {}),
    "memory, reshaped": ("memory", strided_array, {"sig_shape": (2, 8)}),
}

formats = pytest.mark.parametrize("format", FORMATS)
cases = pytest.mark.parametrize("case", CASES, ids=str)
quiet = pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scans")


def open_case(folder: Path, format: str, case: Case, **keywords: Any) -> DataSet:
    name, write, options = FORMATS[format]
    given = write(folder) | options | keywords | {"nav_shape": case.nav_shape, "sync_offset": case.sync_offset}
    return open_dataset(name, given.pop("target"), given)


def regions(case: Case) -> Iterator[tuple[str, NDArray[np.bool_] | None]]:
    missing = (case.frames < 0).reshape(case.nav_shape)
    yield "no ROI", None
    yield "random ROI", np.random.default_rng(7).random(case.nav_shape) < 0.5
    yield "only missing positions", missing
    yield "empty ROI", np.zeros(case.nav_shape, dtype=bool)
    yield "full ROI", np.ones(case.nav_shape, dtype=bool)


def schemes(sig_shape: tuple[int, ...], depth: int) -> Iterator[TilingScheme]:
    yield TilingScheme(depth, (SigBox.full(sig_shape),), sig_shape)
    rows = [(row, min(3, sig_shape[0] - row)) for row in range(0, sig_shape[0], 3)]
    rest = sig_shape[1:]
    yield TilingScheme(
        depth, tuple(SigBox((row, *(0 for _ in rest)), (height, *rest)) for row, height in rows), sig_shape
    )


def delivered(
    partitions: tuple[Partition, ...], scheme: TilingScheme, roi: NDArray[np.bool_] | None, shape: tuple[int, ...]
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Everything that tiles bring: pixels along the compressed scan axis, how often each came, and from where."""
    pixels = np.zeros(shape, dtype=FRAMES.dtype)
    times = np.zeros(shape, dtype=np.int64)
    positions = np.full(shape[0], -1, dtype=np.int64)
    for partition in partitions:
        for tile in partition.tiles(scheme, region=partition.region(roi)):
            depth = len(tile.positions)
            assert 0 < depth <= scheme.depth
            assert tile.data.shape == (depth, *tile.box.shape)
            assert tile.box == scheme[tile.box_index]
            where: Any = (slice(tile.start, tile.start + depth), *tile.box.slices)
            pixels[where] = tile.data
            times[where] += 1
            positions[tile.start : tile.start + depth] = tile.positions
            assert all(partition.start <= position < partition.stop for position in tile.positions)
    return pixels, times, positions


@quiet
@formats
@cases
def test_tiles_hold_every_shown_pixel_once_and_nothing_else(folder: Path, format: str, case: Case) -> None:
    ds = open_case(folder, format, case)
    sig_shape = tuple(ds.shape.sig)
    stored = FRAMES.reshape(N, *sig_shape)
    for what, roi in regions(case):
        selected = np.arange(len(case.frames)) if roi is None else np.flatnonzero(roi)
        frames = case.frames[selected]
        for n_partitions in (1, 3, len(case.frames)):
            for depth in (1, 5):
                for scheme in schemes(sig_shape, depth):
                    partitions = ds.partitions(n_partitions)
                    pixels, times, positions = delivered(partitions, scheme, roi, (len(selected), *sig_shape))
                    message = f"{what}, {n_partitions} partitions, depth {depth}"
                    np.testing.assert_array_equal(times[frames >= 0], 1, message)
                    np.testing.assert_array_equal(times[frames < 0], 0, message)
                    np.testing.assert_array_equal(pixels[frames >= 0], stored[frames[frames >= 0]], message)
                    np.testing.assert_array_equal(positions, np.where(frames >= 0, selected, -1), message)


@quiet
@formats
@cases
def test_missing_positions_can_be_delivered_as_zeros(folder: Path, format: str, case: Case) -> None:
    ds = open_case(folder, format, case, missing="zero")
    stored = FRAMES.reshape(N, *ds.shape.sig)
    for what, roi in regions(case):
        selected = np.arange(len(case.frames)) if roi is None else np.flatnonzero(roi)
        frames = case.frames[selected]
        for scheme in schemes(tuple(ds.shape.sig), 5):
            pixels, times, _ = delivered(ds.partitions(3), scheme, roi, (len(selected), *ds.shape.sig))
            np.testing.assert_array_equal(times, 1, what)
            np.testing.assert_array_equal(pixels[frames >= 0], stored[frames[frames >= 0]], what)
            np.testing.assert_array_equal(pixels[frames < 0], 0, what)
    np.testing.assert_array_equal(ds.valid_mask, (case.frames >= 0).reshape(case.nav_shape))


@quiet
@formats
@cases
def test_reading_needs_a_value_for_missing_positions(folder: Path, format: str, case: Case) -> None:
    ds = open_case(folder, format, case)
    stored = FRAMES.reshape(N, *ds.shape.sig)
    expected = np.where((case.frames >= 0).reshape(-1, *(1 for _ in ds.shape.sig)), stored[case.frames], 77)
    np.testing.assert_array_equal(ds.read((), fill=77), expected.reshape(ds.shape))
    for position, frame in zip(np.ndindex(*case.nav_shape), case.frames, strict=True):
        if frame >= 0:
            np.testing.assert_array_equal(ds[position], stored[frame])
        else:
            with pytest.raises(FrameMissingError, match=r"shows no stored frame.*fill=0"):
                ds[position]


@quiet
@cases
def test_counts_are_those_of_the_model(folder: Path, case: Case) -> None:
    ds = open_case(folder, "raw", case)
    counts, frames = ds.frame_map.counts, case.frames
    shown = frames[frames >= 0]
    holes = np.flatnonzero(frames < 0)
    assert counts.frames == N
    assert counts.positions == len(frames)
    assert counts.shown == len(shown)
    assert ds.missing_count == counts.missing == len(holes)
    assert counts.missing_start == np.count_nonzero(holes < np.flatnonzero(frames >= 0)[0])
    assert counts.missing_end == np.count_nonzero(holes > np.flatnonzero(frames >= 0)[0])
    assert counts.skipped_start == shown[0]
    assert counts.ignored_end == N - 1 - shown[-1]
    np.testing.assert_array_equal(ds.valid_mask, (frames >= 0).reshape(case.nav_shape))


@formats
@pytest.mark.parametrize("case", NOTHING_VISIBLE, ids=str)
def test_a_scan_that_shows_nothing_is_refused(folder: Path, format: str, case: Case) -> None:
    told = f"no frame is visible: {N} frames in the file, sync_offset"
    if abs(case.sync_offset) >= 1 << 63:
        told = "sync_offset: must have at most 63 bits"
    with pytest.raises(ParameterError, match=told):
        open_case(folder, format, case)


@quiet
@formats
@cases
def test_a_scan_with_holes_can_be_refused(folder: Path, format: str, case: Case) -> None:
    holes = np.count_nonzero(case.frames < 0)
    if not holes:
        assert open_case(folder, format, case, missing="error").missing_count == 0
        return
    with pytest.raises(FrameMissingError, match=f"{holes} of {len(case.frames)} scan positions have no frame"):
        open_case(folder, format, case, missing="error")


@cases
def test_what_does_not_fit_is_said_once_with_numbers(folder: Path, case: Case, recwarn: Any) -> None:
    open_case(folder, "npy", case)
    missing = np.count_nonzero(case.frames < 0)
    left = N - 1 - case.frames.max()
    told = [str(warning.message) for warning in recwarn if warning.category is LamellaWarning]
    if not missing and not left:
        assert told == []
        return
    (text,) = told
    assert f"{missing} of {len(case.frames)} scan positions have no frame" in text
    assert f"{left} frames at the end are not shown" in text


@quiet
@pytest.mark.parametrize("format", [name for name in FORMATS if name != "memory, indexed"])
def test_partitions_that_travelled_bring_the_same(folder: Path, format: str) -> None:
    case = CASES[6]
    ds = open_case(folder, format, case)
    (scheme, _) = schemes(tuple(ds.shape.sig), 5)
    partitions = ds.partitions(3)
    letters = [pickle.dumps(partition) for partition in partitions]
    assert max(map(len, letters)) < 64 * 1024
    travelled = tuple(pickle.loads(letter) for letter in letters)
    shape = (len(case.frames), *ds.shape.sig)
    for here, there in zip(
        delivered(partitions, scheme, None, shape), delivered(travelled, scheme, None, shape), strict=True
    ):
        np.testing.assert_array_equal(here, there)


def test_a_file_that_announces_an_absurd_scan_is_refused(tmp_path: Path) -> None:
    text = "{'descr': '|u1', 'fortran_order': False, 'shape': (1048576, 1048576, 4, 4)}"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + bytes(500))
    with pytest.raises(CorruptError, match=r"absurd number of scan positions.*Give nav_shape"):
        open_dataset("auto", tmp_path / "a.npy", {})
    with pytest.raises(ParameterError, match=r"absurd for a file of 31 frames.*4294967296.*1000000000000"):
        open_dataset("auto", tmp_path / "a.npy", {"nav_shape": (10**6, 10**6)})
    with pytest.warns(LamellaWarning):
        assert open_dataset("auto", tmp_path / "a.npy", {"nav_shape": (6, 6)}).missing_count == 5
