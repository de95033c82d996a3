"""Sequences of every version open with their time stamps; what cannot be read is named."""

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from numpy.typing import NDArray

from lamella.dataset.dataset import DataSet
from lamella.errors import CorruptError, FormatError, LamellaError, ParameterError, TruncatedError, UnsupportedError
from lamella.opening.open import open_dataset
from lamella_seq.writer import START, Recording, settings_xml


def opened(path: Path, format: str = "auto", **keywords: Any) -> DataSet:
    return open_dataset(format, path, keywords)


def frames(kind: str = "<u2", n: int = 5, height: int = 6, width: int = 7) -> NDArray[Any]:
    return (np.arange(n * height * width) * 37 % 251).astype(kind).reshape(n, height, width)


@pytest.mark.parametrize("kind", ["<u1", "<u2", "<u4"])
@pytest.mark.parametrize("padding", [8192, 1])
@pytest.mark.parametrize("version", [3, 4, 5, 6])
def test_a_sequence_opens_by_detection_with_its_pixels(tmp_path: Path, kind: str, padding: int, version: int) -> None:
    stored = frames(kind)
    ds = opened(Recording(stored, version, padding).write(tmp_path / "a.seq"))
    assert (ds.format, ds.provenance.confidence) == ("seq", 100)
    assert ds.shape == stored.shape
    assert ds.dtype == np.dtype(kind)
    np.testing.assert_array_equal(ds.read(), stored)
    assert opened(tmp_path / "a.seq", nav_shape=(5, 1)).shape == (5, 1, 6, 7)


def test_frames_lie_where_the_format_says(tmp_path: Path) -> None:
    """The example of the specification: frame 2, pixel (3, 4) of 24 x 16 pixels at byte 10 392."""
    path = Recording(np.zeros((4, 16, 24), "<u2"), padding=1024).write(tmp_path / "a.seq")
    content = bytearray(path.read_bytes())
    struct.pack_into("<H", content, 10392, 777)
    struct.pack_into("<iHH", content, 11008, 1000, 500, 250)
    path.write_bytes(content)
    ds = opened(path)
    assert ds[2, 3, 4] == 777
    assert ds.per_frame("acquired")[2] == np.datetime64("1970-01-01T00:16:40.500250", "ns")


def test_a_description_in_ascii_is_read_as_it_was_meant(tmp_path: Path) -> None:
    content = bytearray(Recording(frames()).tobytes())
    content[36:60] = b"grain 3, 200 kV\0 leftover"[:24]
    content[592:596] = struct.pack("<i", 1)
    path = tmp_path / "a.seq"
    path.write_bytes(content)
    assert opened(path).metadata.title == "grain 3, 200 kV"


def test_frames_begin_at_8192_whatever_the_header_says_of_its_size(tmp_path: Path) -> None:
    content = bytearray(Recording(frames()).tobytes())
    for header_size in (0, 1024, 8192, -1):
        content[32:36] = struct.pack("<i", header_size)
        path = tmp_path / "a.seq"
        path.write_bytes(content)
        np.testing.assert_array_equal(opened(path).read(), frames())


class TestTimeStamps:
    @pytest.mark.parametrize(("version", "fine"), [(5, 250e-6), (3, 0.0)])
    def test_give_the_time_of_every_frame(self, tmp_path: Path, version: int, fine: float) -> None:
        ds = opened(Recording(frames(n=40), version).write(tmp_path / "a.seq"))
        np.testing.assert_allclose(ds.per_frame("time"), 0.033 * np.arange(40), atol=1e-6)
        first = np.datetime64(1_000_000 * START + round(1e6 * fine), "us")
        assert ds.per_frame("acquired")[0] == first
        assert ds.info.details["frame rate of the time stamps [1/s]"] == pytest.approx(1 / 0.033)
        assert ds.info.details["frame rate of the header [1/s]"] == 10.0

    def test_date_the_sequence_without_a_zone(self, tmp_path: Path) -> None:
        ds = opened(Recording(frames()).write(tmp_path / "a.seq"))
        assert ds.metadata.acquired == "2015-07-04T08:53:20.000250"

    def test_are_absent_where_frames_leave_no_room(self, tmp_path: Path) -> None:
        stored = frames()
        path = Recording(stored, padding=stored[0].nbytes, changes={"true_size": stored[0].nbytes}).write(
            tmp_path / "a.seq"
        )
        assert dict(opened(path).info.per_frame) == {}

    def test_travel_to_other_processes(self, tmp_path: Path) -> None:
        ds = opened(Recording(frames()).write(tmp_path / "a.seq"))
        assert len(pickle.loads(pickle.dumps(ds.source)).info.per_frame["time"]()) == 5


