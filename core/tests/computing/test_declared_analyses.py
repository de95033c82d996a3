"""Analyses as they are declared: one declaration gives signature, checks, channels and options of the command line."""

import inspect
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest

import lamella
from lamella.analysis import Analysis, AnalysisResultSet, Channel, declared_analyses, make_analysis
from lamella.cli import main
from lamella.errors import ParameterError
from lamella.format import Param
from lamella.plugins import entrypoints
from lamella.udf import SumSigUDF

DATA = np.random.default_rng(4).poisson(4, (3, 4, 12, 14)).astype("u2")
NEEDED: dict[str, dict[str, Any]] = {"pick": {"x": 1, "y": 2}}
NAMED = {one.name: one for one in declared_analyses() if one.params is not None}


@dataclass(frozen=True)
class BrightParams:
    """Which frames count."""

    factor: Annotated[float, Param(doc="What sums are multiplied by.", gt=0)] = 2.0
    cx: Annotated[float | None, Param(doc="Somewhere.", unit="px", place="sig-x")] = None
    cy: Annotated[float | None, Param(doc="Somewhere.", unit="px", place="sig-y")] = None


class BrightAnalysis(Analysis):
    """Sums, brighter than they are. Nothing else."""

    title = "Bright"
    params = BrightParams

    def channels(self) -> tuple[Channel, ...]:
        return (Channel(key="total", title="total", desc="sums"),)

    def udf(self) -> SumSigUDF:
        return SumSigUDF()

    def results(self, result: Any) -> AnalysisResultSet:
        return self.filled({"total": result["intensity"].data * self.parameters["factor"]})


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution of somebody else, with an analysis."""
    module = types.ModuleType("somebody_bright")
    module.BrightAnalysis = BrightAnalysis  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "somebody_bright", module)
    info = tmp_path / "site" / "somebody_bright-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somebody-bright\nVersion: 1.0\n")
    (info / "RECORD").write_text("")
    (info / "entry_points.txt").write_text("[lamella.analyses]\nbright_sums = somebody_bright:BrightAnalysis\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    entrypoints.forget()
    lamella.default_registry().refresh()
    yield
    monkeypatch.undo()
    entrypoints.forget()
    lamella.default_registry().refresh()


@pytest.fixture
def scan() -> lamella.DataSet:
    return lamella.open(DATA)


@pytest.fixture
def inline() -> lamella.Context:
    return lamella.Context.make_with("inline")


@pytest.mark.parametrize("name", NAMED)
def test_the_context_takes_what_is_declared_in_the_same_places(name: str) -> None:
    method = inspect.signature(getattr(lamella.Context, f"create_{name}_analysis"))
    places = [one for one in method.parameters.values() if one.name not in ("self", "dataset")]
    declared = NAMED[name].parameters
    assert [one.name for one in places] == [info.name for info in declared]
    for place, info in zip(places, declared, strict=True):
        assert (place.default is inspect.Parameter.empty) == info.required
        assert info.required or place.default == info.default_value


@pytest.mark.parametrize("dtype", ["u2", "f4", "c8"])
@pytest.mark.parametrize("nav", [(12,), (3, 4), (1, 12), (2, 2, 3)], ids=str)
@pytest.mark.parametrize("name", [name for name in NAMED if name != "pick"])
def test_channels_are_known_before_anything_is_computed(
    name: str, nav: tuple[int, ...], dtype: str, inline: lamella.Context
) -> None:
    scan = lamella.open(DATA.reshape(*nav, 12, 14).astype(dtype), nav_shape=nav)
    given = {"max_order": 2, "n_bins": 2} if name == "radial_fourier" else {}
    analysis = make_analysis(name, scan, **given)
    channels = analysis.channels()
    found = inline.run(analysis)
    assert found.keys() == tuple(channel.key for channel in channels)
    for channel, result in zip(channels, found, strict=True):
        assert result.declared() == channel.declared()
        shape = np.shape(result.raw_data[0] if channel.kind == "field" else result.raw_data)
        assert not channel.axes or len(channel.axes) == len(shape)
        assert {"nav": nav, "sig": (12, 14)}.get(channel.span, shape) == shape
        assert channel.kind in ({1: {"curve"}, 2: {"image"}}.get(len(shape), {"frames"}) | {"field"})


@pytest.mark.parametrize("name", NAMED)
def test_its_parameters_make_it_again(name: str, scan: lamella.DataSet) -> None:
    analysis = make_analysis(name, scan, **NEEDED.get(name, {}))
    again = make_analysis(name, scan, **analysis.parameters)
    assert again.parameters == analysis.parameters
    assert set(analysis.parameters) == {info.name for info in NAMED[name].parameters}


def test_values_are_checked_and_every_problem_is_told_with_its_field(scan: lamella.DataSet) -> None:
    assert make_analysis("ring", scan, ri="2", ro=5).parameters["ri"] == 2.0
    with pytest.raises(ParameterError) as caught:
        make_analysis("ring", scan, ri=-1, ro="wide", cx=3)
    assert {problem.field for problem in caught.value.problems} == {"ri", "ro"}


def test_places_are_declared(scan: lamella.DataSet) -> None:
    places = {info.name: info.param.place for info in NAMED["ring"].parameters}
    assert places == {"cx": "sig-x", "cy": "sig-y", "ri": "sig-radius", "ro": "sig-radius"}
    assert {info.param.place for info in NAMED["pick"].parameters} >= {"nav-x", "nav-y"}


@pytest.mark.usefixtures("installed")
def test_an_analysis_of_somebody_else_is_in_the_list_and_computes(
    scan: lamella.DataSet, inline: lamella.Context
) -> None:
    found = {one.name: one for one in declared_analyses()}["bright_sums"]
    assert (found.title, found.doc) == ("Bright", "Sums, brighter than they are. Nothing else.")
    assert [info.name for info in found.parameters] == ["factor", "cx", "cy"]
    analysis = make_analysis("bright_sums", scan, factor="3")
    np.testing.assert_array_equal(inline.run(analysis).total.raw_data, DATA.sum(axis=(2, 3)) * 3)
    with pytest.raises(ParameterError, match="factor"):
        make_analysis("bright_sums", scan, factor=-1)


@pytest.mark.usefixtures("installed")
def test_an_analysis_of_somebody_else_has_options_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    DATA.tofile("scan.raw")
    file = ["scan.raw", "--format", "raw", "--dtype", "u2", "--sig-shape", "12,14", "--nav-shape", "3,4"]
    asked = ["--bright-sums", "--bright-sums-factor", "4", "--beam", "5,6"]
    how = ["--no-pictures", "--executor", "inline", "--out", "r"]
    assert main(["run", *file, *asked, *how]) == 0
    np.testing.assert_array_equal(np.load("r/bright_sums_total.npy"), DATA.sum(axis=(2, 3)) * 4)
    scan = lamella.open("scan.raw", format="raw", dtype="u2", sig_shape=(12, 14), nav_shape=(3, 4))
    script = lamella.script_of(scan, [make_analysis("bright_sums", scan, factor=4, cx=6, cy=5)])
    assert script.command[0].endswith("--bright-sums --bright-sums-factor=4.0 --beam=5,6")
    assert "make_analysis('bright_sums', ds, factor=4.0, cx=6.0, cy=5.0)" in "\n".join(script.python)
    capsys.readouterr()
    assert main(["run", *file, "--bright-sums-factor=-1", *how]) == 2
    assert "--bright-sums-factor" in capsys.readouterr().err


def test_an_analysis_without_a_declaration_has_a_title_and_no_options(scan: lamella.DataSet) -> None:
    mask = {one.name: one for one in declared_analyses()}["mask"]
    assert (mask.title, mask.params, mask.parameters) == ("Masks", None, ())
    assert make_analysis("mask", scan, mask_factories=[lambda: np.ones((12, 14))]).channels() == ()
