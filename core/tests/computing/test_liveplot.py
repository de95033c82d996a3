"""Pictures that grow while a run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.errors import ParameterError
from lamella.plot.liveplot import LivePlot
from lamella.udf.builtin.masks import ApplyMasksUDF
from lamella.udf.builtin.raw import PickUDF
from lamella.udf.builtin.stddev import StdDevUDF
from lamella.udf.builtin.sum import SumUDF
from lamella.udf.builtin.sumsig import SumSigUDF

matplotlib = pytest.importorskip("matplotlib")

DATA = np.random.default_rng(3).random((4, 5, 6, 7)).astype(np.float32)
MakeScan = Callable[..., lamella.DataSet]


@pytest.fixture(autouse=True)
def _no_windows() -> Iterator[None]:
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def scan(make_scan: MakeScan) -> lamella.DataSet:
    return make_scan(DATA, num_partitions=4)


class SeenPlot(LivePlot):
    """Remembers what was drawn."""

    def __init__(self, channel: Any, **options: Any) -> None:
        super().__init__(channel, **{"min_delta": 0.0, **options})
        self.seen: list[Any] = []

    def draw(self, image: Any) -> None:
        self.seen.append(image)
        super().draw(image)


def test_a_plot_is_drawn_after_each_partition(threads: lamella.Context, scan: lamella.DataSet) -> None:
    plot = SeenPlot("intensity")
    threads.run_udf(scan, SumSigUDF(), plots=[plot])
    assert [int(np.isfinite(image).sum()) for image in plot.seen] == [5, 10, 15, 20]
    np.testing.assert_allclose(plot.seen[-1], DATA.sum(axis=(2, 3)), rtol=1e-5)
    assert plot.figure.axes[0].get_title() == "intensity"


def test_a_plot_waits_between_updates_but_shows_the_end(inline: lamella.Context, scan: lamella.DataSet) -> None:
    plot = SeenPlot("intensity", min_delta=1000)
    inline.run_udf(scan, SumSigUDF(), plots=[plot])
    assert len(plot.seen) == 2


class CollectingPlot(SeenPlot):
    made: list[LivePlot] = []  # noqa: RUF012 - emptied by each test

    def __init__(self, channel: Any, **options: Any) -> None:
        super().__init__(channel, **options)
        self.made.append(self)


@pytest.fixture
def made() -> Iterator[list[LivePlot]]:
    CollectingPlot.made.clear()
    yield CollectingPlot.made
    CollectingPlot.made.clear()


def run(scan: lamella.DataSet, udf: Any, plots: Any) -> None:
    lamella.Context("inline", plot_class=CollectingPlot).run_udf(scan, udf, plots=plots)


def test_true_shows_every_image(scan: lamella.DataSet, made: list[LivePlot]) -> None:
    run(scan, [SumUDF(), StdDevUDF(), PickUDF()], True)
    names = [(plot.udf_index, plot.channel) for plot in made]
    assert names == [(0, "intensity"), *((1, name) for name in ("varsum", "sum", "mean", "var", "std"))]


def test_channels_are_named_or_computed(scan: lamella.DataSet, made: list[LivePlot]) -> None:
    def ratio(result: Any, damage: Any) -> Any:
        return result["intensity"].data[..., 0] * damage.data

    masks = ApplyMasksUDF(mask_factories=[np.ones((6, 7))])
    run(scan, masks, ["intensity", ("intensity", np.log), ratio])
    assert [plot.title for plot in made] == ["intensity", "intensity", "ratio"]
    np.testing.assert_allclose(made[1].seen[-1], np.log(DATA.sum(axis=(2, 3))), rtol=1e-5)  # type: ignore[attr-defined]


def test_each_udf_has_its_channels(scan: lamella.DataSet, made: list[LivePlot]) -> None:
    run(scan, [SumUDF(), StdDevUDF()], [["intensity"], ["std", "mean"]])
    assert [(plot.udf_index, plot.channel) for plot in made] == [(0, "intensity"), (1, "std"), (1, "mean")]


@pytest.mark.parametrize(
    ("plots", "complaint"),
    [(["nope"], "no result is called 'nope'; there are intensity"), ("intensity", "give True, a list of channels")],
)
def test_what_cannot_be_plotted_is_an_error(scan: lamella.DataSet, plots: Any, complaint: str) -> None:
    with pytest.raises(ParameterError, match=complaint):
        run(scan, SumUDF(), plots)


def test_a_result_that_is_no_image_is_an_error(scan: lamella.DataSet) -> None:
    with pytest.raises(ParameterError, match="is not an image"):
        run(scan, PickUDF(), ["intensity"])


def test_plots_follow_an_iteration_too(inline: lamella.Context, scan: lamella.DataSet) -> None:
    plot = SeenPlot("intensity")
    for _ in inline.run_udf_iter(scan, SumUDF(), plots=[plot]):
        pass
    assert len(plot.seen) == 4