class TestCutFiles:
    @pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
    def test_open_as_far_as_complete_frames_go(self, tmp_path: Path) -> None:
        stored = frames()
        path = Recording(stored).write(tmp_path / "a.seq")
        path.write_bytes(path.read_bytes()[:-8193])
        ds = opened(path)
        assert "announces 5 frames and holds 3" in ds.info.notes[0]
        np.testing.assert_array_equal(ds.read(), stored[:3])

    def test_with_more_frames_than_the_header_counts_show_them(self, tmp_path: Path) -> None:
        assert opened(Recording(frames(), changes={"allocated": 1}).write(tmp_path / "a.seq")).shape[0] == 5

    def test_without_one_complete_frame_are_refused(self, tmp_path: Path) -> None:
        path = Recording(frames()).write(tmp_path / "a.seq")
        path.write_bytes(path.read_bytes()[:9000])
        with pytest.raises(
            TruncatedError, match="no complete frame; expected frames of 8192 bytes from byte 8192; found 808 bytes"
        ):
            opened(path)


class TestRefusals:
    @pytest.mark.parametrize(("code", "name"), [(1, "JPEG"), (8, "H264"), (77, "unknown kind")])
    def test_compression_is_named(self, tmp_path: Path, code: int, name: str) -> None:
        path = Recording(frames(), changes={"compression": code}).write(tmp_path / "a.seq")
        with pytest.raises(UnsupportedError, match=f"compressed .{name}"):
            opened(path)

    @pytest.mark.parametrize(("code", "name"), [(101, "Bayer"), (200, "BGR"), (131, "packed mono"), (7, "unknown")])
    def test_other_image_formats_are_named(self, tmp_path: Path, code: int, name: str) -> None:
        path = Recording(frames(), changes={"image_format": code}).write(tmp_path / "a.seq")
        with pytest.raises(UnsupportedError, match=f"not monochrome .{name}"):
            opened(path)

    def test_other_depths_are_told(self, tmp_path: Path) -> None:
        path = Recording(frames(), changes={"bit_depth": 24}).write(tmp_path / "a.seq")
        with pytest.raises(UnsupportedError, match="expected 8 or 16 or 32; found 24"):
            opened(path)

    @pytest.mark.parametrize("changes", [{"true_size": 83}, {"true_size": 0}, {"image_size": 80}])
    def test_sizes_that_contradict_each_other_are_told(self, tmp_path: Path, changes: dict[str, int]) -> None:
        path = Recording(frames(), changes=changes).write(tmp_path / "a.seq")
        with pytest.raises(CorruptError, match="expected at least 84 bytes for 6 x 7 pixels of 16 bits"):
            opened(path)

    def test_a_foreign_file_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "a.seq"
        path.write_bytes(b"\xff" * 9000)
        with pytest.raises(LamellaError):
            opened(path)
        with pytest.raises(CorruptError, match="expected 0xfeed"):
            opened(path, "seq")


