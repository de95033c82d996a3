"""What Merlin files say about themselves, and how they are recognised."""

import json
import pickle
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import lamella
from lamella.errors import FormatError
from lamella.reader import Confidence, Probe
from lamella_mib.header import iso_time, parse_header
from lamella_mib.params import MibParams
from lamella_mib.reader import MibReader
from lamella_mib.sidecar import parse_sidecar
from lamella_mib.writer import Merlin, sidecar_text

FRAMES = np.arange(6 * 4 * 8, dtype=np.uint16).reshape(6, 4, 8)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    camera = Merlin(depth=12, exposure=1500, period=2000)
    (tmp_path / "scan.hdr").write_bytes(sidecar_text({"ScanX": 3, "ScanY": 2}))
    (tmp_path / "scan1.mib").write_bytes(camera.part(FRAMES[:4]))
    (tmp_path / "scan2.mib").write_bytes(camera.part(FRAMES[4:], first=5))
    return tmp_path / "scan2.mib"


def test_metadata_are_those_of_the_first_frame(scan: Path) -> None:
    metadata = lamella.open(scan).metadata
    assert metadata.acquired == "2021-05-07T16:51:10.000000000Z"
    assert metadata.exposure_time == pytest.approx(0.0015)
    assert metadata.dwell_time == pytest.approx(0.002)
    assert metadata.counter_depth == 12
    assert metadata.detector == "Merlin"
    assert metadata.software == "1.5"
    assert metadata.mode == "SPM"
    assert metadata.detector_pixel_pitch == 55e-6


def test_raw_metadata_are_complete(scan: Path) -> None:
    raw: Any = json.loads(json.dumps(lamella.open(scan).raw_metadata))
    assert raw["sidecar"]["Chip Mode  (SPM, CSM, CM, CSCM)"] == "SPM"
    assert raw["sidecar"]["Temperature (C)"].endswith("3 µA")
    header = raw["frame header"]
    assert header["text"].startswith("MQ1,000001,00384,01,0008,0004,U16,1x1,01,2021-05-07 18:51:10.000000,0.001500")
    assert header["thresholds"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert header["gain"] == "SLGM"
    assert header["chip settings"] == ["3RX," + ",".join(f"{i:03d}" for i in range(27))]


def test_the_settings_of_four_chips_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "quad.mib"
    path.write_bytes(Merlin(chips=4).part(np.zeros((1, 512, 512), np.uint8)))
    raw: Any = lamella.open(path).raw_metadata
    assert len(raw["frame header"]["chip settings"]) == 4


def test_a_header_is_parsed_once_for_all_its_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scan.mib"
    path.write_bytes(Merlin(exposure=1234, period=2468).part(np.zeros((5, 2, 3), np.uint16)))
    ds = lamella.open(path)
    parse = Mock(wraps=parse_header)
    monkeypatch.setattr("lamella_mib.headers.parse_header", parse)
    for name in ("acquired", "exposure", "sequence number", "counter"):
        assert len(ds.per_frame(name)) == 5
    assert parse.call_count == 5


def test_every_frame_has_its_time_and_exposure(scan: Path) -> None:
    ds = lamella.open(scan)
    expected = np.datetime64("2021-05-07T16:51:10", "ns") + np.arange(6) * np.timedelta64(2_000_000, "ns")
    np.testing.assert_array_equal(ds.per_frame("acquired"), expected)
    np.testing.assert_allclose(ds.per_frame("time"), np.arange(6) * 0.002)
    np.testing.assert_allclose(ds.per_frame("exposure"), [0.0015] * 6)
    assert ds.per_frame("sequence number").tolist() == [1, 2, 3, 4, 5, 6]
    assert ds.per_frame("counter").tolist() == [0] * 6


def test_a_damaged_header_leaves_a_hole_in_the_arrays(scan: Path) -> None:
    path = scan.with_name("scan1.mib")
    content = bytearray(path.read_bytes())
    content[2 * 448 : 2 * 448 + 3] = b"???"
    content[2 * 448 + 448 + 44 : 2 * 448 + 448 + 48] = b"year"
    path.write_bytes(content)
    ds = lamella.open(scan)
    assert np.isnat(ds.per_frame("acquired")).tolist() == [False, False, True, False, False, False]
    assert np.isnan(ds.per_frame("exposure")).tolist() == [False, False, True, False, False, False]
    assert ds.per_frame("sequence number")[2] == -1


def test_files_that_are_gone_are_an_error_when_headers_are_asked_for(scan: Path) -> None:
    ds = lamella.open(scan)
    scan.unlink()
    with pytest.raises(FormatError, match=r"scan2\.mib: the file cannot be opened"):
        ds.per_frame("time")


def test_old_software_says_less(tmp_path: Path) -> None:
    path = tmp_path / "old.mib"
    path.write_bytes(Merlin(extension=False, old_dates=True).part(np.zeros((1, 4, 8), np.uint8)))
    metadata = lamella.open(path).metadata
    assert metadata.acquired == "2021-05-07T18:51:10.000000"
    assert metadata.exposure_time == pytest.approx(0.001)
    assert metadata.counter_depth is None


def test_frames_of_assembled_pixels_are_not_decoded(scan: Path) -> None:
    ds = lamella.open(scan)
    assert ds.info.details["decoding"] == "none"
    assert not ds.source.hints.whole_frames
    assert len(pickle.dumps(ds.partitions()[0])) < 64 << 10


def test_the_details_tell_what_was_found(scan: Path) -> None:
    details = lamella.open(scan).diagnostics
    json.dumps(details)
    assert details["parts"] == 2
    assert details["frames per part"] == "2 to 4"
    assert details["pixel type"] == "U16"
    assert details["chip select"] == "01"


# Detection.


def test_frames_and_sidecar_are_recognised(scan: Path) -> None:
    for path in (scan, scan.with_name("scan.hdr")):
        match = MibReader().detect(Probe.of(path))
        assert match is not None
        assert match.confidence == Confidence.VERIFIED


def test_a_frame_that_does_not_hold_together_is_less_sure(scan: Path) -> None:
    scan.write_bytes(scan.read_bytes().replace(b"U16", b"U77", 1))
    match = MibReader().detect(Probe.of(scan))
    assert match is not None
    assert match.confidence == Confidence.SIGNATURE
    assert "unknown type of pixels" in match.reason


@pytest.mark.parametrize("content", [b"", b"MQ", b"MQ2,", b"ENVI\nsamples = 3", b"[measurementInfo]\n", b"HDRX\t\r\n"])
@pytest.mark.parametrize("name", ["a.mib", "a.hdr"])
def test_other_content_is_not_recognised(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert MibReader().detect(Probe.of(path)) is None


def test_a_sidecar_without_frames_is_less_sure(tmp_path: Path) -> None:
    path = tmp_path / "a.hdr"
    path.write_bytes(sidecar_text({}))
    match = MibReader().detect(Probe.of(path))
    assert match is not None
    assert match.confidence == Confidence.SIGNATURE


# Text.


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2021-05-07 18:51:10.905800", "2021-05-07T18:51:10.905800"),
        ("2021-05-07T16:51:10.905800928Z", "2021-05-07T16:51:10.905800928Z"),
        ("07/05/2021 18:51:10.9058", "2021-05-07T18:51:10.9058"),
        ("07/05/2021 18:51", "2021-05-07T18:51"),
        ("soon", None),
        ("", None),
    ],
)
def test_times_of_every_age_are_understood(text: str, iso: str | None) -> None:
    assert iso_time(text) == iso


