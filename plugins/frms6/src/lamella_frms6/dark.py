"""The dark frame: the mean of the frames in part 000, measured when somebody computes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, TruncatedError
from lamella_frms6.part import FILE_HEADER, FRAME_HEADER, Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader import Resource

__all__ = ["check_dark", "dark_frame", "unfold"]

_AT_A_TIME = 8 << 20  # bytes


def unfold(stored: NDArray[Any], binning: int) -> NDArray[Any]:
    """Give the image of a stored frame, as `lamella.codecs.FoldingCodec` does for the bytes of uint16 frames."""
    half = stored.shape[1] // 2
    image = np.concatenate([stored[:, :half], stored[::-1, half:][:, ::-1]])
    return np.repeat(image, binning, axis=0)


def check_dark(part: Part, like: Part) -> None:
    """Refuse dark frames that cannot be subtracted from signal frames, without reading any.

    Raises
    ------
    FormatError
        If the frames have another size than those of the part ``like``, or there is none.
    """
    if (part.width, part.height) != (like.width, like.height):
        raise CorruptError(
            "dark frames have another size than signal frames",
            path=part.path,
            expected=f"{like.width} x {like.height}",
            found=f"{part.width} x {part.height}",
            remedy="Give subtract_dark=False to read the signal without them",
        )
    if part.count == 0:
        raise TruncatedError(
            "there is no complete dark frame",
            path=part.path,
            expected=f"at least {FILE_HEADER.itemsize + part.stride} bytes",
            found=f"{part.resource.size} bytes",
            remedy="Give subtract_dark=False to read the signal without them",
        )


def dark_frame(part: Part, repeat: int) -> NDArray[np.float32]:
    """Give the mean of all frames of a part as an image, each row ``repeat`` times; measured once per process.

    Raises
    ------
    FormatError
        If the file is no longer what it was.
    """
    return unfold(_mean(part.resource, part.width, part.height, part.count), repeat)


@lru_cache(maxsize=8)
def _mean(resource: Resource, width: int, height: int, count: int) -> NDArray[np.float32]:
    record = np.dtype([("header", f"V{FRAME_HEADER.itemsize}"), ("pixels", "<u2", (height, width))])
    total = np.zeros((height, width), dtype=np.uint64)  # exact for any number of frames
    depth = max(1, min(count, _AT_A_TIME // record.itemsize))
    buffer = np.empty(depth, dtype=record)
    memory = buffer.view(np.uint8)
    try:
        with resource.reading() as file:
            for start in range(0, count, depth):
                n = min(depth, count - start)
                file.readinto(FILE_HEADER.itemsize + start * record.itemsize, memory[: n * record.itemsize].data)
                total += buffer["pixels"][:n].sum(axis=0, dtype=np.uint64)
    except FormatError as error:
        raise CorruptError(
            f"dark frames cannot be read: {error.problem}",
            path=resource.path,
            remedy="Open the data set again, or give corrections=False to compute without them",
        ) from error
    mean = (total / count).astype(np.float32)
    mean.setflags(write=False)
    return mean
