"""Sparse frames: dense tiles, events that meet, and files that contradict each other."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse  # type: ignore[import-untyped]

import lamella
from lamella.errors import CorruptError, FormatError, LamellaWarning, TruncatedError
from lamella_raw_csr.writer import toml_text

DTYPES = {"indptr": "<i8", "indices": "<i4", "data": "<u2"}


def write(
    folder: Path, indptr: Any, indices: Any, data: Any, nav: Any = (2, 2), sig: Any = (2, 3), **changes: str
) -> Path:
    for (kind, dtype), values in zip(DTYPES.items(), (indptr, indices, data), strict=True):
        (folder / f"{kind}.dat").write_bytes(np.asarray(values, dtype).tobytes())
    path = folder / "scan.toml"
    path.write_text(toml_text(nav, sig, DTYPES, **changes))
    return path


def test_events_of_one_pixel_add_up_and_empty_frames_are_zero(tmp_path: Path) -> None:
    ds = lamella.open(write(tmp_path, [0, 0, 3, 3, 4], [5, 1, 5, 0], [1, 2, 3, 4]))
    assert ds.read().reshape(4, 6).tolist() == [[0] * 6, [0, 2, 0, 0, 0, 4], [0] * 6, [4, 0, 0, 0, 0, 0]]
    assert ds.per_frame("events").tolist() == [0, 3, 0, 1]
    assert ds[0, 1, 1].tolist() == [0, 0, 4]


def test_a_scan_without_events_is_zero(tmp_path: Path) -> None:
    assert not lamella.open(write(tmp_path, [0] * 5, [], [])).read().any()


def test_random_matrices_equal_scipy(tmp_path: Path) -> None:
    matrix = scipy.sparse.random(30, 48, 0.2, "csr", dtype=np.uint16, rng=np.random.default_rng(1))
    path = write(tmp_path, matrix.indptr, matrix.indices, matrix.data, (5, 6), (6, 8))
    ds = lamella.open(path)
    np.testing.assert_array_equal(ds.read(), matrix.toarray().reshape(5, 6, 6, 8))
    np.testing.assert_array_equal(ds[1:4, 2, 2:4, 5], matrix.toarray().reshape(5, 6, 6, 8)[1:4, 2, 2:4, 5])


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_positions_without_frames_are_missing(tmp_path: Path) -> None:
    with pytest.warns(LamellaWarning, match="1 of 4"):
        ds = lamella.open(write(tmp_path, [0, 1, 2, 3], [0, 1, 2], [1, 1, 1]))
    assert ds.missing_count == 1


@pytest.mark.parametrize(
    ("arrays", "error", "text"),
    [
        (([0, 1, 2, 3, 9], [0, 1, 2, 3], [1, 1, 1, 1]), TruncatedError, "enough for the first 3 frames"),
        (([0, 2, 1, 3, 4], [0, 1, 2, 3], [1, 1, 1, 1]), CorruptError, "decrease"),
        (([0, 1, 2, 3, -(1 << 63)], [0, 1, 2, 3], [1, 1, 1, 1]), CorruptError, "decrease"),
        (([0, 1, 2, 3, 4], [0, 1, 2], [1, 1, 1, 1]), TruncatedError, "different lengths"),
        (([0], [], []), FormatError, "no frames"),
    ],
)
def test_arrays_that_contradict_each_other_are_refused(
    tmp_path: Path, arrays: Any, error: type[FormatError], text: str
) -> None:
    with pytest.raises(error, match=text):
        lamella.open(write(tmp_path, *arrays))


def test_an_event_outside_the_frame_names_the_wrong_shape(tmp_path: Path) -> None:
    ds = lamella.open(write(tmp_path, [0, 1, 2, 3, 4], [0, 1, 6, 3], [1, 1, 1, 1]))
    ds[0, 0]
    with pytest.raises(CorruptError, match=r"event 2 lies outside.*sig_shape"):
        ds[1, 0]


def test_missing_files_and_keys_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, [0, 1, 2, 3, 4], [0] * 4, [1] * 4)
    text = path.read_text()
    path.write_text(text.replace("data_dtype", "other"))
    with pytest.raises(CorruptError, match="data_dtype"):
        lamella.open(path)
    path.write_text(text.replace('"data.dat"', '"../data.dat"'))
    with pytest.raises(FormatError, match="beside the TOML"):
        lamella.open(path)
    path.write_text(text)
    (tmp_path / "indices.dat").unlink()
    with pytest.raises(FormatError, match="indices_file is not there"):
        lamella.open(path)
    path.write_text(text.replace("raw_csr", "raw"))
    assert not lamella_knows(path)


def lamella_knows(path: Path) -> bool:
    from lamella.reader import Probe
    from lamella_raw_csr.reader import RawCsrReader

    return RawCsrReader().detect(Probe.of(path)) is not None


@pytest.mark.parametrize("name", ["a6", "Int8", "1,f4", "O", "c64"])
def test_names_that_are_no_dtype_of_numbers_are_refused_without_a_warning(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, [0, 1, 2, 3, 4], [0] * 4, [1] * 4)
    path.write_text(path.read_text().replace('indices_dtype = "<i4"', f'indices_dtype = "{name}"'))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CorruptError, match="indices_dtype is not a dtype of numbers"):
            lamella.open(path)


def test_a_number_that_nobody_can_print_makes_no_description(tmp_path: Path) -> None:
    path = write(tmp_path, [0, 0], [], [], nav=(1, 1))
    path.write_text(path.read_text().replace("[2, 3]", f"[2, 0x{'f' * 5000}]"))
    with pytest.raises(FormatError) as caught:
        lamella.open(path, "raw_csr")
    assert "defect" not in str(caught.value)
