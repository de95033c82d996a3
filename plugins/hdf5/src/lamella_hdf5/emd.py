"""EMD files: NCEM, Prismatic, and py4DSTEM since its beginnings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from lamella.reader import Caution, Metadata
from lamella_hdf5.axes import emd_axes
from lamella_hdf5.choice import Choice
from lamella_hdf5.contents import facts, unusable
from lamella_hdf5.objects import Dataset, Group, group_at, links_of
from lamella_hdf5.tree import Items, known_text, numbers_in, rank, scalar, times
from lamella_hdf5.values import attributes

__all__ = ["emd"]

_NAMES = ("data", "datacube", "realslice")
"""What groups call their data set."""
_CUBES = "/data/datacubes/"
"""Where py4DSTEM before 0.14 and Prismatic keep data cubes."""


def emd(root: Any, items: Items, path: str | os.PathLike[str]) -> Choice | None:
    """Take the largest data cube; the largest data set of an EMD group in files that announce no cube.

    py4DSTEM keeps slices, maps and lists of peaks beside its cubes, and they may be larger.

    Raises
    ------
    UnsupportedError
        If it is an EMD file, and neither its cubes nor its groups hold frames of numbers.
    """
    groups = list(_groups(root, items))
    if not groups:
        return None
    cubes = [one for one in groups if _is_cube(*one)]
    found = [(group, item) for _, group in cubes or groups for item in _usable(group)]
    if not found:
        kind = "data cube" if cubes else "group"
        raise unusable(f"no {kind} of the EMD file holds frames of numbers", items, path)
    group, dataset = max(found, key=lambda one: rank(one[1]))
    return Choice(
        convention="py4DSTEM data cube" if cubes else "EMD group",
        dataset=dataset,
        axes=emd_axes(group, dataset),
        metadata=_metadata(root),
        notes=tuple(_left_out(cubes, group)),
    )


def _groups(root: Any, items: Items) -> Iterator[tuple[str, Any]]:
    """Give groups that hold an array, with their paths."""
    seen = set()
    for where, item in items:
        if isinstance(item, Group) and _is_array(where, item):
            seen.add(item.address)
            yield where, item
    cubes = group_at(root, "4DSTEM_experiment/data/datacubes")
    for name in links_of(cubes) if isinstance(cubes, Group) else ():
        item = group_at(cubes, name)
        if isinstance(item, Group) and item.address not in seen:
            yield f"/4DSTEM_experiment{_CUBES}{name}", item


def _is_array(where: str, group: Group) -> bool:
    """Whether a group holds an array; 1 and ``array`` say so, others are files, roots, metadata and lists of points."""
    kind = attributes(group).get("emd_group_type")
    return kind is not None and (kind in (1, "1", "array") or _has_data(group) or _is_cube(where, group))


def _has_data(group: Group) -> bool:
    return any(group_at(group, name) is not None for name in _NAMES)


def _is_cube(where: str, group: Group) -> bool:
    told = attributes(group)
    named = (known_text(told.get(name)) for name in ("python_class", "py4dstem_class"))
    return _CUBES in f"{where}/" or any(name == "DataCube" for name in named)


def _usable(group: Group) -> Iterator[Any]:
    for name in _NAMES:
        item = group_at(group, name)
        if numbers_in(item) and len(item.shape) >= 1:
            yield item


def _left_out(cubes: list[tuple[str, Any]], chosen: Group) -> Iterator[str]:
    others = [(where, group) for where, group in cubes if group.address != chosen.address]
    for where, group in others[:4]:
        data = next((item for name in _NAMES if isinstance(item := group_at(group, name), Dataset)), None)
        yield Caution(f"the file holds another data cube, {where} ({facts(data)}); choose with ds_path=")


def _metadata(root: Any) -> Metadata:
    microscope = attributes(group_at(root, "microscope"))
    voltage = microscope.get("voltage") or microscope.get("accelerating_voltage") or scalar(root, "microscope/voltage")
    return Metadata(
        beam_energy=times(voltage, 1.0),
        instrument=known_text(microscope.get("microscope name")),
        operator=known_text(attributes(group_at(root, "user")).get("name")),
    )
