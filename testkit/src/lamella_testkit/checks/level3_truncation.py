"""Level 3, robust: files that were cut, that are longer than they should be, or that change while they are open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella.dataset.framereader import FrameReader
from lamella.errors import FormatError, LamellaError, TruncatedError
from lamella.format import Capability
from lamella.io import IOBackend
from lamella.io.buffered import BufferedBackend
from lamella.io.mmap import MmapBackend
from lamella.reader import FrameSource, LinearSource
from lamella.reader.caution import cautions
from lamella_testkit.checking import check
from lamella_testkit.diagnose import expect_equal, same
from lamella_testkit.kit import Kit
from lamella_testkit.mutate import alike, boundaries, rewrite, to_change
from lamella_testkit.outcomes import Broken
from lamella_testkit.robust import attempt
from lamella_testkit.sample import Sample


def _copies(kit: Kit) -> Iterator[Sample]:
    for variant in kit.sampler.variants:
        yield kit.fresh(kit.data(variant=variant))


@check(level=3, targets=("path",))
def truncation_at_boundaries(kit: Kit) -> None:
    """A file cut at the beginning or the end of any part of its structure is refused, or gives its complete frames.

    Compare what the header announces with `probe.size` before anything is read, allocated or promised.
    """
    for number, sample in enumerate(_copies(kit)):
        for path in to_change(kit, sample.files, number):
            content = path.read_bytes()
            lengths = kit.in_turn(boundaries(kit, sample, path), number)
            for length in lengths:
                rewrite(path, content[:length])
                with kit.case(f"{sample.data}, {path.name} cut from {len(content)} to {length} bytes"):
                    attempt(kit, sample, sample.data)
            rewrite(path, content)


@check(level=3, targets=("path",))
def truncation_anywhere(kit: Kit) -> None:
    """A file cut anywhere is refused, or gives its complete frames."""
    rng = np.random.default_rng(11)
    for number, sample in enumerate(_copies(kit)):
        for path in to_change(kit, sample.files, number):
            content = path.read_bytes()
            most = max(kit.profile.least, kit.profile.some(300) // alike(sample, path))
            lengths = (
                range(len(content)) if len(content) <= most else np.sort(rng.integers(0, len(content), most)).tolist()
            )
            for length in lengths:
                rewrite(path, content[:length])
                with kit.case(f"{sample.data}, {path.name} cut from {len(content)} to {length} bytes"):
                    attempt(kit, sample, sample.data)
            rewrite(path, content)


@check(level=3, targets=("path",))
def truncated_capability_holds(kit: Kit) -> None:
    """`truncated` declared: a cut file opens as far as complete frames go, and says so; not declared: it is refused.

    Count with `(probe.size - offset) // stride`, and put a `Caution` into `notes`: opening the file warns of it.
    `RunTable.that_fit` does both.
    """
    declared = kit.has(Capability.TRUNCATED)
    for sample in _copies(kit):
        source = kit.source(sample)
        if not isinstance(source, LinearSource) or source.n_frames < 3:
            continue
        path = Path(source.resources[-1].path)
        content = path.read_bytes()
        for cut, complete in _cuts(source):
            rewrite(path, content[:cut])
            text = f"{sample.data}, {path.name} cut from {len(content)} to {cut} bytes, {complete} complete frames"
            with kit.case(text):
                found = attempt(kit, sample, sample.data)
                if not declared:
                    kit.expect(found is None, "it opens, but the capability `truncated` is not declared")
                    continue
                kit.expect(found is not None, "it is refused, but the capability `truncated` is declared")
                assert found is not None
                count = found.n_frames
                kit.expect(count == complete, f"it gives {count} frames, but {complete} are complete")
                new = set(found.info.notes) - set(source.info.notes)
                kit.expect(new, "no note says that the file was cut")
                kit.expect(cautions(new), f"the note is not a Caution, so that no warning is given: {sorted(new)}")
        rewrite(path, content)


def _cuts(source: LinearSource) -> Iterator[tuple[int, int]]:
    """Give lengths of the last file, and how many frames are complete then; at least one is.

    A cut before the pixels of a frame shows only where the file says how many frames there should be.
    """
    low, high = source.encoding.extent()
    last = len(source.resources) - 1
    places = [one for segment in source.runs.runs() for one in segment]
    ends = sorted(one.offset + high for one in places if one.resource == last)
    before = sum(one.resource != last for one in places)
    for i in range(max(0, len(ends) - 3), len(ends)):
        if before + i >= 1:
            yield ends[i] - 1, before + i
            yield ends[i] - (high - low) // 2, before + i
            if source.info.nav_shape is not None:
                yield ends[i] - (high - low), before + i


@check(level=3, targets=("path",))
def longer_files_are_read(kit: Kit) -> None:
    """Bytes after the end change no frame: a byte, half a frame, a number of pixels, zeros, noise.

    Compute the range `[offset, offset + n * stride)` that frames cover, and ignore the rest or refuse the file.
    """
    for number, sample in enumerate(_copies(kit)):
        for path in to_change(kit, sample.files, number):
            content = path.read_bytes()
            frame = sample.data.nbytes // sample.data.n_frames
            itemsize = sample.data.stored_dtype.itemsize
            lengths = sorted({1, itemsize, frame // 2, frame - 1, frame // 2 * itemsize, 4096})
            tails = [tail for n in lengths for tail in (bytes(n), np.random.default_rng(n).bytes(n))]
            for tail in kit.in_turn(tails, number):
                rewrite(path, content + tail)
                with kit.case(f"{sample.data}, {len(tail)} bytes {tail[:4].hex(' ')} ... after {path.name}"):
                    attempt(kit, sample, sample.data)
            rewrite(path, content)


def _backends() -> tuple[IOBackend, ...]:
    return BufferedBackend(), MmapBackend()


@check(level=3, targets=("path",))
def files_may_shrink_while_open(kit: Kit) -> None:
    """A file that shrank since it was opened is an error when it is read, never a crash and never wrong pixels.

    Procedural sources must read through `io`, or look at the size of the file again.
    """
    for turn, backend in enumerate(_backends()):
        for sample in _copies(kit):
            for number, path in enumerate(_read_from(kit, sample, turn)):
                size = path.stat().st_size
                for length in kit.in_turn((0, size // 2, size - 1), number):
                    with kit.case(f"{sample.data}, {backend.name}, cut to {length} bytes while open"):
                        _expect_error_or_pixels(kit.fresh(sample.data), kit, backend, path.name, length)


def _read_from(kit: Kit, sample: Sample, number: int) -> list[Path]:
    """Give the files that pixels are read from, of which a brief profile takes some."""
    return to_change(kit, [Path(one.path) for one in kit.source(sample).resources], number)


def _expect_error_or_pixels(sample: Sample, kit: Kit, backend: IOBackend, name: str, length: int) -> None:
    source = kit.source(sample)
    reader = FrameReader(source, backend)
    reader.read(range(1))  # a first read, so that handles and maps are there
    os.truncate(sample.path.parent / name, length)
    _read_or_refuse(reader, sample)
    _read_or_refuse(FrameReader(source, backend), sample)


def _read_or_refuse(reader: FrameReader, sample: Sample) -> None:
    """Read all frames and close the reader; that what was read are no bytes of the file may turn out only then."""
    try:
        with reader:
            found = reader.read(range(sample.data.n_frames)).copy()
    except FormatError as error:
        if isinstance(error.__cause__, Exception) and not isinstance(error.__cause__, (OSError, LamellaError)):
            raise Broken("reading raises something other than FormatError") from error.__cause__
        return
    expect_equal(found, sample.data.frames, "what is read after the file was cut")


@check(level=3, targets=("path",))
def files_may_grow_while_open(kit: Kit) -> None:
    """A file that grew since it was opened gives the frames that it had, or an error."""
    for turn, backend in enumerate(_backends()):
        for sample in _copies(kit):
            for read in _read_from(kit, sample, turn):
                fresh = kit.fresh(sample.data)
                opened = kit.source(fresh)
                path = fresh.path.parent / read.name
                with kit.case(f"{sample.data}, {backend.name}, {path.name} grows while open"):
                    with path.open("ab") as file:
                        file.write(b"\xa5" * 1000)
                    with FrameReader(opened, backend) as reader:
                        _read_or_refuse(reader, fresh)


@check(level=3, targets=("path",))
def files_may_vanish_while_open(kit: Kit) -> None:
    """A file that was removed or replaced by another scan since it was opened is an error, or gives the old pixels."""
    for sample in _copies(kit):
        other = kit.fresh(sample.data.but(seed=1))
        for read in _read_from(kit, sample, 0):
            for action in ("removed", "replaced"):
                fresh = kit.fresh(sample.data)
                source = kit.source(fresh)
                path = fresh.path.parent / read.name
                with kit.case(f"{sample.data}, {path.name} {action} while open"):
                    replacement = (other.directory / path.name).read_bytes()
                    status = path.stat()
                    path.unlink()
                    if action == "replaced":
                        path.write_bytes(replacement)
                        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))
                    _expect_old_or_error(source, fresh)


def _expect_old_or_error(source: LinearSource | FrameSource, sample: Sample) -> None:
    try:
        with FrameReader(source, BufferedBackend()) as reader:
            found = reader.read(range(sample.data.n_frames)).copy()
    except FormatError:
        return
    if not same(found, sample.data.frames):
        raise Broken("pixels of another file are given without an error")


@check(level=3, targets=("path",))
def truncation_is_named(kit: Kit) -> None:
    """The error for a file that was cut is a TruncatedError, not just any FormatError, and gives both sizes."""
    for sample in _copies(kit):
        path = Path(kit.source(sample).resources[0].path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 3 // 4])
        with kit.case(f"{sample.data}, {path.name} cut by a quarter"):
            try:
                kit.source(sample)
            except TruncatedError as error:
                said = error.expected is not None and error.found is not None
                kit.expect(said, f"it does not say what was expected and found: {error}")
            except FormatError as error:
                raise Broken(f"it raises {type(error).__name__}: {error}") from None
