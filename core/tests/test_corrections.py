"""Corrections give the same pixels however the detector is cut, and leave the user's arrays alone."""

import itertools
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from lamella.corrections.corrections import Corrections
from lamella.corrections.resolve import measured
from lamella.dataset.framereader import FrameReader
from lamella.errors import ParameterError
from lamella.geometry.shape import SigBox
from lamella.io.mmap import MmapBackend
from lamella.opening.reshape import reshape_source
from lamella.reader.resource import Resource
from lamella.reader.runs import RunTable
from lamella.reader.source import Encoding, LinearSource, SourceInfo


def corrected(corrections: Corrections, frames: NDArray[Any], box: SigBox) -> NDArray[Any]:
    """The pixels of ``box``, the way a reader of frames gets them."""
    wide = corrections.reach(box)
    tile = frames[(slice(None), *wide.slices)].astype(corrections.result_dtype(frames.dtype))
    corrections.apply(tile, wide)
    inner = tuple(slice(o - w, o - w + n) for o, w, n in zip(box.origin, wide.origin, box.shape, strict=True))
    return tile[(slice(None), *inner)]


def by_hand(
    frames: NDArray[Any],
    dark: NDArray[Any] | None = None,
    gain: NDArray[Any] | None = None,
    excluded: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """The definition, pixel by pixel."""
    out = frames.astype(np.float64)
    out = out if dark is None else out - dark
    out = out if gain is None else out * gain
    if excluded is None:
        return out
    patched = out.copy()
    for pixel in np.ndindex(*excluded.shape):
        around = tuple(slice(max(0, i - 1), i + 2) for i in pixel)
        good = ~excluded[around]
        if excluded[pixel] and good.any():
            neighbours: Any = (slice(None), *around)
            patched[(slice(None), *pixel)] = out[neighbours][:, good].mean(axis=1)
    return patched


def boxes(shape: tuple[int, ...], steps: tuple[int, ...]) -> Iterator[SigBox]:
    for origin in itertools.product(*(range(0, n, step) for n, step in zip(shape, steps, strict=True))):
        yield SigBox(origin, tuple(min(s, n - o) for o, s, n in zip(origin, steps, shape, strict=True)))


@st.composite
def detectors(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """A detector, a way to cut it, and a seed."""
    shape = tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=3)))
    steps = tuple(draw(st.integers(1, n)) for n in shape)
    return shape, steps, draw(st.integers(0, 2**32 - 1))


@given(detectors(), st.floats(0, 1))
def test_the_result_does_not_depend_on_the_tiling(
    detector: tuple[tuple[int, ...], tuple[int, ...], int], density: float
) -> None:
    shape, steps, seed = detector
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 1000, (3, *shape)).astype(np.uint16)
    corrections = Corrections(
        dark=rng.normal(size=shape),
        gain=rng.normal(size=shape),
        excluded=rng.random(shape) < density,
        allow_empty=True,
    )
    whole = corrected(corrections, frames, SigBox.full(shape))
    for box in boxes(shape, steps):
        part = corrected(corrections, frames, box)
        np.testing.assert_array_equal(part, whole[(slice(None), *box.slices)], strict=True)


@given(detectors(), st.floats(0, 0.7))
def test_the_result_is_the_definition(detector: tuple[tuple[int, ...], tuple[int, ...], int], density: float) -> None:
    shape, _, seed = detector
    rng = np.random.default_rng(seed)
    frames = rng.normal(size=(2, *shape))
    dark, gain, excluded = rng.normal(size=shape), rng.normal(size=shape), rng.random(shape) < density
    corrections = Corrections(dark=dark, gain=gain, excluded=excluded, allow_empty=True)
    result = corrected(corrections, frames, SigBox.full(shape))
    np.testing.assert_allclose(result, by_hand(frames, dark, gain, excluded), rtol=1e-12, atol=1e-12)


@given(detectors())
def test_frames_in_another_shape_keep_the_neighbours_of_the_detector(
    detector: tuple[tuple[int, ...], tuple[int, ...], int],
) -> None:
    shape, _, seed = detector
    rng = np.random.default_rng(seed)
    frames = rng.normal(size=(2, *shape))
    corrections = Corrections(excluded=rng.random(shape) < 0.3, dark=rng.normal(size=shape), allow_empty=True)
    flat = corrections.reshape((frames[0].size,))
    expected = corrected(corrections, frames, SigBox.full(shape)).reshape(2, -1)
    for box in boxes((frames[0].size,), (7,)):
        part = corrected(flat, frames.reshape(2, -1), box)
        np.testing.assert_array_equal(part, expected[(slice(None), *box.slices)])
    again = corrected(flat.reshape(shape), frames, SigBox.full(shape))
    np.testing.assert_array_equal(again.reshape(2, -1), expected)


