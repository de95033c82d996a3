"""Arrays of every kind become data sets without being copied or changed."""

from __future__ import annotations

import array as stdlib_array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from lamella.api import Context
from lamella.dataset.dataset import DataSet
from lamella.errors import CorruptError, FormatError, NoFormatError, ParameterError, UnsupportedError
from lamella.opening.open import open_dataset
from lamella.reader import Confidence, Probe, SigBox
from lamella_memory.reader import MemoryReader

SHAPE = (3, 4, 5, 6)
DTYPES = ("?", "u1", "i1", "u2", ">u2", ">i2", "i4", "f2", ">f2", "f4", ">f8", "c8", ">c16")


def values(shape: tuple[int, ...] = SHAPE, dtype: str = "i4") -> NDArray[Any]:
    data = np.arange(np.prod(shape)).reshape(shape)
    return data.astype(dtype)


def open_array(data: Any, **keywords: Any) -> DataSet:
    return open_dataset("memory", data, keywords)


LAYOUTS: dict[str, NDArray[Any]] = {
    "C": values(),
    "F": np.asfortranarray(values()),
    "transposed": values((6, 3, 5, 4)).transpose(1, 3, 2, 0),
    "backwards": values()[::-1, ::-1, ::-1, ::-1],
    "stepped": values((6, 8, 10, 12))[::2, 1::2, ::2, ::2],
    "broadcast": np.broadcast_to(values((5, 6)), SHAPE),
    "broadcast rows": np.broadcast_to(values((3, 1, 5, 6)), SHAPE),
    "unaligned": np.frombuffer(b"x" + values().tobytes(), dtype="u1")[1:].view("i4").reshape(SHAPE),
}

layouts = pytest.mark.parametrize("data", LAYOUTS.values(), ids=LAYOUTS.keys())


# NumPy arrays


@layouts
def test_any_strides_give_the_same_pixels(data: NDArray[Any]) -> None:
    ds = open_dataset("auto", data, {})
    assert (ds.format, ds.shape) == ("memory", SHAPE)
    np.testing.assert_array_equal(np.asarray(ds), data)
    np.testing.assert_array_equal(ds[1:, ::-2, 2:4, 3], data[1:, ::-2, 2:4, 3])


@layouts
def test_nothing_is_copied(data: NDArray[Any]) -> None:
    ds = open_array(data)
    for position in np.ndindex(3, 4):
        flat = int(np.ravel_multi_index(position, (3, 4)))
        (tile,) = ds.partitions(12)[flat].tiles(ds.scheme())
        assert np.shares_memory(tile.data, data)
        assert not tile.data.flags.writeable
        np.testing.assert_array_equal(tile.data[0], data[position])


@pytest.mark.parametrize(("name", "depth"), [("C", 12), ("broadcast", 12), ("backwards", 12), ("F", 4), ("stepped", 4)])
def test_tiles_are_as_deep_as_strides_allow(name: str, depth: int) -> None:
    data = LAYOUTS[name]
    ds = open_array(data)
    source: Any = ds.source
    view = source.view(range(depth), ds.scheme()[0])
    assert view.shape == (depth, 5, 6)
    assert np.shares_memory(view, data)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_byte_order_gives_its_values_back(dtype: str) -> None:
    data = values(dtype=dtype)
    ds = open_array(data)
    assert ds.dtype == data.dtype.newbyteorder("=")
    np.testing.assert_array_equal(np.asarray(ds), data)


def test_the_array_is_never_written_to() -> None:
    data = values(dtype="f4")
    before = data.copy()
    ds = open_array(data)
    for tile in ds.partitions(1)[0].tiles(ds.scheme()):
        with pytest.raises(ValueError, match="read-only"):
            tile.data[...] = 0
    for tile in ds.partitions(1)[0].tiles(ds.scheme(), dtype="f8"):
        tile.data[...] = 0
    np.testing.assert_array_equal(data, before)
    assert data.flags.writeable


def test_changes_of_the_array_are_seen() -> None:
    data = values()
    ds = open_array(data)
    data[2, 3, 4, 5] = -1
    assert ds[2, 3, 4, 5] == -1


@settings(max_examples=80)
@given(
    axes=st.permutations(range(4)),
    steps=st.lists(st.sampled_from([1, 2, -1, -2]), min_size=4, max_size=4),
    sig_dims=st.integers(1, 4),
    frames=st.lists(st.integers(0, 10**6), min_size=1, max_size=30),
)
def test_frames_in_any_order_are_right(axes: list[int], steps: list[int], sig_dims: int, frames: list[int]) -> None:
    data = values().transpose(axes)[tuple(slice(None, None, step) for step in steps)]
    source: Any = open_array(data, sig_dims=sig_dims).source
    n_frames, sig_shape = source.n_frames, source.sig_shape
    wanted = np.asarray(frames) % n_frames
    out = np.empty((len(frames), *sig_shape), data.dtype)
    source.read(None, wanted, SigBox.full(sig_shape), out)
    np.testing.assert_array_equal(out, data.reshape(n_frames, *sig_shape)[wanted])


