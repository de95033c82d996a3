"""Whatever the layout and the filters, the fast path gives what h5py gives."""

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import lamella
from lamella.engine.plan import make_plan
from lamella.errors import CorruptError, FormatError
from lamella.executors.inline import InlineExecutor
from lamella.geometry.roi import Region, region_of
from lamella.reader import LinearSource
from lamella.udf import UDF, ApplyMasksUDF, SumUDF
from lamella_hdf5 import plain
from lamella_hdf5.filters import Filter, Pipeline, _bitshuffle_lz4
from lamella_hdf5.grid import frame_block

DTYPES = ("<u2", ">u2", "u1", "i1", ">i4", "<u4", "<f4", ">f8", "<f2", "?")
FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"compression": "gzip"},
    {"compression": "gzip", "shuffle": True},
    {"compression": "lzf", "shuffle": True, "fletcher32": True},
    {"compression": "gzip", "fletcher32": True},
    {"fletcher32": True},
    {"shuffle": True},
    {"scaleoffset": 0},
)


def pixels_of(shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(1).poisson(3, shape)
    return values.astype(dtype)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_fast_path_and_h5py_agree(tmp_path: Path, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 7), min_size=2, max_size=5)))
    chunks = tuple(data.draw(st.integers(1, n)) for n in shape)
    dtype = data.draw(st.sampled_from(DTYPES))
    filters = data.draw(st.sampled_from(FILTERS))
    if "scaleoffset" in filters and np.dtype(dtype).kind not in "iu":
        filters = {}
    sig_dims = data.draw(st.integers(1, len(shape)))
    expected = pixels_of(shape, dtype)
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w", userblock_size=data.draw(st.sampled_from([0, 512]))) as file:
        file.create_dataset("data", data=expected, chunks=chunks, **filters)
    fast = lamella.open(path, sig_dims=sig_dims)
    np.testing.assert_array_equal(fast.read().reshape(shape), expected)
    np.testing.assert_array_equal(lamella.open(path, sig_dims=sig_dims, fast=False).read().reshape(shape), expected)
    roi = data.draw(st.lists(st.booleans(), min_size=fast.shape.nav.size, max_size=fast.shape.nav.size))
    mask = np.asarray(roi).reshape(tuple(fast.shape.nav))
    region = fast.partitions()[0].region(mask)
    found = [tile.data.copy() for p in fast.partitions(3) for tile in p.tiles(fast.scheme(), region=region)]
    frames = expected.reshape(-1, *fast.shape.sig)[mask.reshape(-1)]
    if len(fast.scheme()) == 1:
        np.testing.assert_array_equal(np.concatenate([frames[:0], *found]), frames)


@pytest.mark.parametrize("chunks", [(4, 4, 16, 16), (1, 4, 8, 16), (3, 5, 16, 16)])
def test_each_chunk_is_decoded_once_per_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks: tuple[int, ...]
) -> None:
    expected = pixels_of((16, 16, 16, 16), "u2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        number = file.create_dataset("data", data=expected, chunks=chunks, compression="gzip").id.get_num_chunks()
    decoded = []
    decode = Pipeline.decode

    def counting(self: Pipeline, stored: Any, mask: int, out: Any) -> None:
        decoded.append(1)
        decode(self, stored, mask, out)

    monkeypatch.setattr(Pipeline, "decode", counting)
    ds = lamella.open(tmp_path / "a.h5", num_partitions=4)
    for partition in ds.partitions():
        for tile in partition.tiles(ds.scheme()):
            np.testing.assert_array_equal(
                tile.data, expected.reshape(-1, 16, 16)[tile.start : tile.start + len(tile.data)]
            )
    assert len(decoded) == number


def test_a_region_of_interest_skips_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=pixels_of((8, 8, 4, 4), "u2"), chunks=(4, 4, 4, 4), compression="gzip")
    decoded = []
    decode = Pipeline.decode

    def counting(self: Pipeline, stored: Any, mask: int, out: Any) -> None:
        decoded.append(1)
        decode(self, stored, mask, out)

    monkeypatch.setattr(Pipeline, "decode", counting)
    ds = lamella.open(tmp_path / "a.h5")
    decoded.clear()  # a data set as small as this is metadata, too
    mask = np.zeros((8, 8), dtype=bool)
    mask[1, :3] = True
    (partition,) = ds.partitions(1)
    assert sum(len(tile.data) for tile in partition.tiles(ds.scheme(), region=partition.region(mask))) == 3
    assert len(decoded) == 1


