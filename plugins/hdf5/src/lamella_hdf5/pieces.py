"""Data sets that lie in several places: virtual ones, and those whose bytes are in other files."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import h5py

from lamella.errors import CorruptError, FormatError, UnsupportedError
from lamella_hdf5.library import translated
from lamella_hdf5.stored import Piece, describe
from lamella_hdf5.virtual import virtual_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamella_hdf5.links import Elsewhere

__all__ = ["pieces_of"]

_DEEPEST = 8


def pieces_of(dataset: Any, path: str, elsewhere: Elsewhere, *, fast: bool, depth: int = 0) -> tuple[Piece, ...]:
    """Give the stored pieces of a data set along its first axis; virtual and external ones are resolved.

    Raises
    ------
    FormatError
        If a source must not be read, or does not fit.
    """
    if depth > _DEEPEST:
        raise CorruptError("virtual data sets refer to each other without end", path=path)
    with translated(path, f"looking at {dataset.name}"):
        plist = dataset.id.get_create_plist()
        layout, external = plist.get_layout(), plist.get_external_count()
        if layout == h5py.h5d.VIRTUAL:

            def resolve(source: Any, file: str) -> tuple[Piece, ...]:
                return pieces_of(source, file, elsewhere, fast=fast, depth=depth + 1)

            return virtual_pieces(dataset, path, elsewhere, resolve)
        if external:
            return tuple(_external(dataset, plist, path, elsewhere))
    stored = describe(dataset, path, fast=fast)
    return (Piece(stored, 0, stored.shape[0] if stored.shape else 1),)


def _external(dataset: Any, plist: Any, path: str, elsewhere: Elsewhere) -> Iterator[Piece]:
    """Give the parts of a data set whose bytes lie in other files, one after the other."""
    stored = replace(describe(dataset, path, fast=True), how="contiguous", why="", by_name=False)
    row = math.prod(stored.shape[1:]) * stored.dtype.itemsize
    first, total = 0, stored.shape[0]
    for i in range(plist.get_external_count()):
        name, offset, nbytes = plist.get_external(i)
        name = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        file = elsewhere.find(name)
        if file is None:
            raise FormatError(
                f"the file that holds the pixels of {stored.name} is missing",
                path=path,
                expected=f"{elsewhere.path.parent / name}",
                remedy="Put it beside this file",
            )
        size = file.stat().st_size
        available = min(nbytes, max(0, size - offset)) // row if row else 0
        count = min(total - first, available)
        if i + 1 < plist.get_external_count() and nbytes % row:
            raise UnsupportedError(
                "frames are cut in two by external files", path=path, found=f"{nbytes} bytes in {name}"
            )
        if count:
            yield Piece(replace(stored, path=str(file), size=size, offset=int(offset)), first, count)
        first += count
        if count < available or first >= total:
            break
    if first < total:
        yield Piece(None, first, total - first)
