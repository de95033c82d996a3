"""A parameter that the core gets later does not capture the parameter of that name of a plugin written before."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest

from lamella.errors import ParameterError
from lamella.format import FormatSpec, Param
from lamella.opening.check import check
from lamella.opening.open import open_dataset
from lamella.params.validate import CommonParams, kept_names, split
from lamella.plugins.registry import Registry
from lamella.reader.match import Match
from lamella.reader.probe import Probe
from lamella.reader.source import LinearSource, SourceInfo

LATER = (1, 1)
Grown = make_dataclass(
    "Grown",
    [
        (
            "binning",
            Annotated[tuple[int, int] | None, Param(doc="Pixels to add up.", ge=1)],
            field(default=None, metadata={"since": LATER}),
        )
    ],
    bases=(CommonParams,),
    frozen=True,
    kw_only=True,
)
"""The parameters of a core that has one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BinnedParams:
    """Parameters of a format that called one of them ``binning`` first, and declares ``nav_shape`` deliberately."""

    binning: Annotated[str, Param(doc="How the camera binned.")] = "none"
    nav_shape: Annotated[tuple[int, ...] | None, Param(doc="Shape of the scan.", ge=1)] = None


class BinnedReader:
    """Opens .npy files and remembers what it was given."""

    given: Any = None

    def detect(self, probe: Probe) -> Match | None:
        return Match(60, "binned")

    def open(self, params: BinnedParams, probe: Probe) -> LinearSource:
        BinnedReader.given = params
        source = open_dataset("npy", probe.path, {}).source
        assert isinstance(source, LinearSource)
        return source


def registry(api: tuple[int, int]) -> Registry:
    made = Registry(entry_points=lambda **_: ())
    made.register(
        FormatSpec(
            name="binned", title="Binned", api=api, reader=f"{__name__}:BinnedReader", params=f"{__name__}:BinnedParams"
        )
    )
    return made


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    np.save(tmp_path / "scan.npy", np.zeros((12, 8, 6), dtype=np.uint16))
    return tmp_path / "scan.npy"


@pytest.fixture
def grown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A core of plugin API 1.1."""
    monkeypatch.setattr("lamella.opening.values.CommonParams", Grown)
    monkeypatch.setattr("lamella.plugins.compatibility.SUPPORTED_APIS", dict([LATER]))


def test_the_parameters_of_the_first_api_are_these() -> None:
    first = {item.name for item in fields(CommonParams) if item.metadata.get("since", (1, 0)) == (1, 0)}
    assert first == {
        "name",
        "nav_shape",
        "sig_shape",
        "sync_offset",
        "io_backend",
        "num_partitions",
        "missing",
        "corrections",
    }, "a parameter that is added needs metadata={'since': (major, minor)}"


@pytest.mark.usefixtures("grown")
def test_the_parameter_of_the_plugin_wins(scan: Path) -> None:
    ds = open_dataset("binned", scan, {"binning": "2 by hardware", "nav_shape": (3, 4)}, registry=registry((1, 0)))
    assert BinnedReader.given.binning == "2 by hardware"
    assert ds.provenance.parameters["binning"] == "2 by hardware"
    (note,) = ds.info.notes
    assert note.startswith("binning is here a parameter of format 'binned'")
    assert "plugin API 1.1 does not apply" in note
    assert ds.diagnostics["notes"] == [note]


@pytest.mark.usefixtures("grown")
def test_what_both_declare_from_the_beginning_goes_to_both(scan: Path) -> None:
    ds = open_dataset("binned", scan, {"nav_shape": (3, 4)}, registry=registry((1, 0)))
    assert BinnedReader.given.nav_shape == (3, 4)
    assert ds.shape.nav == (3, 4)


@pytest.mark.usefixtures("grown")
def test_a_plugin_that_knows_the_new_parameter_shares_it(scan: Path) -> None:
    with pytest.raises(ParameterError) as caught:
        open_dataset("binned", scan, {"binning": "by hardware"}, registry=registry((1, 1)))
    assert [field for field, _ in caught.value.problems] == ["binning"]
    assert open_dataset("binned", scan, {"binning": "2 2"}, registry=registry((1, 1))).info.notes == ()
    assert BinnedReader.given.binning == "2 2"


@pytest.mark.usefixtures("grown")
def test_other_formats_have_the_new_parameter(scan: Path) -> None:
    with pytest.raises(ParameterError, match="binning: must be >= 1, found 0"):
        open_dataset("npy", scan, {"binning": (0, 1)})
    assert open_dataset("npy", scan, {"binning": (2, 2)}).provenance.parameters["binning"] == (2, 2)


@pytest.mark.usefixtures("grown")
def test_a_form_is_told_too(scan: Path) -> None:
    report = check("binned", scan, {"binning": "2 by hardware"}, registry=registry((1, 0)))
    assert report.ok
    assert report.values["binning"] == "2 by hardware"
    assert "does not apply" in report.notes[0]


def test_today_nothing_is_kept_from_the_core() -> None:
    assert kept_names(BinnedParams, (1, 0)) == {}
    values = {"binning": "a", "nav_shape": (3,), "name": "b", "oops": 1}
    plugin, core = split(BinnedParams, values)
    assert plugin == {"binning": "a", "nav_shape": (3,), "oops": 1}
    assert core == {"nav_shape": (3,), "name": "b"}


def test_a_note_travels_with_its_data_set(scan: Path) -> None:
    from lamella.dataset.dataset import DataSet
    from lamella.dataset.provenance import Provenance

    source = open_dataset("npy", scan, {}).source
    assert isinstance(source.info, SourceInfo)
    ds = DataSet(source, provenance=Provenance(format="test", title="Test"), notes=("careful",))
    assert pickle.loads(pickle.dumps(ds)).info.notes == ("careful",)
