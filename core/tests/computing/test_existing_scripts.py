"""What scripts that were written for LiberTEM rely on: places, defaults, and values at each moment of a run."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse  # type: ignore[import-untyped]
import sparse  # type: ignore[import-untyped]
from numpy.typing import NDArray

import lamella
from lamella.errors import LamellaWarning, ParameterError, UDFError
from lamella.geometry.shape import Shape, SigBox
from lamella.masks import circular, radial_bins, rectangular, sparse_circular_multi_stack
from lamella.opening.scripts import PLACES
from lamella.params.fields import describe
from lamella.params.validate import CommonParams
from lamella.udf import UDF, ApplyMasksUDF, AutoUDF, CoMUDF, SumSigUDF
from lamella.udf.slices import Slice

NAV, SIG = (4, 5), (6, 7)
DATA = np.random.default_rng(5).integers(0, 100, (*NAV, *SIG)).astype(np.uint16)
ROI = np.zeros(NAV, dtype=bool)
ROI[1:3, 2:] = True

MakeScan = Callable[..., lamella.DataSet]


@pytest.fixture(scope="module")
def scan(make_scan: MakeScan) -> lamella.DataSet:
    return make_scan(DATA, num_partitions=2)


class BrightnessUDF(UDF):
    """The base of the UDFs below: one number for each frame, and what a test adds."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"n": self.buffer("nav"), "later": self.buffer("nav", use="result_only")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.n[:] = frame.sum()

    def get_results(self) -> Mapping[str, Any]:
        return {"n": self.results.n, "later": 2 * self.results.n}


# Slices and shapes.


def test_a_slice_applies_its_detector_part_to_the_last_axes() -> None:
    part = Slice((3, 4, 0), Shape((2,), (4, 12)))
    array = np.arange(16 * 16 * 12).reshape(16, 16, 12)
    np.testing.assert_array_equal(part.get(array, sig_only=True), array[:, 4:8])
    np.testing.assert_array_equal(part.get(array[0], sig_only=True), array[0, 4:8])
    np.testing.assert_array_equal(part.get(array, nav_only=True), array[3:5])
    np.testing.assert_array_equal(part.get(array), array[3:5, 4:8])
    assert part.get(sig_only=True) == (slice(4, 8), slice(0, 12))


def test_a_slice_is_empty_or_not() -> None:
    assert Slice.of(3, 0, (0, 0), (2, 2)).is_null()
    assert not Slice.of(3, 1, (0, 0), (2, 2)).is_null()


def test_slices_are_cut_moved_and_flattened() -> None:
    part = Slice((3, 4, 0), Shape((2,), (4, 12)))
    assert part.shift_by((1, 1, 1)) == Slice((4, 5, 1), part.shape)
    assert part.clip_to((4, 6, 6)) == Slice((3, 4, 0), Shape((1,), (2, 6)))
    assert [(piece.origin, tuple(piece.shape)) for piece in part.subslices((1, 3, 12))] == [
        ((3, 4, 0), (1, 3, 12)),
        ((3, 7, 0), (1, 1, 12)),
        ((4, 4, 0), (1, 3, 12)),
        ((4, 7, 0), (1, 1, 12)),
    ]
    assert Slice.from_shape((4, 5, 6), 2) == Slice((0, 0, 0), Shape((4,), (5, 6)))
    assert Slice((1, 0, 0, 0), Shape((2, 5), (8, 8))).flatten_nav((6, 5, 8, 8)) == Slice.of(5, 10, (0, 0), (8, 8))
    assert part.adjust_for_roi(np.array([0, 1, 1, 0, 1, 1], bool)) == Slice((2, 4, 0), Shape((1,), (4, 12)))
    assert part.adjust_for_roi(None) == part
    with pytest.raises(UDFError, match="not one contiguous range of a scan of"):
        Slice((1, 1, 0, 0), Shape((2, 2), (8, 8))).flatten_nav((6, 5, 8, 8))


def test_the_detector_part_of_a_slice_compares_with_the_boxes_of_a_scheme() -> None:
    box = SigBox((4, 0), (4, 12))
    part = Slice((3, 4, 0), Shape((2,), (4, 12)))
    assert part.sig == box
    assert box == part.sig
    assert {part.sig: 1}[box] == 1  # type: ignore[index]
    assert part != box
    assert part.sig != SigBox((4, 1), (4, 12))
    assert Slice((0, 0), Shape((2,), (3,))) != Slice((0, 0), Shape((), (2, 3)))


