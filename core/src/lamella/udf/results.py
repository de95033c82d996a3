"""Results of a run: arrays that know their axes, the region of interest and where they are valid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from lamella.errors import UDFError
from lamella.system.arrays import as_array
from lamella.system.late import call_late

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import DTypeLike, NDArray

    from lamella.geometry.roi import Region
    from lamella.reader.metadata import Axis
    from lamella.udf.base import UDF
    from lamella.udf.buffers import BufferSpec, Kind

__all__ = ["ResultBuffer", "RunResults", "UDFResult", "collect"]


class Coverage(Protocol):
    """Which scan positions a run has processed: one flag per selected position."""

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Has a stored frame that was processed."""
        ...

    @property
    def holes(self) -> NDArray[np.bool_]:
        """Has no frame, and never gets a result."""
        ...


class ResultBuffer:
    """One result array.

    Parameters
    ----------
    raw
        The array as the UDF gave it; for kind ``"nav"`` one entry per selected scan position.
    spec
        How it was declared.
    region
        The selected scan positions.
    valid
        Where it is valid: one flag per selected position for kind ``"nav"``, else of the shape of ``raw``.
    axes
        Those of the scan for kind ``"nav"``, those of the detector for kind ``"sig"``, if they are known.
    whole
        The array over the whole scan, where the UDF gave one although only some positions were selected.

    Attributes
    ----------
    axes : tuple of Axis
        The first axes of ``data``; none where they are not those of the scan or of the detector.
    """

    def __init__(
        self,
        raw: NDArray[Any],
        spec: BufferSpec,
        region: Region,
        valid: NDArray[np.bool_] | None,
        axes: tuple[Axis, ...] = (),
        whole: NDArray[Any] | None = None,
    ) -> None:
        self.spec = spec
        self.axes = axes
        self._region = region
        self._raw = raw
        self._valid = valid
        self._whole = whole

    @property
    def kind(self) -> Kind:
        """The declared kind: ``"nav"``, ``"sig"`` or ``"single"``."""
        return self.spec.kind

    @property
    def extra_shape(self) -> tuple[int, ...]:
        """The declared shape of an entry."""
        return self.spec.extra_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the array."""
        return self._raw.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of `data`."""
        return (*self._nav_shape, *self._raw.shape[1:]) if self.kind == "nav" else self._raw.shape

    @property
    def _nav_shape(self) -> tuple[int, ...]:
        return self._region.nav_shape

    @property
    def roi_is_zero(self) -> bool:
        """Whether the region of interest selects nothing."""
        return self._region.size == 0

    @property
    def raw_data(self) -> NDArray[Any]:
        """The array with a flat, compressed scan axis."""
        return self._raw

    @property
    def data(self) -> NDArray[Any]:
        """The array in the shape of the scan; what was not selected or has no frame is NaN, None for objects, or 0."""
        if self._whole is not None:
            return self._whole.reshape(self.shape)
        return self._spread(self._raw, _blank(self._raw.dtype))

    @property
    def valid_mask(self) -> NDArray[np.bool_]:
        """Where `data` is valid, same shape."""
        return self._spread(self._raw_valid, False)

    @property
    def masked_data(self) -> np.ma.MaskedArray[Any, Any]:
        """`data`, masked where it is not valid."""
        return np.ma.masked_array(self.data, mask=~self.valid_mask)

    @property
    def raw_masked_data(self) -> np.ma.MaskedArray[Any, Any]:
        """`raw_data`, masked where it is not valid."""
        return np.ma.masked_array(self._raw, mask=~self._raw_valid)

    @property
    def _raw_valid(self) -> NDArray[np.bool_]:
        if self._valid is None:
            return np.ones(self._raw.shape, dtype=np.bool_)
        extra = (1,) * (self._raw.ndim - self._valid.ndim)
        return np.broadcast_to(self._valid.reshape(*self._valid.shape, *extra), self._raw.shape).copy()

    def _spread(self, array: NDArray[Any], blank: Any) -> NDArray[Any]:
        if self.kind != "nav":
            return array
        shape = (*self._nav_shape, *array.shape[1:])
        if self._region.mask is None:
            return array.reshape(shape)
        full = np.full((self._region.n_positions, *array.shape[1:]), blank, dtype=array.dtype)
        full[self._region.mask] = array
        return full.reshape(shape)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return as_array(self.data, dtype, copy)

    def __getitem__(self, index: Any) -> Any:
        return self.data[index]

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<lamella.ResultBuffer kind={self.kind} shape={self.shape} dtype={self.dtype}>"


