"""Streams of all kinds are read as they were written, whichever part is opened, and damaged ones say what is wrong."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from numpy.typing import NDArray

from lamella.errors import CorruptError, FormatError, LamellaWarning, ParameterError, TruncatedError, UnsupportedError
from lamella.opening.open import open_dataset
from lamella.reader import Confidence, Probe
from lamella_tvips.params import TvipsParams
from lamella_tvips.reader import TvipsReader
from lamella_tvips.writer import frame_headers, stream_parts


def frames(n: int = 12, shape: tuple[int, int] = (5, 7), dtype: str = "u2") -> NDArray[Any]:
    return (np.arange(n * np.prod(shape)).reshape(n, *shape) % 60000).astype(dtype)


def write(folder: Path, data: NDArray[Any], headers: list[bytes] | None = None, **kind: Any) -> list[Path]:
    """Write all parts of a stream."""
    if "first" in kind:
        kind["largest"] = 256 + kind.pop("first") * (len((headers or frame_headers(1))[0]) + data[0].nbytes)
    paths = []
    for number, part in enumerate(stream_parts(data, headers or frame_headers(len(data)), **kind)):
        paths.append(folder / f"rec_{number:03d}.tvips")
        paths[-1].write_bytes(part)
    return paths


def open_auto(path: Path, **keywords: Any) -> Any:
    return open_dataset("auto", path, keywords)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8"])
@pytest.mark.parametrize(("version", "nbytes"), [(1, 12), (2, 12), (2, 60), (2, 76), (2, 108), (2, 300), (2, 77)])
def test_both_versions_are_read_with_frame_headers_of_any_length(
    tmp_path: Path, version: int, nbytes: int, dtype: str
) -> None:
    data = frames(dtype=dtype)
    (path,) = write(tmp_path, data, frame_headers(12, nbytes=nbytes), version=version)
    ds = open_auto(path)
    assert (ds.shape, ds.dtype) == ((12, 5, 7), data.dtype)
    np.testing.assert_array_equal(np.asarray(ds), data)
    np.testing.assert_array_equal(ds[3, 1:4, 2:6], data[3, 1:4, 2:6])
    json.dumps([ds.raw_metadata, ds.metadata.to_json(), ds.diagnostics], allow_nan=False)


@pytest.mark.parametrize("backend", ["mmap", "buffered", "direct"])
@pytest.mark.parametrize("part", [0, 1, 2])
def test_any_part_opens_all(tmp_path: Path, part: int, backend: str) -> None:
    data = frames()
    paths = write(tmp_path, data, first=5)
    (tmp_path / "rec_0000.tvips").write_bytes(b"")
    (tmp_path / "rec_000.tvips.bak").write_bytes(b"")
    ds = open_auto(paths[part], io_backend=backend, nav_shape=(3, 4))
    np.testing.assert_array_equal(np.asarray(ds), data.reshape(3, 4, 5, 7))
    assert ds.diagnostics["frames per part"] == [5, 6, 1]


def test_a_renamed_single_file_opens(tmp_path: Path) -> None:
    (path,) = write(tmp_path, frames())
    np.testing.assert_array_equal(np.asarray(open_auto(path.rename(tmp_path / "mine.dat"))), frames())


def test_frame_headers_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    (path,) = write(tmp_path, frames(), frame_headers(12, nbytes=60, counter=100, rotator=np.arange(12)))
    ds = open_auto(path, scan="none")
    np.testing.assert_array_equal(ds.per_frame("counter"), 100 + np.arange(12))
    np.testing.assert_allclose(ds.per_frame("time"), np.arange(12) / 100)
    assert ds.per_frame("acquired")[1] == np.datetime64("2020-06-23T08:02:37.260", "ns")
    np.testing.assert_array_equal(ds.per_frame("rotator"), np.arange(12))
    assert ds.per_frame("stage_beta")[0] == -20
    assert "temperature_setpoint" in ds.info.per_frame
    assert "heating_power" not in ds.info.per_frame
    assert "scan_x" not in ds.info.per_frame


def test_metadata_is_typed(tmp_path: Path) -> None:
    (path,) = write(tmp_path, frames(), frame_headers(12, mode=1))
    ds = open_auto(path)
    assert ds.metadata.to_json() == {
        "acquired": "2020-06-23T08:02:37.250000+00:00",
        "detector": "TVIPS",
        "mode": "imaging",
        "beam_energy": 200000.0,
        "magnification": 80.0,
        "detector_pixel_pitch": pytest.approx(15.5e-6),
    }
    assert [axis.units for axis in ds.axes] == [None] * 3
    assert ds.raw_metadata["series_header"]["binning_x"] == 2


@pytest.mark.parametrize(("mode", "units"), [(1, "nm"), (2, "1/nm")])
def test_streams_of_hyperspy_are_calibrated(tmp_path: Path, mode: int, units: str) -> None:
    (path,) = write(tmp_path, frames(), frame_headers(12, mode=mode), writer=b"HYPERSPY ", pixel_size=3)
    assert [(axis.scale, axis.units) for axis in open_auto(path).axes[1:]] == [(3, units)] * 2


def grid(shape: tuple[int, int], before: int = 0, after: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give x and y of a scan; the beam waits at the origin before it, and at the end after it."""
    y, x = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    return np.pad(x, (before, after), "edge"), np.pad(y, (before, after), "edge")