def test_a_udf_finds_its_tile_in_the_scheme(inline: lamella.Context, scan: lamella.DataSet) -> None:
    class SchemeUDF(BrightnessUDF):
        def process_tile(self, tile: NDArray[Any]) -> None:
            meta = self.meta
            assert meta.tiling_scheme is not None
            assert meta.tiling_scheme_idx is not None
            self.results.n[:] = meta.tiling_scheme[meta.tiling_scheme_idx] == meta.sig_slice

    assert inline.run_udf(scan, SchemeUDF())["n"].data.all()


def test_shapes_are_made_from_all_axes_too() -> None:
    shape = Shape((4, 5, 6, 7), 2)
    assert (shape.nav.to_tuple(), shape.sig.to_tuple()) == ((4, 5), (6, 7))
    assert Shape((4, 5, 6), sig_dims=1).nav == (4, 5)
    assert pickle.loads(pickle.dumps(shape)).sig == (6, 7)
    assert shape.flatten_nav() == (20, 6, 7)
    assert shape.flatten_nav().sig == (6, 7)
    assert shape.flatten_sig() == (4, 5, 42)
    assert (*shape, 2) == (4, 5, 6, 7, 2)


# Analyses, and functions of frames.


def test_the_centre_of_mass_takes_the_inner_radius_before_the_rotation(
    inline: lamella.Context, scan: lamella.DataSet
) -> None:
    by_place = inline.create_com_analysis(scan, 3, 2, 2.5, True, 1.0, 20.0)
    radii = {"mask_radius": 2.5, "mask_radius_inner": 1.0}
    assert by_place.parameters == {"cx": 3, "cy": 2, **radii, "flip_y": True, "scan_rotation": 20.0}
    by_name = inline.create_com_analysis(
        scan, cx=3, cy=2, mask_radius=2.5, flip_y=True, mask_radius_inner=1.0, scan_rotation=20.0
    )
    np.testing.assert_array_equal(inline.run(by_place).x.raw_data, inline.run(by_name).x.raw_data)


def test_a_function_of_a_frame_may_give_objects(inline: lamella.Context, scan: lamella.DataSet) -> None:
    found = inline.map(scan, lambda frame: [{"sum": frame.sum()}, {"max": frame.max()}]).data
    assert found.shape == (*NAV, 2)
    assert found[1, 2].tolist() == [{"sum": DATA[1, 2].sum()}, {"max": DATA[1, 2].max()}]
    nested = inline.map(scan, lambda frame: [[{}, frame.max()], [None, frame.sum()]]).data
    assert nested[3, 4].tolist() == [[{}, DATA[3, 4].max()], [None, DATA[3, 4].sum()]]


@pytest.mark.parametrize(
    "function",
    [
        lambda frame: {"sum": int(frame.sum())},
        lambda frame: f"{int(frame.sum())} counts",
        lambda frame: [np.arange(2), np.arange(int(frame.max()))],
        lambda frame: None,
    ],
    ids=["dict", "text", "lists of different lengths", "nothing"],
)
def test_what_is_no_array_is_one_object(
    function: Callable[[NDArray[Any]], Any], inline: lamella.Context, scan: lamella.DataSet
) -> None:
    found = inline.map(scan, function).data
    assert found.shape == NAV
    assert str(found[1, 2]) == str(function(DATA[1, 2]))


def test_another_number_of_objects_is_an_error_and_not_lost(inline: lamella.Context, scan: lamella.DataSet) -> None:
    with pytest.raises(UDFError, match="gave 2 objects here, and 1 for a frame of ones"):
        inline.map(scan, lambda frame: [{}] if frame.max() == 1 else [{}, {}])


# Kinds of arrays.

