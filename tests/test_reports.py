"""Every case of `../shared/reports`, where that folder lies beside this repository: files that were once misread."""

from __future__ import annotations

import json
import os
import runpy
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamella
from lamella.errors import LamellaError, LamellaWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamella import DataSet

_REPORTS = Path(__file__).resolve().parents[2] / "shared" / "reports"
_CASES = sorted(path.parent.name for path in _REPORTS.glob("*/case.json"))


def _made(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], Path]:
    case = json.loads((_REPORTS / name / "case.json").read_text(encoding="utf-8"))
    monkeypatch.setattr(sys, "argv", ["make.py", str(folder)])
    made = runpy.run_path(str(_REPORTS / name / "make.py"))
    if hasattr(made.get("p"), "kill"):  # a program that writes; nobody else ends it
        _writers.append(made["p"])
    return case, folder / case["target"]


_writers: list[Any] = []


@pytest.fixture(autouse=True)
def _end_writers() -> Iterator[None]:
    yield
    while _writers:
        _writers[-1].kill()
        _writers.pop().wait()


def _opened(target: Any, **keywords: Any) -> tuple[DataSet | None, list[str], str]:
    """Open a file; give the data set, the warnings that point at this file, and the error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            dataset = lamella.open(target, **keywords)
        except LamellaError as error:
            return None, [], str(error)
    assert all(one.filename == __file__ for one in caught)
    return dataset, [str(one.message) for one in caught if issubclass(one.category, LamellaWarning)], ""


@pytest.mark.skipif(not _CASES, reason="needs ../shared/reports beside the repository")
@pytest.mark.parametrize("name", _CASES or ["none"])
def test_reports_give_what_is_expected(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case, path = _made(name, tmp_path, monkeypatch)
    expected = case["expected"]
    with _held(name, path):
        dataset, warned, error = _opened(path, **case["call kwargs"])
        check = _SPECIAL.get(name)
        if check is not None:
            check(path, dataset, warned, error)
            return
        if "error" in expected:
            assert dataset is None
            return
        assert dataset is not None, error
        if "shape" in expected:
            assert tuple(dataset.shape) == tuple(expected["shape"])
        if "dtype" in expected:
            assert dataset.dtype == expected["dtype"]
        if "warn" in expected:
            assert warned
        pixels = np.load(tmp_path / "expected.npy")
        assert np.array_equal(np.asarray(dataset).reshape(pixels.shape), pixels)


class _held:
    """Keep a file open through h5py, as case 53 has it."""

    def __init__(self, name: str, path: Path) -> None:
        self._path = path if name.startswith("53-") else None
        self._file: Any = None

    def __enter__(self) -> None:
        if self._path is not None:
            import h5py

            self._file = h5py.File(self._path, "r")

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _nsymbt(path: Path, dataset: DataSet | None, warned: list[str], error: str) -> None:
    assert dataset is not None, error
    assert tuple(dataset.shape) == (7, 16, 16)
    assert np.array_equal(np.asarray(dataset), np.load(path.parent / "expected.npy"))
    assert any("1024" in text for text in warned)


def _planned(path: Path, dataset: DataSet | None, warned: list[str], error: str) -> None:
    assert dataset is not None, error
    assert tuple(dataset.shape) in ((1, 6, 8), (999, 6, 8))
    assert dataset.frame_map.counts.shown == 1
    assert np.array_equal(dataset[0], np.load(path.parent / "expected.npy")[0])
    assert any("999" in text for text in warned)


def _differ(path: Path, dataset: DataSet | None, warned: list[str], error: str) -> None:
    assert "element 1" in error
    assert "(6, 8)" in error
    assert "(3, 4)" in error


def _paths(path: Path, dataset: DataSet | None, warned: list[str], error: str) -> None:
    assert dataset is not None, error
    for target in (os.fsencode(path), Path(path)):
        again, _, error = _opened(target)
        assert again is not None, error
        assert tuple(again.shape) == (3, 4, 5)


def _scales(path: Path, dataset: DataSet | None, warned: list[str], error: str) -> None:
    assert dataset is not None, error
    assert tuple(dataset.shape) == (3, 4, 5, 6)
    assert [axis.scale for axis in dataset.axes] == [0.5] * 4
    assert np.array_equal(np.asarray(dataset), np.load(path.parent / "expected.npy"))


def _hole(path: Path, dataset: DataSet | None, warned: list[str], error: str) -> None:
    assert dataset is not None, error
    frames = np.arange(12 * 4 * 6, dtype=np.uint16).reshape(12, 4, 6)
    shown = np.flatnonzero(dataset.valid_mask.ravel()).tolist()
    assert shown == [0, 1, 2, 3, 8, 9, 10, 11]
    assert np.array_equal(dataset.read(Ellipsis, fill=0).reshape(-1, 4, 6)[shown], frames[shown])
    assert any("s_data_000002.h5" in text for text in warned)


def _signal(path: Path, dataset: DataSet | None, warned: list[str], error: str) -> None:
    assert "scan-mic.hdf5" in error


def _stream(path: Path, dataset: DataSet | None, warned: list[str], error: str) -> None:
    assert dataset is not None or ("spectr" in error.lower() and "event" in error.lower())
    if dataset is not None:
        assert tuple(dataset.shape) == (4096,)


def _nothing(path: Path, dataset: DataSet | None, warned: list[str], error: str) -> None:
    assert "no frame" in error


def _electrons(path: Path, dataset: DataSet | None, warned: list[str], error: str) -> None:
    assert "stempy" in error
    assert "events" in error


def _dark(path: Path, dataset: DataSet | None, warned: list[str], error: str) -> None:
    assert dataset is not None, error
    assert any("dark" in text and "scan_000.frms6" in text for text in warned)


def _bom(path: Path, dataset: DataSet | None, warned: list[str], error: str) -> None:
    assert dataset is not None, error
    assert tuple(dataset.shape) == (3, 4, 256, 256)


def _aborted(path: Path, dataset: DataSet | None, warned: list[str], error: str) -> None:
    assert dataset is not None, error
    assert dataset.frame_map.counts.frames == 12
    assert any("65536" in text and "12" in text for text in warned)


_SPECIAL = {
    "03-mrc-nsymbt-without-exthdr": _nsymbt,
    "20-ser-total-999-valid-1": _planned,
    "24-ser-shapes-differ": _differ,
    "39-dm-bool-path-bytes-pathlike": _paths,
    "40-emd-dims-without-attrs": _scales,
    "45-eiger-hole": _hole,
    "48-nexus-signal-file-missing": _signal,
    "49b-velox-spectrum-stream": _stream,
    "59-h5-zero-frames": _nothing,
    "64-stempy-electron-events": _electrons,
    "65-frms6-dark-part-missing": _dark,
    "67-mib-hdr-utf8-bom": _bom,
    "97-mib-hdr-says-more": _aborted,
}
