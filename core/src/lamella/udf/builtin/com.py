"""Centre of mass of each frame, and the vector field that it makes over the scan."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np

from lamella.errors import ParameterError, UDFError
from lamella.kernels.accumulate import weight_dtype
from lamella.udf.builtin.weighing import WeighingUDF

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from lamella.udf.buffers import BufferSpec

__all__ = ["CoMUDF", "Regression"]

Regression: TypeAlias = "Literal[-1, 0, 1] | ArrayLike"
"""What to subtract from the field: nothing, its mean, a plane, or the plane given as coefficients (3, 2)."""


class CoMUDF(WeighingUDF):
    """Centre of mass of the detector's intensity, with the field that follows from it.

    Results along the scan: ``raw_com`` (y, x) [px]; ``raw_shifts``, relative to the centre; ``field``, the shifts
    after flipping, rotating and subtracting the regression; ``field_y``, ``field_x``, ``magnitude``; for a scan with
    two axes longer than one also ``divergence`` and ``curl``. ``regression`` holds what was subtracted: rows for the
    constant, the slope along the slow and along the fast scan axis; columns (y, x). A frame without intensity has
    its centre of mass at the centre.

    Parameters
    ----------
    cy, cx
        Centre [px]; the middle pixel of the detector by default.
    r
        Pixels farther from the centre do not count.
    ri
        Pixels closer to the centre than this do not count; 0 or None counts all.
    scan_rotation
        Angle by which the shifts are rotated [degree].
    flip_y
        Reverse the y direction of the detector, before rotating.
    regression
        What to subtract from the field: -1 nothing, 0 its mean, 1 a plane fitted to it, or coefficients.
    """

    def __init__(
        self,
        cy: float | None = None,
        cx: float | None = None,
        r: float = math.inf,
        ri: float | None = 0.0,
        scan_rotation: float = 0.0,
        flip_y: bool = False,
        regression: Regression = -1,
    ) -> None:
        if ri and ri >= r:
            raise ParameterError(f"the inner radius {ri} must be smaller than the radius {r}", field="ri")
        super().__init__(cy=cy, cx=cx, r=r, ri=ri, scan_rotation=scan_rotation, flip_y=flip_y, regression=regression)

    @classmethod
    def with_params(cls, **parameters: Any) -> Self:
        """Give an instance; takes the parameters of the class by keyword."""
        return cls(**parameters)

    def get_preferred_input_dtype(self) -> DTypeLike:
        return self.USE_NATIVE_DTYPE

    @property
    def _maps(self) -> bool:
        nav = self.meta.dataset_shape.nav
        return len(nav) == 2 and min(nav) > 1

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        if len(self.meta.dataset_shape.sig) != 2:
            raise UDFError(f"CoMUDF needs a detector with two axes, not {self.meta.dataset_shape.sig.dims}")
        dtype = np.result_type(self.meta.input_dtype or self.meta.dataset_dtype, np.float64)
        image = self.buffer("nav", dtype=dtype, use="result_only")
        vectors = self.buffer("nav", extra_shape=(2,), dtype=dtype, use="result_only")
        buffers = {
            "moments": self.buffer("nav", extra_shape=(3,), dtype=dtype, use="private"),
            "raw_com": vectors,
            "raw_shifts": vectors,
            "field": vectors,
            "field_y": image,
            "field_x": image,
            "magnitude": self.buffer("nav", dtype=np.float64, use="result_only"),
            "regression": self.buffer("single", extra_shape=(3, 2), dtype=dtype, use="result_only"),
        }
        return {**buffers, "divergence": image, "curl": image} if self._maps else buffers

    def _centre(self) -> tuple[float, float]:
        height, width = self.meta.dataset_shape.sig
        cy, cx = self.params.cy, self.params.cx
        return height // 2 if cy is None else cy, width // 2 if cx is None else cx

    def _weights(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Give the weights whose sums are the moments: one, distance in y, distance in x; zero outside the radii."""
        cy, cx = self._centre()
        y, x = self.meta.row_coordinates
        weights = np.ones((3, len(y)), dtype)
        weights[1], weights[2] = y - cy, x - cx
        if self.params.r < math.inf or self.params.ri:
            distance = np.hypot(y - cy, x - cx)
            inside = distance <= self.params.r
            if self.params.ri:
                inside &= distance > self.params.ri
            weights *= inside
        return weights

    def row_weights(self) -> NDArray[Any]:
        return self._weights(self.weights_kind()[1])

    def weights_kind(self) -> tuple[int, np.dtype[Any]]:
        return 3, weight_dtype(np.dtype(self.meta.input_dtype))

    def weighed_sums(self) -> NDArray[Any]:
        moments: NDArray[Any] = self.results.moments
        return moments

    def get_results(self) -> Mapping[str, Any]:
        moments = self.results.moments
        total = moments[:, :1]
        with np.errstate(over="ignore", invalid="ignore"):
            shifts = np.divide(moments[:, 1:], total, out=np.zeros_like(moments[:, 1:]), where=total != 0)
        field = _oriented(shifts, self.params.scan_rotation, self.params.flip_y)
        regression = self._fitted(field)
        if regression.any():
            field = np.where(self.meta._merged[:, np.newaxis], field - self._plane(regression), field)
        results = {
            "raw_com": shifts + self._centre(),
            "raw_shifts": shifts,
            "field": field,
            "field_y": field[:, 0],
            "field_x": field[:, 1],
            "magnitude": np.hypot(np.abs(field[:, 0]), np.abs(field[:, 1])),
            "regression": regression,
        }
        return {**results, **self._derived(field)} if self._maps else results

    def _terms(self) -> NDArray[np.float64]:
        """Give 1, slow and fast scan coordinate of each selected position, shape ``(n, 3)``."""
        where = self.meta.coordinates
        slow = where[:, -2] if where.shape[1] > 1 else np.zeros(len(where))
        return np.stack([np.ones(len(where)), slow, where[:, -1]], axis=-1)

    def _plane(self, regression: NDArray[Any]) -> NDArray[Any]:
        plane: NDArray[Any] = self._terms() @ regression
        return plane

    def _fitted(self, field: NDArray[Any]) -> NDArray[Any]:
        option = self.params.regression
        if np.ndim(option):
            return np.asarray(option, dtype=field.dtype).reshape(3, 2)
        coefficients = np.zeros((3, 2), dtype=field.dtype)
        valid = self.meta._merged
        if option == -1 or not valid.any():
            return coefficients
        if option == 0:
            coefficients[0] = field[valid].mean(axis=0)
            return coefficients
        if option == 1:
            coefficients[:] = np.linalg.lstsq(self._terms()[valid], field[valid], rcond=None)[0]
            return coefficients
        raise ParameterError(f"{option!r} is not -1, 0, 1 or coefficients of shape (3, 2)", field="regression")

    def _derived(self, field: NDArray[Any]) -> dict[str, NDArray[Any]]:
        valid, where = self.meta._merged, self.meta.coordinates
        divergence, curl = np.full((2, len(field)), np.nan, dtype=field.dtype)
        if valid.any():
            # All that is known, and what is beside it: elsewhere there is nothing to compute.
            known = where[valid]
            low = np.maximum(known.min(axis=0) - 1, 0)
            high = np.minimum(known.max(axis=0) + 2, self.meta.dataset_shape.nav)
            maps = np.full((*(high - low), 2), np.nan, dtype=field.dtype)
            maps[tuple((known - low).T)] = field[valid]
            dy_slow, dy_fast = np.gradient(maps[..., 0])
            dx_slow, dx_fast = np.gradient(maps[..., 1])
            inside = ((where >= low) & (where < high)).all(axis=1)
            places = tuple((where[inside] - low).T)
            divergence[inside], curl[inside] = (dy_slow + dx_fast)[places], (dy_fast - dx_slow)[places]
        return {"divergence": divergence, "curl": curl}


def _oriented(shifts: NDArray[Any], rotation: float, flip_y: bool) -> NDArray[Any]:
    """Give (y, x) shifts with y turned around where asked, then rotated by an angle [degree]."""
    y = -shifts[:, 0] if flip_y else shifts[:, 0]
    x = shifts[:, 1]
    angle = math.radians(rotation)
    cos, sin = math.cos(angle), math.sin(angle)
    return np.stack([sin * x + cos * y, cos * x - sin * y], axis=-1)
