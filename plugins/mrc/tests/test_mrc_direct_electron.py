"""Direct Electron movies take scan shape, order and calibration from the files beside them."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lamella.dataset.dataset import DataSet
from lamella.errors import CorruptError, FormatError, LamellaWarning
from lamella.opening.open import open_dataset
from lamella_mrc.writer import header_bytes, info_text

SIG = (4, 8)


def frames(n: int) -> NDArray[np.uint16]:
    return np.arange(n * 32, dtype="<u2").reshape(n, *SIG)


def movie(folder: Path, n: int, name: str = "20250429_06699_0_movie.mrc", *, present: int | None = None) -> Path:
    path = folder / name
    header = header_bytes((8, 4, n), 6, grid=(8, 4, n), cell=(-80, -40, 0), space_group=1)
    path.write_bytes(header + frames(n)[:present].tobytes())
    return path


def info(
    folder: Path,
    nav_shape: tuple[int, int],
    changes: dict[str, object] | None = None,
    *,
    name: str = "20250429_06699_info.txt",
) -> Path:
    path = folder / name
    path.write_text(info_text(nav_shape, changes), encoding="utf-8")
    return path


def coordinates(folder: Path, positions: list[tuple[int, int]], name: str = "20250429_06699") -> None:
    text = "".join(f"{x},{y}\n" for x, y in positions)
    (folder / f"{name}_scan_coordinates.csv").write_text(text)


def opened(path: Path, **keywords: Any) -> DataSet:
    return open_dataset("auto", path, keywords)


def test_the_scan_has_the_shape_and_step_of_the_settings(tmp_path: Path) -> None:
    path = movie(tmp_path, 6)
    info(tmp_path, (2, 3))
    ds = opened(path)
    assert ds.shape == (2, 3, 4, 8)
    assert ds.nav_origin == "sidecar info.txt"
    assert [(axis.name, axis.scale, axis.units) for axis in ds.axes] == [
        ("y", 3.0, "nm"),
        ("x", 2.0, "nm"),
        ("ky", 0.25, "1/nm"),
        ("kx", 0.5, "1/nm"),
    ]
    np.testing.assert_array_equal(ds.read(), frames(6).reshape(2, 3, *SIG))


def test_the_settings_give_metadata(tmp_path: Path) -> None:
    path = movie(tmp_path, 6)
    info(tmp_path, (2, 3))
    metadata = opened(path).metadata.to_json()
    assert metadata == {
        "acquired": "2025-04-29T19:45:00+00:00",
        "beam_energy": 200e3,
        "camera_length": 0.125,
        "detector": "DESim",
        "detector_pixel_pitch": pytest.approx(1e-5),
        "dwell_time": pytest.approx(500e-6),
        "exposure_time": pytest.approx(1e-3),
        "mode": "STEM",
        "software": "Direct Electron server 2.7.5.10756",
    }
    assert opened(path).raw_metadata["info"]["Scan - XY File"] == ""


def test_the_settings_open_as_their_movie(tmp_path: Path) -> None:
    path = movie(tmp_path, 6)
    ds = opened(info(tmp_path, (2, 3)))
    assert ds.shape == (2, 3, 4, 8)
    assert ds.source.resources[0].path == str(path)


def test_every_movie_finds_the_settings_that_are_named_most_like_it(tmp_path: Path) -> None:
    info(tmp_path, (2, 3))
    info(tmp_path, (3, 2), name="20250429_06699_test_info.txt")
    assert opened(movie(tmp_path, 6, "20250429_06699_movie.mrc")).shape.nav == (2, 3)
    assert opened(movie(tmp_path, 6, "20250429_06699_test_0_movie.mrc")).shape.nav == (3, 2)
    assert opened(tmp_path / "20250429_06699_test_info.txt").shape.nav == (3, 2)


def test_settings_with_several_movies_do_not_choose(tmp_path: Path) -> None:
    path = info(tmp_path, (2, 3))
    for number in range(2):
        movie(tmp_path, 6, f"20250429_06699_{number}_movie.mrc")
    with pytest.raises(FormatError, match=r"2 movies belong to this file.*_0_movie\.mrc, .*_1_movie\.mrc"):
        open_dataset("mrc", path, {})


@pytest.mark.parametrize(
    ("changes", "n", "shape"),
    [
        ({"Scan - ROI Enable": "Enable", "Scan - ROI Size X": 5, "Scan - ROI Size Y": 2}, 10, (2, 5)),
        ({"Scan - Repeats": 4}, 24, (4, 2, 3)),
        ({"Scan - Camera Frames Per Point": 2}, 12, (2, 3, 2)),
        ({"Scan - Repeats": 2, "Scan - Camera Frames Per Point": 2}, 24, (2, 2, 3, 2)),
    ],
)
def test_regions_repeats_and_frames_per_point_shape_the_scan(
    tmp_path: Path, changes: dict[str, object], n: int, shape: tuple[int, ...]
) -> None:
    path = movie(tmp_path, n)
    info(tmp_path, (2, 3), changes)
    ds = opened(path)
    assert ds.shape.nav == shape
    assert len(ds.axes) == len(ds.shape)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_shape_that_does_not_fit_is_noted_with_both_numbers(tmp_path: Path) -> None:
    path = movie(tmp_path, 7)
    info(tmp_path, (2, 3))
    ds = opened(path)
    assert ds.shape.nav == (7,)
    assert any("(2, 3)" in note and "6 frames, not 7" in note for note in ds.info.notes)


def test_a_movie_without_settings_says_that_its_scan_is_unknown(tmp_path: Path) -> None:
    ds = opened(movie(tmp_path, 6))
    assert ds.shape == (6, 4, 8)
    assert "no info.txt" in ds.info.notes[0]
    assert not any(axis.calibrated for axis in ds.axes)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_cut_movie_keeps_its_scan_shape(tmp_path: Path) -> None:
    path = movie(tmp_path, 6, present=4)
    info(tmp_path, (2, 3))
    with pytest.warns(LamellaWarning, match="2 of 6 scan positions"):
        ds = opened(path)
    assert ds.shape.nav == (2, 3)
    assert ds.valid_mask.tolist() == [[True] * 3, [True, False, False]]


def test_frames_of_a_free_scan_go_to_their_positions(tmp_path: Path) -> None:
    positions = [(2, 1), (0, 0), (1, 1), (1, 0), (0, 1), (2, 0)]
    path = movie(tmp_path, 6)
    info(tmp_path, (2, 3), {"Scan - Type": "Random"})
    coordinates(tmp_path, positions)
    ds = opened(path)
    assert ds.shape.nav == (2, 3)
    for i, (x, y) in enumerate(positions):
        np.testing.assert_array_equal(ds[y, x], frames(6)[i])
    assert opened(path, sidecars=False).shape.nav == (6,)


def test_positions_that_were_not_visited_are_missing_and_repeated_ones_get_an_axis(tmp_path: Path) -> None:
    positions = [(x, y) for _ in range(2) for x in (0, 2) for y in range(3)]
    path = movie(tmp_path, 12)
    info(tmp_path, (3, 3), {"Scan - Type": "XY File"})
    coordinates(tmp_path, positions)
    with pytest.warns(LamellaWarning, match="6 of 18 scan positions"):
        ds = opened(path)
    assert ds.shape.nav == (2, 3, 3)
    assert not ds.valid_mask[:, :, 1].any()
    np.testing.assert_array_equal(ds[1, 2, 0], frames(12)[8])


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_free_scan_of_a_cut_movie_misses_what_was_cut(tmp_path: Path) -> None:
    path = movie(tmp_path, 6, present=5)
    info(tmp_path, (2, 3), {"Scan - Type": "Random"})
    coordinates(tmp_path, [(2, 1), (0, 0), (1, 1), (1, 0), (0, 1), (2, 0)])
    with pytest.warns(LamellaWarning, match="1 of 6"):
        ds = opened(path)
    assert not ds.valid_mask[0, 2]


@pytest.mark.parametrize(
    "content", ["1,1\n", "1,1\n" * 7, "a,b\n" * 6, "1;1\n" * 6, "-1,0\n" * 6, "1,2,3\n" * 6, "", "1" * 999]
)
def test_positions_that_do_not_fit_name_the_file_and_the_way_out(tmp_path: Path, content: str) -> None:
    path = movie(tmp_path, 6)
    info(tmp_path, (2, 3))
    (tmp_path / "20250429_06699_scan_coordinates.csv").write_text(content)
    with pytest.raises(CorruptError, match=r"scan_coordinates\.csv.*sidecars=False"):
        opened(path)
    assert opened(path, sidecars=False).shape.nav == (6,)


def test_a_grid_without_measure_is_refused(tmp_path: Path) -> None:
    path = movie(tmp_path, 6)
    info(tmp_path, (2, 3))
    coordinates(tmp_path, [(i, i * 1_000_000) for i in range(6)])
    with pytest.raises(CorruptError, match="too far apart"):
        opened(path)


def test_an_image_by_a_virtual_detector_becomes_the_navigator(tmp_path: Path) -> None:
    path = movie(tmp_path, 6)
    info(tmp_path, (2, 3))
    assert opened(path).navigator() is None
    image = np.arange(6, dtype=">f4").reshape(2, 3)
    sums = tmp_path / "20250429_06699_1_Virt #1_sum.mrc"
    sums.write_bytes(header_bytes((3, 2, 1), 2, ">") + image.tobytes())
    (tmp_path / "20250429_06699_0_Virt #0_sum.mrc").write_bytes(header_bytes((9, 9, 1), 2) + bytes(324))
    (tmp_path / "20250429_06699_final.mrc").write_bytes(header_bytes((3, 2, 1), 2) + bytes(24))
    navigator = pickle.loads(pickle.dumps(opened(path).source)).info.navigator
    np.testing.assert_array_equal(navigator(), image)
    assert navigator().dtype == np.float32
    sums.write_bytes(sums.read_bytes()[:-1])
    with pytest.raises(FormatError, match="Virt #1_sum"):
        opened(path).navigator()


def test_settings_that_lead_out_of_the_folder_are_not_read(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    folder.mkdir()
    (folder / "20250429_06699_info.txt").symlink_to(info(outside, (2, 3)))
    assert opened(movie(folder, 6)).shape.nav == (6,)
