"""Whether a scan shows what is stored: an error where it shows nothing, a warning where something is left over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lamella.errors import CorruptError, FormatError, FrameMissingError, LamellaWarning, ParameterError
from lamella.geometry.frames import FrameMap
from lamella.geometry.shape import scan_shapes
from lamella.reader.caution import cautions
from lamella.system.memory import memory_size
from lamella.system.warn import warn_user
from lamella.system.words import counted

if TYPE_CHECKING:
    from lamella.reader.source import FrameSource, LinearSource

__all__ = ["check_room", "check_visible", "shown_frames", "warn_of_gaps", "warn_of_losses"]

_MOST_POSITIONS = 1 << 32
_SHARE_OF_MEMORY = 4
_NEVER_TOO_MUCH = 64 << 20
"""Size that is not compared with the memory, which takes a look at files of the system [bytes]."""
_MOST_WARNINGS = 8


def shown_frames(
    source: LinearSource | FrameSource, nav_shape: Sequence[int] | None, sync_offset: int | None
) -> FrameMap:
    """Give which frame each scan position shows, by the wishes of the user or else what the file suggests.

    Parameters
    ----------
    source
        Where frames come from.
    nav_shape, sync_offset
        What the user wants; None for what the file suggests.
    """
    info = source.info
    suggested = info.nav_shape if info.nav_shape is not None else (source.n_frames,)
    return FrameMap(
        n_frames=source.n_frames if info.index is None else len(info.index),
        nav_shape=tuple(int(n) for n in nav_shape or suggested or (1,)),
        sync_offset=info.sync_offset if sync_offset is None else sync_offset,
        index=info.index,
    )


def check_visible(frames: FrameMap, *, missing: str, name: str, path: str | None, asked: bool) -> None:
    """Refuse a scan that shows nothing, or that nothing could be computed on.

    A scan may announce far more than is stored: scans that were aborted do.

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
        If no frame is visible, or the user asked for more than 2^32 positions.
    CorruptError
        If the file announces more than 2^32 positions.
    FrameMissingError
        If frames are missing and ``missing`` is ``"error"``.
    """
    counts = frames.counts
    if counts.positions > max(_MOST_POSITIONS, counts.frames):
        raise _refusal(
            frames,
            "an absurd number of scan positions",
            expected=f"at most {_MOST_POSITIONS} (2^32) for {counted(counts.frames, 'frame')}",
            found=_number(counts.positions),
            path=path,
            asked=asked,
        )
    if counts.shown == 0:
        raise ParameterError(
            f"no frame is visible: {_numbers(frames)}. Choose a smaller |sync_offset|",
            field="sync_offset",
            subject=name,
        )
    if missing == "error" and counts.missing:
        raise FrameMissingError(
            f"{name}: {counts.missing} of {counts.positions} scan positions have no frame ({_numbers(frames)}). "
            "Give a nav_shape that fits, or missing='skip'"
        )


def warn_of_gaps(frames: FrameMap, name: str) -> None:
    """Warn where positions of a scan have no frame, or frames at the end have no position.

    Parameters
    ----------
    frames
        Which frame each position shows.
    name
        What the data set is called.
    """
    counts = frames.counts
    if not (counts.missing or counts.ignored_end):
        return
    fitting = " or ".join(str(shape) for shape in scan_shapes(counts.frames) if shape != frames.nav_shape)
    warn_user(
        f"{name}: {counts.missing} of {counts.positions} scan positions have no frame and "
        f"{counted(counts.ignored_end, 'frame')} at the end {'is' if counts.ignored_end == 1 else 'are'} not shown "
        f"({_numbers(frames)})" + (f". nav_shape {fitting} would show every frame" if fitting else ""),
        LamellaWarning,
    )


def warn_of_losses(notes: Sequence[str], name: str) -> None:
    """Warn of what the files promise and do not hold.

    Parameters
    ----------
    notes
        What the reader says; every `lamella.reader.Caution` among it is a warning.
    name
        What the data set is called.
    """
    found = cautions(notes)
    for text in found[:_MOST_WARNINGS]:
        warn_user(f"{name}: {text}", LamellaWarning)
    if len(found) > _MOST_WARNINGS:
        warn_user(f"{name}: {len(found) - _MOST_WARNINGS} more warnings, see its notes", LamellaWarning)


def _numbers(frames: FrameMap) -> str:
    stored = counted(frames.n_frames, "frame")
    return f"{stored} in the file, sync_offset {frames.sync_offset}, nav_shape {frames.nav_shape}"


def check_room(frames: FrameMap, nbytes: int, what: str, *, path: str | None, asked: bool) -> None:
    """Refuse results that would take too much memory for scan positions that have no frame.

    Parameters
    ----------
    frames
        Which frame each position shows.
    nbytes
        What the results take for positions without a frame [bytes].
    what
        What takes it.
    path
        The first file of the data set.
    asked
        Whether the user chose the shape of the scan.

    Raises
    ------
    ParameterError
        If that is more than a quarter of the memory, and the user asked for so many positions.
    CorruptError
        If the file announces them.
    """
    if nbytes <= _NEVER_TOO_MUCH or nbytes <= (most := memory_size() // _SHARE_OF_MEMORY):
        return
    counts = frames.counts
    raise _refusal(
        frames,
        f"{counts.positions} scan positions, of which {counts.shown} have a frame",
        expected=f"at most {most} bytes, a quarter of the memory, for {what} at the others",
        found=f"{_number(nbytes)} bytes",
        path=path,
        asked=asked,
    )


def _refusal(
    frames: FrameMap, what: str, *, expected: str, found: str, path: str | None, asked: bool
) -> FormatError | ParameterError:
    """Give the error for a scan that is too large for what is stored."""
    shape = "x".join(map(_number, frames.nav_shape))
    if asked:
        absurd = f"nav_shape {shape} is absurd for a file of {counted(frames.n_frames, 'frame')}: it makes {what}"
        return ParameterError(f"{absurd}; expected {expected}; found {found}", field="nav_shape")
    return CorruptError(
        f"the file announces {what}",
        path=path,
        expected=expected,
        found=f"{found}, nav_shape {shape}",
        remedy="Give nav_shape",
    )


def _number(n: int) -> str:
    """Give a number, in short where a file holds an absurd one."""
    if n < 10**15:
        return str(n)
    return f"{n:.4g}" if n < 1e300 else "inf"
