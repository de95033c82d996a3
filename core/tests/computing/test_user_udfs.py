"""UDFs as users write them give the same result wherever they run and however the scan is cut."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.errors import LamellaWarning
from lamella.udf.base import UDF

NAV, SIG = (5, 6), (8, 9)
N = NAV[0] * NAV[1]
RNG = np.random.default_rng(7)
FRAMES = RNG.integers(0, 1000, (N, *SIG)).astype(np.uint16)
AUX = RNG.random(NAV).astype(np.float32)

Frames = NDArray[Any]


class MaximumUDF(UDF):
    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"maximum": self.buffer(kind="nav", dtype="float32")}

    def process_frame(self, frame: Frames) -> None:
        self.results.maximum[:] = np.max(frame)


class MeanUDF(UDF):
    def get_result_buffers(self) -> Mapping[str, Any]:
        return {
            "total": self.buffer(kind="sig", dtype="float64", use="private"),
            "count": self.buffer(kind="single", dtype="int64", use="private"),
            "mean": self.buffer(kind="sig", dtype="float64", use="result_only"),
        }

    def process_tile(self, tile: Frames) -> None:
        self.results.total[:] += np.sum(tile, axis=0, dtype="float64")
        if self.meta.tiling_scheme_idx == 0:
            self.results.count[:] += tile.shape[0]

    def merge(self, dest: Any, src: Any) -> None:
        dest.total[:] += src.total
        dest["count"][:] += src["count"]

    def get_results(self) -> Mapping[str, Any]:
        return {"mean": self.results.total / max(self.results.count[0], 1)}


class HistogramUDF(UDF):
    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"histogram": self.buffer(kind="single", extra_shape=(10,), dtype="int64")}

    def process_tile(self, tile: Frames) -> None:
        self.results.histogram += np.histogram(tile, bins=10, range=(0, 1000))[0]

    def merge(self, dest: Any, src: Any) -> None:
        dest.histogram += src.histogram


class RowSumsUDF(UDF):
    def get_result_buffers(self) -> Mapping[str, Any]:
        rows = self.meta.dataset_shape.sig[0]
        return {"rows": self.buffer(kind="nav", extra_shape=(rows,), dtype="float64")}

    def process_frame(self, frame: Frames) -> None:
        self.results.rows[:] = frame.sum(axis=1)


class ScaledUDF(UDF):
    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"scaled": self.buffer(kind="nav", dtype="float64")}

    def process_tile(self, tile: Frames) -> None:
        self.results.scaled[:] += tile.sum(axis=(1, 2), dtype="float64") * self.params.scale


class SpectrumUDF(UDF):
    def get_result_buffers(self) -> Mapping[str, Any]:
        return {
            "power": self.buffer(kind="nav", dtype="float64"),
            "position": self.buffer(kind="nav", extra_shape=(2,), dtype="int32"),
        }

    def process_partition(self, partition: Frames) -> None:
        spectrum = np.fft.fft2(partition)
        self.results.power[:] = np.abs(spectrum).sum(axis=(1, 2))
        self.results.position[:] = self.meta.coordinates


class LowestUDF(UDF):
    """Needs a neutral element."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"lowest": self.buffer(kind="sig", dtype="float32")}

    def preprocess(self) -> None:
        self.results.lowest[:] = np.inf

    def process_frame(self, frame: Frames) -> None:
        self.results.lowest[:] = np.minimum(self.results.lowest, frame)

    def merge(self, dest: Any, src: Any) -> None:
        dest.lowest[:] = np.minimum(dest.lowest, src.lowest)


def expected_nav(values: Frames, shown: NDArray[np.bool_]) -> Frames:
    """Values at the positions that were computed, NaN or zero elsewhere."""
    blank = np.nan if values.dtype.kind == "f" else 0
    result = np.full((N, *values.shape[1:]), blank, dtype=values.dtype)
    result[shown] = values
    return result.reshape(*NAV, *values.shape[1:])


class Case:
    """A part of the scan: which positions show which frames, and which of them are asked for."""

    def __init__(self, sync_offset: int, roi: NDArray[np.bool_] | None, index: NDArray[np.int64] | None = None) -> None:
        self.sync_offset, self.roi = sync_offset, roi
        frame = np.arange(N) + sync_offset if index is None else index
        valid = (frame >= 0) & (frame < N)
        self.shown = valid if roi is None else valid & roi.reshape(-1)
        self.positions = np.flatnonzero(self.shown)
        self.data = FRAMES[frame[self.shown]].astype(np.float64)


def random_roi() -> NDArray[np.bool_]:
    return np.random.default_rng(3).random(NAV) < 0.4


CASES = {
    "everything": Case(0, None),
    "region of interest": Case(0, random_roi()),
    "frames missing at the end": Case(7, None),
    "frames missing at the start": Case(-7, None),
    "region and missing frames": Case(-8, random_roi()),
    "nothing asked for": Case(0, np.zeros(NAV, dtype=bool)),
}


