"""Arrays that NumPy saved come back as they were, and damaged files say what is wrong."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lamella.dataset.dataset import DataSet
from lamella.errors import FormatError, LamellaWarning, ParameterError, TruncatedError, UnsupportedError
from lamella.opening.open import open_dataset
from lamella.reader import Confidence, Probe
from lamella_npy.reader import NpyReader

DTYPES = ("?", "u1", "i1", "<u2", ">u2", "<i2", ">i2", "<i4", ">i4", ">i8", "<f2", ">f2", "<f4", ">f8", "<c8", ">c16")


def array(shape: tuple[int, ...] = (3, 4, 5, 6), dtype: str = "<u2") -> NDArray[Any]:
    """Every pixel has another value, half of them negative where the dtype allows it."""
    values: NDArray[Any] = np.arange(math.prod(shape)).reshape(shape)
    if np.dtype(dtype).kind == "b":
        values %= 3
    if np.dtype(dtype).kind in "ifc":
        values -= values.size // 2
    return values.astype(dtype)


def save(folder: Path, data: NDArray[Any], *, version: tuple[int, int] | None = None, name: str = "scan.npy") -> Path:
    path = folder / name
    with path.open("wb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that older NumPy cannot read versions 2 and 3
        np.lib.format.write_array(file, data, version=version, allow_pickle=True)
    return path


def with_header(folder: Path, text: str | bytes, *, version: int = 1, data: bytes = bytes(1000)) -> Path:
    header = text.encode("latin-1") if isinstance(text, str) else text
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    path = folder / "scan.npy"
    path.write_bytes(b"\x93NUMPY" + bytes([version, 0]) + length + header + data)
    return path


def open_npy(path: Path, **keywords: Any) -> DataSet:
    return open_dataset("npy", path, keywords)


# What is read


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_version_is_read(tmp_path: Path, version: tuple[int, int], order: Any) -> None:
    data = np.asarray(array(), order=order)
    ds = open_npy(save(tmp_path, data, version=version))
    np.testing.assert_array_equal(np.asarray(ds), data)
    assert ds.diagnostics["npy version"] == version[0]
    assert ds.nav_origin == "header"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("backend", ["mmap", "buffered"])
def test_every_dtype_and_byte_order_gives_its_values_back(tmp_path: Path, dtype: str, order: Any, backend: str) -> None:
    data = np.asarray(array(dtype=dtype), order=order)
    ds = open_npy(save(tmp_path, data), io_backend=backend)
    assert ds.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(np.asarray(ds), data)


@pytest.mark.parametrize("shape", [(5, 6), (4, 5, 6), (3, 4, 5, 6), (2, 3, 4, 5, 6), (2, 1, 3, 2, 5, 6)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_last_two_axes_are_the_detector(tmp_path: Path, shape: tuple[int, ...], order: Any) -> None:
    data = np.asarray(array(shape), order=order)
    ds = open_npy(save(tmp_path, data))
    assert ds.shape.nav == (shape[:-2] or (1,))
    assert ds.shape.sig == (5, 6)
    np.testing.assert_array_equal(np.asarray(ds).reshape(shape), data)


@pytest.mark.parametrize("sig_dims", [1, 2, 3, 4])
@pytest.mark.parametrize("order", ["C", "F"])
def test_another_number_of_detector_axes_can_be_chosen(tmp_path: Path, sig_dims: int, order: Any) -> None:
    data = np.asarray(array(), order=order)
    ds = open_npy(save(tmp_path, data), sig_dims=sig_dims)
    assert ds.shape.sig == data.shape[4 - sig_dims :]
    np.testing.assert_array_equal(np.asarray(ds).reshape(data.shape), data)


@pytest.mark.parametrize("sig_shape", [(30,), (6, 5), (5, 3, 2)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_frames_of_equal_size_take_another_shape(tmp_path: Path, sig_shape: tuple[int, ...], order: Any) -> None:
    data = np.asarray(array(), order=order)
    ds = open_npy(save(tmp_path, data), sig_shape=sig_shape)
    assert ds.shape.nav == (3, 4)
    np.testing.assert_array_equal(np.asarray(ds), data.reshape(3, 4, *sig_shape))


def test_frames_of_another_size_cut_the_stored_pixels_anew(tmp_path: Path) -> None:
    data = array((3, 4, 4, 4))
    ds = open_npy(save(tmp_path, data), sig_shape=(3, 3))
    assert ds.shape == (21, 3, 3)
    np.testing.assert_array_equal(np.asarray(ds), data.reshape(-1)[:189].reshape(21, 3, 3))
    assert "3 pixels at the end" in ds.info.notes[0]


def test_the_scan_can_have_any_shape(tmp_path: Path) -> None:
    data = array()
    np.testing.assert_array_equal(
        np.asarray(open_npy(save(tmp_path, data), nav_shape=(2, 6))), data.reshape(2, 6, 5, 6)
    )


def test_a_scan_larger_than_the_file_has_missing_positions(tmp_path: Path) -> None:
    with pytest.warns(LamellaWarning, match="88 of 100 scan positions have no frame"):
        ds = open_npy(save(tmp_path, array()), nav_shape=(100,))
    assert ds.missing_count == 88


@pytest.mark.parametrize("shape", [(1, 1, 30, 1), (1, 1, 1, 7), (9, 1, 1, 1)])
def test_arrays_with_one_long_axis_have_both_orders(tmp_path: Path, shape: tuple[int, ...]) -> None:
    text = f"{{'descr': '<u2', 'fortran_order': True, 'shape': {shape}, }}\n"
    data = array(shape)
    ds = open_npy(with_header(tmp_path, text, data=data.tobytes()))
    np.testing.assert_array_equal(np.asarray(ds), data)
    assert not ds.info.notes


def test_a_header_of_python_2_is_read(tmp_path: Path) -> None:
    data = array((3, 4, 5))
    text = "{'descr': '<u2', 'fortran_order': False, 'shape': (3L, 4L, 5L), }\n"
    np.testing.assert_array_equal(np.asarray(open_npy(with_header(tmp_path, text, data=data.tobytes()))), data)


def test_the_content_decides_whatever_the_name(tmp_path: Path) -> None:
    data = array()
    path = save(tmp_path, data, name="scan.blo")
    ds = open_dataset("auto", path, {})
    assert (ds.format, ds.provenance.confidence) == ("npy", Confidence.VERIFIED)
    np.testing.assert_array_equal(np.asarray(ds), data)


def test_tiles_of_stored_dtype_are_views_of_the_mapping(tmp_path: Path) -> None:
    data = array()
    ds = open_npy(save(tmp_path, data))
    (tile,) = ds.partitions(1)[0].tiles(ds.scheme())
    assert not tile.data.flags.owndata
    assert not tile.data.flags.writeable
    assert tile.data.flags.aligned


# What is cut or has too much


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize("left", [0, 1, 59])
def test_a_file_that_was_cut_gives_its_complete_frames(tmp_path: Path, left: int) -> None:
    data = array()
    path = save(tmp_path, data)
    path.write_bytes(path.read_bytes()[: 128 + 7 * 60 + left])
    with pytest.warns(LamellaWarning, match="5 of 12 scan positions have no frame"):
        ds = open_npy(path)
    assert ds.shape == data.shape
    more = f" and {left} bytes more" if left else ""
    assert f"announces 12 frames and holds 7{more}; the complete ones are read" in ds.info.notes[0]
    np.testing.assert_array_equal(ds.read((), fill=0).reshape(12, 5, 6)[:7], data.reshape(12, 5, 6)[:7])
    assert ds.valid_mask.sum() == 7


@pytest.mark.parametrize("left", [0, 1, 59])
def test_a_file_without_a_complete_frame_is_an_error(tmp_path: Path, left: int) -> None:
    path = save(tmp_path, array())
    path.write_bytes(path.read_bytes()[: 128 + left])
    with pytest.raises(
        TruncatedError, match=f"no complete frame; expected 12 frames of 60 bytes from byte 128; found {left} bytes"
    ):
        open_npy(path)


def test_in_fortran_order_a_cut_leaves_no_frame(tmp_path: Path) -> None:
    path = save(tmp_path, np.asfortranarray(array()))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TruncatedError, match=r"leaves no frame complete; expected 720 bytes.*found 719 bytes"):
        open_npy(path)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("tail", [1, 30, 60])
def test_bytes_behind_the_array_are_noted_and_ignored(tmp_path: Path, order: Any, tail: int) -> None:
    data = np.asarray(array(), order=order)
    path = save(tmp_path, data)
    path.write_bytes(path.read_bytes() + bytes(tail))
    ds = open_npy(path)
    np.testing.assert_array_equal(np.asarray(ds), data)
    behind = {
        "C": f"the file holds the 12 frames that it announces and {tail} bytes more, which are left out",
        "F": f"{tail} bytes after the array are ignored",
    }
    assert behind[order] in ds.info.notes


# What is refused


def test_another_file_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"PK\x03\x04" + bytes(100))
    assert NpyReader().detect(Probe.of(tmp_path / "a.npy")) is None
    with pytest.raises(FormatError, match=r"not a .npy file; expected b'\\x93NUMPY'; found b'PK"):
        open_npy(tmp_path / "a.npy")


@pytest.mark.parametrize("version", [0, 4, 255])
def test_an_unknown_version_is_unsupported(tmp_path: Path, version: int) -> None:
    with pytest.raises(UnsupportedError, match=f"expected 1, 2 or 3; found {version}"):
        open_npy(with_header(tmp_path, "{}", version=version))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "3",
        "[]",
        "{'descr': '<u2'}",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 4), 'more': 1}",
        "{'descr': '<u2', 'fortran_order': False, 'shape': [3, 4]}",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (3, -4)}",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (3, True)}",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 4.0)}",
        "{'descr': '<u2', 'fortran_order': 1, 'shape': (3, 4)}",
        "{'descr': '<u2', 'fortran_order': None, 'shape': (3, 4)}",
        "{'descr': open('/etc/passwd'), 'fortran_order': False, 'shape': (3, 4)}",
        "(" * 4000 + ")" * 4000,
        "-" * 9000 + "1",
        "{[]: 1}",
        "9" * 9000,
        "\0",
        "\x93\xff" * 100,
    ],
)
def test_a_damaged_header_is_an_error_of_the_format(tmp_path: Path, text: str) -> None:
    path = with_header(tmp_path, text)
    with pytest.raises(FormatError) as caught:
        open_npy(path)
    assert caught.value.path == str(path)
    match = NpyReader().detect(Probe.of(path))
    assert match is not None
    assert match.confidence == Confidence.SIGNATURE


def test_bytes_that_are_no_utf8_are_an_error_of_the_format(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be understood"):
        open_npy(with_header(tmp_path, b"\xff\xfe{}", version=3))


def test_a_header_that_is_too_long_is_not_parsed(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="expected at most 10000 bytes; found 10001 bytes"):
        open_npy(with_header(tmp_path, " " * 10_001))


@pytest.mark.parametrize("length", [0, 5, 6, 7, 9, 11, 12, 60, 127])
def test_a_file_that_ends_within_the_header_is_an_error(tmp_path: Path, length: int) -> None:
    path = save(tmp_path, array())
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(FormatError):
        open_npy(path)


def test_python_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = save(tmp_path, np.full((3, 4, 5), None, dtype=object))
    with pytest.raises(UnsupportedError, match=r"Python objects.*would run code"):
        open_npy(path)


def test_a_structured_dtype_is_unsupported(tmp_path: Path) -> None:
    path = save(tmp_path, np.zeros((3, 4, 5), dtype=[("a", "<u2"), ("b", "<f4")]))
    with pytest.raises(UnsupportedError, match=r"structured dtype.*Save one field"):
        open_npy(path)


@pytest.mark.parametrize("dtype", ["S5", "U3", "M8[s]", "m8[s]", "V4"])
def test_what_is_no_number_is_unsupported(tmp_path: Path, dtype: str) -> None:
    with pytest.raises(UnsupportedError, match="unsupported dtype"):
        open_npy(save(tmp_path, np.zeros((3, 4, 5), dtype=dtype)))


@pytest.mark.parametrize("descr", ["<f3", "<q9", "(2,3)f4", "f4,f4", "a5", ">u22", "x" * 5000])
def test_a_dtype_that_does_not_exist_is_unsupported(tmp_path: Path, descr: str) -> None:
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': (2, 3, 4)}}"
    with pytest.raises(UnsupportedError):
        open_npy(with_header(tmp_path, text))


@pytest.mark.parametrize("shape", [(0, 4, 5), (3, 0, 5), (3, 4, 0), (0,)])
def test_an_empty_array_is_an_error(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(FormatError, match="the array is empty"):
        open_npy(save(tmp_path, np.zeros(shape, dtype="u2")))


@pytest.mark.parametrize("shape", [(), (7,)])
def test_an_array_without_a_detector_is_an_error(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(FormatError, match=r"fewer axes than a frame.*Give sig_dims=1, or sig_shape"):
        open_npy(save(tmp_path, np.zeros(shape, dtype="u2")))


def test_one_axis_can_be_cut_into_frames(tmp_path: Path) -> None:
    data = array((60,))
    np.testing.assert_array_equal(np.asarray(open_npy(save(tmp_path, data), sig_shape=(4, 5))), data.reshape(3, 4, 5))
    np.testing.assert_array_equal(np.asarray(open_npy(save(tmp_path, data), sig_dims=1)), data.reshape(1, 60))


@pytest.mark.parametrize("shape", ["(2**62, 2**62)", f"({2**62}, {2**62}, 3)", f"({10**500}, 2, 2)"])
def test_a_header_that_announces_too_much_allocates_nothing(tmp_path: Path, shape: str) -> None:
    for order in (False, True):
        text = f"{{'descr': '<u2', 'fortran_order': {order}, 'shape': {shape}}}"
        with pytest.raises(FormatError):
            open_npy(with_header(tmp_path, text))


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"sig_dims": 5}, "sig_dims is 5, but the array has the shape"),
        ({"sig_dims": 0}, "sig_dims: must be >= 1"),
        ({"sig_dims": 1, "sig_shape": (5, 6)}, "another number of axes"),
        ({"sig_shape": (1000, 1000)}, "the whole array has 360"),
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_parameters_that_do_not_fit_are_refused(tmp_path: Path, keywords: Any, words: str, order: Any) -> None:
    if order == "F":
        words = words.replace("the whole array has 360", "fits no detector axes")
    with pytest.raises(ParameterError, match=words):
        open_npy(save(tmp_path, np.asarray(array(), order=order)), **keywords)


@pytest.mark.parametrize("length", ["0x" + 5000 * "f", "-0x" + 5000 * "f", "1 << 64", str(1 << 64)])
def test_lengths_of_any_number_of_digits_are_refused(tmp_path: Path, length: str) -> None:
    """Python refuses to write integers of thousands of digits, also into a message."""
    text = f"{{'descr': '<u2', 'fortran_order': False, 'shape': ({length}, 4, 5), }}\n".encode()
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text + bytes(100))
    with pytest.raises(FormatError):
        open_dataset("npy", path, {})
