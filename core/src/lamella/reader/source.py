"""What a reader gives to the core: where frames lie, how they are encoded, and what the file says about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import TruncatedError
from lamella.reader.metadata import Axis, Metadata

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lamella.codecs.codec import Codec
    from lamella.corrections.resolve import FileCorrections
    from lamella.geometry.pixelorder import ItemOrder
    from lamella.geometry.shape import SigBox
    from lamella.reader.resource import Resource
    from lamella.reader.runs import RunTable
    from lamella.reader.session import IOSession

__all__ = [
    "Encoding",
    "FrameSource",
    "LinearSource",
    "ReadHints",
    "SourceInfo",
    "StoredRows",
]


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

    Parameters
    ----------
    frame_block
        Number of frames that are stored together, for instance in a row of chunks.
    frame_bounds
        Frames at which such blocks begin and end where they differ in length, from 0 to the number of frames; None if
        all have ``frame_block``, apart from the last one.
    sig_block
        Number of pixels that are stored together along each detector axis; None if that is no matter.
    whole_frames
        Whether part of a frame costs as much as all of it.
    """

    frame_block: int = 1
    frame_bounds: tuple[int, ...] | None = None
    sig_block: tuple[int, ...] | None = None
    whole_frames: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """What the file says about itself; the source knows how many frames there are, their shape and their dtype.

    Parameters
    ----------
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
        What a user should know: header fields that contradict each other, for instance. Those that are a `Caution`
        are also warnings when the file is opened: frames that are missing.
    details
        Facts of the format worth showing in the diagnostics.
    """

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

    Parameters
    ----------
    resources
        The files, in the order in which ``runs`` counts them; further files that belong to the data may follow.
    runs
        Where frames lie.
    encoding
        How their bytes hold pixels.
    info
        What the file says about itself.
    hints
        What it would like to be asked for.

    Raises
    ------
    TruncatedError
        If a frame would end behind the end of its file.
    """

    resources: tuple[Resource, ...]
    runs: RunTable
    encoding: Encoding
    info: SourceInfo
    hints: ReadHints = ReadHints()

    def __post_init__(self) -> None:
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

    @property
    def n_frames(self) -> int:
        """The number of stored frames; of complete ones in a file that was cut."""
        return self.runs.n_frames

    @property
    def sig_shape(self) -> tuple[int, ...]:
        """The shape of a frame."""
        return self.encoding.sig_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The native dtype of pixels."""
        return self.encoding.native


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

    Parameters
    ----------
    info
        What the file says about itself.
    n_frames
        Number of stored frames, or of complete ones in a file that was cut.
    sig_shape
        Shape of a frame.
    dtype
        Dtype of pixels; they are presented in native byte order.
    resources
        The files, in the order in which the session counts them.

    Attributes
    ----------
    dtype : numpy.dtype
        Native dtype of pixels.
    hints : ReadHints
        What the source would like to be asked for; set it where frames are not read one by one.
    """

    hints: ReadHints = ReadHints()

    def __init__(
        self,
        info: SourceInfo,
        *,
        n_frames: int,
        sig_shape: Sequence[int],
        dtype: DTypeLike,
        resources: Sequence[Resource] = (),
    ) -> None:
        self.info = info
        self.n_frames = int(n_frames)
        self.sig_shape = tuple(int(n) for n in sig_shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype).newbyteorder("=")
        self.resources = tuple(resources)

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
            C-contiguous array of shape ``(n, *box.shape)`` and the dtype of the source.
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
        raise NotImplementedError(f"{type(self).__name__} says how rows lie, so it must implement read_rows")

    def view(self, frames: range, box: SigBox) -> NDArray[Any] | None:
        """Give the frames without copying, or None where that is impossible; the array must be read-only."""
        return None
