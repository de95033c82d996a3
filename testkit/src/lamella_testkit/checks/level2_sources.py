"""Level 2, tiled: what a source promises to the core, asked directly."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.dataset.framereader import FrameReader
from lamella.errors import LamellaError
from lamella.format import Capability
from lamella.io.buffered import BufferedBackend
from lamella.reader import FrameSource, LinearSource, SigBox
from lamella_testkit.checking import check
from lamella_testkit.diagnose import expect_equal
from lamella_testkit.kit import Kit
from lamella_testkit.outcomes import Broken
from lamella_testkit.sample import SampleData
from lamella_testkit.spy import SpyBackend
from lamella_testkit.strategies import backends


def _sources(kit: Kit) -> Iterator[tuple[SampleData, LinearSource | FrameSource]]:
    for data in kit.kinds():
        with kit.case(data):
            yield data, kit.source(kit.written(data))


def _inner_box(sig_shape: tuple[int, ...]) -> SigBox:
    """Give a box that touches no edge where the detector is large enough."""
    return SigBox(tuple(min(1, n - 1) for n in sig_shape), tuple(max(1, n - 2) for n in sig_shape))


@check(level=2)
def source_is_consistent(kit: Kit) -> None:
    """What the source says agrees with itself: counts, shapes, native dtype, frames that do not overlap.

    Frames of a linear source lie in its files, one after the other or side by side, but never on the same bytes.
    """
    for data, source in _sources(kit):
        info = source.info
        kit.expect(source.n_frames == data.n_frames, f"n_frames is {source.n_frames}, expected {data.n_frames}")
        kit.expect(source.dtype.isnative, f"dtype {source.dtype.str} is not native")
        kit.expect(all(type(n) is int for n in source.sig_shape), f"sig_shape {source.sig_shape} holds other than int")
        if info.nav_shape is not None:
            kit.expect(all(type(n) is int for n in info.nav_shape), f"nav_shape {info.nav_shape} holds other than int")
        kit.expect(info.nav_origin.strip(), "nav_origin does not say where the scan shape came from")
        if isinstance(source, FrameSource):
            continue
        native = source.encoding.native if source.encoding.codec is None else source.encoding.dtype
        kit.expect(native.isnative, f"the codec decodes to {native.str}, which is not native")
        low, high = source.encoding.extent()
        if source.encoding.codec is None and min(source.encoding.strides, default=1) < 0:
            continue  # rows may interleave in ways that this arithmetic does not follow
        places = sorted(
            (one.resource, one.offset + low, one.offset + high) for segment in source.runs.runs() for one in segment
        )
        for (file, _, end), (next_file, begin, _) in zip(places[:-1], places[1:], strict=True):
            kit.expect(file != next_file or end <= begin, f"two frames share the bytes {begin} to {end}")


@check(level=2)
def source_reads_what_it_is_asked_for(kit: Kit) -> None:
    """Frames are read in the order they are asked for, with repetitions, for any box; all of the output is written.

    `out` holds whatever was there before. A source that leaves a part of it as it is, or returns its own buffer,
    works by luck. Nothing but `out` may be changed.
    """
    for data, source in _sources(kit):
        rng = np.random.default_rng(3)
        n = data.n_frames
        orders = [np.arange(n), np.arange(n)[::-1], rng.integers(0, n, 2 * n), np.zeros(0), np.repeat(n - 1, 3)]
        for frames in (order.astype(np.int64) for order in orders):
            for box in (SigBox.full(data.sig_shape), _inner_box(data.sig_shape)):
                expected = data.frames[frames][(slice(None), *box.slices)]
                with kit.case(f"{data}, frames {frames.tolist()}, {box}"):
                    for found in _reads(source, frames, box):
                        expect_equal(found, expected, "what was read")


def _reads(source: LinearSource | FrameSource, frames: NDArray[np.int64], box: SigBox) -> Iterator[NDArray[Any]]:
    """Read in every way that the core does; a procedural source into memory full of ones, and of zeros."""
    if isinstance(source, LinearSource):
        for backend in (SpyBackend(), SpyBackend(zero_copy=True)):
            with FrameReader(source, backend) as reader:
                yield reader.read(frames, box).copy()
        return
    asked = frames.copy()
    for byte in (0xFF, 0x00):
        out = np.full((len(frames), *box.shape), 0, dtype=source.dtype)
        out.view(np.uint8)[...] = byte
        session = SpyBackend().open(source.resources)
        source.read(session, frames, box, out)
        session.close()
        yield out
    if not np.array_equal(asked, frames):
        raise Broken("the array of frames was changed")


@check(level=2)
def views_are_read_only(kit: Kit) -> None:
    """A view that a procedural source gives equals what it reads, and cannot be written to.

    Users' data must not change because somebody computes in place.
    """
    some = False
    for data, source in _sources(kit):
        if not isinstance(source, FrameSource):
            continue
        for box in (SigBox.full(data.sig_shape), _inner_box(data.sig_shape)):
            for frames in (range(data.n_frames), range(1, max(2, data.n_frames - 1)), range(1)):
                view = source.view(frames, box)
                if view is None or frames.stop > data.n_frames:
                    continue
                some = True
                expect_equal(view, data.frames[(slice(frames.start, frames.stop), *box.slices)], f"view({frames})")
                kit.expect(not view.flags.writeable, "the view can be written to")
    kit.needs(some, "the source gives no views of its own")


@check(level=2)
def sources_pickle(kit: Kit) -> None:
    """A source can be sent to another process, and reads the same there.

    Keep paths and numbers in it; open files, locks and lambdas cannot travel.
    """
    for data, source in _sources(kit):
        try:
            again = pickle.loads(pickle.dumps(source))
        except Exception as error:
            raise Broken("the source cannot be pickled") from error
        with FrameReader(again, BufferedBackend()) as reader:
            expect_equal(reader.read(range(data.n_frames)), data.frames, "what the copy reads")


@check(level=2)
def sources_do_not_change(kit: Kit) -> None:
    """Reading leaves a source as it was: it is shared by all threads.

    What a worker needs again (open handles, decoded chunks, buffers) belongs into `io.scratch`.
    """
    for data, source in _sources(kit):
        before = _state(source)
        with FrameReader(source, BufferedBackend()) as reader:
            reader.read(range(data.n_frames))
            reader.read(range(1), _inner_box(data.sig_shape))
        kit.expect(_state(source) == before, f"{type(source).__name__} is another one after reading")


def _state(source: LinearSource | FrameSource) -> bytes:
    return pickle.dumps(source)


@check(level=2)
def reading_is_reentrant(kit: Kit) -> None:
    """A read that begins while another one waits for its bytes disturbs it in no way.

    That is what threads do all the time. Look for buffers and positions kept in the source, the codec or the module.
    """
    for data, source in _sources(kit):
        if not source.resources or data.n_frames < 2:
            continue
        intrude = partial(_read_last, source, data.n_frames)
        with FrameReader(source, SpyBackend(during=intrude)) as reader:
            found = reader.read(np.arange(data.n_frames)).copy()
        expect_equal(found, data.frames, "a read that was interrupted by another")


def _read_last(source: LinearSource | FrameSource, n_frames: int) -> None:
    with FrameReader(source, BufferedBackend()) as other:
        other.read(np.asarray([n_frames - 1]))


@check(level=2)
def reads_stay_small(kit: Kit) -> None:
    """Picking one frame reads about one frame: at most four times its bytes, or 64 KiB, or what its hints announce.

    A procedural source that reads blocks of frames says so in `hints.frame_block`.
    """
    for data in kit.kinds((4, 6), (64, 64)):
        source = kit.source(kit.written(data))
        if not source.resources:
            continue
        frame = data.nbytes // data.n_frames
        allowed = max(64 << 10, 4 * frame * source.hints.frame_block)
        spy = SpyBackend()
        with kit.case(f"{data}, frame 1 alone"), FrameReader(source, spy) as reader:
            reader.read(np.asarray([1]))
            kit.expect(spy.nbytes <= allowed, f"{spy.nbytes} bytes are read for a frame of {frame} bytes")


@check(level=2)
def io_backends_agree(kit: Kit) -> None:
    """`io-backends` declared: every backend gives the same pixels; not declared: choosing one is refused.

    A procedural source reads through `io`, not through files that it opens itself.
    """
    if not kit.has(Capability.IO_BACKENDS):
        for name in ("buffered", "mmap"):
            with kit.case(f"io_backend={name!r}"):
                _expect_refused(partial(kit.open, kit.written(), io_backend=name), "io_backend")
        return
    for data in kit.kinds():
        for backend in backends(kit):
            with kit.case(f"{data}, io_backend={backend!r}"):
                ds = kit.open(kit.written(data), io_backend=backend)
                expect_equal(ds.read(), data.pixels, "the full read")
        spy = SpyBackend()
        with kit.case(f"{data}, io_backend=an object"):
            expect_equal(kit.open(kit.written(data), io_backend=spy).read(), data.pixels, "the full read")
            kit.expect(spy.nbytes > 0, "pixels do not come through the I/O backend")


def _expect_refused(action: Callable[[], object], name: str) -> None:
    try:
        action()
    except LamellaError as error:
        if name not in str(error):
            raise Broken(f"the message does not name {name!r}: {error}") from None
    else:
        raise Broken("it is accepted, but the capability is not declared")


@check(level=2)
def sig_shape_can_be_changed(kit: Kit) -> None:
    """`sig-reshape` declared: frames of another shape of equal size hold the same pixels; not declared: refused."""
    declared = kit.has(Capability.SIG_RESHAPE)
    for data in kit.kinds():
        sample = kit.written(data)
        if "sig_shape" in sample.keywords:
            continue  # there it says how the file is laid out
        size = math.prod(data.sig_shape)
        last = (1,) * (len(data.sig_shape) - 1)
        for shape in {(size, *last), (*last, size), data.sig_shape[::-1]} - {data.sig_shape}:
            with kit.case(f"{data}, sig_shape={shape}"):
                if not declared:
                    _expect_refused(partial(kit.open, sample, sig_shape=shape), "sig_shape")
                    continue
                ds = kit.open(sample, sig_shape=shape)
                expected = data.frames.reshape(*data.nav_shape, *shape)
                expect_equal(ds.read(), expected, "the full read")
                expect_equal(ds[..., -1:], expected[..., -1:], "the last pixel of each row")
