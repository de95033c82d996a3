"""Which data set of a file is the scan: one function per convention, asked in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import h5py

from lamella.errors import FormatError, ParameterError, UnsupportedError
from lamella.metadata import Metadata
from lamella_hdf5.axes import emd_axes, nexus_axes
from lamella_hdf5.choice import Choice
from lamella_hdf5.dectris import dectris
from lamella_hdf5.hyperspy import hyperspy, hyperspy_choice
from lamella_hdf5.library import text
from lamella_hdf5.tree import attributes, datasets, group_at, known_text, numbers_in, rank, scalar, times, walk
from lamella_hdf5.velox import velox, velox_choice

if TYPE_CHECKING:
    from lamella_hdf5.links import Elsewhere
    from lamella_hdf5.params import Hdf5Params

__all__ = ["choose"]


def choose(root: Any, params: Hdf5Params, elsewhere: Elsewhere) -> Choice:
    """Give the data set that the user named, or that the first fitting convention names.

    Raises
    ------
    FormatError
        If the file holds no scan.
    ParameterError
        If ``ds_path`` leads nowhere.
    """
    if params.ds_path is not None:
        return _named(root, params.ds_path, elsewhere)
    found = dectris(root, elsewhere, fast=params.fast)
    if found is not None:
        return found
    conventions: tuple[Callable[[Any], Choice | None], ...] = (nexus, hyperspy, velox, emd, largest)
    for convention in conventions:
        found = convention(root)
        if found is not None:
            return found
    raise FormatError(
        "the file holds no data set of numbers with two axes or more",
        path=elsewhere.path,
        remedy="`lamella probe` lists what it holds; name one with ds_path=",
    )


def _named(root: Any, path: str, elsewhere: Elsewhere) -> Choice:
    """Give the data set at a path, with the axes that its surroundings describe."""
    item = group_at(root, path)
    if item is None:
        item = _through_links(root, path, elsewhere)
    if isinstance(item, h5py.Group):
        inside = ["/" + path.strip("/") + name for name, child in walk(item) if numbers_in(child)]
        raise ParameterError(f"ds_path {path!r} is a group; it holds {', '.join(inside[:5]) or 'no numbers'}")
    if item is None:
        names = [name for name, _ in datasets(root)]
        close = get_close_matches("/" + path.strip("/"), names, n=5, cutoff=0.4) or names[:5]
        raise ParameterError(
            f"ds_path {path!r} is not in the file; did you mean {' or '.join(close) or 'another file'}?"
        )
    if not numbers_in(item):
        raise UnsupportedError(
            "the data set holds no numbers", path=elsewhere.path, found=f"{item.dtype}, shape {item.shape} at {path}"
        )
    parent = item.parent
    attrs = attributes(parent)
    if text(attrs.get("NX_class", "")) == "NXdata":
        return _nexus_choice(parent, item, "named, a NeXus signal")
    if "axis-0" in parent:
        return hyperspy_choice(parent, item)
    if "dim0" in parent or "dim1" in parent:
        return Choice(convention="named, in an EMD group", dataset=item, axes=emd_axes(parent, item))
    if item.name.startswith("/Data/Image/"):
        return velox_choice(parent, item)
    return Choice(convention="named", dataset=item)


def _through_links(root: Any, path: str, elsewhere: Elsewhere) -> Any:
    """Follow one external link, if its file may be read."""
    parts = path.strip("/").split("/")
    for i in range(1, len(parts) + 1):
        parent = group_at(root, "/".join(parts[: i - 1])) if i > 1 else root
        if not isinstance(parent, h5py.Group):
            return None
        link = parent.get(parts[i - 1], getlink=True)
        if isinstance(link, h5py.ExternalLink):
            file = elsewhere.find(link.filename)
            if file is None:
                raise FormatError(
                    "the file that an external link names is missing",
                    path=elsewhere.path,
                    expected=str(elsewhere.path.parent / link.filename),
                    remedy="Put it beside this file",
                )
            raise ParameterError(f"ds_path {path!r} leads into {file.name}; open that file, with ds_path={link.path!r}")
    return None


def nexus(root: Any) -> Choice | None:
    """Follow ``default`` from the root to the plot that the file wants shown, or take the largest signal there is."""
    group, default = root, False
    for _ in range(8):
        name = attributes(group).get("default")
        child = group_at(group, text(name)) if name else None
        if not isinstance(child, h5py.Group):
            break
        group, default = child, True
    if default:
        signal = _signal(group)
        if signal is not None and len(signal.shape) >= 2:
            return _nexus_choice(group, signal, "NeXus default")
    signals = [
        (item, signal)
        for _, item in walk(root)
        if isinstance(item, h5py.Group) and text(attributes(item).get("NX_class", "")) == "NXdata"
        for signal in [_signal(item)]
        if signal is not None and len(signal.shape) >= 2
    ]
    if not signals:
        return None
    best = max(signals, key=lambda one: rank(one[1]))
    return _nexus_choice(*best, "the largest NeXus signal")


def _signal(group: Any) -> Any:
    """Give the signal of an NXdata group."""
    name = attributes(group).get("signal")
    if isinstance(name, str) and numbers_in(group_at(group, name)):
        return group_at(group, name)
    marked = (group_at(group, key) for key in group if group_at(group, key) is not None)
    return next((item for item in marked if numbers_in(item) and str(attributes(item).get("signal")) == "1"), None)


def _nexus_choice(group: Any, signal: Any, why: str) -> Choice:
    interpretation = attributes(group).get("interpretation") or attributes(signal).get("interpretation")
    count = {"scalar": 1, "spectrum": 1, "image": 2, "rgb-image": 3}.get(str(interpretation))
    ndim = len(signal.shape)
    sig_axes = tuple(range(ndim - count, ndim)) if count is not None and count < ndim else None
    return Choice(convention=why, dataset=signal, axes=nexus_axes(group, signal), sig_axes=sig_axes)


def emd(root: Any) -> Choice | None:
    """Take the largest data set of an EMD group: NCEM, Prismatic, py4DSTEM of both kinds."""
    found = [(group, item) for group in _emd_groups(root) for item in _emd_data(group)]
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


def _emd_groups(root: Any) -> Iterator[Any]:
    for _, item in walk(root):
        if isinstance(item, h5py.Group) and "emd_group_type" in attributes(item):
            yield item
    cubes = group_at(root, "4DSTEM_experiment/data/datacubes")
    if isinstance(cubes, h5py.Group):
        yield from (item for name in cubes if isinstance(item := group_at(cubes, name), h5py.Group))


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


def largest(root: Any) -> Choice | None:
    """Take the data set with the most bytes that is no thumbnail; several frames go before one."""
    found = [(path, item) for path, item in datasets(root) if len(item.shape) >= 2 and "metadata" not in path.lower()]
    proper = [one for one in found if not any(word in one[0].lower() for word in ("thumbnail", "preview"))]
    if not (proper or found):
        return None
    _, dataset = max(proper or found, key=lambda one: rank(one[1]))
    return Choice(convention="the largest data set", dataset=dataset)
