"""What each translated name does, without the real package."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse  # type: ignore[import-untyped]
import sparse  # type: ignore[import-untyped]

import lamella
import lamella_libertem
from lamella.errors import FormatError, LamellaError, LamellaWarning, ParameterError, PluginError, UDFError
from lamella.reader import Shape
from lamella.udf import Slice

NAV, SIG = (4, 5), (6, 7)
DATA = np.random.default_rng(8).integers(0, 100, (*NAV, *SIG)).astype(np.uint16)
MASKS = np.where(np.random.default_rng(9).random((3, *SIG)) > 0.6, 1.5, 0)


@pytest.fixture(scope="module", autouse=True)
def installed() -> Iterator[None]:
    lamella_libertem.install()
    yield
    lamella_libertem.uninstall()


@pytest.fixture(scope="module")
def ctx(installed: None) -> Any:
    from libertem.api import Context

    return Context.make_with("inline")


@pytest.fixture(scope="module")
def scan(installed: None) -> Any:
    from libertem.io.dataset.memory import MemoryDataSet

    return MemoryDataSet(data=DATA, tileshape=(3, *SIG), num_partitions=2, sig_dims=2)


# Contexts, executors, data sets.


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("inline", "inline"),
        ("synchronous", "inline"),
        ("threads", "threads"),
        ("concurrent", "threads"),
        ("dask", "threads"),
        ("pipelined", "processes"),
    ],
)
def test_names_of_executors_mean_the_same_kind_of_work(spec: str, name: str) -> None:
    from libertem.api import Context

    with Context.make_with(spec) as made:
        assert made.executor.name == name
    with Context.make_with(executor_spec=spec, gpus=0, snooze_timeout=5) as made:
        assert made.executor.name == name


def test_what_a_context_cannot_do_is_refused() -> None:
    from libertem.api import Context, ExecutorSpecException

    with Context.make_with() as made:
        assert made.executor.name == "threads"
    with pytest.raises(ParameterError, match="leave out gpus"):
        Context.make_with("threads", gpus=1)
    with pytest.raises(ExecutorSpecException):
        Context.make_with("nonsense")
    with pytest.raises(PluginError, match=r"lamella-dask|to_dask"):
        Context.make_with("delayed")


def test_executors_are_made_with_the_known_arguments() -> None:
    from libertem.executor.concurrent import ConcurrentJobExecutor
    from libertem.executor.inline import InlineJobExecutor
    from libertem.executor.pipelined import PipelinedExecutor

    assert InlineJobExecutor(debug=True, inline_threads=6).name == "inline"
    threads = ConcurrentJobExecutor.make_local(n_threads=2)
    assert (threads.name, threads.workers) == ("threads", 2)
    threads.close()
    assert issubclass(PipelinedExecutor, lamella.executors.ProcessesExecutor)
    assert PipelinedExecutor.make_spec(cpus=3, cudas=()) == [0, 1, 2]


def test_a_context_runs_with_an_executor_of_its_own(scan: Any) -> None:
    from libertem.api import Context
    from libertem.executor.inline import InlineJobExecutor
    from libertem.udf.sum import SumUDF

    result = Context(executor=InlineJobExecutor()).run_udf(dataset=scan, udf=SumUDF())
    np.testing.assert_array_equal(result["intensity"].data, DATA.sum(axis=(0, 1)))


def test_runs_take_backends_before_plots(ctx: Any, scan: Any) -> None:
    from libertem.udf.sumsigudf import SumSigUDF

    for backends in (None, "numpy", ("cupy", "numpy")):
        result = ctx.run_udf(scan, SumSigUDF(), None, None, False, backends, None, True)
        np.testing.assert_array_equal(result["intensity"].data, DATA.sum(axis=(2, 3)))
    partials = ctx.run_udf_iter(scan, SumSigUDF(), backends=("numpy",))
    partials.update_parameters_experimental([{}])
    *_, last = partials
    assert last.damage.data.all()
    assert ctx.map(scan, np.max, None, False, None, ("numpy",)).data[1, 2] == DATA[1, 2].max()
    for call in (ctx.run_udf, ctx.run_udf_iter):
        with pytest.raises(UDFError, match="Lamella has NumPy arrays only"):
            call(scan, SumSigUDF(), backends=("cupy",))


def test_arrays_become_data_sets(ctx: Any) -> None:
    from libertem.api import DataSet
    from libertem.io.dataset.base import DataSetException
    from libertem.io.dataset.memory import MemoryDataSet

    scan = MemoryDataSet(data=DATA, num_partitions=3, check_cast=False, tiledelay=None, array_backends=("numpy",))
    assert scan.initialize(ctx.executor) is scan
    scan.set_num_cores(4)
    assert scan.check_valid()
    assert scan.data is DATA
    assert isinstance(scan, DataSet)
    assert scan.shape == DATA.shape
    assert MemoryDataSet(datashape=[2, 3, 4, 5]).shape.sig == (4, 5)
    assert MemoryDataSet(data=DATA, sig_dims=1).shape.nav == (4, 5, 6)
    assert MemoryDataSet(data=DATA, nav_shape=(20,), sig_shape=(42,)).shape == (20, 42)
    made = ctx.load("memory", data=DATA, sig_dims=2, tileshape=(1, *SIG))
    assert isinstance(made, MemoryDataSet)
    with pytest.raises(DataSetException, match="datashape="):
        MemoryDataSet()


def test_files_become_data_sets_of_their_class(ctx: Any, tmp_path: Path) -> None:
    from libertem.io.dataset import get_dataset_cls, get_extensions
    from libertem.io.dataset.base import BufferedBackend, DataSetException, MMapBackend
    from libertem.io.dataset.npy import NPYDataSet
    from libertem.io.dataset.raw import RawFileDataSet
    from libertem.udf.sum import SumUDF

    DATA.tofile(tmp_path / "scan.raw")
    np.save(tmp_path / "scan.npy", DATA)
    for ds in (
        RawFileDataSet(tmp_path / "scan.raw", "u2", nav_shape=NAV, sig_shape=SIG),
        ctx.load(RawFileDataSet, path=tmp_path / "scan.raw", dtype="u2", nav_shape=NAV, sig_shape=SIG),
        ctx.load("raw", tmp_path / "scan.raw", "u2", NAV, SIG),
        NPYDataSet(path=tmp_path / "scan.npy"),
        ctx.load("auto", tmp_path / "scan.npy"),
    ):
        assert ds.initialize(ctx.executor).shape == DATA.shape
        np.testing.assert_array_equal(ds[1, 2], DATA[1, 2])
    assert isinstance(ctx.load("auto", path=tmp_path / "scan.npy"), NPYDataSet)
    for backend in (MMapBackend(enable_readahead_hints=True), BufferedBackend(max_buffer_size=1 << 20)):
        ds = ctx.load("npy", path=tmp_path / "scan.npy", io_backend=backend)
        np.testing.assert_array_equal(ctx.run_udf(ds, SumUDF())["intensity"].data, DATA.sum(axis=(0, 1)))
    assert get_dataset_cls("RAW") is RawFileDataSet
    assert {"npy", "raw"} <= get_extensions()
    with pytest.warns(LamellaWarning, match="older name"):
        RawFileDataSet(tmp_path / "scan.raw", "u2", scan_size=NAV, sig_shape=SIG)
    with pytest.raises(DataSetException):
        get_dataset_cls("nonsense")
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(FormatError):
        NPYDataSet(tmp_path / "bad.npy")


# UDFs.


def test_masks_are_applied_with_the_known_places(ctx: Any, scan: Any) -> None:
    from libertem.udf.masks import ApplyMasksUDF

    expected = np.einsum("abij,kij->abk", DATA, MASKS)
    for options in (
        (),
        (True, None, 3),
        (False, "scipy.sparse.csc", None, np.float64),
        (True, True, 3, None, None, None),
    ):
        found = ctx.run_udf(scan, ApplyMasksUDF([lambda i=i: MASKS[i] for i in range(3)], *options))["intensity"]
        np.testing.assert_allclose(found.data, expected)


def test_shifts_are_cut_to_whole_pixels(ctx: Any, scan: Any) -> None:
    from libertem.udf.masks import ApplyMasksUDF

    aux = ApplyMasksUDF.aux_data(np.tile((1.9, -1.9), (20, 1)), kind="nav", extra_shape=(2,), dtype="f4")
    expected = np.einsum("abij,ij->ab", DATA[..., 1:, :-1], MASKS[0, :-1, 1:])
    for shifts in ((1.9, -1.9), np.array([1.9, -1.9]), aux):
        found = ctx.run_udf(scan, ApplyMasksUDF([lambda: MASKS[0]], shifts=shifts))["intensity"].data
        np.testing.assert_allclose(found[..., 0], expected)


def test_functions_that_run_one_udf(ctx: Any, scan: Any) -> None:
    from libertem.udf.logsum import run_logsum
    from libertem.udf.stddev import StdDevUDF, run_stddev
    from libertem.udf.sumsigudf import run_sumsig

    roi = np.zeros(NAV, bool)
    roi[1] = True
    result = run_stddev(ctx, scan, roi=roi, progress=False)
    np.testing.assert_allclose(result["std"], DATA[1].std(axis=0))
    assert result["num_frames"] == 5
    assert set(result) == {"num_frames", "varsum", "sum", "var", "std", "mean"}
    np.testing.assert_allclose(ctx.run_udf(scan, StdDevUDF("f8", True))["var"].data, DATA.var(axis=(0, 1)))
    np.testing.assert_array_equal(run_sumsig(ctx, scan)["intensity"].data, DATA.sum(axis=(2, 3)))
    assert run_logsum(ctx, scan, roi)["logsum"].data.shape == SIG


def test_centres_of_mass_take_their_parameters_in_one(ctx: Any, scan: Any) -> None:
    from libertem.udf.com import CoMParams, CoMUDF, RegressionOptions

    options: dict[str, Any] = {"cy": 2, "cx": 3, "r": 2.5, "scan_rotation": 20.0, "flip_y": True}
    expected = ctx.run_udf(scan, lamella.udf.CoMUDF(**options, regression=1))["field"].data
    linear = RegressionOptions.SUBTRACT_LINEAR
    for udf in (CoMUDF(CoMParams(**options, regression=linear)), CoMUDF.with_params(**options, regression=linear)):
        np.testing.assert_allclose(ctx.run_udf(scan, udf)["field"].data, expected)
    assert "divergence" in ctx.run_udf(scan, CoMUDF())
    assert CoMUDF.with_params(r=2).params.com_params == CoMParams(r=2)
    assert CoMParams() == (None, None, math.inf, 0.0, 0.0, False, -1)


def test_functions_of_fields() -> None:
    from libertem.udf.com import apply_correction, center_shifts, curl_2d, divergence, magnitude

    y, x = np.random.default_rng(1).random((2, *NAV))
    np.testing.assert_allclose(divergence(y, x), np.gradient(y)[0] + np.gradient(x)[1])
    np.testing.assert_allclose(curl_2d(y, x), np.gradient(y)[1] - np.gradient(x)[0])
    np.testing.assert_allclose(magnitude(y, x), np.sqrt(y**2 + x**2))
    turned = apply_correction(np.array([1.0]), np.array([2.0]), 30, True)
    np.testing.assert_allclose(turned, [[0.1339746], [2.23205081]])
    np.testing.assert_allclose(apply_correction(*turned, 30, True, forward=False), [[1], [2]])
    shifts = center_shifts(np.array([2.0, 0.0]), np.array([5.0, 0.0]), np.array([7.0, 0.0]), 1, 2)
    np.testing.assert_allclose(shifts, [[1.5, 0], [1.5, 0]])


def test_functions_of_a_frame_and_mixins(ctx: Any, scan: Any) -> None:
    from libertem.udf import UDF, AutoUDF, UDFFrameMixin, UDFPostprocessMixin

    class BrightestUDF(UDFFrameMixin, UDFPostprocessMixin, UDF):  # type: ignore[misc]
        def get_result_buffers(self) -> Any:
            return {"n": self.buffer("nav")}

        def process_frame(self, frame: Any) -> None:
            self.results.n[:] = frame.max()

        def postprocess(self) -> None:
            self.results.n[:] += 1

    np.testing.assert_array_equal(ctx.run_udf(scan, BrightestUDF())["n"].data, DATA.max(axis=(2, 3)) + 1)
    assert ctx.run_udf(scan, AutoUDF(f=np.max, monitor=False))["result"].data[1, 2] == DATA[1, 2].max()
    with pytest.raises(ParameterError, match="run_udf_iter shows"):
        AutoUDF(np.max, monitor=True)


def test_errors_are_caught_by_their_known_names(ctx: Any, scan: Any) -> None:
    from libertem.common.exceptions import UDFException, UDFRunCancelled
    from libertem.common.executor import JobCancelledError
    from libertem.udf import UDF

    class FailingUDF(UDF):  # type: ignore[misc]
        def get_result_buffers(self) -> Any:
            return {"n": self.buffer("nav")}

        def process_frame(self, frame: Any) -> None:
            raise RuntimeError("no")

    with pytest.raises(UDFException, match="FailingUDF"):
        ctx.run_udf(scan, FailingUDF())
    assert issubclass(UDFRunCancelled, LamellaError)
    assert JobCancelledError is UDFRunCancelled


# Analyses.


@pytest.mark.parametrize(
    ("module", "cls", "parameters", "method", "options"),
    [
        ("sum", "SumAnalysis", {}, "sum", {}),
        ("sd", "SDAnalysis", {}, "std", {}),
        ("sumsig", "SumSigAnalysis", {}, "sumsig", {}),
        ("com", "COMAnalysis", {"cx": 3, "cy": 2, "r": 2.5, "flip_y": True, "ri": 1}, "com",
         {"cx": 3, "cy": 2, "mask_radius": 2.5, "flip_y": True, "mask_radius_inner": 1}),
        ("disk", "DiskMaskAnalysis", {"shape": "disk", "cx": 3, "cy": 2, "r": 2}, "disk", {"cx": 3, "cy": 2, "r": 2}),
        ("ring", "RingMaskAnalysis", {"cx": 3, "ri": 1, "ro": 3}, "ring", {"cx": 3, "ri": 1, "ro": 3}),
        ("point", "PointMaskAnalysis", {"cx": 3, "cy": 2}, "point", {"x": 3, "y": 2}),
        ("radialfourier", "RadialFourierAnalysis", {"n_bins": 2, "max_order": 3}, "radial_fourier",
         {"n_bins": 2, "max_order": 3}),
        ("raw", "PickFrameAnalysis", {"x": 1, "y": 2}, "pick", {"x": 1, "y": 2}),
    ],
)  # fmt: skip
def test_analyses_by_class(
    module: str, cls: str, parameters: Any, method: str, options: Any, ctx: Any, scan: Any
) -> None:
    import importlib

    found = getattr(importlib.import_module(f"libertem.analysis.{module}"), cls)(dataset=scan, parameters=parameters)
    result = ctx.run(found)
    expected = ctx.run(getattr(ctx, f"create_{method}_analysis")(scan, **options))
    assert result.keys() == expected.keys()
    for one, other in zip(result, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(one.raw_data), np.asarray(other.raw_data))


def test_masks_analysis_by_class(ctx: Any, scan: Any) -> None:
    from libertem.analysis import MasksAnalysis

    parameters = {"factories": [lambda: MASKS[0]], "mask_count": 1, "dtype": np.float64}
    found = ctx.run(MasksAnalysis(dataset=scan, parameters=parameters)).mask_0.raw_data
    np.testing.assert_allclose(found, np.einsum("abij,ij->ab", DATA, MASKS[0]))


# Masks.

FACTORIES: dict[str, Any] = {
    "dense": [lambda i=i: MASKS[i] for i in range(3)],
    "stack": lambda: MASKS,
    "pydata": lambda: sparse.COO.from_numpy(MASKS),
    "scipy": [lambda i=i: scipy.sparse.csr_matrix(MASKS[i]) for i in range(3)],
}
KINDS: dict[Any, Any] = {
    False: np.ndarray,
    True: scipy.sparse.csr_matrix,
    "scipy.sparse": scipy.sparse.csr_matrix,
    "scipy.sparse.csc": scipy.sparse.csc_matrix,
    "scipy.sparse.csr": scipy.sparse.csr_matrix,
    "sparse.pydata": sparse.COO,
    "sparse.pydata.GCXS": sparse.GCXS,
}
SLOW_KIND = "sparse.pydata.GCXS"
"""What pydata/sparse compiles code for."""


@pytest.mark.parametrize("kind", [None, *list(KINDS)[:-1], pytest.param(SLOW_KIND, marks=pytest.mark.slow)], ids=str)
@pytest.mark.parametrize("factories", FACTORIES)
def test_containers_give_the_kind_of_array_that_is_wanted(kind: Any, factories: str) -> None:
    from libertem.common.container import MaskContainer

    given = kind is None and factories in ("dense", "stack")
    expected: Any = np.ndarray if given else KINDS[True if kind is None else kind]
    container = MaskContainer(FACTORIES[factories], use_sparse=kind)
    tile = Slice((5, 2, 0), Shape((4,), (3, 7)))
    part = MASKS[:, 2:5].reshape(3, 21)
    for transpose, values in ((True, part.T), (False, part)):
        found: Any = container.get(tile, transpose=transpose)
        assert isinstance(found, expected)
        np.testing.assert_array_equal(found if expected is np.ndarray else found.todense(), values)
    assert (len(container), container.dtype) == (3, np.float64)
    dense = isinstance(container.computed_masks, np.ndarray)
    assert dense == (expected is np.ndarray)
    assert container.computed_masks.shape == MASKS.shape


def test_containers_convert_and_find_parts() -> None:
    from libertem.common.container import MaskContainer

    container = MaskContainer(FACTORIES["pydata"], dtype="f4", use_sparse="scipy.sparse.csr", count=3, backend="numpy")
    tile = Slice((5, 2, 0), Shape((4,), (3, 7)))
    found = container.get(tile, sparse_backend="scipy.sparse.csc", dtype="f8")
    assert isinstance(found, scipy.sparse.csc_matrix)
    assert found.dtype == np.float64
    for part in (container.get_for_sig_slice(tile.sig), container.get_for_idx([tile.sig], 0)):
        np.testing.assert_array_equal(part.todense(), container.get(tile).todense())
        assert part.dtype == np.float32
    with pytest.raises(ParameterError, match="none of the kinds of sparse arrays"):
        MaskContainer(FACTORIES["dense"], use_sparse="nonsense")
    with pytest.raises(ParameterError, match="NumPy arrays only"):
        MaskContainer(FACTORIES["dense"], backend="cupy")


def test_stacks_are_those_of_pydata() -> None:
    from libertem.masks import (
        is_sparse,
        radial_bins,
        sparse_circular_multi_stack,
        sparse_template_multi_stack,
        to_dense,
        to_sparse,
    )

    circles = sparse_circular_multi_stack([0, 1], [2, 3], [2, 3], 7, 6, 1.5)
    assert isinstance(circles, sparse.COO)
    ours = lamella.masks.sparse_circular_multi_stack([0, 1], [2, 3], [2, 3], 7, 6, 1.5)
    np.testing.assert_array_equal(circles.todense(), ours.toarray())
    assert is_sparse(radial_bins(40, 40, 80, 80, n_bins=40))
    copies = sparse_template_multi_stack([0], [1], [2], np.ones((2, 2)), 7, 6)
    assert to_dense(copies)[0, 2:4, 1:3].sum() == 4
    bins = radial_bins(3, 3, 7, 6, n_bins=3)
    assert isinstance(bins, np.ndarray)
    for kind in (True, "scipy.sparse", "sparse.pydata"):
        np.testing.assert_allclose(to_dense(radial_bins(3, 3, 7, 6, n_bins=3, use_sparse=kind)), bins)
    assert [is_sparse(a) for a in (bins, circles, scipy.sparse.csr_matrix(bins[0]), ours)] == [False, True, True, True]
    np.testing.assert_array_equal(to_sparse(bins).todense(), bins)
    assert to_sparse(scipy.sparse.csr_matrix(bins[0].reshape(1, -1)), shape=SIG).shape == SIG


# Corrections, coordinates, small helpers.


def test_corrections_take_the_detector_from_the_arrays(ctx: Any, scan: Any) -> None:
    from libertem.io.corrections import CorrectionSet
    from libertem.udf.sumsigudf import SumSigUDF

    dark, gain = np.full(SIG, 3.0), np.full(SIG, 2.0)
    bad = np.zeros(SIG, bool)
    bad[2, 3] = True
    chosen = CorrectionSet(dark=dark, gain=gain, excluded_pixels=sparse.COO.from_numpy(bad))
    assert chosen.have_corrections()
    assert not CorrectionSet().have_corrections()
    np.testing.assert_array_equal(chosen.get_dark_frame(), dark)
    np.testing.assert_array_equal(chosen.get_gain_map(), gain)
    np.testing.assert_array_equal(chosen.get_excluded_pixels(), bad)
    found = ctx.run_udf(scan, SumSigUDF(), corrections=CorrectionSet(dark, gain))["intensity"].data
    np.testing.assert_allclose(found, (2 * (DATA.astype("f8") - 3)).sum(axis=(2, 3)))


def test_frames_are_corrected_outside_of_a_run() -> None:
    from libertem.corrections.detector import correct

    frames = np.ones((2, *SIG), np.float32)
    frames[:, 2, 3] = 1000
    coords = np.array([[2], [3]])
    found = correct(buffer=frames, dark_image=np.zeros(SIG), gain_map=2 * np.ones(SIG), excluded_pixels=coords)
    np.testing.assert_allclose(found, 2)
    assert frames[0, 2, 3] == 1000
    flat = correct(frames.reshape(2, -1), excluded_pixels=coords, sig_shape=SIG)
    np.testing.assert_allclose(flat, 1)
    for impossible in (frames[:, ::2], np.asfortranarray(frames), frames.astype("u2")):
        with pytest.raises(ParameterError, match="cannot be corrected in place"):
            correct(impossible, gain_map=np.ones(impossible.shape[1:]), inplace=True)
    correct(frames, excluded_pixels=coords, inplace=True)
    np.testing.assert_allclose(frames, 1)


def test_matrices_turn_and_flip() -> None:
    from libertem.corrections import coordinates as c

    np.testing.assert_allclose(c.rotate_deg(30), [[0.8660254, 0.5], [-0.5, 0.8660254]])
    np.testing.assert_allclose(c.rotate(math.pi / 6), c.rotate_deg(30))
    np.testing.assert_array_equal(c.flip_y() @ (1, 2), (-1, 2))
    np.testing.assert_array_equal(c.flip_x() @ (1, 2), (1, -2))
    np.testing.assert_array_equal(c.scale(2) @ c.identity(), 2 * np.eye(2))
    for flip in (False, True):
        matrix = c.scale(2) @ c.rotate(0.7) @ (c.flip_y() if flip else c.identity())
        np.testing.assert_allclose(c.scale_rotate_flip_y(matrix), (2, 0.7, flip))
    np.testing.assert_allclose(c.scale_rotate_flip_y(c.flip_y() @ c.scale(2) @ c.rotate(0.7)), (2, -0.7, True))
    with pytest.raises(ValueError, match="is not scale @ rotate @ flip_y: there is shear, or y scale and x scale"):
        c.scale_rotate_flip_y(np.array([[0, 2.0], [1, 0]]))


def test_polar_coordinates() -> None:
    from libertem.utils import make_cartesian, make_polar, rotate_deg, rotate_rad

    points = np.array([(1.0, 2.0), (3.0, 4.0)])
    np.testing.assert_allclose(make_polar(points), [[2.23606798, 0.46364761], [5, 0.64350111]])
    np.testing.assert_allclose(make_cartesian(make_polar(points)), points)
    np.testing.assert_allclose(rotate_deg(1.0, 2.0, 30), (1.8660254, 1.23205081))
    np.testing.assert_allclose(rotate_rad(1.0, 2.0, 0.3), (1.5463769, 1.61515277))


def test_helpers_for_arrays() -> None:
    from libertem.common.buffers import empty_aligned, reshaped_view, zeros_aligned
    from libertem.common.math import count_nonzero, flat_nonzero, make_2D_square, prod

    assert prod((2, np.int64(3), True)) == 6
    assert prod((1 << 40, 1 << 40)) == 1 << 80
    for function in (prod, make_2D_square):
        with pytest.raises(ValueError, match="whole numbers"):
            function((2, 1.5))
    assert [make_2D_square(shape) for shape in ((16,), (12,), (3, 4))] == [(4, 4), (12,), (3, 4)]
    for array in (np.eye(3), sparse.COO.from_numpy(np.eye(3))):
        assert count_nonzero(array) == 3
        assert flat_nonzero(array).tolist() == [0, 4, 8]
    array = np.arange(6).reshape(2, 3)
    assert np.shares_memory(reshaped_view(array, (-1,)), array)
    with pytest.raises(AttributeError, match="cannot be viewed"):
        reshaped_view(array.T, (-1,))
    assert (zeros_aligned((2, 3), "f4").sum(), empty_aligned(4, "f8").shape) == (0, (4,))


def test_there_are_processors_and_no_gpus() -> None:
    from libertem.common.backend import get_device_class, get_use_cpu, get_use_cuda, set_use_cpu, set_use_cuda
    from libertem.utils.devices import detect, has_cupy

    devices = detect()
    assert devices["cpus"]
    assert devices["cudas"] == []
    assert devices["has_cupy"] is has_cupy() is False
    assert (get_use_cpu(), get_use_cuda(), get_device_class()) == (0, None, "cpu")
    set_use_cpu(0)
    with pytest.raises(ParameterError, match="use set_use_cpu"):
        set_use_cuda(0)
