"""Matrices that turn and flip (y, x) coordinates, and polar coordinates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "flip_x",
    "flip_y",
    "identity",
    "make_cartesian",
    "make_polar",
    "rotate",
    "rotate_deg",
    "rotate_precalc",
    "rotate_rad",
    "scale",
    "scale_rotate_flip_y",
    "turn_deg",
]


def identity() -> NDArray[np.float64]:
    """Give the matrix that changes nothing."""
    return np.eye(2)


def scale(factor: float) -> NDArray[np.float64]:
    """Give the matrix that multiplies both coordinates."""
    return np.eye(2) * factor


def rotate(radians: float) -> NDArray[np.float64]:
    """Give the matrix that turns (y, x) by an angle [rad]."""
    cos, sin = math.cos(radians), math.sin(radians)
    return np.array([(cos, sin), (-sin, cos)])


def rotate_deg(degrees: float) -> NDArray[np.float64]:
    """Give the matrix that turns (y, x) by an angle [degree]."""
    return rotate(math.radians(degrees))


def flip_y() -> NDArray[np.int64]:
    """Give the matrix that turns y around."""
    return np.array([(-1, 0), (0, 1)])


def flip_x() -> NDArray[np.int64]:
    """Give the matrix that turns x around."""
    return np.array([(1, 0), (0, -1)])


def scale_rotate_flip_y(mat: NDArray[Any]) -> tuple[float, float, bool]:
    """Give the factor, the angle [rad] and whether y is turned around, for a product ``scale @ rotate @ flip_y``.

    Raises
    ------
    ValueError
        If the matrix is no such product.
    """
    sizes = np.hypot(mat[0], mat[1])
    flipped = bool(np.linalg.det(mat) < 0)
    factor = float(sizes[1])
    angle = math.atan2(mat[0, 1], mat[1, 1])
    product = scale(factor) @ rotate(angle) @ (flip_y() if flipped else identity())
    if not np.allclose(mat, product, atol=1e-9 * max(factor, 1e-300)):
        text = f"{mat.tolist()} is not scale @ rotate @ flip_y: there is shear, or y scale and x scale are different"
        raise ValueError(f"{text} ({sizes[0]} and {sizes[1]})")
    return factor, angle, flipped


def make_polar(cartesian: ArrayLike) -> NDArray[np.float64]:
    """Turn (y, x) on the last axis into (radius, angle [rad])."""
    y, x = np.moveaxis(np.asarray(cartesian, dtype=np.float64), -1, 0)
    return np.stack([np.hypot(y, x), np.arctan2(y, x)], axis=-1)


def make_cartesian(polar: ArrayLike) -> NDArray[np.float64]:
    """Turn (radius, angle [rad]) on the last axis into (y, x)."""
    radius, angle = np.moveaxis(np.asarray(polar, dtype=np.float64), -1, 0)
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=-1)


def rotate_precalc(y: Any, x: Any, cos_angle: float, sin_angle: float) -> tuple[Any, Any]:
    """Turn y and x by an angle that is given by its cosine and sine."""
    return cos_angle * y + sin_angle * x, cos_angle * x - sin_angle * y


def rotate_rad(y: Any, x: Any, radians: float) -> tuple[Any, Any]:
    """Turn y and x by an angle [rad]."""
    return rotate_precalc(y, x, math.cos(radians), math.sin(radians))


def turn_deg(y: Any, x: Any, degrees: float) -> tuple[Any, Any]:
    """Turn y and x by an angle [degree]."""
    return rotate_rad(y, x, math.radians(degrees))
