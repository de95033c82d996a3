"""Wraps arrays as they are: NumPy and what can become it, sparse ones, and ones that are read by index."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lamella.errors import FormatError, ParameterError, UnsupportedError
from lamella.reader import Confidence, FrameSource, Match, Probe, SourceInfo, split_shape
from lamella_memory.arrays import ArraySource, IndexedSource
from lamella_memory.params import MemoryParams
from lamella_memory.sparse import from_pydata, from_scipy, is_pydata_sparse, is_scipy_sparse

# Arrays that would be copied or computed as a whole without anybody having asked for it.
_REFUSED = {
    "dask": "pip install lamella-dask, which reads Dask arrays chunk by chunk, or give array.compute()",
    "cupy": "Copy it from the GPU first: cupy.asnumpy(array)",
    "cupyx": "Copy it from the GPU first: array.get()",
}


class MemoryReader:
    """Takes the last axes as the detector and the others as the scan, unless parameters say otherwise."""

    def detect(self, probe: Probe) -> Match | None:
        """Recognise arrays by what they can do."""
        if probe.path is not None:
            return None
        kind = _type_name(probe.target)
        if _refusal(probe.target) is not None:
            return Match(Confidence.EXTENSION, f"{kind} is an array, but of a kind that this format does not take")
        try:
            array = _as_array(probe.target)
        except FormatError:
            return None
        return Match(Confidence.VERIFIED, f"{kind} of shape {tuple(array.shape)} and dtype {array.dtype}")

    def open(self, params: MemoryParams, probe: Probe) -> FrameSource:
        """Wrap the array without copying it."""
        array = _as_array(probe.target)
        if params.sig_axes is not None:
            array = _with_sig_axes_last(array, params.sig_axes)
        shape = tuple(int(n) for n in array.shape)
        if math.prod(shape) == 0:
            raise FormatError(f"the array is empty: shape {shape}")
        wanted = params.wanted_sig_dims(shape, 1 if is_scipy_sparse(array) else 2)
        split = split_shape(shape, wanted, params.sig_shape)
        if split is None:
            array = _recut(array, shape, params)
            split = array.shape[:1], array.shape[1:]
        nav_shape, sig_shape = split
        info = SourceInfo(
            nav_shape=nav_shape,
            nav_origin="shape of the array",
            details={"array": _type_name(probe.target), "shape of the array": list(shape)},
        )
        return _source(array, len(array.shape) - len(sig_shape), info)


def _source(array: Any, nav_dims: int, info: SourceInfo) -> FrameSource:
    if isinstance(array, np.ndarray):
        return ArraySource(array, nav_dims, info)
    if is_scipy_sparse(array):
        return from_scipy(array, nav_dims, info)
    if is_pydata_sparse(array):
        return from_pydata(array, nav_dims, info)
    return IndexedSource(array, nav_dims, info)


def _as_array(target: Any) -> Any:
    """Give the target as a NumPy array if that needs no copy, and as itself if it can be read in parts.

    Raises
    ------
    UnsupportedError
        If it is neither, or does not hold numbers.
    """
    kind = _type_name(target)
    if (remedy := _refusal(target)) is not None:
        raise UnsupportedError(f"{kind} is not supported here", remedy=remedy)
    if isinstance(target, np.ma.MaskedArray):
        raise UnsupportedError("masked arrays are not supported", remedy="Give array.filled(value)")
    if isinstance(target, np.ndarray):
        array: Any = target.view(np.ndarray)
    elif is_scipy_sparse(target) or is_pydata_sparse(target) or _can_be_read_in_parts(target):
        array = target
    else:
        array = _from_buffer(target, kind)
    if np.dtype(array.dtype).kind not in "biufc":
        raise UnsupportedError(
            f"{kind} does not hold numbers",
            expected="booleans, integers, real or complex numbers",
            found=f"dtype {array.dtype}",
        )
    return array


def _refusal(target: Any) -> str | None:
    """Give what to do with an array of a kind that another format takes, or that is not in memory; None for others.

    What has a graph of Dask, as arrays of xarray do, is computed by Dask.
    """
    graph = hasattr(type(target), "__dask_graph__")
    return _REFUSED["dask"] if graph else _REFUSED.get(_package(target))


def _can_be_read_in_parts(target: Any) -> bool:
    if not all(hasattr(target, name) for name in ("shape", "dtype", "__getitem__")):
        return False
    try:
        np.dtype(target.dtype)
    except TypeError:  # a dtype of its own, like that of PyTorch
        return False
    return True


def _from_buffer(target: Any, kind: str) -> Any:
    if hasattr(target, "__array__") or hasattr(target, "__array_interface__"):
        source = target
    else:
        try:
            source = memoryview(target)
        except TypeError:
            raise UnsupportedError(
                f"{kind} is not an array", remedy="Give a NumPy array, or what numpy.asarray takes without copying"
            ) from None
    try:
        return np.asarray(source)
    except Exception as error:  # whatever the object does when it is asked for an array
        raise UnsupportedError(f"{kind} does not give an array ({type(error).__name__}: {error})") from error


def _with_sig_axes_last(array: Any, sig_axes: tuple[int, ...]) -> Any:
    ndim = len(array.shape)
    axes = [axis % ndim if -ndim <= axis < ndim else None for axis in sig_axes]
    if None in axes or len(set(axes)) < len(axes):
        raise ParameterError(f"sig_axes {sig_axes} are not distinct axes of an array of {ndim} axes", field="sig_axes")
    order = (*(axis for axis in range(ndim) if axis not in axes), *axes)
    if order == tuple(range(ndim)):
        return array
    if is_pydata_sparse(array):
        return array.asformat("coo").transpose(order)
    if isinstance(array, np.ndarray) or is_scipy_sparse(array):
        return array.transpose(order)
    raise ParameterError(f"sig_axes of {_type_name(array)} must be its last axes, in order", field="sig_axes")


def _recut(array: Any, shape: tuple[int, ...], params: MemoryParams) -> Any:
    """Cut the pixels of an array into frames that do not follow its axes."""
    if params.sig_shape is None:
        raise ParameterError(
            f"an array of shape {shape} has too few axes for frames; give sig_dims or sig_shape", field="sig_dims"
        )
    if math.prod(shape) % math.prod(params.sig_shape):
        raise ParameterError(
            f"sig_shape {params.sig_shape} has {math.prod(params.sig_shape)} pixels, and the {math.prod(shape)} of the "
            f"array of shape {shape} are no multiple of that",
            field="sig_shape",
        )
    if not (isinstance(array, np.ndarray) and array.flags.c_contiguous):
        raise ParameterError(
            f"sig_shape {params.sig_shape} fits no detector axes of {shape}, and only NumPy arrays in C order can be "
            "cut anew without copying them. Give numpy.ascontiguousarray(array)",
            field="sig_shape",
        )
    return array.reshape(-1, *params.sig_shape)


def _package(target: object) -> str:
    return type(target).__module__.partition(".")[0]


def _type_name(target: object) -> str:
    kind = type(target)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{_package(target)}.{kind.__qualname__}"
