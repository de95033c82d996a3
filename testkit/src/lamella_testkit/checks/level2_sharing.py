"""Level 2, tiled: data sets travel to other processes, are read by many threads, and do not disturb each other."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from lamella.api import Context
from lamella.dataset.dataset import DataSet
from lamella.dataset.framereader import FrameReader
from lamella.dataset.tiling import TilingScheme
from lamella.io import IOBackend
from lamella.io.buffered import BufferedBackend
from lamella.io.mmap import MmapBackend
from lamella.reader import SigBox
from lamella.udf import SumSigUDF, SumUDF
from lamella_testkit.checking import check
from lamella_testkit.diagnose import expect_equal, same
from lamella_testkit.kit import Kit
from lamella_testkit.model import scan
from lamella_testkit.outcomes import Broken
from lamella_testkit.sample import SampleData
from lamella_testkit.spawned import read_in_child
from lamella_testkit.switching import busy_switching, in_threads

_THREADS = 8
_MOST_READ = 1 << 30  # bytes of pixels that all threads read together
_FEWEST = 4  # rounds that each thread makes, however long they take
_PARTITION_BYTES = 64 << 10


@check(level=2)
def data_sets_pickle(kit: Kit) -> None:
    """A data set and its partitions survive pickling; a partition takes less than 64 KiB, however large the scan.

    A source for a file keeps numbers and paths, no pixels and no handles.
    """
    for data in kit.kinds():
        with kit.case(data):
            ds = kit.open(kit.written(data), sync_offset=1)
            again = pickle.loads(pickle.dumps(ds))
            expect_equal(again.read(fill=0), scan(data.frames, data.nav_shape, 1), "what the copy reads")
            kit.expect(again.fingerprint == ds.fingerprint, "the copy has another fingerprint")
    large = kit.data((24, 24), (16, 16))
    with kit.case(large):
        part = kit.open(kit.written(large)).partitions(2)[-1]  # a source whose block covers the scan has one
        size = len(pickle.dumps(part))
        kit.expect(size < _PARTITION_BYTES or not kit.of_files, f"a partition takes {size} bytes")


@check(level=2)
def spawned_process_reads_the_same(kit: Kit) -> None:
    """A fresh process, which inherits nothing but pickled partitions and sources, reads the same pixels.

    What the reader keeps in modules or in the environment is not there.
    """
    scans = [kit.data(variant=variant) for variant in kit.sampler.variants]
    sets = [kit.open(kit.written(data)) for data in scans]  # objects must stay as long as others read them
    jobs = [([pickle.dumps(part) for part in ds.partitions(3)], pickle.dumps(ds.source)) for ds in sets]
    installed = None if kit.plugin.distribution not in (None, "<conformance>") else kit.spec
    with kit.case("; ".join(map(str, scans)), seconds=60):
        answers = read_in_child(installed, jobs)
    for data, answer in zip(scans, answers, strict=True):
        if isinstance(answer, str):
            raise Broken(f"reading in a fresh process raises {answer}", example=str(data))
        blocks, frames = answer
        expect_equal(np.concatenate(blocks), data.frames, "what a fresh process reads from partitions")
        expect_equal(frames, data.frames, "what a fresh process reads from the source")


@check(level=2)
def threads_read_the_same(kit: Kit) -> None:
    """Eight threads that read one data set at the same time get the same pixels as one alone.

    A source is shared by all of them. Look for buffers, file positions and caches without a lock, also in codecs.
    """
    for data in kit.kinds((4, 4), (16, 16)):
        source = kit.source(kit.written(data))
        backends: list[IOBackend] = [BufferedBackend(), MmapBackend()]
        for backend in backends if source.resources else backends[:1]:  # without files there are no bytes to get
            with kit.case(f"{data}, {backend.name}, {_THREADS} threads"), busy_switching():
                wrong = _read_in_threads(
                    source, data, backend, rounds=_rounds(kit, data), seconds=kit.profile.case_seconds / 10
                )
                kit.expect(not wrong, "; ".join(wrong[:3]))


def _rounds(kit: Kit, data: SampleData) -> int:
    """Give how often each thread reads the scan; fewer times where frames cannot be small."""
    return max(2, min(kit.profile.some(40), _MOST_READ // (_THREADS * data.nbytes)))


def _read_in_threads(source: Any, data: SampleData, backend: IOBackend, rounds: int, seconds: float) -> list[str]:
    wrong: list[str] = []
    start = threading.Barrier(_THREADS)
    full = SigBox.full(data.sig_shape)

    def work(number: int) -> None:
        try:
            with FrameReader(source, backend) as reader:
                start.wait()
                began = time.monotonic()
                for i in range(rounds):
                    if i >= _FEWEST and time.monotonic() - began > seconds:
                        break
                    frame = (number * 5 + i) % data.n_frames
                    found = reader.read(np.asarray([frame]), full)
                    if not same(np.asarray(found), data.frames[frame : frame + 1]):
                        wrong.append(f"thread {number} got wrong pixels for frame {frame}")
                    whole = reader.read(range(data.n_frames), full)
                    if not same(np.asarray(whole), data.frames):
                        wrong.append(f"thread {number} got wrong pixels for all frames")
        except Exception as error:
            wrong.append(f"thread {number}: {type(error).__name__}: {error}")

    in_threads(work, _THREADS)
    return wrong


@check(level=2)
def tiles_of_several_data_sets_mix(kit: Kit) -> None:
    """Tiles of several data sets, and of one data set twice, can be taken in turns.

    Each iteration has a reader and a session of its own. Look for state that all sources share.
    """
    scans = [kit.data((2, 3), (4, 5)), kit.data((3, 2), (3, 7), seed=1), kit.data((2, 3), (4, 5))]
    with kit.case("; ".join(map(str, scans))):
        sets = [kit.open(kit.written(data), num_partitions=1) for data in scans]
        walks = [_frames(ds) for ds in sets]
        for i in range(max(data.n_frames for data in scans)):
            for data, walk in zip(scans, walks, strict=True):
                if i < data.n_frames:
                    expect_equal(next(walk), data.frames[i], f"frame {i}")


def _frames(ds: DataSet) -> Iterator[Any]:
    scheme = TilingScheme(1, (SigBox.full(ds.shape.sig),), tuple(ds.shape.sig))
    for part in ds.partitions():
        for tile in part.tiles(scheme):
            yield tile.data[0]


@check(level=2)
def computations_equal_the_model(kit: Kit) -> None:
    """Sums over frames and over the detector, as users compute them, equal those of the model, on every executor.

    Compiled kernels read the stored bytes on another way than tiles: look at strides and byte order of the encoding.
    """
    for data in map(_summable, kit.kinds((3, 4), (6, 8))):
        if data.native_dtype.kind not in "biuf" or (data.native_dtype.itemsize == 2 and data.native_dtype.kind == "f"):
            continue
        for offset, mask in ((0, None), (1, _every_second(data.nav_shape))):
            for executor in ("inline", "threads"):
                with kit.case(
                    f"{data}, sync_offset={offset}, roi={mask is not None}, executor {executor!r}", seconds=60
                ):
                    _expect_sums(kit, data, offset, mask, executor)


def _summable(data: SampleData) -> SampleData:
    """Give a scan whose sums do not overflow."""
    wide = data.native_dtype.kind in "iu" and data.native_dtype.itemsize == 8
    return data.but(bits=min(32, data.bits or 32)) if wide else data


def _every_second(shape: tuple[int, ...]) -> Any:
    return np.arange(int(np.prod(shape))).reshape(shape) % 2 == 0


def _expect_sums(kit: Kit, data: SampleData, offset: int, mask: Any, executor: str) -> None:
    pixels = scan(data.frames, data.nav_shape, offset).astype(np.float64)
    flat = pixels.reshape(data.n_frames, -1)
    shown = np.asarray([0 <= k + offset < data.n_frames for k in range(data.n_frames)])
    used = shown if mask is None else shown & mask.reshape(-1)
    ds = kit.open(kit.written(data), sync_offset=offset, num_partitions=3)
    with Context(executor=executor) as context:
        total, sums = context.run_udf(ds, [SumUDF(), SumSigUDF()], roi=mask, corrections=False)
    size = np.abs(flat[used]).sum()
    found = np.asarray(total["intensity"].data, dtype=np.float64).reshape(-1)
    _expect_close(found, flat[used].sum(axis=0), size, "the sum of frames")
    image = np.asarray(sums["intensity"].data, dtype=np.float64).reshape(-1)
    _expect_close(image[used], flat[used].sum(axis=1), size, "the sum over the detector")


def _expect_close(found: Any, expected: Any, size: float, what: str) -> None:
    if found.shape != expected.shape or not np.allclose(found, expected, rtol=1e-5, atol=1e-6 * size):
        wrong = np.flatnonzero(~np.isclose(found, expected, rtol=1e-5, atol=1e-6 * size))[:1]
        at = int(wrong[0]) if wrong.size else 0
        raise Broken(f"{what} is wrong, first at {at}: expected {expected[at]}, found {found[at]}")
