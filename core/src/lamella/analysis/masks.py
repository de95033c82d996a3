"""Virtual detectors: disk, ring, point, and masks of the user's own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from lamella import masks
from lamella.analysis.analysis import Analysis, image_size
from lamella.analysis.channels import Channel, axes_of, complex_channels, complex_values, kind_along
from lamella.analysis.results import AnalysisResult, AnalysisResultSet
from lamella.errors import ParameterError
from lamella.format import Param
from lamella.masks.stack import SparseMasks
from lamella.udf.builtin.masks import ApplyMasksUDF

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.udf.results import UDFResult

__all__ = ["DiskAnalysis", "MasksAnalysis", "PointAnalysis", "RingAnalysis"]

CentreX = Annotated[
    float | None, Param(doc="Centre, x; the middle of the detector by default.", unit="px", place="sig-x")
]
CentreY = Annotated[
    float | None, Param(doc="Centre, y; the middle of the detector by default.", unit="px", place="sig-y")
]


class MasksAnalysis(Analysis):
    """Sums over masks; channels ``mask_0``, ``mask_1``, …; parameters as for `lamella.udf.ApplyMasksUDF`."""

    name = "mask"
    title = "Masks"

    def udf(self) -> ApplyMasksUDF:
        return ApplyMasksUDF(**self.parameters)

    def results(self, result: UDFResult) -> AnalysisResultSet:
        data = result["intensity"].data
        found: list[AnalysisResult] = []
        for i in range(data.shape[-1]):
            key, title, desc = f"mask_{i}", f"mask {i}", f"integrated intensity for mask {i}"
            channels, values = [Channel(key=key, title=title, desc=desc)], {key: data[..., i]}
            if np.iscomplexobj(data):
                channels, values = complex_channels(key, title, desc), complex_values(key, data[..., i])
            found += [AnalysisResult(raw_data=values[one.key], **one.declared()) for one in channels]
        return AnalysisResultSet(found)


class _OneMaskAnalysis(Analysis):
    """Sum over one mask; channels ``intensity`` and ``intensity_log``."""

    @property
    @abstractmethod
    def mask(self) -> Callable[[], Any]:
        """What makes the mask; other processes can be sent it."""

    def channels(self) -> tuple[Channel, ...]:
        shared: dict[str, Any] = {"kind": kind_along(self.dataset, "nav"), "axes": axes_of(self.dataset, "nav")}
        desc = f"integrated intensity over the selected {self.name}"
        if self.dataset.dtype.kind == "c":
            return tuple(complex_channels("intensity", "intensity", desc, **shared))
        unit = counts_unit(self.dataset)
        return (
            Channel(key="intensity", title="intensity [lin]", desc=f"{desc}, lin-scaled", unit=unit, **shared),
            Channel(
                key="intensity_log",
                title="intensity [log]",
                desc=f"{desc}, log-scaled",
                unit=unit,
                scale="log",
                **shared,
            ),
        )

    def udf(self) -> ApplyMasksUDF:
        return ApplyMasksUDF(mask_factories=[self.mask], mask_count=1, mask_dtype=np.float32)

    def results(self, result: UDFResult) -> AnalysisResultSet:
        data = result["intensity"].data[..., 0]
        if self.dataset.dtype.kind == "c":
            return self.filled(complex_values("intensity", data))
        return self.filled({"intensity": data, "intensity_log": data})


@dataclass(frozen=True, slots=True)
class DiskParams:
    """Where the disk is."""

    cx: CentreX = None
    cy: CentreY = None
    r: Annotated[
        float | None,
        Param(doc="Radius; 0.15 of the shorter side of the detector by default.", unit="px", ge=0, place="sig-radius"),
    ] = None


class DiskAnalysis(_OneMaskAnalysis):
    """Sum over a disk.

    Parameters
    ----------
    dataset
        The data.
    cx, cy
        Centre [px]; half the size of the detector by default.
    r
        Radius [px]; 0.15 of the shorter side of the detector by default.
    """

    name = "disk"
    title = "Disk"
    params = DiskParams

    def completed(self, given: dict[str, Any]) -> dict[str, Any]:
        width, height = image_size(self.dataset)
        r = 0.3 * min(width, height) / 2 if given["r"] is None else given["r"]
        return {**centred(self.dataset, given), "r": r}

    @property
    def mask(self) -> Callable[[], Any]:
        p = self.parameters
        return partial(masks.circular, p["cx"], p["cy"], *image_size(self.dataset), p["r"])


@dataclass(frozen=True, slots=True)
class RingParams:
    """Where the ring is."""

    cx: CentreX = None
    cy: CentreY = None
    ri: Annotated[
        float | None,
        Param(doc="Inner radius; 0.8 of the outer one by default.", unit="px", ge=0, place="sig-radius"),
    ] = None
    ro: Annotated[
        float | None,
        Param(
            doc="Outer radius; half the shorter side of the detector by default.", unit="px", ge=0, place="sig-radius"
        ),
    ] = None


class RingAnalysis(_OneMaskAnalysis):
    """Sum over a ring.

    Parameters
    ----------
    dataset
        The data.
    cx, cy
        Centre [px]; half the size of the detector by default.
    ri, ro
        Inner and outer radius [px]; by default ``ro`` is half the shorter side of the detector, ``ri`` 0.8 of it.
    """

    name = "ring"
    title = "Ring"
    params = RingParams

    def completed(self, given: dict[str, Any]) -> dict[str, Any]:
        ro = min(image_size(self.dataset)) / 2 if given["ro"] is None else given["ro"]
        ri = 0.8 * ro if given["ri"] is None else given["ri"]
        return {**centred(self.dataset, given), "ri": ri, "ro": ro}

    @property
    def mask(self) -> Callable[[], Any]:
        p = self.parameters
        return partial(masks.ring, p["cx"], p["cy"], *image_size(self.dataset), p["ro"], p["ri"])


@dataclass(frozen=True, slots=True)
class PointParams:
    """Which pixel."""

    x: Annotated[
        int | float | None, Param(doc="Column; the middle of the detector by default.", unit="px", place="sig-x")
    ] = None
    y: Annotated[
        int | float | None, Param(doc="Row; the middle of the detector by default.", unit="px", place="sig-y")
    ] = None


class PointAnalysis(_OneMaskAnalysis):
    """One pixel of each frame.

    Parameters
    ----------
    dataset
        The data.
    x, y
        The pixel; the middle of the detector by default.

    Raises
    ------
    ParameterError
        If it lies outside.
    """

    name = "point"
    title = "Point"
    params = PointParams

    def completed(self, given: dict[str, Any]) -> dict[str, Any]:
        width, height = image_size(self.dataset)
        x = _whole(given["x"], width // 2)
        y = _whole(given["y"], height // 2)
        if not (0 <= x < width and 0 <= y < height):
            raise ParameterError(f"pixel x={x}, y={y} lies outside the detector of {width} x {height}")
        return {"x": x, "y": y}

    @property
    def mask(self) -> Callable[[], Any]:
        width, height = image_size(self.dataset)
        return partial(_one_pixel, self.parameters["x"], self.parameters["y"], width, height)


def _whole(value: float | None, default: int) -> int:
    return default if value is None else int(value) if np.isfinite(value) else -1


def _one_pixel(x: int, y: int, width: int, height: int) -> SparseMasks:
    return SparseMasks((1, height, width), [0], [y * width + x], np.ones(1, dtype=np.float32))


def centred(dataset: DataSet, given: dict[str, Any]) -> dict[str, Any]:
    """Give parameters with the centre; half the size of the detector where none was chosen."""
    width, height = image_size(dataset)
    cx, cy = given["cx"], given["cy"]
    return {**given, "cx": width / 2 if cx is None else cx, "cy": height / 2 if cy is None else cy}


def counts_unit(dataset: DataSet) -> str:
    """Give the unit of pixels: counts, where these are integers; none for others."""
    return "counts" if dataset.dtype.kind in "uib" else ""
