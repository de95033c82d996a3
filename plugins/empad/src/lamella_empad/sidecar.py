"""What a sidecar of EMPAD says, whichever kind it is of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field as fresh
from typing import Any

from lamella.reader import Axis, Metadata

__all__ = ["MODES", "OPEN_RAW", "SUFFIXES", "Shapes", "Sidecar", "base_name"]

SUFFIXES = ("xml", "json")

Shapes = tuple[tuple[tuple[int, ...], str], ...]
"""Scan shapes that are stated, each with its origin, the most reliable first."""

MODES = "scan_parameters"
OPEN_RAW = "Open the .raw file itself; give nav_shape if its name does not tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """What a sidecar says.

    Parameters
    ----------
    name, raw_name
        The names of the sidecar and of the raw file, without folders.
    shapes
        Scan shapes.
    field, longest
        Width and height of the scan [m]; the length of its longer side [m].
    steps
        Distance of scan positions along y and x [m].
    detector_step
        Size of a detector pixel, and its unit.
    metadata, raw
        The typed schema, and everything.
    """

    name: str
    raw_name: str = ""
    shapes: Shapes = ()
    field: tuple[float, ...] = ()
    longest: float | None = None
    steps: tuple[float, ...] = ()
    detector_step: tuple[float, str] | None = None
    metadata: Metadata = fresh(default_factory=Metadata)
    raw: dict[str, Any] = fresh(default_factory=dict)

    def nav_axes(self, shape: tuple[int, ...]) -> tuple[Axis, ...]:
        """Give the axes of a scan of some shape."""
        if len(shape) != 2:
            return ()
        steps = self.steps
        if self.field:
            steps = tuple(length / n for length, n in zip(reversed(self.field), shape, strict=False))
        if self.longest:
            steps = (self.longest / max(shape),) * 2
        if len(steps) != 2:
            return ()
        return tuple(Axis.of(name, 1e9 * step, "nm") for name, step in zip("yx", steps, strict=True))


def base_name(name: str) -> str:
    """Give the last part of a path of any system."""
    return re.split(r"[/\\]", name.strip())[-1]
