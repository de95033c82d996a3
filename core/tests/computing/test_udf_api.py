"""What a UDF can declare, see and return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.corrections.corrections import Corrections
from lamella.errors import UDFError
from lamella.udf.base import UDF
from lamella.udf.builtin.sumsig import SumSigUDF
from lamella.udf.slices import Slice

NAV, SIG = (4, 5), (6, 7)
DATA = np.random.default_rng(2).integers(0, 100, (*NAV, *SIG)).astype(np.uint16)
ROI = np.ones(NAV, dtype=bool)
ROI[0] = ROI[2, 2] = False

MakeScan = Callable[..., lamella.DataSet]


@pytest.fixture(scope="module")
def scan(make_scan: MakeScan) -> lamella.DataSet:
    return make_scan(DATA, num_partitions=2)


class SeenUDF(UDF):
    """Records what it sees through its first call in each partition."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {
            "seen": self.buffer("nav", dtype=object),
            "nav": self.buffer("nav"),
            "nav_extra": self.buffer("nav", extra_shape=(3,)),
            "sig": self.buffer("sig", use="private"),
            "sig_extra": self.buffer("sig", extra_shape=(2,), use="private"),
            "single": self.buffer("single", use="private"),
            "single_extra": self.buffer("single", extra_shape=(3, 2), use="private"),
        }

    def merge(self, dest: Any, src: Any) -> None:
        dest.seen[:] = src.seen

    def look(self, data: NDArray[Any]) -> None:
        meta = self.meta
        names = ("nav", "nav_extra", "sig", "sig_extra", "single", "single_extra")
        self.results.seen[0] = {
            "data": (data.shape, data.dtype),
            "shapes": {name: self.results[name].shape for name in names},
            "aux": (self.params.aux.tolist(), self.params.aux_sig.shape),
            "slice": (meta.slice.origin, meta.slice.shape.to_tuple()),
            "sig_slice": (meta.sig_slice.origin, meta.sig_slice.shape.to_tuple()),
            "coordinates": meta.coordinates.tolist(),
            "partition_shape": meta.partition_shape.to_tuple(),
            "index": meta.tiling_scheme_idx,
            "roi": None if meta.roi is None else meta.roi.sum(),
            "dtypes": (meta.dataset_dtype, meta.input_dtype),
            "shape": (meta.dataset_shape.nav.to_tuple(), meta.dataset_shape.sig.to_tuple()),
            "where": (meta.device_class, meta.array_backend, meta.threads_per_worker),
            "scheme": len(meta.tiling_scheme or ()),
        }


class SeenByFrameUDF(SeenUDF):
    def process_frame(self, frame: NDArray[Any]) -> None:
        self.look(frame)


class SeenByTileUDF(SeenUDF):
    def process_tile(self, tile: NDArray[Any]) -> None:
        self.look(tile)


class SeenByPartitionUDF(SeenUDF):
    def process_partition(self, partition: NDArray[Any]) -> None:
        self.look(partition)


def seen(ctx: lamella.Context, scan: lamella.DataSet, kind: type[SeenUDF], roi: Any = None) -> NDArray[Any]:
    aux = UDF.aux_data(np.arange(20), kind="nav", dtype="int64")
    udf = kind(aux=aux, aux_sig=UDF.aux_data(np.arange(42), kind="sig"))
    return np.asarray(ctx.run_udf(scan, udf, roi)["seen"].data.reshape(-1))


def test_a_frame_comes_with_its_own_entry_of_each_buffer(inline: lamella.Context, scan: lamella.DataSet) -> None:
    facts = seen(inline, scan, SeenByFrameUDF)
    assert facts[7]["data"] == (SIG, np.float32)
    assert facts[7]["shapes"] == {
        "nav": (1,),
        "nav_extra": (3,),
        "sig": SIG,
        "sig_extra": (*SIG, 2),
        "single": (1,),
        "single_extra": (3, 2),
    }
    assert facts[7]["aux"] == ([7], SIG)
    assert facts[7]["slice"] == ((7, 0, 0), (1, *SIG))
    assert facts[7]["sig_slice"] == ((0, 0), SIG)
    assert facts[7]["coordinates"] == [[1, 2]]
    assert facts[7]["partition_shape"] == (10, *SIG)