class TestCeleritas:
    def halves(self, folder: Path, *, prebuffer: int | None = 3) -> tuple[NDArray[Any], Path, Path]:
        """Write six frames of 8 x 4 pixels, three to a stored frame."""
        stored = np.arange(6 * 8 * 4, dtype="<u2").reshape(6, 8, 4)
        upper, lower = stored[:, 3::-1].reshape(2, 12, 4), stored[:, 4:].reshape(2, 12, 4)
        if prebuffer is not None:
            xml = settings_xml(SegmentPreBuffer=prebuffer, CameraType="Celeritas Camera", HT=300, Mag=1.5)
            (folder / "m.seq.Config.Metadata.xml").write_text(xml)
        top = Recording(upper).write(folder / "m_Top_13-49-04.160.seq")
        return stored, top, Recording(lower).write(folder / "m_Bottom_13-49-04.196.seq")

    @pytest.mark.parametrize("backend", ["mmap", "buffered"])
    def test_either_half_opens_both(self, tmp_path: Path, backend: str) -> None:
        stored, top, bottom = self.halves(tmp_path)
        for path in (top, bottom):
            ds = opened(path, io_backend=backend)
            np.testing.assert_array_equal(ds.read(), stored)
            for part in [slice(0, 3), slice(2, 6), slice(5, 8), slice(4, 8)]:
                np.testing.assert_array_equal(ds[1:5, part, 1:3], stored[1:5, part, 1:3])
            np.testing.assert_allclose(ds.per_frame("time"), [0.0] * 3 + [0.033] * 3, atol=1e-9)

    def test_settings_give_metadata(self, tmp_path: Path) -> None:
        ds = opened(self.halves(tmp_path)[1])
        assert (ds.metadata.beam_energy, ds.metadata.magnification) == (300e3, 1500.0)
        assert ds.raw_metadata["settings"]["SegmentPreBuffer"] == "3"
        json.dumps(ds.raw_metadata, allow_nan=False)

    def test_the_half_that_was_started_at_that_time_is_taken(self, tmp_path: Path) -> None:
        stored, top, _ = self.halves(tmp_path)
        Recording(np.zeros((2, 12, 4), "<u2")).write(tmp_path / "m_Bottom_13-50-04.196.seq")
        np.testing.assert_array_equal(opened(top).read(), stored)

    def test_a_lone_half_is_told(self, tmp_path: Path) -> None:
        _, top, bottom = self.halves(tmp_path)
        bottom.unlink()
        with pytest.raises(FormatError, match="the other half of the frames is missing: m_Bottom"):
            opened(top)

    def test_halves_that_differ_are_told(self, tmp_path: Path) -> None:
        _, top, bottom = self.halves(tmp_path)
        Recording(np.zeros((2, 12, 5), "<u2")).write(bottom)
        with pytest.raises(CorruptError, match="halves differ in width"):
            opened(top)

    @pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
    def test_the_shorter_half_counts(self, tmp_path: Path) -> None:
        stored, top, bottom = self.halves(tmp_path)
        bottom.write_bytes(bottom.read_bytes()[:-1])
        ds = opened(top)
        np.testing.assert_array_equal(ds.read(), stored[:3])
        assert "which are shown" in ds.info.notes[-1]

    def test_the_number_of_frames_in_a_stored_one_is_asked_for_without_settings(self, tmp_path: Path) -> None:
        stored, top, _ = self.halves(tmp_path, prebuffer=None)
        with pytest.raises(ParameterError, match="prebuffer"):
            opened(top)
        np.testing.assert_array_equal(opened(top, prebuffer=3).read(), stored)
        with pytest.raises(CorruptError, match="cannot be cut"):
            opened(top, prebuffer=5)


def test_metadata_are_complete_and_can_be_written_as_json(tmp_path: Path) -> None:
    ds = opened(Recording(frames(), changes={"rate": float("nan")}).write(tmp_path / "a.seq"))
    header = json.loads(json.dumps(ds.raw_metadata, allow_nan=False))["header"]
    assert (header["name"], header["description"], header["frame_rate"]) == ("Norpix seq", "made for a test", "nan")
    assert (header["width"], header["bit_depth_real"]) == (7, 12)
    assert ds.metadata.title == "made for a test"


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@settings(
    max_examples=2 * settings().max_examples,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(changes=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=6), cut=st.integers(0, 60_000))
def test_a_damaged_file_gives_data_or_a_format_error(tmp_path: Path, changes: list[tuple[int, int]], cut: int) -> None:
    content = bytearray(Recording(frames()).tobytes())
    for where, value in changes:
        content[where] = value
    path = tmp_path / "a.seq"
    path.write_bytes(content[:cut] if cut < len(content) else content)
    try:
        ds = opened(path, "seq")
    except FormatError as error:
        if "defect" in str(error):  # what the core says of any other exception
            raise
        return
    json.dumps(ds.raw_metadata, allow_nan=False)
    assert ds.read().shape == ds.shape
    assert all(len(ds.per_frame(name)) == ds.source.n_frames for name in ds.info.per_frame)
