"""Series of all kinds are read as they were written, and damaged ones say what is wrong."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from lamella.errors import CorruptError, FormatError, LamellaWarning, TruncatedError, UnsupportedError
from lamella.opening.open import open_dataset
from lamella.reader import Confidence, Probe
from lamella_ser.params import SerParams
from lamella_ser.reader import SerReader
from lamella_ser.writer import emi_bytes, series_bytes

DTYPES = ("u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8", "c8", "c16")


def frames(n: int = 12, *sig: int, dtype: str = "i4") -> NDArray[Any]:
    shape = (n, *(sig or (5, 7)))
    return (np.arange(np.prod(shape)).reshape(shape) * 3 - 50).astype(dtype)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(folder: Path, data: bytes, name: str = "scan_1.ser") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def open_auto(path: Path, **keywords: Any) -> Any:
    return open_dataset("auto", path, keywords)


def patch(data: bytes, offset: int, kind: str, value: int | float) -> bytes:
    new = struct.pack(f"<{kind}", value)
    return data[:offset] + new + data[offset + len(new) :]


@pytest.mark.parametrize("version", [0x0210, 0x0220])
@pytest.mark.parametrize("dtype", DTYPES)
def test_images_of_every_type_and_version_are_read_upright(folder: Path, version: int, dtype: str) -> None:
    data = frames(dtype=dtype)
    ds = open_auto(write(folder, series_bytes(data, version=version, scan=(3, 4))))
    assert ds.shape == (3, 4, 5, 7)
    assert ds.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(np.asarray(ds), data.reshape(3, 4, 5, 7))
    np.testing.assert_array_equal(ds[2, 1, 1:4, 2:6], data[9, 1:4, 2:6])


@pytest.mark.parametrize("version", [0x0210, 0x0220])
@pytest.mark.parametrize("dtype", DTYPES)
def test_spectra_of_every_type_and_version_are_read(folder: Path, version: int, dtype: str) -> None:
    data = frames(6, 40, dtype=dtype)
    ds = open_auto(write(folder, series_bytes(data, version=version, scan=(2, 3))))
    assert ds.shape.sig == (40,)
    np.testing.assert_array_equal(np.asarray(ds), data.reshape(2, 3, 40))
    assert (ds.axes[-1].name, ds.axes[-1].units) == ("energy", "eV")


@pytest.mark.parametrize("backend", ["mmap", "buffered", "direct"])
@pytest.mark.parametrize("gaps", [(0,), (3,), (0, 5, 1)])
def test_gaps_between_elements_do_not_matter(folder: Path, gaps: tuple[int, ...], backend: str) -> None:
    data = frames()
    ds = open_auto(write(folder, series_bytes(data, gaps=gaps)), io_backend=backend)
    np.testing.assert_array_equal(np.asarray(ds), data)
    assert (len(ds.source.runs) == 1) == (len(gaps) == 1)


def test_another_detector_shape_is_cut_from_upright_frames(folder: Path) -> None:
    data = frames()
    ds = open_auto(write(folder, series_bytes(data)), sig_shape=(7, 5))
    np.testing.assert_array_equal(np.asarray(ds), data.reshape(12, 7, 5))


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_an_aborted_series_keeps_its_scan_and_its_tags(folder: Path) -> None:
    data = frames(5)
    with pytest.warns(LamellaWarning, match="7 of 12"):
        ds = open_auto(write(folder, series_bytes(data, scan=(3, 4), planned=12)))
    assert ds.shape.nav == (3, 4)
    assert ds.missing_count == 7
    np.testing.assert_array_equal(ds[0], data[:4])
    np.testing.assert_array_equal(ds.per_frame("time"), np.arange(5))
    assert ds.per_frame("acquired")[1] == np.datetime64(1_456_000_001, "s")
    np.testing.assert_allclose(ds.per_frame("position_x"), np.array([0, 1, 2, 3, 0]) * 1e-9)
    assert ds.info.nav_alternatives == (((5,), "number of elements"),)


def test_tags_of_a_time_series_hold_no_positions(folder: Path) -> None:
    ds = open_auto(write(folder, series_bytes(frames(4), positions=False)))
    assert set(ds.info.per_frame) == {"time", "acquired"}
    assert ds.axes[0].name == "frame"
    assert ds.axes[0].units is None
    assert ds.metadata.acquired == "2016-02-20T20:26:40+00:00"


@pytest.mark.parametrize("broken", [0, 2**32 - 1, 100])
def test_a_broken_tag_is_missing_and_the_others_are_there(folder: Path, broken: int) -> None:
    ds = open_auto(write(folder, series_bytes(frames(4), broken_tags=[broken])))
    np.testing.assert_array_equal(ds.per_frame("time"), [np.nan, 0, 1, 2])
    assert np.isnat(ds.per_frame("acquired")).tolist() == [True, False, False, False]
    assert ds.metadata.acquired is None


def test_axes_are_calibrated(folder: Path) -> None:
    ds = open_auto(write(folder, series_bytes(frames(), scan=(3, 4))))
    assert [(axis.name, axis.units) for axis in ds.axes] == [("y", "nm"), ("x", "nm"), ("ky", "1/nm"), ("kx", "1/nm")]
    assert [axis.scale for axis in ds.axes] == pytest.approx([2, 1, 0.04, 0.03])
    assert [axis.offset for axis in ds.axes] == pytest.approx([0, 0, -2.5 * 0.04, -3.5 * 0.03])


def test_images_are_told_from_patterns_by_their_step(folder: Path) -> None:
    ds = open_auto(write(folder, series_bytes(frames(), detector_steps=(2e-9, 3e-9))))
    assert [(axis.name, axis.units) for axis in ds.axes[1:]] == [("dy", "nm"), ("dx", "nm")]


def test_the_reference_element_shifts_an_axis(folder: Path) -> None:
    data = series_bytes(frames())
    ds = open_auto(write(folder, patch(data, 34 + 20, "I", 12)))
    assert ds.axes[0].offset == pytest.approx(-12)


def test_a_series_without_dimensions_takes_its_scan_from_the_beam_positions(folder: Path) -> None:
    data = series_bytes(frames(), scan=(3, 4), described=False)
    ds = open_auto(write(folder, data))
    assert ds.shape.nav == (3, 4)
    assert ds.nav_origin == "beam positions of the elements"
    line = open_auto(write(folder, series_bytes(frames(), described=False), "line_1.ser"))
    assert (line.shape.nav, line.nav_origin) == ((12,), "number of elements")


@pytest.mark.parametrize("scan", [(2, 3), (5, 5)])
def test_a_scan_that_does_not_fit_the_elements_is_not_used_and_noted(folder: Path, scan: tuple[int, int]) -> None:
    ds = open_auto(write(folder, series_bytes(frames(), scan=scan, planned=12, positions=False)))
    assert ds.shape.nav == (12,)
    assert f"the header's scan of {scan} was not used" in ds.info.notes[0]


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_cut_file_opens_as_far_as_its_elements_go(folder: Path) -> None:
    data = frames()
    whole = series_bytes(data, scan=(3, 4))
    with pytest.warns(LamellaWarning, match="3 of 12"):
        ds = open_auto(write(folder, whole[: len(whole) - 3 * (50 + 140 + 24) + 60]))
    assert "announces 12 frames and holds 9" in ds.info.notes[0]
    np.testing.assert_array_equal(ds[:2], data[:8].reshape(2, 4, 5, 7))


def test_settings_come_from_the_emi_that_names_the_series(folder: Path) -> None:
    path = write(folder, series_bytes(frames(), detector_steps=(1e-9, 1e-9)), "my scan_10.ser")
    (folder / "my scan.emi").write_bytes(emi_bytes("my scan_10.ser", before="<Uuid>other</Uuid>"))
    ds = open_auto(path)
    assert ds.metadata.to_json() == {
        "acquired": "2016-02-22T19:18:24",
        "instrument": "Titan 60-300",
        "detector": "BM-Ceta",
        "software": "TIA",
        "operator": "Åse",
        "mode": "STEM nP SA Zoom Diffraction",
        "beam_energy": 200000.0,
        "camera_length": 0.26,
        "magnification": 115000.0,
        "scan_rotation": 12.5,
        "exposure_time": 0.05,
        "dwell_time": 0.05,
    }
    assert ds.axes[-1].units == "1/nm"
    assert ds.raw_metadata["emi"]["ExperimentalDescription"]["Root"]["Data"][0]["Value"] == "Titan 60-300"
    assert not ds.info.notes
    json.dumps(ds.raw_metadata, allow_nan=False)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize(
    "settings_file",
    [
        b"",
        b"<ObjectInfo>" * 1000,
        bytes(range(256)) * 10,
        emi_bytes("scan_1.ser", xml="<AcquireDate>31 Feb</Acquire"),
        emi_bytes("scan_1.ser", xml="<AcquireDate>Sun Feb 31 17:53:06 2016</AcquireDate>"),
        emi_bytes("scan_1.ser", xml="<AcquireDate/><AcquireInfo><DwellTimePath>nan</DwellTimePath></AcquireInfo>"),
        emi_bytes("scan_2.ser"),
        emi_bytes("scan_1.ser", xml="<a>" * 5000 + "</a>" * 5000),
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + emi_bytes("scan_1.ser", xml="<a>&a;</a>"),
    ],
)
def test_a_damaged_emi_harms_nothing(folder: Path, settings_file: bytes) -> None:
    data = frames()
    path = write(folder, series_bytes(data))
    (folder / "scan.emi").write_bytes(settings_file)
    ds = open_auto(path)
    np.testing.assert_array_equal(np.asarray(ds), data)
    json.dumps([ds.raw_metadata, ds.metadata.to_json(), ds.diagnostics], allow_nan=False)


def test_an_emi_that_leads_out_of_the_folder_is_not_followed(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "data").mkdir()
    (folder / "elsewhere" / "scan.emi").write_bytes(emi_bytes("scan_1.ser"))
    (folder / "data" / "scan.emi").symlink_to(folder / "elsewhere" / "scan.emi")
    assert open_auto(write(folder / "data", series_bytes(frames()))).metadata.operator is None


def problem(folder: Path, data: bytes, name: str = "scan_1.ser") -> FormatError:
    path = write(folder, data, name)
    with pytest.raises(FormatError) as caught:
        open_dataset("ser", path, {})
    assert caught.value.path == str(path)
    return caught.value


def test_errors_say_what_was_expected_and_found(folder: Path) -> None:
    good = series_bytes(frames(), scan=(3, 4))
    table = struct.unpack_from("<Q", good, 22)[0]
    first = struct.unpack_from("<Q", good, table)[0]

    unknown_version = problem(folder, patch(good, 4, "H", 0x0230))
    assert isinstance(unknown_version, UnsupportedError)
    assert (unknown_version.expected, unknown_version.found) == ("0x0210 or 0x0220", "0x0230")
    assert "0x4121" in str(problem(folder, patch(good, 6, "I", 0x4121)))
    assert "0x0063" in str(problem(folder, patch(good, first + 40, "H", 99)))
    assert ".emi" in str(problem(folder, patch(good, 18, "I", 0)))
    assert isinstance(problem(folder, patch(good, 18, "I", 13)), CorruptError)
    assert isinstance(problem(folder, patch(good, 22, "Q", len(good))), TruncatedError)
    assert "dimensions" in str(problem(folder, patch(good, 30, "I", 2**31)))
    assert "header is incomplete" in str(problem(folder, patch(good, 34 + 24, "I", 2**31)))
    assert isinstance(problem(folder, patch(good, table, "Q", 2**63)), TruncatedError)
    assert "empty" in str(problem(folder, patch(good, first + 42, "I", 0)))
    assert "no complete frame; expected 12 frames" in str(problem(folder, patch(good, first + 42, "I", 2**31)))
    other = problem(folder, patch(good, struct.unpack_from("<Q", good, table + 40)[0] + 40, "H", 3))
    assert "element 5" in str(other)
    assert (other.expected, other.found) == (
        "shape (5, 7), pixels of data_type 6",
        "shape (5, 7), pixels of data_type 3",
    )
    for length in (1, 10, 33, 50, table, first, first + 49, first + 50):
        assert isinstance(problem(folder, good[:length]), FormatError)


def test_other_files_called_ser_are_named(folder: Path) -> None:
    video = problem(folder, b"LUCAM-RECORDER" + bytes(200))
    assert "SharpCap" in str(video)
    assert "not a TIA series" in str(problem(folder, b""))


def test_an_emi_opens_the_series_that_belongs_to_it(folder: Path) -> None:
    data = frames()
    (folder / "scan.emi").write_bytes(emi_bytes("scan_1.ser"))
    assert "Put it there" in str(problem(folder, emi_bytes("other_1.ser"), "other.emi"))
    write(folder, series_bytes(data))
    ds = open_auto(folder / "scan.emi")
    np.testing.assert_array_equal(np.asarray(ds), data)
    assert ds.metadata.operator == "Åse"


def test_an_emi_with_several_series_names_them(folder: Path) -> None:
    for name in ("scan_1.ser", "scan_10.ser", "scan_x.ser", "scan_2_1.ser"):
        write(folder, series_bytes(frames()), name)
    (folder / "scan.emi").write_bytes(emi_bytes("scan_1.ser"))
    with pytest.raises(FormatError, match=r"2 series belong to these settings.*scan_1\.ser, scan_10\.ser") as caught:
        open_auto(folder / "scan.emi")
    assert caught.value.remedy == "Open one of them"


def test_objects_without_a_name_belong_to_the_series_in_their_order(folder: Path) -> None:
    objects = "".join(f"<ObjectInfo><Manufacturer>maker {i}</Manufacturer></ObjectInfo>" for i in (1, 2))
    (folder / "scan.EMI").write_bytes(b"JK" + objects.encode())
    makers = {}
    for number in (1, 2, 3):
        ds = open_auto(write(folder, series_bytes(frames()), f"scan_{number}.ser"))
        makers[number] = ds.metadata.detector, ds.info.notes
    absent = ("scan.EMI holds no settings for this series",)
    assert makers == {1: ("maker 1", ()), 2: ("maker 2", ()), 3: (None, absent)}


@pytest.mark.parametrize(
    ("units", "expected"), [("seconds", ("x", 1.0, "s")), ("", ("x", 1.0, None)), ("1/meters", ("x", 1e-9, "1/nm"))]
)
def test_units_of_the_scan_are_translated(folder: Path, units: str, expected: tuple[str, float, str | None]) -> None:
    good = series_bytes(frames(), steps=(1.0, 1.0))
    assert good.count(b"\x06\0\0\0meters") == 1
    described = struct.pack("<I", len(units)) + units.encode()
    shift = len(units) - 6
    moved = good.replace(b"\x06\0\0\0meters", described)
    table = struct.unpack_from("<Q", good, 22)[0]
    moved = patch(moved, 22, "Q", table + shift)
    for entry in range(24):
        place = table + shift + 8 * entry
        moved = patch(moved, place, "Q", struct.unpack_from("<Q", moved, place)[0] + shift)
    axis = open_auto(write(folder, moved)).axes[0]
    assert (axis.name, axis.scale, axis.units) == expected


def test_a_tag_offset_at_the_end_of_the_file_is_a_missing_tag(folder: Path) -> None:
    end = len(series_bytes(frames(4)))
    ds = open_auto(write(folder, series_bytes(frames(4), broken_tags=[end, end])))
    assert np.isnan(ds.per_frame("position_x")).tolist() == [True, True, False, False]


def detected(path: Path) -> Any:
    return SerReader().detect(Probe.of(path))


def test_detection_verifies_the_structure_and_reads_little(folder: Path) -> None:
    probe = Probe.of(write(folder, series_bytes(frames(200, 64, 64))))
    match = SerReader().detect(probe)
    assert match is not None
    assert match.confidence == Confidence.VERIFIED
    assert probe.bytes_read < 64 << 10


def test_detection_of_damaged_and_foreign_files(folder: Path) -> None:
    damaged = detected(write(folder, series_bytes(frames())[:100]))
    assert damaged.confidence == Confidence.SIGNATURE
    assert detected(write(folder, b"LUCAM-RECORDER" + bytes(100))) is None
    assert detected(write(folder, b"")) is None


@settings(max_examples=3 * settings().max_examples, deadline=None)
@given(st.data())
def test_any_header_gives_data_or_a_format_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    good = bytearray(series_bytes(frames(4), version=data.draw(st.sampled_from([0x0210, 0x0220])), scan=(2, 2)))
    for _ in range(data.draw(st.integers(1, 6))):
        offset = data.draw(st.integers(4, 250))
        new = data.draw(st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x80" * 8]))
        good[offset : offset + len(new)] = new
    cut = data.draw(st.none() | st.integers(0, len(good)))
    path = write(tmp_path_factory.mktemp("fuzz", numbered=True), bytes(good[:cut]))
    SerReader().detect(Probe.of(path))
    try:
        source = SerReader().open(SerParams(), Probe.of(path))
    except FormatError:
        return
    json.dumps([source.info.raw_metadata, source.info.metadata.to_json()], allow_nan=False)
    for function in source.info.per_frame.values():
        assert len(function()) == source.n_frames
