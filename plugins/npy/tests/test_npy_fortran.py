"""Arrays in Fortran order are read right in any pattern, and in blocks where a worker reads on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

import lamella.reader.transposed
from lamella.dataset.dataset import DataSet
from lamella.dataset.framereader import FrameReader
from lamella.io import choose_backend
from lamella.opening.open import open_dataset
from lamella.reader import IOSession, SigBox

SHAPE = (5, 7, 6, 4)
DATA: NDArray[Any] = np.asfortranarray(np.arange(-420, 420).reshape(SHAPE).astype(">i2"))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fortran") / "scan.npy"
    np.save(path, DATA)
    return path


@pytest.fixture(params=["mmap", "buffered"])
def ds(path: Path, request: pytest.FixtureRequest) -> DataSet:
    return open_dataset("npy", path, {"io_backend": request.param})


def boxes() -> st.SearchStrategy[SigBox]:
    def cut(edges: tuple[int, int, int, int]) -> SigBox:
        y, x, height, width = edges
        return SigBox((y, x), (min(height, 6 - y), min(width, 4 - x)))

    return st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(1, 6), st.integers(1, 4)).map(cut)


@settings(max_examples=60)
@given(
    requests=st.lists(st.tuples(st.lists(st.integers(0, 34), min_size=1, max_size=40), boxes()), max_size=6),
    block=st.sampled_from([1, 3, 8, 35, 1000]),
    backend=st.sampled_from(["mmap", "buffered"]),
)
def test_any_frames_in_any_order_are_right(
    path: Path, requests: list[tuple[list[int], SigBox]], block: int, backend: str
) -> None:
    stored = DATA.reshape(35, 6, 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lamella.reader.transposed, "_BLOCK_BYTES", block * 48)
        source = open_dataset("npy", path, {}).source
    with FrameReader(source, choose_backend(backend, source.resources)) as reader:
        for frames, box in requests:
            got = reader.read(np.asarray(frames), box)
            np.testing.assert_array_equal(got, stored[frames][(slice(None), *box.slices)])


def test_slices_are_right(ds: DataSet) -> None:
    np.testing.assert_array_equal(ds[3, 2], DATA[3, 2])
    np.testing.assert_array_equal(ds[1:, ::-2, 2:4, 3], DATA[1:, ::-2, 2:4, 3])


def test_streaming_gives_every_pixel_once(ds: DataSet) -> None:
    total = np.zeros(SHAPE[2:])
    for partition in ds.partitions(3):
        for tile in partition.tiles(ds.scheme()):
            total[tile.box.slices] += tile.data.sum(axis=0)
    np.testing.assert_array_equal(total, DATA.sum(axis=(0, 1)))


def test_it_is_said_that_c_order_would_be_faster(ds: DataSet) -> None:
    assert "ascontiguousarray" in ds.info.notes[0]
    assert ds.diagnostics["order"] == "Fortran"


class Counting(IOSession):
    """A session that counts what is read through another one."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.nbytes = 0

    def view(self, resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
        self.nbytes += nbytes
        view: NDArray[np.uint8] = self.inner.view(resource, offset, nbytes)
        return view

    def close(self) -> None:
        self.inner.close()


def test_a_worker_that_reads_on_touches_the_file_once_per_block(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lamella.reader.transposed, "_BLOCK_BYTES", 7 * 48)
    source = open_dataset("npy", path, {}).source
    assert source.hints.frame_block == 7
    session = Counting(choose_backend("buffered", source.resources).open(source.resources))
    out = np.empty((1, 6, 4), dtype="i2")
    for frame in range(35):
        source.read(session, np.array([frame]), SigBox.full((6, 4)), out)  # type: ignore[union-attr]
    assert session.nbytes <= 6 * DATA.nbytes  # one visit, and five blocks: not 35 times the file


def test_one_frame_costs_one_pixel_of_each_image(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella.reader.transposed._READ_COST", 1)  # as if images were large
    source = open_dataset("npy", path, {}).source
    session = Counting(choose_backend("buffered", source.resources).open(source.resources))
    out = np.empty((1, 6, 4), dtype="i2")
    source.read(session, np.array([17]), SigBox.full((6, 4)), out)  # type: ignore[union-attr]
    assert session.nbytes == out.nbytes