# fmt: off
SETS: dict[str, set[str]] = {
    "CPU_BACKENDS": {
        "numpy", "numpy.matrix", "sparse.COO", "sparse.GCXS", "sparse.DOK",
        "scipy.sparse.coo_matrix", "scipy.sparse.csr_matrix", "scipy.sparse.csc_matrix",
        "scipy.sparse.coo_array", "scipy.sparse.csr_array", "scipy.sparse.csc_array",
    },
    "CUPY_BACKENDS": {
        "cupy", "cupyx.scipy.sparse.coo_matrix", "cupyx.scipy.sparse.csr_matrix", "cupyx.scipy.sparse.csc_matrix",
    },
    "DENSE_BACKENDS": {"numpy", "numpy.matrix", "cupy", "cuda"},
    "ND_BACKENDS": {"numpy", "cupy", "cuda", "sparse.COO", "sparse.GCXS", "sparse.DOK"},
}
# fmt: on


def test_kinds_of_arrays_have_the_known_names() -> None:
    for name, members in SETS.items():
        assert getattr(UDF, name) == members
    everything = UDF.CPU_BACKENDS | UDF.CUDA_BACKENDS
    assert UDF.CUPY_BACKENDS | {"cuda"} == UDF.CUDA_BACKENDS
    assert everything == UDF.SPARSE_BACKENDS | UDF.DENSE_BACKENDS
    assert everything == UDF.D2_BACKENDS | UDF.ND_BACKENDS
    assert not UDF.D2_BACKENDS & UDF.ND_BACKENDS
    constants = {getattr(UDF, name) for name in dir(UDF) if name.startswith("BACKEND_") and name != "BACKEND_ALL"}
    assert constants == everything - {"numpy.matrix"}
    assert set(UDF.BACKEND_ALL) == constants - {"cuda", "sparse.DOK"}
    assert all(type(name) is str for name in constants)


@pytest.mark.parametrize(
    "backends",
    ["numpy", ("cupy", "numpy"), UDF.BACKEND_ALL, UDF.ND_BACKENDS, ["sparse.COO", "numpy"]],
    ids=["text", "tuple", "all", "set", "list"],
)
def test_numpy_is_used_where_it_is_named(backends: Any, inline: lamella.Context, scan: lamella.DataSet) -> None:
    class ManyUDF(BrightnessUDF):
        def get_backends(self) -> Any:
            return backends

    np.testing.assert_array_equal(inline.run_udf(scan, ManyUDF())["n"].data, DATA.sum(axis=(2, 3)))


@pytest.mark.parametrize("backends", ["cupy", ("cupy",), (), UDF.SPARSE_BACKENDS], ids=["text", "tuple", "none", "set"])
def test_a_udf_without_numpy_is_one_clear_error(backends: Any, inline: lamella.Context, scan: lamella.DataSet) -> None:
    class OtherUDF(BrightnessUDF):
        def get_backends(self) -> Any:
            return backends

    with pytest.raises(UDFError, match=r"OtherUDF.*Let get_backends.. name 'numpy' as well"):
        inline.run_udf(scan, OtherUDF())


# Regions.


@pytest.mark.parametrize(
    "flat",
    [
        lambda roi: roi.reshape(-1),
        lambda roi: scipy.sparse.csr_matrix(roi.reshape(1, -1)),
        lambda roi: scipy.sparse.coo_matrix(roi.reshape(-1, 1)),
        lambda roi: sparse.COO.from_numpy(roi.reshape(-1)),
    ],
    ids=["dense", "row", "column", "pydata"],
)
def test_a_region_may_be_flat(
    flat: Callable[[NDArray[np.bool_]], Any], inline: lamella.Context, scan: lamella.DataSet
) -> None:
    found = inline.run_udf(scan, SumSigUDF(), roi=flat(ROI))["intensity"]
    np.testing.assert_array_equal(found.raw_data, DATA[ROI].sum(axis=(1, 2)))
    assert found.data.shape == NAV


def test_a_region_of_another_shape_is_refused(inline: lamella.Context, scan: lamella.DataSet) -> None:
    for shape in ((5, 4), (19,), (1, 20), (2, 10)):
        with pytest.raises(ParameterError, match="roi has shape"):
            inline.run_udf(scan, SumSigUDF(), roi=np.ones(shape, bool))


