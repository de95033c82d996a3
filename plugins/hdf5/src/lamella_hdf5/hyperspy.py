"""Files of HyperSpy: signals under ``Experiments``, each with a group per axis that says whether it is navigated."""

from __future__ import annotations

import os
from typing import Any

from lamella.reader import Metadata
from lamella_hdf5.axes import hyperspy_axes
from lamella_hdf5.choice import Choice
from lamella_hdf5.contents import unusable
from lamella_hdf5.objects import Group, group_at, links_of
from lamella_hdf5.tree import Items, known_text, known_time, numbers_in, rank, times
from lamella_hdf5.values import attributes

__all__ = ["hyperspy", "hyperspy_choice"]

_RANKS = {"spectrum": 1, "image": 2}
"""Axes of a signal by what files of versions before 1.0 say that they are recorded by."""


def hyperspy(root: Any, items: Items, path: str | os.PathLike[str]) -> Choice | None:
    """Take the largest signal of ``Experiments``.

    Raises
    ------
    UnsupportedError
        If HyperSpy wrote the file, and no signal holds frames of numbers.
    """
    experiments = group_at(root, "Experiments")
    if not isinstance(experiments, Group):
        return None
    groups = [group for name in links_of(experiments) if isinstance(group := group_at(experiments, name), Group)]
    found = [(group, group_at(group, "data")) for group in groups]
    usable = [one for one in found if numbers_in(one[1]) and len(one[1].shape) >= 1]
    if usable:
        return hyperspy_choice(*max(usable, key=lambda one: rank(one[1])))
    if known_text(attributes(root).get("file_format")) == "HyperSpy" or any(map(_is_signal, groups)):
        raise unusable("no signal of the HyperSpy file holds frames of numbers", items, path)
    return None


def _is_signal(group: Group) -> bool:
    return group_at(group, "axis-0") is not None or group_at(group, "data") is not None


def hyperspy_choice(group: Any, dataset: Any) -> Choice:
    """Describe one signal."""
    axes, navigate = hyperspy_axes(group, dataset)
    general, signal, tem = (_described(group, name) for name in ("General", "Signal", "TEM"))
    return Choice(
        convention="HyperSpy signal",
        dataset=dataset,
        axes=axes,
        sig_axes=_sig_axes(len(dataset.shape), navigate, signal.get("record_by")),
        metadata=Metadata(
            title=known_text(general.get("title")),
            acquired=known_time(general.get("date"), general.get("time")),
            instrument=known_text(tem.get("microscope")),
            mode=known_text(tem.get("acquisition_mode")),
            beam_energy=times(tem.get("beam_energy"), 1e3),
            camera_length=times(tem.get("camera_length"), 1e-3),
        ),
    )


def _described(group: Any, name: str) -> dict[str, Any]:
    """Give the attributes of one section; versions before 1.0 kept them elsewhere and in fewer groups."""
    where = "Acquisition_instrument/TEM" if name == "TEM" else name
    found = attributes(group_at(group, f"metadata/{where}"))
    old = attributes(group_at(group, "mapped_parameters/TEM" if name == "TEM" else "mapped_parameters"))
    return {**old, **found}


def _sig_axes(ndim: int, navigate: dict[int, bool], record_by: object) -> tuple[int, ...] | None:
    """Give the axes of the detector, None if nothing tells them."""
    sig = tuple(i for i, flag in sorted(navigate.items()) if not flag)
    if len(navigate) == ndim and sig:
        return sig
    count = _RANKS.get(str(record_by))
    return tuple(range(ndim - count, ndim)) if count is not None and count <= ndim else None
