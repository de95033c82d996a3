"""Real files are found below the folder that the environment names, with what was found in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lamella_testkit import recorded_files

SUMS = {"image/a.tern": "00", "scan/b.tern": "11", "absent/c.tern": "22"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, navigate in (("image/a.tern", False), ("scan/b.tern", True)):
        path = tmp_path / "tern" / name
        path.parent.mkdir(parents=True)
        path.touch()
        np.save(path.with_name("expected.npy"), np.arange(6).reshape(2, 3))
        facts = {"load": {"dtype": "u2"} if navigate else None, "axes": [{"navigate": navigate}, {"navigate": False}]}
        path.with_name("sample.json").write_text(json.dumps(facts))
    monkeypatch.setenv("LAMELLA_SAMPLES", str(tmp_path))
    return tmp_path


def test_those_that_are_there_are_given(folder: Path) -> None:
    image, scan = recorded_files("tern", SUMS)
    assert (image.path, image.sha256, image.keywords) == (folder / "tern/image/a.tern", "00", {})
    assert (image.expected.shape, scan.expected.shape) == ((1, 2, 3), (2, 3))
    assert scan.keywords == {"dtype": "u2"}


def test_pixels_alone_will_do(folder: Path) -> None:
    (folder / "tern/image/sample.json").unlink()
    [image] = recorded_files("tern", {"image/a.tern": "00"})
    assert image.expected.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_there_are_none_unless_a_folder_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAMELLA_SAMPLES")
    assert list(recorded_files("tern", SUMS)) == []