class WholeScanUDF(UDF):
    """Gives arrays of the shape of the scan."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"n": self.buffer("nav"), "pair": self.buffer("nav", extra_shape=(2,)), "whole": self.buffer("nav")}

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.results.n[:] = frame.sum()

    def get_results(self) -> Mapping[str, Any]:
        image = np.zeros(NAV, np.float32)
        image[... if self.meta.roi is None else self.meta.roi] = self.results.n.reshape(
            NAV if self.meta.roi is None else -1
        )
        mask = np.zeros(NAV, bool)
        mask[1] = True
        return {"n": image, "pair": np.stack([image, image], axis=-1), "whole": self.with_mask(image + 1, mask)}


@pytest.mark.parametrize("roi", [None, ROI], ids=["everything", "region"])
def test_results_may_have_the_shape_of_the_scan(
    roi: NDArray[np.bool_] | None, inline: lamella.Context, scan: lamella.DataSet
) -> None:
    result = inline.run_udf(scan, WholeScanUDF(), roi=roi)
    chosen = np.ones(NAV, bool) if roi is None else roi
    sums = np.where(chosen, DATA.sum(axis=(2, 3)), 0)
    np.testing.assert_array_equal(result["n"].data, sums)
    np.testing.assert_array_equal(result["n"].raw_data, sums[chosen])
    np.testing.assert_array_equal(result["pair"].data, np.stack([sums, sums], axis=-1))
    np.testing.assert_array_equal(result["whole"].data, sums + 1)
    np.testing.assert_array_equal(result["n"].valid_mask, chosen)
    np.testing.assert_array_equal(result["whole"].valid_mask[1], chosen[1])
    assert not result["whole"].valid_mask[2].any()


def test_results_over_the_scan_have_gaps_where_frames_are_missing(inline: lamella.Context, make_scan: MakeScan) -> None:
    ds = make_scan(DATA, sync_offset=-8)
    found = inline.run_udf(ds, WholeScanUDF(), roi=ROI)["n"]
    np.testing.assert_array_equal(np.isnan(found.data), ROI & ~ds.valid_mask)
    assert (ROI & ~ds.valid_mask).any()


# What a UDF sees at each moment.


class MomentsUDF(BrightnessUDF):
    """Notes what there is while partitions are processed and merged."""

    notes: list[Any]

    def process_frame(self, frame: NDArray[Any]) -> None:
        assert self.meta.get_valid_nav_mask() is None
        assert self.meta.get_valid_nav_mask(full_nav=True) is None
        assert self.results.later is None
        assert self.results["later"] is None
        assert "later" not in list(self.results)
        super().process_frame(frame)

    def merge(self, dest: Any, src: Any) -> None:
        valid, full = self.meta.get_valid_nav_mask(), self.meta.get_valid_nav_mask(full_nav=True)
        assert valid is not None
        assert full is not None
        self.notes.append(
            (valid.sum(), full.shape, full.sum(), self.params.aux.tolist(), self.params.aux_sig.shape, src.n.shape)
        )
        dest.n[:] = src.n + self.params.aux

    def get_results(self) -> Mapping[str, Any]:
        assert len(self.params.aux) == len(self.results.n)
        return super().get_results()


def test_a_udf_sees_its_partition_while_it_is_merged(inline: lamella.Context, scan: lamella.DataSet) -> None:
    MomentsUDF.notes = []
    aux, aux_sig = UDF.aux_data(np.arange(20.0), "nav"), UDF.aux_data(np.zeros(SIG), "sig")
    udf = MomentsUDF(aux=aux, aux_sig=aux_sig)
    result = inline.run_udf(scan, udf, roi=ROI)
    flat = np.flatnonzero(ROI)
    assert [note[:2] for note in MomentsUDF.notes] == [(0, (20,)), (3, (20,))]
    assert [note[2] for note in MomentsUDF.notes] == [0, 3]
    assert [note[3] for note in MomentsUDF.notes] == [flat[:3].tolist(), flat[3:].tolist()]
    assert [note[4:] for note in MomentsUDF.notes] == [(SIG, (3,)), (SIG, (3,))]
    np.testing.assert_array_equal(result["n"].raw_data, DATA[ROI].sum(axis=(1, 2)) + flat)
    np.testing.assert_array_equal(result["later"].raw_data, 2 * result["n"].raw_data)


def test_facts_about_a_run_stay_after_it(inline: lamella.Context, scan: lamella.DataSet) -> None:
    udf = BrightnessUDF()
    with pytest.raises(UDFError, match="meta exists during and after a run"):
        _ = udf.meta
    inline.run_udf(scan, udf, roi=ROI)
    assert udf.meta.dataset_shape == (*NAV, *SIG)
    assert udf.meta.input_dtype == np.float32
    assert udf.meta.roi is not None
    np.testing.assert_array_equal(udf.meta.roi, ROI)
    np.testing.assert_array_equal(udf.meta.get_valid_nav_mask(full_nav=True), ROI.reshape(-1))
    np.testing.assert_array_equal(inline.run_udf(scan, udf)["n"].data, DATA.sum(axis=(2, 3)))
    assert udf.meta.roi is None


def test_auxiliary_data_tell_what_they_hold() -> None:
    data = np.arange(40).reshape(4, 5, 2)
    aux = UDF.aux_data(data, kind="nav", extra_shape=(2,), dtype="int64")
    np.testing.assert_array_equal(aux.raw_data, data.reshape(20, 2))
    assert (aux.kind, aux.extra_shape, aux.dtype) == ("nav", (2,), np.dtype(np.int64))
    np.testing.assert_array_equal(np.asarray(aux), data)


class KindsUDF(UDF):
    """One buffer of each dtype that matters for partial results."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        kinds = {"f": np.float32, "i": np.int32, "c": np.complex64, "o": object}
        return {name: self.buffer("nav", dtype=dtype) for name, dtype in kinds.items()}

    def process_frame(self, frame: NDArray[Any]) -> None:
        for name in self.results:
            self.results[name][:] = 1


