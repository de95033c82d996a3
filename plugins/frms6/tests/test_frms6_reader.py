"""Reading pnCCD frames: folding, parts, binning, headers."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.errors import CorruptError, FormatError, LamellaWarning, TruncatedError, UnsupportedError
from lamella.opening.open import open_dataset
from lamella.reader import Probe
from lamella_frms6.reader import Frms6Reader
from lamella_frms6.writer import folded, header_text, part_bytes

BASE = "C16_15_24_151203_019"


def images(n: int, height: int = 6, width: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1 << 16, (n, height, width), dtype=np.uint16)


def acquisition(
    folder: Path, frames: np.ndarray, *, cuts: tuple[int, ...] = (), text: str | None = None, **options: Any
) -> Path:
    """Write parts that begin at ``cuts`` and a header; gives the header."""
    for number, piece in enumerate(np.split(folded(frames), cuts), start=1):
        (folder / f"{BASE}_{number:03d}.frms6").write_bytes(part_bytes(piece, **options))
    header = folder / f"{BASE}.hdr"
    header.write_text(header_text(len(frames), (2, len(frames) // 2)) if text is None else text)
    return header


def part(folder: Path, number: int) -> Path:
    return folder / f"{BASE}_{number:03d}.frms6"


def test_the_example_of_the_folding_rule() -> None:
    stored = folded(np.array([[[1, 2], [5, 6], [8, 7], [4, 3]]]))
    assert stored.tolist() == [[[1, 2, 3, 4], [5, 6, 7, 8]]]


@pytest.mark.parametrize("name", [f"{BASE}.hdr", f"{BASE}_001.frms6", f"{BASE}_003.frms6"])
def test_any_file_of_the_set_opens_all_of_it(tmp_path: Path, name: str) -> None:
    frames = images(6)
    acquisition(tmp_path, frames, cuts=(2, 5))
    ds = lamella.open(tmp_path / name)
    assert ds.format == "frms6"
    assert ds.shape == (2, 3, 6, 4)
    assert ds.nav_origin == "sidecar .hdr"
    np.testing.assert_array_equal(ds.read(), frames.reshape(2, 3, 6, 4))
    assert ds.diagnostics["frames per part"] == [2, 3, 1]


def test_parts_are_in_numeric_order_beyond_999(tmp_path: Path) -> None:
    frames = images(1002)
    acquisition(tmp_path, frames, cuts=tuple(range(1, 1002)))
    ds = open_dataset("frms6", tmp_path / f"{BASE}.hdr", {})
    np.testing.assert_array_equal(ds.read(), frames.reshape(ds.shape))


def test_neighbours_with_similar_names_are_left_alone(tmp_path: Path) -> None:
    frames = images(4)
    header = acquisition(tmp_path, frames)
    for name in (f"{BASE}_1_001.frms6", f"x{BASE}_002.frms6", f"{BASE}_002.frms6.bak", f"{BASE}_two.frms6"):
        (tmp_path / name).write_bytes(b"something else")
    np.testing.assert_array_equal(lamella.open(header).read(), frames.reshape(2, 2, 6, 4))


@pytest.mark.parametrize("binning", [1, 2, 4])
@pytest.mark.parametrize("announce", [True, False])
def test_binned_rows_are_repeated(tmp_path: Path, binning: int, announce: bool) -> None:
    small = images(4)
    header = acquisition(tmp_path, small, text=header_text(4, (2, 2), binning=binning), announce=announce)
    ds = lamella.open(header)
    assert ds.shape.sig == (6 * binning, 4)
    np.testing.assert_array_equal(ds.read(), np.repeat(small, binning, axis=1).reshape(ds.shape))
    plain = lamella.open(header, unbin=False)
    np.testing.assert_array_equal(plain.read(), small.reshape(plain.shape))
    assert ds.diagnostics["binning from"] == header.name


@pytest.mark.parametrize(("height", "binning"), [(264, 1), (132, 2), (66, 4), (40, 1)])
def test_binning_is_inferred_where_there_is_no_header(tmp_path: Path, height: int, binning: int) -> None:
    small = images(2, height, 264)
    acquisition(tmp_path, small).unlink()
    ds = lamella.open(part(tmp_path, 1))
    assert ds.shape == (2, height * binning, 264)
    assert ds.diagnostics["binning"] == binning
    assert any("give binning=" in note for note in ds.info.notes) == (height == 40)


def test_a_window_has_fewer_rows(tmp_path: Path) -> None:
    frames = images(2)[:, :4]
    header = acquisition(tmp_path, frames, text=header_text(2, None, window=(2, 264)))
    np.testing.assert_array_equal(lamella.open(header).read(), frames)


def test_binning_can_be_given(tmp_path: Path) -> None:
    small = images(2)
    header = acquisition(tmp_path, small, text=header_text(2, (1, 2), binning=2))
    assert lamella.open(header, binning=3).shape.sig == (18, 4)


def test_the_scan_is_taken_from_the_header_in_its_order(tmp_path: Path) -> None:
    frames = images(6)
    header = acquisition(tmp_path, frames, text=header_text(6, (3, 2)))
    ds = lamella.open(header)
    assert ds.shape.nav == (3, 2)
    assert ds.info.nav_alternatives == (((2, 3), "guess: stemimagesize with the fast axis first"),)


def test_the_scan_can_be_given(tmp_path: Path) -> None:
    frames = images(6)
    header = acquisition(tmp_path, frames)
    ds = lamella.open(header, nav_shape=(5, 1), sync_offset=1)
    np.testing.assert_array_equal(ds.read(), frames[1:].reshape(ds.shape))


def test_a_part_out_of_its_set_can_be_read(tmp_path: Path) -> None:
    frames = images(4)
    acquisition(tmp_path, frames, cuts=(1,)).unlink()
    part(tmp_path, 1).unlink()
    np.testing.assert_array_equal(lamella.open(part(tmp_path, 2)).read(), frames[1:])


def test_a_file_without_a_number_is_a_part(tmp_path: Path) -> None:
    frames = images(4)
    (tmp_path / "alone.frms6").write_bytes(part_bytes(folded(frames)))
    np.testing.assert_array_equal(lamella.open(tmp_path / "alone.frms6").read(), frames)


def test_metadata_comes_from_header_file_and_frames(tmp_path: Path) -> None:
    header = acquisition(tmp_path, images(4))
    ds = lamella.open(header)
    assert ds.metadata.dwell_time == pytest.approx(625e-6)
    assert ds.metadata.acquired == "2015-12-03T12:00:00+00:00"
    assert ds.metadata.title == "synthetic"
    assert ds.raw_metadata["hdr"]["measurementInfo"]["gain"] == "1"
    assert ds.raw_metadata["parts"][part(tmp_path, 1).name]["first frame"]["trigger"] == 7


def test_the_end_and_the_temperature_are_told(tmp_path: Path) -> None:
    details = lamella.open(acquisition(tmp_path, images(6), cuts=(2,))).diagnostics
    assert details["last frame acquired"] == "2015-12-03T12:00:00+00:00"
    assert details["temperature [V]"] == -1.25


def test_frame_headers_are_read_on_request(tmp_path: Path) -> None:
    header = acquisition(tmp_path, images(6), cuts=(2,))
    ds = lamella.open(header)
    np.testing.assert_allclose(ds.per_frame("time"), [0, 0.001, 0, 0.001, 0.002, 0.003])
    assert str(ds.per_frame("acquired")[1]) == "2015-12-03T12:00:00.001000000"
    np.testing.assert_array_equal(ds.per_frame("frame number"), [0, 1, 0, 1, 2, 3])
    np.testing.assert_array_equal(ds.per_frame("temperature"), np.full(6, -1.25))
    assert not ds.per_frame("incomplete").any()
    assert all(len(read()) == 6 for read in ds.info.per_frame.values())


def test_incomplete_frames_are_told(tmp_path: Path) -> None:
    ds = lamella.open(acquisition(tmp_path, images(4), flags=0x04))
    assert ds.per_frame("incomplete").all()
    assert any("incomplete" in note for note in ds.info.notes)


def test_pickled_data_sets_read_the_same(tmp_path: Path) -> None:
    ds = lamella.open(acquisition(tmp_path, images(4)))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ds)).read(), ds.read())
    assert len(pickle.dumps(ds.partitions(2)[0])) < 65536


# Parts that are not as they say.


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_the_last_part_may_be_cut(tmp_path: Path) -> None:
    frames = images(6)
    header = acquisition(tmp_path, frames, cuts=(3,))
    last = part(tmp_path, 2)
    last.write_bytes(last.read_bytes()[:-1])
    with pytest.warns(LamellaWarning, match="1 of 6 scan positions have no frame"):
        ds = lamella.open(header)
    assert ds.source.n_frames == 5
    assert any("announces 3 frames and holds 2" in note for note in ds.info.notes)
    np.testing.assert_array_equal(ds.read(fill=0).reshape(6, 6, 4)[:5], frames[:5])


@pytest.mark.parametrize("size", [0, 908])
def test_a_part_that_a_recording_begins_is_left_out_until_it_has_a_header(tmp_path: Path, size: int) -> None:
    frames = images(6)
    header = acquisition(tmp_path, frames, cuts=(3,))
    last = part(tmp_path, 2)
    content = last.read_bytes()
    last.write_bytes(content[:size])
    with pytest.warns(LamellaWarning) as told:
        ds = lamella.open(header)
    assert any("_002.frms6 has no complete header" in str(one.message) for one in told)
    assert ds.source.n_frames == 3
    with last.open("ab") as file:
        file.write(content[size:])
    np.testing.assert_array_equal(ds.refresh().read().reshape(6, 6, 4), frames)


@pytest.mark.parametrize("announce", [True, False])
def test_a_part_that_was_cut_before_another_one_is_refused(tmp_path: Path, announce: bool) -> None:
    header = acquisition(tmp_path, images(6), cuts=(2, 4), announce=announce)
    middle = part(tmp_path, 2)
    middle.write_bytes(middle.read_bytes()[:-1])
    with pytest.raises(TruncatedError, match="wrong positions"):
        lamella.open(header)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_frames_that_the_header_does_not_know_are_left_out(tmp_path: Path) -> None:
    frames = images(4)
    header = acquisition(tmp_path, frames, text=header_text(4, (1, 3)), announce=3)
    ds = lamella.open(header)
    assert ds.source.n_frames == 3
    assert "holds the 3 frames that it announces and 112 bytes more" in ds.info.notes[0]
    assert "announces 4 signal frames" in ds.info.notes[1]


def test_a_missing_part_is_an_error(tmp_path: Path) -> None:
    header = acquisition(tmp_path, images(6), cuts=(2, 4))
    part(tmp_path, 2).unlink()
    with pytest.raises(CorruptError, match="part 002 is missing") as caught:
        lamella.open(header)
    assert "parts 001 to 003" in str(caught.value)


def test_two_names_for_one_part_are_an_error(tmp_path: Path) -> None:
    header = acquisition(tmp_path, images(4))
    (tmp_path / f"{BASE}_1.frms6").write_bytes(part(tmp_path, 1).read_bytes())
    with pytest.raises(CorruptError, match="two files claim to be part 1"):
        lamella.open(header)


def test_dark_frames_alone_are_no_data_set(tmp_path: Path) -> None:
    header = acquisition(tmp_path, images(4))
    part(tmp_path, 1).rename(part(tmp_path, 0))
    for path in (header, part(tmp_path, 0)):
        with pytest.raises(FormatError, match="part 000 holds dark frames only"):
            lamella.open(path)


def test_parts_with_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    header = acquisition(tmp_path, images(4))
    part(tmp_path, 2).write_bytes(part_bytes(folded(images(4, 8, 4))))
    with pytest.raises(CorruptError, match=r"another size than those of the other parts.*8 x 3.*found 8 x 4"):
        lamella.open(header)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"version": 5}, UnsupportedError, "unknown version"),
        ({"flags": 2}, UnsupportedError, "packed to 12 bits"),
        ({"lines": 2}, UnsupportedError, "windows of varying height"),
    ],
)
def test_variants_that_cannot_be_read_are_refused(
    tmp_path: Path, options: dict[str, Any], error: type[Exception], text: str
) -> None:
    header = acquisition(tmp_path, images(4), **options)
    with pytest.raises(error, match=text):
        lamella.open(header)


@pytest.mark.parametrize(
    ("offset", "value", "error", "text"),
    [
        (0, b"\x00\x02", FormatError, "this is not a .frms6 file"),
        (2, b"\x20\x00", FormatError, "expected headers of 1024 and 64 bytes; found headers of 1024 and 32"),
        (88, b"\x07\x00", CorruptError, "even number of columns"),
        (88, b"\x00\x00", CorruptError, "even number of columns"),
        (90, b"\x00\x00", CorruptError, "at least one line"),
        (90, b"\xff\xff", TruncatedError, "no complete frame"),
    ],
)
def test_damaged_file_headers_are_refused(
    tmp_path: Path, offset: int, value: bytes, error: type[Exception], text: str
) -> None:
    header = acquisition(tmp_path, images(4))
    content = bytearray(part(tmp_path, 1).read_bytes())
    content[offset : offset + len(value)] = value
    part(tmp_path, 1).write_bytes(content)
    with pytest.raises(error, match=text):
        lamella.open(header)


@pytest.mark.parametrize("length", [0, 7, 1023, 1024, 1087])
def test_files_without_a_frame_are_refused(tmp_path: Path, length: int) -> None:
    header = acquisition(tmp_path, images(4))
    part(tmp_path, 1).write_bytes(part(tmp_path, 1).read_bytes()[:length])
    with pytest.raises(TruncatedError):
        lamella.open(header)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "this is not the header"),
        ("stemimagesize = 2x2", "cannot be parsed"),
        ("[other]\nstemimagesize = 2x2", "this is not the header"),
        ("[measurementInfo]\nstemimagesize = 2", "stemimagesize"),
        ("[measurementInfo]\nstemimagesize = 0x4", "stemimagesize"),
        ("[measurementInfo]\nstemimagesize = 999999999x999999999", "absurd number of scan positions"),
        ("[measurementInfo]\nsignalframes = many", "signalframes"),
        ('[measurementInfo]\nreadoutmode = "bin: 0, windowing: 1 x 1"', "readoutmode"),
        ('[measurementInfo]\nreadoutmode = "all"', "readoutmode"),
        ("[measurementInfo]\ndwelltimemicroseconds = -1", "dwelltimemicroseconds"),
        ("[measurementInfo]\n" + "x" * 70000, "too long"),
    ],
)
def test_damaged_header_files_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    header = acquisition(tmp_path, images(4), text=text)
    with pytest.raises(CorruptError, match=problem):
        open_dataset("frms6", header, {})


def test_a_header_file_may_say_little(tmp_path: Path) -> None:
    header = acquisition(tmp_path, images(4), text="﻿[measurementInfo]\ngain=2\n")
    ds = lamella.open(header)
    assert ds.shape == (4, 6, 4)
    assert ds.metadata.dwell_time is None


# Detection.


def test_header_files_of_other_formats_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.hdr"
    other.write_text("HDR,\r\nTime and Date Stamp (day, mnth, yr, hr, min, s):\t1\r\n")
    assert Frms6Reader().detect(Probe.of(other)) is None


def test_a_header_file_without_parts_says_what_is_missing(tmp_path: Path) -> None:
    header = acquisition(tmp_path, images(4))
    part(tmp_path, 1).unlink()
    with pytest.raises(FormatError, match=f"expected {BASE}_001.frms6"):
        lamella.open(header)
