"""Compiling ahead from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.cli import commoncalls as warming, kernelstate, main
from lamella.codecs.chips import QuadCodec
from lamella.codecs.folding import FoldingCodec
from lamella.codecs.packed import PackedCodec
from lamella.codecs.words import WordCodec
from lamella.kernels import builtin, library, store
from lamella.kernels.compilequeue import compile_queue
from lamella.kernels.library import Kernel


def test_warm_makes_kernels_ready(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls = [call for call in warming.common_calls() if call[0] is builtin.add_pixels][:2]
    monkeypatch.setattr(warming, "common_calls", lambda: iter(calls))
    monkeypatch.setattr(builtin.add_pixels, "_ready", {})
    assert main(["warm", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kernels"] == 2
    assert len(builtin.add_pixels._ready) == 2


def test_doctor_says_which_kernels_are_there_and_what_loading_costs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    calls = [call for call in warming.common_calls() if call[0] is builtin.add_pixels][:2]
    monkeypatch.setattr(kernelstate, "common_calls", lambda: iter(calls))
    monkeypatch.setattr(store, "candidate_folders", lambda: [tmp_path])

    def told() -> dict[str, Any]:
        main(["doctor", "--json"])
        findings = json.loads(capsys.readouterr().out)["findings"]
        found: dict[str, Any] = {finding["subject"]: finding for finding in findings}["kernel add_pixels"]
        return found

    before = told()
    assert before["message"] == "not on disk for uint8, uint16"
    assert before["remedy"] == "lamella warm"
    Kernel(builtin.add_pixels.compiled, builtin.add_pixels.fallback).compile_for(*calls[0][1])
    after = told()["message"]
    assert after.startswith("on disk for uint8 (")
    assert "ms" in after
    assert after.endswith("not on disk for uint16")


def test_warm_does_not_compile_what_cannot_be_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lamella.cli.compileahead.cache_folder", lambda: None)
    assert main(["warm"]) == 1
    assert "LAMELLA_KERNEL_CACHE" in capsys.readouterr().err


def test_warm_compiles_what_a_file_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    used = []
    monkeypatch.setattr(warming, "common_calls", lambda: iter(()))
    monkeypatch.setattr(compile_queue, "make_now", lambda job: used.append(job.compiled.partition(":")[2]))
    np.save(tmp_path / "scan.npy", np.ones((3, 50, 4, 6), ">i4"))
    assert main(["warm", str(tmp_path / "scan.npy"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kernels"] == 0
    assert {"add_frames", "add_pixels", "add_moments", "weigh_pixels", "reduce_rows"} <= set(used)


def test_a_file_that_is_missing_is_told_before_anything_is_compiled(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compile_queue, "make_now", lambda job: pytest.fail(f"compiles {job.compiled}"))
    assert main(["warm", "missing.npy"]) == 1
    assert "missing.npy" in capsys.readouterr().err


def test_common_calls_are_valid_for_the_numpy_versions_too() -> None:
    for kernel, arguments in warming.common_calls():
        kernel.fallback(*arguments)


@pytest.mark.parametrize(
    ("codec", "sig_shape"),
    [
        (PackedCodec(1), (4, 8)),
        (PackedCodec(6), (4, 8)),
        (PackedCodec(12), (4, 8)),
        (WordCodec(1), (4, 64)),
        (QuadCodec(1), (4, 512)),
        (QuadCodec(16), (4, 512)),
        (FoldingCodec(), (4, 8)),
    ],
)
@pytest.mark.parametrize("gap", [0, 8])
def test_what_is_compiled_ahead_is_what_files_need(
    codec: Any, sig_shape: tuple[int, int], gap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(kernel: Kernel, *given: Any) -> tuple[str, Any]:
        return kernel.compiled, library._layout_free(tuple(map(library._kind, given)))

    ahead = {version(kernel, *arguments) for kernel, arguments in warming.common_calls()}
    used = set()
    monkeypatch.setattr(Kernel, "__call__", lambda kernel, *given: used.add(version(kernel, *given)))
    nbytes = codec.stored_nbytes(sig_shape)
    codec.decode(np.zeros((3, nbytes + gap), np.uint8)[:, :nbytes], np.zeros((3, *sig_shape), codec.dtype))
    assert used
    assert used <= ahead