@pytest.mark.parametrize("missing", [False, True], ids=["complete", "with a gap"])
@pytest.mark.parametrize("roi", [None, ROI], ids=["everything", "region"])
def test_partial_results_are_what_the_buffers_hold(
    missing: bool, roi: NDArray[np.bool_] | None, inline: lamella.Context, make_scan: MakeScan
) -> None:
    ds = make_scan(DATA, num_partitions=2, sync_offset=-8 if missing else 0)
    chosen = np.ones(NAV, bool) if roi is None else roi
    never = ~(chosen & ds.valid_mask)
    assert never.any() == (missing or roi is not None)
    for partial in inline.run_udf_iter(ds, KindsUDF(), roi=roi):
        done, found = partial.damage.data, partial.buffers[0]
        todo = ~done & ~never
        for name in "fic":
            np.testing.assert_array_equal(found[name].data[done], 1)
            np.testing.assert_array_equal(found[name].data[todo], 0)
        assert np.isnan(found["f"].data[never]).all()
        assert np.isnan(found["c"].data[never]).all()
        np.testing.assert_array_equal(found["i"].data[never], 0)
        np.testing.assert_array_equal(found["f"].valid_mask, done)


# Masks.


@pytest.mark.parametrize(
    ("data", "mask", "preferred", "expected"),
    [
        ("u2", "bool", None, "f4"),
        ("u2", "u1", "i4", "i4"),
        ("bool", "bool", "i8", "i8"),
        ("i8", "u1", "i4", "i8"),
        ("u2", "i8", "i8", "i8"),
        ("f4", "u1", "i4", "f8"),
        ("u2", "f4", "i8", "f8"),
        ("u2", "c8", "i4", "c16"),
        ("i4", "bool", None, "f8"),
        ("u2", "f4", "f8", "f8"),
    ],
)
@pytest.mark.parametrize("use_sparse", [None, True], ids=["dense", "sparse"])
def test_masks_sum_in_the_dtype_that_is_asked_for(
    data: str, mask: str, preferred: str | None, expected: str, use_sparse: bool | None, inline: lamella.Context
) -> None:
    values = (DATA[:2] % 2).astype(data) if data == "bool" else DATA[:2].astype(data)
    weights = circular(3, 2, 7, 6, 2).astype(mask)
    udf = ApplyMasksUDF([lambda: weights], preferred_dtype=preferred, use_sparse=use_sparse)
    found = inline.run_udf(lamella.open(values, "memory"), udf)["intensity"]
    assert found.dtype == np.dtype(expected)
    np.testing.assert_array_equal(found.data[..., 0], (values * weights.real.astype("i8")).sum(axis=(2, 3)))