def check_maximum(case: Case, result: Any) -> None:
    want = case.data.max(axis=(1, 2)).astype(np.float32) if len(case.data) else np.zeros(0, np.float32)
    np.testing.assert_array_equal(result["maximum"].data, expected_nav(want, case.shown))
    np.testing.assert_array_equal(result["maximum"].valid_mask, case.shown.reshape(NAV))


def check_mean(case: Case, result: Any) -> None:
    want = case.data.mean(axis=0) if len(case.data) else np.zeros(SIG)
    np.testing.assert_allclose(result["mean"].data, want)


def check_histogram(case: Case, result: Any) -> None:
    want = np.histogram(case.data, bins=10, range=(0, 1000))[0]
    np.testing.assert_array_equal(result["histogram"].data, want)


def check_rows(case: Case, result: Any) -> None:
    np.testing.assert_array_equal(result["rows"].data, expected_nav(case.data.sum(axis=2), case.shown))


def check_scaled(case: Case, result: Any) -> None:
    want = case.data.sum(axis=(1, 2)) * AUX.reshape(-1)[case.positions]
    np.testing.assert_allclose(result["scaled"].data, expected_nav(want, case.shown))


def check_spectrum(case: Case, result: Any) -> None:
    want = np.abs(np.fft.fft2(case.data)).sum(axis=(1, 2))
    np.testing.assert_allclose(result["power"].data, expected_nav(want, case.shown), rtol=1e-6)
    where = np.stack(np.unravel_index(case.positions, NAV), axis=1).astype(np.int32)
    np.testing.assert_array_equal(result["position"].data, expected_nav(where, case.shown))


def check_lowest(case: Case, result: Any) -> None:
    want = case.data.min(axis=0) if len(case.data) else np.full(SIG, np.inf)
    np.testing.assert_array_equal(result["lowest"].data, want)


UDFS: dict[str, tuple[Callable[[], UDF], Callable[[Case, Any], None]]] = {
    "per-frame maximum": (MaximumUDF, check_maximum),
    "mean with get_results": (MeanUDF, check_mean),
    "running histogram": (HistogramUDF, check_histogram),
    "extra shape": (RowSumsUDF, check_rows),
    "auxiliary data": (lambda: ScaledUDF(scale=UDF.aux_data(AUX, kind="nav")), check_scaled),
    "partition and FFT": (SpectrumUDF, check_spectrum),
    "neutral element": (LowestUDF, check_lowest),
}


@pytest.fixture(scope="module", params=[1, 2, 11, N], ids=lambda n: f"{n} partitions")
def scans(request: pytest.FixtureRequest, make_scan: Callable[..., lamella.DataSet]) -> dict[int, lamella.DataSet]:
    return {
        case.sync_offset: make_scan(FRAMES, nav_shape=NAV, sync_offset=case.sync_offset, num_partitions=request.param)
        for case in CASES.values()
    }


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("udf", UDFS.values(), ids=UDFS)
def test_a_udf_gives_what_numpy_gives(
    ctx: lamella.Context,
    scans: dict[int, lamella.DataSet],
    case: Case,
    udf: tuple[Callable[[], UDF], Callable[[Case, Any], None]],
) -> None:
    make, check = udf
    check(case, ctx.run_udf(scans[case.sync_offset], make(), roi=case.roi))


def with_lost_frames(scan: lamella.DataSet, index: NDArray[np.int64]) -> lamella.DataSet:
    """The same file, read by a format that tells which frame each position shows, -1 where it was lost."""
    source = dataclasses.replace(scan.source, info=dataclasses.replace(scan.info, index=index, nav_shape=NAV))  # type: ignore[type-var]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LamellaWarning)
        return lamella.DataSet(source, provenance=scan.provenance, num_partitions=scan.num_partitions)


@pytest.mark.parametrize("roi", [None, random_roi()], ids=["everything", "region"])
@pytest.mark.parametrize("udf", UDFS.values(), ids=UDFS)
def test_frames_may_be_lost_and_out_of_order(
    ctx: lamella.Context,
    scans: dict[int, lamella.DataSet],
    roi: NDArray[np.bool_] | None,
    udf: tuple[Callable[[], UDF], Callable[[Case, Any], None]],
) -> None:
    index = np.random.default_rng(2).permutation(N)
    index[[0, 4, 5, 6, 17, N - 1]] = -1
    case = Case(0, roi, index)
    make, check = udf
    check(case, ctx.run_udf(with_lost_frames(scans[0], index), make(), roi=roi))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_several_udfs_share_one_pass(ctx: lamella.Context, scans: dict[int, lamella.DataSet], case: Case) -> None:
    results = ctx.run_udf(scans[case.sync_offset], [make() for make, _ in UDFS.values()], roi=case.roi)
    assert isinstance(results, tuple)
    for (_, check), result in zip(UDFS.values(), results, strict=True):
        check(case, result)
