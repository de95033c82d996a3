"""Reading frames that only the code of a format can find."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lamella.errors import CorruptError, LamellaError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lamella.source import FrameSource

__all__ = ["read_procedural"]


def read_procedural(
    source: FrameSource,
    read: Callable[[NDArray[np.int64], NDArray[Any]], None],
    frames: NDArray[np.int64],
    out: NDArray[Any],
    buffer: Callable[[str, tuple[int, ...], np.dtype[Any]], NDArray[Any]],
) -> None:
    """Write frames into ``out``, converted to its dtype; those that are missing (-1) become zero.

    Parameters
    ----------
    source
        What reads.
    read
        Calls its code: writes frames into a C-contiguous array of its dtype.
    frames
        Stored frames, shape ``(n,)``.
    out
        C-contiguous, one entry for each frame, any dtype.
    buffer
        Gives scratch memory for a role, a shape and a dtype.

    Raises
    ------
    CorruptError
        If the code of the format fails.
    """
    present = frames >= 0
    if not present.any():
        out[...] = 0
        return
    native = source.info.dtype
    target = out if out.dtype == native and present.all() else None
    if target is None:
        target = buffer("native", (int(present.sum()), *out.shape[1:]), native)
    try:
        read(frames[present], target)
    except (LamellaError, MemoryError):
        raise
    except Exception as error:
        where = source.resources[0].path if source.resources else None
        raise CorruptError(
            f"reading frames {frames.min()} to {frames.max()} failed ({type(error).__name__}: {error})",
            path=where,
            remedy="The file is damaged, or its reader has a defect; please report it with the file's header",
        ) from error
    if target is out:
        return
    if not present.all():
        out[~present] = 0
    out[present] = target