def test_integer_sums_are_exact(inline: lamella.Context) -> None:
    large = np.full((1, 2, 4, 4), (1 << 53) + 1, dtype=np.int64)
    udf = ApplyMasksUDF([lambda: np.eye(4, dtype=np.int64)], preferred_dtype=np.int64)
    assert inline.run_udf(lamella.open(large, "memory"), udf)["intensity"].data[0, 0, 0] == 4 * ((1 << 53) + 1)


def test_options_of_masks_are_given_by_name() -> None:
    with pytest.raises(TypeError, match="positional"):
        ApplyMasksUDF([circular(3, 3, 7, 6, 2)], True)  # type: ignore[call-arg]


def test_sparse_masks_can_be_indexed() -> None:
    stack = sparse_circular_multi_stack([0, 1, 1, 2], [2, 3, 5, 0], [2, 3, 1, 0], 7, 6, 1.5)
    dense = stack.toarray()
    np.testing.assert_array_equal(stack.todense(), dense)
    for i in (0, 1, 2, -1, np.int64(1)):
        np.testing.assert_array_equal(stack[i], dense[i])
        np.testing.assert_array_equal(stack[i].todense(), dense[i])
    assert type(stack[0].todense()) is np.ndarray
    np.testing.assert_array_equal(stack[1:].toarray(), dense[1:])
    np.testing.assert_array_equal(stack[::-1].toarray(), dense[::-1])
    assert stack[:0].toarray().shape == (0, 6, 7)
    assert len(list(stack)) == 3  # type: ignore[call-overload]
    with pytest.raises(IndexError):
        stack[3]
    bins = radial_bins(3, 3, 7, 6, n_bins=3, use_sparse=True)
    np.testing.assert_allclose(bins[1] * 2, 2 * np.asarray(bins)[1])


def test_a_rectangle_without_width_or_height_is_empty() -> None:
    for width, height in ((0, 3), (3, 0), (0, 0), (-3, 0)):
        assert not rectangular(2, 2, width, height, 7, 6).any()


@pytest.mark.parametrize("regression", [0, 1, [[-2, 1], [0, 0], [0, 0]]], ids=["mean", "plane", "given"])
def test_a_regression_is_subtracted_where_something_is_known(
    regression: Any, inline: lamella.Context, make_scan: MakeScan
) -> None:
    frames = np.zeros((6, 7, 6, 7), np.float32)
    frames[:, :, 1, 4] = 1
    ds = make_scan(frames, num_partitions=4)
    for partial in inline.run_udf_iter(ds, CoMUDF(cy=3, cx=3, regression=regression)):
        found = partial.buffers[0]
        np.testing.assert_allclose(found["regression"].data, [[-2, 1], [0, 0], [0, 0]], atol=1e-12)
        np.testing.assert_allclose(found["field"].raw_data, 0, atol=1e-12)
        np.testing.assert_allclose(found["field_y"].raw_data, 0, atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 3), (1, 7), (6, 7, 2), (1, 1, 1, 6)], ids=str)
def test_a_mask_that_does_not_fit_its_result_is_a_clear_error(
    shape: tuple[int, ...], inline: lamella.Context, scan: lamella.DataSet
) -> None:
    class MaskedUDF(BrightnessUDF):
        def get_results(self) -> Mapping[str, Any]:
            return {"n": self.with_mask(self.results.n, np.ones(shape, bool)), "later": self.results.n}

    with pytest.raises(UDFError, match=r"MaskedUDF.get_results\(\) gave 'n' a mask of shape .* does not fit \(20,\)"):
        inline.run_udf(scan, MaskedUDF())


# Opening.


@pytest.fixture(scope="module")
def raw_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("raw") / "scan.raw"
    DATA.tofile(path)
    return path


def test_values_may_follow_the_path(inline: lamella.Context, raw_file: Path) -> None:
    for arguments in (
        (raw_file, "u2", NAV, SIG),
        (raw_file, "u2", None, None, False, None, None, None, NAV, SIG, 0, None, 2),
        (raw_file, np.uint16, NAV, SIG, True),
    ):
        ds = inline.load("raw", *arguments)
        assert ds.shape == (*NAV, *SIG)
        np.testing.assert_array_equal(ds[1, 2], DATA[1, 2])


