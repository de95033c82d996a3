"""The shape of a scan comes from whatever knows it best, says where from, and leaves out what is not part of it."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.errors import LamellaWarning, ParameterError
from lamella_mib.timing import find_line_length, line_length
from lamella_mib.writer import Merlin, sidecar_text


def acquisition(directory: Path, n: int, camera: Merlin | None = None, **keys: Any) -> Path:
    """Write ``n`` frames of which every pixel is the number of the frame, and a sidecar if there are ``keys``."""
    frames = np.broadcast_to(np.arange(n, dtype=np.uint16)[:, None, None], (n, 2, 4))
    path = directory / "scan.mib"
    path.write_bytes((camera or Merlin(depth=12)).part(frames))
    names = {
        "frames": "Frames in Acquisition (Number)",
        "trigger": "Frames per Trigger (Number)",
        "x": "ScanX",
        "y": "ScanY",
    }
    if keys:
        (directory / "scan.hdr").write_bytes(sidecar_text({names[key]: value for key, value in keys.items()}))
    return path


def shown(ds: Any) -> list[Any]:
    """The number of the frame at each position, -1 for none."""
    numbers = ds.read((..., 0, 0), fill=65535).astype(int)
    found: list[Any] = np.where(numbers == 65535, -1, numbers).tolist()
    return found


def notes(ds: Any) -> str:
    return "; ".join(ds.info.notes)


def test_scan_x_and_scan_y_are_believed_first(tmp_path: Path) -> None:
    ds = lamella.open(acquisition(tmp_path, 12, x=4, y=3, frames=12, trigger=6))
    assert tuple(ds.shape.nav) == (3, 4)
    assert ds.nav_origin == "sidecar: ScanX and ScanY"
    assert ((2, 6), "sidecar: frames per trigger") in ds.info.nav_alternatives


def test_frames_per_trigger_are_a_line(tmp_path: Path) -> None:
    ds = lamella.open(acquisition(tmp_path, 12, frames=12, trigger=4))
    assert tuple(ds.shape.nav) == (3, 4)
    assert ds.nav_origin == "sidecar: frames per trigger"


@pytest.mark.parametrize("trigger", [1, 16])
def test_one_frame_or_all_frames_per_trigger_say_nothing(tmp_path: Path, trigger: int) -> None:
    ds = lamella.open(acquisition(tmp_path, 16, frames=16, trigger=trigger))
    assert tuple(ds.shape.nav) == (4, 4)
    assert ds.nav_origin == "guess: square number of frames"
    assert ds.info.nav_alternatives == (((16,), "number of frames"),)


@pytest.mark.parametrize("flyback", [5, 20, 5000])
@pytest.mark.parametrize("extension", [True, False])
def test_time_stamps_tell_the_length_of_a_line(tmp_path: Path, flyback: int, extension: bool) -> None:
    camera = Merlin(depth=12, line=5, flyback=flyback, extension=extension)
    ds = lamella.open(acquisition(tmp_path, 25, camera, frames=25))
    assert tuple(ds.shape.nav) == (5, 5)
    assert ds.nav_origin == "guess: time stamps jump every 5 frames"
    ds = lamella.open(acquisition(tmp_path, 30, Merlin(depth=12, line=10, flyback=flyback)))
    assert tuple(ds.shape.nav) == (3, 10)


def test_time_stamps_of_old_software_tell_it_too(tmp_path: Path) -> None:
    camera = Merlin(depth=12, line=4, flyback=300, extension=False, old_dates=True)
    ds = lamella.open(acquisition(tmp_path, 12, camera))
    assert tuple(ds.shape.nav) == (3, 4)
    assert ds.metadata.acquired == "2021-05-07T18:51:10.000000"


def test_what_is_no_square_and_has_no_lines_is_a_series(tmp_path: Path) -> None:
    ds = lamella.open(acquisition(tmp_path, 7))
    assert tuple(ds.shape.nav) == (7,)
    assert ds.nav_origin == "number of frames"


def test_the_user_knows_best(tmp_path: Path) -> None:
    ds = lamella.open(acquisition(tmp_path, 12, x=4, y=3), nav_shape=(2, 2, 3))
    assert shown(ds) == np.arange(12).reshape(2, 2, 3).tolist()
    assert ds.nav_origin == "user"


def test_an_impossible_scan_in_the_sidecar_is_not_believed(tmp_path: Path) -> None:
    ds = lamella.open(acquisition(tmp_path, 4, x=10**8, y=10**8, frames=10**9, trigger=10))
    assert tuple(ds.shape.nav) == (2, 2)
    assert "a scan of (100000000, 100000000), which 4 frames cannot be" in notes(ds)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_an_impossible_number_of_frames_in_the_sidecar_takes_no_memory(tmp_path: Path) -> None:
    camera = Merlin(depth=12, line=4, flyback=100)
    ds = lamella.open(acquisition(tmp_path, 12, camera, frames=999_999_999))
    assert tuple(ds.shape.nav) == (3, 4)
    frames = np.zeros((3, 2, 4), np.uint16)
    (tmp_path / "scan.mib").write_bytes(camera.part(frames, first=5, lost={1: 900_000_000}))
    assert tuple(lamella.open(tmp_path / "scan.mib").shape.nav) == (3,)


# Frames that are not part of the scan.


def test_frames_on_the_way_back_are_left_out(tmp_path: Path) -> None:
    ds = lamella.open(acquisition(tmp_path, 12), nav_shape=(3, 3), flyback=1)
    assert shown(ds) == [[0, 1, 2], [4, 5, 6], [8, 9, 10]]


@pytest.mark.parametrize(
    "keys", [{"x": 3, "y": 3}, {"frames": 12, "trigger": 4}, {"frames": 12, "trigger": 4, "x": 3, "y": 3}]
)
def test_the_way_back_is_left_out_of_lines_that_the_sidecar_knows(tmp_path: Path, keys: dict[str, Any]) -> None:
    assert shown(lamella.open(acquisition(tmp_path, 12, **keys), flyback=1)) == [[0, 1, 2], [4, 5, 6], [8, 9, 10]]


def test_the_way_back_is_left_out_of_guessed_lines(tmp_path: Path) -> None:
    assert shown(lamella.open(acquisition(tmp_path, 12), flyback=1)) == [[0, 1, 2], [4, 5, 6], [8, 9, 10]]
    camera = Merlin(depth=12, line=6, flyback=400)
    assert shown(lamella.open(acquisition(tmp_path, 12, camera), flyback=2)) == [[0, 1, 2, 3], [6, 7, 8, 9]]


def test_a_way_back_without_lines_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="nothing says how long a line of 7 frames is; give nav_shape"):
        lamella.open(acquisition(tmp_path, 7), flyback=1)


def test_the_last_line_needs_no_way_back(tmp_path: Path) -> None:
    assert shown(lamella.open(acquisition(tmp_path, 11), nav_shape=(3, 3), flyback=1))[2] == [8, 9, 10]


@pytest.mark.parametrize("keys", [{"x": 3, "y": 4}, {"x": 3, "y": 4, "frames": 16, "trigger": 4}])
def test_frames_beyond_the_lines_bring_a_hint(tmp_path: Path, keys: dict[str, Any]) -> None:
    with pytest.warns(LamellaWarning):
        ds = lamella.open(acquisition(tmp_path, 16, **keys))
    assert "there are 4 frames for each line of 3: if the others are from the way back, give flyback=1" in notes(ds)


def test_the_scan_may_begin_later(tmp_path: Path) -> None:
    path = acquisition(tmp_path, 14)
    assert shown(lamella.open(path, nav_shape=(3, 3), flyback=1, first_frame=2))[0] == [2, 3, 4]
    assert shown(lamella.open(path, first_frame=5)) == [[5, 6, 7], [8, 9, 10], [11, 12, 13]]
    with pytest.raises(ParameterError, match="frame 14 is none of 14"):
        lamella.open(path, first_frame=14)


@pytest.mark.parametrize("nav_shape", [(2**32 + 1,), (3, 2**31 - 1), (2**30, 5)])
@pytest.mark.parametrize("keys", [{"first_frame": 1}, {"flyback": 1}])
def test_a_scan_far_larger_than_the_file_is_refused_before_anything_is_allocated(
    tmp_path: Path, nav_shape: tuple[int, ...], keys: dict[str, Any]
) -> None:
    path = acquisition(tmp_path, 10)
    tracemalloc.start()
    try:
        with pytest.raises(ParameterError, match="is absurd for a file of"):
            lamella.open(path, nav_shape=nav_shape, **keys)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize(
    ("nav_shape", "keys", "shown"),
    [
        ((2**31 - 1,), {"first_frame": 1}, 9),
        ((2**30, 3), {"first_frame": 1}, 9),
        ((2**31 - 1,), {"flyback": 1}, 10),
        ((2**30, 3), {"flyback": 1}, 8),
    ],
)
def test_a_scan_far_larger_than_the_file_costs_what_the_file_holds(
    tmp_path: Path, nav_shape: tuple[int, ...], keys: dict[str, Any], shown: int
) -> None:
    path = acquisition(tmp_path, 10)
    tracemalloc.start()
    try:
        ds = lamella.open(path, nav_shape=nav_shape, **keys)
        assert ds.frame_map.counts.shown == sum(map(len, ds.partitions())) == shown
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


# Acquisitions that were interrupted.


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_an_interrupted_acquisition_says_so_and_leaves_positions_missing(tmp_path: Path) -> None:
    with pytest.warns(LamellaWarning, match="2 of 12 scan positions have no frame"):
        ds = lamella.open(acquisition(tmp_path, 10, x=4, y=3, frames=12))
    assert shown(ds) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, -1, -1]]
    assert "interrupted acquisition: the sidecar announces 12 frames, the files hold 10" in notes(ds)
    assert "2 of 3 lines are complete; whole_lines=True, or nav_shape=(2, 4), leaves the rest out" in notes(ds)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_an_interrupted_acquisition_may_be_cropped_to_whole_lines(tmp_path: Path) -> None:
    ds = lamella.open(acquisition(tmp_path, 10, x=4, y=3, frames=12), whole_lines=True, missing="error")
    assert shown(ds) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert ds.nav_origin == "sidecar: ScanX and ScanY, complete lines"


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_whole_lines_count_the_way_back(tmp_path: Path) -> None:
    path = acquisition(tmp_path, 11, x=3, y=5, frames=20)
    assert shown(lamella.open(path, whole_lines=True, flyback=1)) == [[0, 1, 2], [4, 5, 6], [8, 9, 10]]


def test_whole_lines_change_nothing_where_all_are_whole(tmp_path: Path) -> None:
    assert tuple(lamella.open(acquisition(tmp_path, 7), whole_lines=True).shape.nav) == (7,)
    assert tuple(lamella.open(acquisition(tmp_path, 12, x=4, y=3), whole_lines=True).shape.nav) == (3, 4)


def test_whole_lines_that_contradict_other_parameters_are_refused(tmp_path: Path) -> None:
    path = acquisition(tmp_path, 10)
    with pytest.raises(ParameterError, match=r"2 lines are complete: give nav_shape=\(2, 4\)"):
        lamella.open(path, nav_shape=(3, 4), whole_lines=True)
    with pytest.raises(ParameterError, match="10 frames are less than a line of 11"):
        lamella.open(acquisition(tmp_path, 10, x=11, y=3), whole_lines=True)


def test_lost_frames_keep_their_place_among_lines(tmp_path: Path) -> None:
    path = acquisition(tmp_path, 11)
    camera = Merlin(depth=12)
    frames = np.broadcast_to(np.arange(11, dtype=np.uint16)[:, None, None], (11, 2, 4))
    path.write_bytes(camera.part(frames, lost={5: 1}))
    with pytest.warns(LamellaWarning):
        ds = lamella.open(path, nav_shape=(3, 3), flyback=1)
    assert shown(ds) == [[0, 1, 2], [4, -1, 5], [7, 8, 9]]


# Time stamps.


def stamps(lines: int, width: int, step: float, back: float, noise: float = 0.0, seed: int = 0) -> NDArray[np.int64]:
    steps = np.full(lines * width, step) + np.random.default_rng(seed).normal(size=lines * width) * noise
    steps[width::width] += back
    return np.cumsum(steps).astype(np.int64)


@pytest.mark.parametrize("width", [2, 3, 16, 256])
@pytest.mark.parametrize(("step", "back", "noise"), [(1e6, 2e6, 0), (1e8, 2e4, 10), (1e4, 1e6, 100), (1e6, 5e5, 1e4)])
def test_jumps_at_equal_distances_are_lines(width: int, step: float, back: float, noise: float) -> None:
    times = stamps(9, width, step, back, noise)
    found = find_line_length(times.size, lambda count: times[:count])
    assert found == width


@pytest.mark.parametrize(
    "times",
    [
        stamps(1, 500, 1e6, 0),
        stamps(1, 500, 1e6, 0, 1e3),
        np.delete(stamps(1, 500, 1e6, 0), [77]),
        np.delete(stamps(8, 50, 1e6, 2e6), [77, 78]),
        np.zeros(20, np.int64),
        np.array([], np.int64),
        np.array([1, 2], np.int64),
    ],
)
def test_other_jumps_are_no_lines(times: NDArray[np.int64]) -> None:
    assert find_line_length(times.size, lambda count: times[:count]) is None


def test_only_as_many_time_stamps_are_read_as_it_takes() -> None:
    times = stamps(4000, 100, 1e6, 1e5)
    asked: list[int] = []

    def some(count: int) -> NDArray[np.int64]:
        asked.append(count)
        return times[:count]

    assert find_line_length(times.size, some) == 100
    assert max(asked) < 500
    asked.clear()
    times = stamps(1, 100_000, 1e6, 0)
    assert find_line_length(times.size, some) is None
    assert sum(asked) < 6000


def test_a_single_jump_counts_only_if_it_halves_the_frames() -> None:
    assert line_length(stamps(2, 4, 1e6, 1e5)) == 4
    times = stamps(2, 4, 1e6, 1e5)[:-1]
    assert find_line_length(times.size, lambda count: times[:count]) is None
