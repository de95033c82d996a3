"""Centre of mass as LiberTEM takes its parameters, and what is computed from a field of shifts."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

import lamella.udf
from lamella_libertem.coordinates import flip_y as flipped, identity, rotate

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CoMParams",
    "CoMUDF",
    "RegressionOptions",
    "apply_correction",
    "center_shifts",
    "curl_2d",
    "divergence",
    "magnitude",
]


class RegressionOptions(IntEnum):
    """What to subtract from the field: nothing, its mean, or a plane."""

    NO_REGRESSION = -1
    SUBTRACT_MEAN = 0
    SUBTRACT_LINEAR = 1


class CoMParams(NamedTuple):
    """The parameters of `CoMUDF`; see `lamella.udf.CoMUDF`."""

    cy: float | None = None
    cx: float | None = None
    r: float = math.inf
    ri: float | None = 0.0
    scan_rotation: float = 0.0
    flip_y: bool = False
    regression: Any = RegressionOptions.NO_REGRESSION


class CoMUDF(lamella.udf.CoMUDF):
    """Centre of mass; takes its parameters as `CoMParams`, or by name with `with_params`."""

    def __init__(self, com_params: CoMParams | None = None, **parameters: Any) -> None:
        chosen = (com_params or CoMParams())._replace(**parameters)
        super().__init__(**chosen._asdict())
        self.params["com_params"] = chosen

    @classmethod
    def with_params(cls, **parameters: Any) -> Self:
        """Give an instance with the parameters of `CoMParams`."""
        return cls(CoMParams(**parameters))


def center_shifts(img_sum: Any, img_y: Any, img_x: Any, ref_y: float, ref_x: float) -> tuple[Any, Any]:
    """Give shifts (y, x) relative to a point from sums of the intensity and of its moments; 0 without intensity."""
    total = np.asarray(img_sum)
    moments = (np.asarray(img_y), ref_y), (np.asarray(img_x), ref_x)
    y, x = (np.where(total != 0, part / np.where(total != 0, total, 1) - ref, 0) for part, ref in moments)
    return y, x


def apply_correction(
    y_centers: NDArray[Any], x_centers: NDArray[Any], scan_rotation: float, flip_y: bool, forward: bool = True
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Turn y around where asked, then rotate by an angle [degree]; or back, if not ``forward``."""
    forth: NDArray[Any] = rotate(math.radians(scan_rotation)) @ (flipped() if flip_y else identity())
    matrix = forth if forward else np.linalg.inv(forth)
    y, x = np.tensordot(matrix, np.stack([y_centers, x_centers]), axes=1)
    return y, x


def divergence(y_centers: NDArray[Any], x_centers: NDArray[Any]) -> NDArray[Any]:
    """Give the divergence of a field over the scan."""
    return np.asarray(np.gradient(y_centers, axis=0) + np.gradient(x_centers, axis=1))


def curl_2d(y_centers: NDArray[Any], x_centers: NDArray[Any]) -> NDArray[Any]:
    """Give the curl of a field over the scan."""
    return np.asarray(np.gradient(y_centers, axis=1) - np.gradient(x_centers, axis=0))


def magnitude(y_centers: NDArray[Any], x_centers: NDArray[Any]) -> NDArray[Any]:
    """Give the lengths of vectors."""
    return np.asarray(np.hypot(y_centers, x_centers))
