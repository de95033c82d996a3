"""Whether what a source says about itself has the forms that other programs rely on, also if the file is damaged."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from lamella.reader import Axis, Metadata

if TYPE_CHECKING:
    from lamella.reader import FrameSource, LinearSource, SourceInfo

__all__ = ["axis_problems", "json_problems", "metadata_problems", "problems"]


def problems(source: LinearSource | FrameSource) -> Iterator[str]:
    """Give everything that is wrong with the form of metadata, axes and notes."""
    info = source.info
    yield from json_problems("raw_metadata", dict(info.raw_metadata))
    yield from json_problems("details", dict(info.details))
    yield from metadata_problems(info)
    yield from axis_problems(info, len(source.sig_shape))
    for note in (*info.notes, info.nav_origin):
        if not (isinstance(note, str) and note.strip()):
            yield f"a note is {note!r}, expected text"


def json_problems(name: str, value: object) -> Iterator[str]:
    """Say why a value is not JSON."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        yield f"{name} is not JSON: {error}"
        return
    wrong = list(_wrong_keys(value))
    if wrong:
        yield f"{name} has keys that are not text: {wrong}"


def _wrong_keys(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from (key for key in value if not isinstance(key, str))
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _wrong_keys(one)


def metadata_problems(info: SourceInfo) -> Iterator[str]:
    """Say which entries of the metadata do not have their type."""
    metadata = info.metadata
    if not isinstance(metadata, Metadata):
        yield f"metadata is a {type(metadata).__name__}"
        return
    for item in fields(metadata):
        value = getattr(metadata, item.name)
        kinds: tuple[type, ...] = (str,) if "str" in str(item.type) else (int, float)
        if value is None:
            continue
        if type(value) not in kinds:
            yield f"{item.name} is {value!r}, a {type(value).__name__}"
        elif value == "":
            yield f"{item.name} is empty text; say None"
        elif not isinstance(value, str) and not math.isfinite(value):
            yield f"{item.name} is {value}"
    if isinstance(metadata.acquired, str):
        try:
            dt.datetime.fromisoformat(metadata.acquired)
        except ValueError:
            yield f"acquired is {metadata.acquired!r}, not ISO 8601"


def axis_problems(info: SourceInfo, sig_dims: int) -> Iterator[str]:
    """Say what is wrong with the axes."""
    nav_rank = 1 if info.nav_shape is None else len(info.nav_shape)
    for kind, axes, rank in (("nav", info.nav_axes, nav_rank), ("sig", info.sig_axes, sig_dims)):
        if len(axes) not in (0, rank):
            yield f"there are {len(axes)} {kind} axes for {rank} dimensions"
        for axis in axes:
            yield from _problems_of_axis(kind, axis)


def _problems_of_axis(kind: str, axis: object) -> Iterator[str]:
    if not isinstance(axis, Axis):
        yield f"a {kind} axis is a {type(axis).__name__}"
        return
    if not (isinstance(axis.name, str) and axis.name.strip()):
        yield f"an axis is called {axis.name!r}"
    for name in ("scale", "offset"):
        value = getattr(axis, name)
        if type(value) not in (int, float) or not math.isfinite(value):
            yield f"{name} of axis {axis.name!r} is {value!r}"
    if axis.scale == 0:
        yield f"the scale of axis {axis.name!r} is zero"
    if axis.units is not None and not (isinstance(axis.units, str) and axis.units.strip()):
        yield f"units of {axis.name!r} are {axis.units!r}"
