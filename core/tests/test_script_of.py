"""The lines of Python and of the command line that compute a result give the same numbers."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.analysis import Analysis, make_analysis
from lamella.cli import main
from lamella.corrections import Corrections
from lamella.plugins.kinds import ANALYSES
from lamella.plugins.registry import default_registry

pytest.importorskip("lamella_raw")


@pytest.fixture
def ds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> lamella.DataSet:
    """A file that needs parameters, with a name that a shell would take apart."""
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(3).integers(0, 900, (24, 12, 14), dtype=np.uint16)
    frames[:, 4:7, 5:8] += 9000
    frames.tofile(tmp_path / "a scan's (1).raw")
    return lamella.open("a scan's (1).raw", format="raw", dtype="u2", sig_shape=(12, 14), nav_shape=(4, 6))


def chosen(ds: lamella.DataSet) -> list[Analysis]:
    return [
        make_analysis("disk", ds, cx=6.25, cy=5, r=2.5),
        make_analysis("disk", ds, cx=1, cy=2, r=2),
        make_analysis("ring", ds, cx=6, cy=5, ri=2.5, ro=5),
        make_analysis("com", ds, cx=6.5, cy=5.25),
        make_analysis("sum", ds),
        make_analysis("std", ds),
        make_analysis("sumsig", ds),
    ]


def executed(script: Any) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec("\n".join(script.python), scope)
    return scope


NAMES = ["disk_1", "disk_2", "ring", "com", "total", "std", "sumsig"]


@pytest.mark.parametrize("region", [None, "2:4,1:", "::2,::3", "rest"])
def test_the_python_gives_the_same_numbers(region: str | None, ds: lamella.DataSet) -> None:
    roi = None
    if region == "rest":
        roi = np.random.default_rng(1).uniform(size=(4, 6)) < 0.5
        np.save("roi.npy", roi)
    elif region is not None:
        roi = eval(f"ds.roi[{region}]", {"ds": ds})
    analyses = chosen(ds)
    script = lamella.script_of(ds, analyses, roi=roi)
    scope = executed(script)
    context = lamella.Context.make_with("inline")
    for name, analysis in zip(NAMES, analyses, strict=True):
        expected = context.run(analysis, roi=roi)
        assert scope[name].keys() == expected.keys()
        for key in expected.keys():  # noqa: SIM118 -- iterating gives the channels
            np.testing.assert_allclose(scope[name][key], expected[key], rtol=1e-6)


@pytest.mark.parametrize("region", [None, "2:4,1:"])
def test_the_command_gives_the_same_numbers(region: str | None, ds: lamella.DataSet) -> None:
    roi = None if region is None else eval(f"ds.roi[{region}]", {"ds": ds})
    script = lamella.script_of(ds, chosen(ds), roi=roi)
    (line,) = script.command
    words = shlex.split(line)
    assert words[:2] == ["lamella", "run"]
    assert main([*words[1:], "--no-pictures", "--executor", "inline", "--out", "r"]) == 0
    scope = executed(script)
    for name in ("disk_1", "disk_2", "ring", "std", "sumsig"):
        np.testing.assert_allclose(np.load(f"r/{name}.npy"), scope[name]["intensity"], rtol=1e-5)
    np.testing.assert_allclose(np.load("r/com_x.npy"), scope["com"]["x"], rtol=1e-5)
    np.testing.assert_allclose(np.load("r/sum.npy"), scope["total"]["intensity"], rtol=1e-6)


def test_the_first_look_says_how_to_make_it_again(ds: lamella.DataSet) -> None:
    look = lamella.first_look(ds, context=lamella.Context.make_with("inline"))
    assert look.beam is not None
    scope = executed(look.script)
    np.testing.assert_allclose(np.asarray(look[0].data), scope["disk"]["intensity"])
    np.testing.assert_allclose(np.asarray(look[1].data), scope["ring"]["intensity"])
    assert re.search(r" --disk=\S+ --ring=\S+ --sum --com --beam=\S+$", look.script.command[0])


def test_a_single_frame_is_what_the_command_computes_without_a_choice(ds: lamella.DataSet) -> None:
    np.asarray(ds[1, 2]).tofile("one.raw")
    one = lamella.open("one.raw", format="raw", dtype="u2", sig_shape=(12, 14))
    look = lamella.first_look(one, context=lamella.Context.make_with("inline"))
    np.testing.assert_array_equal(executed(look.script)["pick"]["intensity"], np.asarray(look[0].data))
    words = shlex.split(look.script.command[0])
    assert main([*words[1:], "--no-pictures", "--out", "r"]) == 0
    np.testing.assert_array_equal(np.load("r/frame.npy"), np.asarray(look[0].data))


def test_what_the_command_cannot_do_is_said(ds: lamella.DataSet) -> None:
    analyses = [
        make_analysis("pick", ds, x=2, y=1),
        make_analysis("com", ds, cx=6, cy=5, mask_radius=4, flip_y=True, scan_rotation=12.5),
        make_analysis("sum", ds),
    ]
    script = lamella.script_of(ds, analyses)
    scope = executed(script)
    context = lamella.Context.make_with("inline")
    np.testing.assert_array_equal(scope["pick"]["intensity"], ds[1, 2])
    np.testing.assert_allclose(scope["com"]["x"], context.run(analyses[1]).x, rtol=1e-6)
    assert " --sum --com --com-mask-radius=4.0 --com-flip-y --com-scan-rotation=12.5 --beam=5,6" in script.command[0]
    assert script.command[1:] == ("# lamella run does not compute pick",)
    assert main([*shlex.split(script.command[0])[1:], "--no-pictures", "--executor", "inline", "--out", "r"]) == 0
    np.testing.assert_allclose(np.load("r/com_x.npy"), scope["com"]["x"], rtol=1e-6)


def test_what_cannot_be_written_is_a_variable_of_the_reader(ds: lamella.DataSet) -> None:
    corrections = Corrections(dark=np.full((12, 14), 3.0))
    ds = lamella.open(ds.name, format="raw", dtype="u2", sig_shape=(12, 14), corrections=corrections)
    masks = make_analysis("mask", ds, mask_factories=[lambda: np.eye(12, 14)])
    script = lamella.script_of(ds, [make_analysis("sumsig", ds), masks])
    scope: dict[str, Any] = {"corrections": corrections, "mask_factories": masks.parameters["mask_factories"]}
    exec("\n".join(script.python), scope)
    frames = np.stack([ds[i] for i in range(24)]) - 3.0
    np.testing.assert_allclose(scope["sumsig"]["intensity"], frames.sum(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_allclose(scope["mask"]["mask_0"], np.trace(frames, axis1=1, axis2=2), rtol=1e-6)
    assert any(line.endswith("# corrections: the Corrections in memory") for line in script.python)


@pytest.mark.parametrize("name", default_registry().names(ANALYSES))
def test_each_analysis_is_made_again_by_its_name(name: str, ds: lamella.DataSet) -> None:
    needed: dict[str, dict[str, Any]] = {"mask": {"mask_factories": [np.eye(12, 14)]}, "pick": {"x": 3, "y": 2}}
    given = needed.get(name, {})
    analysis = make_analysis(name, ds, **given)
    scope: dict[str, Any] = dict(given)
    exec("\n".join(lamella.script_of(ds, [analysis]).python), scope)
    again = scope["total" if name == "sum" else name]
    for channel, expected in zip(again, lamella.Context.make_with("inline").run(analysis), strict=True):
        np.testing.assert_allclose(channel.raw_data, expected.raw_data, rtol=1e-5)


def test_an_object_in_memory_has_python_only() -> None:
    frames = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    ds = lamella.open(frames)
    script = lamella.script_of(ds, [make_analysis("sumsig", ds)])
    scope: dict[str, Any] = {"data": frames}
    exec("\n".join(script.python), scope)
    np.testing.assert_array_equal(scope["sumsig"]["intensity"], frames.sum(axis=(2, 3)))
    assert script.command == ("# the data are an object in memory",)
