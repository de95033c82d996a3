"""Arrays of Dask and of xarray become data sets; each block is computed once in a pass."""

from __future__ import annotations

import pickle
import threading
import time
import weakref
from collections import Counter
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.errors import CorruptError, FormatError, ParameterError, UnsupportedError
from lamella.udf import SumSigUDF, SumUDF

DATA: NDArray[np.int64] = np.random.default_rng(5).integers(0, 1000, (16, 12, 4, 5))
CHUNKS: dict[str, Any] = {
    "rows": (1, 12, 4, 5),
    "squares": (4, 6, 4, 5),
    "columns": (16, 3, 4, 5),
    "ones": (1, 1, 4, 5),
    "uneven": ((7, 1, 8), (5, 7), 4, 5),
    "whole": -1,
}

calls: Counter[Any] = Counter()
_lock = threading.Lock()


def counted(block: NDArray[Any], block_info: Any = None) -> NDArray[Any]:
    with _lock:
        calls[block_info[0]["chunk-location"]] += 1
    return block + 1


def computed(chunks: Any = (4, 6, 4, 5), data: NDArray[Any] = DATA) -> Any:
    calls.clear()
    return da.from_array(data, chunks=chunks).map_blocks(
        counted, dtype=data.dtype, meta=np.empty((0,) * data.ndim, data.dtype)
    )


def sums(ds: lamella.DataSet, **options: Any) -> NDArray[Any]:
    found: NDArray[Any] = lamella.Context.make_with("threads").run_udf(ds, SumSigUDF(), **options)["intensity"].data
    return found


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS.keys())
def test_each_block_is_computed_once_in_a_pass(chunks: Any) -> None:
    array = computed(chunks)
    ds = lamella.open(array, num_partitions=5)
    assert (ds.format, ds.shape, ds.shape.nav) == ("dask", DATA.shape, (16, 12))
    assert not calls  # nothing is computed to open it
    np.testing.assert_array_equal(sums(ds), (DATA + 1).sum((2, 3)))
    assert set(calls.values()) == {1}
    assert len(calls) == np.prod(array.numblocks)


@pytest.mark.filterwarnings("ignore::lamella.LamellaWarning")
@pytest.mark.parametrize("options", [{"nav_shape": (192,)}, {"nav_shape": (8, 24)}, {"sync_offset": 3}])
@pytest.mark.parametrize("chunks", [(4, 6, 4, 5), ((7, 1, 8), (5, 7), 4, 5)])
def test_so_it_is_for_scans_of_other_shapes(chunks: Any, options: dict[str, Any]) -> None:
    ds = lamella.open(computed(chunks), num_partitions=4, **options)
    memory = lamella.open(DATA + 1, format="memory", **options)
    np.testing.assert_array_equal(sums(ds), sums(memory))
    assert set(calls.values()) == {1}


def test_a_frame_costs_one_block() -> None:
    ds = lamella.open(computed())
    np.testing.assert_array_equal(ds[5, 7], DATA[5, 7] + 1)
    assert calls == {(1, 1, 0, 0): 1}
    calls.clear()
    roi = np.zeros((16, 12), bool)
    roi[9, 2] = True
    assert np.isnan(sums(ds, roi=roi)).sum() in (0, 191)
    assert calls == {(2, 0, 0, 0): 1}


def test_indices_and_boxes_give_what_numpy_gives() -> None:
    for chunks in CHUNKS.values():
        ds = lamella.open(computed(chunks))
        np.testing.assert_array_equal(ds[[9, 2, 2], ::-5, 1:3, 4], (DATA + 1)[[9, 2, 2]][:, ::-5, 1:3, 4])


def test_blocks_that_cut_the_detector_are_joined_with_a_note() -> None:
    ds = lamella.open(computed((16, 12, 2, 5)))
    assert "(16, 12, 2, 5) becomes (16, 12, 4, 5)" in ds.info.notes[0]
    np.testing.assert_array_equal(ds.read(), DATA + 1)


