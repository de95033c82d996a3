"""The detectors that a user names by numbers, and whether they lie in the frame."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

import numpy as np

from lamella.cli.parser import UsageError

__all__ = ["beam_numbers", "check_beam", "check_detectors", "disk_numbers", "ring_numbers"]

_SEE = "lamella run --help"
_NEARLY = 1e-9
"""Relative error of a squared distance."""


def disk_numbers(text: str) -> tuple[float, ...]:
    """Read ``[CY,CX,]R``."""
    values = _numbers(text, 1, 3)
    if values[-1] < 0:
        raise argparse.ArgumentTypeError(f"the radius must not be negative, found {values[-1]:g}")
    return values


def ring_numbers(text: str) -> tuple[float, ...]:
    """Read ``[CY,CX,]RI,RO``."""
    values = _numbers(text, 2, 4)
    inner, outer = values[-2:]
    if inner < 0:
        raise argparse.ArgumentTypeError(f"the inner radius must not be negative, found {inner:g}")
    if inner >= outer:
        raise argparse.ArgumentTypeError(
            f"the inner radius comes first and must be smaller than the outer one, found {inner:g},{outer:g}"
        )
    return values


def beam_numbers(text: str) -> tuple[float, ...]:
    """Read ``CY,CX``."""
    return _numbers(text, 2)


def _numbers(text: str, *counts: int) -> tuple[float, ...]:
    """Read as many numbers, separated by commas."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} are not numbers separated by commas") from None
    if len(values) not in counts:
        wanted = " or ".join(str(count) for count in counts)
        raise argparse.ArgumentTypeError(f"expected {wanted} numbers, found {len(values)}: {text!r}")
    if not all(map(math.isfinite, values)):
        raise argparse.ArgumentTypeError(f"expected finite numbers, found {text!r}")
    return values


def check_beam(beam: Sequence[float] | None, sig_shape: Sequence[int]) -> None:
    """Refuse a direct beam outside of the frame."""
    if beam is not None and not all(-0.5 <= at <= n - 0.5 for at, n in zip(beam, sig_shape, strict=True)):
        raise UsageError(f"--beam {_text(beam)} lies outside of the frame of {_frame(sig_shape)}", see=_SEE)


def check_detectors(
    disks: Sequence[Sequence[float]], rings: Sequence[Sequence[float]], sig_shape: Sequence[int]
) -> None:
    """Refuse disks ``(cy, cx, radius)`` and rings ``(cy, cx, inner, outer)`` in which no pixel of the frame lies."""
    for cy, cx, radius in disks:
        if not _holds_pixel((cy, cx), -1, radius, sig_shape):
            raise _outside(f"--disk {_text((cy, cx, radius))}", sig_shape)
    for cy, cx, inner, outer in rings:
        if not _holds_pixel((cy, cx), inner, outer, sig_shape):
            raise _outside(f"--ring {_text((cy, cx, inner, outer))}", sig_shape)


def _holds_pixel(centre: Sequence[float], inner: float, outer: float, sig_shape: Sequence[int]) -> bool:
    """Whether a pixel is farther from the centre than ``inner`` and not farther than ``outer``."""
    rows, columns = (np.square(np.arange(n) - at) for n, at in zip(sig_shape, centre, strict=True))
    columns.sort()
    within = np.searchsorted(columns, outer**2 * (1 + _NEARLY) - rows, side="right")
    too_near = np.searchsorted(columns, inner**2 - rows, side="right") if inner >= 0 else 0
    return bool((within > too_near).any())


def _outside(option: str, sig_shape: Sequence[int]) -> UsageError:
    return UsageError(f"{option}: no pixel of the frame of {_frame(sig_shape)} is in it", see=_SEE)


def _frame(sig_shape: Sequence[int]) -> str:
    return " x ".join(map(str, sig_shape)) + " pixels"


def _text(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)
