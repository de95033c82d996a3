"""Arrays in their place in a file, whatever the system can do."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.export.placing import PlacedFile, make_file

HEADER = b"header"
LARGE = np.random.default_rng(2).integers(0, 250, (9, 150, 130)).astype(np.uint8)


def written(path: Path, frames: NDArray[Any], *more: tuple[int, NDArray[Any]]) -> bytes:
    make_file(path, HEADER, frames.nbytes)
    with path.open("r+b", buffering=0) as file:
        placed = PlacedFile(file)
        for start, part in more or [(0, frames)]:
            placed.write(len(HEADER) + start, part)
    return path.read_bytes()[len(HEADER) :]


def test_a_new_file_holds_header_and_zeros(tmp_path: Path) -> None:
    make_file(tmp_path / "new", HEADER, 10_000)
    assert (tmp_path / "new").read_bytes() == HEADER + bytes(10_000)


@pytest.fixture(params=["as the system can", "one by one"])
def _system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "one by one":
        monkeypatch.delattr(os, "pwritev", raising=False)


@pytest.mark.usefixtures("_system")
@pytest.mark.parametrize("step", [1, 2, -1])
def test_frames_that_lie_apart_come_side_by_side(tmp_path: Path, step: int) -> None:
    frames = LARGE[:, :, ::step] if step == 2 else LARGE[::step]
    assert written(tmp_path / "out", frames) == frames.tobytes()
    gaps = np.zeros((9, 151, 130), np.uint8)
    gaps[:, 1:] = LARGE
    assert written(tmp_path / "gaps", LARGE, (0, gaps[:, 1:])) == LARGE.tobytes()


@pytest.mark.usefixtures("_system")
def test_parts_may_come_in_any_order(tmp_path: Path) -> None:
    size = LARGE[0].nbytes
    parts = [(4 * size, LARGE[4:]), (0, LARGE[:3]), (3 * size, LARGE[3:4]), (0, LARGE[:0])]
    assert written(tmp_path / "out", LARGE, *parts) == LARGE.tobytes()


def test_small_frames_with_gaps_are_more_than_a_call_may_take(tmp_path: Path) -> None:
    frames = np.random.default_rng(3).integers(0, 250, (3000, 4, 5)).astype(np.uint8)
    assert written(tmp_path / "out", frames[:, 1:]) == frames[:, 1:].tobytes()


@pytest.mark.skipif(not hasattr(os, "pwritev"), reason="the system writes one piece at a time")
def test_a_system_that_takes_little_at_a_time_gets_the_rest_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.pwritev

    def little(handle: int, pieces: Sequence[memoryview], offset: int) -> int:
        two = b"".join(pieces[:2])[:20_011]
        return whole(handle, [two], offset)

    monkeypatch.setattr(os, "pwritev", little)
    gaps = np.zeros((9, 151, 130), np.uint8)
    gaps[:, 1:] = LARGE
    assert written(tmp_path / "out", LARGE, (0, gaps[:, 1:])) == LARGE.tobytes()


def _answering(code: int) -> Any:
    def fallocate(*_: object) -> int:
        ctypes.set_errno(code)
        return -1

    return lambda *_, **__: SimpleNamespace(fallocate=fallocate)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not reserve")
def test_a_full_disk_is_told_at_once(inline: lamella.Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "scan.npy", LARGE)
    monkeypatch.setattr(ctypes, "CDLL", _answering(errno.ENOSPC))
    with pytest.raises(OSError, match="no room") as caught:
        inline.export_dataset(lamella.open(tmp_path / "scan.npy"), tmp_path / "copy.npy")
    assert caught.value.errno == errno.ENOSPC
    assert [file.name for file in tmp_path.iterdir()] == ["scan.npy"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not reserve")
def test_a_file_system_that_cannot_reserve_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", _answering(errno.EOPNOTSUPP))
    assert written(tmp_path / "out", LARGE) == LARGE.tobytes()
