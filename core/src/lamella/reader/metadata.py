"""The small typed schema into which every format translates its metadata."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

__all__ = ["Axis", "Metadata", "named_axes"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a data set: index i lies at ``offset + i * scale`` in ``units``.

    ``units`` is None for an axis that is not calibrated; then scale is 1 and offset is 0, or they are coordinates whose
    units the file does not say; units of blanks say nothing. Neither is an axis calibrated whose scale is zero, or
    whose scale or offset are infinite or NaN.

    Examples
    --------
    >>> Axis("x", 0.0, 5.0, "nm")
    Axis(name='x', scale=1.0, offset=0.0, units=None)
    >>> Axis("x", 2.0, 5.0, "nm "), Axis("x", 2.0, 5.0, "  ").units
    (Axis(name='x', scale=2.0, offset=5.0, units='nm'), None)
    """

    name: str
    scale: float = 1.0
    offset: float = 0.0
    units: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.units, str):
            object.__setattr__(self, "units", self.units.strip() or None)
        if not (self.scale and math.isfinite(self.scale) and math.isfinite(self.offset)):
            object.__setattr__(self, "scale", 1.0)
            object.__setattr__(self, "offset", 0.0)
            object.__setattr__(self, "units", None)

    @classmethod
    def of(cls, name: str, step: float, units: str, offset: float = 0.0) -> Self:
        """Give an axis as a file states it; a step that is not a positive number means that nobody calibrated it.

        Examples
        --------
        >>> Axis.of("x", 0.5, "nm"), Axis.of("x", -1.0, "nm").units
        (Axis(name='x', scale=0.5, offset=0.0, units='nm'), None)
        """
        return cls(name, step, offset, units) if 0 < step < math.inf else cls(name)

    @property
    def calibrated(self) -> bool:
        """Whether the axis has units."""
        return self.units is not None


_NAMES: dict[tuple[str, int], tuple[tuple[str, ...], ...]] = {
    ("nav", 1): (("frame",),),
    ("nav", 2): (("y", "x"), ("scan_y", "scan_x")),
    ("sig", 1): (("k",),),
    ("sig", 2): (("ky", "kx"),),
}
"""Names of axes that a file does not name, with others for where those are taken."""


def named_axes(
    nav_axes: Sequence[Axis], nav_shape: Sequence[int], sig_axes: Sequence[Axis], sig_shape: Sequence[int]
) -> tuple[Axis, ...]:
    """Give one axis for each dimension, scan first, each with a name of its own.

    Axes that a file describes keep their names as long as they differ; axes that it does not describe get a name
    that is not taken. A single axis of the scan is ``frame``; a reader calls it ``x`` where its file says that the scan
    was a line.
    """
    nav, sig = _complete("nav", nav_axes, nav_shape, sig_axes), _complete("sig", sig_axes, sig_shape, nav_axes)
    taken: set[str] = set()
    axes = []
    for kind, axis in (*(("nav", axis) for axis in nav), *(("sig", axis) for axis in sig)):
        name, count = axis.name, 1
        while name in taken:
            count += 1
            name = f"{kind}_{axis.name}" if count == 2 else f"{axis.name}_{count - 1}"
        taken.add(name)
        axes.append(axis if name == axis.name else replace(axis, name=name))
    return tuple(axes)


def _complete(kind: str, axes: Sequence[Axis], shape: Sequence[int], others: Sequence[Axis]) -> tuple[Axis, ...]:
    if len(axes) == len(shape):
        return tuple(axes)
    taken = {axis.name for axis in others}
    wanted = (*_NAMES.get((kind, len(shape)), ()), tuple(f"{kind}{i}" for i in range(len(shape))))
    names = next((names for names in wanted if taken.isdisjoint(names)), wanted[-1])
    return tuple(Axis(name) for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What the microscope and the detector were doing; None where the file does not say.

    Units: beam energy [eV], camera length [m], angles [degree], times [s], pixel pitch [m].
    ``acquired`` is ISO 8601, with a zone only if the file states one.
    """

    title: str | None = None
    acquired: str | None = None
    instrument: str | None = None
    detector: str | None = None
    software: str | None = None
    operator: str | None = None
    mode: str | None = None
    beam_energy: float | None = None
    camera_length: float | None = None
    magnification: float | None = None
    convergence_angle: float | None = None
    scan_rotation: float | None = None
    exposure_time: float | None = None
    dwell_time: float | None = None
    detector_pixel_pitch: float | None = None
    counter_depth: int | None = None

    def to_json(self) -> dict[str, str | float | int]:
        """Give the entries that are known."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in known.items() if value is not None}
