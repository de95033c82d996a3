"""Arrays whose axes lie in any order in a file give the same frames as NumPy."""

from __future__ import annotations

import itertools
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

import lamella.reader.transposed
from lamella.dataset.framereader import FrameReader
from lamella.errors import TruncatedError
from lamella.io import choose_backend
from lamella.reader import IOSession, Resource, SigBox, SourceInfo, TransposedSource

OFFSET = 6
LENGTHS = (3, 4, 5, 2)


def transposed(
    folder: Path, stored: NDArray[Any], nav_axes: tuple[int, ...], sig_axes: tuple[int, ...], *, cut: int = 0
) -> TransposedSource:
    path = folder / "array.bin"
    content = bytes(OFFSET) + stored.tobytes()
    path.write_bytes(content[: len(content) - cut])
    return TransposedSource(
        SourceInfo(),
        resources=[Resource.of(path)],
        offset=OFFSET,
        dtype=stored.dtype,
        shape=stored.shape,
        nav_axes=nav_axes,
        sig_axes=sig_axes,
    )


@st.composite
def orders(draw: st.DrawFn) -> tuple[tuple[int, ...], int]:
    """Give the order of axes, and how many of them are the scan."""
    return tuple(draw(st.permutations(range(4)))), draw(st.integers(0, 3))


@settings(max_examples=3 * settings().max_examples // 2, deadline=None)
@given(data=st.data(), order=orders(), dtype=st.sampled_from(["u1", "<u2", ">i4", ">f8"]))
def test_any_order_of_axes_any_frames_any_box(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, order: tuple[tuple[int, ...], int], dtype: str
) -> None:
    axes, nav_dims = order
    nav_axes, sig_axes = axes[:nav_dims], axes[nav_dims:]
    stored = np.arange(math.prod(LENGTHS)).astype(dtype).reshape(LENGTHS)
    nav_shape, sig_shape = [LENGTHS[axis] for axis in nav_axes], [LENGTHS[axis] for axis in sig_axes]
    expected = stored.transpose(axes).reshape(-1, *sig_shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lamella.reader.transposed, "_BLOCK_BYTES", data.draw(st.sampled_from([1, 100, 1 << 20])))
        patch.setattr(lamella.reader.transposed, "_READ_COST", data.draw(st.sampled_from([1, 40, 1 << 16])))
        patch.setattr(lamella.reader.transposed, "_PIECE_BYTES", data.draw(st.sampled_from([1, 16, 100, 1 << 20])))
        source = transposed(tmp_path_factory.mktemp("array"), stored, nav_axes, sig_axes)
        source = pickle.loads(pickle.dumps(source))
        assert (source.n_frames, source.sig_shape) == (math.prod(nav_shape), tuple(sig_shape))
        assert source.dtype == stored.dtype.newbyteorder("=")
        backend = choose_backend(data.draw(st.sampled_from(["mmap", "buffered"])), source.resources)
        with FrameReader(source, backend) as reader:
            for _ in range(3):
                frames = data.draw(st.lists(st.integers(0, source.n_frames - 1), min_size=1, max_size=9))
                origin = tuple(data.draw(st.integers(0, n - 1)) for n in sig_shape)
                box = SigBox(
                    origin, tuple(data.draw(st.integers(1, n - o)) for n, o in zip(sig_shape, origin, strict=True))
                )
                got = reader.read(np.array(frames), box)
                np.testing.assert_array_equal(got, expected[frames][(slice(None), *box.slices)])


class Spy(IOSession):
    """A session over bytes in memory that counts what is asked for."""

    def __init__(self, content: bytes, *, zero_copy: bool = False) -> None:
        self.content = np.frombuffer(content, np.uint8)
        self._zero_copy = zero_copy
        self.asked: list[int] = []

    @property
    def zero_copy(self) -> bool:
        return self._zero_copy

    def view(self, resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
        assert offset >= 0
        assert offset + nbytes <= len(self.content)
        self.asked.append(nbytes)
        return self.content[offset : offset + nbytes]

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("nav_axes", "sig_axes"), [((2, 3), (0, 1)), ((3, 2), (1, 0)), ((1, 2), (0, 3))])
def test_pixels_that_lie_far_apart_are_read_alone(
    tmp_path: Path, nav_axes: tuple[int, ...], sig_axes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lamella.reader.transposed, "_READ_COST", 1)
    stored = np.arange(8**4, dtype="<u2").reshape(8, 8, 8, 8)
    source = transposed(tmp_path, stored, nav_axes, sig_axes)
    spy = Spy(bytes(OFFSET) + stored.tobytes())
    out = np.empty((1, 8, 8), dtype="u2")
    source.read(spy, np.array([21]), SigBox.full((8, 8)), out)
    np.testing.assert_array_equal(out[0], stored.transpose((*nav_axes, *sig_axes)).reshape(64, 8, 8)[21])
    assert sum(spy.asked) == out.nbytes


def test_pixels_that_lie_near_are_read_with_what_is_between_them(tmp_path: Path) -> None:
    """A call of the system takes as long as to read some ten thousand bytes."""
    stored = np.arange(64 * 64 * 500, dtype="<u2").reshape(64, 64, 500)
    source = transposed(tmp_path, stored, (2,), (0, 1))
    spy = Spy(bytes(OFFSET) + stored.tobytes())
    out = np.empty((1, 64, 64), dtype="u2")
    source.read(spy, np.array([21]), SigBox.full((64, 64)), out)
    np.testing.assert_array_equal(out[0], stored[..., 21])
    assert sum(spy.asked) <= stored.nbytes
    assert len(spy.asked) < 10
    assert max(spy.asked) <= 2 << 20


def test_frames_whose_pixels_lie_together_are_read_as_they_lie(tmp_path: Path) -> None:
    stored = np.arange(8**4, dtype="<u2").reshape(8, 8, 8, 8)
    source = transposed(tmp_path, stored, (0, 1), (2, 3))
    assert source.hints.frame_block == 1
    spy = Spy(bytes(OFFSET) + stored.tobytes())
    out = np.empty((10, 8, 8), dtype="u2")
    for _ in range(3):
        source.read(spy, np.arange(7, 17), SigBox.full((8, 8)), out)
    np.testing.assert_array_equal(out, stored.reshape(64, 8, 8)[7:17])
    assert spy.asked == [out.nbytes] * 3
    assert not spy.scratch


def test_many_frames_are_read_in_large_pieces(tmp_path: Path) -> None:
    """All scan images of a row of pixels at once, not one after the other."""
    stored = np.arange(64 * 400, dtype="<u2").reshape(8, 8, 400)
    source = transposed(tmp_path, stored, (2,), (0, 1))
    spy = Spy(bytes(OFFSET) + stored.tobytes())
    out = np.empty((300, 8, 8), dtype="u2")
    source.read(spy, np.arange(300), SigBox.full((8, 8)), out)
    np.testing.assert_array_equal(out, stored.reshape(64, 400).T.reshape(400, 8, 8)[:300])
    assert len(spy.asked) == 1


def test_sources_in_one_file_are_told_apart(tmp_path: Path) -> None:
    stored = np.zeros((4, 4, 4), dtype="u1")
    orders = [(axes[:1], axes[1:]) for axes in itertools.permutations(range(3))]
    assert len({transposed(tmp_path, stored, *order).identity for order in orders}) == 6


def test_a_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    stored = np.zeros((4, 4, 4), dtype="<u2")
    with pytest.raises(TruncatedError, match=r"no frame complete; expected 128 bytes from byte 6; found 127 bytes"):
        transposed(tmp_path, stored, (2,), (0, 1), cut=1)
