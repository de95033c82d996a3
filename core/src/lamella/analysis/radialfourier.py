"""Symmetries around the beam: Fourier components of each ring."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lamella import masks
from lamella.analysis.analysis import Analysis, image_size
from lamella.analysis.masks import centre
from lamella.analysis.results import AnalysisResult, AnalysisResultSet
from lamella.masks.stack import SparseMasks
from lamella.udf.builtin.masks import ApplyMasksUDF

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.udf.results import UDFResult

__all__ = ["RadialFourierAnalysis"]


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

    def __init__(
        self,
        dataset: DataSet,
        cx: float | None = None,
        cy: float | None = None,
        ri: float | None = None,
        ro: float | None = None,
        n_bins: int | None = None,
        max_order: int | None = None,
        use_sparse: bool | None = None,
    ) -> None:
        width, height = image_size(dataset)
        cx, cy = centre(dataset, cx, cy)
        ro = masks.bounding_radius(cx, cy, width, height) if ro is None else ro
        ri = 0.0 if ri is None else ri
        n_bins = 1 if n_bins is None else n_bins
        max_order = 24 if max_order is None else max_order
        super().__init__(dataset, cx=cx, cy=cy, ri=ri, ro=ro, n_bins=n_bins, max_order=max_order, use_sparse=use_sparse)
        self._size = width, height

    def udf(self) -> ApplyMasksUDF:
        p = self.parameters
        make = partial(_ring_orders, p["cx"], p["cy"], *self._size, p["ri"], p["ro"], p["n_bins"], p["max_order"])
        count = p["n_bins"] * (p["max_order"] + 1)
        return ApplyMasksUDF(mask_factories=make, mask_count=count, mask_dtype=np.complex64, use_sparse=p["use_sparse"])

    def results(self, result: UDFResult) -> AnalysisResultSet:
        data = result["intensity"].data
        n_bins, orders = self.parameters["n_bins"], self.parameters["max_order"] + 1
        components = data.reshape(*data.shape[:-1], n_bins, orders)
        absolute = np.abs(components)
        channels: list[AnalysisResult] = []
        for b in range(n_bins):
            dominant = absolute[..., b, 1:].argmax(axis=-1) + 1 if orders > 1 else np.zeros(data.shape[:-1], int)
            channels.append(
                AnalysisResult(
                    key=f"dominant_{b}",
                    title=f"dominant order of bin {b}",
                    desc="order of the largest component",
                    raw_data=dominant,
                )
            )
            channels += [
                AnalysisResult(
                    key=f"absolute_{b}_{o}",
                    title=f"absolute of bin {b} order {o}",
                    desc="magnitude of the Fourier component",
                    raw_data=absolute[..., b, o],
                )
                for o in range(orders)
            ]
        for b, o in np.ndindex(n_bins, orders):
            channels.append(
                AnalysisResult(
                    key=f"phase_{b}_{o}",
                    title=f"phase of bin {b} order {o}",
                    desc="phase of the Fourier component",
                    raw_data=np.angle(components[..., b, o]),
                    colours="twilight",
                )
            )
        for b, o in np.ndindex(n_bins, orders):
            values, total = components[..., b, o], components[..., b, 0]
            if o:
                values = np.divide(values, total, out=np.zeros_like(values), where=total != 0)
            channels.append(
                AnalysisResult(
                    key=f"complex_{b}_{o}", title=f"bin {b} order {o}", desc="Fourier component", raw_data=values
                )
            )
        return AnalysisResultSet(channels)


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
