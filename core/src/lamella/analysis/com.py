"""Centre of mass as a vector field over the scan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from lamella.analysis.analysis import Analysis, image_size
from lamella.analysis.channels import Channel, axes_of, kind_along
from lamella.analysis.masks import CentreX, CentreY, centred
from lamella.errors import ParameterError
from lamella.format import Param
from lamella.udf.builtin.com import CoMUDF

if TYPE_CHECKING:
    from lamella.analysis.results import AnalysisResultSet
    from lamella.udf.results import UDFResult

__all__ = ["CoMAnalysis"]


@dataclass(frozen=True, slots=True)
class CoMParams:
    """Around what, within what, and how the scan lies to the detector."""

    cx: CentreX = None
    cy: CentreY = None
    mask_radius: Annotated[
        float | None,
        Param(doc="Pixels farther from the centre do not count; all do by default.", unit="px", place="sig-radius"),
    ] = None
    flip_y: Annotated[bool, Param(doc="Reverse the y direction of the detector.")] = False
    mask_radius_inner: Annotated[
        float | None,
        Param(doc="Pixels closer to the centre do not count; needs mask_radius.", unit="px", place="sig-radius"),
    ] = None
    scan_rotation: Annotated[float, Param(doc="Angle by which the field is rotated.", unit="degree", place="angle")] = (
        0.0
    )


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
        Pixels farther from the centre, or closer to it, do not count.
    flip_y
        Reverse the y direction of the detector.
    scan_rotation
        Angle by which the field is rotated [degree].

    Raises
    ------
    ParameterError
        If the detector does not have two axes, or an inner radius is given without an outer one.
    """

    name = "com"
    title = "Centre of mass"
    params = CoMParams

    def completed(self, given: dict[str, Any]) -> dict[str, Any]:
        image_size(self.dataset)
        if given["mask_radius_inner"] is not None and given["mask_radius"] is None:
            raise ParameterError(
                "an annular centre of mass needs both mask_radius and mask_radius_inner", field="mask_radius"
            )
        return centred(self.dataset, given)

    def channels(self) -> tuple[Channel, ...]:
        nav = self.dataset.shape.nav
        shared: dict[str, Any] = {
            "kind": kind_along(self.dataset, "nav"),
            "unit": "px",
            "axes": axes_of(self.dataset, "nav"),
        }
        if self.dataset.dtype.kind == "c":
            parts = [f"{name}_{part}" for part in ("real", "imag") for name in "xy"]
            return tuple(
                _signed(key, f"{key[0]} [{key[2:]}]", f"{key[0]} component of the centre", **shared) for key in parts
            )
        field = Channel(
            key="field",
            title="field",
            desc="direction as hue, magnitude as brightness",
            include_in_download=False,
            **{**shared, "kind": "field"},
        )
        derived = ("divergence", "curl") if len(nav) == 2 and min(nav) > 1 else ()
        return (
            field,
            Channel(key="magnitude", title="magnitude", desc="magnitude of the vector field", **shared),
            *(_signed(name, name, f"{name} of the vector field", **{**shared, "unit": ""}) for name in derived),
            *(_signed(name, name, f"{name} component of the centre", **shared) for name in "xy"),
        )

    def udf(self) -> CoMUDF:
        p = self.parameters
        return CoMUDF(
            cx=p["cx"],
            cy=p["cy"],
            r=math.inf if p["mask_radius"] is None else p["mask_radius"],
            ri=p["mask_radius_inner"] or 0.0,
            flip_y=p["flip_y"],
            scan_rotation=p["scan_rotation"],
        )

    def results(self, result: UDFResult) -> AnalysisResultSet:
        y, x = result["field_y"].data, result["field_x"].data
        values = {"field": (x, y), "x": x, "y": y, "x_real": x.real, "x_imag": x.imag, "y_real": y.real}
        more = {name: result[name].data for name in ("magnitude", "divergence", "curl") if name in result}
        return self.filled({**values, "y_imag": y.imag, **more})


def _signed(key: str, title: str, desc: str, **shared: Any) -> Channel:
    return Channel(key=key, title=title, desc=desc, scale="balanced", colours="RdBu_r", **shared)