def test_a_tile_comes_with_the_entries_of_its_frames(inline: lamella.Context, scan: lamella.DataSet) -> None:
    facts = seen(inline, scan, SeenByTileUDF)
    assert facts[10]["data"] == ((10, *SIG), np.float32)
    assert facts[10]["shapes"]["nav"] == (10,)
    assert facts[10]["shapes"]["nav_extra"] == (10, 3)
    assert facts[10]["aux"] == (list(range(10, 20)), SIG)
    assert facts[10]["slice"] == ((10, 0, 0), (10, *SIG))
    assert facts[10]["coordinates"][0] == [2, 0]
    assert facts[10]["index"] == 0
    assert facts[10]["scheme"] == 1


def test_a_partition_comes_whole(inline: lamella.Context, scan: lamella.DataSet) -> None:
    facts = seen(inline, scan, SeenByPartitionUDF)
    assert facts[10]["data"] == ((10, *SIG), np.float32)
    assert facts[10]["shapes"]["nav_extra"] == (10, 3)


def test_with_a_region_everything_counts_selected_positions(inline: lamella.Context, scan: lamella.DataSet) -> None:
    facts = seen(inline, scan, SeenByFrameUDF, ROI)
    assert facts[12] is None
    assert facts[13]["slice"] == ((7, 0, 0), (1, *SIG))
    assert facts[13]["coordinates"] == [[2, 3]]
    assert facts[13]["aux"][0] == [13]
    assert facts[13]["partition_shape"] == (9, *SIG)
    assert facts[13]["roi"] == 14


def test_meta_knows_the_data_set_and_the_worker(inline: lamella.Context, scan: lamella.DataSet) -> None:
    facts = seen(inline, scan, SeenByTileUDF)[0]
    assert facts["dtypes"] == (np.uint16, np.float32)
    assert facts["shape"] == (NAV, SIG)
    assert facts["where"] == ("cpu", "numpy", 1)
    assert facts["roi"] is None


def test_tiles_are_cut_in_depth_and_over_the_detector(inline: lamella.Context, make_scan: MakeScan) -> None:
    frames = np.random.default_rng(0).random((9, 64, 64)).astype(np.float32)

    class PartsUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"image": self.buffer("sig"), "sums": self.buffer("nav"), "n": self.buffer("single")}

        def get_tiling_preferences(self) -> Mapping[str, Any]:
            return {"depth": 4, "total_size": 8192}

        def process_tile(self, tile: NDArray[Any]) -> None:
            assert tile.shape[0] <= 4
            assert self.meta.sig_slice.shape.to_tuple() == tile.shape[1:] == self.results.image.shape
            self.results.image[:] += tile.sum(axis=0)
            self.results.sums[:] += tile.sum(axis=(1, 2))
            self.results.n += 1

        def merge(self, dest: Any, src: Any) -> None:
            dest.image += src.image
            dest.sums[:] = src.sums
            dest.n += src.n

    result = inline.run_udf(make_scan(frames, num_partitions=1), PartsUDF())
    assert result["n"].data[0] > 9 / 4
    np.testing.assert_allclose(result["image"].data, frames.sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(result["sums"].data, frames.sum(axis=(1, 2)), rtol=1e-5)


# Which data, and how.


class DtypeUDF(UDF):
    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"dtype": self.buffer("single", dtype=object)}

    def get_preferred_input_dtype(self) -> Any:
        return self.params.get("wanted", super().get_preferred_input_dtype())

    def process_tile(self, tile: NDArray[Any]) -> None:
        assert tile.dtype == self.meta.input_dtype
        self.results.dtype[0] = tile.dtype

    def merge(self, dest: Any, src: Any) -> None:
        dest.dtype[:] = src.dtype


@pytest.mark.parametrize(
    ("stored", "wanted", "given"),
    [
        ("uint16", None, "float32"),
        ("uint32", None, "float64"),
        ("float64", None, "float64"),
        ("complex64", None, "complex64"),
        ("uint16", UDF.USE_NATIVE_DTYPE, "uint16"),
        (">i2", UDF.USE_NATIVE_DTYPE, "int16"),
        ("bool", UDF.USE_NATIVE_DTYPE, "bool"),
        ("uint16", np.uint8, "uint16"),
        ("uint8", np.int16, "int16"),
    ],
)
def test_data_arrive_in_the_dtype_of_stored_and_preferred(
    inline: lamella.Context, make_scan: MakeScan, stored: str, wanted: Any, given: str
) -> None:
    ds = make_scan(DATA.astype(stored))
    udf = DtypeUDF() if wanted is None else DtypeUDF(wanted=wanted)
    assert inline.run_udf(ds, udf)["dtype"].data[0] == given


