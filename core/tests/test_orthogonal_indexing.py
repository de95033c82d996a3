"""Arrays in an index select each axis by itself, read what they need and no more, and fill arrays of the user."""

from __future__ import annotations

import itertools
import math
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from lamella.dataset.dataset import DataSet
from lamella.dataset.provenance import Provenance
from lamella.dataset.tiling import TILE_BYTES
from lamella.errors import FrameMissingError, LamellaWarning, ParameterError
from lamella.geometry.shape import SigBox
from lamella.opening.open import open_dataset
from lamella.reader.session import IOSession
from lamella.reader.source import FrameSource, LinearSource, SourceInfo

FILL = 77


class Watched(FrameSource):
    """Frames in memory that are only given to who asks by increasing numbers; remembers what was asked for."""

    def __init__(self, frames: NDArray[Any]) -> None:
        super().__init__(SourceInfo(), n_frames=len(frames), sig_shape=frames.shape[1:], dtype=frames.dtype)
        self.frames = frames
        self.asked: list[int] = []
        self.boxes: set[SigBox] = set()

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        assert (np.diff(frames) > 0).all(), "frames are asked for in the order of the file, each once"
        self.asked += frames.tolist()
        self.boxes.add(box)
        out[...] = self.frames[frames][(slice(None), *box.slices)]


def watched(frames: NDArray[Any], nav_shape: tuple[int, ...], sync_offset: int = 0) -> tuple[DataSet, Watched]:
    source = Watched(frames)
    ds = DataSet(
        source, provenance=Provenance(format="test", title="Test"), nav_shape=nav_shape, sync_offset=sync_offset
    )
    return ds, source


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("orthogonal")


_numbers = itertools.count()


def opened(kind: str, frames: NDArray[Any], nav_shape: tuple[int, ...], sync_offset: int, folder: Path) -> DataSet:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LamellaWarning)
        if kind == "watched":
            return watched(frames, nav_shape, sync_offset)[0]
        target: Any = frames
        if kind == "npy":
            target = folder / f"{next(_numbers)}.npy"
            np.save(target, frames)
        sig_dims = frames.ndim - 1
        values = {"nav_shape": nav_shape, "sync_offset": sync_offset, "sig_dims": sig_dims}
        return open_dataset(kind, target, values)


def axis_items(length: int) -> st.SearchStrategy[Any]:
    integers = st.integers(-length, length - 1)
    return st.one_of(
        integers,
        st.slices(length),
        st.lists(integers, max_size=2 * length),
        st.lists(integers, max_size=2 * length).map(lambda some: np.array(some, dtype=np.int16)),
        st.lists(st.booleans(), min_size=length, max_size=length).map(lambda some: np.array(some, dtype=np.bool_)),
    )


def plain(item: Any, length: int) -> NDArray[np.int64]:
    """What an item selects, counted from the beginning of the axis."""
    every = np.arange(length)
    chosen: NDArray[np.int64] = every[[item]] if isinstance(item, int) else every[item if len_of(item) else []]
    return chosen if chosen.size else np.zeros(0, dtype=np.int64)


def len_of(item: Any) -> bool:
    return isinstance(item, slice) or len(item) > 0


@st.composite
def cases(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], int, list[Any], int | None]:
    nav = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    sig = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    n = math.prod(nav)
    offset = draw(st.integers(-n + 1, n - 1))
    items = [draw(axis_items(length)) for length in nav + sig]
    cut = draw(st.none() | st.integers(0, len(items)))
    return nav, sig, offset, items, cut


