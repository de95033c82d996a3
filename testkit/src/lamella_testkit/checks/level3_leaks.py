"""Level 3, robust: nothing is left behind, however often files are opened, and whether that succeeds or not."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import warnings
from collections.abc import Iterator

from lamella.corrections.resolve import measured
from lamella.errors import LamellaError, LamellaWarning
from lamella.io.mmap import forget_mappings
from lamella.kernels.library import nothing_compiled
from lamella_testkit.checking import check
from lamella_testkit.kit import Kit
from lamella_testkit.limits import open_descriptors
from lamella_testkit.outcomes import NotHere
from lamella_testkit.sample import Sample

_TIMES = 12


def _uses(kit: Kit) -> Iterator[tuple[str, Sample]]:
    for number, variant in enumerate(kit.sampler.variants):
        data = kit.data(variant=variant)
        yield f"{data}", kit.written(data)
        if kit.of_files:
            for share in kit.in_turn((0, 0.02, 0.5, 0.9), number):
                damaged = kit.fresh(data)
                for path in damaged.files:
                    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
                yield f"{data}, cut to {share:.0%}", damaged


def _use(kit: Kit, sample: Sample) -> None:
    try:
        ds = kit.open(sample)
        ds.read((0,) * len(ds.shape.nav), fill=0)
        for give in ds.info.per_frame.values():
            give()
        ds.navigator()
        measured(ds.info.corrections)
        for tile in ds.partitions()[0].tiles(ds.scheme()):
            del tile
            break  # an iteration that is left early
    except (LamellaError, OSError):
        pass


@check(level=3)
def descriptors_are_given_back(kit: Kit) -> None:
    """Opening, reading and failing many times leaves no file open, and no file is closed by the garbage collector.

    Open files in a `with` statement, also where an error may come before the end.
    """
    if open_descriptors() is None:
        raise NotHere("this platform does not list open files")
    for text, sample in _uses(kit):
        _use(kit, sample)
        forget_mappings()
        before = open_descriptors() or set()
        with kit.case(f"{text}, {_TIMES} times"), warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", LamellaWarning)
            for _ in range(_TIMES):
                _use(kit, sample)
            forget_mappings()
            left = (open_descriptors() or set()) - before
            if left:
                gc.collect()  # what only the garbage collector closes warns now
                left = (open_descriptors() or set()) - before
        kit.expect(len(left) < _TIMES // 2, f"{len(left)} descriptors are left open, such as {next(iter(left), '')}")
        careless = [str(one.message) for one in warned if issubclass(one.category, ResourceWarning)]
        kit.expect(not careless, f"files were left to the garbage collector: {careless[:1]}")


@check(level=3)
def nothing_piles_up(kit: Kit) -> None:
    """Opening many different scans and dropping them leaves no memory, no thread and no temporary file behind.

    Look for caches in modules without a bound, and threads that nobody stops.
    """
    data = kit.data((4, 4), (32, 32))
    samples = [kit.written(data.but(seed=seed)) for seed in range(_TIMES)]
    threads = threading.active_count()
    text = f"{data}, {_TIMES} of them, one after the other"
    with nothing_compiled(), kit.case(text, seconds=4 * kit.profile.case_seconds):
        kit.open(samples[0]).read()
        tracemalloc.start()
        try:
            for sample in samples[:2]:
                kit.open(sample).read()
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for sample in samples[2:]:
                kit.open(sample).read()
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    allowed = 2 * data.nbytes + (64 << 10)
    kit.expect(grown < allowed, f"{grown} bytes are kept after {_TIMES - 2} scans of {data.nbytes} bytes")
    kit.expect(threading.active_count() <= threads, f"{threading.active_count() - threads} threads were left running")