def test_each_udf_of_a_run_gets_the_dtype_it_wants(inline: lamella.Context, scan: lamella.DataSet) -> None:
    wanted = [np.float32, np.bool_, np.float64, np.float32]
    results = inline.run_udf(scan, [DtypeUDF(wanted=dtype) for dtype in wanted])
    assert [result["dtype"].data[0] for result in results] == ["float32", "uint16", "float64", "float32"]


def test_corrected_data_are_floating_point_even_in_the_stored_dtype(
    inline: lamella.Context, scan: lamella.DataSet
) -> None:
    corrections = Corrections.of(SIG, gain=np.full(SIG, 0.5))
    result = inline.run_udf(scan, [DtypeUDF(wanted=np.bool_), SumSigUDF()], corrections=corrections)
    assert result[0]["dtype"].data[0] == np.float32
    np.testing.assert_allclose(result[1]["intensity"].data, DATA.sum(axis=(2, 3)) / 2)


def test_a_udf_cannot_change_what_another_one_sees(inline: lamella.Context, scan: lamella.DataSet) -> None:
    class VandalUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"nothing": self.buffer("nav")}

        def process_tile(self, tile: NDArray[Any]) -> None:
            tile[:] = 0

    inline.run_udf(scan, VandalUDF())
    with pytest.raises(UDFError, match="read-only"):
        inline.run_udf(scan, [VandalUDF(), DtypeUDF()])


class AllMethodsUDF(UDF):
    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"way": self.buffer("nav", dtype="int64")}

    def process_tile(self, tile: NDArray[Any]) -> None:
        self.results.way[:] = 1

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.way[:] = 2

    def process_partition(self, partition: NDArray[Any]) -> None:
        self.results.way[:] = 3


class ChoosingUDF(AllMethodsUDF):
    def get_method(self) -> Any:
        return self.params.method


def test_tiles_go_before_frames_before_partitions(inline: lamella.Context, scan: lamella.DataSet) -> None:
    assert (inline.run_udf(scan, AllMethodsUDF())["way"].data == 1).all()


@pytest.mark.parametrize(
    ("method", "way"), [(UDF.UDF_METHOD.TILE, 1), (UDF.UDF_METHOD.FRAME, 2), (UDF.UDF_METHOD.PARTITION, 3)]
)
def test_a_udf_chooses_how_it_gets_data(inline: lamella.Context, scan: lamella.DataSet, method: str, way: int) -> None:
    assert (inline.run_udf(scan, ChoosingUDF(method=method))["way"].data == way).all()


def test_a_method_that_does_not_exist_is_refused(inline: lamella.Context, scan: lamella.DataSet) -> None:
    with pytest.raises(UDFError, match="'pixel'"):
        inline.run_udf(scan, ChoosingUDF(method="pixel"))


def test_a_udf_without_a_method_is_refused(inline: lamella.Context, scan: lamella.DataSet) -> None:
    class IdleUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {}

    with pytest.raises(UDFError, match="IdleUDF must implement process_tile"):
        inline.run_udf(scan, IdleUDF())


def test_a_udf_for_other_arrays_is_refused(inline: lamella.Context, scan: lamella.DataSet) -> None:
    class GpuUDF(AllMethodsUDF):
        def get_backends(self) -> Any:
            return (self.BACKEND_CUPY,)

    with pytest.raises(UDFError, match=r"GpuUDF.get_backends.. names cupy: .*Lamella has NumPy arrays only"):
        inline.run_udf(scan, GpuUDF())


def test_the_array_module_is_numpy() -> None:
    assert AllMethodsUDF().xp is np


def test_a_result_can_be_made_dense_for_its_buffer() -> None:
    class Matrix:
        def toarray(self) -> NDArray[Any]:
            return np.eye(2)

    np.testing.assert_array_equal(AllMethodsUDF().forbuf(Matrix(), np.zeros(4)), [1, 0, 0, 1])
    np.testing.assert_array_equal(AllMethodsUDF().forbuf([1, 2], np.zeros(2)), [1, 2])


# Parameters and data of a task.


