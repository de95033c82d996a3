"""Mask factories: circles, rings, gradients and bins on the detector, dense and sparse.

Coordinates are pixels: pixel (y, x) lies at y and x, so the centre of a detector of 256 x 256 pixels lies at 127.5. The
names of the arguments are those that the field knows.
"""

# ruff: noqa: N803 - centerX and imageSizeX are what scripts say

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from lamella.masks.stack import SparseMasks

__all__ = [
    "background_subtraction",
    "balance",
    "bounding_radius",
    "circular",
    "gradient_x",
    "gradient_y",
    "polar_map",
    "radial_bins",
    "radial_gradient",
    "radial_gradient_background_subtraction",
    "rectangular",
    "ring",
    "sparse_circular_multi_stack",
    "sparse_template_multi_stack",
]

_MANY_BINS = 64


def circular(
    centerX: float, centerY: float, imageSizeX: int, imageSizeY: int, radius: float, antialiased: bool = False
) -> NDArray[Any]:
    """A filled circle, its edge included.

    Parameters
    ----------
    centerX, centerY
        Centre [px].
    imageSizeX, imageSizeY
        Size of the detector [px].
    radius
        Radius [px].
    antialiased
        Weigh pixels at the edge by about the share of their area that lies inside.

    Returns
    -------
    numpy.ndarray
        Booleans, or numbers from 0 to 1 if antialiased; shape ``(imageSizeY, imageSizeX)``.

    Examples
    --------
    >>> circular(centerX=1, centerY=1, imageSizeX=3, imageSizeY=3, radius=1).astype(int)
    array([[0, 1, 0],
           [1, 1, 1],
           [0, 1, 0]])
    """
    distance = _distance(centerX, centerY, imageSizeX, imageSizeY)
    return _soft_disk(distance, radius) if antialiased else distance <= radius


def ring(
    centerX: float,
    centerY: float,
    imageSizeX: int,
    imageSizeY: int,
    radius: float,
    radius_inner: float,
    antialiased: bool = False,
) -> NDArray[Any]:
    """A ring: the circle of ``radius`` without that of ``radius_inner``; arguments as for `circular`."""
    distance = _distance(centerX, centerY, imageSizeX, imageSizeY)
    if antialiased:
        return np.clip(_soft_disk(distance, radius) - _soft_disk(distance, radius_inner), 0, 1)
    inside: NDArray[Any] = (distance <= radius) & (distance > radius_inner)
    return inside


def radial_gradient(
    centerX: float, centerY: float, imageSizeX: int, imageSizeY: int, radius: float, antialiased: bool = False
) -> NDArray[np.float64]:
    """The distance from the centre in units of the radius, zero outside the circle; arguments as for `circular`."""
    distance = _distance(centerX, centerY, imageSizeX, imageSizeY)
    disk = _soft_disk(distance, radius) if antialiased else distance <= radius
    return np.asarray(disk * np.minimum(distance / radius, 1))


def background_subtraction(
    centerX: float,
    centerY: float,
    imageSizeX: int,
    imageSizeY: int,
    radius: float,
    radius_inner: float,
    antialiased: bool = False,
) -> NDArray[np.float64]:
    """A circle of ``radius_inner`` minus the ring around it up to ``radius``, scaled so that the sum is zero."""
    disk = circular(centerX, centerY, imageSizeX, imageSizeY, radius_inner, antialiased)
    around = ring(centerX, centerY, imageSizeX, imageSizeY, radius, radius_inner, antialiased)
    total = around.sum()
    weight = disk.sum() / total if total else 0.0
    return disk - weight * around


def radial_gradient_background_subtraction(
    r: NDArray[np.float64], r0: float, r_outer: float, delta: float = 1
) -> NDArray[np.float64]:
    """A template for disks with a bright edge: rising to 1 at the edge, then -1 outside.

    Parameters
    ----------
    r
        Distance of each pixel from the centre, for instance from `polar_map`.
    r0
        Radius of the disk.
    r_outer
        Radius up to which the outside counts.
    delta
        Width of the transition from 1 to -1 around ``r0``.

    Returns
    -------
    numpy.ndarray
        Of the shape of ``r``.
    """
    r = np.asarray(r, dtype=np.float64)
    result = np.zeros_like(r)
    inside, edge = r < r0 - delta / 2, np.abs(r - r0) <= delta / 2
    result[inside] = r[inside] / r0
    result[edge] = -(r[edge] - r0) * 2 / delta
    result[(r > r0 + delta / 2) & (r <= r_outer)] = -1
    return result


