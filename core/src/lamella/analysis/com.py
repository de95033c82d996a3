"""Centre of mass as a vector field over the scan."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.analysis.analysis import Analysis, image_size
from lamella.analysis.masks import centre
from lamella.analysis.results import AnalysisResult, AnalysisResultSet
from lamella.errors import ParameterError
from lamella.udf.builtin.com import CoMUDF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet
    from lamella.udf.results import UDFResult

__all__ = ["CoMAnalysis"]


class CoMAnalysis(Analysis):
    """Centre of mass; channels ``field``, ``magnitude``, ``divergence``, ``curl``, ``x`` and ``y``.

    ``field`` is a pair of arrays (x, y). Divergence and curl exist where the scan
    has two axes that are longer than one. For
    complex data: ``x_real``, ``y_real``, ``x_imag``, ``y_imag``.

    Parameters
    ----------
    dataset
        The data.
    cx, cy
        Centre [px]; half the size of the detector by default.
    mask_radius, mask_radius_inner
        Pixels farther from the centre, or this near to it, do not count.
    flip_y
        Turn the y direction of the detector around.
    scan_rotation
        Angle by which the field is rotated [degree].

    Raises
    ------
    ParameterError
        If the detector does not have two axes, or an inner radius is given without an outer one.
    """

    def __init__(
        self,
        dataset: DataSet,
        cx: float | None = None,
        cy: float | None = None,
        mask_radius: float | None = None,
        flip_y: bool = False,
        mask_radius_inner: float | None = None,
        scan_rotation: float = 0.0,
    ) -> None:
        image_size(dataset)
        if mask_radius_inner is not None and mask_radius is None:
            raise ParameterError(
                "an annular centre of mass needs both mask_radius and mask_radius_inner", field="mask_radius"
            )
        cx, cy = centre(dataset, cx, cy)
        super().__init__(
            dataset,
            cx=cx,
            cy=cy,
            r=math.inf if mask_radius is None else mask_radius,
            ri=mask_radius_inner or 0.0,
            flip_y=flip_y,
            scan_rotation=scan_rotation,
        )

    def udf(self) -> CoMUDF:
        return CoMUDF(**self.parameters)

    def results(self, result: UDFResult) -> AnalysisResultSet:
        y, x = result["field_y"].data, result["field_x"].data
        if np.iscomplexobj(y):
            return AnalysisResultSet([*_components(x.real, y.real, "real"), *_components(x.imag, y.imag, "imag")])
        field = AnalysisResult(
            key="field",
            title="field",
            desc="direction as hue, magnitude as brightness",
            raw_data=(x, y),
            include_in_download=False,
        )
        channels = [field, _map("magnitude", "magnitude of the vector field", result["magnitude"].data)]
        channels += [
            _signed(name, name, f"{name} of the vector field", result[name].data)
            for name in ("divergence", "curl")
            if name in result
        ]
        return AnalysisResultSet([*channels, *_components(x, y)])


def _components(x: NDArray[Any], y: NDArray[Any], part: str = "") -> list[AnalysisResult]:
    suffix, note = (f"_{part}", f" [{part}]") if part else ("", "")
    return [
        _signed(f"{name}{suffix}", f"{name}{note}", f"{name} component of the centre", values)
        for name, values in (("x", x), ("y", y))
    ]


def _map(key: str, desc: str, data: NDArray[Any]) -> AnalysisResult:
    return AnalysisResult(key=key, title=key, desc=desc, raw_data=data)


def _signed(key: str, title: str, desc: str, data: NDArray[Any]) -> AnalysisResult:
    return AnalysisResult(key=key, title=title, desc=desc, raw_data=data, scale="balanced", colours="RdBu_r")
