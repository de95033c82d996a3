"""The part of the scan that a user names: slices, or a file of booleans."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.cli.parser import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet

__all__ = ["Region", "region_of"]

_SEE = "lamella run --help"
_MOST_DIGITS = 18


class Region:
    """What a user wrote for a region: a slice or a position for each of the first axes, or a file.

    Parameters
    ----------
    text
        Such as ``"10:20,:"`` or ``"mask.npy"``.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is neither.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.file = Path(text) if text.endswith(".npy") else None
        self.parts = () if self.file else tuple(_part(part, text) for part in text.split(","))


def _part(part: str, text: str) -> slice | int:
    numbers = part.split(":")
    try:
        if any(len(number) > _MOST_DIGITS for number in numbers) or len(numbers) > 3:
            raise ValueError
        if len(numbers) == 1:
            return int(part)
        start, stop, step = ([int(number) if number.strip() else None for number in numbers] + [None])[:3]
        if step == 0:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected slices of the scan axes such as 10:20,: or a .npy file of booleans, found {text!r}"
        ) from None
    return slice(start, stop, step)


def region_of(region: Region, dataset: DataSet) -> NDArray[np.bool_]:
    """Give the mask that a user means, in the shape of the scan.

    Raises
    ------
    UsageError
        If it does not fit the scan, or selects nothing.
    """
    nav = tuple(dataset.shape.nav)
    if region.file is not None:
        mask = _mask_in(region.file, nav)
    else:
        _check_parts(region, nav)
        mask = dataset.roi[region.parts]
    if not mask.any():
        raise _wrong(region, "it selects no position of the scan")
    filled = dataset.frame_map.filled
    shown = dataset.frame_map.shown(filled.start, filled.stop)
    if not (mask.reshape(-1)[filled.start : filled.stop] & shown).any():
        raise _wrong(region, "no position that it selects has a frame")
    return mask


def _check_parts(region: Region, nav: tuple[int, ...]) -> None:
    if len(region.parts) > len(nav):
        raise _wrong(region, f"it has {len(region.parts)} parts, and the scan {nav} has {len(nav)} axes")
    for number, (part, length) in enumerate(zip(region.parts, nav, strict=False), start=1):
        if isinstance(part, int) and not -length <= part < length:
            raise _wrong(region, f"axis {number} of the scan has {length} positions, and no position {part}")
        if isinstance(part, slice) and not range(*part.indices(length)):
            raise _wrong(region, f"part {number} selects none of the {length} positions of its axis")


def _mask_in(path: Path, nav: tuple[int, ...]) -> NDArray[np.bool_]:
    if not path.is_file():
        raise UsageError(f"--roi {path}: there is no such file", see=_SEE)
    try:
        mask: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")  # no larger than the file
    except Exception as error:  # whatever NumPy makes of a file that is not one of its own
        raise UsageError(f"--roi {path}: expected a .npy file of booleans; {error}", see=_SEE) from None
    if mask.dtype != bool or mask.shape != nav:
        raise UsageError(
            f"--roi {path}: expected booleans of shape {nav}, found {mask.dtype} of {mask.shape}", see=_SEE
        )
    return np.array(mask)


def _wrong(region: Region, why: str) -> UsageError:
    return UsageError(f"--roi {region.text}: {why}", see=_SEE)
