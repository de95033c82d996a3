"""Dark frame, gain map and bad pixels that lie beside a sequence become its corrections."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lamella.corrections import Corrections
from lamella.dataset.dataset import DataSet
from lamella.errors import CorruptError, FormatError, TruncatedError
from lamella.opening.open import open_dataset
from lamella_seq.writer import Recording, mrc_bytes, readout_bytes, settings_xml

SHAPE = (6, 8)


def opened(path: Path, **keywords: Any) -> DataSet:
    return open_dataset("auto", path, keywords)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Recording(np.arange(2 * 48, dtype="<u2").reshape(2, *SHAPE)).write(tmp_path / "a.seq")


def image(seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random(SHAPE, dtype=np.float32) + np.float32(0.5)


def corrections(path: Path, **keywords: Any) -> Corrections:
    found = opened(path, **keywords).corrections
    assert found is not None
    return found


def bad(path: Path, defects: str, shape: tuple[int, int] = SHAPE, **readout: Any) -> NDArray[np.bool_]:
    """Give the excluded pixels for some defects on a map of the sensor."""
    rows, columns = shape
    maps = f'<BadPixelMap Rows="{rows}" Columns="{columns}">{defects}</BadPixelMap>'
    path.with_name("a.seq.Config.Metadata.xml").write_text(settings_xml(maps))
    path.with_name("a.seq.metadata").write_bytes(readout_bytes(*SHAPE, **readout))
    found = corrections(path).excluded
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["a.seq.{}.mrc", "a.{}.mrc"])
def test_dark_and_gain_are_found_in_either_spelling_and_stand_upright(path: Path, name: str) -> None:
    path.with_name(name.format("dark")).write_bytes(mrc_bytes(image(1)))
    path.with_name(name.format("gain")).write_bytes(mrc_bytes(image(2)))
    found = corrections(path)
    np.testing.assert_array_equal(found.dark, image(1))
    np.testing.assert_array_equal(found.gain, image(2))
    assert found.excluded is None


def test_a_doubled_extension_has_the_same_sidecars(path: Path) -> None:
    doubled = path.rename(path.with_name("a.seq.seq"))
    doubled.with_name("a.seq.dark.mrc").write_bytes(mrc_bytes(image()))
    np.testing.assert_array_equal(corrections(doubled).dark, image())


def test_without_sidecars_there_is_nothing_to_correct(path: Path) -> None:
    assert opened(path).corrections is None


def test_sidecars_can_be_left_out(path: Path) -> None:
    path.with_name("a.seq.dark.mrc").write_bytes(b"rubbish")
    with pytest.raises(FormatError):
        opened(path)
    assert opened(path, sidecars=False).corrections is None


def test_integers_are_references_too(path: Path) -> None:
    values = np.arange(48, dtype="<u2").reshape(SHAPE)
    path.with_name("a.seq.dark.mrc").write_bytes(mrc_bytes(values, mode=6))
    np.testing.assert_array_equal(corrections(path).dark, values)


def test_a_reference_of_another_shape_is_told_with_both(path: Path) -> None:
    path.with_name("a.seq.gain.mrc").write_bytes(mrc_bytes(image().T))
    with pytest.raises(CorruptError, match=r"a\.seq\.gain\.mrc.*expected 6 x 8 pixels; found 8 x 6 pixels"):
        opened(path)


@pytest.mark.parametrize("nbytes", [0, 500, 1024, 1200])
def test_a_reference_that_was_cut_is_told(path: Path, nbytes: int) -> None:
    path.with_name("a.seq.gain.mrc").write_bytes(mrc_bytes(image())[:nbytes])
    with pytest.raises(TruncatedError, match=r"a\.seq\.gain\.mrc.*sidecars=False"):
        opened(path)


class TestBadPixels:
    def test_are_rows_and_columns_of_the_frames(self, path: Path) -> None:
        expected = np.zeros(SHAPE, dtype=bool)
        expected[1, :] = expected[:, 6] = expected[4, 2] = True
        np.testing.assert_array_equal(
            bad(path, '<Defect Row="1"/><Defect Column="6"/><Defect Column="2" Row="4"/>'), expected
        )

    def test_may_be_spans_with_both_ends_and_rectangles(self, path: Path) -> None:
        expected = np.zeros(SHAPE, dtype=bool)
        expected[0, 2:5] = expected[3:5, 1:3] = expected[2:5, 7] = True
        defects = '<Defect Row="0" Columns="2-4"/><Defect Rows="3-4" Columns="1-2"/><Defect Rows="2-4" Column="7"/>'
        np.testing.assert_array_equal(bad(path, defects), expected)

    def test_may_follow_a_pattern(self, path: Path) -> None:
        expected = np.zeros(SHAPE, dtype=bool)
        expected[0, [3, 4, 7]] = expected[[1, 3, 5], 0] = True
        defects = '<Defect Row="0" Columns="1-7" pattern="0011"/><Defect Rows="1-5" Column="0" pattern="10"/>'
        np.testing.assert_array_equal(bad(path, defects), expected)

    def test_are_cut_to_the_part_of_the_sensor_that_was_read_out(self, path: Path) -> None:
        expected = np.zeros(SHAPE, dtype=bool)
        expected[:, 2] = expected[5, :] = True
        defects = '<Defect Column="12"/><Defect Row="25"/><Defect Row="19"/><Defect Row="26"/><Defect Columns="18-99"/>'
        np.testing.assert_array_equal(bad(path, defects, (30, 20), top=20, left=10), expected)

    def test_of_a_binned_camera_come_from_the_binned_map(self, path: Path) -> None:
        maps = (
            '<BadPixelMap Rows="64" Columns="64"><Defect Row="1"/></BadPixelMap>'
            '<BadPixelMap Rows="16" Columns="16" Binning="2"><Defect Row="1"/></BadPixelMap>'
            '<BadPixelMap Rows="32" Columns="32" Binning="2"><Defect Row="7"/></BadPixelMap>'
        )
        path.with_name("a.seq.Config.Metadata.xml").write_text(settings_xml(maps))
        path.with_name("a.seq.metadata").write_bytes(readout_bytes(13, 16, top=10, left=4, binning=2))
        excluded = corrections(path).excluded
        assert excluded is not None
        assert np.flatnonzero(excluded.all(axis=1)).tolist() == [2]

    @pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
    def test_need_the_file_that_says_what_was_read_out(self, path: Path) -> None:
        path.with_name("a.seq.Config.Metadata.xml").write_text(
            settings_xml('<BadPixelMap Rows="6" Columns="8"><Defect Row="1"/></BadPixelMap>')
        )
        ds = opened(path)
        assert ds.corrections is None
        assert ".metadata" in ds.info.notes[0]

    @pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
    def test_of_an_unknown_part_of_the_sensor_are_not_used(self, path: Path) -> None:
        maps = '<BadPixelMap Rows="6" Columns="8"><Defect Row="1"/></BadPixelMap>'
        path.with_name("a.seq.Config.Metadata.xml").write_text(settings_xml(maps))
        path.with_name("a.seq.metadata").write_bytes(b"\xff" * 500)
        assert "unclear" in opened(path).info.notes[0]
        settings = settings_xml(maps, ImageSizeX=8, ImageSizeY=6, ImageBinning=1, ImageOffsetX=0, ImageOffsetY=0)
        path.with_name("a.seq.Config.Metadata.xml").write_text(settings)
        assert corrections(path).excluded is not None

    def test_outside_the_map_are_told(self, path: Path) -> None:
        with pytest.raises(CorruptError, match=r"lie outside the map.*row 3 and column 0; found a map of 6 x 8"):
            bad(path, "", top=3)

    def test_in_turned_frames_are_used_with_a_note(self, path: Path) -> None:
        assert bad(path, '<Defect Row="1"/>', rotation=1)[1].all()
        assert "rotated" in opened(path).info.notes[0]

    def test_without_a_good_neighbour_stay_as_they_are(self, path: Path) -> None:
        assert bad(path, '<Defect Rows="0-5"/>').all()

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "<a>",
            "not xml",
            '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
            settings_xml('<BadPixelMap Rows="6" Columns="8"><Defect Row="one"/></BadPixelMap>'),
            settings_xml('<BadPixelMap Rows="6" Columns="8"><Defect/></BadPixelMap>'),
            settings_xml('<BadPixelMap Rows="6" Columns="eight"/>'),
        ],
    )
    def test_that_cannot_be_read_name_the_file_and_the_way_out(self, path: Path, content: str) -> None:
        path.with_name("a.seq.metadata").write_bytes(readout_bytes(*SHAPE))
        path.with_name("a.seq.Config.Metadata.xml").write_text(content)
        with pytest.raises(CorruptError, match=r"a\.seq\.Config\.Metadata\.xml.*sidecars=False"):
            opened(path)

    def test_of_a_split_sensor_cover_both_halves(self, tmp_path: Path) -> None:
        maps = '<BadPixelMap Rows="1024" Columns="1024"><Defect Row="485"/></BadPixelMap>'
        info = {"ImageSizeX": 8, "ImageSizeY": 8, "ImageOffsetX": 480, "ImageOffsetY": 480, "ImageBinning": 1}
        xml = settings_xml(maps, SegmentPreBuffer=2, **info)
        (tmp_path / "m.seq.Config.Metadata.xml").write_text(xml)
        (tmp_path / "m_Top_13-49-04.160.seq.metadata").write_bytes(bytes(400))
        stored = np.zeros((2, 8, 8), "<u2")
        Recording(stored).write(tmp_path / "m_Bottom_13-49-04.196.seq")
        top = Recording(stored).write(tmp_path / "m_Top_13-49-04.160.seq")
        (tmp_path / "m.seq.dark.mrc").write_bytes(mrc_bytes(np.ones((8, 8), "<f4")))
        found = corrections(top)
        assert found.excluded is not None
        assert np.flatnonzero(found.excluded.all(axis=1)).tolist() == [5]
        assert found.dark is not None


def test_sidecars_that_lead_out_of_the_folder_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "inside").mkdir()
    (tmp_path / "outside" / "dark.mrc").write_bytes(mrc_bytes(image()))
    path = Recording(np.zeros((2, *SHAPE), "<u2")).write(tmp_path / "inside" / "a.seq")
    path.with_name("a.seq.dark.mrc").symlink_to(tmp_path / "outside" / "dark.mrc")
    assert opened(path).corrections is None
