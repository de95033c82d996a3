"""A single axis of the scan is `frame` in every format, or `x` where the file says that the scan was a line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.plugins.registry import default_registry
from lamella.reader.metadata import named_axes
from lamella_testkit.sample import SampleData
from lamella_testkit.samplers import sampler_named

FORMATS = [plugin.name for plugin in default_registry().usable()]
NAMED_BY_THE_FILE = {("ser", variant): "x" for variant in ("new", "old", "gaps")} | {("hdf5", "nexus"): "scan0"}


def cases() -> list[tuple[str, str]]:
    samplers = {name: sampler_named(name) for name in FORMATS}
    return [
        (name, variant) for name, sampler in samplers.items() if 1 in sampler.nav_ranks for variant in sampler.variants
    ]


def opened(sampler: Any, folder: Path, data: SampleData) -> lamella.DataSet:
    found = dict(sampler.write(folder, sampler.fit(data)))
    target = found.pop("path", None)
    return lamella.open(found.pop("data") if target is None else target, sampler.format, **found)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize(("name", "variant"), cases())
def test_a_single_axis_of_the_scan_has_one_name_in_all_formats(name: str, variant: str, tmp_path: Path) -> None:
    sampler = sampler_named(name)()
    data = SampleData((6,), (8, 8), sampler.dtypes[0], bits=sampler.bits, variant=variant)
    dataset = opened(sampler, tmp_path, data)
    if dataset.shape.nav.dims == 1:
        assert dataset.axes[0].name == NAMED_BY_THE_FILE.get((name, variant), "frame")


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize("name", FORMATS)
def test_a_scan_that_a_user_makes_one_axis_counts_frames(name: str, tmp_path: Path) -> None:
    sampler = sampler_named(name)()
    rank = sampler.nav_ranks[0]
    data = sampler.fit(
        SampleData((2, 3, 2)[:rank], (8, 8), sampler.dtypes[0], bits=sampler.bits, variant=sampler.variants[0])
    )
    found = dict(sampler.write(tmp_path, data))
    target = found.pop("path", None)
    keywords = found | {"nav_shape": (data.n_frames,)}
    dataset = lamella.open(keywords.pop("data") if target is None else target, sampler.format, **keywords)
    assert dataset.axes[0].name == "frame"


def test_one_scan_axis_is_frame_unless_the_reader_says_otherwise() -> None:
    assert [axis.name for axis in named_axes((), [5], (), [4, 4])] == ["frame", "ky", "kx"]
    assert [axis.name for axis in lamella.open(np.zeros((7, 4, 4), np.uint8)).axes] == ["frame", "ky", "kx"]
