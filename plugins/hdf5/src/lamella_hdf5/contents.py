"""What a file holds, in the words of an error, where its data cannot be used."""

from __future__ import annotations

import os
from typing import Any

import h5py

from lamella.errors import UnsupportedError
from lamella_hdf5.objects import Dataset
from lamella_hdf5.tree import Items
from lamella_hdf5.values import printable

__all__ = ["NAME_ANOTHER", "facts", "held", "unusable"]

NAME_ANOTHER = "Name a data set with ds_path= if you want another one of these"
_LISTED = 12


def facts(item: Any) -> str:
    """Give shape and dtype of a data set, in short; also of one that holds no numbers."""
    try:
        if not isinstance(item, Dataset):
            return "a group"
        kind = h5py.check_vlen_dtype(item.dtype)
        words = "texts" if kind in (str, bytes) else f"lists of {getattr(kind, '__name__', kind)}"
        text = str(item.dtype) if kind is None else words
        return f"shape {item.shape}, {text[:80]}"
    except Exception:  # a type or a shape that NumPy does not have
        return "not readable"


def held(items: Items) -> str:
    """Give the data sets of a file, the first ones if there are many."""
    found = [f"{printable(path)} ({facts(item)})" for path, item in items if isinstance(item, Dataset)]
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return ", ".join(found[:_LISTED]) + more if found else "no data set"


def unusable(problem: str, items: Items, path: str | os.PathLike[str], remedy: str = NAME_ANOTHER) -> UnsupportedError:
    """Give the error for a file of a known convention whose data cannot be used; it lists what the file holds."""
    return UnsupportedError(problem, path=path, found=f"the file holds {held(items)}", remedy=remedy)
