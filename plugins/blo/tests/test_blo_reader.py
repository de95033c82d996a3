"""Block files are read as NanoMEGAS writes them, and damaged ones say what is wrong."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from lamella.dataset.dataset import DataSet
from lamella.errors import CorruptError, FormatError, LamellaWarning, ParameterError, TruncatedError, UnsupportedError
from lamella.opening.open import open_dataset
from lamella.reader import Confidence, Probe
from lamella_blo.header import HEADER, RECORD
from lamella_blo.reader import BloReader

NOTE = "Precession angle : 0.5\r\nPrecession Frequency : 100\r\nCamera gamma : off"
DEPTH_16 = "Blo Bit Depth: 16 bits"
FIELDS = {"sx": 2.5, "sy": 4.0, "energy": 200_000, "sdp": 6226, "camera_length": 2000, "time": 42339.5}


def block_file(
    data: NDArray[Any],
    *,
    version: int = 0x0102,
    note: str = NOTE,
    off_vbf: int = 4096,
    off_dp: int | None = None,
    magic: bytes = b"IMGBLO",
    **fields: float,
) -> bytes:
    """The bytes of a block file with patterns ``(NY, NX, DP_SZ, DP_SZ)``, written field by field."""
    ny, nx, edge, _ = data.shape
    value = {"dp_sz": edge, "nx": nx, "ny": ny, **FIELDS, **fields}
    off_dp = off_dp if off_dp is not None else -(-(off_vbf + nx * ny) // 16) * 16
    header = magic + struct.pack(
        "<HIIIHHHHHddIHId",
        version,
        off_vbf,
        off_dp,
        0x2003F,
        int(value["dp_sz"]),
        150,
        int(value["nx"]),
        int(value["ny"]),
        2500,
        value["sx"],
        value["sy"],
        int(value["energy"]),
        int(value["sdp"]),
        int(value["camera_length"]),
        value["time"],
    )
    header += struct.pack("<22d", *range(22))
    assert len(header) == 240
    head = bytearray(off_dp)
    head[: len(header)] = header
    head[240 : 240 + len(note)] = note.encode("latin-1")
    head[off_vbf : off_vbf + nx * ny] = bytes(i % 256 for i in range(nx * ny))[: max(0, off_dp - off_vbf)]
    stored = data.astype("<u2" if data.dtype.itemsize == 2 else "u1").reshape(nx * ny, -1)
    records = (b"\xaa\x55" + struct.pack("<I", i) + frame.tobytes() for i, frame in enumerate(stored))
    return bytes(head[:off_dp]) + b"".join(records)


def patterns(shape: tuple[int, int, int] = (3, 4, 6), dtype: str = "u1") -> NDArray[Any]:
    ny, nx, edge = shape
    values = np.arange(ny * nx * edge * edge).reshape(ny, nx, edge, edge)
    return (values % 251).astype(dtype) if dtype == "u1" else (values * 7 % 65521).astype(dtype)


def write(folder: Path, content: bytes, name: str = "scan.blo") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def open_blo(path: Path, **keywords: Any) -> DataSet:
    return open_dataset("auto", path, keywords)


# What is read


@pytest.mark.parametrize(
    ("dtype", "version", "note", "decided_by"),
    [
        ("u1", 0x0102, NOTE, "version 1.2"),
        ("u1", 0x0102, "", "version 1.2"),
        ("u1", 0x0103, "", "size of the file"),
        ("u1", 0x0103, "Blo Bit Depth: 8 bits", "note"),
        ("u2", 0x0103, "", "size of the file"),
        ("u2", 0x0103, DEPTH_16, "note"),
        ("u2", 0x0103, f"{NOTE}\r\nBLO BIT DEPTH :16 Bits\r\n", "note"),
        ("u2", 0x0103, "Blo Bit Depth: many", "size of the file"),
    ],
)
@pytest.mark.parametrize("backend", ["mmap", "buffered"])
def test_every_version_and_bit_depth_is_read(
    tmp_path: Path, dtype: str, version: int, note: str, decided_by: str, backend: str
) -> None:
    data = patterns(dtype=dtype)
    ds = open_blo(write(tmp_path, block_file(data, version=version, note=note)), io_backend=backend)
    assert ds.format == "blo"
    assert ds.dtype == np.dtype(dtype)
    assert ds.diagnostics["bit depth decided by"] == decided_by
    np.testing.assert_array_equal(np.asarray(ds), data)
    assert ds.info.notes == ()


def test_rows_come_before_columns_although_the_file_has_nx_first(tmp_path: Path) -> None:
    ds = open_blo(write(tmp_path, block_file(patterns((2, 5, 3)))))
    assert (ds.shape.nav, ds.shape.sig, ds.nav_origin) == ((2, 5), (3, 3), "header")


@pytest.mark.parametrize("off_dp", [4096 + 12, 4097 + 12, 5000])
def test_patterns_begin_where_the_header_says(tmp_path: Path, off_dp: int) -> None:
    data = patterns()
    np.testing.assert_array_equal(np.asarray(open_blo(write(tmp_path, block_file(data, off_dp=off_dp)))), data)


@pytest.mark.parametrize("sig_shape", [(36,), (4, 9), (2, 3, 6)])
def test_patterns_take_another_shape_of_equal_size(tmp_path: Path, sig_shape: tuple[int, ...]) -> None:
    data = patterns()
    ds = open_blo(write(tmp_path, block_file(data)), sig_shape=sig_shape)
    np.testing.assert_array_equal(np.asarray(ds), data.reshape(3, 4, *sig_shape))


def test_patterns_of_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="but a frame has 36"):
        open_blo(write(tmp_path, block_file(patterns())), sig_shape=(5, 5))


def test_the_scan_can_have_any_shape(tmp_path: Path) -> None:
    data = patterns()
    ds = open_blo(write(tmp_path, block_file(data)), nav_shape=(2, 3, 2))
    np.testing.assert_array_equal(np.asarray(ds), data.reshape(2, 3, 2, 6, 6))


def test_tiles_are_views_of_the_mapping(tmp_path: Path) -> None:
    ds = open_blo(write(tmp_path, block_file(patterns())))
    (tile,) = ds.partitions(1)[0].tiles(ds.scheme())
    assert not tile.data.flags.owndata
    assert tile.data.strides[0] == 36 + 6


def test_pixels_of_16_bit_are_aligned(tmp_path: Path) -> None:
    ds = open_blo(write(tmp_path, block_file(patterns(dtype="u2"), version=0x0103)))
    (tile,) = ds.partitions(1)[0].tiles(ds.scheme())
    assert tile.data.flags.aligned


# What the file says about itself


def test_the_header_table_has_no_gaps() -> None:
    assert (HEADER.itemsize, RECORD.itemsize) == (240, 6)
    assert HEADER.fields is not None
    offsets = {name: HEADER.fields[name][1] for name in ("OFF_VBF", "NX", "SX", "BEAM_ENERGY", "CENTERING_N")}
    assert offsets == {"OFF_VBF": 8, "NX": 24, "SX": 30, "BEAM_ENERGY": 46, "CENTERING_N": 64}


def test_metadata_have_units(tmp_path: Path) -> None:
    ds = open_blo(write(tmp_path, block_file(patterns())))
    assert ds.metadata.to_json() == {
        "acquired": "2015-12-01T12:00:00",
        "instrument": "NanoMEGAS ASTAR",
        "beam_energy": 200e3,
        "camera_length": pytest.approx(0.2),
        "scan_rotation": 25.0,
        "detector_pixel_pitch": pytest.approx(1 / 6226),
    }


def test_raw_metadata_hold_every_field_and_the_note(tmp_path: Path) -> None:
    ds = open_blo(write(tmp_path, block_file(patterns())))
    raw = ds.raw_metadata
    assert json.loads(json.dumps(raw, allow_nan=False)) == raw
    assert (raw["ID"], raw["VERSION"], raw["NX"], raw["NY"], raw["DP_ROTATION"]) == ("IMGBLO", 0x0102, 4, 3, 150)
    assert raw["CENTERING_N"] + raw["DISTORTION_N"] == list(range(22))
    assert raw["NOTE"] == NOTE


def test_the_scan_step_is_in_nanometres(tmp_path: Path) -> None:
    y, x = open_blo(write(tmp_path, block_file(patterns()))).axes[:2]
    assert (y.name, y.scale, y.units) == ("y", 4.0, "nm")
    assert (x.name, x.scale, x.units) == ("x", 2.5, "nm")


@pytest.mark.parametrize("step", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_scan_step_is_no_calibration(tmp_path: Path, step: float) -> None:
    ds = open_blo(write(tmp_path, block_file(patterns(), sx=step)))
    assert ds.axes[1].units is None
    json.dumps(ds.raw_metadata, allow_nan=False)


def test_the_detector_is_in_reciprocal_nanometres(tmp_path: Path) -> None:
    """At 200 kV the wavelength is 2.508 pm; 1/6226 m on the screen at 0.2 m."""
    ky, kx = open_blo(write(tmp_path, block_file(patterns()))).axes[2:]
    assert ky.scale == kx.scale == pytest.approx(1 / 6226 / 0.2 / 2.5079e-3, rel=1e-4)
    assert ky.units == kx.units == "1/nm"


@pytest.mark.parametrize("unknown", ["energy", "camera_length"])
def test_without_camera_length_or_energy_the_detector_is_in_centimetres(tmp_path: Path, unknown: str) -> None:
    fields: Any = {unknown: 0}
    ky, _ = open_blo(write(tmp_path, block_file(patterns(), **fields))).axes[2:]
    assert ky.scale == pytest.approx(100 / 6226)
    assert ky.units == "cm"


def test_without_a_pixel_size_the_detector_is_not_calibrated(tmp_path: Path) -> None:
    ds = open_blo(write(tmp_path, block_file(patterns(), sdp=0)))
    assert [axis.units for axis in ds.axes[2:]] == [None, None]
    assert ds.metadata.detector_pixel_pitch is None


@pytest.mark.parametrize("days", [0.0, -5.0, 1e300, float("nan"), float("inf")])
def test_an_impossible_date_is_no_date(tmp_path: Path, days: float) -> None:
    assert open_blo(write(tmp_path, block_file(patterns(), time=days))).metadata.acquired is None


def test_the_virtual_bright_field_is_the_navigator(tmp_path: Path) -> None:
    ds = open_blo(write(tmp_path, block_file(patterns())))
    np.testing.assert_array_equal(ds.navigator(), np.arange(12).reshape(3, 4))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ds)).navigator(), np.arange(12).reshape(3, 4))


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize("off_vbf", [0, 100, 10**9])
def test_an_impossible_place_of_the_navigator_is_noted(tmp_path: Path, off_vbf: int) -> None:
    data = patterns()
    content = bytearray(block_file(data))
    content[8:12] = struct.pack("<I", off_vbf)
    ds = open_blo(write(tmp_path, bytes(content)))
    assert ds.navigator() is None
    assert f"virtual bright field at byte {off_vbf}" in ds.info.notes[0]
    np.testing.assert_array_equal(np.asarray(ds), data)


def test_a_navigator_that_is_gone_is_an_error_of_the_format(tmp_path: Path) -> None:
    path = write(tmp_path, block_file(patterns()))
    ds = open_blo(path)
    path.write_bytes(b"IMGBLO")
    with pytest.raises(TruncatedError, match="the file was cut"):
        ds.navigator()


@pytest.mark.parametrize("note", ["camera gamma : on", "Precession angle : \r\nCamera gamma: ON\r\n"])
def test_gamma_is_warned_of(tmp_path: Path, note: str) -> None:
    ds = open_blo(write(tmp_path, block_file(patterns(), note=note)))
    assert "intensities are not linear" in ds.info.notes[0]


def test_an_unknown_minor_version_is_read_and_noted(tmp_path: Path) -> None:
    data = patterns()
    ds = open_blo(write(tmp_path, block_file(data, version=0x0104)))
    assert "version 1.4 is unknown" in ds.info.notes[0]
    np.testing.assert_array_equal(np.asarray(ds), data)


# What is cut or has too much


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("left", [0, 3, 20])
def test_a_file_that_was_cut_gives_its_complete_patterns(tmp_path: Path, dtype: str, left: int) -> None:
    data = patterns(dtype=dtype)
    content = block_file(data, version=0x0103, note="")
    stride = 6 + 36 * data.itemsize
    path = write(tmp_path, content[: len(content) - 5 * stride + left])
    with pytest.warns(LamellaWarning, match="5 of 12 scan positions have no frame"):
        ds = open_blo(path)
    assert ds.diagnostics["bit depth decided by"] == "place of the second record"
    more = f" and {left} bytes more" if left else ""
    assert f"announces 12 frames and holds 7{more}; the complete ones are read" in ds.info.notes[0]
    np.testing.assert_array_equal(ds.read((), fill=0).reshape(12, 6, 6)[:7], data.reshape(12, 6, 6)[:7])
    assert ds.valid_mask.sum() == 7


@pytest.mark.parametrize("tail", [1, 8, 36, 42])
def test_bytes_behind_the_last_pattern_are_noted_and_ignored(tmp_path: Path, tail: int) -> None:
    data = patterns()
    for version in (0x0102, 0x0103):
        ds = open_blo(write(tmp_path, block_file(data, version=version) + bytes(tail)))
        assert ds.info.notes == (
            f"the file holds the 12 frames that it announces and {tail} bytes more, which are left out",
        )
        np.testing.assert_array_equal(np.asarray(ds), data)


def test_a_file_without_a_complete_pattern_is_an_error(tmp_path: Path) -> None:
    content = block_file(patterns())
    path = write(tmp_path, content[: 4112 + 6 + 35])
    with pytest.raises(TruncatedError, match=r"no complete frame; expected 12 frames of 42 bytes.*found 41 bytes"):
        open_blo(path)


# What is refused


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"magic": b"IMGBLA"}, FormatError, r"not a block file; expected b'IMGBLO'; found b'IMGBLA\\x02\\x01'"),
        ({"version": 0x0202}, UnsupportedError, "unknown version.*expected bytes 02 01 or 03 01.*found 02 02"),
        ({"dp_sz": 0}, CorruptError, "DP_SZ is zero"),
        ({"nx": 0}, CorruptError, "NX is zero"),
        ({"ny": 0}, CorruptError, "NY is zero"),
        ({"off_dp": 239, "off_vbf": 240}, CorruptError, "lies within the header; expected OFF_DP of at least 240"),
    ],
)
def test_an_impossible_header_is_refused(tmp_path: Path, change: Any, error: type[FormatError], words: str) -> None:
    path = write(tmp_path, block_file(patterns(), **change))
    with pytest.raises(error, match=words) as caught:
        open_dataset("blo", path, {})
    assert caught.value.path == str(path)


def test_patterns_behind_the_end_are_refused(tmp_path: Path) -> None:
    content = bytearray(block_file(patterns()))
    content[12:16] = struct.pack("<I", len(content))
    with pytest.raises(TruncatedError, match="ends before the first pattern"):
        open_blo(write(tmp_path, bytes(content)))


@pytest.mark.parametrize("length", [0, 5, 6, 100, 239])
def test_a_file_that_ends_within_the_header_is_an_error(tmp_path: Path, length: int) -> None:
    path = write(tmp_path, block_file(patterns())[:length])
    with pytest.raises(TruncatedError, match=f"header is incomplete; expected 240 bytes; found {length} bytes"):
        open_dataset("blo", path, {})


@pytest.mark.parametrize("index", [0, 1, 6, 11])
@pytest.mark.parametrize("damage", [b"\0\0", b"\x55\xaa"])
def test_a_record_that_is_not_where_it_should_be_is_an_error(tmp_path: Path, index: int, damage: bytes) -> None:
    content = bytearray(block_file(patterns()))
    at = 4112 + index * 42
    content[at : at + 2] = damage
    with pytest.raises(CorruptError, match=f"record of pattern {index}.*expected AA 55 and the number {index}; found"):
        open_blo(write(tmp_path, bytes(content)))


def test_a_record_with_another_number_is_an_error(tmp_path: Path) -> None:
    content = bytearray(block_file(patterns()))
    content[4112 + 2 : 4112 + 6] = struct.pack("<I", 7)
    with pytest.raises(CorruptError, match="found AA 55 and the number 7"):
        open_blo(write(tmp_path, bytes(content)))


def test_a_note_that_contradicts_the_size_is_an_error_that_can_be_overridden(tmp_path: Path) -> None:
    data = patterns()
    path = write(tmp_path, block_file(data, version=0x0103, note=DEPTH_16))
    with pytest.raises(CorruptError, match=r"contradicts the size.*Give bit_depth=8 to follow the size"):
        open_blo(path)
    np.testing.assert_array_equal(np.asarray(open_blo(path, bit_depth=8)), data)


def test_a_wrong_bit_depth_is_noticed_by_the_records(tmp_path: Path) -> None:
    path = write(tmp_path, block_file(patterns(dtype="u2"), version=0x0103))
    with pytest.raises(CorruptError, match=r"record of pattern 1 .*give bit_depth=16"):
        open_blo(path, bit_depth=8)


# Detection


def test_a_sound_file_is_recognised_whatever_its_name(tmp_path: Path) -> None:
    path = write(tmp_path, block_file(patterns()), name="scan.raw")
    match = BloReader().detect(Probe.of(path))
    assert match is not None
    assert match.confidence == Confidence.VERIFIED
    assert open_blo(path).format == "blo"


def test_a_damaged_file_is_still_recognised(tmp_path: Path) -> None:
    match = BloReader().detect(Probe.of(write(tmp_path, block_file(patterns())[:300])))
    assert match is not None
    assert match.confidence == Confidence.SIGNATURE


@pytest.mark.parametrize("content", [b"", b"IMGBL", b"\x02\x01" * 500, bytes(5000)])
def test_other_files_are_not_claimed(tmp_path: Path, content: bytes) -> None:
    assert BloReader().detect(Probe.of(write(tmp_path, content))) is None


def test_detection_reads_little(tmp_path: Path) -> None:
    probe = Probe.of(write(tmp_path, block_file(patterns((20, 20, 32)))))
    BloReader().detect(probe)
    assert probe.bytes_read <= 17 * 1024


@settings(max_examples=3 * settings().max_examples)
@given(
    flips=st.lists(st.tuples(st.integers(0, 239), st.integers(1, 255)), min_size=1, max_size=4), cut=st.integers(0, 200)
)
@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_damage_gives_an_error_of_the_format_or_patterns(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(block_file(patterns()))
    for place, bits in flips:
        content[place] ^= bits
    path = tmp_path_factory.getbasetemp() / "damaged.blo"
    path.write_bytes(content[: len(content) - cut])
    try:
        ds = open_dataset("blo", path, {})
    except FormatError:
        return
    ds[(0,) * len(ds.shape.nav)]
    repr(ds)
    json.dumps([ds.raw_metadata, ds.diagnostics], allow_nan=False)


@pytest.mark.recorded
def test_a_real_file_equals_what_others_read(samples: Path) -> None:
    folder = samples / "blo" / "test2"
    ds = open_blo(folder / "test2.blo")
    np.testing.assert_array_equal(np.asarray(ds), np.load(folder / "expected.npy"))
    assert ds.metadata.acquired == "2015-12-01T15:43:09"
    assert (ds.axes[0].units, ds.axes[2].units) == ("nm", "1/nm")