def test_the_reach_is_the_box_where_nothing_is_patched() -> None:
    corrections = Corrections.of((64, 64), excluded=[(10, 10)], dark=np.ones((64, 64)))
    assert corrections.reach(SigBox((0, 0), (9, 64))) == SigBox((0, 0), (9, 64))
    assert corrections.reach(SigBox((0, 0), (11, 64))) == SigBox((0, 0), (12, 64))
    assert corrections.reach(SigBox((10, 10), (5, 5))) == SigBox((9, 9), (6, 6))
    assert Corrections(gain=np.ones((64, 64))).reach(SigBox((3, 3), (5, 5))) == SigBox((3, 3), (5, 5))


@pytest.mark.parametrize(
    ("stored", "result"),
    [("u1", "f4"), ("i2", "f4"), (">u2", "f4"), ("f2", "f4"), ("f4", "f4"), ("u4", "f8"), ("f8", "f8"), ("c8", "c8")],
)
def test_corrected_pixels_have_the_dtype_that_holds_the_stored_ones(stored: str, result: str) -> None:
    assert Corrections().result_dtype(stored) == np.dtype(result)


def test_a_tile_of_integers_is_refused() -> None:
    corrections = Corrections(dark=np.ones((2, 2)))
    with pytest.raises(ParameterError, match="floating point, uint16 cannot hold them"):
        corrections.apply(np.zeros((1, 2, 2), np.uint16), SigBox.full((2, 2)))


def test_tiles_of_every_floating_dtype_stay_what_they_are() -> None:
    corrections = Corrections.of((3, 3), dark=np.full((3, 3), 2), gain=np.full((3, 3), 3.0), excluded=[(1, 1)])
    for dtype in ("f2", "f4", "f8", "c8", "c16"):
        tile = np.full((2, 3, 3), 5, dtype=dtype)
        corrections.apply(tile, SigBox.full((3, 3)))
        np.testing.assert_array_equal(tile, np.full((2, 3, 3), 9, dtype=dtype), strict=True)


def test_the_arrays_of_the_user_are_neither_changed_nor_frozen() -> None:
    dark = np.ones((4, 4))
    corrections = Corrections(dark=dark, gain=dark)
    corrections.apply(np.ones((2, 4, 4), np.float32), SigBox.full((4, 4)))
    assert dark.flags.writeable
    assert (dark == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        corrections.dark[0, 0] = 3  # type: ignore[index]


def test_a_pixel_without_good_neighbours_is_refused_unless_allowed() -> None:
    excluded = np.zeros((5, 5), np.bool_)
    excluded[1:4, 1:4] = True
    with pytest.raises(ParameterError, match=r"1 of 9 excluded pixels have no good neighbour.*first is \(2, 2\)"):
        Corrections(excluded=excluded)
    tile = np.arange(25, dtype=np.float32).reshape(1, 5, 5)
    Corrections(excluded=excluded, allow_empty=True).apply(tile, SigBox.full((5, 5)))
    assert tile[0, 2, 2] == 12


def test_shapes_that_differ_are_named_both() -> None:
    with pytest.raises(ParameterError, match=r"dark \(4, 4\), gain \(4, 5\)"):
        Corrections(dark=np.ones((4, 4)), gain=np.ones((4, 5)))
    with pytest.raises(ParameterError, match=r"dark of shape \(4, 4\) do not fit frames of shape \(5, 5\)"):
        Corrections.of((5, 5), dark=np.ones((4, 4)))
    with pytest.raises(ParameterError, match=r"\(4, 4\) cannot be presented as \(5, 5\)"):
        Corrections(dark=np.ones((4, 4))).reshape((5, 5))


class Sparse:
    """What SciPy and pydata/sparse arrays have in common."""

    def __init__(self, dense: NDArray[Any]) -> None:
        self.dense = dense

    def todense(self) -> NDArray[Any]:
        return self.dense


def test_excluded_pixels_come_as_mask_sparse_array_or_list() -> None:
    mask = np.zeros((4, 5), np.bool_)
    mask[1, 2] = mask[3, 4] = True
    for given_as in (mask, mask.astype(int), Sparse(mask.astype("f4")), [(1, 2), (3, 4)], np.array([[3, 4], [1, 2]])):
        made = Corrections.of((4, 5), excluded=given_as).excluded
        assert made is not None
        np.testing.assert_array_equal(made, mask)
    assert Corrections.of((4, 5), excluded=[]).excluded is None


@pytest.mark.parametrize(
    ("excluded", "message"),
    [
        ([(4, 0)], r"pixel \(4, 0\) lies outside frames of shape \(4, 5\)"),
        ([(0, -1)], r"pixel \(0, -1\) lies outside"),
        ([(1, 2, 3)], "a list of pixels with 2 integers each"),
        ([1.5, 2.5], "a list of pixels with 2 integers each"),
        ([(1, 2), (3,)], "not an array"),
        (np.zeros((5, 4), np.bool_), r"excluded of shape \(5, 4\)"),
    ],
)
def test_excluded_pixels_that_make_no_sense_are_refused(excluded: object, message: str) -> None:
    if isinstance(excluded, np.ndarray):
        excluded[0, 0] = True
    with pytest.raises(ParameterError, match=message):
        Corrections.of((4, 5), excluded=excluded)


def test_arrays_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ParameterError, match="dark holds real numbers, found <U1"):
        Corrections(dark=np.full((2, 2), "x"))
    with pytest.raises(ParameterError, match="found complex128"):
        Corrections(gain=np.ones((2, 2), complex))
    with pytest.raises(ParameterError, match="found a single number"):
        Corrections.of((2, 2), gain=3.0)


