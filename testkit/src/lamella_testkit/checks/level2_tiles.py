"""Level 2, tiled: every pixel is produced exactly once, however the scan is cut, shifted and selected."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from lamella.dataset.dataset import DataSet
from lamella.dataset.tiling import TileWish, TilingScheme
from lamella.errors import ParameterError
from lamella.reader import SigBox
from lamella_testkit.checking import check
from lamella_testkit.diagnose import expect_equal
from lamella_testkit.kit import Kit
from lamella_testkit.model import frames_shown, scan
from lamella_testkit.outcomes import Broken
from lamella_testkit.sample import SampleData
from lamella_testkit.strategies import Look, backends, indices, looks, reshapes, scans


def _opened(kit: Kit, look: Look) -> DataSet | None:
    """Open the scan of a look; None if the model says that it shows no frame, and the data set says so too."""
    shown = frames_shown(look.data.n_frames, look.nav_shape, look.sync_offset)
    keywords: dict[str, Any] = {"nav_shape": look.nav_shape, "sync_offset": look.sync_offset}
    if look.backend is not None:
        keywords["io_backend"] = look.backend
    try:
        ds = kit.open(kit.written(look.data), num_partitions=look.partitions, **keywords)
    except ParameterError:
        if any(frame >= 0 for frame in shown):
            raise
        return None
    if all(frame < 0 for frame in shown):
        raise Broken("no frame is visible, but no error is raised")
    return ds


def _expect_tiles(ds: DataSet, look: Look, scheme: TilingScheme) -> None:
    """Compare all tiles with the model, and count how often each pixel comes."""
    shown = frames_shown(look.data.n_frames, look.nav_shape, look.sync_offset)
    wanted = [k for k in range(len(shown)) if look.roi is None or look.roi[k]]
    order = {position: i for i, position in enumerate(wanted)}
    frames = look.data.frames
    count = np.zeros((len(shown), *look.data.sig_shape), dtype=np.int64)
    for partition in ds.partitions():
        for tile in partition.tiles(scheme, region=partition.region(look.mask())):
            positions = list(tile.positions)
            if tile.data.shape != (len(positions), *tile.box.shape):
                raise Broken(f"a tile of {len(positions)} frames of {tile.box.shape} has shape {tile.data.shape}")
            for i, position in enumerate(positions):
                if not partition.start <= position < partition.stop or shown[position] < 0:
                    raise Broken(f"position {position} is delivered, which is not in the partition or has no frame")
                if order.get(position) != tile.start + i:
                    raise Broken(f"position {position} is result {tile.start + i}, expected {order.get(position)}")
                count[(position, *tile.box.slices)] += 1
            expected = np.stack([frames[(shown[k], *tile.box.slices)] for k in positions])
            expect_equal(tile.data, expected, f"the tile at positions {positions} and {tile.box}")
    once = np.zeros_like(count)
    once[[k for k in wanted if shown[k] >= 0]] = 1
    if not np.array_equal(count, once):
        where = tuple(int(i) for i in np.argwhere(count != once)[0])
        raise Broken(f"pixel {where[1:]} of position {where[0]} comes {count[where]} times, expected {once[where]}")


@check(level=2)
def every_pixel_comes_once(kit: Kit) -> None:
    """Tiles give every pixel that is asked for exactly once and equal to a brute-force model, however they are cut.

    The core cuts and selects. A linear source must say where frames lie; a procedural one must read exactly the
    frames and the box that it is asked for.
    """

    def body(look: Look) -> None:
        ds = _opened(kit, look)
        if ds is not None:
            _expect_tiles(ds, look, look.scheme)

    kit.search(looks(kit, backends(kit)), body)


@check(level=2)
def negotiated_tiles_cover_frames(kit: Kit) -> None:
    """The tiles that the core negotiates from the hints of the source give every pixel once.

    Look at `ReadHints`: `sig_block` has one number per detector axis, `frame_block` is at least 1.
    """
    for data in kit.kinds():
        third = max(1, data.nbytes // data.n_frames // 3)
        wishes = [TileWish(), TileWish("frame"), TileWish("partition"), TileWish(depth=2), TileWish(total_size=third)]
        look = _plain(data)
        for wish in wishes:
            with kit.case(f"{data}, {wish}"):
                ds = kit.open(kit.written(data), num_partitions=2)
                _expect_tiles(ds, look, ds.scheme(wishes=(wish,)))


def _plain(data: SampleData, *, depth: int = 2, **changes: Any) -> Look:
    whole = TilingScheme(depth, (SigBox.full(data.sig_shape),), data.sig_shape)
    facts: dict[str, Any] = {"nav_shape": data.nav_shape, "sync_offset": 0, "roi": None, "partitions": 2}
    return Look(data, scheme=whole, backend=None, **(facts | changes))


@check(level=2)
def sync_offset_shifts_frames(kit: Kit) -> None:
    """With any sync offset from -N to +N and beyond, position k shows frame k + offset or none at all.

    A reader never sees the sync offset. Look at the order of frames, and at `index` if the source gives one.
    """
    data = kit.data((2, 3), (3, 4))
    n = data.n_frames
    for offset in range(-n - 2, n + 3):
        look = _plain(data, sync_offset=offset)
        with kit.case(look):
            ds = _opened(kit, look)
            if ds is not None:
                _expect_tiles(ds, look, look.scheme)
                expect_equal(ds.read(fill=0), scan(data.frames, data.nav_shape, offset), "the read with fill=0")


@check(level=2)
def scan_shape_can_be_changed(kit: Kit) -> None:
    """A scan shape smaller or larger than the file, or of another rank, shows the same frames in the same order."""
    data = kit.data((3, 4), (3, 4))
    kit.needs(reshapes(kit, data), "the file says where each frame belongs")
    n = data.n_frames
    for nav in ((n,), (n - 1,), (1,), (n + 3,), (2, n), (1, 1, n), (2, 2, 2), (n, 2)):
        look = _plain(data, nav_shape=nav)
        with kit.case(look):
            ds = _opened(kit, look)
            assert ds is not None
            _expect_tiles(ds, look, look.scheme)
            expect_equal(ds.read(fill=0), scan(data.frames, nav, 0), "the read with fill=0")


@check(level=2)
def regions_of_interest_are_kept(kit: Kit) -> None:
    """A region of interest that is empty, full, a single position, scattered, or only where frames are missing."""
    data = kit.data((3, 4), (3, 4))
    n = data.n_frames
    offset = 2
    masks = {
        "empty": [False] * n,
        "full": [True] * n,
        "first": [k == 0 for k in range(n)],
        "last": [k == n - 1 for k in range(n)],
        "every second": [k % 2 == 0 for k in range(n)],
        "only missing": [k + offset >= n for k in range(n)],
        "backwards neighbours": [k in (1, 2, 5, 7, 8, 9) for k in range(n)],
    }
    for name, mask in masks.items():
        for shift, depth in product((0, offset, -offset), (2, n)):  # neighbours, and scattered frames, in one read
            look = _plain(data, depth=depth, roi=tuple(mask), sync_offset=shift)
            with kit.case(f"{name}, {look}"):
                ds = _opened(kit, look)
                assert ds is not None
                _expect_tiles(ds, look, look.scheme)


@check(level=2)
def partitions_cover_the_scan(kit: Kit) -> None:
    """For any number of partitions, each position lies in exactly one, and the pixels are the same."""
    data = kit.data((3, 4), (3, 4))
    for count in (*range(1, data.n_frames + 2), 10 * data.n_frames):
        look = _plain(data, partitions=count)
        with kit.case(look):
            ds = _opened(kit, look)
            assert ds is not None
            edges = [(part.start, part.stop) for part in ds.partitions()]
            covered = [k for start, stop in edges for k in range(start, stop)]
            kit.expect(covered == list(range(data.n_frames)), f"partitions {edges} do not cover the scan once")
            _expect_tiles(ds, look, look.scheme)


@dataclass(frozen=True)
class _Picked:
    data: SampleData
    index: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.data}; ds[{', '.join(_text(item) for item in self.index)}]"


def _text(item: Any) -> str:
    if isinstance(item, slice):
        parts = [item.start, item.stop, *([] if item.step is None else [item.step])]
        return ":".join("" if part is None else str(part) for part in parts)
    return "..." if item is Ellipsis else str(item)


@check(level=2)
def indexing_is_numpys(kit: Kit) -> None:
    """`ds[index]` gives what the same index into the array gives: integers, slices with steps, Ellipsis.

    Only the bytes that are needed are read, so a part of a frame takes another way than the whole. A codec or a
    procedural source that ignores the box shows here.
    """

    def picked(data: SampleData) -> st.SearchStrategy[_Picked]:
        return indices((*data.nav_shape, *data.sig_shape)).map(lambda index: _Picked(data, index))

    def body(one: _Picked) -> None:
        ds = kit.open(kit.written(one.data))
        expect_equal(ds[one.index], np.asarray(one.data.pixels[one.index]), "the part that was read")

    kit.search(scans(kit).flatmap(picked), body)


@check(level=2)
def other_dtypes_are_converted(kit: Kit) -> None:
    """Tiles in another dtype hold the numbers that NumPy's conversion of the native pixels gives."""
    for data in kit.kinds():
        kinds = ["f8", "c16"] if data.native_dtype.kind == "c" else ["f4", "f8", "c8"]
        ds = kit.open(kit.written(data), num_partitions=2)
        scheme = ds.scheme()
        for dtype in kinds:
            with kit.case(f"{data}, tiles of {dtype}"), np.errstate(all="ignore"):
                if data.native_dtype.kind == "c" and dtype[0] == "f":
                    continue
                found = np.concatenate(
                    [
                        tile.data.copy()
                        for part in ds.partitions()
                        for tile in part.tiles(
                            TilingScheme(3, (SigBox.full(scheme.sig_shape),), scheme.sig_shape), dtype=dtype
                        )
                    ]
                )
                expected = data.frames.astype(data.native_dtype).astype(dtype)
                expect_equal(found, expected, f"all tiles in {dtype}")


