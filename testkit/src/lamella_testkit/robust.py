"""Try a damaged file: the outcome must be a `FormatError` or correct data, and nothing else."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.dataset.dataset import DataSet
from lamella.dataset.framereader import FrameReader
from lamella.dataset.provenance import Provenance
from lamella.errors import FormatError, FrameMissingError, LamellaError, LamellaWarning, ParameterError
from lamella.reader import FrameSource, LinearSource, SigBox
from lamella_testkit.diagnose import expect_equal
from lamella_testkit.limits import address_space, resident_peak
from lamella_testkit.outcomes import Broken
from lamella_testkit.sample import SampleData
from lamella_testkit.soundness import problems
from lamella_testkit.spy import SpyBackend

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_testkit.kit import Kit
    from lamella_testkit.sample import Sample

__all__ = ["ALLOWANCE", "attempt", "attempt_costly", "read_source"]

ALLOWANCE = 64 << 20
"""Bytes that a reader may take, besides four times the size of the file."""

_FRAMES_TRIED = 6
_ENOUGH = 8 << 20
"""Bytes of pixels after which only the first and the last frame are read."""
_FAR_TOO_MUCH = 1 << 30
"""Bytes that a reader gets where what it takes is measured."""


def attempt(
    kit: Kit,
    sample: Sample,
    expected: SampleData | None = None,
    *,
    errors: list[Exception] | None = None,
    **keywords: Any,
) -> LinearSource | FrameSource | None:
    """Detect, open and read a sample that may be damaged.

    Parameters
    ----------
    kit
        The plugin.
    sample
        The files.
    expected
        The scan whose frames must come if any do; whatever comes is accepted if None.
    errors
        Takes the error with which it was refused.
    **keywords
        Parameters besides those of the sample.

    Returns
    -------
    The source, or None if it was refused with a `FormatError`.

    Raises
    ------
    Broken
        If anything else happens.
    """
    return _attempt(kit, sample, expected, None, keywords, errors)


def attempt_costly(kit: Kit, sample: Sample) -> LinearSource | FrameSource | None:
    """Do the same as `attempt`, and measure what it takes: a library may hide that it did not get what it asked for.

    Raises
    ------
    Broken
        If anything else happens than there, or it takes too much memory.
    """
    with resident_peak() as taken:
        source = _attempt(kit, sample, None, _FAR_TOO_MUCH, {})
        peak = taken()
    if peak is not None and peak > ALLOWANCE + 4 * sample.nbytes:
        raise Broken(f"it takes {peak >> 20} MiB for a file of {sample.nbytes} bytes")
    return source


def _attempt(
    kit: Kit,
    sample: Sample,
    expected: SampleData | None,
    room: int | None,
    keywords: dict[str, Any],
    errors: list[Exception] | None = None,
) -> LinearSource | FrameSource | None:
    size = sample.nbytes if kit.of_files else 0
    with address_space(ALLOWANCE + 4 * size if room is None else room), warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # numbers of a file that no arithmetic can bear
        try:
            source = kit.source(sample, **keywords)
            _expect_possible(kit, source, size)
            for problem in problems(source):
                raise Broken(f"it opens, but {problem}")
            with contextlib.suppress(FrameMissingError):  # damage may take away a frame and leave the others
                read_source(source, expected)
            _look_around(kit, source, sample)
        except (FormatError, ParameterError) as error:
            _expect_no_memory_error(error)
            if errors is not None:
                errors.append(error)
            return None
        except FileNotFoundError as error:
            if error.filename is None or Path(error.filename).exists():
                raise Broken("it raises FileNotFoundError, but the file is there") from error
            if errors is not None:
                errors.append(error)
            return None
        except MemoryError as error:
            raise Broken(f"it takes more than {ALLOWANCE >> 20} MiB for a file of {size} bytes") from error
        except (Broken, KeyboardInterrupt):
            raise
        except Exception as error:
            raise Broken("it raises something other than FormatError") from error
    return source


def _expect_no_memory_error(error: BaseException) -> None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError):
            raise Broken("it asks for far too much memory, and hides that behind another error") from seen
        seen = seen.__cause__ or seen.__context__


def _expect_possible(kit: Kit, source: LinearSource | FrameSource, size: int) -> None:
    """Check that what is claimed can be in files of that size."""
    nav_shape = source.info.nav_shape
    sizes = (source.n_frames, *source.sig_shape, *(nav_shape or ()))
    if any(type(n) is not int or n < 0 for n in sizes) or any(n == 0 for n in source.sig_shape):
        raise Broken(f"it claims {source.n_frames} frames of {source.sig_shape} in a scan of {nav_shape}")
    if source.n_frames == 0:
        raise Broken("it opens without any frame, instead of saying what is wrong")
    frame = math.prod(source.sig_shape) * source.dtype.itemsize
    if isinstance(source, LinearSource):
        low, high = source.encoding.extent()
        stored = source.n_frames * (high - low)
        available = sum(resource.size for resource in source.resources)
        if stored > available and min(source.encoding.strides, default=1) > 0:
            raise Broken(f"it claims {source.n_frames} frames of {high - low} bytes in {available} bytes")
    elif kit.sampler.expansion is not None and size and source.n_frames * frame > kit.sampler.expansion * size + 4096:
        raise Broken(f"it claims {source.n_frames} frames of {frame} bytes in {size} bytes")


def read_source(source: LinearSource | FrameSource, expected: SampleData | None = None) -> None:
    """Read some frames as the core does, but without its translation of exceptions."""
    info = source.info
    if expected is not None:
        _expect_same_kind(source, expected)
    with _frames_of(source) as read:
        for frame, box in _tried(source):
            found = read(frame, box)
            if expected is None:
                continue
            shown = _shown_at(info.index, frame)
            if shown is None or shown >= expected.n_frames:
                continue
            expect_equal(found, expected.frames[shown : shown + 1][(slice(None), *box.slices)], f"frame {frame}")
    if callable(info.corrections):
        info.corrections()
    for name, give in info.per_frame.items():
        if np.shape(give())[:1] != (source.n_frames,):
            raise Broken(f"{name!r} has the shape {np.shape(give())} for {source.n_frames} frames")
    if info.navigator is not None:
        shape = tuple(info.nav_shape or (source.n_frames,))
        if np.shape(info.navigator()) != shape:
            raise Broken(f"the navigator has the shape {np.shape(info.navigator())} for a scan of {shape}")


def _shown_at(index: NDArray[np.int64] | None, frame: int) -> int | None:
    """Give the step of the scan that shows a stored frame, None if no step does."""
    if index is None:
        return frame
    steps = np.flatnonzero(index == frame)
    return int(steps[0]) if steps.size else None


def _tried(source: LinearSource | FrameSource) -> Iterator[tuple[int, SigBox]]:
    n = source.n_frames
    full = SigBox.full(source.sig_shape)
    corner = SigBox(tuple(length - 1 for length in full.shape), (1,) * len(full.shape))
    some = dict.fromkeys([0, n - 1, 1, n // 2, n - 2, n // 3][:_FRAMES_TRIED])
    nbytes = math.prod(full.shape) * source.dtype.itemsize
    for tried, frame in enumerate(some):
        if 0 <= frame < n and (tried < 2 or tried * nbytes < _ENOUGH):
            yield frame, full
    if n:
        yield n - 1, corner


@contextlib.contextmanager
def _frames_of(source: LinearSource | FrameSource) -> Iterator[Callable[[int, SigBox], Any]]:
    """Give what reads a part of a frame; all of them are read in one session."""
    if isinstance(source, LinearSource):
        with FrameReader(source, SpyBackend()) as reader:
            yield lambda frame, box: reader.read(np.asarray([frame]), box)
        return

    def read(frame: int, box: SigBox) -> Any:
        out = np.empty((1, *box.shape), dtype=source.dtype)
        source.read(session, np.asarray([frame]), box, out)
        return out

    session = SpyBackend().open(source.resources)
    try:
        yield read
    finally:
        session.close()


def _expect_same_kind(source: LinearSource | FrameSource, expected: SampleData) -> None:
    if tuple(source.sig_shape) != expected.sig_shape or source.dtype != expected.native_dtype:
        raise Broken(f"it gives frames of {source.sig_shape} {source.dtype}, expected {expected}")


def _look_around(kit: Kit, source: LinearSource | FrameSource, sample: Sample) -> None:
    """Make a data set as a user would get it, and ask for what is shown first."""
    provenance = Provenance(format=kit.spec.name, title=kit.spec.title, target=sample.directory.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LamellaWarning)
        try:
            ds = DataSet(source, provenance=provenance, nav_shape=sample.keywords.get("nav_shape"))
        except LamellaError:
            return
        repr(ds)
        _ = ds.diagnostics