@pytest.mark.parametrize("nbytes", [76, 108])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (3, 0), (5, 2), (4, 9)])
@pytest.mark.parametrize("first", [100, 2, 5])
def test_scan_positions_give_shape_and_offset(tmp_path: Path, before: int, after: int, nbytes: int, first: int) -> None:
    x, y = grid((3, 4), before, after)
    data = frames(len(x))
    paths = write(tmp_path, data, frame_headers(len(x), nbytes=nbytes, scan_x=x, scan_y=y), first=first)
    with pytest.warns(LamellaWarning) if after else nothing():
        ds = open_auto(paths[-1])
    assert (ds.shape.nav, ds.frame_map.sync_offset, ds.nav_origin) == ((3, 4), before, "scan positions")
    np.testing.assert_array_equal(np.asarray(ds), data[before : before + 12].reshape(3, 4, 5, 7))


def nothing() -> Any:
    from contextlib import nullcontext

    return nullcontext()


def test_an_aborted_scan_misses_its_end_even_if_the_camera_went_on(tmp_path: Path) -> None:
    x, y = (np.append(values[:10], [0, 0, 0, 0]) for values in grid((3, 4)))
    data = frames(14)
    (path,) = write(tmp_path, data, frame_headers(14, scan_x=x, scan_y=y))
    with pytest.warns(LamellaWarning, match="2 of 12"):
        ds = open_auto(path)
    assert not ds.valid_mask[2, 2:].any()
    np.testing.assert_array_equal(ds[:2], data[:8].reshape(2, 4, 5, 7))


def test_positions_put_lost_repeated_and_backward_frames_right(tmp_path: Path) -> None:
    x, y = np.array([0, 0, 1, 2, 2, 2, 0, 0, 1, 2]), np.array([0, 0, 0, 0, 0, 1, 1, 2, 2, 2])
    data = frames(10)
    (path,) = write(tmp_path, data, frame_headers(10, scan_x=x, scan_y=y))
    shown = {"first": [1, 2, 3, 6, -1, 5, 7, 8, 9], "last": [1, 2, 4, 6, -1, 5, 7, 8, 9]}
    for repeat, wanted in shown.items():
        with pytest.warns(LamellaWarning, match="1 of 9"):
            ds = open_auto(path, repeat=repeat)
        assert ds.info.index.tolist() == wanted
        assert any("do not follow" in note for note in ds.info.notes)
        np.testing.assert_array_equal(ds[1, 0], data[6])
    assert open_auto(path, fill="nearest").info.index.tolist() == [1, 2, 3, 6, 6, 5, 7, 8, 9]


