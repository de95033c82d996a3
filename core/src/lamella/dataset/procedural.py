"""Reading frames that only the code of a format can find."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, LamellaError
from lamella.system.text import made_printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader.source import FrameSource

__all__ = ["read_procedural"]


def read_procedural(
    source: FrameSource,
    read: Callable[[NDArray[np.int64], NDArray[Any]], None],
    frames: range | NDArray[np.int64],
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
    wanted, missing = np.asarray(frames, dtype=np.int64), None
    if not isinstance(frames, range) and (frames < 0).any():
        missing = frames < 0
        wanted = wanted[~missing]
        if not wanted.size:
            out[...] = 0
            return
    native = source.dtype
    target = out
    if missing is not None or out.dtype != native:
        target = buffer("native", (len(wanted), *out.shape[1:]), native)
    try:
        read(wanted, target)
    except (LamellaError, MemoryError):
        raise
    except Exception as error:
        made_printable(error)
        where = source.resources[0].path if source.resources else None
        raise CorruptError(
            f"reading frames {wanted.min()} to {wanted.max()} failed ({type(error).__name__}: {error})",
            path=where,
            remedy="The file is damaged, or its reader has a defect; please report it with the file's header",
        ) from error
    if target is out:
        return
    if missing is None:
        out[...] = target
        return
    out[missing] = 0
    out[~missing] = target
