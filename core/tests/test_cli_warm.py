"""Compiling ahead from the command line."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from lamella.cli import commoncalls as warming, main
from lamella.codecs.chips import QuadCodec
from lamella.codecs.folding import FoldingCodec
from lamella.codecs.packed import PackedCodec
from lamella.codecs.words import WordCodec
from lamella.kernels import builtin, library
from lamella.kernels.library import Kernel


def test_warm_makes_kernels_ready(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls = [call for call in warming.common_calls() if call[0] is builtin.add_pixels][:2]
    monkeypatch.setattr(warming, "common_calls", lambda: iter(calls))
    monkeypatch.setattr(builtin.add_pixels, "_ready", {})
    assert main(["warm", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kernels"] == 2
    assert len(builtin.add_pixels._ready) == 2


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
    ahead = {(kernel.compiled, tuple(map(library._kind, arguments))) for kernel, arguments in warming.common_calls()}
    used = set()
    monkeypatch.setattr(
        Kernel, "__call__", lambda kernel, *given: used.add((kernel.compiled, tuple(map(library._kind, given))))
    )
    nbytes = codec.stored_nbytes(sig_shape)
    codec.decode(np.zeros((3, nbytes + gap), np.uint8)[:, :nbytes], np.zeros((3, *sig_shape), codec.dtype))
    assert used
    assert used <= ahead