def test_a_scan_position_that_is_no_number_is_none(tmp_path: Path) -> None:
    x, y = grid((3, 4))
    x[5] = 54321
    (path,) = write(tmp_path, frames(12), frame_headers(12, scan_x=x, scan_y=y))
    signalling = (0x7FA00000).to_bytes(4, "little")  # NaN of the kind that arithmetic complains about
    path.write_bytes(path.read_bytes().replace(struct.pack("<f", 54321), signalling))
    with pytest.warns(LamellaWarning, match="1 of 12"):
        ds = open_auto(path)
    assert ds.info.index.tolist() == [0, 1, 2, 3, 4, -1, 6, 7, 8, 9, 10, 11]


@pytest.mark.parametrize(
    ("rotator", "first", "size"),
    [([0, 0, *range(1, 10), 0, 0], 2, 9), (range(1, 10), 0, 9), ([0, *range(1, 5)], 1, 4)],
)
def test_a_square_number_of_rotator_indices_is_a_scan(tmp_path: Path, rotator: Any, first: int, size: int) -> None:
    rotator = list(rotator)
    data = frames(len(rotator))
    (path,) = write(tmp_path, data, frame_headers(len(rotator), nbytes=60, rotator=rotator))
    with pytest.warns(LamellaWarning) if len(rotator) > first + size else nothing():
        ds = open_auto(path)
    side = int(size**0.5)
    assert (ds.shape.nav, ds.frame_map.sync_offset, ds.nav_origin) == ((side, side), first, "rotator index")
    np.testing.assert_array_equal(np.asarray(ds).reshape(-1, 5, 7), data[first : first + size])


def test_rotator_indices_tell_repeated_and_missing_points(tmp_path: Path) -> None:
    (path,) = write(tmp_path, frames(7), frame_headers(7, nbytes=60, rotator=[1, 3, 3, 4, 5, 5, 9]))
    with pytest.warns(LamellaWarning, match="4 of 9"):
        assert open_auto(path).info.index.tolist() == [0, -1, 1, 3, 4, -1, -1, -1, 6]
    assert open_auto(path, fill="nearest").info.index.tolist() == [0, 0, 1, 3, 4, 5, 5, 5, 6]
    nearest = open_auto(path, fill="nearest", repeat="last")
    assert nearest.info.index.tolist() == [0, 0, 2, 3, 5, 5, 5, 5, 6]
    np.testing.assert_array_equal(nearest[0, 1], frames(7)[0])


def test_other_rotator_counts_need_a_scan_shape(tmp_path: Path) -> None:
    data = frames(15)
    (path,) = write(tmp_path, data, frame_headers(15, nbytes=60, rotator=[0, 0, *range(1, 13), 0]))
    ds = open_auto(path)
    assert ds.shape.nav == (15,)
    assert ds.info.notes == ("the rotator index would give a scan of (12,) from frame 2",)
    assert ((12,), "rotator index") in ds.info.nav_alternatives
    with pytest.warns(LamellaWarning):
        ds = open_auto(path, nav_shape=(3, 4), scan="rotator")
    np.testing.assert_array_equal(np.asarray(ds), data[2:14].reshape(3, 4, 5, 7))
    with pytest.warns(LamellaWarning):
        assert open_auto(path, scan="rotator").shape.nav == (12,)


@pytest.mark.parametrize(
    ("winding", "hysteresis", "wanted"),
    [
        ("x", 0, [[5, 4, 3, 2], [6, 7, 8, 9], [13, 12, 11, 10]]),
        ("x", 1, [[2, 5, 4, 3], [6, 7, 8, 9], [10, 13, 12, 11]]),
        ("x", -1, [[4, 3, 2, 5], [6, 7, 8, 9], [12, 11, 10, 13]]),
        ("y", 0, [[10, 3, 12, 5], [6, 7, 8, 9], [2, 11, 4, 13]]),
        ("y", 1, [[2, 3, 4, 5], [10, 7, 12, 9], [6, 11, 8, 13]]),
    ],
)
def test_winding_scans_are_straightened(tmp_path: Path, winding: str, hysteresis: int, wanted: Any) -> None:
    data = frames(16)
    (path,) = write(tmp_path, data, frame_headers(16, nbytes=60))
    ds = open_auto(path, nav_shape=(3, 4), first_frame=2, winding=winding, hysteresis=hysteresis)
    np.testing.assert_array_equal(np.asarray(ds), data[np.array(wanted)])


