"""Sums and masks over events: the results of dense frames, without any dense frame."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.udf import UDF, ApplyMasksUDF, CoMUDF, StdDevUDF, SumSigUDF, SumUDF
from lamella_raw_csr.source import CsrSource
from lamella_raw_csr.writer import toml_text

NAV, SIG = (6, 7), (9, 8)


def counts(dtype: str) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(3)
    fill = np.linspace(0.05, 0.9, NAV[1])[:, np.newaxis, np.newaxis]
    dense = rng.integers(1, 100, (*NAV, *SIG)) * (rng.random((*NAV, *SIG)) < fill)
    dense[2] = 0
    return dense.astype(dtype)


def write(folder: Path, dense: np.ndarray[Any, Any], indptr: str = "<i8", indices: str = "<i4") -> Path:
    rows = dense.reshape(-1, dense.shape[-1] * dense.shape[-2])
    frame, pixel = np.nonzero(rows)
    first = np.searchsorted(frame, np.arange(len(rows) + 1))
    arrays = {"indptr": first.astype(indptr), "indices": pixel.astype(indices), "data": rows[frame, pixel]}
    for kind, array in arrays.items():
        (folder / f"{kind}.dat").write_bytes(array.tobytes())
    path = folder / "scan.toml"
    path.write_text(toml_text(dense.shape[:2], dense.shape[2:], {k: a.dtype.str for k, a in arrays.items()}))
    return path


def masks(n: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(n).random((n, *SIG)).astype(np.float32)


def few(n: int) -> np.ndarray[Any, Any]:
    return masks(n) * (masks(n) > 0.7)


def computations() -> list[UDF]:
    return [
        SumUDF(),
        SumSigUDF(),
        CoMUDF(r=3),
        *(ApplyMasksUDF(mask_factories=partial(masks, n)) for n in (1, 2, 3, 9)),
        *(ApplyMasksUDF(mask_factories=partial(few, n), use_sparse=True) for n in (5, 20)),
        ApplyMasksUDF(mask_factories=lambda: masks(2), shifts=(1, -2)),
    ]


def results(ds: lamella.DataSet, **options: Any) -> list[np.ndarray[Any, Any]]:
    with lamella.Context(executor="inline") as ctx:
        found = ctx.run_udf(ds, computations(), **options)
    return [np.asarray(buffer.data) for result in found for _, buffer in sorted(result.items())]


def refuse(*arguments: Any) -> None:
    raise AssertionError("a dense frame was made")


@pytest.mark.parametrize(
    ("dtype", "kernels"),
    [("<u2", "compiled"), ("<u2", "numpy"), (">i4", "numpy"), ("<f4", "numpy"), ("<u8", "numpy")],
)
def test_sums_and_masks_take_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, kernels: str) -> None:
    dense = counts(dtype)
    path = write(tmp_path, dense, *{"<u2": ("<u8", "<u4"), ">i4": (">i4", ">i4")}.get(dtype, ("<i8", "<i8")))
    pixels = lamella.open(dense.astype(dense.dtype.newbyteorder("=")), format="memory")
    chosen = np.random.default_rng(0).random(NAV) < 0.5
    expected = [results(pixels), results(pixels, roi=chosen)]
    monkeypatch.setenv("LAMELLA_KERNELS", kernels)
    np.testing.assert_array_equal(lamella.open(path).read(), dense)
    ds = lamella.open(path, num_partitions=3)
    monkeypatch.setattr(CsrSource, "read", refuse)
    for options, right in zip(({}, {"roi": chosen}), expected, strict=True):
        for one, other in zip(results(ds, **options), right, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("backend", ["mmap", "buffered"])
@pytest.mark.filterwarnings("ignore:.*scan positions")
def test_missing_frames_and_other_backends_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    dense = counts("<u2")
    ds = lamella.open(write(tmp_path, dense), sync_offset=-5, io_backend=backend)
    expected = lamella.open(dense, format="memory", sync_offset=-5)
    monkeypatch.setattr(CsrSource, "read", refuse)
    for found, right in zip(results(ds), results(expected), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-5)


def test_computations_that_need_every_pixel_still_get_it(tmp_path: Path) -> None:
    dense = counts("<u2")
    with lamella.Context(executor="inline") as ctx:
        found = ctx.run_udf(lamella.open(write(tmp_path, dense)), [SumUDF(), StdDevUDF()])
    np.testing.assert_array_equal(found[0]["intensity"].data, dense.sum(axis=(0, 1)))
    np.testing.assert_allclose(found[1]["std"].data, dense.std(axis=(0, 1)))


class TwiceUDF(SumSigUDF):
    """Changes for pixels what its base class does for events as well."""

    def get_method(self) -> Any:
        return "tile"

    def process_tile(self, tile: np.ndarray[Any, Any]) -> None:
        self.results.intensity[:] += 2 * tile.sum(axis=(1, 2), dtype=np.uint64)


def test_a_udf_that_changes_its_base_class_gets_pixels(tmp_path: Path) -> None:
    dense = counts("<u2")
    with lamella.Context(executor="inline") as ctx:
        found = ctx.run_udf(lamella.open(write(tmp_path, dense)), TwiceUDF())["intensity"].data
    np.testing.assert_array_equal(found, 2 * dense.sum(axis=(2, 3)))


@pytest.mark.parametrize("kernels", ["compiled", "numpy"])
def test_an_event_outside_the_frame_is_refused_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernels: str
) -> None:
    monkeypatch.setenv("LAMELLA_KERNELS", kernels)
    path = write(tmp_path, counts("<u2"))
    pixels = np.fromfile(tmp_path / "indices.dat", "<i4")
    udfs = [SumUDF(), CoMUDF(), ApplyMasksUDF(mask_factories=partial(few, 20), use_sparse=True)]
    for wrong in (72, -1, 1 << 30):
        pixels[5] = wrong
        pixels.tofile(tmp_path / "indices.dat")
        ds = lamella.open(path)
        with lamella.Context(executor="inline") as ctx:
            for udf in udfs:
                with pytest.raises(lamella.errors.CorruptError, match="event 5") as caught:
                    ctx.run_udf(ds, udf)
                assert caught.value.found == wrong
        with pytest.raises(lamella.errors.CorruptError, match="event 5"):
            ds.read()


@pytest.mark.parametrize(("dtype", "side"), [("<i1", 12), ("<i2", 200)])
def test_a_negative_index_is_refused_where_it_would_be_a_pixel_if_it_had_no_sign(
    tmp_path: Path, dtype: str, side: int
) -> None:
    dense = np.zeros((2, 2, side, side), np.uint16)
    dense[:, :, 0, :5] = 1
    path = write(tmp_path, dense, indices=dtype)
    with lamella.Context(executor="inline") as ctx:
        found = ctx.run_udf(lamella.open(path), SumUDF())["intensity"].data
        np.testing.assert_array_equal(found, dense.sum(axis=(0, 1)))
        pixels = np.fromfile(tmp_path / "indices.dat", dtype)
        pixels[7] = -1
        pixels.tofile(tmp_path / "indices.dat")
        with pytest.raises(lamella.errors.CorruptError, match="event 7"):
            ctx.run_udf(lamella.open(path), SumUDF())


def test_a_sum_over_the_detector_does_not_look_at_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dense = counts("<u2")
    ds = lamella.open(write(tmp_path, dense))
    monkeypatch.setattr(CsrSource, "_check", refuse)
    with lamella.Context(executor="inline") as ctx:
        found = ctx.run_udf(ds, SumSigUDF())["intensity"].data
    np.testing.assert_array_equal(found, dense.sum(axis=(2, 3)))


def test_partitions_hold_about_as_many_events(tmp_path: Path) -> None:
    dense = np.zeros((10, 10, 4, 4), np.uint8)
    dense[:2] = 1
    parts = lamella.open(write(tmp_path, dense)).partitions(4)
    assert [part.stop for part in parts] == [5, 10, 15, 100]
    assert [part.start for part in parts] == [0, 5, 10, 15]
