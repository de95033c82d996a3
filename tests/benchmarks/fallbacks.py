"""Measure what a second worker gains while the NumPy versions of kernels compute.

    python tests/benchmarks/fallbacks.py

Each version computes with one thread and with two, which take turns of a tenth of a second; each thread has a tile of
its own, as large as those of the engine. The table has the rate of one thread, and how many times as fast two are:
the median of all turns, and the middle half of them. The first rows are plain loops of NumPy, which show what the
machine gives: nothing in such a table can gain more than the loop that moves as many bytes. `correct_rows` moves those
of the last two: it writes a tile of floating point numbers, and goes over it once more for the gain.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lamella.dataset.tiling import DECODED_TILE_BYTES, NUMPY_TILE_BYTES, TILE_BYTES, TilingScheme, negotiate
from lamella.executors.onethread import one_thread
from lamella.kernels import fallback, sparse_fallback
from lamella.system.memory import keep_freed_memory

SIDE = 256
PIXELS = SIDE * SIDE
DTYPES = ("u1", "u2", ">u2", "i4", "f4")
TARGET = 1.5
_OFTEN = 64
"""How often the plain loops go over arrays that stay in the cache."""
_FRAMES, _EVENTS = 1 << 8, 1 << 12
"""Of a tile of events, which has a million of them: frames, and events of each."""
_COLUMNS = ("fallback", "one thread [GB/s]", "two beside one", "middle half", "turns")

Call = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """Something that threads do again and again.

    Parameters
    ----------
    name
        The function, the dtype of pixels or values, and what matters beside.
    nbytes
        How much it takes.
    make
        Gives the call, with arrays of its own.
    """

    name: str
    nbytes: int
    make: Callable[[], Call]


def main() -> None:
    """Measure what the command line asks for, and print a table."""
    options = _parser().parse_args()
    keep_freed_memory()
    fallback._ITEMS = options.items
    chosen = [case for case in (*plain(), *dense(), *sparse()) if any(name in case.name for name in options.only)]
    _say(f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}")
    below = []
    with ThreadPoolExecutor(2) as pool:
        for case in chosen:
            rate, gains = measured(case, pool, options.seconds, options.turn)
            low, middle, high = statistics.quantiles(gains, n=4) if len(gains) > 1 else 3 * gains
            _say(f"| {case.name} | {rate:.2f} | {middle:.2f} | {low:.2f} to {high:.2f} | {len(gains)} |")
            if middle < TARGET and not case.name.startswith("plain"):
                below.append(case.name)
    _say(f"\nBelow {TARGET}: {'; '.join(below) or 'none'}")


def measured(case: Case, pool: ThreadPoolExecutor, seconds: float, turn: float) -> tuple[float, list[float]]:
    """Give the rate of one thread [GB/s], and how many times as fast two are in each turn."""
    calls = [case.make(), case.make()]
    for call in calls:
        call()
    alone: list[float] = []
    gains: list[float] = []
    end = time.perf_counter() + seconds
    while not gains or time.perf_counter() < end:
        one = side_by_side(calls[len(gains) % 2 :][:1], pool, turn)
        alone.append(one)
        gains.append(side_by_side(calls, pool, turn) / one)
    return statistics.median(alone) * case.nbytes / 1e9, gains


def side_by_side(calls: Sequence[Call], pool: ThreadPoolExecutor, seconds: float) -> float:
    """Let a thread for each call repeat it for some time; gives calls per second of all of them."""
    start = threading.Barrier(len(calls))
    return sum(pool.map(lambda call: _repeated(call, start, seconds), calls))


def _repeated(call: Call, start: threading.Barrier, seconds: float) -> float:
    with one_thread:
        start.wait()
        begin = now = time.perf_counter()
        done = 0
        while done < 2 or now - begin < seconds:
            call()
            done += 1
            now = time.perf_counter()
    return done / (now - begin)


def plain() -> Iterator[Case]:
    """Give loops that show what the machine gives."""
    yield Case("plain: sin of 64 KiB", _OFTEN << 16, lambda: partial(_often, np.sin, *_arrays(1 << 13, 2)))
    yield Case("plain: add in the L2 cache", _OFTEN * 3 << 17, lambda: partial(_often, np.add, *_arrays(1 << 14, 3)))
    yield Case("plain: read a tile", NUMPY_TILE_BYTES, lambda: partial(np.max, *_arrays(NUMPY_TILE_BYTES // 8, 1)))
    yield Case("plain: multiply 2 MiB", _OFTEN << 21, lambda: partial(_often, np.multiply, *3 * _arrays(1 << 18, 1)))
    nbytes = math.prod(_tile(np.float32, TILE_BYTES).shape) * 4
    yield Case("plain: copy a corrected tile", nbytes, lambda: partial(np.copyto, *_arrays(nbytes // 8, 2)))
    yield Case("plain: copy it, double it", nbytes, lambda: partial(_copy_and_double, *_arrays(nbytes // 8, 2)))


def _copy_and_double(to: Any, tile: Any) -> None:
    np.copyto(to, tile)
    to += to


def _often(function: Any, *arrays: Any) -> None:
    for _ in range(_OFTEN):
        function(*arrays[:-1], out=arrays[-1])


def _tile(dtype: Any, target: int) -> TilingScheme:
    """Give the tiles in which frames are corrected or made of events."""
    return negotiate(sig_shape=(SIDE, SIDE), itemsize=np.dtype(dtype).itemsize, n_frames=1 << 12, target=target)


def _arrays(size: int, count: int) -> list[Any]:
    return [np.ones(size) for _ in range(count)]


def dense() -> Iterator[Case]:
    """Give the versions that take rows of pixels."""
    for dtype in DTYPES:
        kind = np.dtype(dtype)
        shape = NUMPY_TILE_BYTES // kind.itemsize // PIXELS, PIXELS
        for name, what, arguments in _dense(kind):
            yield _rows_case(name, kind, what, shape, arguments)
        single = np.result_type(kind, np.float32)
        tile = _tile(single, TILE_BYTES)
        shape = tile.depth, tile.boxes[0].size
        for what, gain in ((", dark", 0), (", dark and gain", shape[1])):
            yield _rows_case("correct_rows", kind, what, shape, partial(_planes, single, shape, gain))


def _rows_case(
    name: str, kind: np.dtype[Any], what: str, shape: tuple[int, int], arguments: Callable[[int], Sequence[Any]]
) -> Case:
    make = partial(_with_tile, name, kind, shape, arguments)
    return Case(f"{name} of {kind.str.lstrip('<|')}{what}", math.prod(shape) * kind.itemsize, make)


def _dense(kind: np.dtype[Any]) -> Iterator[tuple[str, str, Callable[[int], Sequence[Any]]]]:
    """Give functions, what matters beside, and what they get after a tile of so many rows."""
    small = kind.kind == "u" and kind.itemsize <= 2
    wide = np.dtype(np.float64 if kind.kind == "f" else np.int64)
    single = np.result_type(kind, np.float32)
    moments = [np.zeros(PIXELS), *np.zeros((2, PIXELS), np.int64 if small else np.float64)]

    def everything(rows: int) -> list[Any]:
        return [*map(np.copy, moments), np.zeros(rows, wide), *_weights(3, single, rows)]

    yield "add_frames", "", lambda _: [np.zeros(PIXELS, wide)]
    yield "add_pixels", "", lambda rows: [np.zeros(rows, wide)]
    if small:
        yield "add_squares", "", lambda _: [*map(np.copy, moments[1:])]
    else:
        yield "add_moments", "", lambda _: [*map(np.copy, moments)]
    for count in (1, 3, 8):
        yield "weigh_pixels", f", masks: {count}", partial(_weights, count, single)
    yield "weigh_items", ", masks: 8", _listed
    yield "reduce_rows", ", all", everything


def _planes(dtype: np.dtype[Any], shape: tuple[int, int], gain: int, _: int) -> list[Any]:
    return [np.ones(shape[1], dtype), np.ones(gain, dtype), np.empty(shape, dtype)]


def _with_tile(
    name: str, kind: np.dtype[Any], shape: tuple[int, int], arguments: Callable[[int], Sequence[Any]]
) -> Call:
    frame = np.random.default_rng(0).poisson(3, shape[1]).astype(kind).view(kind.newbyteorder("="))
    tile = np.tile(frame, (shape[0], 1))
    return partial(getattr(fallback, name), tile, () if kind.isnative else (1,), *arguments(shape[0]))


def _weights(count: int, dtype: np.dtype[Any], rows: int) -> list[Any]:
    return [np.random.default_rng(1).random((count, PIXELS)).astype(dtype), np.zeros((rows, count))]


def _listed(rows: int) -> list[Any]:
    """Give eight disks, as the pixels in them in the order of the frame."""
    y, x = np.indices((SIDE, SIDE))
    disks = [(y - 128) ** 2 + (x - 16 - 32 * k) ** 2 <= 256 for k in range(8)]
    items, numbers = np.nonzero(np.stack(disks).reshape(8, PIXELS).T)
    return [items, numbers, np.full(items.size, 0.5), np.zeros((rows, 8))]


def sparse() -> Iterator[Case]:
    """Give the versions that take events, as many of each frame as counting cameras have."""
    for dtype in ("u1", "f4"):
        kind = np.dtype(dtype)
        for name, what, frames, arguments in _sparse(kind):
            nbytes = frames * _EVENTS * (kind.itemsize + 4)
            make = partial(_with_events, name, kind, frames, bool(what), arguments)
            yield Case(f"{name} of {dtype}{what}", nbytes, make)


def _sparse(kind: np.dtype[Any]) -> Iterator[tuple[str, str, int, Callable[[], Sequence[Any]]]]:
    """Give functions, what matters beside, frames of a tile, and what they get after values, pixels and starts."""
    wide = np.dtype(np.float64 if kind.kind == "f" else np.int64)
    depth = _tile(kind, DECODED_TILE_BYTES).depth
    yield "add_events", "", _FRAMES, lambda: [np.zeros(PIXELS, wide)]
    yield "add_rows", "", _FRAMES, lambda: [np.zeros(_FRAMES, wide)]
    for what in ("", ", some twice"):
        yield "spread_events", what, depth, lambda: [np.zeros((depth, PIXELS), kind)]
    yield "weigh_events", "", _FRAMES, lambda: [np.ones((1, PIXELS, 4), np.float32), np.zeros((_FRAMES, 4))]
    yield "weigh_listed", "", _FRAMES, lambda: [*_by_pixel(), np.zeros((_FRAMES, 4))]


def _with_events(
    name: str, kind: np.dtype[Any], frames: int, twice: bool, arguments: Callable[[], Sequence[Any]]
) -> Call:
    rng = np.random.default_rng(2)
    steps = rng.integers(0 if twice else 1, 2 * PIXELS // _EVENTS - 1, (frames, _EVENTS))
    pixels = np.cumsum(steps, axis=1).astype(np.uint32).reshape(-1)
    starts = np.arange(frames + 1) * _EVENTS
    values = rng.integers(1, 4, pixels.size).astype(kind)
    shorter: dict[str, list[Any]] = {"add_events": [pixels], "add_rows": [starts]}
    given = shorter.get(name, [pixels, starts])
    return partial(getattr(sparse_fallback, name), values, *given, *arguments())


def _by_pixel() -> list[Any]:
    """Give four masks of which each pixel is in one."""
    return [np.arange(PIXELS + 1), np.arange(PIXELS) % 4, np.ones(PIXELS, np.float32)]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only",
        type=lambda text: text.split(";"),
        default=[""],
        help="parts of names, such as 'plain;weigh_pixels of u2'",
    )
    parser.add_argument("--seconds", type=float, default=3, help="how long each is measured [s]")
    parser.add_argument("--turn", type=float, default=0.1, help="how long a turn takes at least [s]")
    parser.add_argument("--items", type=int, default=fallback._ITEMS, help="pixels that are converted at a time")
    return parser


if __name__ == "__main__":
    main()