# What is the detector


@pytest.mark.parametrize(
    ("shape", "keywords", "nav", "sig"),
    [
        ((3, 4, 5, 6), {}, (3, 4), (5, 6)),
        ((5, 6), {}, (1,), (5, 6)),
        ((12, 5, 6), {}, (12,), (5, 6)),
        ((3, 4, 5, 6), {"sig_dims": 1}, (3, 4, 5), (6,)),
        ((3, 4, 5, 6), {"sig_dims": 4}, (1,), (3, 4, 5, 6)),
        ((3, 4, 5, 6), {"sig_shape": (6,)}, (3, 4, 5), (6,)),
        ((3, 4, 5, 6), {"sig_shape": (4, 5, 6)}, (3,), (4, 5, 6)),
        ((12, 30), {"sig_shape": (5, 6)}, (12,), (5, 6)),
        ((3, 4, 30), {"sig_shape": (5, 6)}, (3, 4), (5, 6)),
        ((3, 4, 5, 6), {"sig_shape": (2, 5)}, (36,), (2, 5)),
        ((3, 4, 5, 6), {"sig_shape": (2, 3)}, (3, 4, 5), (2, 3)),
        ((3, 4, 30), {"nav_shape": (3, 4)}, (3, 4), (30,)),
        ((12, 5, 6), {"nav_shape": (12,)}, (12,), (5, 6)),
        ((12, 5, 6), {"nav_shape": (3, 4)}, (3, 4), (5, 6)),
        ((12, 5, 6), {"nav_shape": (3, 4), "sig_dims": 2}, (3, 4), (5, 6)),
        ((3, 4, 5, 6), {"nav_shape": (2, 2, 3)}, (2, 2, 3), (5, 6)),
        ((3, 4, 5, 6), {"nav_shape": (3, 4, 5)}, (3, 4, 5), (6,)),
        ((12, 30), {"nav_shape": (12,)}, (12,), (30,)),
        ((5, 6, 3, 4), {"sig_axes": (0, 1)}, (3, 4), (5, 6)),
        ((3, 5, 4, 6), {"sig_axes": (1, -1)}, (3, 4), (5, 6)),
        ((3, 4, 6, 5), {"sig_axes": (3, 2)}, (3, 4), (5, 6)),
    ],
)
def test_axes_are_told_apart(shape: Any, keywords: Any, nav: Any, sig: Any) -> None:
    data = values(shape)
    ds = open_array(data, **keywords)
    assert (tuple(ds.shape.nav), tuple(ds.shape.sig)) == (nav, sig)
    axes = [axis % data.ndim for axis in keywords.get("sig_axes", ())]
    order = [axis for axis in range(data.ndim) if axis not in axes] + axes
    np.testing.assert_array_equal(np.asarray(ds), data.transpose(order).reshape(*nav, *sig))


