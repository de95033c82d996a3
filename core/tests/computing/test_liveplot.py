"""Pictures that grow while a run goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.errors import ParameterError
from lamella.plot.liveplot import LivePlot
from lamella.reader.metadata import Axis
from lamella.udf.base import UDF
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


def shown_in(place: Any) -> Any:
    return place.images[0].get_array()


class Display:
    """Stands for the display of a notebook, which has a handle for each thing shown."""

    def __init__(self) -> None:
        self.shown: list[Any] = []
        self.updates = 0

    def display(self, figure: Any, *, display_id: bool) -> Display:
        self.shown.append(figure)
        return self

    def update(self, figure: Any) -> None:
        assert figure is self.shown[-1]
        self.updates += 1


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Display:
    shown = Display()
    for name in ("ipykernel", "IPython", "IPython.display"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["IPython.display"].display = shown.display  # type: ignore[attr-defined]
    return shown


def test_a_notebook_shows_each_plot_once(inline: lamella.Context, scan: lamella.DataSet, notebook: Display) -> None:
    import matplotlib.pyplot as plt

    plot = LivePlot("intensity", min_delta=0.0)
    inline.run_udf(scan, SumUDF(), plots=[plot])
    assert notebook.shown == [plot.figure]
    assert notebook.updates == 3
    assert plt.get_fignums() == []  # the inline backend shows what pyplot knows at the end of a cell
    assert plot.figure._repr_png_().startswith(b"\x89PNG")


def test_a_plot_becomes_logarithmic_where_the_values_need_it() -> None:
    plot = LivePlot("pattern", min_delta=0.0)
    plot.draw(np.full((5, 6), np.nan))
    plot.draw(np.arange(2.0, 14.0).reshape(3, 4))
    assert plot.figure.axes[1].get_yscale() == "linear"
    plot.draw(np.geomspace(1, 1e6, 30).reshape(5, 6))
    assert plot.figure.axes[1].get_yscale() == "log"
    assert plot._image.get_clim()[0] >= 1
    plot.draw(np.arange(2.0, 32.0).reshape(5, 6))
    assert plot.figure.axes[1].get_yscale() in ("linear", "log")
    plot.figure.canvas.draw()


def test_a_hot_pixel_does_not_darken_a_plot() -> None:
    values = np.random.default_rng(0).normal(100, 5, (64, 64))
    values[3, 4] = 1e9
    plot = LivePlot("x")
    plot.draw(values)
    assert plot._image.get_clim()[1] < 130


class OddUDF(UDF):
    """Results of all kinds: of the scan, of the detector, of both with entries, and of neither."""

    def get_result_buffers(self) -> dict[str, Any]:
        return {
            "scan": self.buffer(kind="nav", dtype="float32"),
            "detector": self.buffer(kind="sig", dtype="float32"),
            "pairs": self.buffer(kind="nav", extra_shape=(2,), dtype="float32"),
            "spectra": self.buffer(kind="nav", extra_shape=(40,), dtype="float32"),
            "regression": self.buffer(kind="single", extra_shape=(3, 2), dtype="float32"),
        }

    def process_frame(self, frame: Any) -> None:
        self.results.scan[:] = frame.sum()
        self.results.detector[:] += frame
        self.results.pairs[:] = frame.sum(), frame.max()
        self.results.spectra[:] = np.arange(40)
        self.results.regression[:] = np.arange(6).reshape(3, 2)

    def merge(self, dest: Any, src: Any) -> None:
        for name in ("scan", "pairs", "spectra", "regression"):
            dest[name][:] = src[name]
        dest.detector[:] += src.detector


def test_numbers_that_belong_to_no_axis_are_no_picture(scan: lamella.DataSet, made: list[LivePlot]) -> None:
    run(scan, OddUDF(), True)
    assert [plot.channel for plot in made] == ["scan", "detector"]


def test_results_are_drawn_with_one_call(inline: lamella.Context, scan: lamella.DataSet) -> None:
    result = inline.run_udf(scan, OddUDF())
    figure = result.plot()
    titles = [place.get_title() for place in figure.axes]
    assert titles == ["scan", "detector", "pairs[0]", "pairs[1]"]
    np.testing.assert_allclose(shown_in(figure.axes[0]), DATA.sum(axis=(2, 3)), rtol=1e-5)
    import matplotlib.pyplot as plt

    assert plt.get_fignums() == []


def test_results_of_several_udfs_are_one_figure(inline: lamella.Context, scan: lamella.DataSet) -> None:
    results = inline.run_udf(scan, [SumUDF(), SumSigUDF()])
    patterns, intensity = results
    assert [place.get_title() for place in results.plot().axes] == ["intensity (1)", "intensity (2)"]
    assert patterns["intensity"].axes == scan.axes[2:]
    assert intensity["intensity"].axes == scan.axes[:2]


def test_results_that_are_no_pictures_are_an_error(inline: lamella.Context, scan: lamella.DataSet) -> None:
    roi = np.zeros((4, 5), dtype=bool)
    roi[1, 2] = True
    with pytest.raises(ParameterError, match="no result is a picture or a curve; there are intensity"):
        inline.run_udf(scan, PickUDF(), roi).plot()


def test_results_keep_the_calibration_of_the_data(inline: lamella.Context) -> None:
    from lamella.plot.results import result_panels

    nm = (Axis("y", 2e-9, units="m"), Axis("x", 2e-9, units="m"))
    buffer = inline.run_udf(lamella.open(DATA, format="memory"), SumSigUDF())["intensity"]
    buffer.axes = nm
    (panel,) = result_panels([{"intensity": buffer}])
    assert [(axis.name, round(axis.scale, 9), axis.units) for axis in panel.axes] == [
        ("y", 2.0, "nm"),
        ("x", 2.0, "nm"),
    ]


def test_results_along_a_line_are_a_curve_and_complex_ones_a_field(inline: lamella.Context) -> None:
    line = inline.run_udf(lamella.open(DATA[0], format="memory"), SumSigUDF()).plot()
    assert line.axes[0].lines[0].get_ydata() == pytest.approx(DATA[0].sum(axis=(1, 2)))
    waves = lamella.open(DATA * (1 + 1j), format="memory")
    figure = inline.run_udf(waves, SumSigUDF()).plot()
    assert shown_in(figure.axes[0]).shape == (4, 5, 4)