def test_detector_axes_may_stand_anywhere() -> None:
    array = computed((2, 5, 8, 12), DATA.transpose(2, 3, 0, 1))
    np.testing.assert_array_equal(lamella.open(array, sig_axes=(0, 1)).read(), DATA + 1)
    flat = lamella.open(computed(), sig_dims=1)
    assert flat.shape.nav == (16, 12, 4)
    reshaped = lamella.open(computed(), sig_shape=(2, 10))
    np.testing.assert_array_equal(reshaped.read(), (DATA + 1).reshape(16, 12, 2, 10))


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"sig_dims": 4}, "sig_dims"),
        ({"sig_axes": (0, 0)}, "sig_axes"),
        ({"sig_axes": (0, 7)}, "sig_axes"),
        ({"sig_axes": ("ky", "kx")}, "sig_axes"),
        ({"sig_axes": (0, 1), "sig_dims": 1}, "sig_dims"),
    ],
)
def test_axes_that_there_are_not_are_an_error(options: dict[str, Any], field: str) -> None:
    with pytest.raises(ParameterError) as caught:
        lamella.open(computed(), **options)
    assert caught.value.problems[0].field == field


def test_what_has_no_frames_is_an_error() -> None:
    array = computed()
    with pytest.raises(FormatError, match=r"array\.compute_chunk_sizes"):
        lamella.open(array[array[:, 0, 0, 0] > 500])
    with pytest.raises(FormatError, match="empty"):
        lamella.open(array[:, :0])
    with pytest.raises(UnsupportedError, match="numbers"):
        lamella.open(array.astype(object))
    with pytest.raises(UnsupportedError, match="not an array of Dask"):
        lamella.open(DATA, format="dask")


def failing(block: NDArray[Any], block_info: Any = None) -> NDArray[Any]:
    if block_info[0]["chunk-location"][:2] == (2, 1):
        raise RuntimeError("the detector fell off")
    return block


def test_a_block_that_fails_is_named_with_its_frames() -> None:
    array = da.from_array(DATA, chunks=(4, 6, 4, 5)).map_blocks(failing, dtype=DATA.dtype, meta=DATA[:0])
    ds = lamella.open(array)
    ds[0, 0]
    with pytest.raises(
        CorruptError, match=r"block \(2, 1, 0, 0\), scan positions \(8, 6\) to \(11, 11\).*fell off"
    ) as caught:
        ds[9, 9]
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_blocks_that_are_not_what_was_announced_are_an_error() -> None:
    array = da.from_array(DATA, chunks=(4, 6, 4, 5))
    for wrong in (lambda block: block[:1], lambda block: block + 0.5, lambda block: "text"):
        other = array.map_blocks(wrong, dtype=DATA.dtype, meta=DATA[:0])
        with pytest.raises(CorruptError, match="not what the array announces"):
            lamella.open(other)[0, 0]
    masked = array.map_blocks(np.ma.masked_array, dtype=DATA.dtype, meta=DATA[:0])
    with pytest.raises(UnsupportedError, match="filled"):
        lamella.open(masked)[0, 0]


def test_sparse_blocks_become_dense() -> None:
    sparse = pytest.importorskip("sparse")
    array = da.from_array(DATA * (DATA > 800), chunks=(4, 6, 4, 5)).map_blocks(sparse.COO.from_numpy)
    np.testing.assert_array_equal(lamella.open(array).read(), DATA * (DATA > 800))


