"""Dictionaries as the readers of RosettaSciIO give them, and signals of HyperSpy."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.interop.daskarray import to_dask
from lamella.interop.lazyarray import LazyArray
from lamella.interop.libraries import library
from lamella.interop.scanimage import scan_image
from lamella.interop.units import HYPERSPY
from lamella.opening.open import open_dataset

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.reader.metadata import Axis

__all__ = ["file_reader", "to_hyperspy", "to_rsciio"]

_MIDDLE = 8
"""Which part of each axis of the detector counts for an image of the scan that has to come soon."""
_MOST_AXES = 2
"""Scans of more axes are shown without an image by HyperSpy, with sliders."""


def file_reader(filename: Any, lazy: bool = False, **parameters: Any) -> list[dict[str, Any]]:
    """Read a file for ``hyperspy.api.load(path, file_format=lamella.rsciio)``.

    Parameters
    ----------
    filename
        Path of the file.
    lazy
        Whether ``data`` is a Dask array, which reads pixels when they are needed.
    **parameters
        As for `lamella.open`, such as ``format`` or ``nav_shape``.

    Returns
    -------
    list of dict
        One dictionary: ``data``, ``axes``, ``metadata``, ``original_metadata``.
    """
    given = dict(parameters)
    dataset = open_dataset(given.pop("format", "auto"), filename, given)
    return [_with_navigator(dataset, lazy=lazy)]


def to_rsciio(dataset: DataSet, *, lazy: bool = True) -> dict[str, Any]:
    """Give a dictionary as the readers of RosettaSciIO do; see `lamella.DataSet.to_rsciio`."""
    nav = len(dataset.shape.nav)
    return {
        "data": to_dask(dataset) if lazy else np.asarray(LazyArray(dataset)),
        "axes": [
            _axis(axis, number, length, navigate=number < nav)
            for number, (axis, length) in enumerate(zip(dataset.axes, dataset.shape, strict=True))
        ],
        "metadata": _metadata(dataset),
        "original_metadata": dict(dataset.raw_metadata),
        "attributes": {"_lazy": lazy, "ragged": False},
        "package_info": {"package": "lamella", "package_version": version("lamella")},
        "tmp_parameters": {},
        "learning_results": {},
        "models": {},
    }


def to_hyperspy(dataset: DataSet, *, lazy: bool = True) -> Any:
    """Give a signal of HyperSpy; see `lamella.DataSet.to_hyperspy`."""
    library("hyperspy.api", "signals", "hyperspy")
    signals = library("hyperspy.io", "signals", "hyperspy")
    return signals.dict2signal(_with_navigator(dataset, lazy=lazy), lazy=lazy)


def _with_navigator(dataset: DataSet, *, lazy: bool) -> dict[str, Any]:
    """Give what `to_rsciio` gives, and for a lazy signal the image of the scan that HyperSpy shows beside it."""
    found = to_rsciio(dataset, lazy=lazy)
    if lazy:
        found["metadata"]["_HyperSpy"] = _navigator(dataset)
    return found


def _navigator(dataset: DataSet) -> dict[str, Any]:
    """Give an image of the scan: that of the file, or a lazy one of the middle of the detector, which is soon read."""
    nav, sig = dataset.shape.nav, dataset.shape.sig
    if len(nav) > _MOST_AXES:
        return {}
    image = scan_image(dataset)
    lazy = image is None
    if lazy:
        middle = tuple(map(_middle, sig)) if len(sig) > 1 else ()
        image = to_dask(dataset)[(..., *middle)].sum(axis=tuple(range(-len(sig), 0)))
    axes = enumerate(zip(dataset.axes, nav, strict=False))
    told = [_axis(axis, number, length, navigate=False) for number, (axis, length) in axes]
    return {"_sig_navigator": {"data": image, "axes": told, "metadata": {}, "attributes": {"_lazy": lazy}}}


def _middle(length: int) -> slice:
    """Give the middle eighth of an axis of the detector."""
    wanted = max(1, length // _MIDDLE)
    return slice((length - wanted) // 2, (length - wanted) // 2 + wanted)


def _axis(axis: Axis, number: int, length: int, *, navigate: bool) -> dict[str, Any]:
    return {
        "_type": "UniformDataAxis",
        "name": axis.name,
        "size": length,
        "offset": axis.offset,
        "scale": axis.scale,
        "units": axis.units,
        "navigate": navigate,
        "is_binned": False,
        "index_in_array": number,
    }


def _metadata(dataset: DataSet) -> dict[str, Any]:
    known = dataset.metadata
    date, _, time = (known.acquired or "").partition("T")
    general = {
        "title": known.title or dataset.name,
        "original_filename": dataset.provenance.target,
        "date": date or None,
        "time": time or None,
    }
    microscope: dict[str, Any] = {}
    for name, (theirs, factor) in HYPERSPY.items():
        value = getattr(known, name)
        if value is not None:
            microscope[theirs] = value if factor is None else value * factor
    found: dict[str, Any] = {
        "General": {name: value for name, value in general.items() if value is not None},
        "Signal": {"signal_type": "electron_diffraction" if find_spec("pyxem") else ""},
    }
    if microscope:
        found["Acquisition_instrument"] = {"TEM": microscope}
    return found
