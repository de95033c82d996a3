"""Arrays out: a data set as an array that is read when it is indexed, and as a Dask array."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

import lamella
from lamella.contrib.daskadapter import make_dask_array
from lamella.corrections.corrections import Corrections
from lamella.errors import FormatError, LamellaWarning, ParameterError, PluginError
from lamella.interop import libraries
from lamella.interop.chunks import advised_chunks
from lamella.interop.scanimage import scan_image
from lamella.io import buffered
from lamella.lazy import LazyArray
from lamella.reader.source import LinearSource, ReadHints

da = pytest.importorskip("dask.array", reason="comes with lamella-dask")

DATA: NDArray[np.uint16] = np.random.default_rng(18).integers(0, 4000, (6, 7, 8, 10)).astype(np.uint16)
MASK = DATA[:, :, 0, 0] > 2000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("arrays") / "scan.npy"
    np.save(path, DATA)
    return path


@pytest.fixture(scope="module")
def ds(path: Path) -> lamella.DataSet:
    return lamella.open(path)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lengths of all ranges that are read from files [bytes]."""
    lengths: list[int] = []
    original = buffered.BufferedBackend.open

    def opened(self: Any, resources: Any) -> Any:
        session = original(self, resources)
        view = session.view

        def watched(resource: int, offset: int, nbytes: int) -> Any:
            lengths.append(nbytes)
            return view(resource, offset, nbytes)

        monkeypatch.setattr(session, "view", watched)
        return session

    monkeypatch.setattr(buffered.BufferedBackend, "open", opened)
    return lengths


@st.composite
def indices(draw: st.DrawFn) -> tuple[Any, ...]:
    def one(length: int) -> st.SearchStrategy[Any]:
        return st.one_of(st.integers(-length, length - 1), st.slices(length))

    items: list[Any] = [draw(one(length)) for length in DATA.shape[: draw(st.integers(0, 4))]]
    with_array: bool = draw(st.booleans())
    if items and with_array:  # Dask takes one array in an index
        axis = draw(st.integers(0, len(items) - 1))
        length = DATA.shape[axis]
        chosen = st.lists(st.integers(-length, length - 1), min_size=1, max_size=5)
        flags = st.lists(st.booleans(), min_size=length, max_size=length)
        items[axis] = np.array(draw(flags)) if draw(st.booleans()) else draw(chosen)
    return tuple(items)


@settings(max_examples=2 * settings().max_examples)
@given(index=indices())
def test_any_index_gives_what_the_data_set_gives(ds: lamella.DataSet, index: tuple[Any, ...]) -> None:
    array = ds.to_dask(chunks=(2, 3, -1, 6))
    for scheduler in ("synchronous", "threads"):
        np.testing.assert_array_equal(array[index].compute(scheduler=scheduler), ds.read(index))


def test_processes_compute_it_too(ds: lamella.DataSet) -> None:
    array = ds.to_dask(chunks=(3, -1, -1, -1))
    found = array[1:5, [2, 0], 3].compute(scheduler="processes", num_workers=1)
    np.testing.assert_array_equal(found, ds.read((slice(1, 5), [2, 0], 3)))


def test_making_an_array_and_cutting_it_reads_nothing(path: Path, reads: list[int]) -> None:
    array = lamella.open(path).to_dask()[2:4, ::2].astype("float32").sum()
    assert array.dtype == np.float32
    assert reads == []
    np.testing.assert_allclose(array.compute(), DATA[2:4, ::2].sum())
    assert reads != []


@pytest.fixture
def terabyte(tmp_path: Path) -> Path:
    path = tmp_path / "large.raw"
    with path.open("wb") as file:
        try:
            file.truncate(1 << 40)
        except OSError:
            pytest.skip("this file system holds no sparse file of 1 TiB")
    return path


