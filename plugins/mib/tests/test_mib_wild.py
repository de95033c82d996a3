"""Headers as they are met in the wild: of many versions, languages and sizes. All are written out here by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.errors import CorruptError, FormatError, LamellaWarning
from lamella_mib.header import parse_header
from lamella_mib.writer import sidecar_text

START = "MQ1,{sequence:06d},{size:05d},{chips:02d},{width:04d},{height:04d},{kind},{layout:>6},{select},"
MIDDLE = "2021-05-07 18:51:10.905800,0.001000,0,0,0,"
THRESHOLDS = "1.200000E+1,5.110000E+2,0.000000E+0,0.000000E+0,0.000000E+0,0.000000E+0,0.000000E+0,0.000000E+0,"
CHIP = "3RX," + "011," * 27
EXTENSION = "MQ1A,2021-05-07T16:51:10.905800928Z,1000000ns,{depth},"
PIXELS = np.arange(1, 25).reshape(4, 6)


def header(text: str = START + MIDDLE + THRESHOLDS + CHIP + EXTENSION, fill: bytes = b"\0", **fields: Any) -> bytes:
    given: dict[str, Any] = {
        "sequence": 1,
        "size": 384,
        "chips": 1,
        "width": 6,
        "height": 4,
        "kind": "U16",
        "layout": "1x1",
    }
    given |= {"select": "01", "depth": 12, **fields}
    return text.format(**given).encode("latin-1").ljust(given["size"], fill)


def scan(path: Path, text: str = START + MIDDLE + THRESHOLDS + CHIP + EXTENSION, n: int = 2, **fields: Any) -> Path:
    """Write frames that show their number in every pixel."""
    first = fields.pop("first", 1)
    frames = (header(text, sequence=first + i, **fields) + (PIXELS + 100 * i).astype(">u2").tobytes() for i in range(n))
    path.write_bytes(b"".join(frames))
    return path


def opened(path: Path, **keywords: Any) -> lamella.DataSet:
    ds = lamella.open(path, **keywords)
    assert ds.format == "mib"
    json.dumps([ds.raw_metadata, ds.diagnostics, ds.metadata.to_json()], allow_nan=False)
    return ds


def pixels_of(ds: lamella.DataSet) -> list[list[int]]:
    return [frame.reshape(-1)[:2].tolist() for frame in ds.read().reshape(-1, 4, 6)]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (START + MIDDLE + THRESHOLDS + CHIP + EXTENSION, 384),
        (START + MIDDLE + THRESHOLDS + CHIP * 4 + EXTENSION, 768),
        (START + MIDDLE + THRESHOLDS + CHIP * 16 + EXTENSION + "1,2,3,", 2048),
        (START + MIDDLE + THRESHOLDS, 256),
        (START + MIDDLE, 256),
        (START + "2021-05-07 18:51:10.905800,0.001000", 128),
        (START + ",,,,,,,,", 128),
        (START, 64),
        (START + MIDDLE + CHIP, 384),
        (START + MIDDLE + THRESHOLDS + CHIP + "MQ1A,", 384),
        (START + MIDDLE + THRESHOLDS + CHIP + "MQ1A,2021-05-07T16:51:10.905800928Z,", 384),
        (START + MIDDLE + THRESHOLDS + CHIP + EXTENSION, 20_000),
    ],
)
@pytest.mark.parametrize("fill", [b"\0", b" ", b"\xff"])
def test_headers_of_any_length_and_padding_are_followed(tmp_path: Path, text: str, size: int, fill: bytes) -> None:
    if not text.endswith(","):
        text += ","  # so that the padding is a field of its own
    ds = opened(scan(tmp_path / "a.mib", text, size=size, fill=fill))
    assert pixels_of(ds) == [[1, 2], [101, 102]]
    if MIDDLE in text:
        assert (ds.metadata.acquired or "")[:10] == "2021-05-07"
        assert ds.metadata.exposure_time == pytest.approx(1e-3)


def test_old_headers_without_thresholds_have_none(tmp_path: Path) -> None:
    frame: Any = opened(scan(tmp_path / "a.mib", START + MIDDLE + CHIP)).raw_metadata["frame header"]
    assert frame["thresholds"] == []
    assert len(frame["chip settings"]) == 1


def test_thresholds_and_gain_are_read(tmp_path: Path) -> None:
    details = opened(scan(tmp_path / "a.mib")).diagnostics
    assert details["thresholds [keV]"][:2] == [12.0, 511.0]
    assert details["gain"] == "SLGM"


def test_decimal_commas_are_no_fields(tmp_path: Path) -> None:
    def comma(text: str) -> str:
        return text.replace(".", ",")

    text = START + comma(MIDDLE) + comma(THRESHOLDS) + CHIP
    ds = opened(scan(tmp_path / "a.mib", text))
    frame: Any = ds.raw_metadata["frame header"]
    assert ds.metadata.acquired == "2021-05-07T18:51:10.905800"
    assert ds.metadata.exposure_time == pytest.approx(1e-3)
    assert frame["thresholds"] == [12.0, 511.0] + 6 * [0.0]
    assert (frame["counter"], frame["gain"]) == (0, "SLGM")
    newer = opened(scan(tmp_path / "b.mib", text + EXTENSION))
    assert newer.metadata.acquired == "2021-05-07T16:51:10.905800928Z"
    assert newer.metadata.counter_depth == 12


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("07/05/2017 18:51:10.905800", "2017-05-07T18:51:10.905800"),
        ("07/05/2017 18:51:10", "2017-05-07T18:51:10"),
        ("2021-05-07 18:51:10", "2021-05-07T18:51:10"),
        ("2021-05-07T18:51:10.1234567890Z", "2021-05-07T18:51:10.123456789Z"),
        ("07/05/2017 06:51:10 PM", None),
        ("2021-05-07 18:51:10+01:00", None),
        ("31/02/2021 00:00:00", None),
        ("2021-13-45 99:99:99", None),
        ("0000-00-00 00:00:00.000000", None),
        ("never", None),
    ],
)
def test_start_times_are_understood_or_left_out(tmp_path: Path, written: str, iso: str | None) -> None:
    ds = opened(scan(tmp_path / "a.mib", START + written + ",0.001000,0,0,0,", size=256))
    assert ds.metadata.acquired == iso
    assert np.isnat(ds.per_frame("acquired")).all() == (iso is None)
    assert np.isnan(ds.per_frame("time")).all() == (iso is None)


@pytest.mark.parametrize(
    "middle",
    ["2021-05-07 18:51:10,nan,x,,-1,", "2021-05-07 18:51:10,-1.0,9,9,9,", "2021-05-07 18:51:10,1e999,0,0,99999,", ",,"],
)
def test_fields_that_mean_nothing_are_unknown(tmp_path: Path, middle: str) -> None:
    ds = opened(scan(tmp_path / "a.mib", START + middle + CHIP))
    assert ds.metadata.exposure_time is None
    assert np.isnan(ds.per_frame("exposure")).all()
    assert pixels_of(ds) == [[1, 2], [101, 102]]


@pytest.mark.parametrize(("exposure", "seconds"), [("100000000ns", 0.1), ("0ns", 0.0), ("0.1s", 1e-3), ("", 1e-3)])
def test_an_exposure_in_nanoseconds_goes_first(tmp_path: Path, exposure: str, seconds: float) -> None:
    extension = f"MQ1A,2021-05-07T16:51:10.905800928Z,{exposure},12,"
    ds = opened(scan(tmp_path / "a.mib", START + MIDDLE + THRESHOLDS + CHIP + extension))
    assert ds.metadata.exposure_time == pytest.approx(seconds)


def test_the_last_moment_is_told_too(tmp_path: Path) -> None:
    path = scan(tmp_path / "a.mib")
    path.write_bytes(path.read_bytes() + header().replace(b"16:51:10", b"16:51:12") + PIXELS.astype(">u2").tobytes())
    assert opened(path).diagnostics["last frame acquired"] == "2021-05-07T16:51:12.905800928Z"


# Raw words, with the bytes of the specification.


@pytest.mark.parametrize(
    ("depth", "stored", "expected"),
    [
        (6, "08 07 06 05 04 03 02 01", [1, 2, 3, 4, 5, 6, 7, 8]),
        (12, "00 04 00 03 00 02 0F FF", [4095, 2, 3, 4]),
        (1, "80 00 00 00 00 00 00 05", [1, 0, 1, *60 * [0], 1]),
    ],
)
def test_words_are_unpacked_as_in_the_examples(tmp_path: Path, depth: int, stored: str, expected: list[int]) -> None:
    path = tmp_path / "a.mib"
    path.write_bytes(header(kind="R64", width=len(expected), height=1, depth=depth) + bytes.fromhex(stored))
    assert opened(path).read().reshape(-1).tolist() == expected


@pytest.mark.parametrize(("chips", "select", "layout"), [(2, "03", "2x2"), (3, "07", "2x2"), (4, "0F", "Nx1")])
def test_assembled_frames_of_any_chips_are_read(tmp_path: Path, chips: int, select: str, layout: str) -> None:
    ds = opened(scan(tmp_path / "a.mib", chips=chips, select=select, layout=layout))
    assert pixels_of(ds) == [[1, 2], [101, 102]]


# Folders.


def test_numbers_continue_a_name_and_other_endings_do_not(tmp_path: Path) -> None:
    for name, first in (
        ("name.mib", 1),
        ("name1.mib", 3),
        ("name_000.mib", 1),
        ("name1_000.mib", 1),
        ("name2x.mib", 1),
    ):
        scan(tmp_path / name, first=first)
    (tmp_path / "name.hdr").write_bytes(sidecar_text({"Frames in Acquisition (Number)": 4}))
    assert opened(tmp_path / "name.mib").source.n_frames == 4
    assert opened(tmp_path / "name1.mib").source.n_frames == 4
    assert opened(tmp_path / "name_000.mib").source.n_frames == 2


def test_acquisitions_of_one_name_that_both_begin_at_one_bring_a_note(tmp_path: Path) -> None:
    scan(tmp_path / "name.mib")
    scan(tmp_path / "name1.mib")
    ds = opened(tmp_path / "name1.mib")
    assert any("If each is an acquisition of its own, give only_this_file=True" in note for note in ds.info.notes)
    assert pixels_of(opened(tmp_path / "name1.mib", only_this_file=True)) == [[1, 2], [101, 102]]


def test_parts_with_other_headers_are_left_out_and_named(tmp_path: Path) -> None:
    scan(tmp_path / "a0.mib")
    scan(tmp_path / "a1.mib", first=3, size=768)
    scan(tmp_path / "a2.mib", first=3, fill=b" ")  # only padded in another way
    ds = opened(tmp_path / "a0.mib")
    assert ds.source.n_frames == 4
    assert any("a1.mib (header size 768, not 384)" in note for note in ds.info.notes)


def test_headers_of_another_size_within_a_file_are_damage(tmp_path: Path) -> None:
    path = scan(tmp_path / "a.mib", n=1, size=768)
    path.write_bytes(path.read_bytes() + header() + PIXELS.astype(">u2").tobytes() + bytes(768))
    path.write_bytes(header(height=5) + path.read_bytes()[768:])
    with pytest.raises(CorruptError, match="the header of the second frame is not where the first one puts it"):
        lamella.open(path)


# Sidecars.


def test_settings_may_end_in_another_way(tmp_path: Path) -> None:
    path = scan(tmp_path / "a.mib", n=6)
    lines = ["HDR,", "ScanX:\t 3 ", "ScanY:\t2", "Temperature (C):\t23,5 \xb5A", "no tabulator", "\t"]
    for ending in ("\n", "\r\n"):
        (tmp_path / "a.hdr").write_bytes(ending.join(lines).encode("latin-1"))
        ds = opened(path)
        assert tuple(ds.shape.nav) == (2, 3)
        sidecar: Any = ds.raw_metadata["sidecar"]
        assert sidecar["Temperature (C)"] == "23,5 µA"


@pytest.mark.parametrize("frames", ["0", "", "many", "-3"])
def test_a_continuous_acquisition_announces_no_frames(tmp_path: Path, frames: str) -> None:
    path = scan(tmp_path / "a.mib", n=4)
    (tmp_path / "a.hdr").write_bytes(sidecar_text({"Frames in Acquisition (Number)": frames}))
    ds = opened(path)
    assert tuple(ds.shape.nav) == (2, 2)
    assert not any("announces" in note for note in ds.info.notes)


def test_a_wrong_number_of_announced_frames_is_a_note(tmp_path: Path) -> None:
    path = scan(tmp_path / "a.mib", n=4)
    (tmp_path / "a.hdr").write_bytes(sidecar_text({"Frames in Acquisition (Number)": 3}))
    assert any("announces 3 frames, the files hold 4" in note for note in opened(path).info.notes)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize("cut", range(1, 432, 43))
def test_a_file_may_end_anywhere_in_its_last_frame(tmp_path: Path, cut: int) -> None:
    path = scan(tmp_path / "a.mib", n=3)
    path.write_bytes(path.read_bytes()[:-cut])
    ds = opened(path)
    assert pixels_of(ds) == [[1, 2], [101, 102]]
    assert any("is incomplete (has" in note for note in ds.info.notes)


def test_a_header_that_breaks_off_is_refused() -> None:
    for length in range(5, 40):
        with pytest.raises(FormatError):
            parse_header(header()[:length], "a.mib")


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_path_in_any_language(tmp_path: Path) -> None:
    folder = tmp_path / "Messung µ (日本語) #1" / "été"
    folder.mkdir(parents=True)
    scan(folder / "ß-扫描_0.mib")
    scan(folder / "ß-扫描_1.mib", first=4)
    with pytest.warns(LamellaWarning, match="1 of 5"):
        assert opened(folder / "ß-扫描_1.mib").source.n_frames == 4