def test_a_udf_that_cannot_be_made_again_is_refused(inline: lamella.Context, scan: lamella.DataSet) -> None:
    class RenamedUDF(UDF):
        def __init__(self, shift: int) -> None:
            super().__init__(offset=shift * 2, shift=shift)

        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"value": self.buffer("nav")}

        def process_frame(self, frame: NDArray[Any]) -> None:
            self.results.value[:] = self.params["offset"] + self.params.get("nothing", 1)

    with pytest.raises(UDFError, match=r"gave to super\(\).__init__ \(offset, shift\)"):
        inline.run_udf(scan, RenamedUDF(3))


def test_parameters_are_at_hand_by_attribute_and_by_item(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    class ShiftUDF(UDF):
        def __init__(self, shift: int) -> None:
            super().__init__(shift=shift)

        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"value": self.buffer("nav")}

        def process_frame(self, frame: NDArray[Any]) -> None:
            self.results.value[:] = self.params["shift"] + self.params.shift + self.params.get("nothing", 1)

    udf = ShiftUDF(3)
    assert (ctx.run_udf(scan, udf)["value"].data == 7).all()
    assert udf.copy().params.shift == 3


def test_a_parameter_that_was_not_given_names_those_that_were(inline: lamella.Context, scan: lamella.DataSet) -> None:
    class LostUDF(AllMethodsUDF):
        def process_tile(self, tile: NDArray[Any]) -> None:
            self.results.way[:] = self.params.nope

    with pytest.raises(UDFError, match="there is no 'nope' here, only factor"):
        inline.run_udf(scan, LostUDF(factor=1))


def test_the_result_of_a_run_can_be_a_parameter_of_the_next(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    class NormalisedUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"share": self.buffer("nav", dtype="float64")}

        def process_frame(self, frame: NDArray[Any]) -> None:
            self.results.share[:] = frame[0, 0] / self.params.total

    total = ctx.run_udf(scan, SumSigUDF())["intensity"]
    result = ctx.run_udf(scan, NormalisedUDF(total=total), ROI)["share"]
    np.testing.assert_allclose(result.raw_data, (DATA[..., 0, 0] / DATA.sum(axis=(2, 3)))[ROI])


def test_auxiliary_data_of_another_size_is_refused(inline: lamella.Context, scan: lamella.DataSet) -> None:
    udf = ChoosingUDF(method="tile", aux=UDF.aux_data(np.zeros(3), kind="nav"))
    with pytest.raises(UDFError, match="has 3 elements, the data set needs 20"):
        inline.run_udf(scan, udf)


class CountingUDF(UDF):
    """Keeps count in its task data."""

    def get_task_data(self) -> Mapping[str, Any]:
        return {"frames": 0, "log": []}

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"frames": self.buffer("single", dtype="int64"), "order": self.buffer("single", dtype=object)}

    def preprocess(self) -> None:
        if self.meta.in_task:
            self.task_data.log.append("preprocess")

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.task_data.frames += 1
        self.task_data["log"].append("frame")

    def postprocess(self) -> None:
        self.results.frames[:] = self.task_data.frames
        self.results.order[0] = [*self.task_data.log, "postprocess"]

    def merge(self, dest: Any, src: Any) -> None:
        dest.frames += src.frames
        dest.order[:] = src.order


def test_task_data_lasts_for_one_partition(ctx: lamella.Context, make_scan: MakeScan) -> None:
    result = ctx.run_udf(make_scan(DATA, num_partitions=10), CountingUDF())
    assert result["frames"].data[0] == 20
    assert result["order"].data[0] == ["preprocess", "frame", "frame", "postprocess"]


# Buffers and results.