def test_nothing_to_correct_is_false_and_does_nothing() -> None:
    nothing = Corrections(excluded=np.zeros((3, 3), np.bool_))
    tile = np.ones((1, 3, 3), np.float32)
    nothing.apply(tile, SigBox.full((3, 3)))
    assert not nothing
    assert not Corrections()
    assert (tile == 1).all()
    assert nothing.checked((7, 7)) is nothing
    assert repr(nothing) == "<Corrections: none>"


def test_pickling_keeps_the_content_and_leaves_the_tables_behind() -> None:
    rng = np.random.default_rng(1)
    corrections = Corrections(excluded=rng.random((64, 64)) < 0.3, dark=rng.random((64, 64)), allow_empty=True)
    frames = rng.random((2, 64, 64), dtype=np.float32)
    before = len(pickle.dumps(corrections))
    expected = corrected(corrections, frames, SigBox.full((64, 64)))
    copy = pickle.loads(pickle.dumps(corrections))
    assert len(pickle.dumps(corrections)) == before
    np.testing.assert_array_equal(corrected(copy, frames, SigBox.full((64, 64))), expected)
    assert copy.digest == corrections.digest


def test_the_digest_changes_with_the_content() -> None:
    dark = np.ones((4, 4))
    keys = {
        Corrections(dark=dark).digest,
        Corrections(gain=dark).digest,
        Corrections(dark=dark + 1).digest,
        Corrections(dark=dark.reshape(2, 8)).digest,
        Corrections(dark=dark, allow_empty=True).digest,
    }
    assert len(keys) == 5
    assert Corrections(dark=dark.copy()).digest in keys


def test_the_tables_of_many_boxes_do_not_pile_up() -> None:
    corrections = Corrections.of((2000, 1), excluded=[(i, 0) for i in range(0, 2000, 2)])
    for i in range(2000):
        corrected(corrections, np.ones((1, 2000, 1)), SigBox((i, 0), (1, 1)))
    assert len(corrections._plans) <= 1024


def test_frames_of_a_file_are_corrected_alike_in_every_shape_and_tiling(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    frames = rng.integers(0, 1000, (5, 6, 8)).astype("<u2")
    path = tmp_path / "frames.bin"
    path.write_bytes(frames.tobytes())
    corrections = Corrections.of(
        (6, 8), dark=rng.random((6, 8)), gain=rng.random((6, 8)), excluded=[(0, 0), (2, 3), (2, 4), (5, 7)]
    )
    source = LinearSource(
        resources=(Resource.of(path),),
        runs=RunTable.single(offset=0, stride=96, count=5),
        encoding=Encoding(np.dtype("<u2"), (6, 8)),
        info=SourceInfo(corrections=corrections),
    )
    expected = by_hand(frames, corrections.dark, corrections.gain, corrections.excluded)
    for shape in ((6, 8), (48,), (4, 12), (2, 3, 8)):
        presented = reshape_source(source, shape)
        for box in boxes(shape, tuple(min(n, 3) for n in shape)):
            with FrameReader(
                presented, MmapBackend(), dtype=np.float32, corrections=measured(presented.info.corrections)
            ) as reader:
                found = reader.read(range(1, 4), box)
                np.testing.assert_allclose(
                    found, expected.reshape(5, *shape)[(slice(1, 4), *box.slices)], rtol=1e-5, atol=1e-3
                )