def test_the_grid_of_chunks_begins_anew_after_a_frame_block() -> None:
    assert frame_block((64, 64), (1, 1)) == 1
    assert frame_block((64, 64), (4, 4)) == 256
    assert frame_block((64, 64), (1, 8)) == 8
    assert frame_block((64, 60), (1, 8)) == 60
    assert frame_block((100,), (8,)) == 8


def test_one_call_of_a_kernel_gets_more_decoded_frames_at_once(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", (8, 8, 256, 256), "u2", chunks=(1, 1, 256, 256), compression="gzip")
    ds = lamella.open(tmp_path / "a.h5")
    everything, some = region_of(None, ds.shape.nav), region_of(np.eye(8, dtype=bool), ds.shape.nav)

    def depth(udf: UDF, region: Region) -> int:
        return make_plan(ds, [udf], region, corrections=None, executor=InlineExecutor()).scheme.depth

    masks = np.ones((16, 256, 256), dtype=np.float32)
    assert depth(SumUDF(), everything) == 32
    assert depth(SumUDF(), some) == 8
    assert depth(ApplyMasksUDF(lambda: masks), everything) < 32


def test_chunks_that_were_never_written_hold_the_fill_value(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", (4, 4, 5, 6), ">i2", chunks=(1, 2, 5, 6), fillvalue=-7, compression="gzip")
        data[2, 1] = 3
    ds = lamella.open(tmp_path / "a.h5")
    assert (ds[0, 0] == -7).all()
    assert (ds[2, 1] == 3).all()
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("data", (4, 4, 5, 6), "u2", fillvalue=9)
    assert (lamella.open(tmp_path / "b.h5").read() == 9).all()


def test_contiguous_data_is_linear_and_compact_data_says_why_it_is_not(tmp_path: Path) -> None:
    expected = pixels_of((2, 3, 4, 5), "<f4")
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=2048) as file:
        file["data"] = expected
    assert isinstance(lamella.open(tmp_path / "a.h5").source, LinearSource)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple(expected.shape)
        h5py.h5d.create(file.id, b"data", h5py.h5t.IEEE_F32LE, space, plist).write(h5py.h5s.ALL, h5py.h5s.ALL, expected)
    ds = lamella.open(tmp_path / "b.h5")
    np.testing.assert_array_equal(ds.read(), expected)
    assert "compact" in ds.diagnostics["layout"]


def test_a_source_pickles_small_and_reads_the_same(tmp_path: Path) -> None:
    expected = pixels_of((8, 8, 6, 6), "u2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=expected, chunks=(1, 1, 6, 6), compression="lzf")
    ds = lamella.open(tmp_path / "a.h5")
    ds.read()
    content = pickle.dumps(ds)
    assert len(content) < 64 << 10
    np.testing.assert_array_equal(pickle.loads(content).read(), expected)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "f8"])
