"""NeXus files: the plot that the file wants shown, and its axes."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lamella.errors import FormatError
from lamella.reader import Caution
from lamella_hdf5.axes import nexus_axes
from lamella_hdf5.choice import Choice
from lamella_hdf5.contents import facts, unusable
from lamella_hdf5.links import Elsewhere, locate
from lamella_hdf5.objects import Dataset, Group, group_at, links_of
from lamella_hdf5.tree import Items, known_text, numbers_in, rank
from lamella_hdf5.values import attributes

if TYPE_CHECKING:
    from lamella.errors import UnsupportedError

__all__ = ["nexus", "nexus_choice"]


def nexus(root: Any, items: Items, elsewhere: Elsewhere, files: ExitStack) -> Choice | None:
    """Follow ``default`` from the root to the plot that the file wants shown, or take the largest signal there is.

    Raises
    ------
    FormatError
        If the plot that the file wants shown has no signal that can be read, or none of its plots has.
    """
    group, default = root, False
    lost: tuple[str, ...] = ()
    for _ in range(8):
        name = known_text(attributes(group).get("default"))
        child = group_at(group, name) if name else None
        if not isinstance(child, Group):
            lost = (Caution(f"the file wants {name} in {group.name} shown, which is not there"),) if name else ()
            break
        group, default = child, True
    if default and _is_plot(group):
        found = _plot(group, items, elsewhere, files, "NeXus default")
        if isinstance(found, Exception):
            raise found
        if found is not None:
            return found
    plots = [
        _plot(item, items, elsewhere, files, "the largest NeXus signal")
        for _, item in items
        if isinstance(item, Group) and _is_plot(item)
    ]
    usable = [one for one in plots if isinstance(one, Choice)]
    broken = [one for one in plots if isinstance(one, Exception)]
    if not usable:
        if broken:
            raise broken[0]
        return _detector(items)
    best = max(usable, key=lambda one: rank(one.dataset))
    return replace(
        best, notes=(*best.notes, *lost, *(Caution(f"a plot is left out: {error.problem}") for error in broken))
    )


def _is_plot(group: Any) -> bool:
    return known_text(attributes(group).get("NX_class")) == "NXdata"


def _plot(
    group: Any, items: Items, elsewhere: Elsewhere, files: ExitStack, why: str
) -> Choice | FormatError | UnsupportedError | None:
    """Give the signal of a plot; an error if it names one that cannot be read, None if it has none of two axes."""
    name = known_text(attributes(group).get("signal"))
    try:
        signal, home = locate(group, name, elsewhere, files) if name else (_marked(group), elsewhere)
    except FormatError as error:
        where = f"the signal {name} of the NeXus plot {group.name} cannot be read: {error.problem}"
        return FormatError(where, path=elsewhere.path, expected=error.expected, found=error.found, remedy=error.remedy)
    if signal is None and name is None:
        return None
    if not isinstance(signal, Dataset) or not numbers_in(signal):
        what = "is not there" if signal is None else f"holds no frames of numbers ({facts(signal)})"
        return unusable(f"the signal {name or ''} of the NeXus plot {group.name} {what}", items, elsewhere.path)
    if len(signal.shape) < 2:
        return None
    return replace(nexus_choice(group, signal, why), elsewhere=None if home is elsewhere else home)


def _marked(group: Any) -> Any:
    """Give the signal of a plot as files before 2014 mark it: by an attribute of the data set itself."""
    marked = (group_at(group, key) for key in links_of(group))
    return next((item for item in marked if str(attributes(item).get("signal")) == "1"), None)


def _detector(items: Items) -> Choice | None:
    """Take the largest stack of a detector, for a file whose plots show curves only."""
    groups = [item for _, item in items if known_text(attributes(item).get("NX_class")) == "NXdetector"]
    found = [data for group in groups if numbers_in(data := group_at(group, "data")) and len(data.shape) >= 3]
    return Choice(convention="NeXus detector", dataset=max(found, key=rank)) if found else None


def nexus_choice(group: Any, signal: Any, why: str) -> Choice:
    """Give a signal with the axes of its group; ``interpretation`` says how many of them are the detector."""
    interpretation = attributes(group).get("interpretation") or attributes(signal).get("interpretation")
    count = {"scalar": 1, "spectrum": 1, "image": 2, "rgb-image": 3}.get(str(interpretation))
    ndim = len(signal.shape)
    sig_axes = tuple(range(ndim - count, ndim)) if count is not None and count < ndim else None
    return Choice(convention=why, dataset=signal, axes=nexus_axes(group, signal), sig_axes=sig_axes)
