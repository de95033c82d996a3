"""Virtual detectors: disk, ring, point, and masks of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella import masks
from lamella.analysis.analysis import Analysis, image_size
from lamella.analysis.results import AnalysisResult, AnalysisResultSet, complex_channels
from lamella.errors import ParameterError
from lamella.masks.stack import SparseMasks
from lamella.udf.builtin.masks import ApplyMasksUDF

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.udf.results import UDFResult

__all__ = ["DiskAnalysis", "MasksAnalysis", "PointAnalysis", "RingAnalysis"]


class MasksAnalysis(Analysis):
    """Sums over masks; channels ``mask_0``, ``mask_1``, …; parameters as for `lamella.udf.ApplyMasksUDF`."""

    def udf(self) -> ApplyMasksUDF:
        return ApplyMasksUDF(**self.parameters)

    def results(self, result: UDFResult) -> AnalysisResultSet:
        data = result["intensity"].data
        channels: list[AnalysisResult] = []
        for i in range(data.shape[-1]):
            key, title, desc = f"mask_{i}", f"mask {i}", f"integrated intensity for mask {i}"
            if np.iscomplexobj(data):
                channels += complex_channels(key, title, desc, data[..., i])
            else:
                channels.append(AnalysisResult(key=key, title=title, desc=desc, raw_data=data[..., i]))
        return AnalysisResultSet(channels)


class _OneMaskAnalysis(Analysis):
    """Sum over one mask, which ``mask`` makes; channels ``intensity`` and ``intensity_log``."""

    shape = "mask"

    def __init__(self, dataset: DataSet, mask: Callable[[], Any], **parameters: Any) -> None:
        super().__init__(dataset, **parameters)
        self.mask = mask

    def udf(self) -> ApplyMasksUDF:
        return ApplyMasksUDF(mask_factories=[self.mask], mask_count=1, mask_dtype=np.float32)

    def results(self, result: UDFResult) -> AnalysisResultSet:
        data = result["intensity"].data[..., 0]
        desc = f"integrated intensity over the selected {self.shape}"
        if np.iscomplexobj(data):
            return AnalysisResultSet(complex_channels("intensity", "intensity", desc, data))
        linear = AnalysisResult(key="intensity", title="intensity [lin]", desc=f"{desc}, lin-scaled", raw_data=data)
        log = AnalysisResult(
            key="intensity_log", title="intensity [log]", desc=f"{desc}, log-scaled", raw_data=data, scale="log"
        )
        return AnalysisResultSet([linear, log])


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

    shape = "disk"

    def __init__(
        self, dataset: DataSet, cx: float | None = None, cy: float | None = None, r: float | None = None
    ) -> None:
        width, height = image_size(dataset)
        cx, cy = centre(dataset, cx, cy)
        r = 0.3 * min(width, height) / 2 if r is None else r
        super().__init__(dataset, partial(masks.circular, cx, cy, width, height, r), cx=cx, cy=cy, r=r)


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

    shape = "ring"

    def __init__(
        self,
        dataset: DataSet,
        cx: float | None = None,
        cy: float | None = None,
        ri: float | None = None,
        ro: float | None = None,
    ) -> None:
        width, height = image_size(dataset)
        cx, cy = centre(dataset, cx, cy)
        ro = min(width, height) / 2 if ro is None else ro
        ri = 0.8 * ro if ri is None else ri
        super().__init__(dataset, partial(masks.ring, cx, cy, width, height, ro, ri), cx=cx, cy=cy, ri=ri, ro=ro)


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

    shape = "point"

    def __init__(self, dataset: DataSet, x: int | None = None, y: int | None = None) -> None:
        width, height = image_size(dataset)
        x = width // 2 if x is None else int(x)
        y = height // 2 if y is None else int(y)
        if not (0 <= x < width and 0 <= y < height):
            raise ParameterError(f"pixel x={x}, y={y} lies outside the detector of {width} x {height}")
        one = SparseMasks((1, height, width), [0], [y * width + x], np.ones(1, dtype=np.float32))
        super().__init__(dataset, lambda: one, x=x, y=y)


def centre(dataset: DataSet, cx: float | None, cy: float | None) -> tuple[float, float]:
    """Give the chosen centre (x, y), or half the size of the detector."""
    width, height = image_size(dataset)
    return width / 2 if cx is None else cx, height / 2 if cy is None else cy
