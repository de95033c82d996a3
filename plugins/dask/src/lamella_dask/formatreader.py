"""Wraps Dask arrays and arrays of xarray: detector axes last and in one piece, scan axes as they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lamella.errors import FormatError, ParameterError, UnsupportedError
from lamella.reader import Axis, Confidence, FrameSource, Match, Probe, SourceInfo, json_value
from lamella_dask.formatparams import DaskParams
from lamella_dask.source import DaskSource

__all__ = ["DaskReader"]

_EVEN = 1e-6
"""How far steps of coordinates may differ from their mean, as a share of it."""


class DaskReader:
    """Takes the last two axes as the detector and the others as the scan, unless parameters say otherwise."""

    def detect(self, probe: Probe) -> Match | None:
        """Recognise arrays of Dask and of xarray by what they can do."""
        target: Any = probe.target
        if probe.path is not None or not _is_array(target):
            return None
        text = f"{_kind(target)} of shape {tuple(target.shape)} and dtype {target.dtype}"
        return Match(Confidence.VERIFIED, text)

    def open(self, params: DaskParams, probe: Probe) -> FrameSource:
        """Wrap the array; nothing is computed."""
        target: Any = probe.target
        if not _is_array(target):
            raise UnsupportedError(
                f"{type(target).__qualname__} is not an array of Dask or xarray",
                remedy="Give dask.array.from_array(...)",
            )
        _check(target)
        order = _axes_order(target, params)
        dims = params.wanted_sig_dims
        if getattr(target, "dims", None) is not None:
            array, axes, raw = _named(target, order, dims)
        else:
            array, axes, raw = target.transpose(order), (), {}
        array, notes = _whole_frames(array, dims)
        notes += _without_effect(params)
        cut = array.ndim - dims
        info = SourceInfo(
            nav_shape=array.shape[:cut],
            nav_origin="shape of the array",
            nav_axes=axes[:cut],
            sig_axes=axes[cut:],
            raw_metadata=raw,
            details={
                "array": _kind(probe.target),
                "shape of the array": list(array.shape),
                "blocks": math.prod(array.numblocks),
                "largest block [bytes]": math.prod(array.chunksize) * array.dtype.itemsize,
                "tasks": len(array.__dask_graph__()),
            },
        )
        return DaskSource(array, cut, info, notes=notes, cache=params.cache, scheduler=params.scheduler)


def _is_array(target: object) -> bool:
    return all(hasattr(target, name) for name in ("__dask_graph__", "shape", "dtype", "ndim"))


def _kind(target: object) -> str:
    return f"{type(target).__module__.partition('.')[0]}.{type(target).__qualname__}"


def _check(array: Any) -> None:
    """Refuse arrays of which no frame can be computed."""
    if any(map(math.isnan, array.shape)):
        raise FormatError(
            f"the size of its blocks is not known: shape {array.shape}",
            remedy="Call array.compute_chunk_sizes() first",
        )
    if math.prod(array.shape) == 0:
        raise FormatError(f"the array is empty: shape {tuple(array.shape)}")
    if np.dtype(array.dtype).kind not in "biufc":
        raise UnsupportedError(
            "the array does not hold numbers",
            expected="booleans, integers, real or complex numbers",
            found=f"dtype {array.dtype}",
        )
    meta = getattr(array, "_meta", None)
    if type(meta).__module__.partition(".")[0] in ("cupy", "cupyx"):
        raise UnsupportedError(
            "the blocks of the array are on a GPU", remedy="Give array.map_blocks(cupy.asnumpy), which copies them"
        )


def _axes_order(array: Any, params: DaskParams) -> tuple[int, ...]:
    """Give the axes of the array, those of the scan first."""
    ndim, dims = array.ndim, params.wanted_sig_dims
    if dims >= ndim:
        raise ParameterError(
            f"{dims} detector axes leave no scan axis of an array of shape {tuple(array.shape)}",
            field="sig_axes" if params.sig_axes else "sig_dims",
        )
    if params.sig_axes is None:
        return tuple(range(ndim))
    names: Sequence[Any] = getattr(array, "dims", ())
    axes = [_number(axis, names, ndim) for axis in params.sig_axes]
    if None in axes or len(set(axes)) < len(axes):
        known = f", which are called {', '.join(map(str, names))}" if names else ""
        raise ParameterError(
            f"sig_axes {params.sig_axes} are not distinct axes of an array of {ndim} axes{known}", field="sig_axes"
        )
    chosen = [axis for axis in axes if axis is not None]
    return (*(axis for axis in range(ndim) if axis not in chosen), *chosen)


def _number(axis: int | str, names: Sequence[Any], ndim: int) -> int | None:
    if axis in names:
        return list(names).index(axis)
    number = int(axis) if str(axis).removeprefix("-").isdecimal() else ndim
    return number % ndim if -ndim <= number < ndim else None


def _named(target: Any, order: tuple[int, ...], dims: int) -> tuple[Any, tuple[Axis, ...], dict[str, Any]]:
    """Give the Dask array of an xarray.DataArray, its axes and what it says about itself."""
    target = target.transpose(*(target.dims[axis] for axis in order))
    axes = tuple(_axis(str(name), target.coords.get(name)) for name in target.dims)
    return _chunked(target, dims), axes, _attributes(target)


def _chunked(target: Any, dims: int) -> Any:
    """Give the Dask array of an xarray.DataArray; one that is not chunked yet is cut along the scan."""
    if target.chunks is None:
        cut = target.ndim - dims
        target = target.chunk({name: "auto" if i < cut else -1 for i, name in enumerate(target.dims)})
    return target.data


def _axis(name: str, coordinate: Any) -> Axis:
    """Give the axis of a coordinate whose values have even steps; else one that is not calibrated."""
    if coordinate is None or np.dtype(coordinate.dtype).kind not in "iuf":
        return Axis(name)
    values = np.asarray(coordinate.values, dtype=np.float64)
    units = coordinate.attrs.get("units")
    scale = float(values[-1] - values[0]) / (len(values) - 1) if len(values) > 1 else 1.0
    if len(values) > 1 and np.abs(np.diff(values) - scale).max() > _EVEN * abs(scale):
        return Axis(name)
    return Axis(name, scale, float(values[0]), None if units is None else str(units))


def _attributes(target: Any) -> dict[str, Any]:
    name = {} if target.name is None else {"name": str(target.name)}
    found: dict[str, Any] = json_value({**name, **target.attrs})
    return found


def _whole_frames(array: Any, dims: int) -> tuple[Any, tuple[str, ...]]:
    """Join what is cut on the detector; scan axes stay as they are."""
    cut = array.ndim - dims
    if all(n == 1 for n in array.numblocks[cut:]):
        return array, ()
    joined = array.rechunk(dict.fromkeys(range(cut, array.ndim), -1))
    text = (
        f"its blocks cut the detector and are joined there: {array.chunksize} becomes {joined.chunksize}. "
        f"array.rechunk({{{', '.join(f'{axis}: -1' for axis in range(cut, array.ndim))}}}) does the same"
    )
    return joined, (text,)


def _without_effect(params: DaskParams) -> tuple[str, ...]:
    given = [name for name in ("preserve_dimensions", "min_size") if getattr(params, name) is not None]
    return tuple(f"{name} has no effect: neither axes nor blocks are merged" for name in given)
