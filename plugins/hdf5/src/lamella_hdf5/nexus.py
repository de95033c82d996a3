"""NeXus files: the plot that the file wants shown, and its axes."""

from __future__ import annotations

from typing import Any

from lamella_hdf5.axes import nexus_axes
from lamella_hdf5.choice import Choice
from lamella_hdf5.objects import Group, group_at, links_of
from lamella_hdf5.tree import Items, known_text, numbers_in, rank
from lamella_hdf5.values import attributes

__all__ = ["nexus", "nexus_choice"]


def nexus(root: Any, items: Items) -> Choice | None:
    """Follow ``default`` from the root to the plot that the file wants shown, or take the largest signal there is."""
    group, default = root, False
    for _ in range(8):
        name = known_text(attributes(group).get("default"))
        child = group_at(group, name) if name else None
        if not isinstance(child, Group):
            break
        group, default = child, True
    if default:
        signal = _signal(group)
        if signal is not None and len(signal.shape) >= 2:
            return nexus_choice(group, signal, "NeXus default")
    signals = [
        (item, signal)
        for _, item in items
        if isinstance(item, Group) and known_text(attributes(item).get("NX_class")) == "NXdata"
        for signal in [_signal(item)]
        if signal is not None and len(signal.shape) >= 2
    ]
    if not signals:
        return None
    best = max(signals, key=lambda one: rank(one[1]))
    return nexus_choice(*best, "the largest NeXus signal")


def _signal(group: Any) -> Any:
    """Give the signal of an NXdata group."""
    name = attributes(group).get("signal")
    if isinstance(name, str) and numbers_in(group_at(group, name)):
        return group_at(group, name)
    marked = (group_at(group, key) for key in links_of(group))
    return next((item for item in marked if numbers_in(item) and str(attributes(item).get("signal")) == "1"), None)


def nexus_choice(group: Any, signal: Any, why: str) -> Choice:
    """Give a signal with the axes of its group; ``interpretation`` says how many of them are the detector."""
    interpretation = attributes(group).get("interpretation") or attributes(signal).get("interpretation")
    count = {"scalar": 1, "spectrum": 1, "image": 2, "rgb-image": 3}.get(str(interpretation))
    ndim = len(signal.shape)
    sig_axes = tuple(range(ndim - count, ndim)) if count is not None and count < ndim else None
    return Choice(convention=why, dataset=signal, axes=nexus_axes(group, signal), sig_axes=sig_axes)
