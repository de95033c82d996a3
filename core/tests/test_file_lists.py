"""A list of files is one target, for formats that say so."""

import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.errors import NoFormatError, ParameterError
from lamella.format import API_VERSION, Capability, FormatSpec
from lamella.opening.detect import detect
from lamella.opening.open import open_dataset
from lamella.plugins.registry import Registry
from lamella.reader.match import Match
from lamella.reader.probe import Probe
from lamella.reader.resource import Resource
from lamella.reader.runs import RunTable
from lamella.reader.source import Encoding, LinearSource, SourceInfo


@dataclass(frozen=True, kw_only=True)
class Params:
    """None."""


class Reader:
    """Takes each file as one frame of four bytes."""

    def detect(self, probe: Probe) -> Match:
        return Match(80, "any file")

    def open(self, params: Params, probe: Probe) -> LinearSource:
        n = len(probe.paths)
        return LinearSource(
            resources=tuple(Resource.of(path) for path in probe.paths),
            runs=RunTable(range(n), [0] * n, [4] * n, [1] * n),
            encoding=Encoding(np.dtype("u1"), (2, 2)),
            info=SourceInfo(),
        )


def registry(*capabilities: Capability) -> Registry:
    module: Any = types.ModuleType("a_format_for_lists")
    module.Reader, module.Params = Reader, Params
    sys.modules[module.__name__] = module
    made = Registry(environ={}, entry_points=lambda group: ())
    made.register(
        FormatSpec(
            name="foo",
            title="Foo",
            api=API_VERSION,
            reader="a_format_for_lists:Reader",
            params="a_format_for_lists:Params",
            capabilities=frozenset(capabilities),
        )
    )
    return made


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{i}.foo" for i in range(3)]
    for i, path in enumerate(paths):
        path.write_bytes(bytes([i] * 4))
    return paths


def test_a_probe_of_a_list_looks_at_the_first_and_knows_all(files: list[Path]) -> None:
    probe = Probe.of([str(path) for path in files])
    assert (probe.path, probe.paths) == (files[0], tuple(files))
    assert probe.head == bytes(4)
    assert "and 2 more" in repr(probe)


def test_a_list_opens_in_its_order(files: list[Path]) -> None:
    ds = open_dataset("auto", files[::-1], {}, registry=registry(Capability.FILE_LIST))
    assert ds.read()[:, 0, 0].tolist() == [2, 1, 0]
    assert ds.provenance.target == f"{files[2]} and 2 more"


def test_a_list_is_not_offered_to_formats_of_single_files(files: list[Path]) -> None:
    (candidate,) = detect(files, registry()).candidates
    assert candidate.rejected == "it opens one file, not a list of files"
    with pytest.raises(NoFormatError):
        open_dataset("auto", files, {}, registry=registry())
    with pytest.raises(ParameterError, match="'foo' opens one file, found a list of 3"):
        open_dataset("foo", files, {}, registry=registry())


def test_a_list_of_one_file_is_that_file(files: list[Path]) -> None:
    assert open_dataset("foo", files[1:2], {}, registry=registry()).read().max() == 1