def test_a_winding_scan_that_ends_early_misses_positions(tmp_path: Path) -> None:
    (path,) = write(tmp_path, frames(10), frame_headers(10, nbytes=60))
    with pytest.warns(LamellaWarning, match="2 of 12"):
        ds = open_auto(path, nav_shape=(3, 4), winding="x")
    assert ds.info.index.reshape(3, 4)[2].tolist() == [-1, -1, 9, 8]


def test_scan_positions_go_before_the_rotator(tmp_path: Path) -> None:
    x, y = grid((3, 4), 1)
    told: dict[str, Any] = {"scan_x": x, "scan_y": y, "rotator": [0, 1, 2, 4, *range(5, 14)]}
    (path,) = write(tmp_path, frames(13), frame_headers(13, **told))
    ds = open_auto(path)
    assert (ds.shape.nav, ds.nav_origin) == ((3, 4), "scan positions")
    assert ds.info.notes == ("the rotator index would give a scan of (13,) from frame 1",)
    with pytest.warns(LamellaWarning):
        assert open_auto(path, scan="rotator").info.index.tolist() == [1, 2, -1, *range(3, 13)]


def test_a_scan_shape_of_the_user_keeps_the_start_of_the_scan(tmp_path: Path) -> None:
    x, y = grid((3, 4), 3)
    (path,) = write(tmp_path, frames(15), frame_headers(15, scan_x=x, scan_y=y))
    ds = open_auto(path, nav_shape=(4, 3))
    assert (ds.frame_map.sync_offset, ds.nav_origin) == (3, "user")
    with pytest.warns(LamellaWarning):
        ds = open_auto(path, nav_shape=(2, 4))
    assert ds.frame_map.sync_offset == 3
    assert ds.info.notes == ("the scan positions would give a scan of (3, 4) from frame 3",)
    ds = open_auto(path, first_frame=1)
    assert (ds.shape.nav, ds.frame_map.sync_offset) == ((14,), 1)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize("kept", [0, 1, 2, 4])
@pytest.mark.parametrize("part", [0, 1])
def test_a_part_that_lost_whole_frames_is_noticed(tmp_path: Path, part: int, kept: int) -> None:
    data = frames(15)
    paths = write(tmp_path, data, first=6)
    start = 0 if part else 256
    paths[part].write_bytes(paths[part].read_bytes()[: start + kept * 146])
    with pytest.raises(TruncatedError, match="trust_parts") as caught:
        open_auto(paths[2])
    assert caught.value.path == str(paths[part])
    ds = open_auto(paths[2], trust_parts=True)
    lost = range(kept, 6) if part == 0 else range(6 + kept, 13)
    np.testing.assert_array_equal(np.asarray(ds), np.delete(data, lost, axis=0))


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_frames_that_the_camera_lost_between_full_parts_are_noted_only(tmp_path: Path) -> None:
    headers = [*frame_headers(13), *frame_headers(9, counter=20)]
    paths = write(tmp_path, frames(22), headers, first=6)
    assert "7 frames were not stored" in open_auto(paths[0]).info.notes[0]


def test_parts_may_hold_different_numbers_of_frames(tmp_path: Path) -> None:
    data = frames()
    paths = write(tmp_path, data, first=4)
    paths[1].write_bytes(paths[1].read_bytes() + paths[2].read_bytes())
    paths[2].unlink()
    np.testing.assert_array_equal(np.asarray(open_auto(paths[0])), data)