def test_values_by_place_and_by_name_go_together(inline: lamella.Context, raw_file: Path) -> None:
    assert inline.load("RAW", raw_file, "u2", nav_shape=NAV, sig_shape=SIG).shape == (*NAV, *SIG)
    with pytest.raises(ParameterError, match="dtype: given by place and by name"):
        inline.load("raw", raw_file, "u2", dtype="u2", nav_shape=NAV, sig_shape=SIG)
    with pytest.raises(ParameterError, match="scan_size is an older name of nav_shape: give one of the two"):
        inline.load("raw", raw_file, "u2", NAV, SIG, nav_shape=NAV)
    with pytest.raises(ParameterError, match="'memory' takes only the target by place"):
        inline.load("memory", DATA, 2)
    with pytest.raises(ParameterError, match="14 values were given by place; 'raw' takes by place: target, dtype"):
        inline.load("raw", *range(14))
    with pytest.raises(ParameterError, match="there is no crop_detector_to here: frames are cut by"):
        inline.load("raw", raw_file, "u2", NAV, SIG, False, None, (3, 3))


def test_older_names_are_understood_with_a_warning(inline: lamella.Context, raw_file: Path) -> None:
    with pytest.warns(LamellaWarning) as caught:
        ds = inline.load("raw", raw_file, dtype="u2", scan_size=NAV, detector_size=SIG, tileshape=(1, 8, *SIG))
    assert ds.shape == (*NAV, *SIG)
    assert [str(warning.message).partition(":")[0] for warning in caught] == [
        "scan_size is an older name",
        "detector_size is an older name",
        "tileshape has no effect",
    ]
    assert {warning.filename for warning in caught} == {__file__}
    with pytest.warns(LamellaWarning, match="io_backend='direct'"):
        inline.load("raw", raw_file, dtype="u2", nav_shape=NAV, sig_shape=SIG, enable_direct=True)


def test_every_place_is_a_parameter_or_has_an_answer() -> None:
    from lamella.opening.scripts import _GONE, _OLD_NAMES
    from lamella.plugins.registry import default_registry

    common = {info.name for info in describe(CommonParams)}
    for name, places in PLACES.items():
        own = {info.name for info in describe(default_registry().get(name).params_class())} | common
        for place in places[1:]:
            assert place in _GONE or _OLD_NAMES.get(place, place) in own, (name, place)


def test_workers_may_be_given_as_processors() -> None:
    with lamella.Context.make_with("threads", cpus=(0, 1)) as ctx:
        assert ctx.executor.workers == 2
    with pytest.raises(ParameterError, match="at least one worker"):
        lamella.Context.make_with("threads", cpus=())


def test_the_class_of_plots_may_be_given_by_place(inline: lamella.Context) -> None:
    from lamella.plot import LivePlot

    assert lamella.Context(inline.executor, LivePlot).plot_class is LivePlot


def test_defaults_of_radial_analyses_can_be_passed_as_none(inline: lamella.Context, scan: lamella.DataSet) -> None:
    analysis = inline.create_radial_fourier_analysis(scan, None, None, None, None, None, None, None)
    assert {name: analysis.parameters[name] for name in ("ri", "n_bins", "max_order")} == {
        "ri": 0,
        "n_bins": 1,
        "max_order": 24,
    }


def test_automatic_udfs_take_the_function_by_place() -> None:
    assert AutoUDF(np.max).params.f is np.max


def test_a_scan_of_one_line_is_not_taken_for_a_whole_result(inline: lamella.Context) -> None:
    """One of two positions with two masks: the result has the shape of the scan by chance."""
    data = np.arange(2 * 3 * 4, dtype="u2").reshape(1, 2, 3, 4)
    ds = lamella.open(data, format="memory")
    masks = np.stack([np.ones((3, 4)), np.eye(3, 4)])
    roi = np.array([[True, False]])
    found = inline.run_udf(ds, ApplyMasksUDF([masks]), roi=roi)["intensity"].raw_data
    np.testing.assert_allclose(found, [[(data[0, 0] * mask).sum() for mask in masks]])