def test_blocks_that_do_not_fit_are_read_in_part_or_noted() -> None:
    ds = lamella.open(computed((8, 6, 4, 5)), cache=8 * 6 * 4 * 5 * 8)  # one block of a row of two
    assert "a row of blocks takes 15360 bytes, more than the 7680 bytes" in ds.info.notes[0]
    np.testing.assert_array_equal(sums(ds), (DATA + 1).sum((2, 3)))
    assert calls[0, 0, 0, 0] == 1

    class Watched:
        shape, dtype, ndim = DATA.shape, DATA.dtype, DATA.ndim
        asked: list[int] = []  # noqa: RUF012

        def __getitem__(self, index: Any) -> Any:
            self.asked.append(DATA[index].size)
            return DATA[index]

    read = lamella.open(da.from_array(Watched(), chunks=(8, 6, 4, 5), asarray=False, fancy=True), cache=0)
    assert read.info.notes == ()
    Watched.asked.clear()
    np.testing.assert_array_equal(read[3, 4:8], DATA[3, 4:8])
    assert sum(Watched.asked) == DATA[3, 4:8].size
    np.testing.assert_array_equal(sums(read), DATA.sum((2, 3)))


def test_a_worker_keeps_no_blocks_of_rows_that_are_over() -> None:
    blocks: list[Any] = []
    most = 0

    def watched(block: NDArray[Any]) -> NDArray[Any]:
        nonlocal most
        found: NDArray[Any] = block + 1
        blocks.append(weakref.ref(found))
        most = max(most, sum(one() is not None for one in blocks))
        return found

    array = da.from_array(DATA, chunks=(2, 6, 4, 5)).map_blocks(watched, dtype=DATA.dtype, meta=DATA[:0])
    ds = lamella.open(array, num_partitions=1)
    found = lamella.Context.make_with("inline").run_udf(ds, SumSigUDF())["intensity"].data
    np.testing.assert_array_equal(found, (DATA + 1).sum((2, 3)))
    assert most <= 3  # of 16: a row of two, and the first one of the next row


@pytest.mark.parametrize("scheduler", ["threads", "synchronous", dask.get])
def test_another_scheduler_can_compute_blocks(scheduler: Any) -> None:
    ds = lamella.open(computed(), scheduler=scheduler)
    np.testing.assert_array_equal(ds.read(), DATA + 1)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ds)).read(), DATA + 1)


def test_worker_processes_compute_blocks() -> None:
    ds = lamella.open(da.from_array(DATA, chunks=(4, 6, 4, 5)) + 1)
    with lamella.Context.make_with("processes") as ctx:
        np.testing.assert_array_equal(ctx.run_udf(ds, SumUDF())["intensity"].data, (DATA + 1).sum((0, 1)))


def test_the_fingerprint_follows_the_array() -> None:
    array = da.from_array(DATA, chunks=(4, 6, 4, 5))
    assert lamella.open(array).fingerprint == lamella.open(da.from_array(DATA, chunks=(4, 6, 4, 5))).fingerprint
    assert lamella.open(array).fingerprint != lamella.open(array + 1).fingerprint


def test_a_large_graph_opens_at_once() -> None:
    array = da.zeros((500, 200, 8, 8), chunks=(1, 1, 8, 8))
    begin = time.perf_counter()
    ds = lamella.open(array)
    assert time.perf_counter() - begin < 5  # 1 s on a quiet machine
    assert ds.diagnostics["tasks"] == 100_000
    assert not ds[3, 4].any()


def test_parameters_of_libertem_are_accepted_with_a_note() -> None:
    ds = lamella.open(computed(), preserve_dimensions=True, min_size=1 << 20)
    assert [note.split()[0] for note in ds.info.notes] == ["preserve_dimensions", "min_size"]


def test_a_data_set_goes_out_and_comes_back(tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", DATA)
    array = lamella.open(tmp_path / "scan.npy").to_dask(chunks=(4, 6, -1, -1))
    np.testing.assert_array_equal(sums(lamella.open(array * 2)), 2 * DATA.sum((2, 3)))


def test_bytes_in_the_other_order_are_turned() -> None:
    ds = lamella.open(da.from_array(DATA.astype(">i4"), chunks=(4, 6, 4, 5)))
    assert ds.dtype == np.dtype("=i4")
    np.testing.assert_array_equal(ds.read(), DATA)
