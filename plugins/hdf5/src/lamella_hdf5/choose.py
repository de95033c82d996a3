"""Which data set of a file is the scan: one function per convention, asked in turn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella.errors import FormatError, ParameterError, UnsupportedError
from lamella.metadata import Axis, Metadata
from lamella_hdf5.axes import emd_axes, hyperspy_axes, nexus_axes
from lamella_hdf5.choice import Choice
from lamella_hdf5.dectris import dectris
from lamella_hdf5.library import text
from lamella_hdf5.tree import attributes, datasets, group_at, numbers_in, scalar, walk

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
        return _hyperspy_choice(parent, item)
    if "dim0" in parent or "dim1" in parent:
        return Choice(convention="named, in an EMD group", dataset=item, axes=emd_axes(parent, item))
    if item.name.startswith("/Data/Image/"):
        return _velox_choice(parent, item)
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
    best = max(signals, key=lambda one: _rank(one[1]))
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
    rank = {"scalar": 1, "spectrum": 1, "image": 2, "rgb-image": 3}.get(str(interpretation))
    ndim = len(signal.shape)
    sig_axes = tuple(range(ndim - rank, ndim)) if rank is not None and rank < ndim else None
    return Choice(convention=why, dataset=signal, axes=nexus_axes(group, signal), sig_axes=sig_axes)


def hyperspy(root: Any) -> Choice | None:
    """Take the largest signal of ``Experiments``."""
    experiments = group_at(root, "Experiments")
    if not isinstance(experiments, h5py.Group):
        return None
    groups = [group_at(experiments, name) for name in experiments]
    found = [(group, group_at(group, "data")) for group in groups if isinstance(group, h5py.Group)]
    usable = [one for one in found if numbers_in(one[1])]
    return _hyperspy_choice(*max(usable, key=lambda one: _rank(one[1]))) if usable else None


def _hyperspy_choice(group: Any, dataset: Any) -> Choice:
    axes, navigate = hyperspy_axes(group, dataset)
    sig_axes = tuple(i for i, flag in sorted(navigate.items()) if not flag)
    known = len(navigate) == len(dataset.shape) and bool(sig_axes)
    tem = "metadata/Acquisition_instrument/TEM"
    attrs = attributes(group_at(group, tem))
    general = attributes(group_at(group, "metadata/General"))
    date = "T".join(str(general[key]) for key in ("date", "time") if general.get(key))
    energy, length = attrs.get("beam_energy"), attrs.get("camera_length")
    return Choice(
        convention="HyperSpy signal",
        dataset=dataset,
        axes=axes,
        sig_axes=sig_axes if known else None,
        metadata=Metadata(
            title=_text_or_none(general.get("title")),
            acquired=date or None,
            instrument=_text_or_none(attrs.get("microscope")),
            mode=_text_or_none(attrs.get("acquisition_mode")),
            beam_energy=_times(energy, 1e3),
            camera_length=_times(length, 1e-3),
        ),
    )


def velox(root: Any) -> Choice | None:
    """Take the largest image stack of a Velox file; frames are its last axis."""
    images = group_at(root, "Data/Image")
    if not isinstance(images, h5py.Group):
        return None
    groups = [group_at(images, name) for name in images]
    found = [(group, group_at(group, "Data")) for group in groups if isinstance(group, h5py.Group)]
    usable = [one for one in found if numbers_in(one[1]) and len(one[1].shape) == 3]
    return _velox_choice(*max(usable, key=lambda one: _rank(one[1]))) if usable else None


def _velox_choice(group: Any, dataset: Any) -> Choice:
    told: dict[str, Any] = {}
    blob = group_at(group, "Metadata")
    if numbers_in(blob) and len(blob.shape) == 2 and blob.shape[0] <= 1 << 20 and (blob.chunks or (0, 0))[1] <= 64:
        try:
            told = json.loads(np.asarray(blob[:, 0], dtype=np.uint8).tobytes().split(b"\0")[0].decode())
        except Exception:
            told = {}

    def entry(section: str, name: str, key: str = "") -> Any:
        value: Any = told.get(section) if isinstance(told, dict) else None
        for step in (name, key):
            value = value.get(step) if step and isinstance(value, dict) else value
        return value

    def number(section: str, name: str, key: str = "") -> float | None:
        try:
            return float(entry(section, name, key)) or None
        except (TypeError, ValueError):
            return None

    axes = {}
    for axis, (name, side) in enumerate((("y", "height"), ("x", "width"))):
        size, unit = (
            number("BinaryResult", "PixelSize", side),
            entry("BinaryResult", "PixelUnitY" if axis == 0 else "PixelUnitX"),
        )
        if size is not None and size > 0 and isinstance(unit, str) and unit:
            axes[axis] = Axis(name, size * 1e9 if unit == "m" else size, 0.0, "nm" if unit == "m" else unit)
    return Choice(
        convention="Velox image stack",
        dataset=dataset,
        axes=axes,
        sig_axes=(0, 1),
        metadata=Metadata(
            beam_energy=number("Optics", "AccelerationVoltage"),
            camera_length=number("Optics", "CameraLength"),
            detector=_text_or_none(entry("BinaryResult", "Detector")),
            instrument=_text_or_none(entry("Instrument", "InstrumentModel")),
            dwell_time=number("Scan", "DwellTime"),
        ),
    )


def emd(root: Any) -> Choice | None:
    """Take the largest data set of an EMD group: NCEM, Prismatic, py4DSTEM of both kinds."""
    found = [(group, item) for group in _emd_groups(root) for item in _emd_data(group)]
    if not found:
        return None
    group, dataset = max(found, key=lambda one: _rank(one[1]))
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
        if numbers_in(item) and len(item.shape) >= 2:
            yield item


def _emd_metadata(root: Any) -> Metadata:
    microscope = attributes(group_at(root, "microscope"))
    voltage = microscope.get("voltage") or microscope.get("accelerating_voltage") or scalar(root, "microscope/voltage")
    return Metadata(
        beam_energy=_times(voltage, 1.0),
        instrument=_text_or_none(microscope.get("microscope name")),
        operator=_text_or_none(attributes(group_at(root, "user")).get("name")),
    )


def largest(root: Any) -> Choice | None:
    """Take the data set with the most bytes that is no thumbnail; several frames go before one."""
    found = [(path, item) for path, item in datasets(root) if len(item.shape) >= 2]
    proper = [one for one in found if not any(word in one[0].lower() for word in ("metadata", "thumbnail", "preview"))]
    if not (proper or found):
        return None
    _, dataset = max(proper or found, key=lambda one: _rank(one[1]))
    return Choice(convention="the largest data set", dataset=dataset)


def _rank(dataset: Any) -> tuple[bool, int]:
    return len(dataset.shape) >= 3, int(np.prod(dataset.shape, dtype=object)) * dataset.dtype.itemsize


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _times(value: Any, factor: float) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
    return factor * value if known else None
