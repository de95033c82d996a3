"""MRC files open as stacks of sections, whatever their mode, byte order and extended header."""

import bz2
import gzip
import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from numpy.typing import NDArray

from lamella.dataset.dataset import DataSet
from lamella.errors import CorruptError, FormatError, LamellaError, TruncatedError, UnsupportedError
from lamella.opening.detect import detect
from lamella.opening.open import open_dataset
from lamella_mrc.writer import fei_record, header_bytes, pack_nibbles


def opened(path: Path, format: str = "auto", **keywords: Any) -> DataSet:
    return open_dataset(format, path, keywords)


def numbers(dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Different pixels, negative ones included where the dtype has them."""
    values = np.arange(math.prod(shape)).reshape(shape)
    if np.dtype(dtype).kind == "c":
        return (values - 3 - 1j * values).astype(dtype)
    return (values - (0 if np.dtype(dtype).kind == "u" else 5)).astype(dtype)


def written(path: Path, frames: NDArray[Any], mode: int, order: str = "<", **fields: Any) -> Path:
    n, height, width = frames.shape
    path.write_bytes(header_bytes((width, height, n), mode, order, **fields) + frames.tobytes())
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("mode", "kind"), [(0, "i1"), (1, "i2"), (2, "f4"), (4, "c8"), (6, "u2"), (12, "f2")])
def test_a_stack_opens_by_detection_with_its_pixels_and_native_dtype(
    tmp_path: Path, mode: int, kind: str, order: str
) -> None:
    frames = numbers(f"{order}{kind}", (5, 4, 6))
    ds = opened(written(tmp_path / "a.mrc", frames, mode, order))
    assert ds.format == "mrc"
    assert ds.provenance.confidence == 100
    assert ds.shape == (5, 4, 6)
    assert ds.dtype == np.dtype(kind)
    np.testing.assert_array_equal(ds.read(), frames)
    np.testing.assert_array_equal(ds[3, 1:3, ::2], frames[3, 1:3, ::2])


@pytest.mark.parametrize("suffix", ["mrc", "mrcs", "map", "st", "rec", "ali", "MRC", "dat"])
def test_the_name_does_not_matter_where_the_content_speaks(tmp_path: Path, suffix: str) -> None:
    frame = numbers("i2", (1, 4, 6))
    ds = opened(written(tmp_path / f"a.{suffix}", frame, 1))
    assert (ds.format, ds.shape) == ("mrc", (1, 4, 6))
    np.testing.assert_array_equal(ds.read(), frame)


@pytest.mark.parametrize("n_labels", [-1, 0, 11, 1 << 30])
def test_wrong_labels_harm_nothing(tmp_path: Path, n_labels: int) -> None:
    frames = numbers("i2", (3, 4, 6))
    path = written(tmp_path / "a.mrc", frames, 1, labels=("first", "second"))
    content = bytearray(path.read_bytes())
    content[220:224] = n_labels.to_bytes(4, "little", signed=True)
    content[230:240] = b"\xff\xfe\0\x80\x81 \xb5m\0\xe9"
    path.write_bytes(content)
    ds = opened(path)
    np.testing.assert_array_equal(ds.read(), frames)
    labels = json.loads(json.dumps(ds.raw_metadata, allow_nan=False))["header"]["label"]
    assert labels[0].startswith("first")
    assert labels[1] == "second"


@pytest.mark.parametrize("order", ["<", ">"])
def test_complex_integers_become_complex_floats(tmp_path: Path, order: str) -> None:
    parts = numbers("i2", (3, 4, 5, 2))
    path = tmp_path / "a.mrc"
    path.write_bytes(header_bytes((5, 4, 3), 3, order) + parts.astype(f"{order}i2").tobytes())
    ds = opened(path)
    assert ds.dtype == np.complex64
    np.testing.assert_array_equal(ds.read(), parts[..., 0] + 1j * parts[..., 1])


@pytest.mark.parametrize("width", [6, 7])
def test_four_bit_pixels_are_unpacked_low_nibble_first_and_rows_begin_at_a_byte(tmp_path: Path, width: int) -> None:
    frames = (numbers("u1", (3, 4, width)) * 7 % 16).astype(np.uint8)
    path = tmp_path / "a.mrc"
    path.write_bytes(header_bytes((width, 4, 3), 101) + pack_nibbles(frames))
    ds = opened(path)
    assert ds.provenance.confidence == 100
    np.testing.assert_array_equal(ds.read(), frames)
    np.testing.assert_array_equal(opened(path, sig_shape=(width, 4)).read(), frames.reshape(3, width, 4))


def test_the_frame_has_the_size_of_the_columns_and_rows_and_not_of_the_sampling_grid(tmp_path: Path) -> None:
    frames = numbers("u2", (6, 1, 5))
    path = written(tmp_path / "a.mrc", frames, 6, grid=(0, 0, 0))
    assert opened(path).shape == (6, 1, 5)
    assert opened(written(path, frames, 6, grid=(5, 1, 6))).shape == (6, 1, 5)


class TestSignOfBytes:
    def frames(self) -> NDArray[np.int8]:
        return numbers("i1", (2, 3, 4)).astype(np.int8)

    def test_is_there_without_other_evidence(self, tmp_path: Path) -> None:
        assert opened(written(tmp_path / "a.mrc", self.frames(), 0)).dtype == np.int8

    def test_follows_the_flag_of_imod(self, tmp_path: Path) -> None:
        signed = written(tmp_path / "s.mrc", self.frames(), 0, imod_flags=1, density=(0, 200, 100))
        unsigned = written(tmp_path / "u.mrc", self.frames(), 0, imod_flags=0)
        assert opened(signed).dtype == np.int8
        assert opened(unsigned).dtype == np.uint8

    def test_follows_the_flag_in_either_byte_order(self, tmp_path: Path) -> None:
        frames = numbers("i1", (3, 4, 6))
        for flags, kind in ((1, "i1"), (0, "u1"), (6, "u1")):
            path = written(tmp_path / "a.mrc", frames, 0, ">", imod_flags=flags)
            assert opened(path).dtype == np.dtype(kind)

    def test_is_absent_where_the_header_knows_larger_values_and_a_note_says_so(self, tmp_path: Path) -> None:
        ds = opened(written(tmp_path / "a.mrc", self.frames(), 0, density=(0, 251, 100)))
        assert ds.dtype == np.uint8
        assert "unsigned" in ds.info.notes[0]

    def test_can_be_chosen(self, tmp_path: Path) -> None:
        path = written(tmp_path / "a.mrc", self.frames(), 0, density=(0, 251, 100))
        assert opened(path, signed=True).dtype == np.int8
        assert opened(path, signed=False).info.notes == ()


class TestByteOrder:
    def test_is_found_without_a_machine_stamp(self, tmp_path: Path) -> None:
        frames = numbers(">u2", (2, 3, 4))
        path = written(tmp_path / "a.mrc", frames, 6, ">", stamp=bytes(4))
        np.testing.assert_array_equal(opened(path).read(), frames)

    def test_of_a_file_without_marker_is_that_of_the_stamp(self, tmp_path: Path) -> None:
        frames = numbers("<f4", (3, 8, 8))
        ds = opened(written(tmp_path / "temp.mrc", frames, 2, marker=bytes(4), stamp=b"\x44\x41\0\0"))
        assert ds.provenance.confidence == 100
        np.testing.assert_array_equal(ds.read(), frames)

    def test_that_makes_sense_wins_over_a_wrong_stamp(self, tmp_path: Path) -> None:
        frames = numbers(">u2", (2, 3, 4))
        ds = opened(written(tmp_path / "a.mrc", frames, 6, ">", stamp=b"DD\0\0"))
        np.testing.assert_array_equal(ds.read(), frames)
        assert "machine stamp" in ds.info.notes[0]

    def test_that_is_ambiguous_is_asked_for(self, tmp_path: Path) -> None:
        both = int.from_bytes(b"\x00\x01\x01\x00", "little")  # the same number in both orders
        path = tmp_path / "a.mrc"
        path.write_bytes(header_bytes((both, both, 0), 0, stamp=bytes(4), axes=(0, 0, 0)))
        with path.open("r+b") as file:
            file.truncate(1024 + both * both)
        with pytest.raises(CorruptError, match="byte_order='little'"):
            opened(path, "mrc")
        [known] = [one for one in detect(path).candidates if one.name == "mrc"]
        assert known.error is None
        assert known.match is not None
        assert "the byte order is ambiguous" in known.match.reason
        assert opened(path, "mrc", byte_order="big").shape == (1, both, both)


class TestCutFiles:
    @pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
    def test_open_as_far_as_complete_sections_go(self, tmp_path: Path) -> None:
        frames = numbers("u2", (5, 4, 6))
        path = written(tmp_path / "a.mrc", frames, 6)
        path.write_bytes(path.read_bytes()[:-50])
        ds = opened(path)
        assert ds.shape == (3, 4, 6)
        assert "announces 5 frames and holds 3" in ds.info.notes[0]
        np.testing.assert_array_equal(ds.read(), frames[:3])

    def test_without_a_number_of_sections_are_recordings_in_progress(self, tmp_path: Path) -> None:
        frames = numbers("u2", (5, 4, 6))
        path = tmp_path / "a.mrc"
        path.write_bytes(header_bytes((6, 4, 0), 6) + frames.tobytes())
        ds = opened(path)
        assert ds.shape == (5, 4, 6)
        assert "no sections yet" in ds.info.notes[0]

    def test_that_are_longer_say_so(self, tmp_path: Path) -> None:
        path = written(tmp_path / "a.mrc", numbers("u2", (2, 4, 6)), 6)
        path.write_bytes(path.read_bytes() + b"more")
        ds = opened(path)
        assert ds.shape == (2, 4, 6)
        assert ds.info.notes == ("the file holds the 2 frames that it announces and 4 bytes more, which are left out",)

    def test_without_one_complete_section_are_refused_with_both_sizes(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mrc"
        path.write_bytes(header_bytes((6, 4, 2), 6) + bytes(47))
        with pytest.raises(TruncatedError, match=r"no complete frame; expected 2 frames of 48 bytes .* found 47"):
            opened(path)


class TestRefusals:
    @pytest.mark.parametrize(("pack", "tool"), [(gzip.compress, "gunzip"), (bz2.compress, "bunzip2")])
    def test_compressed_files_name_the_tool_that_unpacks(self, tmp_path: Path, pack: Any, tool: str) -> None:
        path = tmp_path / "a.mrc"
        path.write_bytes(pack(header_bytes((2, 2, 1), 0) + bytes(4)))
        with pytest.raises(UnsupportedError, match=tool):
            opened(path)

    @pytest.mark.parametrize("size", [(0, 4, 1), (4, -1, 1), (4, 4, -2)])
    def test_impossible_sizes_are_told(self, tmp_path: Path, size: tuple[int, int, int]) -> None:
        path = tmp_path / "a.mrc"
        path.write_bytes(header_bytes(size, 6) + bytes(1000))
        with pytest.raises(CorruptError, match=f"nx={size[0]}, ny={size[1]}, nz={size[2]}"):
            opened(path)

    def test_an_unknown_mode_is_named_with_the_known_ones(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mrc"
        path.write_bytes(header_bytes((4, 4, 1), 16) + bytes(1000))
        with pytest.raises(UnsupportedError, match=r"mode 16 .*6 \(u2\), 12 \(f2\)"):
            opened(path)

    @pytest.mark.parametrize("nbytes", [-4, 5000])
    def test_an_extended_header_outside_the_file_is_told(self, tmp_path: Path, nbytes: int) -> None:
        path = tmp_path / "a.mrc"
        path.write_bytes(header_bytes((4, 4, 1), 6, extended_nbytes=nbytes) + bytes(1000))
        with pytest.raises(TruncatedError, match="extended header"):
            opened(path)

    def test_a_file_shorter_than_a_header_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mrc"
        path.write_bytes(header_bytes((4, 4, 1), 6)[:1000])
        with pytest.raises(TruncatedError, match="expected 1024 bytes; found 1000"):
            opened(path)


class TestAxes:
    def test_have_the_pixel_size_of_the_cell(self, tmp_path: Path) -> None:
        path = written(tmp_path / "a.mrc", numbers("u2", (5, 4, 6)), 6, cell=(60, 20, 10), space_group=1)
        z, y, x = opened(path).axes
        assert [(axis.name, axis.units) for axis in (z, y, x)] == [("z", "nm"), ("y", "nm"), ("x", "nm")]
        assert [axis.scale for axis in (z, y, x)] == pytest.approx([0.2, 0.5, 1.0])

    def test_follow_the_map_of_axes(self, tmp_path: Path) -> None:
        fields: dict[str, Any] = {"cell": (60, 20, 10), "axes": (3, 2, 1), "space_group": 1, "grid": (6, 4, 5)}
        path = written(tmp_path / "a.mrc", numbers("u2", (5, 4, 6)), 6, **fields)
        assert [axis.scale for axis in opened(path).axes] == pytest.approx([1.0, 0.5, 0.2])

    @pytest.mark.parametrize("cell", [(0, 0, 0), (-80, -40, 0), (math.nan, math.inf, 1)])
    def test_are_not_calibrated_by_a_cell_without_sense(self, tmp_path: Path, cell: tuple[float, ...]) -> None:
        path = written(tmp_path / "a.mrc", numbers("u2", (2, 4, 6)), 6, cell=cell)
        assert not any(axis.calibrated for axis in opened(path).axes)

    def test_of_a_stack_of_volumes_separate_volumes_and_sections(self, tmp_path: Path) -> None:
        frames = numbers("i2", (6, 4, 5))
        ds = opened(written(tmp_path / "a.mrcs", frames, 1, space_group=401, grid=(5, 4, 3), cell=(5, 4, 3)))
        assert ds.shape.nav == (2, 3)
        assert [axis.name for axis in ds.axes] == ["volume", "z", "y", "x"]
        np.testing.assert_array_equal(ds.read().reshape(frames.shape), frames)

    def test_of_a_file_without_a_map_of_axes_are_columns_rows_and_sections(self, tmp_path: Path) -> None:
        fields: dict[str, Any] = {"cell": (60, 20, 10), "axes": (0, 0, 0), "space_group": 1}
        path = written(tmp_path / "a.mrc", numbers("u2", (5, 4, 6)), 6, **fields)
        assert [axis.scale for axis in opened(path).axes] == pytest.approx([0.2, 0.5, 1.0])

    @pytest.mark.parametrize(("group", "depth"), [(401, 4), (401, 0), (401, -3), (1, 3), (0, 3)])
    def test_of_sections_that_are_no_stack_of_volumes_count_sections(
        self, tmp_path: Path, group: int, depth: int
    ) -> None:
        path = written(tmp_path / "a.mrc", numbers("i2", (6, 4, 5)), 1, space_group=group, grid=(5, 4, depth))
        assert opened(path).shape.nav == (6,)

    def test_of_images_are_named_once_whatever_the_scan_shape(self, tmp_path: Path) -> None:
        path = written(tmp_path / "a.mrc", numbers("u2", (6, 4, 6)), 6, cell=(60, 20, 10), space_group=1)
        for nav_shape in [(6,), (2, 3), (1, 2, 3)]:
            names = [axis.name for axis in opened(path, nav_shape=nav_shape).axes]
            assert len(set(names)) == len(names) == len(nav_shape) + 2

    def test_of_a_square_number_of_sections_offer_a_square_scan(self, tmp_path: Path) -> None:
        path = written(tmp_path / "a.mrc", numbers("u2", (9, 2, 2)), 6)
        assert opened(path).info.nav_alternatives == (((3, 3), "guess: a square scan"),)
        assert opened(path, nav_shape=(3, 3)).shape == (3, 3, 2, 2)


class TestExtendedHeaders:
    @pytest.mark.parametrize(("order", "version", "kind"), [("<", 0, b"FEI1"), ("<", 2, b"FEI2"), (">", 2, b"FEI2")])
    def test_of_fei_give_metadata_and_a_value_for_each_frame(
        self, tmp_path: Path, order: str, version: int, kind: bytes
    ) -> None:
        records = b"".join(fei_record(order, version=version, tilt=10.0 * i) for i in range(3))
        frames = numbers(f"{order}u2", (3, 4, 6))
        ds = opened(written(tmp_path / "a.mrc", frames, 6, order, extended=records, extended_type=kind))
        np.testing.assert_array_equal(ds.read(), frames)
        assert (ds.metadata.beam_energy, ds.metadata.camera_length, ds.metadata.dwell_time) == (300e3, 0.125, 1e-3)
        assert ds.metadata.acquired == "2023-03-15T12:00:00"
        np.testing.assert_array_equal(ds.per_frame("Alpha tilt"), [0, 10, 20])
        np.testing.assert_array_equal(ds.per_frame("acquired"), [np.datetime64("2023-03-15T12:00:00", "ns")] * 3)
        np.testing.assert_array_equal(ds.per_frame("time"), [0, 0, 0])
        assert ds.axes[-1].scale == pytest.approx(2.0)
        assert ds.axes[-1].units == "nm"
        assert "Dose" not in ds.info.per_frame
        assert ds.raw_metadata["extended_header"]["first"]["HT"] == 300e3

    def test_in_diffraction_calibrate_in_reciprocal_space(self, tmp_path: Path) -> None:
        record = fei_record(projection=1, pixel_size=5e6)
        path = written(tmp_path / "a.mrc", numbers("u2", (1, 4, 6)), 6, extended=record, extended_type=b"FEI2")
        assert [(axis.name, axis.units) for axis in opened(path).axes[1:]] == [("ky", "1/nm"), ("kx", "1/nm")]
        assert opened(path).axes[-1].scale == pytest.approx(0.005)

    def test_may_hold_more_records_than_sections(self, tmp_path: Path) -> None:
        frames = numbers("u2", (2, 4, 6))
        extended = b"".join(fei_record(tilt=float(i)) for i in range(1024))
        ds = opened(written(tmp_path / "a.mrc", frames, 6, extended=extended, extended_type=b"FEI2"))
        assert len(ds.per_frame("Alpha tilt")) == 2
        np.testing.assert_array_equal(ds.read(), frames)

    def test_of_the_older_kind_hold_32_numbers_a_section(self, tmp_path: Path) -> None:
        table = np.zeros((1024, 32), dtype="<f4")
        table[:, 0], table[:, 8], table[:, 12], table[:, 14] = np.arange(1024), 0.5, 2000, 120e3
        frames = numbers("i2", (3, 4, 6))
        ds = opened(written(tmp_path / "a.mrc", frames, 1, extended=table.tobytes()))
        assert (ds.metadata.beam_energy, ds.metadata.exposure_time, ds.metadata.magnification) == (120e3, 0.5, 2000)
        np.testing.assert_array_equal(ds.per_frame("alpha tilt"), [0, 1, 2])

    @pytest.mark.parametrize(("kind", "nbytes"), [(b"HDF5", 77), (b"CCP4", 240), (b"FEI2", 888), (b"FEI1", 3)])
    def test_of_other_kinds_are_skipped(self, tmp_path: Path, kind: bytes, nbytes: int) -> None:
        frames = numbers("i2", (3, 4, 6))
        ds = opened(written(tmp_path / "a.mrc", frames, 1, extended=bytes(nbytes), extended_type=kind))
        np.testing.assert_array_equal(ds.read(), frames)
        assert "extended_header" not in ds.raw_metadata


def test_metadata_are_complete_and_can_be_written_as_json(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mrc", numbers("u2", (2, 4, 6)), 6, labels=("made for a test",), cell=(1, math.nan, 1))
    header = json.loads(json.dumps(opened(path).raw_metadata, allow_nan=False))["header"]
    assert header["nx"] == 6
    assert header["label"][0] == "made for a test"
    assert header["cella"] == {"x": 1.0, "y": "nan", "z": 1.0}
    assert header["machst"] == [68, 68, 0, 0]


def test_a_source_travels_to_other_processes(tmp_path: Path) -> None:
    frames = (numbers("u1", (3, 4, 6)) % 16).astype(np.uint8)
    path = tmp_path / "a.mrc"
    extended = b"".join(fei_record(tilt=float(i)) for i in range(3))
    path.write_bytes(header_bytes((6, 4, 3), 101, extended=extended, extended_type=b"FEI2") + pack_nibbles(frames))
    source = pickle.loads(pickle.dumps(opened(path).source))
    np.testing.assert_array_equal(source.info.per_frame["Alpha tilt"](), [0, 1, 2])


@pytest.mark.parametrize("noise", [b"", b"\0" * 4096, bytes(range(256)) * 16, b"key = value\n" * 200])
def test_foreign_files_are_not_claimed(tmp_path: Path, noise: bytes) -> None:
    for name in ("a.bin", "a.map", "a.txt", "a_info.txt"):
        (tmp_path / name).write_bytes(noise)
        with pytest.raises(LamellaError):
            opened(tmp_path / name, "auto")


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@settings(
    max_examples=2 * settings().max_examples,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(changes=st.lists(st.tuples(st.integers(0, 1199), st.integers(0, 255)), max_size=8), cut=st.integers(0, 2400))
def test_a_damaged_file_gives_data_or_a_format_error(tmp_path: Path, changes: list[tuple[int, int]], cut: int) -> None:
    content = bytearray(header_bytes((6, 4, 5), 6, extended=fei_record(), extended_type=b"FEI2"))
    content += numbers("u2", (5, 4, 6)).tobytes()
    for where, value in changes:
        content[where] = value
    path = tmp_path / "a.mrc"
    path.write_bytes(content[:cut] if cut < len(content) else content)
    try:
        ds = opened(path, "mrc")
    except FormatError as error:
        if "defect" in str(error):  # what the core says of any other exception
            raise
        return
    json.dumps(ds.raw_metadata, allow_nan=False)
    assert ds.read().shape == ds.shape
    for name in ds.info.per_frame:
        assert len(ds.per_frame(name)) == ds.source.n_frames
