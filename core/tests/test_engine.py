"""The engine gives what an exact computation gives, however frames are stored, read and computed with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.codecs.codec import StorageOrder
from lamella.codecs.packed import PackedCodec
from lamella.corrections.corrections import Corrections
from lamella.dataset.dataset import DataSet
from lamella.dataset.provenance import Provenance
from lamella.errors import UDFError
from lamella.io.choose import choose_backend
from lamella.reader.resource import Resource
from lamella.reader.runs import RunTable
from lamella.reader.source import Encoding, LinearSource, SourceInfo
from lamella.udf.base import UDF
from lamella.udf.builtin.com import CoMUDF
from lamella.udf.builtin.masks import ApplyMasksUDF
from lamella.udf.builtin.raw import PickUDF
from lamella.udf.builtin.stddev import StdDevUDF
from lamella.udf.builtin.sum import SumUDF
from lamella.udf.builtin.sumsig import SumSigUDF

N_FRAMES = 21
DTYPES = (
    "?",
    "u1",
    "i1",
    "<u2",
    ">u2",
    "<i2",
    ">i2",
    "<u4",
    ">u4",
    ">i4",
    "<i8",
    ">i8",
    "<u8",
    "<f2",
    "<f4",
    ">f4",
    "<f8",
)
COMPILED = ("<u2", "<f4")
"""Dtypes for which the ordinary tests compile; for each, all kernels take half a minute."""
ALSO_COMPILED = ("u1", ">i2", ">u4")
"""With these, every path of the kernels is taken."""


def kernels_and(*dtypes: str) -> Any:
    """Each dtype with both versions of the kernels; compiled ones only for some, and for others only in slow tests."""
    compiled = [pytest.param("compiled", one) for one in dtypes if one in COMPILED]
    compiled += [pytest.param("compiled", one, marks=pytest.mark.slow) for one in dtypes if one in ALSO_COMPILED]
    numpys = [pytest.param("numpy", one) for one in dtypes]
    return pytest.mark.parametrize(("kernels", "dtype"), [*numpys, *compiled], indirect=["kernels"])


def counts(dtype: str, sig_shape: Sequence[int], seed: int = 5) -> NDArray[Any]:
    """Give frames that use the range of a dtype as far as sums of squares stay exact in double precision."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return (rng.random((N_FRAMES, *sig_shape)) * 100 + 10).astype(dtype)
    if kind.kind == "b":
        return rng.random((N_FRAMES, *sig_shape)) < 0.3
    info = np.iinfo(kind)
    low, high = max(info.min, -(10**6)), min(info.max, 10**6)
    return rng.integers(low, high, (N_FRAMES, *sig_shape), endpoint=True).astype(dtype)


@dataclass(frozen=True)
class Shuffled:
    """A codec that reverses the items of every group of four, big-endian: a pure permutation."""

    name: str = "shuffled"

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        return int(np.prod(sig_shape)) * 2

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        items = np.ascontiguousarray(stored).view(">u2").reshape(len(stored), -1, 4)[:, :, ::-1]
        out[...] = items.reshape(out.shape)

    def storage_order(self, sig_shape: Sequence[int]) -> StorageOrder:
        order = np.arange(int(np.prod(sig_shape))).reshape(-1, 4)[:, ::-1].reshape(-1)
        return StorageOrder(np.dtype(">u2"), order)


def opened(path: Path, encoding: Encoding, stride: int, **options: Any) -> DataSet:
    runs = RunTable.single(offset=5, stride=stride, count=N_FRAMES)
    source = LinearSource(resources=(Resource.of(path),), runs=runs, encoding=encoding, info=SourceInfo())
    return DataSet(source, provenance=Provenance(format="test", title="Test", target=str(path)), **options)


def with_gaps(path: Path, frames: NDArray[Any], gap: int) -> None:
    with path.open("wb") as file:
        file.write(b"start")
        for frame in frames:
            file.write(frame.tobytes() + b"\xff" * gap)


def jobs(sig_shape: Sequence[int]) -> tuple[list[UDF], NDArray[np.float32]]:
    masks = np.random.default_rng(3).random((6, *sig_shape)).astype(np.float32)
    thin = ApplyMasksUDF(lambda: np.where(masks > 0.97, masks, 0), use_sparse=True)
    return [SumUDF(), SumSigUDF(), StdDevUDF(), ApplyMasksUDF(lambda: masks), CoMUDF(), thin], masks


