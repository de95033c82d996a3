"""`plot()` of a data set: the first look as a figure."""

import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

import lamella
from lamella.analysis import make_analysis
from lamella.errors import PluginError
from lamella.plot.results import result_panels
from lamella.udf import CoMUDF

pytest.importorskip("matplotlib")


@pytest.fixture
def scan() -> lamella.DataSet:
    y, x = np.mgrid[:32, :32]
    frame = np.where(np.hypot(y - 15, x - 16) < 4, 200, 1)
    brightness = np.arange(1, 21).reshape(4, 5, 1, 1)
    return lamella.open((frame * brightness).astype("u2"), name="a/scan")


def test_a_data_set_is_drawn_with_one_call(scan: lamella.DataSet) -> None:
    made = scan.plot()
    assert [place.get_title() for place in made.axes] == [panel.title for panel in lamella.first_look(scan)]
    assert made.get_suptitle() == "scan"
    import matplotlib.pyplot as plt

    assert plt.get_fignums() == []  # a notebook would show what pyplot knows once more


def test_what_is_drawn_can_be_chosen(scan: lamella.DataSet) -> None:
    titles = [place.get_title() for place in scan.plot(beam=False).axes]
    assert "Bright field" not in titles


def test_numbers_with_three_axes_are_not_drawn_and_it_is_said_why(scan: lamella.DataSet) -> None:
    frames = lamella.Context.make_with("inline").run(make_analysis("frames", scan))
    shape = re.escape(str(np.asarray(frames.frames).shape))
    with pytest.raises(lamella.ParameterError, match=f"frames has shape {shape}; an image has two axes"):
        frames.plot()


def test_what_several_results_hold_is_drawn_once(scan: lamella.DataSet) -> None:
    with lamella.Context.make_with("inline") as ctx:
        panels = result_panels([ctx.run_udf(scan, CoMUDF())])
    names = [panel.name for panel in panels]
    assert {"raw_com_0", "field_y", "field_x", "magnitude"} <= set(names)
    assert not {"field_0", "field_1"} & set(names)
    assert len(names) == len(set(names))


def test_a_data_set_that_another_process_made_can_be_drawn(scan: lamella.DataSet) -> None:
    code = """
import pickle, sys
scan = pickle.load(sys.stdin.buffer)
import lamella.firstlook.plotting as plotting
plotting.plot_dataset = lambda scan, **options: print(scan.name, options)
scan.plot(beam=False)
"""
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(scan), capture_output=True, check=True)
    assert done.stdout.decode().strip() == "a/scan {'beam': False}"


def test_nothing_is_computed_where_matplotlib_is_missing(
    scan: lamella.DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr("lamella.firstlook.plotting.first_look", lambda *_: pytest.fail("computed"))
    with pytest.raises(PluginError, match=r"pip install 'lamella\[plot\]'"):
        scan.plot()
