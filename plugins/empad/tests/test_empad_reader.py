"""Files of both generations of the EMPAD are read as they were written, whatever lies beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from numpy.typing import NDArray

from lamella.errors import CorruptError, FormatError, LamellaWarning, TruncatedError, UnsupportedError
from lamella.opening.open import open_dataset
from lamella.reader import Confidence, Probe
from lamella_empad.layout import are_floats
from lamella_empad.params import EmpadParams
from lamella_empad.reader import EmpadReader
from lamella_empad.writer import raw_bytes, xml_text

FRAME, BARE = 66560, 65536


def frames(n: int, dtype: str = "<f4") -> NDArray[Any]:
    values = np.arange(n * 128 * 128, dtype=np.float64).reshape(n, 128, 128)
    return (values / 8 - 1000 if dtype == "<f4" else values % (1 << 22)).astype(dtype)


def acquisition(
    folder: Path,
    shape: Sequence[int],
    *,
    raw: str = "scan.raw",
    stored: int | None = None,
    cut: int = 0,
    **sidecar: Any,
) -> tuple[Path, NDArray[Any]]:
    """Write an acquisition with its XML, of ``stored`` frames and ``cut`` bytes less."""
    data = frames(int(np.prod(shape)) if stored is None else stored)
    whole = raw_bytes(data)
    (folder / raw).write_bytes(whole[: len(whole) - cut])
    path = folder / "scan.xml"
    path.write_text(xml_text(sidecar.pop("names", raw), shape, **sidecar))
    return path, data


def open_auto(path: Path, **keywords: Any) -> Any:
    return open_dataset("auto", path, keywords)


@pytest.mark.parametrize("version", ["0.51", "0.7.12", "1.2.2"])
@pytest.mark.parametrize("backend", ["mmap", "buffered", "direct"])
def test_scans_of_all_versions_are_read_without_their_footers(tmp_path: Path, version: str, backend: str) -> None:
    path, data = acquisition(tmp_path, (2, 3), version=version)
    ds = open_auto(path, io_backend=backend)
    assert ds.shape == (2, 3, 128, 128)
    np.testing.assert_array_equal(np.asarray(ds), data.reshape(2, 3, 128, 128))
    np.testing.assert_array_equal(ds.per_frame("footer")[:, 128 + 12], np.arange(6))
    json.dumps([ds.raw_metadata, ds.metadata.to_json(), ds.diagnostics], allow_nan=False)


@pytest.mark.parametrize("version", ["0.51", "0.7.12", "1.2.2"])
def test_a_series_has_one_axis(tmp_path: Path, version: str) -> None:
    path, data = acquisition(tmp_path, (5,), version=version)
    ds = open_auto(path)
    assert (ds.shape.nav, ds.metadata.mode) == ((5,), "series")
    np.testing.assert_array_equal(np.asarray(ds), data)


@pytest.mark.parametrize("raw", ["scan_x3_y2.raw", "series_x6.raw", "SCAN_X3_Y2.RAW"])
def test_a_raw_file_alone_is_known_by_its_name(tmp_path: Path, raw: str) -> None:
    (tmp_path / raw).write_bytes(raw_bytes(frames(6)))
    ds = open_auto(tmp_path / raw)
    assert ds.shape.nav == ((6,) if "series" in raw else (2, 3))
    assert ds.nav_origin == "file name"


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_raw_file_finds_the_sidecar_that_names_it(tmp_path: Path) -> None:
    acquisition(tmp_path, (2, 3))
    (tmp_path / "other.xml").write_text(xml_text("other.raw", (3, 2)))
    (tmp_path / "another.xml").write_text("<scan.raw")
    ds = open_auto(tmp_path / "scan.raw")
    assert ds.shape.nav == (2, 3)
    assert ds.metadata.title == "acquisition_1"
    assert ds.info.notes[0].startswith("another.xml was left out")


def test_a_raw_file_of_unknown_name_is_a_guess(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(raw_bytes(frames(9)))
    ds = open_dataset("empad", path, {})
    assert (ds.shape.nav, ds.nav_origin) == ((3, 3), "guess: a square scan")
    assert ds.info.nav_alternatives == (((9,), "number of frames"),)
    path.write_bytes(raw_bytes(frames(6)))
    assert open_dataset("empad", path, {}).shape.nav == (6,)
    assert open_dataset("empad", path, {"nav_shape": (3, 2)}).shape.nav == (3, 2)


@pytest.mark.parametrize("name", ["/home/empad/data/scan.raw", "C:\\data\\scan.raw", "../../scan.raw", " scan.raw"])
def test_only_the_last_part_of_the_name_in_a_sidecar_counts(tmp_path: Path, name: str) -> None:
    path, data = acquisition(tmp_path, (2, 3), names=name)
    np.testing.assert_array_equal(np.asarray(open_auto(path)).reshape(data.shape), data)


def test_a_renamed_raw_file_is_found_by_its_size(tmp_path: Path) -> None:
    path, _ = acquisition(tmp_path, (2, 3), raw="renamed.raw", names="scan.raw")
    (tmp_path / "small.raw").write_bytes(bytes(FRAME))
    ds = open_auto(path)
    assert ds.shape.nav == (2, 3)
    assert ds.info.notes[0] == "'scan.raw', which scan.xml names, is missing; renamed.raw has its size"


def test_a_missing_raw_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scan.xml"
    path.write_text(xml_text("/data/scan_x3_y2.raw", (2, 3)))
    with pytest.raises(FormatError, match="missing") as caught:
        open_auto(path)
    assert caught.value.expected == str(tmp_path / "scan_x3_y2.raw")
    assert "nav_shape" in str(caught.value)


def test_the_scan_was_made_in_search_mode(tmp_path: Path) -> None:
    path, _ = acquisition(tmp_path, (2, 3), version="1.2.2", acquire=(128, 128), search=(2, 3))
    ds = open_auto(path)
    assert ds.shape.nav == (2, 3)
    assert ds.nav_origin == "scan.xml: scan_parameters of 'search'"
    assert not ds.info.notes


def test_contradictions_are_settled_by_the_number_of_frames_and_noted(tmp_path: Path) -> None:
    path, _ = acquisition(tmp_path, (2, 3), raw="scan_x3_y2.raw", pix=(3, 2), acquire=(4, 4), search=(8, 8))
    ds = open_auto(path)
    assert (ds.shape.nav, ds.nav_origin) == ((2, 3), "file name")
    assert "(3, 2) (scan.xml: pix_x and pix_y), (4, 4)" in ds.info.notes[0]
    assert ds.info.nav_alternatives == (((3, 2), "scan.xml: pix_x and pix_y"), ((6,), "number of frames"))


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_an_interrupted_scan_opens_as_far_as_it_goes(tmp_path: Path) -> None:
    path, data = acquisition(tmp_path, (4, 4), stored=11, cut=FRAME - 308)
    with pytest.warns(LamellaWarning, match="6 of 16"):
        ds = open_auto(path)
    assert ds.shape.nav == (4, 4)
    assert ds.info.notes == (
        "the scan was interrupted after 10 of 16 frames; nav_shape=(2, 4) shows the complete lines",
        "the file holds 10 complete frames and 308 bytes more, which are left out",
    )
    np.testing.assert_array_equal(ds[:2], data[:8].reshape(2, 4, 128, 128))


def test_old_versions_calibrate_scan_and_detector(tmp_path: Path) -> None:
    path, _ = acquisition(tmp_path, (2, 4), field=(2e-6, 1e-6))
    y, x, ky, kx = open_auto(path).axes
    assert (y.scale, x.scale, y.units) == (pytest.approx(1000), pytest.approx(250), "nm")
    assert (ky.scale, ky.offset, kx.units) == (pytest.approx(0.18265, rel=1e-4), -64 * ky.scale, "1/nm")


def test_new_versions_calibrate_the_longer_side_of_the_scan(tmp_path: Path) -> None:
    path, _ = acquisition(tmp_path, (4, 2), version="1.2.2", field=(0, 1e-6))
    y, x, ky, _ = open_auto(path).axes
    assert (y.scale, x.scale) == (pytest.approx(250), pytest.approx(250))
    assert ky.units is None
    assert open_auto(path, q_calibration=0.1).axes[2].offset == pytest.approx(-6.4)


@pytest.mark.parametrize("nav_shape", [(6,), (2, 3), (1, 2, 3)])
def test_axes_are_named_once_whatever_the_scan_shape(tmp_path: Path, nav_shape: tuple[int, ...]) -> None:
    path, _ = acquisition(tmp_path, (2, 3))
    names = [axis.name for axis in open_auto(path, nav_shape=nav_shape).axes]
    assert len(set(names)) == len(names) == len(nav_shape) + 2


def test_metadata_is_typed(tmp_path: Path) -> None:
    path, _ = acquisition(tmp_path, (2, 2))
    assert open_auto(path).metadata.to_json() == {
        "title": "acquisition_1",
        "acquired": "2019-06-06T13:30:00.164675",
        "detector": "EMPAD",
        "software": "0.51  (2019-10-01)",
        "mode": "scan",
        "beam_energy": 300000.0,
        "camera_length": 0.7225,
        "exposure_time": 0.001,
    }


@pytest.mark.parametrize(("layout", "dtype"), [("g2", "<u4"), ("float32", "<f4")])
def test_the_second_generation_has_no_footers(tmp_path: Path, layout: str, dtype: str) -> None:
    data = frames(6, dtype)
    path = tmp_path / "scan_x3_y2.raw"
    path.write_bytes(raw_bytes(data, footer=False))
    ds = open_auto(path)
    assert (ds.diagnostics["layout"], ds.dtype) == (layout, np.dtype(dtype))
    np.testing.assert_array_equal(np.asarray(ds).reshape(data.shape), data)
    assert any("raw words" in note for note in ds.info.notes) == (layout == "g2")
    assert "footer" not in ds.info.per_frame


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_words_of_a_cut_file_are_not_taken_for_floats(tmp_path: Path) -> None:
    data = frames(6, "<u4")
    path = tmp_path / "scan_x3_y2.raw"
    path.write_bytes(raw_bytes(data, footer=False)[:-1000])
    with pytest.warns(LamellaWarning, match="1 of 6"):
        ds = open_dataset("empad", path, {})
    np.testing.assert_array_equal(ds[0], data[:3])


def test_layouts_are_told_apart_by_size_then_by_squares_then_by_the_user(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(b"")
    with path.open("r+b") as file:
        file.truncate(65 * 65 * BARE)  # as many bytes as 65 * 64 frames with footer
    assert open_dataset("empad", path, {}).shape.nav == (65, 65)
    assert open_dataset("empad", path, {"nav_shape": (65, 64)}).dtype == np.float32
    assert open_dataset("empad", path, {"layout": "g2"}).dtype == np.uint32
    assert open_dataset("empad", path, {"layout": "g1"}).shape.nav == (65 * 64,)


def test_a_json_sidecar_does_as_well(tmp_path: Path) -> None:
    path = tmp_path / "scan.json"
    described = {"file_type": "empad_metadata", "raw_filename": "a.raw", "scan_shape": [3, 2], "voltage": 80e3}
    path.write_text(json.dumps({**described, "scan_fov": [3e-9, 4e-9], "diff_step": 0.7, "odd": float("nan")}))
    (tmp_path / "a.raw").write_bytes(raw_bytes(frames(6)))
    for file in (path, tmp_path / "a.raw"):
        ds = open_auto(file)
        assert ds.shape.nav == (2, 3)
        assert [axis.scale for axis in ds.axes] == pytest.approx([2, 1, 0.7, 0.7])
        assert ds.metadata.beam_energy == 80e3
        json.dumps(ds.raw_metadata, allow_nan=False)


def test_numbers_of_a_json_sidecar_may_be_larger_than_any(tmp_path: Path) -> None:
    path = tmp_path / "scan.json"
    path.write_text(
        '{"file_type": "empad_metadata", "raw_filename": "a.raw", "voltage": 1e400, "scan_shape": [3, 1e400]}'
    )
    (tmp_path / "a.raw").write_bytes(raw_bytes(frames(6)))
    ds = open_auto(path)
    assert (ds.shape.nav, ds.metadata.beam_energy) == ((6,), None)
    assert json.loads(json.dumps(ds.raw_metadata, allow_nan=False))["voltage"] == "inf"


def test_missing_pixels_are_noted(tmp_path: Path) -> None:
    data = frames(4)
    data[0, 0, :3] = np.nan
    (tmp_path / "scan_x2_y2.raw").write_bytes(raw_bytes(data))
    assert "3 of the first 4096 pixels are NaN" in open_auto(tmp_path / "scan_x2_y2.raw").info.notes


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_errors_say_what_was_expected_and_found(tmp_path: Path) -> None:
    path, _ = acquisition(tmp_path, (2, 2), kind="movie")
    with pytest.raises(UnsupportedError, match="expected 'scan' or 'series'; found 'movie'"):
        open_auto(path)
    assert open_auto(tmp_path / "scan.raw").shape.nav == (2, 2)
    path.write_text("<root><raw_file filename='scan.raw'></root>")
    with pytest.raises(CorruptError, match="ParseError"):
        open_dataset("empad", path, {})
    path.write_text("<root><raw_file filename='scan.raw'/>")
    with pytest.raises(TruncatedError, match="the sidecar was cut; expected </root>; found 37 bytes"):
        open_dataset("empad", path, {})
    path.write_text('<!DOCTYPE r [<!ENTITY a "b">]><root><raw_file filename="&a;"/></root>')
    with pytest.raises(CorruptError, match="EntitiesForbidden"):
        open_dataset("empad", path, {})
    path.write_text("<root/>")
    with pytest.raises(FormatError, match="not the XML of an EMPAD"):
        open_dataset("empad", path, {})
    (tmp_path / "scan.raw").write_bytes(bytes(FRAME - 1))
    with pytest.raises(TruncatedError, match="expected frames of 66560 bytes from byte 0; found 66559 bytes"):
        open_dataset("empad", tmp_path / "scan.raw", {"layout": "g1"})


def test_links_that_leave_the_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "secret.raw").write_bytes(raw_bytes(frames(4)))
    (tmp_path / "data" / "scan.raw").symlink_to(tmp_path / "secret.raw")
    (tmp_path / "data" / "scan.xml").write_text(xml_text("scan.raw", (2, 2)))
    with pytest.raises(FormatError, match="missing"):
        open_dataset("empad", tmp_path / "data" / "scan.xml", {})


def confidence(path: Path) -> int:
    match = EmpadReader().detect(Probe.of(path))
    return 0 if match is None else match.confidence


def test_detection_is_as_sure_as_it_can_be(tmp_path: Path) -> None:
    path, _ = acquisition(tmp_path, (2, 3))
    assert confidence(path) == confidence(tmp_path / "scan.raw") == Confidence.VERIFIED
    path.write_text(xml_text("scan.raw", (5, 5)))
    assert confidence(path) == confidence(tmp_path / "scan.raw") == Confidence.MAGIC
    path.unlink()
    assert confidence(tmp_path / "scan.raw") == Confidence.HEURISTIC
    (tmp_path / "b_x2_y2.raw").write_bytes(np.random.default_rng(0).bytes(4 * FRAME))
    assert confidence(tmp_path / "b_x2_y2.raw") == Confidence.MAGIC
    (tmp_path / "c.raw").write_bytes(np.random.default_rng(0).bytes(4 * FRAME))
    assert confidence(tmp_path / "c.raw") == 0
    for name, text in (("a.xml", "<a/>"), ("b.json", "[]"), ("c.json", "{"), ("d.raw", "")):
        (tmp_path / name).write_text(text)
        assert confidence(tmp_path / name) == 0


def test_floats_are_told_from_words() -> None:
    assert are_floats(np.array([0, 1e-3, -250.5, np.nan], "<f4").tobytes())
    assert not are_floats((np.arange(4096, dtype="<u4") + 300 * (1 << 14)).tobytes())
    assert are_floats(bytes(64))


@settings(
    max_examples=2 * settings().max_examples,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_sidecar_gives_data_or_a_format_error(tmp_path: Path, data: st.DataObject) -> None:
    version = data.draw(st.sampled_from(["0.51", "0.7.12", "1.2.2"]))
    text = bytearray(xml_text("scan.raw", data.draw(st.sampled_from([(2, 1), (2,)])), version=version).encode())
    for _ in range(data.draw(st.integers(0, 4))):
        offset = data.draw(st.integers(0, len(text)))
        new = data.draw(st.binary(max_size=8) | st.sampled_from([b"9" * 400, b"-1", b"1e999", b"<a>", b"nan"]))
        text[offset : offset + data.draw(st.integers(0, 20))] = new
    path = tmp_path / "scan.xml"
    path.write_bytes(bytes(text))
    (tmp_path / "scan.raw").write_bytes(bytes(data.draw(st.sampled_from([0, 1, FRAME, 2 * FRAME, 3 * BARE]))))
    for file in (path, tmp_path / "scan.raw"):
        EmpadReader().detect(Probe.of(file))
        try:
            source = EmpadReader().open(EmpadParams(), Probe.of(file))
        except FormatError:
            continue
        json.dumps([source.info.raw_metadata, source.info.metadata.to_json()], allow_nan=False)
        assert len(source.info.nav_axes) in (0, len(source.info.nav_shape or ()))
