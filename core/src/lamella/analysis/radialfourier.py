"""Symmetries around the beam: Fourier components of each ring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from lamella import masks
from lamella.analysis.analysis import Analysis, image_size
from lamella.analysis.channels import Channel, axes_of, kind_along
from lamella.analysis.masks import CentreX, CentreY, centred
from lamella.format import Param
from lamella.masks.stack import SparseMasks
from lamella.udf.builtin.masks import ApplyMasksUDF

if TYPE_CHECKING:
    from lamella.analysis.results import AnalysisResultSet
    from lamella.udf.results import UDFResult

__all__ = ["RadialFourierAnalysis"]


@dataclass(frozen=True, slots=True)
class RadialFourierParams:
    """Where the rings are, how many, and up to which order."""

    cx: CentreX = None
    cy: CentreY = None
    ri: Annotated[float | None, Param(doc="Inner radius; 0 by default.", unit="px", ge=0, place="sig-radius")] = None
    ro: Annotated[
        float | None,
        Param(doc="Outer radius; up to the farthest corner by default.", unit="px", ge=0, place="sig-radius"),
    ] = None
    n_bins: Annotated[int | None, Param(doc="Number of rings; one by default.", ge=1)] = None
    max_order: Annotated[int | None, Param(doc="Highest order; 24 by default.", ge=0)] = None
    use_sparse: Annotated[bool | None, Param(doc="Whether masks are sparse; chosen from their pixels by default.")] = (
        None
    )


class RadialFourierAnalysis(Analysis):
    """Fourier components around the centre, for some rings.

    Channels for ring ``b`` and order ``o``: ``dominant_b`` (the order, except 0, with the largest component),
    ``absolute_b_o``, ``phase_b_o``, and ``complex_b_o``, which is divided by the component of order 0 for all others.

    Parameters
    ----------
    dataset
        The data.
    cx, cy
        Centre [px]; half the size of the detector by default.
    ri, ro
        Inner and outer radius [px]; everything by default.
    n_bins
        Number of rings; one by default.
    max_order
        Highest order; 24 by default.
    use_sparse
        Passed on to `lamella.udf.ApplyMasksUDF`.
    """

    name = "radial_fourier"
    title = "Radial Fourier"
    params = RadialFourierParams

    def completed(self, given: dict[str, Any]) -> dict[str, Any]:
        width, height = image_size(self.dataset)
        p = centred(self.dataset, given)
        outer = masks.bounding_radius(p["cx"], p["cy"], width, height)
        defaults = {"ri": 0.0, "ro": outer, "n_bins": 1, "max_order": 24}
        return p | {name: value for name, value in defaults.items() if p[name] is None}

    def udf(self) -> ApplyMasksUDF:
        p, size = self.parameters, image_size(self.dataset)
        make = partial(_ring_orders, p["cx"], p["cy"], *size, p["ri"], p["ro"], p["n_bins"], p["max_order"])
        count = p["n_bins"] * (p["max_order"] + 1)
        return ApplyMasksUDF(mask_factories=make, mask_count=count, mask_dtype=np.complex64, use_sparse=p["use_sparse"])

    def channels(self) -> tuple[Channel, ...]:
        shared: dict[str, Any] = {"kind": kind_along(self.dataset, "nav"), "axes": axes_of(self.dataset, "nav")}
        n_bins, orders = self.parameters["n_bins"], self.parameters["max_order"] + 1
        found: list[Channel] = []
        for b in range(n_bins):
            title, desc = f"dominant order of bin {b}", "order of the largest component"
            found.append(Channel(key=f"dominant_{b}", title=title, desc=desc, **shared))
            for o in range(orders):
                title, desc = f"absolute of bin {b} order {o}", "magnitude of the Fourier component"
                found.append(Channel(key=f"absolute_{b}_{o}", title=title, desc=desc, **shared))
        for b, o in np.ndindex(n_bins, orders):
            title, desc = f"phase of bin {b} order {o}", "phase of the Fourier component"
            look = {**shared, "unit": "rad", "colours": "twilight"}
            found.append(Channel(key=f"phase_{b}_{o}", title=title, desc=desc, **look))
        for b, o in np.ndindex(n_bins, orders):
            found.append(
                Channel(key=f"complex_{b}_{o}", title=f"bin {b} order {o}", desc="Fourier component", **shared)
            )
        return tuple(found)

    def results(self, result: UDFResult) -> AnalysisResultSet:
        data = result["intensity"].data
        n_bins, orders = self.parameters["n_bins"], self.parameters["max_order"] + 1
        components = data.reshape(*data.shape[:-1], n_bins, orders)
        absolute = np.abs(components)
        values: dict[str, Any] = {}
        for b in range(n_bins):
            none = np.zeros(data.shape[:-1], int)
            values[f"dominant_{b}"] = absolute[..., b, 1:].argmax(axis=-1) + 1 if orders > 1 else none
        for b, o in np.ndindex(n_bins, orders):
            one, total = components[..., b, o], components[..., b, 0]
            values[f"absolute_{b}_{o}"] = absolute[..., b, o]
            values[f"phase_{b}_{o}"] = np.angle(one)
            divided = np.divide(one, total, out=np.zeros_like(one), where=total != 0) if o else one
            values[f"complex_{b}_{o}"] = divided
        return self.filled(values)


def _ring_orders(
    cx: float, cy: float, width: int, height: int, ri: float, ro: float, n_bins: int, max_order: int
) -> SparseMasks:
    """Give each ring with each order of the angle."""
    rings = masks.radial_bins(cx, cy, width, height, radius=ro, radius_inner=ri, n_bins=n_bins, use_sparse=True)
    assert isinstance(rings, SparseMasks)
    angle = masks.polar_map(cx, cy, width, height)[1].reshape(-1)[rings.pixel]
    orders = np.arange(max_order + 1)[:, np.newaxis]
    number = rings.mask * (max_order + 1) + orders
    value = rings.value * np.exp(1j * orders * angle)
    pixel = np.broadcast_to(rings.pixel, number.shape)
    shape = (n_bins * (max_order + 1), height, width)
    return SparseMasks(shape, number.reshape(-1), pixel.reshape(-1), value.reshape(-1))
