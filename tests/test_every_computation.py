"""Every built-in job on every installed format, executor and I/O backend, beside plain arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.plugins.entrypoints import named_entry_points
from lamella.plugins.registry import default_registry
from lamella.udf import UDF, ApplyMasksUDF, CoMUDF, StdDevUDF, SumSigUDF, SumUDF
from lamella_testkit.kit import Kit
from lamella_testkit.profiles import PROFILES
from lamella_testkit.sample import SampleData
from lamella_testkit.samplers import GROUP, sampler_named
from lamella_testkit.strategies import backends

NAV, SIG, LARGE = (3, 4), (6, 8), 1 << 20
FORMATS = sorted(named_entry_points(GROUP))


@pytest.fixture(scope="module")
def kit_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Kit]:
    """Give the kit of a format, whose files are written once."""

    @cache
    def make(name: str) -> Kit:
        spec = next(plugin.spec for plugin in default_registry().usable() if plugin.name == name)
        assert spec is not None
        folder = tmp_path_factory.mktemp(name)
        return Kit(spec, sampler_named(name)(), profile=PROFILES["dev"], workdir=folder)

    return make


@pytest.fixture(scope="module", params=["inline", "threads", "processes"])
def context(request: pytest.FixtureRequest) -> Iterator[lamella.Context]:
    with lamella.Context.make_with(request.param, cpus=None if request.param == "inline" else 2) as made:
        yield made


@cache
def masks_for(sig: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give masks without zeros, and some with many."""
    count = 9 if np.prod(sig) < LARGE else 2
    masks = np.random.default_rng(3).random((count, *sig), np.float32)
    return masks, np.where(masks > 0.8, masks, np.float32(0))


def jobs(sig: tuple[int, ...]) -> tuple[list[UDF], NDArray[np.float32]]:
    masks, rings = masks_for(sig)
    udfs: list[UDF] = [
        SumUDF(),
        SumSigUDF(),
        StdDevUDF(),
        ApplyMasksUDF([masks]),
        ApplyMasksUDF([rings], use_sparse=True),
    ]
    return ([*udfs, CoMUDF()] if len(sig) == 2 else udfs), np.concatenate([masks, rings])


def scans(kit: Kit) -> list[SampleData]:
    """Give one scan of the first variant for each dtype that NumPy sums; only a short one of a large detector."""
    every = [data for data in kit.kinds(NAV, SIG) if data.variant == kit.sampler.variants[0]]
    real = [data for data in every if data.native_dtype.kind in "biuf" and data.native_dtype != np.float16]
    wide = [data.but(bits=24) if data.native_dtype.kind in "iu" and data.bits is None else data for data in real]
    small = [data for data in wide if data.native_dtype.itemsize <= 4]
    return [kit.data((1, 2), SIG)] if np.prod(small[0].sig_shape) >= LARGE else small


def check(results: Any, frames: NDArray[Any], masks: NDArray[Any]) -> None:
    """Compare with plain expressions: whole numbers exactly, others within 1e-6 of what was added up."""
    exact = frames.astype(np.float64 if frames.dtype.kind == "f" else np.int64).reshape(len(frames), -1)
    pixels, size = exact.astype(np.float64), np.abs(exact).astype(np.float64)
    total, per_frame, spread, weighed, rings, *com = results
    for found, expected, scale in (
        (total["intensity"].raw_data.reshape(-1), exact.sum(axis=0), size.sum(axis=0)),
        (per_frame["intensity"].raw_data, exact.sum(axis=1), size.sum(axis=1)),
    ):
        if frames.dtype.kind != "f":
            np.testing.assert_array_equal(found, expected)
        assert (np.abs(found - expected) <= 1e-6 * scale).all()
    np.testing.assert_allclose(spread["std"].raw_data.reshape(-1), exact.std(axis=0), rtol=1e-6, atol=1e-6 * size.max())
    flat = masks.reshape(len(masks), -1).astype(np.float64)
    found = np.concatenate([weighed["intensity"].raw_data, rings["intensity"].raw_data], axis=1)
    assert (np.abs(found - _product(pixels, flat)) <= 1e-6 * _product(size, np.abs(flat)) + 1e-30).all()
    for result in com:
        places = np.indices(frames.shape[1:]).reshape(2, -1)
        mass = exact.sum(axis=1, dtype=np.float64)
        steady = np.abs(mass) > 0.1 * size.sum(axis=1)  # elsewhere the quotient is noise in any arithmetic
        centre = _product(pixels, places.astype(np.float64))[steady] / mass[steady, np.newaxis]
        np.testing.assert_allclose(result["raw_com"].raw_data[steady], centre, rtol=1e-5, atol=1e-4)


def _product(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply a matrix with the transposed other one, without the threads of BLAS, which wait for busy processors."""
    product: NDArray[np.float64] = np.einsum("fp,mp->fm", left, right)
    return product


def compare(kit: Kit, context: lamella.Context, data: SampleData, backend: str | None) -> None:
    """Compare all jobs on one scan with plain arithmetic."""
    small, inline = np.prod(data.sig_shape) < LARGE, context.executor.name == "inline"
    options = {} if backend is None else {"io_backend": backend}
    ds = kit.open(kit.written(data), num_partitions=3, **options)
    udfs, masks = jobs(ds.shape.sig.to_tuple())
    if small or inline:
        check(context.run_udf(ds, udfs), data.frames, masks)
    if small or not inline:
        roi = np.arange(data.n_frames).reshape(data.nav_shape) % 3 != 1
        check(context.run_udf(ds, udfs, roi=roi), data.frames[roi.reshape(-1)], masks)
    if small and inline:
        check([context.run_udf(ds, udf) for udf in udfs], data.frames, masks)


def pairs(kit: Kit) -> list[tuple[SampleData, str | None]]:
    """Give each scan with each backend that reads it."""
    every = scans(kit)
    return [(data, name) for data in every for name in (backends(kit) if np.prod(data.sig_shape) < LARGE else [None])]


def some(all_pairs: list[tuple[SampleData, str | None]]) -> list[tuple[SampleData, str | None]]:
    """Give as few of the pairs as have every scan and every backend."""
    every = list(dict.fromkeys(data for data, _ in all_pairs))
    names = list(dict.fromkeys(name for _, name in all_pairs))
    count = max(len(every), len(names))
    return [(every[i % len(every)], names[i % len(names)]) for i in range(count)]


@pytest.mark.parametrize("name", FORMATS)
def test_jobs_give_what_plain_arithmetic_gives(
    kit_of: Callable[[str], Kit], context: lamella.Context, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one thread every dtype meets every backend; other executors meet all dtypes and all backends."""
    monkeypatch.setenv("LAMELLA_KERNELS", "numpy")
    kit = kit_of(name)
    every = pairs(kit)
    for data, backend in every if context.executor.name == "inline" else some(every):
        compare(kit, context, data, backend)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("context", ["threads", "processes"], indirect=True)
def test_every_executor_reads_every_dtype_by_every_backend(
    kit_of: Callable[[str], Kit], context: lamella.Context, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMELLA_KERNELS", "numpy")
    kit = kit_of(name)
    for data, backend in pairs(kit):
        compare(kit, context, data, backend)