def test_pixels_are_never_taken_for_scan_positions(tmp_path: Path) -> None:
    x, y = grid((2, 4))
    data = np.zeros((8, 1, 40), "u2")
    data[:, 0, 4:6] = x.astype("<f4").view("<u2").reshape(8, 2)  # where F = 76 would have them
    data[:, 0, 6:8] = y.astype("<f4").view("<u2").reshape(8, 2)
    (path,) = write(tmp_path, data, frame_headers(8, nbytes=60))
    assert open_auto(path).shape.nav == (8,)
    assert "scan_x" not in open_auto(path).info.per_frame


def test_tiny_frames_at_the_end_are_not_read_over(tmp_path: Path) -> None:
    (path,) = write(tmp_path, frames(4, (1, 1)), frame_headers(4, nbytes=108))
    assert open_auto(path).shape == (4, 1, 1)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_dropped_frames_are_noted(tmp_path: Path) -> None:
    headers = frame_headers(12)
    headers[-1] = struct.pack("<I", 14) + headers[-1][4:]
    (path,) = write(tmp_path, frames(), headers)
    assert open_auto(path).info.notes == ("3 frames were not stored, if the counter of the frames is right",)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_cut_last_part_opens_as_far_as_it_goes(tmp_path: Path) -> None:
    paths = write(tmp_path, frames(), first=5)
    paths[2].write_bytes(paths[2].read_bytes()[:-30])
    ds = open_auto(paths[0])
    assert ds.shape.nav == (11,)
    assert ds.info.notes == (f"{paths[2]} holds 0 complete frames and 116 bytes more, which are left out",)
    np.testing.assert_array_equal(np.asarray(ds), frames()[:11])


def problem(path: Path) -> FormatError:
    with pytest.raises(FormatError) as caught:
        open_dataset("tvips", path, {})
    assert caught.value.path is not None
    return caught.value


def test_errors_say_what_was_expected_and_found(tmp_path: Path) -> None:
    (path,) = write(tmp_path, frames())
    good = path.read_bytes()

    def patched(offset: int, value: int) -> FormatError:
        path.write_bytes(good[:offset] + struct.pack("<i", value) + good[offset + 4 :])
        return problem(path)

    assert "not a TVIPS stream" in str(patched(0, 255))
    version = patched(4, 3)
    assert isinstance(version, UnsupportedError)
    assert (version.expected, version.found) == ("1 or 2", 3)
    assert "unknown bits_per_pixel" in str(patched(16, 12))
    assert isinstance(patched(8, -1), CorruptError)
    assert isinstance(patched(48, 11), CorruptError)
    assert isinstance(patched(8, 2**31 - 1), TruncatedError)
    path.write_bytes(good[:300])
    assert "no complete frame" in str(problem(path))
    path.write_bytes(good[:200])
    assert "series header is incomplete" in str(problem(path))


def test_missing_and_damaged_parts_are_named(tmp_path: Path) -> None:
    paths = write(tmp_path, frames(), first=5)
    paths[1].write_bytes(paths[1].read_bytes()[:-1])
    damaged = problem(paths[2])
    assert isinstance(damaged, TruncatedError)
    assert (damaged.path, damaged.found) == (str(paths[1]), "5 frames and 145 bytes")
    paths[1].unlink()
    missing = problem(paths[0])
    assert "part 001 of the stream is missing" in str(missing)
    assert missing.found == "000, 002"
    paths[0].unlink()
    assert "part 000 of the stream is missing, which has the header" in str(problem(paths[2]))


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_winding_scan_may_be_far_larger_than_the_stream(tmp_path: Path) -> None:
    (path,) = write(tmp_path, frames())
    ds = open_auto(path, winding="x", nav_shape=(1 << 29, 4))
    small = open_auto(path, winding="x", nav_shape=(4, 4))
    assert ds.shape.nav.size == 1 << 31
    assert sum(map(len, ds.partitions())) == ds.frame_map.counts.shown == small.frame_map.counts.shown
    np.testing.assert_array_equal(ds.frame_map.frames(range(16)), small.frame_map.frames(range(16)))


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"scan": "positions"}, "shows no scan"),
        ({"scan": "rotator"}, "shows no scan"),
        ({"first_frame": 12}, "below 12"),
        ({"winding": "x"}, "needs a scan of two axes"),
        ({"winding": "x", "nav_shape": (1 << 40, 1 << 40)}, "absurd"),
        ({"hysteresis": 2}, "needs winding"),
    ],
)
def test_wrong_parameters_are_explained(tmp_path: Path, given: dict[str, Any], match: str) -> None:
    (path,) = write(tmp_path, frames())
    with pytest.raises(ParameterError, match=match):
        open_auto(path, **given)