@pytest.mark.parametrize(
    ("data", "keywords", "words"),
    [
        (values((7,)), {}, "too few axes for frames"),
        (values(), {"sig_dims": 5}, "too few axes for frames"),
        (values(), {"sig_shape": (7, 7)}, "49 pixels, and the 360 of the array"),
        (values().transpose(1, 0, 2, 3), {"sig_shape": (12, 15)}, "only NumPy arrays in C order"),
        (values(), {"sig_dims": 1, "sig_shape": (5, 6)}, "do not agree.*sig_dims 1, sig_shape"),
        (values(), {"sig_axes": (2,), "sig_shape": (5, 6)}, "do not agree"),
        (values(), {"sig_axes": (1, 1)}, "not distinct axes"),
        (values(), {"sig_axes": (1, 4)}, "not distinct axes"),
        (values(), {"io_backend": "mmap"}, "does not read through I/O backends"),
        (values(), {"path": "x"}, "unknown parameter 'path'"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(data: NDArray[Any], keywords: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        open_array(data, **keywords)


# Other arrays


def test_a_memory_map_is_read_in_place(tmp_path: Path) -> None:
    data: NDArray[Any] = np.memmap(tmp_path / "a", dtype="i4", mode="w+", shape=SHAPE)
    data[...] = values()
    ds = open_array(data)
    (tile,) = ds.partitions(1)[0].tiles(ds.scheme())
    assert np.shares_memory(tile.data, data)
    np.testing.assert_array_equal(np.asarray(ds), values())


class Wrapped:
    """Something that becomes an array when NumPy asks."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if isinstance(self.data, Exception):
            raise self.data
        return self.data


def test_what_gives_an_array_is_taken() -> None:
    data = values()
    ds = open_dataset("auto", Wrapped(data), {})
    assert np.shares_memory(next(ds.partitions(1)[0].tiles(ds.scheme())).data, data)


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, lambda content: stdlib_array.array("B", content)])
def test_a_buffer_is_cut_into_frames(make: Any) -> None:
    content = bytes(range(60))
    ds = open_dataset("auto", make(content), {"sig_shape": (4, 5)})
    np.testing.assert_array_equal(np.asarray(ds), np.arange(60).reshape(3, 4, 5))


class Stored:
    """Something like a Zarr array: read by index, and never as a whole."""

    def __init__(self, data: NDArray[Any], chunks: Any = None) -> None:
        self.shape, self.dtype = data.shape, data.dtype
        self.chunks = chunks
        self._data = data
        self.read = 0

    def __getitem__(self, index: Any) -> NDArray[Any]:
        part: NDArray[Any] = self._data[index]
        assert part.size < self._data.size
        self.read += part.size
        return part

    def __array__(self, *_: Any) -> Any:
        raise AssertionError("asked for everything")


@pytest.mark.parametrize("shape", [SHAPE, (12, 5, 6), (2, 3, 2, 5, 6)])
def test_what_is_read_by_index_is_read_in_parts(shape: tuple[int, ...]) -> None:
    data = values(shape)
    stored = Stored(data)
    ds = open_dataset("auto", stored, {})
    assert stored.read == 0
    index: Any = (*(1,) * (len(shape) - 2), slice(1, 3), 2)
    np.testing.assert_array_equal(ds[index], data[index])
    assert stored.read == 2
    got = np.concatenate([tile.data.copy() for part in ds.partitions(4) for tile in part.tiles(ds.scheme())])
    np.testing.assert_array_equal(got, data.reshape(12, 5, 6))


def test_one_frame_that_is_read_by_index() -> None:
    data = values((5, 6))
    ds = open_dataset("auto", Stored(data), {})
    assert ds.shape == (1, 5, 6)
    np.testing.assert_array_equal(ds[0, 1:3], data[1:3])


def test_chunks_are_respected() -> None:
    ds = open_dataset("auto", Stored(values(), chunks=(2, 2, 5, 3)), {})
    assert ds.source.hints.frame_block == 2
    assert ds.source.hints.sig_block == (5, 3)


def test_an_error_while_reading_names_the_frames() -> None:
    class Broken(Stored):
        def __getitem__(self, index: Any) -> NDArray[Any]:
            raise OSError("the store is gone")

    with pytest.raises(CorruptError, match=r"reading frames 5 to 5 failed.*the store is gone"):
        open_dataset("auto", Broken(values()), {})[1, 1]


def test_the_target_can_be_called_data() -> None:
    with Context("inline") as ctx:
        np.testing.assert_array_equal(np.asarray(ctx.load("memory", data=values())), values())


# What is refused


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.full((2, 3, 4), None), "does not hold numbers.*found dtype object"),
        (np.zeros((2, 3, 4), dtype=[("a", "u2")]), "does not hold numbers"),
        (np.zeros((2, 3, 4), dtype="U3"), "does not hold numbers"),
        (np.ma.masked_array(values(), mask=False), r"masked arrays.*array.filled"),
        ([[1, 2], [3, 4]], "list is not an array"),
        (object(), "object is not an array"),
        (Wrapped(TypeError("on another device")), "does not give an array.*on another device"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(data: Any, words: str) -> None:
    assert MemoryReader().detect(Probe.of(data)) is None
    with pytest.raises(UnsupportedError, match=words):
        open_array(data)
    with pytest.raises(NoFormatError):
        open_dataset("auto", data, {})


@pytest.mark.parametrize(("package", "words"), [("dask.array.core", "lamella-dask"), ("cupy", "cupy.asnumpy")])
def test_arrays_of_others_say_what_to_do(package: str, words: str) -> None:
    foreign = type("Array", (Stored,), {"__module__": package})(values())
    match = MemoryReader().detect(Probe.of(foreign))
    assert match is not None
    assert match.confidence == Confidence.EXTENSION
    with pytest.raises(UnsupportedError, match=words):
        open_dataset("auto", foreign, {})


@pytest.mark.parametrize("shape", [(0, 4, 5), (3, 4, 0)])
def test_an_empty_array_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(FormatError, match="the array is empty"):
        open_array(np.zeros(shape))


def test_a_path_is_not_claimed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert MemoryReader().detect(Probe.of(tmp_path / "a")) is None


def test_what_was_recognised_is_told() -> None:
    match = MemoryReader().detect(Probe.of(values()))
    assert match is not None
    assert (match.confidence, match.reason) == (
        Confidence.VERIFIED,
        "numpy.ndarray of shape (3, 4, 5, 6) and dtype int32",
    )


# Fingerprints


def test_fingerprints_tell_contents_apart() -> None:
    data = values()
    same, other = data.copy(), data.copy()
    other[2, 3, 4, 5] += 1
    assert open_array(data).fingerprint == open_array(same).fingerprint
    assert open_array(data).fingerprint != open_array(other).fingerprint
    assert open_array(data).fingerprint != open_array(data, nav_shape=(4, 3)).fingerprint


def test_fingerprints_of_large_arrays_are_quick_and_tell_objects_apart() -> None:
    data = np.zeros((64, 64, 64, 64), dtype="u2")
    same = data.copy()
    assert open_array(data).fingerprint != open_array(same).fingerprint
    ds = open_array(data)
    assert ds.fingerprint == ds.fingerprint
