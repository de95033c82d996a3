"""Calibration of axes, as each convention writes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella.reader import Axis
from lamella_hdf5.objects import Group, group_at
from lamella_hdf5.tree import known_text, numbers_in
from lamella_hdf5.values import attributes, numbers

__all__ = ["emd_axes", "hyperspy_axes", "nexus_axes"]

_NONE = "_None_"
"""How HyperSpy writes what is not known, besides ``<undefined>``."""
_UNITS = {"A": "Å", "n_m": "nm", "u_m": "µm", "um": "µm", "m_m": "mm", "p_m": "pm", "m_rad": "mrad"}
"""Units in the spelling of EMD files, where an underscore sets off the prefix."""
_LARGEST_CHUNK = 16 << 20
"""Bytes of coordinates that are unpacked for one of them, at most."""
_PLAIN_UNITS = ("", "pixels", "pixel", "pix", "px")


def nexus_axes(group: Any, signal: Any) -> dict[int, Axis]:
    """Give the axes that ``axes`` of an NXdata group names, with ``NAME_indices`` where it is given."""
    attrs = attributes(group)
    names = attrs.get("axes")
    found = {}
    for position, name in enumerate(map(known_text, names if isinstance(names, list) else [names])):
        if name is None or name == ".":
            continue
        index = attrs.get(f"{name}_indices", position)
        index = index[0] if isinstance(index, list) and index else index
        if isinstance(index, int) and 0 <= index < len(signal.shape):
            axis = _of_vector(group_at(group, name), name, signal.shape[index])
            if axis is not None:
                found[index] = axis
    return found


def emd_axes(group: Any, dataset: Any) -> dict[int, Axis]:
    """Give the axes of ``dim0 ...`` or ``dim1 ...``, whichever a file begins with."""
    first = 0 if group_at(group, "dim0") is not None else 1
    found = {}
    for i, length in enumerate(dataset.shape):
        vector = group_at(group, f"dim{i + first}")
        attrs = attributes(vector) if vector is not None else {}
        axis = _of_vector(vector, known_text(attrs.get("name")) or f"dim{i + first}", length)
        if axis is not None:
            found[i] = axis
    return found


def hyperspy_axes(group: Any, dataset: Any) -> tuple[dict[int, Axis], dict[int, bool]]:
    """Give the axes of the groups ``axis-0 ...``, and which of them are navigated."""
    axes, navigate = {}, {}
    for i in range(len(dataset.shape)):
        item = group_at(group, f"axis-{i}")
        if not isinstance(item, Group):
            continue
        attrs = attributes(item)
        if "navigate" in attrs:
            navigate[i] = bool(attrs["navigate"])
        scale, offset = attrs.get("scale", 1.0), attrs.get("offset", 0.0)
        if isinstance(scale, int | float) and isinstance(offset, int | float):
            name = known_text(attrs.get("name"))
            named = f"axis{i}" if name in (None, _NONE) else str(name)
            axes[i] = _axis(named, scale, offset, known_text(attrs.get("units")))
    return axes, navigate


def _of_vector(vector: Any, name: str, length: int) -> Axis | None:
    """Give the axis that a vector of coordinates describes; some programs write its first two values only."""
    if not numbers_in(vector) or len(vector.shape) != 1 or vector.shape[0] > max(length, 2):
        return Axis(name) if vector is not None else None
    units = known_text(attributes(vector).get("units"))
    if vector.dtype.kind not in "iuf" or vector.shape[0] < 2:
        return Axis(name)
    count = int(vector.shape[0])
    try:
        ends = [float(numbers(vector, [(at, at + 1)], _LARGEST_CHUNK)[0]) for at in (0, count - 1)]
    except Exception:
        return Axis(name)
    if not np.isfinite(ends).all() or ends[0] == ends[1]:
        return Axis(name)
    scale = (ends[1] - ends[0]) / (count - 1)
    return Axis(name, scale, ends[0]) if units is None else _axis(name, scale, ends[0], units)


def _axis(name: str, scale: float, offset: float, units: str | None) -> Axis:
    known = None if units in (None, _NONE) else _plain(str(units))
    return Axis(name, float(scale), float(offset), known) if known and scale else Axis(name)


def _plain(units: str) -> str | None:
    """Give units in the spelling of Lamella, None for pixels: ``[n_m^-1]`` is ``1/nm``."""
    bare = units.strip().removeprefix("[").removesuffix("]").strip()
    if bare in _PLAIN_UNITS:
        return None
    one = bare.removesuffix("^-1")
    return f"1/{_UNITS.get(one, one)}" if one != bare else _UNITS.get(bare, bare)
