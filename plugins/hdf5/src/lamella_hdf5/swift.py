"""Files of Nion Swift: one data set, described in the JSON of its attribute ``properties``."""

from __future__ import annotations

import json
import os
from typing import Any

from lamella.reader import Axis, Metadata, number
from lamella_hdf5.choice import Choice
from lamella_hdf5.contents import unusable
from lamella_hdf5.objects import group_at
from lamella_hdf5.tree import Items, count_of, known_text, known_time, numbers_in, times
from lamella_hdf5.values import long_text

__all__ = ["swift"]


def swift(root: Any, items: Items, path: str | os.PathLike[str]) -> Choice | None:
    """Take the data set ``data``; the collection axes are the scan, the datum axes the detector.

    Raises
    ------
    UnsupportedError
        If Nion Swift wrote the file, and the data set holds no frames of numbers.
    """
    dataset = group_at(root, "data")
    told = _properties(dataset)
    if not told:
        return None
    if not numbers_in(dataset) or not dataset.shape:
        raise unusable("the data item of the Nion Swift file holds no frames of numbers", items, path)
    ndim, datum = len(dataset.shape), count_of(told.get("datum_dimension_count"))
    calibrations = told.get("dimensional_calibrations")
    listed = calibrations if isinstance(calibrations, list) and len(calibrations) == ndim else []
    axes = {i: axis for i, one in enumerate(listed) if (axis := _axis(f"axis{i}", one)) is not None}
    instrument = _inside(_inside(told, "metadata"), "instrument")
    return Choice(
        convention="Nion Swift data item",
        dataset=dataset,
        axes=axes,
        sig_axes=tuple(range(ndim - datum, ndim)) if 0 < datum <= ndim else None,
        metadata=Metadata(
            title=known_text(told.get("title")),
            acquired=known_time(told.get("created")),
            beam_energy=times(instrument.get("high_tension"), 1.0),
        ),
    )


def _properties(dataset: Any) -> dict[str, Any]:
    try:
        told = json.loads(long_text(dataset, "properties") or "")
    except (ValueError, RecursionError):  # no such attribute, or no JSON: another file with a data set of this name
        return {}
    return told if isinstance(told, dict) and "dimensional_calibrations" in told else {}


def _inside(told: dict[str, Any], name: str) -> dict[str, Any]:
    value = told.get(name)
    return value if isinstance(value, dict) else {}


def _axis(name: str, told: Any) -> Axis | None:
    if not isinstance(told, dict):
        return None
    scale, offset, units = number(told.get("scale")), number(told.get("offset")), known_text(told.get("units"))
    return Axis(name, scale, offset, units) if scale and offset is not None and units else None
