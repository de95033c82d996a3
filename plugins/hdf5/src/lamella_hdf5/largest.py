"""The choice in files of no known convention: the largest data set that may be a scan, and what never is one."""

from __future__ import annotations

import math
import os
import re
from typing import Any

from lamella.errors import FormatError
from lamella.reader import Caution
from lamella_hdf5.choice import Choice
from lamella_hdf5.contents import facts, held, unusable
from lamella_hdf5.links import Elsewhere
from lamella_hdf5.objects import Dataset, Group, Leaving, group_at, reach
from lamella_hdf5.tree import Items, colours_of, datasets, known_text, rank, refuse_growing
from lamella_hdf5.values import attributes, printable

__all__ = ["electron_events", "largest"]

_DRAWINGS = ("IMAGE_TRUECOLOR", "IMAGE_INDEXED")
_HELPERS = ("DIMENSION_SCALE", "PALETTE")
_ERRORS = frozenset(
    [
        "err",
        "errs",
        "error",
        "errors",
        "sigma",
        "uncertainty",
        "uncertainties",
        "variance",
        "variances",
        "var",
        "std",
        "stdev",
        "stddev",
    ]
)
"""Words in the name of what has the shape of a signal, and is none."""
_TABLES = frozenset(
    [
        "axis",
        "axes",
        "coordinate",
        "coordinates",
        "coords",
        "position",
        "positions",
        "pos",
        "motor",
        "motors",
        "stage",
        "encoder",
        "encoders",
        "event",
        "events",
        "stream",
        "timestamp",
        "timestamps",
        "time",
        "times",
        "index",
        "indices",
        "mask",
        "weights",
        "palette",
        "lut",
        "calibration",
    ]
)
"""Words in the name of what has two axes, and is no image."""
_NEXUS_HELPERS = frozenset(
    ["NXevent_data", "NXlog", "NXpositioner", "NXtransformations", "NXmonitor", "NXsensor", "NXgeometry", "NXsample"]
)
_OTHERS = {
    "dm5": ("this is a file of DigitalMicrograph 5", "Save it as .dm4 there, or name a data set with ds_path="),
    "app5": (
        "this is a file of NanoMEGAS TopSpin",
        "Export a block file (.blo) there, or name a data set with ds_path=",
    ),
}
_NARROW, _LONG = 3, 16
_LEAST_SHARE = 1000
"""A data set that is smaller by this factor is no other candidate for the scan."""
_LISTED = 4
_MOST_LINKS = 64


def largest(root: Any, items: Items, elsewhere: Elsewhere) -> Choice:
    """Take the data set with the most bytes that may be a scan; several frames go before one.

    Thumbnails are taken where there is nothing else. Axes, errors, positions, drawings and streams of events never
    are.

    Raises
    ------
    FormatError
        If nothing may be a scan, or what may be one holds no frames, or may lie in a file that is not there.
    """
    path = elsewhere.path
    helpers = _helpers(items)
    found = [(where, item) for where, item in datasets(items) if _may_be_scan(where, item, helpers)]
    empty = [(where, item) for where, item in items if _is_empty_stack(item)]
    if empty and not any(len(item.shape) >= 3 for _, item in found):
        where = empty[0][0]
        raise FormatError(
            f"the data set {printable(where)} has no frames; nothing was recorded",
            path=path,
            found=f"the file holds {held(items)}",
            remedy="Name another data set with ds_path=",
        )
    missing = _missing_links(root, elsewhere)
    if missing and not any(len(item.shape) >= 3 for _, item in found):
        raise FormatError(
            "the file names others that cannot be read, and holds no stack of frames itself",
            path=path,
            expected=", ".join(missing),
            found=f"the file holds {held(items)}",
            remedy="Put the files beside this one",
        )
    proper = [one for one in found if not _is_preview(*one)]
    if not found:
        refuse_growing(root)
        raise FormatError(
            "the file holds no data set of numbers with two axes or more that may be a scan",
            path=path,
            found=held(items),
            remedy="Name one with ds_path= if it is a scan",
        )
    chosen, dataset = max(proper or found, key=lambda one: rank(one[1]))
    notes = _others(proper or found, chosen, dataset)
    if missing:
        notes += (Caution(f"data in other files are left out, which cannot be read: {', '.join(missing)}"),)
    return Choice(convention="the largest data set", dataset=dataset, notes=notes)


