"""The small typed schema into which every format translates its metadata."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Self

__all__ = ["Axis", "Metadata"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a data set: index i lies at ``offset + i * scale`` in ``units``.

    ``units`` is None for an axis that is not calibrated; then scale is 1 and offset is 0.
    """

    name: str
    scale: float = 1.0
    offset: float = 0.0
    units: str | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and math.isfinite(self.offset)):
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
