"""Where frames lie in files: runs of frames at constant distance, and the arithmetic of files that were cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from lamella.errors import CorruptError, TruncatedError
from lamella.reader.caution import Caution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader.resource import Resource

__all__ = ["RunTable", "Segment"]

AGAIN = "Copy the file again from where it was recorded"

_MOST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive frames at a constant distance in one file: frame i of ``count`` starts at ``offset + i * stride``."""

    resource: int
    offset: int
    stride: int
    count: int

    def __iter__(self) -> Iterator[Segment]:
        """Give each frame as a segment of its own."""
        for i in range(self.count):
            yield Segment(self.resource, self.offset + i * self.stride, self.stride, 1)


class RunTable:
    """Where frames lie: runs of frames at constant distance, one after the other in frame order.

    Parameters
    ----------
    resource, offset, stride, count
        One number per run: index of the file, byte offset of the first frame, distance of frames [bytes], number of
        frames.
    """

    __slots__ = ("_only", "count", "first", "n_frames", "offset", "resource", "stride")

    def __init__(
        self,
        resource: Sequence[int] | NDArray[np.int64],
        offset: Sequence[int] | NDArray[np.int64],
        stride: Sequence[int] | NDArray[np.int64],
        count: Sequence[int] | NDArray[np.int64],
    ) -> None:
        self.resource = np.asarray(resource, dtype=np.int64)
        self.offset = np.asarray(offset, dtype=np.int64)
        self.stride = np.asarray(stride, dtype=np.int64)
        self.count = np.asarray(count, dtype=np.int64)
        self.first = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.count)])
        self.n_frames = int(self.first[-1])
        one = self.count.size == 1
        self._only = (int(self.resource[0]), int(self.offset[0]), int(self.stride[0])) if one else None

    @classmethod
    def single(cls, *, offset: int, stride: int, count: int, resource: int = 0) -> Self:
        """Give the table of one file with frames at constant distance."""
        return cls([resource], [offset], [stride], [count])

    @classmethod
    def from_offsets(
        cls, offsets: Sequence[int] | NDArray[np.int64], resource: Sequence[int] | NDArray[np.int64] | int = 0
    ) -> Self:
        """Give the table of frames at the byte ``offsets``, joined into runs where their distance is constant."""
        where = np.asarray(offsets, dtype=np.int64)
        owner = np.broadcast_to(np.asarray(resource, dtype=np.int64), where.shape)
        if where.size == 0:
            return cls([], [], [], [])
        step = np.diff(where)
        joins = (np.diff(owner) == 0) & (step > 0)
        candidates = np.flatnonzero(~joins | np.diff(step, prepend=0).astype(bool)) if step.size else step
        starts = [0]
        for i in candidates.tolist():
            begin = starts[-1]
            if not joins[i] or (i > begin and step[i] != step[begin]):
                starts.append(i + 1)
        first = np.asarray(starts, dtype=np.int64)
        count = np.diff(np.append(first, where.size))
        stride = np.zeros(first.size, dtype=np.int64)
        many = count > 1
        stride[many] = step[first[many]]
        return cls(owner[first], where[first], stride, count)

    @classmethod
    def that_fit(
        cls,
        files: Resource | Sequence[Resource],
        *,
        offset: int | Sequence[int],
        stride: int,
        frame_header: int = 0,
        nbytes: int | None = None,
        announced: int | Sequence[int | None] | None = None,
        remedy: str = AGAIN,
    ) -> tuple[Self, tuple[str, ...]]:
        """Give the table of the frames that are complete, and what a user should know if those are not all.

        Nothing that a header announces is believed before it was compared with the size of the file.

        Parameters
        ----------
        files
            The file, or several that follow each other in the order of their frames.
        offset
            Where the first frame begins [bytes]; one number per file if there are several.
        stride
            Distance of frames [bytes].
        frame_header
            Bytes at the beginning of each frame that hold no pixels: the table begins behind them.
        nbytes
            Bytes of a frame that must be there, its header included; ``stride`` by default. Less if what lies between
            frames is not needed behind the last one.
        announced
            Number of frames that the file announces, None if it does not; one per file if there are several. Frames
            behind them do not count.
        remedy
            What a user can do if no frame is complete.

        Returns
        -------
        runs : RunTable
            The complete frames; files are numbered as in ``files``.
        notes : tuple of str
            For `SourceInfo.notes`: which files were cut, or hold more than their frames.

        Raises
        ------
        TruncatedError
            If no frame is complete, or a file that is not the last one was cut: frames of the next one would be shown
            at the wrong positions.
        CorruptError
            If frames would be empty, or overlap.

        Examples
        --------
        >>> from lamella.reader import Resource
        >>> runs, notes = RunTable.that_fit(Resource("a.bin", 1030, 0), offset=10, stride=100, announced=12)
        >>> runs
        RunTable(1 runs, 10 frames)
        >>> notes
        ('the file was cut: it announces 12 frames and holds 10 and 20 bytes more; the complete ones are read',)
        """
        resources = files if isinstance(files, Sequence) else [files]
        offsets = offset if isinstance(offset, Sequence) else [offset] * len(resources)
        promised = announced if isinstance(announced, Sequence) else [announced] * len(resources)
        needed = stride if nbytes is None else nbytes
        if not 0 < needed <= stride:
            raise CorruptError(
                "frames would be empty, or overlap",
                path=resources[0].path,
                expected=f"at least {max(1, needed)} bytes from frame to frame",
                found=f"{stride} bytes",
            )
        fits = [
            _Fit.of(resource, begin, stride, needed, count)
            for resource, begin, count in zip(resources, offsets, promised, strict=True)
        ]
        for fit in fits[:-1]:
            if fit.is_cut:
                raise TruncatedError(
                    "the file was cut, and frames of the next one would be shown at the wrong positions",
                    path=fit.path,
                    expected=f"{'whole' if fit.announced is None else fit.announced} frames of {stride} bytes",
                    found=f"{fit.count} frames and {max(0, fit.rest)} bytes",
                    remedy=f"{AGAIN}, or move the files after it elsewhere",
                )
        if not any(fit.count for fit in fits):
            raise fits[0].no_frame(needed, remedy)
        begins = [fit.begin + frame_header if fit.count else 0 for fit in fits]  # others may be beyond 64 bits
        runs = cls(range(len(fits)), begins, [min(stride, _MOST)] * len(fits), [fit.count for fit in fits])
        return runs, tuple(note for fit in fits if (note := fit.note(several=len(fits) > 1)) is not None)

    @classmethod
    def offsets_that_fit(
        cls, file: Resource, offsets: NDArray[np.int64], *, nbytes: int, remedy: str = AGAIN
    ) -> tuple[Self, tuple[str, ...]]:
        """Give the same as `that_fit` for a file with a table of offsets: frames up to the first that is not complete.

        Parameters
        ----------
        file
            The file.
        offsets
            Where each announced frame begins [bytes], shape ``(n,)``.
        nbytes
            Size of a frame [bytes].
        remedy
            What a user can do if no frame is complete.

        Raises
        ------
        TruncatedError
            If the first frame is not complete.
        """
        inside = (offsets >= 0) & (offsets <= file.size - nbytes)
        count = len(offsets) if inside.all() else int(np.argmin(inside))
        begin = int(offsets[0]) if len(offsets) else 0
        fit = _Fit(file.path, begin, file.size - begin, count, len(offsets), 0)
        if count == 0:
            raise fit.no_frame(nbytes, remedy)
        note = fit.note(several=False)
        return cls.from_offsets(offsets[:count]), () if note is None else (note,)

    def __len__(self) -> int:
        return int(self.count.size)

    def __repr__(self) -> str:
        return f"RunTable({len(self)} runs, {self.n_frames} frames)"

    def runs(self) -> Iterator[Segment]:
        """Give every run."""
        rows = zip(
            self.resource.tolist(),
            self.offset.tolist(),
            self.stride.tolist(),
            self.count.tolist(),
            strict=True,
        )
        for resource, offset, stride, count in rows:
            yield Segment(resource, offset, stride, count)

    def places(self, frames: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the file of each frame, by its number, and the byte at which the frame begins."""
        run = np.searchsorted(self.first, frames, side="right") - 1
        return self.resource[run], self.offset[run] + (frames - self.first[run]) * self.stride[run]

    def until(self, n_frames: int) -> RunTable:
        """Give the table of the first ``n_frames`` frames."""
        count = np.clip(n_frames - self.first[:-1], 0, self.count)
        kept = count > 0
        return RunTable(self.resource[kept], self.offset[kept], self.stride[kept], count[kept])

    def segments(self, start: int, stop: int) -> Iterator[Segment]:
        """Give the pieces that hold the frames ``[start, stop)``, in order."""
        if self._only is not None and start < stop:
            resource, offset, stride = self._only
            yield Segment(resource, offset + start * stride, stride, stop - start)
            return
        run = int(np.searchsorted(self.first, start, side="right")) - 1
        while start < stop:
            end = min(stop, int(self.first[run + 1]))
            if end > start:
                stride = int(self.stride[run])
                offset = int(self.offset[run]) + (start - int(self.first[run])) * stride
                yield Segment(int(self.resource[run]), offset, stride, end - start)
                start = end
            run += 1


@dataclass(frozen=True, slots=True)
class _Fit:
    """How many frames a file has room for.

    ``room`` are the bytes from the beginning of the first frame on, ``rest`` those behind the last complete one; it is
    below 0 where something that separates frames does not follow the last one.
    """

    path: str
    begin: int
    room: int
    count: int
    announced: int | None
    rest: int

    @classmethod
    def of(cls, file: Resource, begin: int, stride: int, nbytes: int, announced: int | None) -> Self:
        room = file.size - begin if begin >= 0 else 0
        found = (room - nbytes) // stride + 1 if room >= nbytes else 0
        count = found if announced is None else min(found, max(0, announced))
        return cls(file.path, begin, room, count, announced, room - count * stride)

    @property
    def is_cut(self) -> bool:
        """Whether frames are missing, as far as one can tell."""
        return self.rest > 0 if self.announced is None else self.count < self.announced

    def note(self, *, several: bool) -> str | None:
        """Say what was promised, what was found and what is done; None if all is as it should be."""
        file = self.path if several else "the file"
        if self.announced is not None and self.count < self.announced:
            more = f" and {self.rest} bytes more" if self.rest > 0 else ""
            return Caution(
                f"{file} was cut: it announces {self.announced} frames and holds {self.count}{more}; "
                "the complete ones are read"
            )
        if self.rest <= 0:
            return None
        many = (
            f"{self.count} complete frames" if self.announced is None else f"the {self.count} frames that it announces"
        )
        text = f"{file} holds {many} and {self.rest} bytes more, which are left out"
        return Caution(text) if self.is_cut else text

    def no_frame(self, nbytes: int, remedy: str) -> TruncatedError:
        """Give the error for a file without a complete frame."""
        return TruncatedError(
            "the file holds no complete frame",
            path=self.path,
            expected=f"{'' if self.announced is None else f'{self.announced} '}frames of {nbytes} bytes "
            f"from byte {self.begin}",
            found=f"{max(0, self.room)} bytes there",
            remedy=remedy,
        )
