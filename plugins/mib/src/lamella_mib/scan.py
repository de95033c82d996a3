"""Which frames make up the scan: its shape from whatever knows it best, and the frames that do not belong to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import ParameterError
from lamella.reader import Caution
from lamella_mib.params import MibParams
from lamella_mib.parts import listed
from lamella_mib.sequence import Gap
from lamella_mib.sidecar import Sidecar

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Scan", "find_scan"]

_BELIEVABLE = 1 << 24
"""Scan positions that a sidecar may announce, however few frames there are."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Shape of the scan with its origin, others that are possible, and the stored frame of each position."""

    nav_shape: tuple[int, ...]
    origin: str
    alternatives: tuple[tuple[tuple[int, ...], str], ...] = ()
    index: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Positions of a line."""
        return self.nav_shape[-1]


def find_scan(
    n_frames: int,
    gaps: Sequence[Gap],
    params: MibParams,
    sidecar: Sidecar,
    line_length: Callable[[int], int | None],
) -> Scan:
    """Decide on the scan.

    Parameters
    ----------
    n_frames
        Stored frames.
    gaps
        Where frames were lost.
    params, sidecar
        What the user and the settings of the acquisition say.
    line_length
        Gives the frames of a line from the time stamps of frames, from a given frame on; may be slow.

    Raises
    ------
    ParameterError
        If the parameters cannot be followed.
    """
    left = _left_open(n_frames, gaps, params, sidecar)
    lost = _total(left)
    available = n_frames + lost - params.first_frame
    if available <= 0:
        raise ParameterError(f"frame {params.first_frame} is none of {n_frames}", field="first_frame")
    if any(gap.before for gap in gaps):
        line_length = _unknown  # a lost frame looks like the way back to the next line
    found = list(_candidates(available, params, sidecar, line_length))
    if not found:
        raise ParameterError(f"nothing says how long a line of {available} frames is; give nav_shape", field="flyback")
    scan = replace(found[0], alternatives=tuple((other.nav_shape, other.origin) for other in _others(found)))
    notes = [*_gap_notes(gaps, left, params), *_frame_notes(n_frames, available, scan, params, sidecar)]
    if params.whole_lines:
        scan = _cropped(scan, available, params)
    if params.first_frame or params.flyback or lost:
        scan = replace(scan, index=_index(scan, n_frames, left, params))
    return replace(scan, notes=tuple(notes))


def _unknown(first_frame: int) -> int | None:
    return None


def _left_open(n_frames: int, gaps: Sequence[Gap], params: MibParams, sidecar: Sidecar) -> list[Gap]:
    """Give the gaps that leave scan positions missing.

    What is missing before the first frame counts only if the sidecar knows of so many frames: without it a later part
    may stand for itself.
    """
    announced = _announced(n_frames, sidecar)
    if params.lost == "close":
        return []
    if n_frames + _total(gaps) <= announced and not params.only_this_file:
        return list(gaps)
    inner = [gap for gap in gaps if gap.before]
    believable = _total(inner) <= 2 * n_frames + 1000 or n_frames + _total(inner) <= announced
    return inner if believable else []


def _total(gaps: Sequence[Gap]) -> int:
    return sum(gap.count for gap in gaps)


def _gap_notes(gaps: Sequence[Gap], left: Sequence[Gap], params: MibParams) -> Iterator[str]:
    closed = [gap for gap in gaps if gap not in left]
    if left:
        yield Caution(f"{_total(left)} frames are lost, {_ranges(left)}; their scan positions are missing")
    if closed and not closed[0].before:
        text = f"the first frame has the sequence number {closed[0].count + 1}; earlier ones are not here"
        yield text if params.only_this_file else Caution(text)
        closed = closed[1:]
    if closed:
        why = "" if params.lost == "close" else ", too many to be lost"
        text = f"{_total(closed)} frames are not there, {_ranges(closed)}{why}; later frames are shown in their places"
        yield text if params.lost == "close" else Caution(text)


def _ranges(gaps: Sequence[Gap]) -> str:
    texts = (f"{gap.first}" if gap.count == 1 else f"{gap.first} to {gap.first + gap.count - 1}" for gap in gaps)
    return f"sequence numbers {listed(texts)}"


def _candidates(
    available: int, params: MibParams, sidecar: Sidecar, line_length: Callable[[int], int | None]
) -> Iterator[Scan]:
    """Give possible scans, the best first; time stamps are looked at only if nothing else is better."""
    flyback = params.flyback
    known = False
    if params.nav_shape is not None:
        known = True
        yield Scan(params.nav_shape, "nav_shape")
    if sidecar.scan is not None and _is_believable(math.prod(sidecar.scan), available):
        known = True
        yield Scan(sidecar.scan, "sidecar: ScanX and ScanY")
    line, frames = sidecar.frames_per_trigger, _announced(available, sidecar) or available
    if line is not None and flyback + 1 < line < frames:
        known = True
        yield Scan((-(-frames // line), line - flyback), "sidecar: frames per trigger")
    timed = None if known else line_length(params.first_frame)
    if timed is not None and timed > flyback:
        lines = -(-max(available, _announced(available, sidecar)) // timed)
        yield Scan((lines, timed - flyback), f"guess: time stamps jump every {timed} frames")
    edge = _edge(available, flyback)
    if edge > 1:
        yield Scan((edge, edge), "guess: square number of frames")
    if not flyback:
        yield Scan((available,), "number of frames")


def _announced(available: int, sidecar: Sidecar) -> int:
    """Give the number of frames that the sidecar announces, 0 if there is none that could be."""
    frames = sidecar.frames or 0
    return frames if _is_believable(frames, available) else 0


def _is_believable(positions: int, available: int) -> bool:
    return positions <= max(_BELIEVABLE, 64 * available)


def _edge(available: int, flyback: int) -> int:
    """Give the edge of the square scan with so many frames, 0 if there is none."""
    edge = (math.isqrt(flyback * flyback + 4 * available) - flyback) // 2
    return edge if edge * (edge + flyback) == available else 0


def _others(found: Sequence[Scan]) -> Iterator[Scan]:
    seen = {found[0].nav_shape}
    for scan in found[1:]:
        if scan.nav_shape not in seen:
            seen.add(scan.nav_shape)
            yield scan


def _complete_lines(scan: Scan, available: int, params: MibParams) -> int:
    return min(math.prod(scan.nav_shape[:-1]), (available + params.flyback) // (scan.width + params.flyback))


def _frame_notes(n_frames: int, available: int, scan: Scan, params: MibParams, sidecar: Sidecar) -> Iterator[str]:
    if sidecar.scan is not None and not _is_believable(math.prod(sidecar.scan), available):
        yield f"the sidecar announces a scan of {sidecar.scan}, which {available} frames cannot be"
    lines, complete = math.prod(scan.nav_shape[:-1]), _complete_lines(scan, available, params)
    with_lost = available + params.first_frame
    if sidecar.frames is not None and sidecar.frames not in (n_frames, with_lost):
        text = f"the sidecar announces {sidecar.frames} frames, the files hold {n_frames}"
        interrupted = n_frames < sidecar.frames and not params.only_this_file
        yield Caution(f"interrupted acquisition: {text}; these are shown") if interrupted else text
    if complete < lines and len(scan.nav_shape) > 1:
        yield (
            f"{complete} of {lines} lines are complete; "
            f"whole_lines=True, or nav_shape={(complete, scan.width)}, leaves the rest out"
        )
    if not params.flyback and len(scan.nav_shape) > 1:
        line = sidecar.frames_per_trigger or 0
        if line * lines != available:
            line = available // lines if available % lines == 0 else 0
        if line > scan.width:
            yield (
                f"there are {line} frames for each line of {scan.width}: "
                f"if the others are from the way back, give flyback={line - scan.width}"
            )


def _cropped(scan: Scan, available: int, params: MibParams) -> Scan:
    complete = _complete_lines(scan, available, params)
    if len(scan.nav_shape) == 1 or complete == math.prod(scan.nav_shape[:-1]):
        return scan
    if not complete:
        raise ParameterError(f"{available} frames are less than a line of {scan.width}", field="whole_lines")
    if params.nav_shape is not None:
        raise ParameterError(
            f"{complete} lines are complete: give nav_shape={(complete, scan.width)}, or leave it out",
            field="whole_lines",
        )
    return replace(scan, nav_shape=(complete, scan.width), origin=f"{scan.origin}, complete lines")


def _index(scan: Scan, n_frames: int, gaps: Sequence[Gap], params: MibParams) -> NDArray[np.int64]:
    """Give the stored frame of each position, -1 where there is none; it ends behind the last stored frame."""
    stored = np.arange(n_frames, dtype=np.int64)
    if gaps:
        before = np.array([gap.before for gap in gaps], dtype=np.int64)
        count = np.array([gap.count for gap in gaps], dtype=np.int64)
        stored = np.insert(stored, np.repeat(before, count), -1)
    lines, rest = divmod(max(stored.size - params.first_frame, 0), scan.width + params.flyback)
    shown = max(lines * scan.width + min(rest, scan.width), 1)
    line, column = np.divmod(np.arange(min(math.prod(scan.nav_shape), shown), dtype=np.int64), scan.width)
    taken = params.first_frame + line * (scan.width + params.flyback) + column
    return np.where(taken < stored.size, stored[np.minimum(taken, stored.size - 1)], -1)
