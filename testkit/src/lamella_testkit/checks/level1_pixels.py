"""Level 1, readable: what comes out is what went in, pixel by pixel."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from lamella_testkit.checking import check
from lamella_testkit.diagnose import expect_equal
from lamella_testkit.kit import Kit
from lamella_testkit.outcomes import Broken
from lamella_testkit.sample import SPECIAL, Sample

_SHAPES = (
    ((1, 1), (1, 1)),
    ((1, 5), (3, 2)),
    ((4, 1), (1, 7)),
    ((5, 3), (17, 9)),
    ((7,), (4, 6)),
    ((2, 2, 3), (6, 4)),
)
_LARGE = ((1, 2), (257, 263))


def _expect_all(kit: Kit, sample: Sample) -> None:
    ds = kit.open(sample)
    expect_equal(ds.read(), sample.data.pixels, "the full read", sig_dims=len(sample.data.sig_shape))


@check(level=1)
def shape_and_dtype_are_right(kit: Kit) -> None:
    """Shape of the scan, shape of the frames, dtype and number of frames are those that were written.

    Mind NumPy's order: the slow axis first, so `(ny, nx)` where the file says nx before ny. The dtype of a data set
    is native; the stored byte order belongs into the encoding.
    """
    for data in kit.kinds():
        with kit.case(data):
            ds = kit.open(kit.written(data))
            kit.expect(
                tuple(ds.shape.nav) == data.nav_shape, f"nav_shape is {tuple(ds.shape.nav)}, expected {data.nav_shape}"
            )
            kit.expect(
                tuple(ds.shape.sig) == data.sig_shape, f"sig_shape is {tuple(ds.shape.sig)}, expected {data.sig_shape}"
            )
            kit.expect(ds.dtype == data.native_dtype, f"dtype is {ds.dtype}, expected {data.native_dtype}")
            kit.expect(ds.dtype.isnative, f"dtype {ds.dtype.str} is not in native byte order")
            count = ds.source.n_frames
            kit.expect(count == data.n_frames, f"the source has {count} frames, expected {data.n_frames}")


@check(level=1)
def full_read_equals_what_was_written(kit: Kit) -> None:
    """A full read gives every pixel that the sampler wrote, in every variant and dtype, at its place.

    All pixel values are different where the dtype has room, so the first difference shows what was swapped.
    """
    for data in kit.kinds():
        with kit.case(data):
            _expect_all(kit, kit.written(data))


@check(level=1)
def every_shape_is_read(kit: Kit) -> None:
    """Scans and frames of any shape are read: a single frame, a single pixel, one row, one column, other ranks.

    Look for height and width, or ny and nx, exchanged where they are equal in usual data, and for packed frames with
    an odd number of pixels.
    """
    dtypes = kit.sampler.dtypes
    for j, variant in enumerate(kit.sampler.variants):
        for i, (nav, sig) in enumerate(_shapes(kit)):
            data = kit.data(nav, sig, variant=variant, dtype=dtypes[(i + j) % len(dtypes)])
            with kit.case(data):
                _expect_all(kit, kit.written(data))


def _shapes(kit: Kit) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    yield from _SHAPES
    for rank in kit.sampler.nav_ranks:
        yield (2, 3, 2, 2)[:rank], (5, 6)
    for rank in kit.sampler.sig_ranks:
        yield (3, 4), (3, 4, 2, 2)[:rank]


@check(level=1, since="2026.2")
def large_frames_are_read(kit: Kit) -> None:
    """Frames of more than 65536 pixels are read to their last pixel.

    Look for places within a frame that are kept in numbers of 16 bits, and for blocks of which the last one is left.
    """
    for variant in kit.sampler.variants:
        data = kit.data(*_LARGE, variant=variant)
        with kit.case(data):
            _expect_all(kit, kit.written(data))


@check(level=1)
def extreme_values_survive(kit: Kit) -> None:
    """The largest and smallest numbers, infinities, NaN and negative zero are read bit by bit as they were written."""
    for data in kit.kinds():
        with kit.case(data):
            _expect_all(kit, kit.written(data.but(seed=SPECIAL)))


@check(level=1)
def single_frames_are_read(kit: Kit) -> None:
    """Each frame can be read alone, in any order.

    If the first frame is right and later ones are not, look at the distance between frames.
    """
    for data in kit.kinds():
        ds = kit.open(kit.written(data))
        positions = np.random.default_rng(1).permutation(data.n_frames)
        for k in positions.tolist():
            where = tuple(int(i) for i in np.unravel_index(k, data.nav_shape))
            with kit.case(f"{data}, ds[{', '.join(map(str, where))}]"):
                expect_equal(ds[where], data.pixels[where], f"frame {k}", sig_dims=len(data.sig_shape))


@check(level=1)
def data_sets_do_not_disturb_each_other(kit: Kit) -> None:
    """Two scans opened with the same reader, and one scan opened twice, are read independently.

    A reader is stateless: what `open` finds out belongs into the source that it returns.
    """
    first, second = kit.data((2, 3), (4, 5)), kit.data((3, 2), (6, 3), seed=1)
    alike = first.but(seed=2)
    with kit.case(f"{first}, {second}, and {alike}"):
        sets = [(kit.open(kit.written(data)), data) for data in (first, second, first, alike)]
        for _ in range(2):
            for ds, data in sets:
                expect_equal(ds.read(), data.pixels, "a full read", sig_dims=len(data.sig_shape))
    kit.expect(not getattr(kit.reader, "__dict__", None), "the reader has attributes after `open`")


@check(level=1, targets=("path",))
def recorded_files_are_read(kit: Kit) -> None:
    """Real files give the pixels that an independent reader found in them."""
    files = list(kit.sampler.recorded())
    kit.needs(files, "the sampler has no recorded files")
    for one in files:
        with kit.case(one.path.name):
            if hashlib.sha256(one.path.read_bytes()).hexdigest() != one.sha256:
                raise Broken(f"{one.path.name} is not the file that was recorded: its checksum differs")
            data = kit.data()
            ds = kit.open(Sample(data, one.path.parent, one.path, one.keywords))
            expect_equal(ds.read(), one.expected, "the full read", sig_dims=len(ds.shape.sig))
