"""Links into other files, and virtual data sets that are not looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella_hdf5.specials.writing import saved
from lamella_testkit import Special

if TYPE_CHECKING:
    from lamella_testkit import SampleData

__all__ = ["special_files"]

_MOST_PARTS = 1000
"""A file may have that many parts of virtual data sets, or one data set of more."""


def special_files(folder: Path, data: SampleData) -> Iterator[Special]:
    """Write them."""
    yield from _named(folder, data)
    yield from _left_out(folder, data)
    yield from _not_handed_out(folder, data)


def _named(folder: Path, data: SampleData) -> Iterator[Special]:
    """Data sets behind links."""
    pixels = data.pixels
    saved(folder / "several.h5", lambda file: file.create_dataset("scan/large", data=pixels))

    def far(file: Any, name: str = "several.h5") -> None:
        file["far"] = h5py.ExternalLink(name, "/scan/large")

    outer = saved(folder / "outer.h5", far)
    yield Special("a data set of another file", {**outer, "ds_path": "far"}, pixels=pixels)
    (folder / "inner").mkdir()
    inner = saved(folder / "inner" / "inner.h5", lambda file: far(file, "../several.h5"))
    text = "a data set of a file in another folder"
    yield Special(text, {**inner, "ds_path": "far", "external": "anywhere"}, pixels=pixels)


def _left_out(folder: Path, data: SampleData) -> Iterator[Special]:
    """A scan beside links into files that cannot be read."""

    def write(file: Any) -> None:
        file["scan"] = data.pixels
        file["missing"] = h5py.ExternalLink("missing.h5", "/scan")
        file["outside"] = h5py.ExternalLink("../outside.h5", "/scan")
        file["there"] = h5py.ExternalLink("several.h5", "/scan/large")

    keywords = saved(folder / "beside.h5", write)
    yield Special("links to what is not there", keywords, pixels=data.pixels, notes=1, warnings=1)
    yield Special("links that the user left out", {**keywords, "external": "never"}, pixels=data.pixels, notes=0)


def _not_handed_out(folder: Path, data: SampleData) -> Iterator[Special]:
    """A scan beside virtual data sets that grow, that have very many parts, and that have none."""
    shape = (2, *data.sig_shape)

    def growing(file: Any) -> None:
        file["scan"] = data.pixels
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        spaces = [h5py.h5s.create_simple(shape, (h5py.h5s.UNLIMITED, *shape[1:])) for _ in range(3)]
        for space in spaces[:2]:
            space.select_hyperslab((0, 0, 0), (h5py.h5s.UNLIMITED, 1, 1), block=(1, *shape[1:]))
        plist.set_virtual(spaces[0], b"grown.h5", b"data", spaces[1])
        h5py.h5d.create(file.id, b"growing", h5py.h5t.STD_U16LE, spaces[2], plist)
        file.create_virtual_dataset("none", h5py.VirtualLayout(shape, "<u2"))

    with h5py.File(folder / "grown.h5", "w") as file:
        file.create_dataset("data", data=np.ones((99, *data.sig_shape), "<u2"), maxshape=(None, *data.sig_shape))
    keywords = saved(folder / "growing.h5", growing, libver="latest")
    yield Special("a scan beside a data set that grows", keywords, pixels=data.pixels, notes=1)

    def many(file: Any) -> None:
        file["scan"] = data.pixels
        for name, count in (("a few", 2), ("many", _MOST_PARTS)):
            layout = h5py.VirtualLayout((count, 1, 1), "<u2")
            for number in range(count):
                layout[number : number + 1] = h5py.VirtualSource("missing.h5", "data", (1, 1, 1))
            file.create_virtual_dataset(name, layout)

    keywords = saved(folder / "many.h5", many)
    yield Special("a scan beside data sets of many parts", {**keywords, "ds_path": "scan"}, pixels=data.pixels)