def test_an_array_of_a_tebibyte_costs_nothing_and_a_frame_reads_a_frame(terabyte: Path, reads: list[int]) -> None:
    ds = lamella.open(terabyte, "raw", dtype="<u2", sig_shape=(256, 256), nav_shape=(4096, 2048))
    ds.to_dask()
    tracemalloc.start()
    try:
        array = ds.to_dask()
        made = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made < 1 << 20
    assert array.nbytes == 1 << 40
    assert math.prod(array.chunksize) * 2 == 128 << 20
    assert len(pickle.dumps(array)) < 64 << 10
    assert not array[4000, 100].compute().any()
    assert sum(reads) == 131072
    reads.clear()
    array[:1, :256, 10:20, 30:40].compute()
    assert sum(reads) < 2 << 20  # of 32 MiB


NAMES = """
import sys, lamella
ds = lamella.open(sys.argv[1])
print(ds.to_dask().name, ds.to_dask(fill=1).name)
"""


def test_names_are_the_same_in_another_process_and_others_after_a_change(path: Path, tmp_path: Path) -> None:
    ds = lamella.open(path)
    names = [ds.to_dask().name, ds.to_dask(fill=1).name]
    asked = [sys.executable, "-P", "-c", NAMES, str(path)]
    told = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert told.stdout.split() == names
    copy = tmp_path / "scan.npy"
    copy.write_bytes(path.read_bytes())
    before = lamella.open(copy).to_dask().name
    os.utime(copy, ns=(1, 1))
    after = lamella.open(copy).to_dask().name
    assert len({before, after, *names}) == 4


def test_what_changes_pixels_changes_names(ds: lamella.DataSet, path: Path) -> None:
    dark = Corrections.of((8, 10), dark=np.ones((8, 10), np.float32))
    corrected = lamella.open(path, corrections=dark)
    other = lamella.open(path, corrections=Corrections.of((8, 10), dark=np.full((8, 10), 2, np.float32)))
    arrays = [
        ds.to_dask(),
        ds.to_dask(fill=1),
        ds.to_dask(dtype="f4"),
        ds.to_dask(chunks=(1, 1, -1, -1)),
        ds.to_dask(roi=MASK),
        ds.to_dask(roi=~MASK),
        corrected.to_dask(corrected=True),
        other.to_dask(corrected=True),
    ]
    assert len({array.name for array in arrays}) == len(arrays)
    assert ds.to_dask(roi=MASK).name == ds.to_dask(roi=MASK).name


def test_what_corrections_and_missing_frames_do_is_part_of_the_fingerprint(path: Path) -> None:
    dark = Corrections.of((8, 10), dark=np.ones((8, 10), np.float32))
    ways: list[dict[str, Any]] = [{}, {"missing": "zero"}, {"corrections": False}, {"corrections": dark}]
    assert len({lamella.open(path, **way).fingerprint for way in ways}) == len(ways)


def test_whoever_hands_an_array_on_needs_no_files(tmp_path: Path) -> None:
    path = tmp_path / "scan.npy"
    np.save(path, DATA)
    packed = pickle.dumps(LazyArray(lamella.open(path)))
    assert len(packed) < 1500
    path.rename(tmp_path / "elsewhere.npy")
    array = pickle.loads(packed)  # a scheduler without files
    assert (array.shape, array.dtype, array.ndim) == (DATA.shape, DATA.dtype, 4)
    assert pickle.loads(pickle.dumps(array)).token == array.token
    with pytest.raises(FileNotFoundError, match=r"scan\.npy"):
        array[0, 0]
    (tmp_path / "elsewhere.npy").rename(path)  # a worker that has them
    np.testing.assert_array_equal(array[5, ::-2, [7, 1]], DATA[5, ::-2][:, [7, 1]])


def test_a_file_that_changed_on_the_way_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "scan.npy"
    np.save(path, DATA)
    array = pickle.loads(pickle.dumps(LazyArray(lamella.open(path))))
    np.save(path, DATA + 1)
    os.utime(path, ns=(1, 1))
    with pytest.raises(FormatError, match="changed since the array was made"):
        array[0, 0]


def test_arrays_in_memory_travel_themselves() -> None:
    array = LazyArray(lamella.open(DATA, "memory"))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(array))[2:, 0], DATA[2:, 0])