def confidence(path: Path) -> int:
    match = TvipsReader().detect(Probe.of(path))
    return 0 if match is None else match.confidence


def test_detection_is_as_sure_as_it_can_be(tmp_path: Path) -> None:
    paths = write(tmp_path, frames(), first=5)
    assert [confidence(path) for path in paths] == [Confidence.VERIFIED] * 3
    paths[2].write_bytes(paths[2].read_bytes()[:-1])
    assert [confidence(path) for path in paths] == [Confidence.MAGIC] * 3
    paths[0].unlink()
    assert confidence(paths[1]) == Confidence.EXTENSION
    (whole,) = stream_parts(frames(), frame_headers(12))
    (tmp_path / "a.dat").write_bytes(whole + b"1")
    assert confidence(tmp_path / "a.dat") == Confidence.HEURISTIC
    (tmp_path / "b.dat").write_bytes(b"\x00\x01" + bytes(300))
    assert confidence(tmp_path / "b.dat") == 0


def test_parts_outside_the_folder_are_missing(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    paths = write(tmp_path, frames(), first=6)
    (tmp_path / "data" / "rec_001.tvips").symlink_to(paths[1])
    paths[0].rename(tmp_path / "data" / "rec_000.tvips")
    assert "part 001" in str(problem(tmp_path / "data" / "rec_000.tvips"))


def test_a_long_stream_without_a_scan_is_only_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella_tvips.reader._MANY", 10)
    x, y = grid((3, 4))
    (path,) = write(tmp_path, frames(12, (1, 1)), frame_headers(12, scan_x=x, scan_y=y))
    assert open_auto(path).shape.nav == (3, 4)
    (path,) = write(tmp_path, frames(12, (1, 1)))
    assert open_auto(path).shape.nav == (12,)


@settings(
    max_examples=3 * settings().max_examples,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_bytes_give_data_or_a_format_error(tmp_path: Path, data: st.DataObject) -> None:
    x, y = grid((2, 2))
    nbytes = data.draw(st.sampled_from([12, 60, 76, 108]))
    headers = frame_headers(4, nbytes=nbytes, rotator=np.arange(1, 5), scan_x=x, scan_y=y)
    (good,) = stream_parts(frames(4, (2, 3)), headers)
    stream = bytearray(good)
    for _ in range(data.draw(st.integers(1, 6))):
        offset = data.draw(st.integers(0, len(stream)))
        new = data.draw(
            st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x00\x00\x80\x7f"])
        )
        stream[offset : offset + len(new)] = new
    path = tmp_path / data.draw(st.sampled_from(["rec_000.tvips", "rec.tvips"]))
    path.write_bytes(bytes(stream[: data.draw(st.none() | st.integers(0, len(stream)))]))
    TvipsReader().detect(Probe.of(path))
    scan: Any = data.draw(st.sampled_from(["auto", "positions", "rotator", "none"]))
    fill: Any = data.draw(st.sampled_from(["blank", "nearest"]))
    try:
        source = TvipsReader().open(TvipsParams(scan=scan, fill=fill), Probe.of(path))
    except (FormatError, ParameterError):
        return
    info = source.info
    json.dumps([info.raw_metadata, info.metadata.to_json(), info.details], allow_nan=False)
    n_frames = source.n_frames
    assert info.index is None or (info.index.max() < n_frames and len(info.index) == np.prod(info.nav_shape or ()))
    for function in info.per_frame.values():
        assert len(function()) == n_frames