class UDFResult(dict[str, ResultBuffer]):
    """The results of one UDF by name."""

    def plot(self) -> Figure:
        """Draw the results along the scan and along the detector.

        Returns
        -------
        matplotlib.figure.Figure
            A notebook shows it where it is the last line of a cell; ``savefig`` writes it to a file.

        Raises
        ------
        ParameterError
            If no result is a picture or a curve.
        PluginError
            If matplotlib is not installed.
        """
        return cast("Figure", call_late("plot_results", [self]))

    def to_xarray(self) -> Any:
        """Give an xarray data set: a variable for each result, with axes and units where they are known.

        Returns
        -------
        xarray.Dataset
            What has no frame or was not selected is NaN, as in ``data``.

        Raises
        ------
        PluginError
            If xarray is not installed.
        """
        return call_late("arrays_to_xarray", {name: (buffer.data, buffer.axes) for name, buffer in self.items()})


class RunResults(tuple[UDFResult, ...]):
    """The results of several UDFs that shared a pass, in their order."""

    __slots__ = ()

    def plot(self) -> Figure:
        """Draw the results of all of them; see `UDFResult.plot`."""
        return cast("Figure", call_late("plot_results", self))


def _blank(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return np.nan
    if dtype.kind == "c":
        return complex(np.nan, np.nan)
    return None if dtype.kind == "O" else np.zeros((), dtype)[()]


def collect(
    udf: UDF,
    returned: Mapping[str, Any],
    region: Region,
    coverage: Coverage,
    axes: tuple[Axis, ...] = (),
    *,
    snapshot: bool = False,
) -> UDFResult:
    """Check results against what the UDF declared, and wrap them.

    Parameters
    ----------
    udf
        The instance that holds the merged buffers.
    returned
        What its ``get_results`` gave.
    region
        The selected scan positions.
    coverage
        Which positions were processed; asked only where results are along the scan.
    axes
        Of the data set, those of the scan first.
    snapshot
        Copy the results, because the run goes on.

    Raises
    ------
    UDFError
        If a result was not declared, is private, or has another kind of dtype or another shape than declared.
    """
    specs = udf._specs
    valid = gap = np.zeros(0, dtype=np.bool_)
    if any(spec.kind == "nav" and spec.use != "private" for spec in specs.values()):
        valid, gap = coverage.valid, coverage.holes
    result = UDFResult()
    by_kind = {"nav": axes[: len(region.nav_shape)], "sig": axes[len(region.nav_shape) :]}
    for name, value in _checked(udf, returned, specs):
        data, mask = value if isinstance(value, tuple) else (np.asarray(value), None)
        spec, whole = specs[name], None
        if _over_scan(data, spec, region):
            whole, data = data, _selected(data, spec, region)
        data = _shaped(udf, name, data, spec, region)
        if spec.kind == "nav":
            blanked = _blanked(data, gap)
            if whole is not None and blanked is not data:
                whole = _replaced(whole, blanked, region)
            data = blanked
            if mask is not None and _over_scan(mask, spec, region):
                mask = _selected(mask, spec, region)
            mask = valid if mask is None else _nav_mask(udf, name, mask, valid, data)
        elif mask is not None:
            mask = _fitting(udf, name, mask, data.shape).copy()
        if snapshot:
            data, mask = data.copy(), None if mask is None else mask.copy()
            whole = None if whole is None else whole.copy()
        result[name] = ResultBuffer(data, spec, region, mask, by_kind.get(spec.kind, ()), whole)
    return result


def _over_scan(array: NDArray[Any], spec: BufferSpec, region: Region) -> bool:
    """Whether an array has entries for all positions, although only some are selected."""
    if spec.kind != "nav" or region.mask is None or region.size == region.n_positions:
        return False
    if array.shape == (region.size, *spec.extra_shape):  # which a scan of one line may look like, too
        return False
    return array.shape in (region.nav_shape, (*region.nav_shape, *spec.extra_shape))


def _selected(array: NDArray[Any], spec: BufferSpec, region: Region) -> NDArray[Any]:
    assert region.mask is not None
    return array.reshape(region.n_positions, *array.shape[len(region.nav_shape) :])[region.mask]


def _replaced(whole: NDArray[Any], selected: NDArray[Any], region: Region) -> NDArray[Any]:
    assert region.mask is not None
    flat = whole.reshape(region.n_positions, *whole.shape[len(region.nav_shape) :]).copy()
    flat[region.mask] = selected
    return flat.reshape(whole.shape)


def _checked(udf: UDF, returned: Mapping[str, Any], specs: Mapping[str, BufferSpec]) -> list[tuple[str, Any]]:
    who = type(udf).__name__
    for name in returned:
        if name not in specs:
            raise UDFError(f"{who}.get_results() returned {name!r}, which get_result_buffers() does not declare")
        if specs[name].use == "private":
            raise UDFError(f"{who}.get_results() returned {name!r}, which is declared as private")
    missing = [name for name, spec in specs.items() if spec.use == "result_only" and name not in returned]
    if missing:
        raise UDFError(f"{who}.get_results() did not return {', '.join(missing)}, declared as result_only")
    made = [(name, returned[name]) for name in specs if name in returned]
    kept = [(name, udf.results[name]) for name, spec in specs.items() if spec.use is None and name not in returned]
    return made + kept


def _shaped(udf: UDF, name: str, data: NDArray[Any], spec: BufferSpec, region: Region) -> NDArray[Any]:
    who = f"{type(udf).__name__}.get_results()"
    if data.dtype.kind != spec.dtype.kind:
        raise UDFError(f"{who} returned {name!r} as {data.dtype}, declared is {spec.dtype}")
    wanted = spec.shape(region.size, udf.meta.dataset_shape.sig)
    if data.shape == wanted:
        return data
    if data.size != np.prod(wanted, dtype=np.int64):
        raise UDFError(f"{who} returned {name!r} of shape {data.shape}, declared is {wanted}")
    return data.reshape(wanted)


def _blanked(data: NDArray[Any], gap: NDArray[np.bool_]) -> NDArray[Any]:
    """Give a nav result with NaN where there is no frame; whole numbers stay as they are."""
    if data.dtype.kind not in "fc" or not gap.any():
        return data
    data = data.copy()
    data[gap] = _blank(data.dtype)
    return data


def _nav_mask(
    udf: UDF, name: str, mask: NDArray[np.bool_], valid: NDArray[np.bool_], data: NDArray[Any]
) -> NDArray[np.bool_]:
    if mask.ndim <= 1:
        return _fitting(udf, name, mask, valid.shape) & valid
    mask = _fitting(udf, name, mask.reshape(data.shape) if mask.size == data.size else mask, data.shape)
    return mask & valid.reshape(-1, *(1,) * (data.ndim - 1))


def _fitting(udf: UDF, name: str, mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Give the mask of a result in the shape of the result."""
    try:
        return np.broadcast_to(mask, shape)
    except ValueError as error:
        text = f"{type(udf).__name__}.get_results() gave {name!r} a mask of shape {np.shape(mask)}, which does not fit"
        raise UDFError(f"{text} {shape}") from error
