"""Level 2, tiled: frames in every order and boxes of every size from one session, and a first use by many threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.dataset.framereader import FrameReader
from lamella.io.buffered import BufferedBackend
from lamella.reader import SigBox
from lamella_testkit.checking import check
from lamella_testkit.diagnose import expect_equal, same
from lamella_testkit.kit import Kit
from lamella_testkit.outcomes import Broken
from lamella_testkit.sample import SampleData
from lamella_testkit.switching import busy_switching, in_threads

_THREADS = 8
_MOST_READ = 8 << 20  # bytes of pixels that all threads read together


@check(level=2, since="2026.2")
def orders_and_boxes_mix(kit: Kit) -> None:
    """Frames in order, in reverse, with gaps, twice, or alone, in boxes of every size, all come right from one session.

    What is kept in `io.scratch` must be found again by everything that it depends on: frame, box, and source.
    """
    for number, data in enumerate(kit.kinds()):
        with kit.case(data):
            source = kit.source(kit.written(data))
        boxes = kit.few(_boxes(data.sig_shape))
        with FrameReader(source, BufferedBackend()) as reader:
            for i, frames in enumerate(kit.in_turn(_orders(data.n_frames), number)):
                for box in (*boxes[i % 2 :], *boxes[: i % 2]):
                    with kit.case(f"{data}, frames {frames.tolist()}, {box}"):
                        expected = data.frames[frames][(slice(None), *box.slices)]
                        expect_equal(reader.read(frames, box), expected, "what was read")


def _orders(n: int) -> list[NDArray[np.int64]]:
    every = np.arange(n)
    return [every, every[::-1], every[::3], every[1::2], np.repeat(every[:3], 2), every[-1:], every[:1], every]


def _boxes(shape: Sequence[int]) -> list[SigBox]:
    """Give all of a detector, single pixels of equal shape at several places, a row, and a quarter."""
    rank = len(shape)
    last = tuple(n - 1 for n in shape)
    return [
        SigBox.full(tuple(shape)),
        SigBox((0,) * rank, (1,) * rank),
        SigBox(last, (1,) * rank),
        SigBox((*last[:-1], 0), (*(1,) * (rank - 1), shape[-1])),
        SigBox((0,) * rank, (*(1,) * (rank - 1), shape[-1])),
        SigBox((0,) * rank, tuple(max(1, n // 2) for n in shape)),
        SigBox(tuple(n - max(1, n // 2) for n in shape), tuple(max(1, n // 2) for n in shape)),
    ]


@check(level=2, since="2026.2")
def first_use_is_for_all_threads(kit: Kit) -> None:
    """Eight threads may use a source that nobody has used before, all at once.

    A table that the first read builds must be complete before others see it: build it in `open`, or build it in a
    local variable and assign it in one step.
    """
    for number, variant in enumerate(kit.few(kit.sampler.variants)):
        data = kit.data((4, 16) if number and kit.profile.quick else (16, 32), (3, 2), variant=variant)
        if data.nbytes > _MOST_READ >> 8:  # formats that cannot have so small frames
            data = kit.data((3, 4), (3, 2), variant=variant)
        for _ in range(1 if number and kit.profile.quick else _rounds(kit, data)):
            with kit.case(f"{data}, {_THREADS} threads"), busy_switching():
                sample = kit.copy(kit.written(data)) if kit.of_files else kit.written(data)
                wrong = _read_at_once(kit.source(sample), data)
                if wrong:
                    raise Broken(wrong[0])


def _rounds(kit: Kit, data: SampleData) -> int:
    return max(1, min(kit.profile.least, _MOST_READ // (_THREADS * data.nbytes)))


def _read_at_once(source: Any, data: SampleData) -> list[str]:
    wrong: list[str] = []
    start = threading.Barrier(_THREADS)

    def work(number: int) -> None:
        frames = np.roll(np.arange(data.n_frames), -number * data.n_frames // _THREADS)
        try:
            with FrameReader(source, BufferedBackend()) as reader:
                start.wait()
                if not same(np.asarray(reader.read(frames)), data.frames[frames]):
                    wrong.append(f"thread {number} of {_THREADS} got wrong pixels from a fresh source")
        except Exception as error:
            wrong.append(f"thread {number} of {_THREADS}: {type(error).__name__}: {error}")

    in_threads(work, _THREADS)
    return wrong
