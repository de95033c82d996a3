"""Which data set of a file is the scan: one function per convention, asked in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from lamella.errors import FormatError
from lamella.reader import Metadata
from lamella_hdf5.axes import emd_axes
from lamella_hdf5.choice import Choice
from lamella_hdf5.dectris import dectris
from lamella_hdf5.hyperspy import hyperspy
from lamella_hdf5.named import named
from lamella_hdf5.nexus import nexus
from lamella_hdf5.objects import Group, group_at, links_of
from lamella_hdf5.swift import swift
from lamella_hdf5.tree import Items, datasets, known_text, numbers_in, rank, refuse_growing, scalar, times
from lamella_hdf5.values import attributes
from lamella_hdf5.velox import velox

if TYPE_CHECKING:
    from contextlib import ExitStack

    from lamella_hdf5.links import Elsewhere
    from lamella_hdf5.params import Hdf5Params

__all__ = ["choose"]


def choose(root: Any, items: Items, params: Hdf5Params, elsewhere: Elsewhere, files: ExitStack) -> Choice:
    """Give the data set that the user named, or that the first fitting convention names.

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
    conventions: tuple[Callable[[], Choice | None], ...] = (
        lambda: nexus(root, items),
        lambda: hyperspy(root),
        lambda: velox(root),
        lambda: swift(root),
        lambda: emd(root, items),
        lambda: largest(items),
    )
    for convention in conventions:
        found = convention()
        if found is not None:
            return found
    refuse_growing(root)
    raise FormatError(
        "the file holds no data set of numbers with two axes or more",
        path=elsewhere.path,
        remedy="`lamella probe` lists what it holds; name one with ds_path=",
    )


def emd(root: Any, items: Items) -> Choice | None:
    """Take the largest data set of an EMD group: NCEM, Prismatic, py4DSTEM of both kinds."""
    found = [(group, item) for group in _emd_groups(root, items) for item in _emd_data(group)]
    if not found:
        return None
    group, dataset = max(found, key=lambda one: rank(one[1]))
    old = "4DSTEM_experiment" in dataset.name
    return Choice(
        convention="py4DSTEM data cube" if old or "datacube" in dataset.name else "EMD group",
        dataset=dataset,
        axes=emd_axes(group, dataset),
        metadata=_emd_metadata(root),
    )


def _emd_groups(root: Any, items: Items) -> Iterator[Any]:
    for _, item in items:
        if isinstance(item, Group) and "emd_group_type" in attributes(item):
            yield item
    cubes = group_at(root, "4DSTEM_experiment/data/datacubes")
    if isinstance(cubes, Group):
        yield from (item for name in links_of(cubes) if isinstance(item := group_at(cubes, name), Group))


def _emd_data(group: Any) -> Iterator[Any]:
    for name in ("data", "datacube", "realslice"):
        item = group_at(group, name)
        if numbers_in(item) and len(item.shape) >= 1:
            yield item


def _emd_metadata(root: Any) -> Metadata:
    microscope = attributes(group_at(root, "microscope"))
    voltage = microscope.get("voltage") or microscope.get("accelerating_voltage") or scalar(root, "microscope/voltage")
    return Metadata(
        beam_energy=times(voltage, 1.0),
        instrument=known_text(microscope.get("microscope name")),
        operator=known_text(attributes(group_at(root, "user")).get("name")),
    )


def largest(items: Items) -> Choice | None:
    """Take the data set with the most bytes that is no thumbnail; several frames go before one."""
    found = [(path, item) for path, item in datasets(items) if len(item.shape) >= 2 and "metadata" not in path.lower()]
    proper = [one for one in found if not any(word in one[0].lower() for word in ("thumbnail", "preview"))]
    if not (proper or found):
        return None
    _, dataset = max(proper or found, key=lambda one: rank(one[1]))
    return Choice(convention="the largest data set", dataset=dataset)