@check(level=2)
def missing_frames_follow_the_policy(kit: Kit) -> None:
    """Positions without a frame are left out, come as zeros, or are an error, as `missing=` says."""
    data = kit.data((2, 3), (3, 4))
    shown = frames_shown(data.n_frames, data.nav_shape, 2)
    with kit.case(f"{data}, sync_offset=2, missing='zero'"):
        ds = kit.open(kit.written(data), sync_offset=2, missing="zero", num_partitions=2)
        expected = scan(data.frames, data.nav_shape, 2)
        expect_equal(ds.read(), expected, "the full read")
        scheme = TilingScheme(2, (SigBox.full(data.sig_shape),), data.sig_shape)
        tiles = [tile.data.copy() for part in ds.partitions() for tile in part.tiles(scheme)]
        found = np.concatenate(tiles)
        expect_equal(found, expected.reshape(math.prod(data.nav_shape), *data.sig_shape), "all tiles")
    with kit.case(f"{data}, sync_offset=2"):
        ds = kit.open(kit.written(data), sync_offset=2)
        valid = [frame >= 0 for frame in shown]
        kit.expect(ds.valid_mask.reshape(-1).tolist() == valid, f"valid_mask is {ds.valid_mask.tolist()}")
        kit.expect(ds.missing_count == valid.count(False), f"missing_count is {ds.missing_count}")