def polar_map(
    centerX: float,
    centerY: float,
    imageSizeX: int,
    imageSizeY: int,
    stretchY: float = 1.0,
    angle: float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance from the centre and angle [rad] of each pixel.

    With ``stretchY`` and ``angle`` [rad], in an elliptical system: turned by the angle, then its y axis stretched.
    """
    y, x = _relative(centerX, centerY, imageSizeX, imageSizeY)
    cos, sin = math.cos(angle), math.sin(angle)
    along = x * cos + y * sin
    across = (y * cos - x * sin) / stretchY
    return np.hypot(along, across), np.arctan2(across, along)


def balance(template: ArrayLike) -> NDArray[np.float64]:
    """Scale the negative values of a mask so that its sum is zero; one without negative values stays as it is."""
    result = np.array(template, dtype=np.float64)
    negative = result < 0
    if negative.any():
        result[negative] *= -result[~negative].sum() / result[negative].sum()
    return result


def bounding_radius(centerX: float, centerY: float, imageSizeX: int, imageSizeY: int) -> int:
    """A radius [px] in whole pixels that reaches beyond every corner of the detector."""
    farthest = math.hypot(max(centerX, imageSizeX - centerX), max(centerY, imageSizeY - centerY))
    return math.ceil(farthest) + 1


def radial_bins(
    centerX: float,
    centerY: float,
    imageSizeX: int,
    imageSizeY: int,
    radius: float | None = None,
    radius_inner: float = 0,
    n_bins: int | None = None,
    normalize: bool = False,
    use_sparse: bool | None = None,
    dtype: DTypeLike | None = None,
) -> NDArray[Any] | SparseMasks:
    """Antialiased rings of equal width that cover everything between two radii exactly once.

    Parameters
    ----------
    centerX, centerY, imageSizeX, imageSizeY
        As for `circular`.
    radius, radius_inner
        Outer and inner radius; up to the corners, and from the centre, by default.
    n_bins
        Number of rings; one per pixel of radius by default.
    normalize
        Scale each ring to a sum of one, so that it gives a mean.
    use_sparse
        Give `SparseMasks`; for 64 bins and more by default.
    dtype
        Dtype of the masks; float64 by default.

    Returns
    -------
    numpy.ndarray or SparseMasks
        Shape ``(n_bins, imageSizeY, imageSizeX)``.
    """
    from lamella.masks.stack import SparseMasks

    if radius is None:
        radius = bounding_radius(centerX, centerY, imageSizeX, imageSizeY)
    if n_bins is None:
        n_bins = max(1, round(radius - radius_inner))
    sparse = n_bins >= _MANY_BINS if use_sparse is None else use_sparse
    distance = _distance(centerX, centerY, imageSizeX, imageSizeY).reshape(-1)
    edges = np.linspace(radius_inner, radius, n_bins + 1)
    rings = []
    for inner, outer in zip(edges[:-1], edges[1:], strict=True):
        near = np.flatnonzero((distance < outer + 0.5) & (distance > inner - 0.5))
        weight = _soft_disk(distance[near], outer)
        if inner > 0:
            weight -= _soft_disk(distance[near], inner)
        if normalize and weight.sum() > 0:
            weight /= weight.sum()
        rings.append((near, weight))
    shape = (n_bins, imageSizeY, imageSizeX)
    number = np.repeat(np.arange(n_bins), [len(near) for near, _ in rings])
    pixels, weights = (np.concatenate(part) for part in zip(*rings, strict=True))
    masks = SparseMasks(shape, number, pixels, weights.astype(dtype or np.float64))
    return masks if sparse else masks.toarray()


def rectangular(X: float, Y: float, Width: float, Height: float, imageSizeX: int, imageSizeY: int) -> NDArray[np.bool_]:
    """A rectangle from corner (Y, X) to corner (Y + Height, X + Width), both included; sizes may be negative.

    Where one of them is zero, it is empty.
    """
    x0, x1 = sorted((int(X), int(X + Width)))
    y0, y1 = sorted((int(Y), int(Y + Height)))
    mask = np.zeros((imageSizeY, imageSizeX), dtype=np.bool_)
    mask[max(0, y0) : max(0, y1 + 1), max(0, x0) : max(0, x1 + 1)] = Width != 0 and Height != 0
    return mask


def gradient_x(imageSizeX: int, imageSizeY: int, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """The x coordinate of each pixel."""
    return np.tile(np.arange(imageSizeX, dtype=dtype), (imageSizeY, 1))


def gradient_y(imageSizeX: int, imageSizeY: int, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """The y coordinate of each pixel."""
    return np.tile(np.arange(imageSizeY, dtype=dtype)[:, np.newaxis], (1, imageSizeX))


def sparse_circular_multi_stack(
    mask_index: ArrayLike,
    centerX: ArrayLike,
    centerY: ArrayLike,
    imageSizeX: int,
    imageSizeY: int,
    radius: float,
) -> SparseMasks:
    """Many circles of one radius in a stack of sparse masks.

    Parameters
    ----------
    mask_index
        For each circle, the number of the mask to which it belongs; circles of one mask may overlap.
    centerX, centerY
        Centres [px].
    imageSizeX, imageSizeY
        Size of the detector [px]; what lies outside is left out.
    radius
        Radius [px].
    """
    from lamella.masks.stack import SparseMasks

    entries: set[tuple[int, int]] = set()
    number = np.asarray(mask_index, dtype=np.int64)
    for index, cx, cy in zip(number, np.asarray(centerX), np.asarray(centerY), strict=True):
        y0, y1 = max(0, math.ceil(cy - radius)), min(imageSizeY - 1, math.floor(cy + radius))
        x0, x1 = max(0, math.ceil(cx - radius)), min(imageSizeX - 1, math.floor(cx + radius))
        if y0 > y1 or x0 > x1:
            continue
        y, x = np.nonzero(circular(cx - x0, cy - y0, x1 - x0 + 1, y1 - y0 + 1, radius))
        entries.update((int(index), int(pixel)) for pixel in (y + y0) * imageSizeX + x + x0)
    shape = (int(number.max(initial=-1)) + 1, imageSizeY, imageSizeX)
    where = np.asarray(sorted(entries), dtype=np.int64).reshape(-1, 2)
    return SparseMasks(shape, where[:, 0], where[:, 1], np.ones(len(where), dtype=np.bool_))


def sparse_template_multi_stack(
    mask_index: ArrayLike,
    offsetX: ArrayLike,
    offsetY: ArrayLike,
    template: ArrayLike,
    imageSizeX: int,
    imageSizeY: int,
) -> SparseMasks:
    """Many copies of a template in a stack of sparse masks.

    Parameters
    ----------
    mask_index
        For each copy, the number of the mask to which it belongs; copies in one mask add up.
    offsetX, offsetY
        Position of the template's first pixel [px]; what lies outside the detector is left out.
    template
        Values to place, shape ``(height, width)``.
    imageSizeX, imageSizeY
        Size of the detector [px].

    Raises
    ------
    ParameterError
        If the template is not an image.
    """
    from lamella.masks.stack import SparseMasks

    values = np.asarray(template)
    if values.ndim != 2:
        raise ParameterError(f"a template is an image, this one has {values.ndim} axes", field="template")
    number = np.asarray(mask_index, dtype=np.int64)
    y, x = (axis.reshape(-1) for axis in np.indices(values.shape))
    rows = np.asarray(offsetY, dtype=np.int64)[:, np.newaxis] + y
    columns = np.asarray(offsetX, dtype=np.int64)[:, np.newaxis] + x
    inside = (rows >= 0) & (rows < imageSizeY) & (columns >= 0) & (columns < imageSizeX)
    weights = np.broadcast_to(values.reshape(-1), inside.shape)[inside]
    masks = np.broadcast_to(number[:, np.newaxis], inside.shape)[inside]
    shape = (int(number.max(initial=-1)) + 1, imageSizeY, imageSizeX)
    return SparseMasks(shape, masks, (rows * imageSizeX + columns)[inside], weights)


def _relative(
    center_x: float, center_y: float, size_x: int, size_y: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, x = np.ogrid[:size_y, :size_x]
    return y - float(center_y), x - float(center_x)


def _distance(center_x: float, center_y: float, size_x: int, size_y: int) -> NDArray[np.float64]:
    return np.hypot(*_relative(center_x, center_y, size_x, size_y))


def _soft_disk(distance: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Give weights that fall from 1 to 0 over one pixel around the radius."""
    return np.clip(radius + 0.5 - distance, 0, 1)
