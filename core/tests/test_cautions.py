"""Notes that are warnings; and paths as bytes, as objects, and as URLs."""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.dataset.dataset import DataSet
from lamella.dataset.provenance import Provenance
from lamella.errors import LamellaWarning
from lamella.reader import Caution, Encoding, LinearSource, Resource, RunTable, SourceInfo, decoded_text
from lamella.reader.runs import RunTable as Runs

SCAN = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5)


def _warned(folder: Path, *notes: str) -> list[warnings.WarningMessage]:
    (folder / "a.bin").write_bytes(SCAN.tobytes())
    source = LinearSource(
        resources=(Resource.of(folder / "a.bin"),),
        runs=RunTable.single(offset=0, stride=40, count=3),
        encoding=Encoding(SCAN.dtype, (4, 5)),
        info=SourceInfo(notes=notes),
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        DataSet(source, provenance=Provenance(format="raw", title="raw"), name="scan")
    return caught


def test_a_caution_is_a_warning_at_the_line_of_the_user_and_other_notes_are_none(tmp_path: Path) -> None:
    (one,) = _warned(tmp_path, "gamma was on", Caution("8 frames promised, 5 found; these are shown"))
    assert (one.category, one.filename) == (LamellaWarning, __file__)
    assert str(one.message) == "scan: 8 frames promised, 5 found; these are shown"


def test_many_cautions_are_a_few_warnings(tmp_path: Path) -> None:
    caught = _warned(tmp_path, *(Caution(f"loss {i}") for i in range(100)), Caution("loss 1"))
    assert len(caught) == 9
    assert "92 more warnings" in str(caught[-1].message)


def test_a_file_that_was_cut_is_a_caution_and_one_with_a_tail_is_not() -> None:
    cut, tail = Resource("a.bin", 950, 0), Resource("a.bin", 1050, 0)
    for file, announced, loud in ((cut, 10, True), (cut, None, True), (tail, 10, False)):
        _, (note,) = Runs.that_fit(file, offset=0, stride=100, announced=announced)
        assert isinstance(note, Caution) is loud


class _BytesPath:
    def __init__(self, path: Path) -> None:
        self.path = os.fsencode(path)

    def __fspath__(self) -> bytes:
        return self.path


@pytest.mark.parametrize(
    "spelled",
    [
        os.fsencode,
        _BytesPath,
        Path,
        lambda path: [os.fsencode(path)],
        lambda path: path.as_uri(),
        lambda path: "file:" + path.as_uri().removeprefix("file://"),
        lambda path: path.as_uri().replace("file://", "FILE://localhost"),
        lambda path: f"file://{path}",
    ],
)
def test_a_path_may_be_spelled_in_many_ways(tmp_path: Path, spelled: Any) -> None:
    path = tmp_path / "a b#c.npy"
    np.save(path, SCAN)
    target = spelled(path)
    ds = lamella.open(target)
    np.testing.assert_array_equal(ds.read(), SCAN)
    np.testing.assert_array_equal(ds.recipe.open().read(), SCAN)
    assert lamella.check("auto", target).ok


def test_texts_of_editors_are_read() -> None:
    for coding in ("utf-8", "utf-8-sig", "utf-16", "latin-1"):
        assert decoded_text("HDR,\tµm".encode(coding)) == "HDR,\tµm"