@pytest.mark.parametrize("n", [8, 1000, 4099, 20_000])
def test_interpreted_and_compiled_bitshuffle_agree(dtype: str, n: int) -> None:
    pytest.importorskip("hdf5plugin")
    import hdf5plugin

    values = pixels_of((n,), dtype)
    with h5py.File("bits.h5", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("data", data=values, chunks=(n,), **hdf5plugin.Bitshuffle())
        stored = np.frombuffer(data.id.read_direct_chunk((0,))[1], dtype=np.uint8)
    pipeline = Pipeline((Filter(32008, (0, 3, values.itemsize, 0, 2)),), values.itemsize, values.nbytes)
    out = np.empty(values.nbytes, dtype=np.uint8)
    pipeline.decode(stored, 0, out)
    np.testing.assert_array_equal(out.view(dtype), values)
    kernel = _bitshuffle_lz4

    def compiled(*arguments: Any) -> None:
        kernel.compile_for(*arguments)
        kernel(*arguments)

    for decoder in (plain.bitshuffle_lz4, compiled):
        status, again = np.zeros(1, np.int64), np.zeros((2, out.size), np.uint8)
        decoder(stored, again, np.asarray([[9, len(stored), 0]] * 2), 9, values.itemsize, status)
        assert status[0] == 0
        np.testing.assert_array_equal(again, [out, out])
        for cut in (0, 11, 13, len(stored) // 2, len(stored) - 1):
            decoder(stored, again[:1], np.asarray([[0, cut, 0]]), 0, values.itemsize, status)
            assert status[0] == 1
    for place in ([-1, 20], [1, len(stored)], [0, -1]):
        status = np.zeros(1, np.int64)
        compiled(stored, out[np.newaxis], np.asarray([[*place, 0]]), 0, values.itemsize, status)
        assert status[0] == 1


@pytest.mark.parametrize("name", ["Blosc", "Zstd", "LZ4", "Bitshuffle"])
def test_filters_of_hdf5plugin_are_decoded(tmp_path: Path, name: str) -> None:
    hdf5plugin = pytest.importorskip("hdf5plugin")
    expected = pixels_of((4, 5, 16, 16), "u2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=expected, chunks=(1, 1, 16, 16), **getattr(hdf5plugin, name)())
    np.testing.assert_array_equal(lamella.open(tmp_path / "a.h5").read(), expected)


def test_a_damaged_chunk_is_named_and_others_are_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", data=pixels_of((2, 2, 8, 8), "u2"), chunks=(1, 1, 8, 8), compression="gzip")
        offset = data.id.get_chunk_info(1).byte_offset
    content = bytearray((tmp_path / "a.h5").read_bytes())
    content[offset : offset + 8] = b"\xff" * 8
    (tmp_path / "a.h5").write_bytes(content)
    ds = lamella.open(tmp_path / "a.h5")
    ds[0, 0]
    with pytest.raises(CorruptError, match=f"byte {offset}"):
        ds[0, 1]


def test_a_wrong_checksum_is_found(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", data=pixels_of((2, 8, 8), "u2"), chunks=(1, 8, 8), fletcher32=True)
        offset = data.id.get_chunk_info(0).byte_offset
    content = bytearray((tmp_path / "a.h5").read_bytes())
    content[offset + 5] ^= 1
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(FormatError, match="checksum"):
        lamella.open(tmp_path / "a.h5")[0]


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize(
    ("chunks", "compression", "written", "shown"),
    [
        ((1, 1, 512, 512), None, [(0, 0), (0, 1), (1, 0)], [0, 1, 2]),
        ((1, 1, 128, 512), "gzip", [(0, 0), (1, 1)], [0, 3]),
        ((4, 2, 512, 512), "lzf", [(5, 1)], [8, 9, 10, 11, 12, 13, 14, 15]),  # chunks hold several frames
    ],
)
def test_frames_that_were_never_written_are_missing_where_most_are(
    tmp_path: Path, chunks: tuple[int, ...], compression: str | None, written: list[tuple[int, int]], shown: list[int]
) -> None:
    """A scan that was aborted costs what it holds; the file announces 256 GiB."""
    frame = np.arange(512 * 512, dtype=np.uint16).reshape(512, 512)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", (1 << 18, 2, 512, 512), "u2", chunks=chunks, compression=compression)
        for place in written:
            data[place] = frame
    ds = lamella.open(tmp_path / "a.h5")
    assert tuple(ds.shape.nav) == (1 << 18, 2)
    assert np.flatnonzero(ds.valid_mask).tolist() == shown
    assert "were never written" in " ".join(ds.info.notes)
    np.testing.assert_array_equal(ds[written[-1]], frame)
    with lamella.Context.make_with("inline") as ctx:
        total = ctx.run_udf(ds, SumUDF())["intensity"].data
    np.testing.assert_array_equal(total, len(written) * frame.astype(np.int64))


def test_a_large_data_set_to_which_nothing_was_written_is_refused(tmp_path: Path) -> None:
    for name, chunks in (("a.h5", (1, 1, 512, 512)), ("b.h5", None)):
        with h5py.File(tmp_path / name, "w") as file:
            file.create_dataset("data", (1 << 18, 2, 512, 512), "u2", chunks=chunks)
        with pytest.raises(FormatError, match="nothing was ever written"):
            lamella.open(tmp_path / name)
