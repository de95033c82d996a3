"""Raw files are read as they were written, whatever lies around their frames."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lamella.dataset.dataset import DataSet
from lamella.errors import FormatError, LamellaWarning, ParameterError
from lamella.opening.open import open_dataset
from lamella.reader import Confidence, Probe
from lamella_raw.reader import RawReader

DTYPES = ("?", "u1", "i1", "<u2", ">u2", "<i2", ">i2", "<i4", ">i4", ">u8", "<f2", ">f2", "<f4", ">f8", "<c8", ">c16")


def frames(shape: tuple[int, ...] = (6, 4, 5), dtype: str = "<u2") -> NDArray[Any]:
    """Every pixel has another value, half of them negative where the dtype allows it."""
    values: NDArray[Any] = np.arange(math.prod(shape)).reshape(shape)
    if np.dtype(dtype).kind == "b":
        values %= 3
    if np.dtype(dtype).kind in "ifc":
        values -= values.size // 2
    return values.astype(dtype)


def open_raw(path: Path, data: NDArray[Any], **keywords: Any) -> DataSet:
    given = {"dtype": data.dtype.str, "sig_shape": data.shape[1:], **keywords}
    return open_dataset("raw", path, given)


def write(folder: Path, *parts: bytes | NDArray[Any], name: str = "scan.dat") -> Path:
    path = folder / name
    path.write_bytes(b"".join(part if isinstance(part, bytes) else part.tobytes() for part in parts))
    return path


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", ["mmap", "buffered"])
def test_every_dtype_and_byte_order_gives_its_values_back(tmp_path: Path, dtype: str, backend: str) -> None:
    data = frames(dtype=dtype)
    ds = open_raw(write(tmp_path, data), data, io_backend=backend)
    assert ds.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(np.asarray(ds), data)


@pytest.mark.parametrize("sig_shape", [(20,), (5, 4), (2, 2, 5)])
def test_a_detector_has_any_number_of_axes(tmp_path: Path, sig_shape: tuple[int, ...]) -> None:
    data = frames((6, *sig_shape))
    np.testing.assert_array_equal(np.asarray(open_raw(write(tmp_path, data), data)), data)


def test_the_scan_is_a_line_unless_the_user_knows_better(tmp_path: Path) -> None:
    data = frames()
    path = write(tmp_path, data)
    assert open_raw(path, data).shape == (6, 4, 5)
    assert open_raw(path, data, nav_shape=(2, 3)).shape.nav == (2, 3)
    assert open_raw(path, data, nav_shape=(1, 2, 3)).shape.nav == (1, 2, 3)


@pytest.mark.parametrize("backend", ["mmap", "buffered"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("gaps", [(0, 0, 0, 0), (16, 0, 0, 0), (3, 5, 7, 0), (0, 0, 0, 6), (1, 2, 3, 5)])
def test_headers_footers_and_padding_are_left_out(
    tmp_path: Path, gaps: tuple[int, int, int, int], order: str, backend: str
) -> None:
    names = ("file_header", "frame_header", "frame_footer", "row_padding")
    options = dict(zip(names, gaps, strict=True))
    data = frames()
    stored = data if order == "C" else data.transpose(0, 2, 1)
    parts: list[bytes] = [b"H" * options["file_header"]]
    for frame in stored:
        parts.append(b"h" * options["frame_header"])
        parts += [row.tobytes() + b"p" * options["row_padding"] for row in frame]
        parts.append(b"f" * options["frame_footer"])
    path = write(tmp_path, *parts)
    for sig_shape in (data.shape[1:], (20,)) if order == "C" else (data.shape[1:],):
        if sig_shape != data.shape[1:] and options["row_padding"]:
            continue
        ds = open_raw(path, data, sig_shape=sig_shape, sig_order=order, io_backend=backend, **options)
        np.testing.assert_array_equal(np.asarray(ds), data.reshape(6, *sig_shape))
        assert ds.info.notes == ()


def test_the_gap_behind_the_last_frame_may_be_absent(tmp_path: Path) -> None:
    data = frames()
    parts = [part for frame in data for part in (b"gap", frame.tobytes())]
    ds = open_raw(write(tmp_path, *parts[1:]), data, frame_footer=3)
    np.testing.assert_array_equal(np.asarray(ds), data)
    assert ds.info.notes == ()


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_fewer_frames_than_there_are_can_be_asked_for(tmp_path: Path) -> None:
    data = frames()
    path = write(tmp_path, data, b"tail")
    ds = open_raw(path, data, n_frames=4)
    np.testing.assert_array_equal(np.asarray(ds), data[:4])
    assert ds.info.notes == ()
    assert open_raw(path, data, n_frames=40).shape == (6, 4, 5)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize("tail", [1, 20, 32, 39])
@pytest.mark.parametrize("backend", ["mmap", "buffered"])
def test_a_rest_behind_complete_frames_is_noted(tmp_path: Path, tail: int, backend: str) -> None:
    """Also a rest that is a multiple of the number of pixels of a frame."""
    data = frames()
    ds = open_raw(write(tmp_path, data, bytes(tail)), data, io_backend=backend)
    np.testing.assert_array_equal(np.asarray(ds), data)
    assert f"6 complete frames and {tail} bytes more" in ds.info.notes[0]
    assert ds.info.notes[0] in repr(ds)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_rest_comes_with_frames_that_would_leave_none(tmp_path: Path) -> None:
    data = frames((7, 64, 64), "<u2")
    ds = open_raw(write(tmp_path, data), data, sig_shape=(64, 62))
    assert "(64, 64) of 16 bit" in ds.info.notes[0]


def test_a_file_smaller_than_one_frame_says_what_was_expected(tmp_path: Path) -> None:
    path = write(tmp_path, bytes(32 * 32))
    with pytest.raises(FormatError) as caught:
        open_dataset("raw", path, {"dtype": "<f4", "sig_shape": (64, 64), "file_header": 10})
    text = str(caught.value)
    for words in (str(path), "no complete frame", "16384 bytes from byte 10", "64x64 float32", "found 1014 bytes"):
        assert words in text


def test_a_suggestion_comes_with_a_file_smaller_than_one_frame(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"These would fit: \(32, 32\) of 8 bit"):
        open_dataset("raw", write(tmp_path, bytes(32 * 32)), {"dtype": "<u2", "sig_shape": (64, 64)})


@pytest.mark.parametrize("content", [b"", b"x"])
def test_an_empty_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FormatError, match="no complete frame"):
        open_dataset("raw", write(tmp_path, content), {"dtype": "u2", "sig_shape": (1,)})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dtype": "O"}, "dtype: expected a number type"),
        ({"dtype": "u2,u2"}, "dtype: expected a number type"),
        ({"dtype": "what"}, "dtype: expected a number type"),
        ({"sig_shape": (0, 4)}, "sig_shape: must be >= 1"),
        ({"file_header": -1}, "file_header: must be >= 0"),
        ({"frame_footer": 2**63 - 1}, "frame_footer: must be <= "),
        ({"frame_footer": 2**70}, "frame_footer: must have at most 63 bits"),
        ({"frame_header": 1.5}, "frame_header: expected an integer"),
        ({"sig_order": "K"}, "sig_order"),
        ({"n_frames": 0}, "n_frames: must be >= 1"),
    ],
)
def test_impossible_parameters_are_refused(tmp_path: Path, options: Mapping[str, Any], words: str) -> None:
    data = frames()
    with pytest.raises(ParameterError, match=words):
        open_raw(write(tmp_path, data), data, **options)


@pytest.mark.parametrize("options", [{"sig_shape": (10**9, 10**9)}, {"file_header": 2**60}, {"row_padding": 2**60}])
def test_absurd_numbers_cost_nothing(tmp_path: Path, options: Mapping[str, Any]) -> None:
    data = frames()
    with pytest.raises(FormatError, match="no complete frame"):
        open_raw(write(tmp_path, data), data, **options)


def test_behind_the_only_frame_anything_may_follow(tmp_path: Path) -> None:
    data = frames()
    np.testing.assert_array_equal(np.asarray(open_raw(write(tmp_path, data), data, frame_footer=2**60)), data[:1])


def test_what_is_missing_is_named_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(ParameterError) as caught:
        open_dataset("raw", write(tmp_path, b"abc"), {})
    assert [problem.field for problem in caught.value.problems] == ["dtype", "sig_shape"]


def test_a_scan_that_does_not_fit_says_which_would(tmp_path: Path) -> None:
    data = frames((120, 2, 2))
    with pytest.warns(LamellaWarning, match=r"120 frames in the file.*nav_shape \(10, 12\) or \(8, 15\)"):
        open_raw(write(tmp_path, data), data, nav_shape=(11, 11))


def test_a_missing_file_stays_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_dataset("raw", tmp_path / "none.raw", {"dtype": "u2", "sig_shape": (2, 2)})


@pytest.mark.parametrize("name", ["scan.raw", "scan.BIN"])
def test_the_extension_alone_is_a_weak_hint(tmp_path: Path, name: str) -> None:
    data = frames()
    path = write(tmp_path, data, name=name)
    match = RawReader().detect(Probe.of(path))
    assert match is not None
    assert match.confidence == Confidence.EXTENSION
    assert match.missing == ("dtype", "sig_shape")
    np.testing.assert_array_equal(np.asarray(open_dataset("auto", path, {"dtype": "<u2", "sig_shape": (4, 5)})), data)


def test_other_names_are_not_claimed(tmp_path: Path) -> None:
    assert RawReader().detect(Probe.of(write(tmp_path, frames(), name="scan.dat"))) is None


def test_frames_beyond_four_gigabytes_are_found(tmp_path: Path) -> None:
    path = tmp_path / "large.raw"
    frame, n_frames = frames((64, 64)), 600_000
    with path.open("wb") as file:
        file.truncate(n_frames * frame.nbytes)
        file.seek((n_frames - 1) * frame.nbytes)
        file.write(frame.tobytes())
    for backend in ("mmap", "buffered"):
        ds = open_dataset("raw", path, {"dtype": "<u2", "sig_shape": (64, 64), "io_backend": backend})
        assert len(ds) == n_frames
        np.testing.assert_array_equal(ds[-1], frame)
        assert not ds[-2].any()


def test_tiles_of_stored_dtype_are_views_of_the_mapping(tmp_path: Path) -> None:
    data = frames()
    ds = open_raw(write(tmp_path, bytes(10), data), data, file_header=10)
    (tile,) = ds.partitions(1)[0].tiles(ds.scheme())
    assert not tile.data.flags.owndata
    assert not tile.data.flags.writeable
    np.testing.assert_array_equal(tile.data, data)
