"""Level 3, robust: files beyond four gibibytes, and many of them at once."""

from __future__ import annotations

import gc
import shutil
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lamella.dataset.dataset import DataSet
from lamella.io.mmap import forget_mappings
from lamella.kernels.library import nothing_compiled
from lamella_testkit.checking import check
from lamella_testkit.diagnose import expect_equal
from lamella_testkit.kit import Kit, sample_of
from lamella_testkit.limits import open_descriptors
from lamella_testkit.outcomes import NotHere, NotNeeded
from lamella_testkit.sample import Sample, Special
from lamella_testkit.stated import expect_numbers

_COUNTED = 1 << 32
"""Bytes that numbers of 32 bits without a sign can count."""
_BEYOND = _COUNTED + (1 << 30)
_MOST_FILES = 8
_HOLE = 16 << 20  # bytes
_FILES = 48
_ROOM = 64 << 20
"""Bytes that all of them take; of formats of large frames, there are fewer."""
_LEFT = 2048
"""What may stay of each file that was read [bytes]; NumPy keeps some of the memory that it gives back."""
_SPARE = 8
"""Descriptors that may be open besides those of the files."""


@check(level=3, since="2026.2", targets=("path",))
def the_end_of_large_files_is_read(kit: Kit) -> None:
    """The last pixels and the last entries of arrays per frame of a sparse file beyond 4 GiB are those that it has.

    Offsets are numbers of 64 bits, also in arrays: say `dtype=np.int64` where offsets are computed, and turn fields of
    a header into `int` before they are multiplied.
    """
    if not _has_holes(kit.directory()):
        raise NotHere("the file system has no sparse files")
    large, sample = _large_file(kit)
    with kit.case(f"{large}, {sample.nbytes >> 20} MiB", seconds=30):
        ds = kit.open(sample)
        end = np.asarray(large.end)
        last = tuple(n - 1 for n in ds.shape.nav)
        corner = tuple(slice(n - length, n) for n, length in zip(ds.shape.sig, end.shape, strict=True))
        expect_equal(ds[(*last, *corner)], end, "the end of the last frame", sig_dims=end.ndim)
        for name, value in (large.per_frame or {}).items():
            kit.expect(name in ds.info.per_frame, f"no array is called {name!r}")
            expect_numbers(ds.info.per_frame[name]()[-1:], np.asarray(value)[-1:], f"the last entry of {name!r}")


def _large_file(kit: Kit) -> tuple[Special, Sample]:
    """Let the sampler write a sparse file beyond what 32 bits count, or several of which one is."""
    for nbytes in (_BEYOND, _BEYOND * _MOST_FILES):
        directory = kit.directory()
        answer = kit.sampler.write_sparse(directory, nbytes)
        kit.needs(answer is not None, "the sampler does not write sparse files (write_sparse)")
        if not isinstance(answer, Special) or answer.end is None:
            raise NotNeeded("write_sparse of the sampler does not say how the file ends (Special)")
        sample = sample_of(kit.data(), directory, answer.keywords)
        if max(path.stat().st_size for path in sample.files) > _COUNTED:
            return answer, sample
        shutil.rmtree(directory)
    raise NotNeeded("no file of the format is that large")


def _has_holes(directory: Path) -> bool:
    """Whether a file of that folder takes no room where nothing was written."""
    path = directory / "hole"
    try:
        with path.open("wb") as file:
            file.truncate(_HOLE)
        blocks = getattr(path.stat(), "st_blocks", None)
        return blocks is not None and blocks * 512 < _HOLE
    except OSError:
        return False
    finally:
        path.unlink(missing_ok=True)


@check(level=3, since="2026.2", targets=("path",))
def many_files_cost_little(kit: Kit) -> None:
    """Many different files, opened, read and kept, leave few descriptors open; dropped again, they leave no memory.

    A source holds no open file, and a module keeps nothing of a file. Frames come through the session that `read` is
    given; whatever else is read, `Resource.reading` opens and closes.
    """
    listed = open_descriptors()
    sample = kit.written(kit.data((2, 2)))
    copies = [kit.copy(sample) for _ in range(max(6, min(_FILES, _ROOM // sample.nbytes)))]
    warm = len(copies) // 3
    with kit.case(f"{len(copies)} files, {sample.data}", seconds=30), nothing_compiled():
        _used(kit, copies[:warm])
        before = open_descriptors() or set()
        tracemalloc.start()
        try:
            first = _taken()
            kept = _used(kit, copies[warm:])
            forget_mappings()  # the core keeps as many of them as it may
            left = (open_descriptors() or set()) - before
            kit.expect(len(left) <= _SPARE, f"{len(left)} files are open, such as {next(iter(left), '')}")
            del kept
            grown = _taken() - first
        finally:
            tracemalloc.stop()
        many = len(copies) - warm
        # what is imported on the way weighs more than a few files
        kit.expect(
            many < _FILES // 3 or grown <= many * _LEFT,
            f"{grown} bytes are kept after {many} files of {sample.nbytes} bytes",
        )
    if listed is None:
        raise NotHere("this platform does not list open files")


def _used(kit: Kit, samples: Sequence[Sample]) -> list[DataSet]:
    """Open and read files, and give their data sets."""
    sets = [kit.open(sample) for sample in samples]
    for ds in sets:
        ds.read()
        for give in ds.info.per_frame.values():
            give()
    return sets


def _taken() -> int:
    forget_mappings()
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