def _missing_links(root: Any, elsewhere: Elsewhere) -> list[str]:
    """Give names of files behind external links that are not there, or must not be read; the first ones of many."""
    if elsewhere.policy == "never":  # so the user wants it
        return []
    links = (reach(group, name) for group, name in root.home.leaving)
    names = dict.fromkeys(found.file for found in links if isinstance(found, Leaving))
    return [printable(name) for name in list(names)[:_MOST_LINKS] if not _is_readable(name, elsewhere)][:_LISTED]


def _is_readable(name: str, elsewhere: Elsewhere) -> bool:
    try:
        return elsewhere.find(name) is not None
    except FormatError:  # it lies where it must not
        return False


def _is_preview(where: str, item: Dataset) -> bool:
    return bool(colours_of(item.dtype)) or any(word in where.lower() for word in ("thumbnail", "preview"))


def _others(found: Items, chosen: str, dataset: Dataset) -> tuple[str, ...]:
    """Warn of further data sets that might be the scan: of another shape, and not much smaller."""
    others = [
        f"{printable(where)} ({facts(item)})"
        for where, item in found
        if (len(item.shape) >= 3) == (len(dataset.shape) >= 3)
        and item.shape != dataset.shape
        and not where.startswith("/#")  # cells of MATLAB
        and _nbytes(item) * _LEAST_SHARE > _nbytes(dataset)
    ]
    if not others:
        return ()
    more = f" and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
    text = f"the largest data set {printable(chosen)} ({facts(dataset)}) is taken for the scan; the file also holds "
    return (Caution(f"{text}{', '.join(others[:_LISTED])}{more}; choose with ds_path="),)


def _nbytes(item: Dataset) -> int:
    return int(math.prod(item.shape) * item.dtype.itemsize)


def _is_empty_stack(item: Any) -> bool:
    try:
        return (
            isinstance(item, Dataset)
            and len(item.shape or ()) >= 3
            and item.dtype.kind in "biufc"
            and math.prod(item.shape) == 0
        )
    except Exception:  # a type that NumPy does not have
        return False


def _may_be_scan(where: str, item: Dataset, helpers: frozenset[str]) -> bool:
    if len(item.shape) < 2 or "metadata" in where.lower() or any(where.startswith(one) for one in helpers):
        return False
    told = attributes(item)
    if known_text(told.get("IMAGE_SUBCLASS")) in _DRAWINGS or known_text(told.get("CLASS")) in _HELPERS:
        return False
    words = set(re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", where.rsplit("/", 1)[-1]).lower()))
    if words & _ERRORS:
        return False
    if len(item.shape) > 2:
        return True
    return not words & _TABLES and not (item.shape[1] <= _NARROW and item.shape[0] >= _LONG)


def _helpers(items: Items) -> frozenset[str]:
    """Give the paths of data sets and groups that NeXus gives another role: axes of plots, logs, positions, events."""
    found = set()
    for where, item in items:
        if not isinstance(item, Group):
            continue
        told = attributes(item)
        kind = known_text(told.get("NX_class"))
        if kind in _NEXUS_HELPERS:
            found.add(f"{where}/")
        if kind != "NXdata":
            continue
        axes = told.get("axes")
        names = [name for name in (axes if isinstance(axes, list) else [axes]) if isinstance(name, str)]
        names += [name.removesuffix("_indices") for name in told if name.endswith("_indices")]
        found |= {f"{where}/{name}" for name in names if name not in ("", ".")}
    return frozenset(found)


def electron_events(root: Any, items: Items, path: str | os.PathLike[str]) -> Choice | None:
    """Refuse counted data: lists of electrons per frame, or one list of all events, without frames.

    The same goes for files of programs that keep data in HDF5 in a way of their own.

    Raises
    ------
    UnsupportedError
        If that is what the file is made for.
    """
    other = _OTHERS.get(os.fspath(path).lower().rpartition(".")[2])
    if other is not None:
        raise unusable(f"{other[0]}, whose order of data is not known here", items, path, other[1])
    frames = group_at(root, "electron_events/frames")
    if frames is not None:
        raise unusable(
            "this is counted data of stempy: electron_events/frames holds lists of electron events instead of frames",
            items,
            path,
            "Make frames with stempy.io.load_electron_counts(PATH).data, and open that array with lamella.open(...)",
        )
    events = [where for where, item in items if known_text(attributes(item).get("NX_class")) == "NXevent_data"]
    if events and not any(len(item.shape) >= 3 for _, item in datasets(items)):
        raise unusable(
            f"the NeXus file holds a list of events ({printable(events[0])}) instead of frames",
            items,
            path,
            "Put the events together to frames with the software of the detector",
        )
    return None
