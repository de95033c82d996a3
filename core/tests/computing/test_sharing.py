"""UDFs of one run that share their work, by what they declare: those of others than Lamella as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.engine.fusion import followers, joinable
from lamella.errors import UDFError
from lamella.udf import UDF, CoMUDF, ReducingUDF, Reduction, StdDevUDF, SumSigUDF, SumUDF, WeighingUDF
from lamella.udf.builtin import reducing

from .conftest import MakeScan

NAV, SIG = (5, 6), (12, 14)


@pytest.fixture(autouse=True)
def numpy_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMELLA_KERNELS", "numpy")


def data_of(dtype: str) -> NDArray[Any]:
    return np.random.default_rng(1).integers(0, 200, (*NAV, *SIG)).astype(dtype)


class MeanUDF(UDF):
    """What somebody else may write: takes its result from a standard deviation, or computes it."""

    needs = frozenset({"frames", "count"})
    tiles: list[int] = []  # noqa: RUF012

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {
            "total": self.buffer("sig", dtype=np.float64, use="private"),
            "count": self.buffer("single", dtype=np.int64, use="private"),
            "mean": self.buffer("sig", dtype=np.float64, use="result_only"),
        }

    def process_frame(self, frame: NDArray[Any]) -> None:
        self.tiles.append(1)
        self.results.total += frame
        if self.meta.tiling_scheme_idx == 0:
            self.results.count += 1

    def take(self, quantity: str, values: NDArray[Any]) -> None:
        self.results["total" if quantity == "frames" else "count"][...] = values

    def merge(self, dest: Any, src: Any) -> None:
        dest.total += src.total
        dest.count += src.count

    def get_results(self) -> Mapping[str, Any]:
        return {"mean": self.results.total / self.results.count[0]}


class SidesUDF(WeighingUDF):
    """Somebody else's sums under weights: left and right half."""

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"sides": self.buffer("nav", extra_shape=(2,), dtype=np.float64)}

    def weights_kind(self) -> tuple[int, np.dtype[Any]]:
        return 2, np.dtype(np.float32)

    def row_weights(self) -> NDArray[Any]:
        right = self.meta.row_coordinates[1] >= SIG[1] // 2
        return np.stack([~right, right]).astype(np.float32)

    def weighed_sums(self) -> NDArray[Any]:
        sums: NDArray[Any] = self.results.sides
        return sums