class OneBufferUDF(UDF):
    """Declares what it is told, and returns what it is told."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {name: self.buffer(**facts) for name, facts in self.params.buffers.items()}

    def process_frame(self, frame: NDArray[Any]) -> None:
        pass

    def get_results(self) -> Mapping[str, Any]:
        results: Mapping[str, Any] = self.params.returns(self)
        return results


NAV_BUFFER = {"a": {"kind": "nav", "dtype": "float32"}}


def run_returning(
    ctx: lamella.Context, scan: lamella.DataSet, returns: Callable[[Any], Any], buffers: Any = None, roi: Any = None
) -> Any:
    return ctx.run_udf(scan, OneBufferUDF(buffers=buffers or NAV_BUFFER, returns=returns), roi)


@pytest.mark.parametrize("facts", [{"kind": "detector"}, {"kind": "nav", "use": "secret"}])
def test_unknown_kinds_and_uses_are_refused(
    inline: lamella.Context, scan: lamella.DataSet, facts: dict[str, str]
) -> None:
    with pytest.raises(UDFError, match="unknown"):
        run_returning(inline, scan, lambda udf: {}, {"a": facts})


def test_the_place_of_a_buffer_may_be_named(inline: lamella.Context, scan: lamella.DataSet) -> None:
    buffers = {"a": {"kind": "nav", "where": "device"}}
    assert run_returning(inline, scan, lambda udf: {}, buffers)["a"].dtype == np.float32


@pytest.mark.parametrize(
    ("returns", "complaint"),
    [
        (lambda udf: {"b": udf.results.a}, "does not declare"),
        (lambda udf: {"a": udf.results.a.astype(int)}, "returned 'a' as int64, declared is float32"),
        (lambda udf: {"a": udf.results.a.astype(complex)}, "declared is float32"),
        (lambda udf: {"a": udf.results.a[:3]}, r"of shape \(3,\), declared is \(20,\)"),
        (lambda udf: 1 / 0, "get_results failed"),
    ],
    ids=["undeclared", "another kind of dtype", "complex", "another shape", "an error"],
)
def test_results_that_break_the_declaration_are_refused(
    inline: lamella.Context, scan: lamella.DataSet, returns: Callable[[Any], Any], complaint: str
) -> None:
    with pytest.raises(UDFError, match=complaint):
        run_returning(inline, scan, returns)


def test_private_buffers_stay_private(inline: lamella.Context, scan: lamella.DataSet) -> None:
    buffers = {"a": {"kind": "nav", "use": "private"}, "b": {"kind": "nav", "use": "result_only"}}
    result = run_returning(inline, scan, lambda udf: {"b": udf.results.a + 1}, buffers)
    assert set(result) == {"b"}
    assert (result["b"].data == 1).all()
    with pytest.raises(UDFError, match="declared as private"):
        run_returning(inline, scan, lambda udf: {"a": udf.results.a, "b": udf.results.a}, buffers)


def test_results_made_at_the_end_must_be_made(inline: lamella.Context, scan: lamella.DataSet) -> None:
    buffers = {"a": {"kind": "nav"}, "b": {"kind": "nav", "use": "result_only"}}
    with pytest.raises(UDFError, match="did not return b"):
        run_returning(inline, scan, lambda udf: {"a": udf.results.a}, buffers)
    with pytest.raises(UDFError, match=r"must implement get_results\(\): nothing else makes b"):
        run_returning(inline, scan, lambda udf: UDF.get_results(udf), buffers)


def test_a_more_precise_dtype_of_the_same_kind_is_accepted(inline: lamella.Context, scan: lamella.DataSet) -> None:
    result = run_returning(inline, scan, lambda udf: {"a": udf.results.a.astype("float64")})
    assert result["a"].dtype == np.float64


@pytest.mark.parametrize("roi", [None, ROI])
def test_a_udf_says_where_its_result_is_valid(inline: lamella.Context, scan: lamella.DataSet, roi: Any) -> None:
    def returns(udf: Any) -> Any:
        return {"a": udf.with_mask(udf.results.a, np.arange(len(udf.results.a)) > 3)}

    result = run_returning(inline, scan, returns, roi=roi)["a"]
    expected = np.ones(NAV, bool) if roi is None else roi.copy()
    expected[expected] = np.arange(expected.sum()) > 3
    np.testing.assert_array_equal(result.valid_mask, expected)
    np.testing.assert_array_equal(result.masked_data.mask, ~expected)
    assert result.raw_masked_data.mask.sum() == 4


def test_a_mask_may_be_one_truth_or_have_the_shape_of_the_entry(inline: lamella.Context, scan: lamella.DataSet) -> None:
    buffers = {"a": {"kind": "nav", "extra_shape": (2,)}, "b": {"kind": "sig"}}

    class BothUDF(OneBufferUDF):
        def merge(self, dest: Any, src: Any) -> None:
            pass

    def returns(udf: Any) -> Any:
        mask = np.zeros(udf.results.a.shape, bool)
        mask[:, 1] = True
        return {"a": udf.with_mask(udf.results.a, mask), "b": udf.with_mask(udf.results.b, False)}

    result = inline.run_udf(scan, BothUDF(buffers=buffers, returns=returns))
    assert result["a"].valid_mask.shape == (*NAV, 2)
    assert result["a"].valid_mask[..., 1].all()
    assert not result["a"].valid_mask[..., 0].any()
    assert not result["b"].valid_mask.any()


def test_get_results_knows_which_positions_are_valid(inline: lamella.Context, make_scan: MakeScan) -> None:
    def returns(udf: Any) -> Any:
        valid, full = udf.meta.get_valid_nav_mask(), udf.meta.get_valid_nav_mask(full_nav=True)
        assert valid.shape == (14,)
        assert full.shape == (20,)
        np.testing.assert_array_equal(full[ROI.reshape(-1)], valid)
        return {"a": valid.astype("f4")}

    ds = make_scan(DATA, sync_offset=6)
    result = run_returning(inline, ds, returns, roi=ROI)["a"]
    np.testing.assert_array_equal(result.valid_mask, ROI & ds.valid_mask)
    np.testing.assert_array_equal(result.data[ROI & ds.valid_mask], 1)


def test_an_unknown_buffer_names_the_known_ones(inline: lamella.Context, scan: lamella.DataSet) -> None:
    class LostUDF(AllMethodsUDF):
        def process_tile(self, tile: NDArray[Any]) -> None:
            self.results.nope = 1

    with pytest.raises(UDFError, match="no result buffer is called 'nope'; declared: way"):
        inline.run_udf(scan, LostUDF())


def test_assigning_to_a_result_writes_into_its_buffer(ctx: lamella.Context, scan: lamella.DataSet) -> None:
    class AssigningUDF(AllMethodsUDF):
        def process_tile(self, tile: NDArray[Any]) -> None:
            self.results.way = 4
            self.results["way"] += 1
            self.results.way += 1

    assert (ctx.run_udf(scan, AssigningUDF())["way"].data == 6).all()


@pytest.mark.parametrize(
    ("dtype", "blank"), [("float32", np.nan), ("complex64", complex(np.nan, np.nan)), ("int32", 0), ("bool", False)]
)
def test_what_was_not_computed_is_nan_or_zero(
    inline: lamella.Context, make_scan: MakeScan, dtype: str, blank: Any
) -> None:
    class OnesUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"one": self.buffer("nav", extra_shape=(2,), dtype=self.params.dtype)}

        def process_frame(self, frame: NDArray[Any]) -> None:
            self.results.one[:] = 1

    ds = make_scan(DATA, sync_offset=-3)
    result = inline.run_udf(ds, OnesUDF(dtype=dtype), ROI)["one"]
    shown = ROI & ds.valid_mask
    assert (result.data[shown] == 1).all()
    np.testing.assert_array_equal(result.data[~shown], blank)
    np.testing.assert_array_equal(result.valid_mask, np.stack([shown, shown], axis=-1))


def test_frames_of_zeros_in_place_of_missing_ones_are_computed_but_not_valid(
    ctx: lamella.Context, make_scan: MakeScan
) -> None:
    class CountUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"calls": self.buffer("nav")}

        def process_frame(self, frame: NDArray[Any]) -> None:
            self.results.calls[:] = 1 + frame.sum()

    ds = make_scan(DATA, sync_offset=4, missing="zero", num_partitions=3)
    result = ctx.run_udf(ds, CountUDF())["calls"]
    np.testing.assert_array_equal(result.valid_mask, ds.valid_mask)
    assert (result.data[~ds.valid_mask] == 1).all()
    np.testing.assert_array_equal(result.data.reshape(-1)[:16], 1 + DATA.sum(axis=(2, 3)).reshape(-1)[4:])


def test_a_result_is_an_array_with_facts(inline: lamella.Context, scan: lamella.DataSet) -> None:
    result = inline.run_udf(scan, SumSigUDF(), ROI)["intensity"]
    assert (result.kind, result.extra_shape, result.shape) == ("nav", (), NAV)
    assert result.dtype == np.uint64
    assert result.raw_data.shape == (14,)
    assert not result.roi_is_zero
    np.testing.assert_array_equal(np.array(result), result.data)
    np.testing.assert_array_equal(np.sqrt(result), np.sqrt(result.data))
    np.testing.assert_array_equal(result[1], result.data[1])
    assert len(result) == 4
    assert "kind=nav" in repr(result)
    assert inline.run_udf(scan, SumSigUDF(), np.zeros(NAV, bool))["intensity"].roi_is_zero


# Merging.


def test_other_buffers_than_nav_need_a_merge(inline: lamella.Context, scan: lamella.DataSet) -> None:
    class ForgetfulUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"image": self.buffer("sig")}

        def process_frame(self, frame: NDArray[Any]) -> None:
            pass

    assert ForgetfulUDF().requires_custom_merge
    assert not OneBufferUDF(buffers=NAV_BUFFER).requires_custom_merge
    with pytest.raises(UDFError, match=r"ForgetfulUDF must implement merge\(dest, src\).*image"):
        inline.run_udf(scan, ForgetfulUDF())


def test_a_failing_merge_is_named(inline: lamella.Context, scan: lamella.DataSet) -> None:
    class FailingUDF(AllMethodsUDF):
        def merge(self, dest: Any, src: Any) -> None:
            raise RuntimeError("oh")

    with pytest.raises(UDFError, match=r"FailingUDF\.merge failed in partition 0"):
        inline.run_udf(scan, FailingUDF())


def test_all_partitions_can_be_merged_at_once(ctx: lamella.Context, make_scan: MakeScan) -> None:
    class LastUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"image": self.buffer("sig", dtype="float64"), "sums": self.buffer("nav", dtype="float64")}

        def process_tile(self, tile: NDArray[Any]) -> None:
            self.results.image += tile.sum(axis=0)
            self.results.sums[:] = tile.sum(axis=(1, 2))

        def merge_all(self, ordered_results: Mapping[Slice, Any]) -> Mapping[str, Any]:
            parts = list(ordered_results.values())
            assert [part.origin[0] for part in ordered_results] == [0, 6, 13]
            return {
                "image": sum(part.image for part in parts),
                "sums": np.concatenate([part["sums"] for part in parts]),
            }

    result = ctx.run_udf(make_scan(DATA, num_partitions=3), LastUDF())
    np.testing.assert_allclose(result["image"].data, DATA.sum(axis=(0, 1)))
    np.testing.assert_allclose(result["sums"].data, DATA.sum(axis=(2, 3)))


def test_floats_are_merged_in_the_order_of_the_scan(ctx: lamella.Context, make_scan: MakeScan) -> None:
    class NoncommutativeUDF(UDF):
        def get_result_buffers(self) -> Mapping[str, Any]:
            return {"value": self.buffer("single", dtype="float64")}

        def process_frame(self, frame: NDArray[Any]) -> None:
            self.results.value[:] = self.results.value / 3 + frame.sum()

        def merge(self, dest: Any, src: Any) -> None:
            dest.value[:] = dest.value / 7 + src.value

    expected = 0.0
    for frame in DATA.reshape(20, *SIG):
        expected = expected / 7 + float(frame.sum())
    result = ctx.run_udf(make_scan(DATA, num_partitions=20), NoncommutativeUDF())
    assert result["value"].data[0] == expected


# Slices.


def test_a_slice_cuts_arrays() -> None:
    part = Slice.of(2, 3, (1, 0), (2, 4))
    array = np.arange(6 * 4 * 4).reshape(6, 4, 4)
    np.testing.assert_array_equal(part.get(array), array[2:5, 1:3, 0:4])
    np.testing.assert_array_equal(part.get(array[0], sig_only=True), array[0, 1:3, 0:4])
    np.testing.assert_array_equal(part.get(array[:, 0, 0], nav_only=True), array[2:5, 0, 0])
    assert part.get() == (slice(2, 5), slice(1, 3), slice(0, 4))


def test_a_slice_knows_its_parts() -> None:
    part = Slice.of(2, 3, (1, 0), (2, 4))
    assert part.nav == Slice((2,), lamella.geometry.shape.Shape((3,)))
    assert (part.sig.origin, part.sig.shape.to_tuple()) == ((1, 0), (2, 4))
    assert part.discard_nav().origin == (0, 1, 0)
    assert not part.is_null()


def test_slices_move_and_meet() -> None:
    part, other = Slice.of(2, 3, (1, 0), (2, 4)), Slice.of(4, 5, (0, 2), (2, 4))
    common = part.intersection_with(other)
    assert (common.origin, common.shape.to_tuple()) == ((4, 1, 2), (1, 1, 2))
    assert common.shift(part).origin == (2, 0, 2)
    assert part.intersection_with(Slice.of(9, 1, (0, 0), (2, 2))).is_null()
