"""Dictionaries as the readers of RosettaSciIO give them, and signals of HyperSpy."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.interop.daskarray import to_dask
from lamella.interop.lazyarray import LazyArray
from lamella.interop.libraries import library
from lamella.interop.units import HYPERSPY
from lamella.opening.open import open_dataset

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.reader.metadata import Axis

__all__ = ["file_reader", "to_hyperspy", "to_rsciio"]


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
    return [to_rsciio(open_dataset(given.pop("format", "auto"), filename, given), lazy=lazy)]


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
    signal = signals.dict2signal(to_rsciio(dataset, lazy=lazy), lazy=lazy)
    navigator = dataset.navigator()
    if navigator is not None and navigator.shape == tuple(dataset.shape.nav) and lazy:
        base = library("hyperspy.api", "signals", "hyperspy").signals
        signal.navigator = base.BaseSignal(navigator).T if navigator.ndim > 2 else base.Signal2D(navigator)
    return signal


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
