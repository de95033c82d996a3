"""The detectors that a user names by numbers, and whether they lie in the frame."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lamella.cli.parser import UsageError

if TYPE_CHECKING:
    from lamella.cli.chosen import Wanted

__all__ = ["beam_numbers", "check_beam", "check_detectors"]

_SEE = "lamella run --help"
_NEARLY = 1e-9
"""Relative error of a squared distance."""


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


def check_detectors(chosen: Sequence[Wanted], sig_shape: Sequence[int]) -> None:
    """Refuse disks and rings in which no pixel of the frame lies; a centre that is not known lies where it is best."""
    for one in chosen:
        option, values = one.option, one.values
        if not option.takes_numbers:
            continue
        radii = [values[name] for name in option.radii]
        inner = radii[0] if len(radii) > 1 else -1.0
        if one.needs_centre:
            if inner > math.hypot(*sig_shape):
                raise _outside(f"{option.flag} {_text(radii)}", sig_shape)
            continue
        centre = [values[name] for name in option.centre]
        if not _holds_pixel(centre, inner, radii[-1], sig_shape):
            raise _outside(f"{option.flag} {_text((*centre, *radii))}", sig_shape)


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
