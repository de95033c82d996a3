"""What a reader gives to the core: where frames lie, how they are encoded, and what the file says about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lamella.errors import CorruptError, TruncatedError
from lamella.reader.metadata import Axis, Metadata
from lamella.reader.resource import Resource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.codecs.codec import Codec
    from lamella.corrections.resolve import FileCorrections
    from lamella.geometry.pixelorder import ItemOrder
    from lamella.geometry.shape import SigBox
    from lamella.reader.session import IOSession

__all__ = [
    "Encoding",
    "FrameSource",
    "LinearSource",
    "ReadHints",
    "Resource",
    "RunTable",
    "Segment",
    "SourceInfo",
    "StoredRows",
]


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
class Encoding:
    """How the stored bytes of one frame hold its pixels.

    Without a codec, pixel ``(i, j, …)`` lies at ``origin + i * strides[0] + j * strides[1] + …`` bytes from the start
    of the frame, which covers padding, gaps and flipped rows at no cost. With one, the codec decodes whole frames.

    Parameters
    ----------
    dtype
        Stored dtype with its byte order; with a codec, the native dtype it decodes to.
    sig_shape
        Shape of a frame.
    codec
        Decoder of packed or scrambled frames.
    strides
        Bytes between neighbours along each detector axis; C order by default.
    origin
        Byte offset of the first pixel within the frame.
    """

    dtype: np.dtype[Any]
    sig_shape: tuple[int, ...]
    codec: Codec | None = None
    strides: tuple[int, ...] = ()
    origin: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", np.dtype(self.dtype))
        object.__setattr__(self, "sig_shape", tuple(int(n) for n in self.sig_shape))
        if not self.strides:
            strides, step = [], self.dtype.itemsize
            for length in reversed(self.sig_shape):
                strides.append(step)
                step *= length
            object.__setattr__(self, "strides", tuple(reversed(strides)))

    @property
    def native(self) -> np.dtype[Any]:
        """The dtype in which pixels are presented."""
        return self.dtype.newbyteorder("=")

    def extent(self, box: SigBox | None = None) -> tuple[int, int]:
        """Give the first byte and the end of the bytes, within a frame, that hold the pixels of ``box``."""
        if self.codec is not None:
            return 0, self.codec.stored_nbytes(self.sig_shape)
        low = high = self.origin
        shape = self.sig_shape if box is None else box.shape
        origin = (0,) * len(shape) if box is None else box.origin
        for begin, length, stride in zip(origin, shape, self.strides, strict=True):
            edges = (begin * stride, (begin + length - 1) * stride)
            low += min(edges)
            high += max(edges)
        return low, high + self.dtype.itemsize


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadHints:
    """What a source would like to be asked for; the core follows where it can.

    ``frame_block`` frames are stored together (a chunk row), ``sig_block`` pixels are stored together along each
    detector axis (None: any), ``whole_frames`` means that part of a frame costs as much as all of it.
    """

    frame_block: int = 1
    sig_block: tuple[int, ...] | None = None
    whole_frames: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """What the file says about itself.

    Parameters
    ----------
    n_frames
        Number of stored frames, or of complete ones in a file that was cut.
    sig_shape, dtype
        Shape and native dtype of a frame.
    nav_shape
        Scan shape that the file suggests; ``(n_frames,)`` if None.
    nav_origin
        Where that shape came from: ``"header"``, ``"sidecar ..."``, ``"guess: ..."``.
    nav_alternatives
        Other scan shapes that would be plausible, with their origin.
    sync_offset
        Offset that the file suggests.
    index
        Stored frame of each step of the scan where it is not simply the next one, -1 for a lost frame.
    nav_axes, sig_axes
        Calibration of the suggested scan axes and of the detector axes.
    metadata, raw_metadata
        The typed schema, and everything the file holds as JSON-able data.
    per_frame
        Functions that give arrays with one entry per stored frame, for instance time stamps.
    navigator
        A function that gives a ready-made image of the scan, shape ``nav_shape``.
    corrections
        Dark frame, gain map and excluded pixels that belong to the data. Where they take reading more than headers, a
        picklable function that gives them: it is called when they are first needed.
    notes
        What a user should know: frames that are missing, header fields that contradict each other.
    details
        Facts of the format worth showing in the diagnostics.
    """

    n_frames: int
    sig_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    nav_shape: tuple[int, ...] | None = None
    nav_origin: str = "number of frames"
    nav_alternatives: tuple[tuple[tuple[int, ...], str], ...] = ()
    sync_offset: int = 0
    index: NDArray[np.int64] | None = None
    nav_axes: tuple[Axis, ...] = ()
    sig_axes: tuple[Axis, ...] = ()
    metadata: Metadata = field(default_factory=Metadata)
    raw_metadata: Mapping[str, Any] = field(default_factory=dict)
    per_frame: Mapping[str, Callable[[], NDArray[Any]]] = field(default_factory=dict)
    navigator: Callable[[], NDArray[Any]] | None = None
    corrections: FileCorrections = None
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearSource:
    """Frames that lie at computable places in files: the core does all reading.

    Raises
    ------
    CorruptError
        If the tables contradict each other.
    TruncatedError
        If a frame would end behind the end of its file.
    """

    resources: tuple[Resource, ...]
    runs: RunTable
    encoding: Encoding
    info: SourceInfo
    hints: ReadHints = ReadHints()

    def __post_init__(self) -> None:
        if self.runs.n_frames != self.info.n_frames or self.encoding.sig_shape != tuple(self.info.sig_shape):
            raise CorruptError(
                "the reader contradicts itself",
                path=self.resources[0].path if self.resources else None,
                expected=f"{self.info.n_frames} frames of {tuple(self.info.sig_shape)}",
                found=f"{self.runs.n_frames} frames of {self.encoding.sig_shape}",
            )
        self._check_bounds()

    def _check_bounds(self) -> None:
        runs = self.runs
        used = runs.count > 0
        if not used.any():
            return
        low, high = self.encoding.extent()
        sizes = np.asarray([resource.size for resource in self.resources], dtype=np.int64)
        first = runs.offset[used]
        last = first + (runs.count[used] - 1) * runs.stride[used]
        ends = np.maximum(first, last) + high
        outside = (np.minimum(first, last) + low < 0) | (ends > sizes[runs.resource[used]])
        if outside.any():
            bad = int(np.flatnonzero(outside)[0])
            resource = self.resources[int(runs.resource[used][bad])]
            raise TruncatedError(
                "frames lie outside the file",
                path=resource.path,
                expected=f"at least {int(ends[bad])} bytes",
                found=f"{resource.size} bytes",
            )


@dataclass(frozen=True, slots=True, eq=False)
class StoredRows:
    """How a source gives a frame as one row of items, in the order that costs it least.

    Parameters
    ----------
    dtype
        Native dtype of the items.
    order
        Which pixel each item is; None if they are in C order.
    bounds
        Items at which tiles are cut, shape ``(n,)``, from 0 to the number of pixels; None if that is no matter.
    """

    dtype: np.dtype[Any]
    order: ItemOrder | None = None
    bounds: NDArray[np.int64] | None = None


class FrameSource(ABC):
    """Frames that only the format's own code can find: HDF5 chunks, sparse arrays, objects in memory.

    Implementations are immutable, picklable and safe to call from many threads; what a worker has to keep
    (open handles, decoded chunks) goes into ``io.scratch``.
    """

    info: SourceInfo
    resources: tuple[Resource, ...] = ()
    hints: ReadHints = ReadHints()

    @property
    def costs(self) -> NDArray[np.int64] | None:
        """Stored bytes before each frame and behind the last, where frames differ much; partitions are balanced by it.

        Shape ``(n_frames + 1,)``.
        """
        return None

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells this source from another one with the same resources; part of the fingerprint."""
        return ()

    @abstractmethod
    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        """Write frames into ``out``.

        Parameters
        ----------
        io
            The session of this worker.
        frames
            Stored frames to read, in the order wanted, shape ``(n,)``.
        box
            Part of the detector to read.
        out
            C-contiguous array of shape ``(n, *box.shape)`` and dtype ``info.dtype``.
        """

    @property
    def rows(self) -> StoredRows | None:
        """In which order `read_rows` gives items, or None: then computations get pixels in order, from `read`."""
        return None

    def read_rows(self, io: IOSession, frames: NDArray[np.int64], first: int, end: int, out: NDArray[Any]) -> None:
        """Write the items ``[first, end)`` of frames into ``out``; only called where `rows` says how they lie.

        Parameters
        ----------
        io
            The session of this worker.
        frames
            Stored frames to read, in the order wanted, shape ``(n,)``.
        first, end
            Items to read, as `rows` numbers them.
        out
            C-contiguous array of shape ``(n, end - first)`` and the dtype of `rows`.
        """
        raise NotImplementedError

    def view(self, frames: range, box: SigBox) -> NDArray[Any] | None:
        """Give the frames without copying, or None where that is impossible; the array must be read-only."""
        return None
