"""The reader: from the header and the tables of a series to a description of its frames."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, UnsupportedError
from lamella.reader import (
    Axis,
    Caution,
    Confidence,
    Encoding,
    LinearSource,
    Match,
    RunTable,
    SourceInfo,
    fields_of,
    json_value,
    read_records,
    take_record,
)
from lamella_ser.emi import SETTINGS, read_emi, series_beside
from lamella_ser.header import ELEMENTS, PIXEL_TYPES, SIGNATURE, SeriesHeader, known, read_header
from lamella_ser.tags import Tags, raster

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import Probe
    from lamella_ser.params import SerParams

__all__ = ["SerReader"]

_CHECKED = 256  # elements that are compared with the first one
_UNITS = {"meters": ("nm", 1e9), "1/meters": ("1/nm", 1e-9), "seconds": ("s", 1)}
"""How units of the file are presented, and by what to multiply."""


class SerReader:
    """Reads series of spectra and images, also by the ``.emi`` beside a single one."""

    def detect(self, probe: Probe) -> Match | None:
        """Recognise the signature, then check the header and the first element."""
        if probe.suffix == "emi":
            return Match(Confidence.MAGIC, "settings of TIA series") if probe.head.startswith(SETTINGS) else None
        if not probe.head.startswith(SIGNATURE):
            return None
        try:
            series = probe.once("ser series", _read_series)
        except FormatError as error:
            return Match(Confidence.SIGNATURE, f"signature of a TIA series, but {error.problem}")
        return Match(Confidence.VERIFIED, f"TIA series of {series.header.recorded} elements")

    def open(self, params: SerParams, probe: Probe) -> LinearSource:
        """Describe the elements that lie inside the file."""
        if probe.suffix == "emi":
            probe = series_beside(probe)
        series = probe.once("ser series", _read_series)
        _check_alike(probe, series)
        return LinearSource(
            resources=(probe.resource,),
            runs=series.runs,
            encoding=series.encoding,
            info=_info(probe, series),
        )


@dataclass(frozen=True, slots=True)
class _Series:
    """The header of a series and of its first element, what all elements are like, and where complete ones lie."""

    header: SeriesHeader
    element: dict[str, Any]
    encoding: Encoding
    offsets: NDArray[np.int64]
    runs: RunTable
    notes: tuple[str, ...]


def _read_series(probe: Probe) -> _Series:
    header = read_header(probe)
    table = probe.read(header.data_table, header.recorded * header.offset_type.itemsize)
    offsets = np.frombuffer(table, header.offset_type).astype(np.int64)
    element, encoding = _first_element(probe, header, int(offsets[0]))
    runs, notes = RunTable.offsets_that_fit(probe.resource, offsets, nbytes=encoding.extent()[1])
    return _Series(header, element, encoding, offsets, runs, notes)


def _first_element(probe: Probe, header: SeriesHeader, offset: int) -> tuple[dict[str, Any], Encoding]:
    """Give the header of the first element, and what all are like."""
    dtype, path = ELEMENTS[header.fields["data_type_id"]], probe.path
    head = probe.read(offset, dtype.itemsize) if offset >= 0 else b""
    element = fields_of(take_record(head, dtype, path=path, what="first element"))
    pixel = np.dtype(known("DataType", element["data_type"], PIXEL_TYPES, probe))
    shape = tuple(element[name] for name in ("array_size_y", "array_size_x", "array_length") if name in element)
    if math.prod(shape) == 0:
        raise CorruptError("the elements are empty", path=path, expected="pixels", found=f"shape {shape}")
    if len(shape) == 1:
        return element, Encoding(pixel, shape, origin=dtype.itemsize)
    row = shape[1] * pixel.itemsize  # rows are stored from bottom to top: begin with the last one and step back
    return element, Encoding(pixel, shape, strides=(-row, pixel.itemsize), origin=dtype.itemsize + (shape[0] - 1) * row)


def _check_alike(probe: Probe, series: _Series) -> None:
    """Compare elements with the first one: where their distance changes, as far as that is quick, and in between."""
    assert probe.path is not None
    runs, element = series.runs, series.element
    changes = np.concatenate([runs.first[:-1], runs.first[1:] - 1])[:_CHECKED]
    spread = np.linspace(0, runs.n_frames - 1, min(_CHECKED, runs.n_frames)).astype(np.int64)
    behind = np.arange(runs.n_frames, min(runs.n_frames + 1, len(series.offsets)))  # it may be cut, or another kind
    kind = ELEMENTS[series.header.fields["data_type_id"]]
    inside = behind[(series.offsets[behind] > 0) & (series.offsets[behind] <= probe.size - kind.itemsize)]
    chosen = np.unique(np.concatenate([changes, spread, inside]))
    records = read_records(probe.path, series.offsets[chosen], kind)
    for name in (one for one in element if one.startswith(("data", "array"))):
        differs = records[name] != element[name]
        if differs.any():
            i = int(np.argmax(differs))
            raise UnsupportedError(
                f"element {chosen[i]} is of another kind than the first",
                path=probe.path,
                expected=_kind_text(element),
                found=_kind_text(fields_of(records[i])),
                remedy="Such a series is not an array; the program that recorded it can export its elements one by one",
            )


def _kind_text(element: dict[str, Any]) -> str:
    shape = tuple(element[name] for name in ("array_size_y", "array_size_x", "array_length") if name in element)
    return f"shape {shape}, pixels of data_type {element['data_type']}"


def _info(probe: Probe, series: _Series) -> SourceInfo:
    assert probe.path is not None
    header, element, complete = series.header, series.element, series.runs.n_frames
    emi, tags = read_emi(probe), Tags(probe.path, header, complete)
    notes = [*emi.notes, *series.notes]
    by_number = ((complete,), "number of elements")
    sizes = tuple(dimension["dimension_size"] for dimension in reversed(header.dimensions))
    nav_shape, nav_origin = sizes, "header"
    if not sizes or not header.recorded <= math.prod(sizes) <= header.planned:
        nav_shape, nav_origin = raster(tags) or by_number
        if sizes:
            notes.append(
                f"the header's scan of {sizes} was not used: {header.recorded} elements were recorded, "
                f"{header.planned} planned"
            )
    if header.recorded < header.planned:
        text = f"{header.planned} elements were planned, {header.recorded} were recorded; these are shown"
        notes.append(Caution(text))
    return SourceInfo(
        nav_shape=nav_shape,
        nav_origin=nav_origin,
        nav_alternatives=() if nav_shape == by_number[0] else (by_number,),
        nav_axes=_nav_axes(header) if nav_origin == "header" else (),
        sig_axes=_sig_axes(element, emi.reciprocal),
        metadata=emi.metadata if emi.metadata.acquired else replace(emi.metadata, acquired=tags.first_time()),
        raw_metadata=json_value(
            {"header": header.fields, "dimensions": header.dimensions, "first_element": element, "emi": emi.raw}
        ),
        per_frame=tags.functions(),
        notes=tuple(notes),
        details={
            "series version": f"0x{header.fields['series_version']:04x}",
            "elements recorded": header.recorded,
            "elements planned": header.planned,
            "settings from": emi.name,
        },
    )


def _nav_axes(header: SeriesHeader) -> tuple[Axis, ...]:
    """Give the axes of the scan, the slow one first; a single one that is no position in space counts frames."""
    is_series = len(header.dimensions) == 1 and not _is_position(header.dimensions[0])
    names = ("frame",) if is_series else ("x", "y", "z")
    axes = [
        _axis(name, dimension, "", dimension["units"])
        for name, dimension in zip(names, header.dimensions, strict=False)
    ]
    return tuple(reversed(axes)) if len(axes) == len(header.dimensions) else ()


def _is_position(dimension: dict[str, Any]) -> bool:
    return dimension["description"].strip().lower() == "position" or _UNITS.get(dimension["units"], ("",))[0] == "nm"


def _sig_axes(element: dict[str, Any], reciprocal: bool | None) -> tuple[Axis, ...]:
    """Give the axes of the detector: energy, or directions, which the file holds in eV, m or 1/m without saying so.

    A series does not tell images from diffraction patterns. Where the ``.emi`` does not either, the step does: no pixel
    of an image is as large as a metre, and none of a pattern as small as 1/m.
    """
    if "array_length" in element:
        return (_axis("energy", element, "", "eV"),)
    if reciprocal is None:
        reciprocal = abs(element["calibration_delta_x"]) > 1
    y, x, units = ("ky", "kx", "1/meters") if reciprocal else ("dy", "dx", "meters")
    return _axis(y, element, "_y", units), _axis(x, element, "_x", units)


def _axis(name: str, fields: dict[str, Any], suffix: str, units: str) -> Axis:
    offset, delta, element = (fields[f"calibration_{key}{suffix}"] for key in ("offset", "delta", "element"))
    if not units or not delta:
        return Axis(name)
    shown, factor = _UNITS.get(units, (units, 1))
    return Axis(name, factor * delta, factor * (offset - element * delta), shown)