def test_a_region_becomes_one_axis(ds: lamella.DataSet) -> None:
    array = ds.to_dask(roi=MASK, chunks="1 KiB")
    assert array.shape == (MASK.sum(), 8, 10)
    assert len(array.chunks[0]) > 2
    assert array.chunks[1:] == ((8,), (10,))
    np.testing.assert_array_equal(array.compute(), DATA[MASK])
    np.testing.assert_array_equal(array[[5, 1, 1]].compute(), DATA[MASK][[5, 1, 1]])
    proxy = pickle.loads(pickle.dumps(LazyArray(ds, roi=MASK)))
    np.testing.assert_array_equal(proxy[-1, 2:4, ::3], DATA[MASK][-1, 2:4, ::3])
    assert ds.to_dask(roi=np.zeros((6, 7), bool)).compute().shape == (0, 8, 10)


@pytest.mark.filterwarnings("ignore::lamella.LamellaWarning")
def test_positions_without_a_frame_hold_the_fill_value(path: Path) -> None:
    ds = lamella.open(path, nav_shape=(7, 7), sync_offset=-2)
    for fill in (0, 9):
        found = ds.to_dask(fill=fill, chunks=(2, 3, -1, -1)).compute()
        np.testing.assert_array_equal(found[ds.valid_mask], DATA.reshape(-1, 8, 10))
        assert (found[~ds.valid_mask] == fill).all()
    assert np.isnan(ds.to_dask(fill=math.nan, dtype="f4")[0, 0].compute()).all()


@pytest.mark.parametrize("fill", [math.nan, -1, 70000, "high", [1]])
def test_a_fill_value_that_pixels_cannot_hold_is_an_error(ds: lamella.DataSet, fill: Any) -> None:
    with pytest.raises(ParameterError, match="fill") as caught:
        ds.to_dask(fill=fill)
    assert caught.value.problems[0].field == "fill"


def test_pixels_can_be_corrected_chunk_by_chunk(path: Path) -> None:
    dark = np.arange(80, dtype=np.float32).reshape(8, 10)
    gain = np.linspace(0.5, 1.5, 80, dtype=np.float32).reshape(8, 10)
    excluded = np.zeros((8, 10), bool)
    excluded[3, 4] = True
    ds = lamella.open(path, corrections=Corrections.of((8, 10), dark=dark, gain=gain, excluded=excluded))
    array = ds.to_dask(chunks=(4, 2, -1, 5), corrected=True)
    assert array.dtype == np.float32
    found = array.compute()
    expected = (DATA - dark) * gain
    np.testing.assert_allclose(found[..., ~excluded], expected[..., ~excluded], rtol=1e-6)
    neighbours = found[..., [2, 2, 2, 3, 3, 4, 4, 4], [3, 4, 5, 3, 5, 3, 4, 5]]
    assert (found[..., 3, 4] >= neighbours.min(-1)).all()
    assert (found[..., 3, 4] <= neighbours.max(-1)).all()
    np.testing.assert_array_equal(
        ds.read((2, [3, 1], slice(2, 5), [4, 0]), corrected=True), found[2][[3, 1], 2:5][..., [4, 0]]
    )
    np.testing.assert_array_equal(ds.read(), DATA)
    sums = lamella.Context.make_with("inline").run_udf(ds, SumOfFrames())["total"].data
    np.testing.assert_allclose(found.sum((2, 3)), sums, rtol=1e-5)
    assert lamella.open(path).to_dask(corrected=True).dtype == np.uint16  # nothing to correct


