"""Which data set of a file is the scan: one function per convention, asked in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lamella_hdf5.choice import Choice
from lamella_hdf5.dectris import dectris
from lamella_hdf5.emd import emd
from lamella_hdf5.hyperspy import hyperspy
from lamella_hdf5.largest import electron_events, largest
from lamella_hdf5.named import named
from lamella_hdf5.nexus import nexus
from lamella_hdf5.swift import swift
from lamella_hdf5.tree import Items
from lamella_hdf5.velox import velox

if TYPE_CHECKING:
    from contextlib import ExitStack

    from lamella_hdf5.links import Elsewhere
    from lamella_hdf5.params import Hdf5Params

__all__ = ["choose"]


def choose(root: Any, items: Items, params: Hdf5Params, elsewhere: Elsewhere, files: ExitStack) -> Choice:
    """Give the data set that the user named, or that the first fitting convention names.

    Each convention answers that the file is not its own (None), which data set is the scan, or that the file is its own
    and cannot be used (an error): then no other one is asked.

    ``items`` is all that is in the file. Other files that have to be opened for it stay open in ``files``.

    Raises
    ------
    FormatError
        If the file holds no scan.
    ParameterError
        If ``ds_path`` leads nowhere.
    """
    if params.ds_path is not None:
        return named(root, items, params.ds_path, elsewhere, files)
    found = dectris(root, elsewhere, fast=params.fast)
    if found is not None:
        return found
    path = elsewhere.path
    conventions: tuple[Callable[[], Choice | None], ...] = (
        lambda: nexus(root, items, elsewhere, files),
        lambda: hyperspy(root, items, path),
        lambda: velox(root, items, path),
        lambda: swift(root, items, path),
        lambda: emd(root, items, path),
        lambda: electron_events(root, items, path),
    )
    for convention in conventions:
        found = convention()
        if found is not None:
            return found
    return largest(root, items, elsewhere)
