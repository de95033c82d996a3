"""Whether a scan shows what is stored: an error where it shows nothing, a warning where something is left over."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from lamella.errors import CorruptError, FormatError, FrameMissingError, LamellaWarning, ParameterError
from lamella.geometry.shape import scan_shapes

if TYPE_CHECKING:
    from lamella.geometry.frames import FrameMap

__all__ = ["check_visible"]

_MOST_EMPTY_POSITIONS = 1 << 24


def check_visible(frames: FrameMap, *, missing: str, name: str, path: str | None, asked: bool) -> None:
    """Compare the positions of a scan with its frames.

    Parameters
    ----------
    frames
        Which frame each position shows.
    missing
        What is to happen at positions without a frame.
    name, path
        What the data set is called, and its first file.
    asked
        Whether the user chose the shape of the scan.

    Raises
    ------
    ParameterError
        If no frame is visible, or the user asked for an absurd number of positions.
    CorruptError
        If the file announces an absurd number of positions.
    FrameMissingError
        If frames are missing and ``missing`` is ``"error"``.
    """
    counts = frames.counts
    if counts.positions > _MOST_EMPTY_POSITIONS + 4 * counts.frames:
        raise _implausible(frames, path, asked)
    numbers = f"{counts.frames} frames in the file, sync_offset {frames.sync_offset}, nav_shape {frames.nav_shape}"
    if counts.shown == 0:
        raise ParameterError(f"no frame is visible: {numbers}. Choose a smaller |sync_offset|", subject=name)
    if missing == "error" and counts.missing:
        raise FrameMissingError(
            f"{name}: {counts.missing} of {counts.positions} scan positions have no frame ({numbers}). "
            "Give a nav_shape that fits, or missing='skip'"
        )
    unasked = counts.ignored_end
    if counts.missing or unasked:
        fitting = " or ".join(str(shape) for shape in scan_shapes(counts.frames) if shape != frames.nav_shape)
        warnings.warn(
            f"{name}: {counts.missing} of {counts.positions} scan positions have no frame and "
            f"{unasked} frames at the end are not shown ({numbers})"
            + (f". nav_shape {fitting} would show every frame" if fitting else ""),
            LamellaWarning,
            stacklevel=6,
        )


def _implausible(frames: FrameMap, path: str | None, asked: bool) -> FormatError | ParameterError:
    """Give the error for a scan that is nearly all missing and so large that even its mask would hurt."""
    found = f"{frames.n_frames} frames"
    if asked:
        return ParameterError(f"nav_shape {frames.nav_shape} is absurd for a file of {found}")
    return CorruptError(
        "the file announces an absurd number of scan positions",
        path=path,
        expected=f"about {found}",
        found=f"nav_shape {'x'.join(f'{n:.4g}' if n < 1e300 else 'inf' for n in frames.nav_shape)}",
        remedy="Give nav_shape",
    )