@pytest.mark.parametrize("kind", ["npy", "memory", "watched"])
def test_several_arrays_give_their_outer_product(kind: str, folder: Path) -> None:
    @settings(max_examples=3 * settings().max_examples // 2, deadline=None)
    @given(case=cases(), strided=st.booleans())
    def check(case: tuple[tuple[int, ...], tuple[int, ...], int, list[Any], int | None], strided: bool) -> None:
        nav, sig, offset, items, cut = case
        n = math.prod(nav)
        frames = np.arange(1, n * math.prod(sig) + 1, dtype=np.uint16).reshape(n, *sig)
        ds = opened(kind, frames, nav, offset, folder)
        full = np.full((n, *sig), FILL, dtype=np.uint16)
        shown = np.arange(n) + offset
        full[(shown >= 0) & (shown < n)] = frames[shown[(shown >= 0) & (shown < n)]]
        full = full.reshape(nav + sig)
        chosen = np.ix_(*(plain(item, length) for item, length in zip(items, full.shape, strict=True)))
        dropped = tuple(axis for axis, item in enumerate(items) if isinstance(item, int))
        expected = full[chosen].squeeze(dropped)
        index = tuple(items) if cut is None else (*items[:cut], ..., *items[cut:])

        got = ds.read(index, fill=FILL)
        np.testing.assert_array_equal(got, expected, strict=np.ndim(got) > 0)
        assert np.shape(got) == expected.shape

        room = np.zeros(tuple(2 * length for length in expected.shape), dtype=np.float32)
        every_other: tuple[Any, ...] = (*[slice(None, None, 2)] * room.ndim, ...)
        out = room[every_other] if strided else np.empty(expected.shape, dtype=np.float32)
        assert ds.read(index, fill=FILL, out=out) is out
        np.testing.assert_array_equal(out, expected)
        assert room.sum() == (out.sum() if strided else 0), "nothing is written beside the view"

    check()


@settings(max_examples=settings().max_examples, deadline=None)
@given(case=cases())
def test_frames_and_pixels_that_nobody_wants_are_not_read(
    case: tuple[tuple[int, ...], tuple[int, ...], int, list[Any], int | None],
) -> None:
    nav, sig, _, items, _ = case
    n = math.prod(nav)
    data = np.arange(n * math.prod(sig)).reshape(nav + sig)
    ds, source = watched(data.reshape(n, *sig), nav)
    chosen = [plain(item, length) for item, length in zip(items, data.shape, strict=True)]
    wanted = data[np.ix_(*chosen)]
    ds[tuple(items)]
    if not wanted.size:
        assert source.asked == []
        return
    assert source.asked == sorted(set((wanted // math.prod(sig)).ravel().tolist()))
    low = tuple(int(axis.min()) for axis in chosen[len(nav) :])
    high = tuple(int(axis.max()) for axis in chosen[len(nav) :])
    assert source.boxes == {SigBox(low, tuple(b - a + 1 for a, b in zip(low, high, strict=True)))}


def test_the_sources_are_of_both_kinds(folder: Path) -> None:
    frames = np.zeros((2, 3, 3), dtype=np.uint8)
    assert isinstance(opened("npy", frames, (2,), 0, folder).source, LinearSource)
    assert isinstance(opened("memory", frames, (2,), 0, folder).source, FrameSource)


def test_a_boolean_array_of_the_shape_of_the_scan_gives_one_axis() -> None:
    data = np.arange(3 * 4 * 5 * 6).reshape(3, 4, 5, 6)
    ds, source = watched(data.reshape(12, 5, 6), (3, 4))
    mask = np.zeros((3, 4), dtype=np.bool_)
    mask[0, 2] = mask[2, 1] = True
    np.testing.assert_array_equal(ds[mask], data[mask])
    np.testing.assert_array_equal(ds[mask, ..., [5, 0, 5]], data[mask][:, :, [5, 0, 5]])
    np.testing.assert_array_equal(ds[mask, 3], data[mask][:, 3])
    assert set(source.asked) == {2, 9}
    assert ds[np.zeros((3, 4), dtype=np.bool_)].shape == (0, 5, 6)


def test_a_mask_made_by_slicing_selects_what_the_slice_does() -> None:
    data = np.arange(3 * 4 * 5 * 6).reshape(3, 4, 5, 6)
    ds, _ = watched(data.reshape(12, 5, 6), (3, 4))
    np.testing.assert_array_equal(ds[ds.roi[1:, ::2]], data[1:, ::2].reshape(4, 5, 6))


def test_arrays_with_no_axis_are_integers() -> None:
    data = np.arange(3 * 4 * 5 * 6).reshape(3, 4, 5, 6)
    ds, _ = watched(data.reshape(12, 5, 6), (3, 4))
    np.testing.assert_array_equal(ds[np.array(2), range(1, 3)], data[2, 1:3])


@pytest.mark.parametrize(
    ("out", "words"),
    [
        (np.empty((2, 5, 5), np.uint16), r"^out: the result has the shape \(2, 5, 6\), the array has \(2, 5, 5\)"),
        (np.empty((2, 5, 6), np.bool_), "dtype uint16 cannot be put into an array of dtype bool"),
        ([0], "expected a NumPy array, found list"),
        (np.broadcast_to(np.uint16(0), (2, 5, 6)), "cannot be written"),
    ],
)
def test_an_array_that_cannot_take_the_result_is_refused(out: Any, words: str) -> None:
    ds, source = watched(np.zeros((12, 5, 6), dtype=np.uint16), (3, 4))
    with pytest.raises(ParameterError, match=words):
        ds.read((0, [1, 3]), out=out)
    assert source.asked == []


def test_fractions_do_not_go_into_integers() -> None:
    ds, _ = watched(np.ones((2, 3), dtype=np.float32), (2,))
    with pytest.raises(ParameterError, match="dtype float32 cannot be put into an array of dtype int32"):
        ds.read(0, out=np.empty(3, dtype=np.int32))


def test_one_dtype_is_enough() -> None:
    ds, _ = watched(np.ones((2, 3), dtype=np.uint16), (2,))
    out = np.empty((2, 3), dtype=np.float64)
    assert ds.read((), out=out, dtype="f8") is out
    with pytest.raises(ParameterError, match=r"dtype float64, and dtype= says float32"):
        ds.read((), out=out, dtype="f4")


def test_numbers_wrap_around_in_a_smaller_integer_and_keep_their_value_in_another_byte_order() -> None:
    ds, _ = watched(np.full((2, 3), 258, dtype=np.uint16), (2,))
    assert set(ds.read((), out=np.empty((2, 3), dtype=np.uint8)).ravel().tolist()) == {2}
    assert set(ds.read((), out=np.empty((2, 3), dtype=">u4")).ravel().tolist()) == {258}


def test_one_pixel_can_be_read_into_an_array_without_axes() -> None:
    ds, _ = watched(np.arange(6, dtype=np.uint16).reshape(2, 3), (2,))
    out = np.empty((), dtype=np.uint16)
    assert ds.read((1, 2), out=out) is out
    assert out == 5


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_missing_frame_leaves_the_array_of_the_user_alone() -> None:
    ds, source = watched(np.ones((6, 2), dtype=np.uint16), (2, 3), sync_offset=-1)
    out = np.full((2, 2), 9, dtype=np.uint16)
    with pytest.raises(FrameMissingError, match=r"scan position \(0, 0\)"):
        ds.read((0, [2, 0]), out=out)
    assert set(out.ravel().tolist()) == {9}
    assert source.asked == []
    np.testing.assert_array_equal(ds[0, [2, 1]], np.ones((2, 2)))
    np.testing.assert_array_equal(ds.read((0, [2, 0, 0]), fill=4), [[1, 1], [4, 4], [4, 4]])


def test_memory_holds_the_result_and_a_tile(folder: Path) -> None:
    path = folder / "large.npy"
    np.save(path, np.zeros((256, 128, 1024), dtype=np.uint16))
    ds = open_dataset("npy", path, {"nav_shape": (16, 16), "io_backend": "buffered"})
    for index in (
        (slice(None, None, -1), [3, 0, 0, 9], slice(None, None, 127), [0, 1023, 5]),
        (slice(None), slice(None), slice(None, None, 127), [0, 1023, 5]),
        (slice(None), slice(None, None, -1), [7], [9, 0] * 8192),
    ):
        ds[index]
        tracemalloc.start()
        result = ds[index]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < result.nbytes + 3 * TILE_BYTES + (1 << 18)
        assert ds.nbytes > 4 * peak
