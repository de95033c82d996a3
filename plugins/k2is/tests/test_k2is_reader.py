"""Reading K2 IS data: blocks, sectors, the shutter, scans and time series."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

import lamella
from lamella.errors import (
    CorruptError,
    FormatError,
    FrameMissingError,
    LamellaWarning,
    NoFormatError,
    ParameterError,
    TruncatedError,
)
from lamella.opening.open import open_dataset
from lamella.plugins.registry import default_registry
from lamella.reader import Probe
from lamella.udf import ApplyMasksUDF, SumSigUDF, SumUDF
from lamella_k2is.writer import gtg_bytes, write_recording
from lamella_testkit.limits import bytes_read

HEIGHT, WIDTH = 1860, 2048
BASE = "Capture52_"


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 1 << 12, (4, HEIGHT, WIDTH), dtype=np.uint16)


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory, frames: np.ndarray) -> Path:
    """The folder of a scan of (1, 3) that begins with frame 1; not to be changed."""
    folder = tmp_path_factory.mktemp("k2is")
    write_recording(
        folder,
        frames,
        flagged_from=2,
        before=[0, 5, 3, 7, 31, 1, 0, 2],
        behind=[9, 8, 0, 3, 2, 31, 6, 1],
        partial=[0, 1, 22359, 40, 4, 3, 5000, 0],
        gtg=gtg_bytes((1, 3)),
    )
    return folder


@pytest.fixture
def copy(scan: Path, tmp_path: Path) -> Path:
    """The same scan, which may be changed."""
    shutil.copytree(scan, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize("name", [f"{BASE}.gtg", f"{BASE}1.bin", f"{BASE}8.bin"])
def test_any_file_of_the_set_opens_all_of_it(scan: Path, frames: np.ndarray, name: str) -> None:
    ds = lamella.open(scan / name)
    assert ds.format == "k2is"
    assert ds.shape == (1, 3, HEIGHT, WIDTH)
    assert ds.nav_origin == "sidecar .gtg"
    assert ds.frame_map.sync_offset == 1
    np.testing.assert_array_equal(ds[0], frames[1:])


def test_opening_reads_some_headers_only(scan: Path) -> None:
    before = bytes_read()
    if before is None:
        pytest.skip("this platform does not count what is read")
    open_dataset("k2is", scan / f"{BASE}1.bin", {})
    assert (bytes_read() or 0) - before < 400_000  # four sectors begin within a block, which has to be searched


@pytest.mark.parametrize("backend", ["mmap", "buffered"])
@pytest.mark.parametrize(
    "box",
    [
        (slice(0, 930), slice(0, 64)),
        (slice(0, 1860), slice(240, 272)),
        (slice(929, 931), slice(255, 257)),
        (slice(7, 1801), slice(100, 777)),
        (slice(930, 1860), slice(2040, 2048)),
        (slice(1859, 1860), slice(2047, 2048)),
        (slice(0, 1), slice(0, 2048)),
    ],
)
def test_any_part_of_a_frame_can_be_read(
    scan: Path, frames: np.ndarray, box: tuple[slice, slice], backend: str
) -> None:
    ds = lamella.open(scan / f"{BASE}.gtg", io_backend=backend)
    np.testing.assert_array_equal(ds[(0, slice(None), *box)], frames[(slice(1, 4), *box)])


def test_frames_are_read_in_any_order(scan: Path, frames: np.ndarray) -> None:
    ds = lamella.open(scan / f"{BASE}.gtg")
    np.testing.assert_array_equal(ds[0, ::-1, 1000, :], frames[:0:-1, 1000])


def test_reference_pixels_can_be_left_out(scan: Path, frames: np.ndarray) -> None:
    ds = lamella.open(scan / f"{BASE}.gtg", crop_active=True)
    assert ds.shape.sig == (1792, 1920)
    np.testing.assert_array_equal(ds[0, 1], frames[2, :1792, :1920])


@pytest.mark.parametrize("crop", [False, True])
@pytest.mark.parametrize("backend", ["mmap", "buffered"])
def test_sums_are_those_of_the_pixels(scan: Path, frames: np.ndarray, crop: bool, backend: str) -> None:
    ds = lamella.open(scan / f"{BASE}.gtg", crop_active=crop, io_backend=backend)
    shown = frames[1:, :1792, :1920] if crop else frames[1:]
    mask = np.random.default_rng(1).random(shown.shape[1:])
    with lamella.Context("inline") as ctx:
        udfs = [SumUDF(), SumSigUDF(), ApplyMasksUDF([mask])]
        total, pixels, weighed = ctx.run_udf(ds, udfs)
        some = ctx.run_udf(ds, SumUDF(), roi=np.array([[True, False, True]]))
    np.testing.assert_array_equal(total["intensity"].data, shown.sum(axis=0, dtype=np.int64))
    np.testing.assert_array_equal(pixels["intensity"].raw_data, shown.sum(axis=(1, 2), dtype=np.int64))
    np.testing.assert_allclose(weighed["intensity"].raw_data[:, 0], (shown * mask).sum(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_array_equal(some["intensity"].data, shown[[0, 2]].sum(axis=0, dtype=np.int64))


def test_tiles_follow_blocks(scan: Path) -> None:
    boxes = lamella.open(scan / f"{BASE}.gtg").scheme().boxes
    assert all(box.origin[0] in (0, 930) and box.shape[0] == 930 for box in boxes)
    assert all(box.origin[1] % 16 == 0 and box.shape[1] % 16 == 0 for box in boxes)


def test_metadata_comes_from_the_tags(scan: Path) -> None:
    ds = lamella.open(scan / f"{BASE}1.bin")
    assert ds.metadata.beam_energy == 300e3
    assert ds.metadata.camera_length == pytest.approx(0.8)
    assert ds.metadata.exposure_time == pytest.approx(1 / 400)
    assert ds.raw_metadata["tags"]["SI Dimensions"] == {"Size X": 3, "Size Y": 1}
    assert ds.diagnostics["scan without flyback"] == [1, 2]
    assert [one["blocks before the first frame"] for one in ds.diagnostics["sectors"]] == [0, 5, 3, 7, 31, 1, 0, 2]


def test_headers_are_read_on_request(scan: Path) -> None:
    ds = lamella.open(scan / f"{BASE}1.bin")
    np.testing.assert_array_equal(ds.per_frame("frame id"), [59, 60, 61, 62])
    np.testing.assert_array_equal(ds.per_frame("shutter"), [False, False, True, True])


def test_pickled_data_sets_read_the_same(scan: Path) -> None:
    ds = lamella.open(scan / f"{BASE}1.bin")
    again = pickle.loads(pickle.dumps(ds))
    np.testing.assert_array_equal(again[0, 0], ds[0, 0])
    source = pickle.loads(pickle.dumps(ds.source))
    assert source.n_frames == 4


# Where the scan begins.


def test_a_scan_begins_one_frame_before_the_flag(tmp_path: Path, frames: np.ndarray) -> None:
    path = write_recording(tmp_path, frames, flagged_from=1, gtg=gtg_bytes((2, 2)))
    ds = lamella.open(path)
    assert ds.frame_map.sync_offset == 0
    assert ds.missing_count == 0


def test_a_scan_with_an_open_shutter_from_the_beginning_misses_its_first_frame(
    tmp_path: Path, frames: np.ndarray
) -> None:
    path = write_recording(tmp_path, frames, gtg=gtg_bytes((1, 5)))
    with pytest.warns(LamellaWarning, match="1 of 5 scan positions have no frame"):
        ds = lamella.open(path)
    assert ds.valid_mask.tolist() == [[False, True, True, True, True]]
    assert any("may have begun before" in note for note in ds.info.notes)


def test_the_beginning_can_be_given(scan: Path, frames: np.ndarray) -> None:
    ds = lamella.open(scan / f"{BASE}1.bin", sync_offset=0, nav_shape=(4,))
    np.testing.assert_array_equal(ds[:, 0], frames[:, 0])


def test_the_first_frame_can_be_given(scan: Path, frames: np.ndarray) -> None:
    with pytest.warns(LamellaWarning, match="1 frame at the end is not shown"):
        ds = lamella.open(scan / f"{BASE}1.bin", first_frame=0)
    np.testing.assert_array_equal(ds[0, :, 0], frames[:3, 0])
    with pytest.raises(ParameterError, match="frame 4 is none of 4"):
        lamella.open(scan / f"{BASE}1.bin", first_frame=4, mode="series")


# Columns in which the beam goes back.


@pytest.fixture
def lines(tmp_path: Path, frames: np.ndarray) -> Path:
    """A scan of 2 lines with 3 positions, the last of which is on the way back; frame 1 lost a block."""
    six = frames[[0, 1, 2, 3, 1, 0]]
    return write_recording(tmp_path, six, flagged_from=1, gtg=gtg_bytes((2, 3)), lost={4: [40]})


def test_columns_of_the_way_back_are_kept_unless_one_says_so(lines: Path) -> None:
    with pytest.warns(LamellaWarning, match="1 of 6"):
        assert lamella.open(lines).shape.nav == (2, 3)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_columns_of_the_way_back_can_be_left_out(lines: Path, frames: np.ndarray) -> None:
    with pytest.warns(LamellaWarning, match="1 of 4"):
        ds = lamella.open(lines, drop_flyback=True)
    assert ds.shape.nav == (2, 2)
    assert ds.nav_origin == "sidecar .gtg, without flyback columns"
    assert ds.valid_mask.tolist() == [[True, False], [True, True]]
    np.testing.assert_array_equal(ds[1, :, 0], frames[[3, 1], 0])
    with pytest.raises(FrameMissingError):
        _ = ds[0, 1]


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_lines_begin_where_the_scan_begins(lines: Path, frames: np.ndarray) -> None:
    with pytest.warns(LamellaWarning, match="1 of 4"):
        ds = lamella.open(lines, drop_flyback=True, first_frame=-1, lost_blocks="zero")
    assert ds.valid_mask.tolist() == [[False, True], [True, True]]
    np.testing.assert_array_equal(ds[1, :, 0], frames[[2, 3], 0])
    with pytest.warns(LamellaWarning, match="2 frames at the end are not shown"):
        ds = lamella.open(lines, drop_flyback=True, first_frame=2, nav_shape=(2,))
    np.testing.assert_array_equal(ds[:, 0], frames[[2, 3], 0])


def test_columns_that_nobody_counts_cannot_be_left_out(lines: Path) -> None:
    tags = lines.with_name(f"{BASE}.gtg")
    tags.write_bytes(gtg_bytes((2, 3), flyback=7))
    with pytest.raises(ParameterError, match=r"which columns of \(2, 3\) they are: it says \(2, -4\) without them"):
        lamella.open(lines, drop_flyback=True)
    tags.unlink()
    with pytest.raises(ParameterError, match=r"drop_flyback: there is no \.gtg file of a scan"):
        lamella.open(lines, drop_flyback=True)


def test_lost_frames_stay_missing_in_every_shape(lines: Path) -> None:
    with pytest.warns(LamellaWarning):
        ds = lamella.open(lines, nav_shape=(3,))
    assert ds.valid_mask.tolist() == [True, False, True]


def test_a_time_series_begins_with_the_flag(tmp_path: Path, frames: np.ndarray) -> None:
    path = write_recording(tmp_path, frames, flagged_from=1, flagged_to=3, gtg=gtg_bytes(None))
    with pytest.warns(LamellaWarning, match="1 frame at the end is not shown"):
        ds = lamella.open(path)
    assert ds.shape.nav == (2,)
    np.testing.assert_array_equal(ds[:, 5], frames[1:3, 5])
    assert ds.nav_origin == "frames with the shutter flag"


def test_without_a_flag_every_frame_is_shown(tmp_path: Path, frames: np.ndarray) -> None:
    path = write_recording(tmp_path, frames, flagged_from=9)
    ds = lamella.open(path)
    assert ds.shape.nav == (4,)
    assert any("never appears" in note for note in ds.info.notes)


def test_a_single_frame_is_a_recording(tmp_path: Path, frames: np.ndarray) -> None:
    ds = lamella.open(write_recording(tmp_path, frames[:1]))
    np.testing.assert_array_equal(ds[0], frames[0])


def test_without_tags_a_scan_can_still_be_named(copy: Path, frames: np.ndarray) -> None:
    (copy / f"{BASE}.gtg").unlink()
    series = lamella.open(copy / f"{BASE}1.bin")
    assert series.shape.nav == (2,)
    assert any("give mode='stem'" in note for note in series.info.notes)
    ds = lamella.open(copy / f"{BASE}1.bin", mode="stem", nav_shape=(1, 3))
    np.testing.assert_array_equal(ds[0, :, 7], frames[1:, 7])


def test_squares_are_suggested(tmp_path: Path, frames: np.ndarray) -> None:
    ds = lamella.open(write_recording(tmp_path, frames))
    assert ds.info.nav_alternatives[0] == ((2, 2), "guess: number of frames")


# Sets of files.


def test_absent_sectors_are_named(copy: Path) -> None:
    for number in (2, 7):
        (copy / f"{BASE}{number}.bin").unlink()
    with pytest.raises(FormatError, match=f"2 of the 8 sectors are not beside it; expected {BASE}2.bin, {BASE}7.bin"):
        lamella.open(copy / f"{BASE}.gtg")


def test_other_names_are_refused(copy: Path) -> None:
    (copy / f"{BASE}1.bin").rename(copy / "first.bin")
    with pytest.raises(FormatError, match="a name that ends in"):
        open_dataset("k2is", copy / "first.bin", {})


def test_two_names_for_one_sector_are_an_error(copy: Path) -> None:
    shutil.copy(copy / f"{BASE}3.bin", copy / f"{BASE}3.BIN")
    if len(list(copy.glob(f"{BASE}3.*"))) == 1:
        pytest.skip("file names have no case here")
    with pytest.raises(FormatError, match="two files claim to be sector 3"):
        lamella.open(copy / f"{BASE}1.bin")


def test_neighbours_are_left_alone(copy: Path, frames: np.ndarray) -> None:
    for name in (f"{BASE}9.bin", f"{BASE}0.bin", f"x{BASE}1.bin", f"{BASE}11.bin", f"{BASE}1.bin.txt"):
        (copy / name).write_bytes(b"something else")
    np.testing.assert_array_equal(lamella.open(copy / f"{BASE}2.bin")[0, 0, 0], frames[1, 0])


def test_links_that_leave_the_folder_are_not_followed(copy: Path, tmp_path: Path) -> None:
    (copy / f"{BASE}8.bin").rename(tmp_path / "elsewhere.bin")
    (copy / f"{BASE}8.bin").symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(FormatError, match=f"expected {BASE}8.bin"):
        lamella.open(copy / f"{BASE}1.bin")


# Files that are no sectors.


def test_other_binary_files_are_not_taken(tmp_path: Path) -> None:
    for number in range(1, 9):
        (tmp_path / f"scan{number}.bin").write_bytes(bytes(50_000))
    with pytest.raises(FormatError, match="there is no block header"):
        open_dataset("k2is", tmp_path / "scan1.bin", {})
    assert default_registry().get("k2is").reader().detect(Probe.of(tmp_path / "scan1.bin")) is None


def test_a_text_file_called_gtg_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "notes.gtg").write_text("nothing")
    with pytest.raises((FormatError, NoFormatError)):
        lamella.open(tmp_path / "notes.gtg")


@pytest.mark.parametrize("length", [0, 39, 22359])
def test_files_without_a_block_are_refused(copy: Path, length: int) -> None:
    path = copy / f"{BASE}4.bin"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(TruncatedError, match="no complete block"):
        lamella.open(copy / f"{BASE}1.bin")


def test_tags_that_cannot_be_right_are_refused(copy: Path) -> None:
    (copy / f"{BASE}.gtg").write_bytes(gtg_bytes((1 << 20, 1 << 20)))
    with pytest.raises(CorruptError, match="absurd number of scan positions"):
        lamella.open(copy / f"{BASE}1.bin")
    (copy / f"{BASE}.gtg").write_bytes(gtg_bytes((0, -1)))
    with pytest.raises(CorruptError, match="SI Dimensions cannot be right"):
        lamella.open(copy / f"{BASE}1.bin")


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize("drop_flyback", [False, True])
def test_tags_may_announce_far_more_than_was_recorded(copy: Path, drop_flyback: bool) -> None:
    recorded = lamella.open(copy / f"{BASE}1.bin", mode="series").frame_map.n_frames
    (copy / f"{BASE}.gtg").write_bytes(gtg_bytes((1 << 17, 2)))
    ds = lamella.open(copy / f"{BASE}.gtg", drop_flyback=drop_flyback)
    assert tuple(ds.shape.nav) == (1 << 17, 1 if drop_flyback else 2)
    assert 0 < sum(map(len, ds.partitions())) <= recorded
    assert ds.info.index is None or len(ds.info.index) <= recorded


def test_damaged_tags_are_an_error_with_a_way_out(copy: Path) -> None:
    (copy / f"{BASE}.gtg").write_bytes(b"\0\0\0\x03 and so on")
    with pytest.raises(CorruptError, match="Move the file elsewhere to open the sectors without it"):
        lamella.open(copy / f"{BASE}1.bin")