def test_settings_are_found_by_the_beginning_of_their_key() -> None:
    sidecar = parse_sidecar(sidecar_text({"Frames in Acquisition (Number)": 0, "ScanX": 5, "ScanY": "many"}), "a.hdr")
    assert sidecar.get("Chip Mode") == "SPM"
    assert sidecar.get("chip mode") == "SPM"
    assert sidecar.frames is None
    assert sidecar.frames_per_trigger == 1
    assert sidecar.scan is None
    assert sidecar.get("Nothing") is None


def test_lines_that_are_no_settings_are_skipped() -> None:
    sidecar = parse_sidecar(b"HDR,\nno tabulator\n\tno key\nA:\t1\nA:\t2\n\nEnd\t\nB:\t3\n", "a.hdr")
    assert sidecar.to_json() == {"A": "1"}


HEADER = Merlin(depth=12).header(FRAMES[0], 1)


@given(st.binary(max_size=500))
def test_no_header_raises_anything_but_a_format_error(tail: bytes) -> None:
    for record in (tail, b"MQ1," + tail, HEADER[: len(tail)] + tail):
        try:
            json.dumps(parse_header(record, "a.mib").to_json())
        except FormatError:
            continue


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 383), st.binary(min_size=1, max_size=12))
def test_no_damage_to_the_first_header_raises_anything_but_a_format_error(
    tmp_path: Path, place: int, damage: bytes
) -> None:
    content = bytearray(Merlin(depth=12).part(FRAMES))
    content[place : place + len(damage)] = damage
    path = tmp_path / "a.mib"
    path.write_bytes(content)
    try:
        source = MibReader().open(MibParams(), Probe.of(path))
    except FormatError:
        return
    assert source.n_frames <= len(content) // 128
    json.dumps(dict(source.info.raw_metadata))