class SumOfFrames(lamella.UDF):
    def get_result_buffers(self) -> dict[str, Any]:
        return {"total": self.buffer(kind="nav", dtype="float32")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.total[:] = frame.sum()


def test_scripts_for_libertem_get_an_array_and_no_wishes_where_to_compute_it(ds: lamella.DataSet) -> None:
    array, workers = make_dask_array(ds)
    assert (array.dtype, array.shape, workers) == (np.float32, DATA.shape, {})
    some, _ = make_dask_array(ds, dtype=np.uint16, roi=MASK)
    np.testing.assert_array_equal(some.compute(), DATA[MASK])


def test_numpy_can_make_an_array_of_it(ds: lamella.DataSet) -> None:
    array = LazyArray(ds, dtype="f8")
    np.testing.assert_array_equal(np.asarray(array), DATA)
    assert np.asarray(array, dtype="i4").dtype == np.int32
    assert (array.size, array.nbytes, len(array), array.chunks) == (DATA.size, 8 * DATA.size, 6, DATA.shape)
    assert "float64" in repr(array)
    with pytest.raises(ValueError, match="without copying"):
        array.__array__(copy=False)


def test_dask_copies_nothing_and_converts_nothing() -> None:
    assert not hasattr(LazyArray, "copy")
    assert not hasattr(LazyArray, "__array_function__")


def test_an_index_that_lies_outside_is_an_error(ds: lamella.DataSet) -> None:
    with pytest.raises(IndexError, match="axis 0 with size 6"):
        LazyArray(ds)[6]


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    ds: lamella.DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(module: str) -> Any:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module.partition(".")[0])

    monkeypatch.setattr(libraries, "import_module", absent)
    with pytest.raises(PluginError, match="pip install lamella-dask"):
        ds.to_dask()


@pytest.mark.parametrize(
    ("nav", "sig", "hints", "most", "chunk"),
    [
        ((512, 512), (256, 256), ReadHints(), None, (1, 512, 256, 256)),
        ((100, 64), (128, 128), ReadHints(), None, (32, 64, 128, 128)),
        ((4, 4), (8, 8), ReadHints(), None, (4, 4, 8, 8)),
        ((8, 4096), (256, 256), ReadHints(frame_block=100), None, (1, 500, 256, 256)),
        ((100, 6), (128, 128), ReadHints(frame_block=12), 20 << 15, (2, 6, 128, 128)),
        ((100, 6), (128, 128), ReadHints(frame_block=9), 22 << 15, (3, 6, 128, 128)),
        ((100,), (128, 128), ReadHints(frame_block=10), 6 << 15, (10, 128, 128)),
        ((100,), (128, 128), ReadHints(frame_block=50), 6 << 15, (6, 128, 128)),
        ((3,), (8192, 8192), ReadHints(), None, (1, 8192, 8192)),
        ((3,), (8192, 8192), ReadHints(sig_block=(100, 8192)), None, (1, 4000, 8192)),
        ((3,), (8192, 8192), ReadHints(sig_block=(8192, 512)), None, (1, 8192, 4096)),
        ((2, 3, 100), (128, 128), ReadHints(), 50 << 15, (1, 1, 50, 128, 128)),
        ((8, 3, 10), (128, 128), ReadHints(), 65 << 15, (2, 3, 10, 128, 128)),
    ],
)
def test_chunks_hold_whole_frames_and_whole_blocks(
    nav: Any, sig: Any, hints: ReadHints, most: int | None, chunk: tuple[int, ...]
) -> None:
    assert advised_chunks(nav, sig, 2, hints, most) == chunk


def test_nothing_is_warned_about_when_pixels_are_read(path: Path, recwarn: pytest.WarningsRecorder) -> None:
    with pytest.warns(LamellaWarning):
        ds = lamella.open(path, nav_shape=(7, 7))
    recwarn.clear()
    pickle.loads(pickle.dumps(ds.to_dask())).compute()
    assert [one for one in recwarn if issubclass(one.category, LamellaWarning)] == []


def test_the_image_that_a_file_holds_goes_along_where_it_shows_the_same_positions(ds: lamella.DataSet) -> None:
    image = np.arange(42).reshape(6, 7)
    assert isinstance(ds.source, LinearSource)
    source = replace(ds.source, info=replace(ds.source.info, navigator=lambda: image))
    ways: list[tuple[dict[str, Any], bool]] = [({}, True), ({"sync_offset": 1}, False), ({"nav_shape": (7, 6)}, False)]
    for way, fits in ways:
        assert (scan_image(ds.of_source(source, **way)) is image) == fits