class BothUDF(ReducingUDF):
    """One UDF that wants two kinds of sums."""

    sums = frozenset({"frames", "pixels"})

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"image": self.buffer("sig", dtype=np.int64), "trace": self.buffer("nav", dtype=np.int64)}

    def reduction(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> Reduction:
        return Reduction(total=self.results.image, pixels=self.results.trace)

    def merge(self, dest: Any, src: Any) -> None:
        dest.image += src.image
        dest.trace[...] = src.trace


@pytest.mark.parametrize("dtype", ["uint16", "float32", "uint32"])
def test_a_udf_of_others_takes_its_result_from_a_standard_deviation(
    inline: lamella.Context, make_scan: MakeScan, dtype: str
) -> None:
    data = data_of(dtype)
    ds = make_scan(data, num_partitions=4)
    MeanUDF.tiles.clear()
    alone = inline.run_udf(ds, MeanUDF())["mean"].data
    assert MeanUDF.tiles
    MeanUDF.tiles.clear()
    _, beside = inline.run_udf(ds, [StdDevUDF(), MeanUDF()])
    assert bool(MeanUDF.tiles) == (dtype == "uint32"), "sums of large whole numbers are not exact in a deviation"
    for found in (alone, beside["mean"].data):
        np.testing.assert_allclose(found, data.mean(axis=(0, 1), dtype=np.float64), rtol=1e-13)


def test_a_udf_of_others_provides_for_one_that_comes_with_lamella(inline: lamella.Context, make_scan: MakeScan) -> None:
    class KeepsUDF(SumUDF):
        needs: frozenset[str] = frozenset()
        provides = frozenset({"frames"})
        asked: list[str] = []  # noqa: RUF012

        def provide(self, quantity: str) -> NDArray[Any]:
            self.asked.append(quantity)
            return self.total()

    data = data_of("uint16")
    total, kept = inline.run_udf(make_scan(data, num_partitions=3), [SumUDF(), KeepsUDF()])
    assert KeepsUDF.asked == ["frames"] * 3
    for result in (total, kept):
        np.testing.assert_array_equal(result["intensity"].data, data.sum(axis=(0, 1)))


def test_udfs_of_others_share_the_pass(
    inline: lamella.Context, make_scan: MakeScan, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data_of("uint16")
    calls: list[int] = []
    reduce_together = reducing.reduce_together

    def counted(rows: Any, swapped: Any, wanted: Any, weights: Any) -> None:
        calls.append(len(wanted))
        reduce_together(rows, swapped, wanted, weights)

    monkeypatch.setattr("lamella.engine.fusedstep.reduce_together", counted)
    for udfs in ([SidesUDF(), BothUDF(), CoMUDF()], [CoMUDF(), SidesUDF(), BothUDF()], [BothUDF(), SidesUDF()]):
        calls.clear()
        results = inline.run_udf(make_scan(data, num_partitions=2), udfs)
        assert set(calls) == {len(udfs)}
        for udf, result in zip(udfs, results, strict=True):
            if isinstance(udf, SidesUDF):
                halves = data[..., :7].sum(axis=(2, 3)), data[..., 7:].sum(axis=(2, 3))
                np.testing.assert_allclose(result["sides"].data, np.stack(halves, axis=-1), rtol=1e-13)
            elif isinstance(udf, BothUDF):
                np.testing.assert_array_equal(result["image"].data, data.sum(axis=(0, 1)))
                np.testing.assert_array_equal(result["trace"].data, data.sum(axis=(2, 3)))
    pair = [BothUDF(), SumSigUDF()]
    inline.run_udf(make_scan(data, num_partitions=2), pair)
    assert not joinable(pair)[1:], "two that sum pixels do not fit into one call"
    alone = inline.run_udf(make_scan(data, num_partitions=2), BothUDF())
    np.testing.assert_array_equal(alone["image"].data, data.sum(axis=(0, 1)))
    np.testing.assert_array_equal(alone["trace"].data, data.sum(axis=(2, 3)))


class TwiceUDF(SumUDF):
    def process_rows(self, rows: NDArray[Any], swapped: tuple[int, ...]) -> None:
        super().process_rows(rows, swapped)
        super().process_rows(rows, swapped)


class StartsAtOneUDF(SumUDF):
    def preprocess(self) -> None:
        self.results.intensity[...] = 1

    def merge(self, dest: Any, src: Any) -> None:
        dest.intensity += src.intensity - 1


class LargestUDF(SumUDF):
    def merge(self, dest: Any, src: Any) -> None:
        np.maximum(dest.intensity, src.intensity, out=dest.intensity)


class NegativeUDF(SumUDF):
    def get_results(self) -> Mapping[str, Any]:
        return {"intensity": -self.results.intensity}


class DoubledUDF(SumUDF):
    def postprocess(self) -> None:
        self.results.intensity[...] *= 2


class ShiftedUDF(StdDevUDF):
    """A deviation whose sums are no longer those of the frames."""

    def postprocess(self) -> None:
        super().postprocess()
        self.results.total[...] += 7


@pytest.mark.parametrize("cls", [TwiceUDF, StartsAtOneUDF, LargestUDF, NegativeUDF, DoubledUDF])
def test_a_subclass_gives_beside_a_deviation_what_it_gives_alone(
    inline: lamella.Context, make_scan: MakeScan, cls: type[SumUDF]
) -> None:
    ds = make_scan(data_of("uint16"), num_partitions=3)
    alone = inline.run_udf(ds, cls())["intensity"].data
    assert not np.array_equal(alone, data_of("uint16").sum(axis=(0, 1)))
    _, other, beside = inline.run_udf(ds, [StdDevUDF(), SumUDF(), cls()])
    np.testing.assert_array_equal(beside["intensity"].data, alone)
    np.testing.assert_array_equal(other["intensity"].data, data_of("uint16").sum(axis=(0, 1)))


def test_nobody_takes_sums_from_a_deviation_that_was_changed(inline: lamella.Context, make_scan: MakeScan) -> None:
    data = data_of("uint16")
    total, _ = inline.run_udf(make_scan(data), [SumUDF(), ShiftedUDF()])
    np.testing.assert_array_equal(total["intensity"].data, data.sum(axis=(0, 1)))


def test_nobody_waits_for_one_that_waits() -> None:
    class ChainUDF(SumUDF):
        needs = frozenset({"frames"})
        provides = frozenset({"frames"})

        def provide(self, quantity: str) -> NDArray[Any]:
            return self.total()

    first, second = ChainUDF(), ChainUDF()
    assert followers([first, second]) == {}
    assert list(followers([first, SumUDF(), second])) == [1]


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ("reduction", r"HalfUDF must implement reduction\(rows, swapped\)"),
        ("row_weights", r"HalfUDF must implement row_weights\(\)"),
        ("weighed_sums", r"HalfUDF must implement weighed_sums\(\)"),
        ("weights_kind", r"HalfUDF sums under weights: it must implement weights_kind\(\)"),
        ("take", r"HalfUDF declares that it needs 'frames': it must implement take\(\)"),
        ("provide", r"HalfUDF declares that it provides 'frames': it must implement provide\(\)"),
    ],
)
def test_a_udf_that_lacks_a_method_is_told_which(
    inline: lamella.Context, make_scan: MakeScan, missing: str, text: str
) -> None:
    ds = make_scan(data_of("uint16"))
    base: Any = {"reduction": BothUDF, "take": MeanUDF, "provide": BothUDF}.get(missing, SidesUDF)
    original = ReducingUDF if missing == "reduction" else WeighingUDF if base is SidesUDF else UDF
    declared = {"take": {"needs": {"frames"}}, "provide": {"provides": {"frames"}}}.get(missing, {})
    half = type("HalfUDF", (base,), {missing: getattr(original, missing), **declared})
    with_others: dict[str, list[UDF]] = {"take": [StdDevUDF()], "provide": [SumUDF()], "weights_kind": [CoMUDF()]}
    beside = with_others.get(missing, [])
    with pytest.raises(UDFError, match=text):
        inline.run_udf(ds, [*beside, half()])