def check(results: Sequence[Any], frames: NDArray[Any], masks: NDArray[Any]) -> None:
    """Compare the results of all jobs with plain expressions in exact or double precision."""
    total, per_frame, spread, weighed, com, thin = results
    exact = frames.astype(np.float64 if frames.dtype.kind == "f" else np.int64)
    flat = exact.reshape(len(frames), -1)
    if frames.dtype.kind == "f":
        np.testing.assert_allclose(total["intensity"].data, exact.sum(axis=0), rtol=1e-6)
        np.testing.assert_allclose(per_frame["intensity"].raw_data, flat.sum(axis=1), rtol=1e-6)
    else:
        np.testing.assert_array_equal(total["intensity"].data, exact.sum(axis=0))
        np.testing.assert_array_equal(per_frame["intensity"].raw_data, flat.sum(axis=1))
    np.testing.assert_allclose(spread["std"].data, exact.std(axis=0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(spread["mean"].data, exact.mean(axis=0), rtol=1e-12, atol=1e-9)
    for found, columns in ((weighed, masks), (thin, np.where(masks > 0.97, masks, 0))):
        columns = columns.reshape(len(masks), -1).T.astype(np.float64)
        size = np.abs(flat).astype(np.float64) @ columns
        assert (np.abs(found["intensity"].raw_data - flat.astype(np.float64) @ columns) <= 1e-6 * size).all()
    y, x = np.mgrid[: frames.shape[1], : frames.shape[2]]
    mass = flat.sum(axis=1)
    centre = np.stack([(exact * y).sum(axis=(1, 2)), (exact * x).sum(axis=(1, 2))], axis=-1) / mass[:, None]
    steady = np.abs(mass) > 0.1 * np.abs(flat).sum(axis=1)  # elsewhere the quotient is noise in any arithmetic
    np.testing.assert_allclose(com["raw_com"].raw_data[steady], centre[steady], rtol=1e-4, atol=1e-3)


@pytest.fixture(params=["numpy", "compiled"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LAMELLA_KERNELS", request.param)
    return str(request.param)


@kernels_and(*DTYPES)
@pytest.mark.parametrize("gap", [0, 3])
def test_every_stored_dtype_gives_exact_results(tmp_path: Path, kernels: str, dtype: str, gap: int) -> None:
    frames = counts(dtype, (7, 9))
    with_gaps(tmp_path / "a.bin", frames, gap)
    encoding = Encoding(np.dtype(dtype), (7, 9))
    ds = opened(tmp_path / "a.bin", encoding, frames[0].nbytes + gap)
    udfs, masks = jobs((7, 9))
    for executor in ("inline", "threads"):
        with lamella.Context(executor) as ctx:
            check(ctx.run_udf(ds, udfs), frames, masks)
            check([ctx.run_udf(ds, udf) for udf in udfs], frames, masks)


@pytest.mark.parametrize("backend", ["mmap", "buffered", "direct"])
@pytest.mark.parametrize("partitions", [1, 3, N_FRAMES])
def test_results_do_not_depend_on_how_bytes_come(tmp_path: Path, kernels: str, backend: str, partitions: int) -> None:
    frames = counts("<u2", (7, 9))
    with_gaps(tmp_path / "a.bin", frames, 3)
    encoding = Encoding(np.dtype("<u2"), (7, 9))
    ds = opened(tmp_path / "a.bin", encoding, frames[0].nbytes + 3, io_backend=backend, num_partitions=partitions)
    try:
        choose_backend(backend, ds.source.resources)
    except lamella.ParameterError as error:
        pytest.skip(str(error))
    udfs, masks = jobs((7, 9))
    roi = np.random.default_rng(1).random(N_FRAMES) < 0.6
    with lamella.Context("inline") as ctx:
        check(ctx.run_udf(ds, udfs), frames, masks)
        check(ctx.run_udf(ds, udfs, roi=roi), frames[roi], masks)


def test_rows_that_are_stored_upside_down_are_computed_where_they_lie(tmp_path: Path, kernels: str) -> None:
    frames = counts("<u2", (7, 9))
    with_gaps(tmp_path / "a.bin", frames[:, ::-1], 2)
    encoding = Encoding(np.dtype("<u2"), (7, 9), strides=(-18, 2), origin=6 * 18)
    ds = opened(tmp_path / "a.bin", encoding, frames[0].nbytes + 2)
    assert ds.stored_form is not None
    udfs, masks = jobs((7, 9))
    with lamella.Context("inline") as ctx:
        check(ctx.run_udf(ds, udfs), frames, masks)


def test_a_codec_that_only_moves_pixels_is_never_called(
    tmp_path: Path, kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = counts("<u2", (6, 8))
    stored = frames.reshape(N_FRAMES, -1, 4)[:, :, ::-1].astype(">u2")
    with_gaps(tmp_path / "a.bin", stored, 4)
    ds = opened(tmp_path / "a.bin", Encoding(np.dtype("u2"), (6, 8), codec=Shuffled()), 96 + 4)
    np.testing.assert_array_equal(np.asarray(ds), frames)
    monkeypatch.setattr(Shuffled, "decode", lambda *_: pytest.fail("a frame was decoded"))
    udfs, masks = jobs((6, 8))
    with lamella.Context("inline") as ctx:
        check(ctx.run_udf(ds, udfs), frames, masks)


def test_padded_rows_are_decoded_first(tmp_path: Path, kernels: str) -> None:
    frames = counts("<u2", (7, 9))
    padded = np.zeros((N_FRAMES, 7, 12), dtype="<u2")
    padded[:, :, :9] = frames
    with_gaps(tmp_path / "a.bin", padded, 0)
    ds = opened(tmp_path / "a.bin", Encoding(np.dtype("<u2"), (7, 9), strides=(24, 2)), padded[0].nbytes)
    assert ds.stored_form is None
    udfs, masks = jobs((7, 9))
    with lamella.Context("inline") as ctx:
        check(ctx.run_udf(ds, udfs), frames, masks)


def test_frames_larger_than_the_cache_are_cut_into_boxes(tmp_path: Path, kernels: str) -> None:
    frames = counts("<f4", (700, 300))
    with_gaps(tmp_path / "a.bin", frames, 0)
    ds = opened(tmp_path / "a.bin", Encoding(np.dtype("<f4"), (700, 300)), frames[0].nbytes)
    udfs, masks = jobs((700, 300))

    class Brightest(UDF):
        def get_result_buffers(self) -> Any:
            return {"maximum": self.buffer("nav", dtype=np.float32)}

        def process_tile(self, tile: NDArray[Any]) -> None:
            self.results.maximum[:] = np.maximum(self.results.maximum, tile.max(axis=(1, 2)))

    with lamella.Context("inline") as ctx:
        check(ctx.run_udf(ds, udfs), frames, masks)
        *results, brightest = ctx.run_udf(ds, [*udfs, Brightest()])
    check(results, frames, masks)
    np.testing.assert_array_equal(brightest["maximum"].data, frames.max(axis=(1, 2)))


def test_positions_without_a_frame_count_nowhere(tmp_path: Path, kernels: str) -> None:
    frames = counts("<u2", (7, 9))
    with_gaps(tmp_path / "a.bin", frames, 0)
    encoding = Encoding(np.dtype("<u2"), (7, 9))
    with pytest.warns(lamella.errors.LamellaWarning, match="no frame"):
        ds = opened(tmp_path / "a.bin", encoding, frames[0].nbytes, nav_shape=(30,), sync_offset=-4)
    udfs, _ = jobs((7, 9))
    with lamella.Context("inline") as ctx:
        total, per_frame, spread, *_ = ctx.run_udf(ds, udfs)
    np.testing.assert_array_equal(total["intensity"].data, frames.sum(axis=0, dtype=np.int64))
    np.testing.assert_allclose(spread["std"].data, frames.astype(np.float64).std(axis=0))
    np.testing.assert_array_equal(per_frame["intensity"].data[4:25], frames.sum(axis=(1, 2), dtype=np.int64))
    assert not per_frame["intensity"].valid_mask[:4].any()


def test_the_deviation_of_a_small_signal_on_a_large_offset_is_sound(tmp_path: Path, kernels: str) -> None:
    rng = np.random.default_rng(0)
    frames = (1e6 + rng.random((N_FRAMES, 7, 9))).astype("<f4")
    frames[0] = 0  # a first frame without a signal must not spoil the rest
    with_gaps(tmp_path / "a.bin", frames, 0)
    ds = opened(tmp_path / "a.bin", Encoding(np.dtype("<f4"), (7, 9)), frames[0].nbytes)
    roi = np.arange(N_FRAMES) > 0
    with lamella.Context("inline") as ctx:
        all_frames = ctx.run_udf(ds, StdDevUDF())["std"].data
        bright = ctx.run_udf(ds, StdDevUDF(), roi=roi)["std"].data
    np.testing.assert_allclose(all_frames, frames.astype(np.float64).std(axis=0), rtol=1e-6)
    np.testing.assert_allclose(bright, frames[1:].astype(np.float64).std(axis=0), rtol=1e-6)


@kernels_and("u1", "<u2", ">i2", "<f4", "<i4")
def test_corrections_are_the_same_however_pixels_are_stored(tmp_path: Path, kernels: str, dtype: str) -> None:
    frames = counts(dtype, (7, 9))
    rng = np.random.default_rng(7)
    dark, gain = rng.random((7, 9)), rng.random((7, 9)) + 0.5
    for gap in (0, 3):
        path = tmp_path / f"{gap}.bin"
        with_gaps(path, frames, gap)
        ds = opened(path, Encoding(np.dtype(dtype), (7, 9)), frames[0].nbytes + gap)
        corrections = Corrections.of((7, 9), dark=dark, gain=gain, excluded=[(2, 3), (6, 8)])
        with lamella.Context("inline") as ctx:
            total = ctx.run_udf(ds, SumUDF(), corrections=corrections)["intensity"].data
        exact = (frames.astype(np.float64) - dark) * gain
        for y, x in ((2, 3), (6, 8)):
            near = [
                (i, j)
                for i in range(y - 1, y + 2)
                for j in range(x - 1, x + 2)
                if (i, j) != (y, x) and 0 <= i < 7 and 0 <= j < 9
            ]
            exact[:, y, x] = np.mean([exact[:, i, j] for i, j in near], axis=0)
        np.testing.assert_allclose(total, exact.sum(axis=0), rtol=1e-5, atol=1e-4 * np.abs(exact).max())


@kernels_and("u1", "i1", "<u2", ">u2", "<i2")
def test_the_deviation_of_small_whole_numbers_is_exact(tmp_path: Path, kernels: str, dtype: str) -> None:
    """A deviation of one count on the largest number there is, which double precision alone would not resolve."""
    top = np.iinfo(np.dtype(dtype)).max
    frames = np.full((N_FRAMES, 7, 9), top, dtype=dtype)
    frames[N_FRAMES - 1, 3, 4] = top - 1
    with_gaps(tmp_path / "a.bin", frames, 1)
    ds = opened(tmp_path / "a.bin", Encoding(np.dtype(dtype), (7, 9)), frames[0].nbytes + 1, num_partitions=1)
    with lamella.Context("inline") as ctx:
        result = ctx.run_udf(ds, StdDevUDF())
    variance = np.zeros((7, 9))
    variance[3, 4] = (N_FRAMES - 1) / N_FRAMES**2
    np.testing.assert_allclose(result["var"].data, variance, rtol=1e-15, atol=0)
    np.testing.assert_array_equal(result["sum"].data, frames.astype(np.int64).sum(axis=0))


@kernels_and("u1", "<u2", ">u2", "<i4", "<f4")
def test_computations_that_share_a_pass_give_what_they_give_alone(tmp_path: Path, kernels: str, dtype: str) -> None:
    frames = counts(dtype, (7, 9))
    with_gaps(tmp_path / "a.bin", frames, 0)
    ds = opened(tmp_path / "a.bin", Encoding(np.dtype(dtype), (7, 9)), frames[0].nbytes, num_partitions=2)

    class Twice(SumUDF):
        def process_rows(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> None:
            super().process_rows(rows, swapped)
            super().process_rows(rows, swapped)

    disk = np.hypot(*np.mgrid[-3:4, -4:5]) < 2.5
    five = np.stack([disk, ~disk, disk, ~disk, np.ones((7, 9), dtype=bool)])
    udfs = [SumUDF(), StdDevUDF(), CoMUDF(), ApplyMasksUDF(lambda: disk), ApplyMasksUDF(lambda: five), Twice()]
    udfs += [SumSigUDF(), SumUDF(), StdDevUDF(), SumSigUDF(), ApplyMasksUDF(lambda: disk.astype(np.float64))]
    with lamella.Context("inline") as ctx:
        alone = [ctx.run_udf(ds, udf) for udf in udfs]
        together = ctx.run_udf(ds, udfs)
    for one, other in zip(alone, together, strict=True):
        for name in one:
            assert one[name].data.dtype == other[name].data.dtype
            np.testing.assert_allclose(other[name].data, one[name].data, rtol=1e-5, atol=1e-4)
    for index in (0, 5, 6, 7, 9) if np.dtype(dtype).kind != "f" else ():
        np.testing.assert_array_equal(together[index]["intensity"].data, alone[index]["intensity"].data)


def test_an_infinite_pixel_in_the_first_frame_does_not_spoil_a_sum_beside_a_deviation(
    tmp_path: Path, kernels: str
) -> None:
    frames = counts("<f4", (7, 9))
    frames[0, 1, 2], frames[0, 3, 4] = np.inf, np.nan
    with_gaps(tmp_path / "a.bin", frames, 0)
    ds = opened(tmp_path / "a.bin", Encoding(np.dtype("<f4"), (7, 9)), frames[0].nbytes)
    with lamella.Context("inline") as ctx:
        total = ctx.run_udf(ds, [SumUDF(), StdDevUDF()])[0]["intensity"].data
    np.testing.assert_allclose(total, frames.sum(axis=0, dtype=np.float64), rtol=1e-6)


def test_an_error_in_one_of_several_that_share_a_pass_names_it(tmp_path: Path) -> None:
    frames = counts("u1", (7, 9))
    with_gaps(tmp_path / "a.bin", frames, 0)
    ds = opened(tmp_path / "a.bin", Encoding(np.dtype("u1"), (7, 9)), frames[0].nbytes)

    class CrookedUDF(CoMUDF):
        def row_weights(self) -> NDArray[Any]:
            raise ZeroDivisionError("no weights today")

    with lamella.Context("inline") as ctx, pytest.raises(UDFError, match=r"CrookedUDF.*no weights today"):
        ctx.run_udf(ds, [SumUDF(), CrookedUDF()])


@pytest.mark.parametrize("backend", ["mmap", "buffered"])
def test_scattered_frames_are_picked_from_packed_and_from_plain_files(tmp_path: Path, backend: str) -> None:
    rng = np.random.default_rng(2)
    frames = rng.integers(0, 4096, (N_FRAMES, 6, 8)).astype(np.uint16)
    pairs = frames.reshape(N_FRAMES, -1, 2).astype(np.uint32)
    packed = (pairs[..., 0] | (pairs[..., 1] << 12)).astype("<u4").view(np.uint8).reshape(N_FRAMES, -1, 4)[..., :3]
    with_gaps(tmp_path / "packed.bin", np.ascontiguousarray(packed).reshape(N_FRAMES, -1), 3)
    with_gaps(tmp_path / "plain.bin", frames, 3)
    roi = np.zeros(N_FRAMES, dtype=bool)
    roi[[1, 2, 7, 11, 20]] = True
    for name, encoding, nbytes in (
        ("packed", Encoding(np.dtype("u2"), (6, 8), codec=PackedCodec(12)), 72),
        ("plain", Encoding(np.dtype("<u2"), (6, 8)), 96),
    ):
        ds = opened(tmp_path / f"{name}.bin", encoding, nbytes + 3, io_backend=backend, num_partitions=2)
        with lamella.Context("inline") as ctx:
            picked = ctx.run_udf(ds, PickUDF(), roi=roi)["intensity"].data
            summed = ctx.run_udf(ds, SumUDF(), roi=roi)["intensity"].data
            brightest = ctx.map(ds, np.max, roi=roi).raw_data
        np.testing.assert_array_equal(picked, frames[roi])
        np.testing.assert_array_equal(summed, frames[roi].sum(axis=0))
        np.testing.assert_array_equal(brightest.reshape(-1), frames[roi].max(axis=(1, 2)))
