"""Decoded frames for code that has a source and no data set, such as a reader that tries what it describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.geometry.shape import SigBox
from lamella.reader.runs import Segment
from lamella.reader.session import IOSession
from lamella.reader.source import FrameSource, LinearSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from lamella.reader.resource import Resource

__all__ = ["read_frames"]


def read_frames(source: LinearSource | FrameSource, frames: Iterable[int]) -> NDArray[Any]:
    """Read a few frames into memory, one by one.

    Computations do not come this way: they read through the I/O backends of `lamella.io`, many frames at once.

    Parameters
    ----------
    source
        What a reader described.
    frames
        Stored frames in the order wanted, from 0 to ``source.n_frames - 1``.

    Returns
    -------
    array
        Frames of shape ``(n, *sig_shape)`` and the dtype of the source.

    Raises
    ------
    IndexError
        If there is no such frame.
    FormatError
        If the file is damaged, or is no longer what it was.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from lamella.reader import Encoding, LinearSource, Resource, RunTable, SourceInfo, read_frames
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name) / "scan.dat"
    >>> _ = path.write_bytes(bytes(range(12)))
    >>> dtype = np.dtype("u1")
    >>> source = LinearSource(
    ...     resources=(Resource.of(path),),
    ...     runs=RunTable.single(offset=0, stride=4, count=3),
    ...     encoding=Encoding(dtype, (2, 2)),
    ...     info=SourceInfo(),
    ... )
    >>> read_frames(source, [2]).tolist()
    [[[8, 9], [10, 11]]]
    >>> folder.cleanup()
    """
    wanted = np.fromiter(frames, dtype=np.int64)
    if wanted.size and not 0 <= wanted.min() <= wanted.max() < source.n_frames:
        raise IndexError(
            f"there are {source.n_frames} frames, found {wanted.min()} to {wanted.max()} among those wanted"
        )
    out = np.empty((wanted.size, *source.sig_shape), dtype=source.dtype)
    session = _ResourceSession(source.resources)
    try:
        if isinstance(source, FrameSource):
            source.read(session, wanted, SigBox.full(source.sig_shape), out)
            return out
        for frame, target in zip(wanted.tolist(), out, strict=True):
            (segment,) = source.runs.segments(frame, frame + 1)
            _decode(source, session, segment, target)
    finally:
        session.close()
    return out


def _decode(source: LinearSource, session: IOSession, segment: Segment, target: NDArray[Any]) -> None:
    encoding = source.encoding
    low, high = encoding.extent()
    stored = session.view(segment.resource, segment.offset + low, high - low)
    if encoding.codec is not None:
        encoding.codec.decode(stored[None], target[None])
        return
    first = encoding.origin - low
    target[...] = np.ndarray(encoding.sig_shape, encoding.dtype, stored.data, first, encoding.strides)


class _ResourceSession(IOSession):
    """Reads each range through the resource itself."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._resources = tuple(resources)

    def view(self, resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
        memory = np.empty(nbytes, dtype=np.uint8)
        with self._resources[resource].reading() as file:
            file.readinto(offset, memory)
        return memory
