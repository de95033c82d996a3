"""Level 4, fast: opening does not depend on size, streaming comes near to NumPy, memory stays small."""

from __future__ import annotations

import math
import os
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from lamella.dataset.dataset import DataSet
from lamella.dataset.framereader import FrameReader
from lamella.dataset.partition import Partition
from lamella.dataset.tiling import MAX_TILE_BYTES, TILE_BYTES
from lamella.format import Capability
from lamella.kernels.compilequeue import compile_queue
from lamella.kernels.library import nothing_compiled
from lamella.reader import SigBox
from lamella_testkit.checking import check
from lamella_testkit.kit import Kit, sample_of
from lamella_testkit.limits import address_space, queued
from lamella_testkit.outcomes import Broken, NotHere
from lamella_testkit.sample import SampleData, Special
from lamella_testkit.spy import SpyBackend

_TEBIBYTE = 1 << 40
_OPEN_SECONDS = 1.0
_FRAME_SECONDS = 0.5
_CASE_SECONDS = 120.0
_BLOCK = 4 << 20
"""Bytes of a block of frames that a source may keep, whatever its hints say."""
_QUIET = 1.4
"""What pure computing gains from a second thread on a machine that has nothing else to do, at least."""


@check(level=4)
def a_tebibyte_opens_at_once(kit: Kit) -> None:
    """A scan of nominally 1 TiB opens in less than a second and within 64 MiB, and a frame at its end comes at once.

    Look for loops over frames and arrays with an entry per pixel or per frame; offsets must be 64 bit numbers.
    """
    directory = kit.directory()
    try:
        answer = kit.sampler.write_sparse(directory, _TEBIBYTE)
    except OSError as error:
        raise NotHere(f"a sparse file of 1 TiB cannot be made here: {error}") from None
    if answer is None:
        raise NotHere("the sampler does not write sparse files (write_sparse)")
    sample = sample_of(kit.data(), directory, answer.keywords if isinstance(answer, Special) else answer)
    with kit.case("a sparse file of 1 TiB", seconds=30), address_space(2 * _TEBIBYTE + (64 << 20)):
        began = time.perf_counter()
        ds = kit.open(sample)
        took = time.perf_counter() - began
        kit.expect(ds.nbytes > _TEBIBYTE // 4, f"the scan has {ds.nbytes} bytes, expected about {_TEBIBYTE}")
        kit.expect(took < _OPEN_SECONDS, f"opening takes {took:.2f} s")
        last = tuple(n - 1 for n in ds.shape.nav)
        corner = tuple(slice(max(0, n - 16), n) for n in ds.shape.sig)
        began = time.perf_counter()
        ds[(*last, *corner)]
        took = time.perf_counter() - began
        kit.expect(took < _FRAME_SECONDS, f"part of the last frame takes {took:.2f} s")


def _large(kit: Kit) -> SampleData:
    """Give a scan of the size that the profile allows."""
    size = kit.sampler.largest // 8 if kit.profile.quick else kit.sampler.largest
    itemsize = np.dtype(kit.sampler.dtypes[0]).itemsize
    return kit.data((16, max(1, size // (16 * 256 * 256 * itemsize))), (256, 256))


def _large_scan(kit: Kit) -> tuple[DataSet, SampleData]:
    """Open a large scan as after a first run: files are mapped then, where that is safe."""
    data = _large(kit)
    compile_queue.guard_mappings()
    return kit.open(kit.written(data)), data


def _sum_tiles(partitions: list[Partition], ds: DataSet) -> Any:
    total = np.zeros(tuple(ds.shape.sig))
    scheme = ds.scheme()
    for part in partitions:
        for tile in part.tiles(scheme):
            total[tile.box.slices] += tile.data.sum(axis=0)
    return total


def _best(action: Callable[[], object], times: int = 5) -> float:
    fastest = math.inf
    for _ in range(times):
        began = time.perf_counter()
        action()
        fastest = min(fastest, time.perf_counter() - began)
    return fastest


@check(level=4)
def sums_are_near_to_numpy(kit: Kit) -> None:
    """Summing all tiles of a large scan reaches half the speed of the same loop over a NumPy memory map.

    A format that has to decode declares its own share as `floor` of the sampler. Look for copies, small reads, and
    Python code per frame; `hints` tell the core which blocks are cheap.
    """
    ds, data = _large_scan(kit)
    plain = kit.directory() / "plain.bin"
    data.frames.astype(data.native_dtype).tofile(plain)
    mapped = np.memmap(plain, dtype=data.native_dtype, mode="r", shape=(data.n_frames, *data.sig_shape))
    frame = data.nbytes // data.n_frames
    depth = max(1, TILE_BYTES // frame)

    def with_numpy() -> Any:
        total = np.zeros(data.sig_shape)
        for start in range(0, data.n_frames, depth):
            total += mapped[start : start + depth].sum(axis=0)
        return total

    with kit.case(f"{data}, {data.nbytes >> 20} MiB", seconds=_CASE_SECONDS):
        expected, found = with_numpy(), _sum_tiles(list(ds.partitions()), ds)
        kit.expect(np.allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max()), "the sum is wrong")
        share = 0.0
        for _ in range(3):
            share = max(share, _best(with_numpy, 3) / _best(lambda: _sum_tiles(list(ds.partitions()), ds), 3))
            if share >= kit.sampler.floor:
                break
    kit.expect(
        share >= kit.sampler.floor, f"it reaches {share:.0%} of the speed of NumPy, expected {kit.sampler.floor:.0%}"
    )


@check(level=4)
def two_workers_are_faster_than_one(kit: Kit) -> None:
    """Two threads that share a scan need less than 1/1.5 of the time of one, as far as the machine allows.

    Both threads read as many partitions: of three frames, each is read twice. The time that a thread waits for a
    processor does not count, where the system tells it: other programs may run.

    Look for locks, and for Python code that holds the interpreter while it decodes.
    """
    if (os.cpu_count() or 1) < 2:
        raise NotHere("there is one processor only")
    ds, data = _large_scan(kit)
    parts = list(ds.partitions(16))
    if len(parts) % 2:
        parts *= 2  # two threads share an odd number of parts unequally: three frames could not give more than 1.5
    block = np.arange(1 << 16, dtype=np.float64)

    def work(partitions: list[Partition]) -> None:
        scheme = ds.scheme()
        for part in partitions:
            for tile in part.tiles(scheme):
                np.sqrt(np.abs(tile.data.astype(np.complex64 if tile.data.dtype.kind == "c" else np.float32))).sum()

    def compute(times: list[int]) -> None:
        roots = np.empty_like(block)
        for _ in times:
            for _ in range(10):
                np.sqrt(block, out=roots).sum()

    with kit.case(f"{data}, {data.nbytes >> 20} MiB", seconds=_CASE_SECONDS):
        tries = []
        for _ in range(8):
            possible, found = _gain(compute, list(range(40))), _gain(work, parts)
            if found >= min(1.5, 0.8 * possible) and possible >= _QUIET:
                return
            tries.append((possible, found))
    quiet = [(possible, found) for possible, found in tries if possible >= _QUIET]
    if len(quiet) < 3:
        raise NotHere(f"the machine is too busy: pure computing gains {max(tries)[0]:.2f} from a second thread")
    possible, found = max(quiet, key=lambda one: one[1])
    raise Broken(f"a second thread gives {found:.2f} times the speed, where pure computing gains {possible:.2f}")


def _gain(work: Callable[[list[Any]], None], items: list[Any]) -> float:
    """Give how many times as long one thread needs for the items as the slower one of two that share them."""
    work(items[:2])

    def slowest(shares: list[list[Any]]) -> float:
        with ThreadPoolExecutor(len(shares)) as pool:
            return max(half.result() for half in [pool.submit(_needed, partial(work, share)) for share in shares])

    # The main thread is left out: memory that it frees goes back to the system sooner, which slows it down.
    alone, shared = [items], [items[::2], items[1::2]]
    return min(slowest(alone), slowest(alone)) / min(slowest(shared), slowest(shared))


def _needed(action: Callable[[], object]) -> float:
    """Time an action, but for the time that its thread waited for a processor."""
    began, waited = time.perf_counter(), queued()
    action()
    return time.perf_counter() - began - (queued() - waited)


@check(level=4)
def memory_stays_in_budget(kit: Kit) -> None:
    """Streaming a large scan takes no more memory than some tiles and some frames, however large the scan.

    Reuse buffers through `io.scratch`, decode what is asked for, and release it.
    """
    ds, data = _large_scan(kit)
    frame = data.nbytes // data.n_frames
    block = min(frame * ds.source.hints.frame_block, max(frame, _BLOCK))
    allowed = 8 * MAX_TILE_BYTES + 8 * block + (4 << 20)
    with nothing_compiled(), kit.case(f"{data}, {data.nbytes >> 20} MiB", seconds=_CASE_SECONDS):
        _sum_tiles(list(ds.partitions(4))[:1], ds)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            _sum_tiles(list(ds.partitions()), ds)
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
    kit.expect(peak <= allowed, f"it takes {peak >> 20} MiB at most, expected {allowed >> 20} MiB")


@check(level=4)
def zero_copy_holds(kit: Kit) -> None:
    """`zero-copy` declared: tiles of stored dtype are views of the file's memory map; not declared: they are copies.

    Only one run of frames, stored in native byte order and without a codec, can be shown without copying.
    """
    kinds = [data for data in kit.kinds((2, 3), (8, 8)) if data.stored_dtype.isnative]
    copied = [data for data in kinds if not _is_view(kit, data)]
    if kit.has(Capability.ZERO_COPY):
        if len(copied) == len(kinds):
            raise Broken("tiles are copies", example=str(copied[0]) if copied else None)
    else:
        kit.expect(copied or not kinds, "tiles are views: declare the capability zero-copy")


def _is_view(kit: Kit, data: SampleData) -> bool:
    """Whether a tile lies in memory that nobody allocated for it."""
    source = kit.source(kit.written(data))
    with kit.case(data), FrameReader(source, SpyBackend(zero_copy=True)) as reader:
        full = SigBox.full(data.sig_shape)
        reader.read(range(1), full)
        tracemalloc.start()
        try:
            first = reader.read(range(1), full)
            taken = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        kept = reader._buffers.values()
        return (
            not first.flags.writeable
            and not any(np.shares_memory(first, buffer) for buffer in kept)
            and taken < 1 << 20
        )
