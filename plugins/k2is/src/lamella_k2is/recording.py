"""Eight sectors that show the same frames: what they have in common, and what was lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import CorruptError, TruncatedError
from lamella_k2is.block import BLOCKS, BlockFile
from lamella_k2is.sector import Piece, Sector

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Recording", "synchronise"]


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Frames that all sectors have, numbered from 0; frame f consists of ``BLOCKS`` block counts in each sector.

    Parameters
    ----------
    sectors
        From left to right.
    start
        Block count at which frame 0 begins.
    n_frames
        Number of frames, lost ones included.
    lost
        Frames of which a sector lost a block, in order.
    """

    sectors: tuple[Sector, ...]
    start: int
    n_frames: int
    lost: NDArray[np.int64]

    def count(self, frame: int) -> int:
        """Give the block count at which a frame begins."""
        return self.start + frame * BLOCKS

    def pieces(self, sector: int, frame: int, first: int, n: int) -> Iterator[tuple[int, Piece]]:
        """Give blocks ``[first, first + n)`` of a frame that are there, each with its distance from ``first``."""
        begin = self.count(frame) + first
        for piece in self.sectors[sector].pieces(begin, begin + n):
            yield piece.count - begin, piece


def synchronise(sectors: Sequence[Sector]) -> Recording:
    """Find the frames that all sectors have.

    Raises
    ------
    FormatError
        If the sectors do not fit together, or have no complete frame in common.
    """
    phase, votes = Counter(sector.phase for sector in sectors).most_common(1)[0]
    if votes < len(sectors):
        odd = [sector for sector in sectors if sector.phase != phase]
        raise _unsynchronised(sectors, odd, "begin their frames at other block counts than the others")
    start = max(sector.start for sector in sectors)
    start += (phase - start) % BLOCKS
    stop = min(sector.stop for sector in sectors)
    n_frames = (stop - start) // BLOCKS
    if n_frames <= 0:
        if all(other.start < sector.stop for sector in sectors for other in sectors):
            raise TruncatedError(
                "the sectors hold no complete frame",
                path=sectors[0].resource.path,
                expected=f"{BLOCKS} blocks of one frame in each sector",
                found=_ranges(sectors),
            )
        middle = sorted(sectors, key=lambda sector: sector.start)[len(sectors) // 2]
        odd = [one for one in sectors if one.start >= middle.stop or one.stop <= middle.start]
        raise _unsynchronised(sectors, odd, "cover another time than the others")
    lost = _lost_frames(sectors, start, n_frames)
    recording = Recording(tuple(sectors), start, n_frames, lost)
    _check_frame_ids(recording)
    return recording


def _unsynchronised(sectors: Sequence[Sector], odd: Sequence[Sector], what: str) -> CorruptError:
    numbers = ", ".join(str(sector.number) for sector in odd) or "some"
    return CorruptError(
        f"the sectors cannot be synchronised: {numbers} {what}",
        path=(odd or sectors)[0].resource.path,
        expected="block counts that overlap",
        found=_ranges(sectors),
        remedy="The files are of different recordings, or a synchronisation cable was faulty",
    )


def _ranges(sectors: Sequence[Sector]) -> str:
    """Say what sectors cover; those that cover the same are named together."""
    together: dict[str, list[int]] = {}
    for sector in sectors:
        covered = f"{sector.start} to {sector.stop - 1} (frames from {sector.phase})"
        together.setdefault(covered, []).append(sector.number)
    return "; ".join(
        f"sector{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}: {covered}"
        for covered, numbers in sorted(together.items(), key=lambda item: len(item[1]))
    )


def _lost_frames(sectors: Sequence[Sector], start: int, n_frames: int) -> NDArray[np.int64]:
    lost = np.zeros(n_frames, dtype=np.bool_)
    for sector in sectors:
        for begin, end in sector.gaps:
            first, last = (begin - start) // BLOCKS, (end - 1 - start) // BLOCKS
            lost[max(0, first) : max(0, last + 1)] = True
    return np.flatnonzero(lost).astype(np.int64)


def _check_frame_ids(recording: Recording) -> None:
    """Compare the frame ids of all sectors in the first and the last complete frame."""
    complete = np.setdiff1d(np.arange(recording.n_frames), recording.lost, assume_unique=True)
    for frame in {int(complete[0]), int(complete[-1])} if complete.size else ():
        ids = [_frame_ids(recording, number, frame) for number in range(len(recording.sectors))]
        if len(set().union(*ids)) > 1:
            raise CorruptError(
                f"the sectors show different frames at block count {recording.count(frame)}",
                path=recording.sectors[0].resource.path,
                expected="the same frame id in all blocks",
                found=", ".join(
                    f"sector {i}: {' and '.join(map(str, sorted(found)))}" for i, found in enumerate(ids, 1)
                ),
            )


def _frame_ids(recording: Recording, number: int, frame: int) -> set[int]:
    """Give the frame ids in the first and the last block of a frame, those that can be read."""
    resource = recording.sectors[number].resource
    with BlockFile(resource) as file:
        headers = [
            file.header(piece.offset)
            for block in (0, BLOCKS - 1)
            for _, piece in recording.pieces(number, frame, block, 1)
        ]
    return {int(header["frame_id"]) for header in headers if header is not None}
