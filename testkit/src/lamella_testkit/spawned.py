"""What runs in a spawned process."""

from __future__ import annotations

import pickle
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from lamella.format import FormatSpec

__all__ = ["read_partitions"]


def read_partitions(path: list[str], spec: FormatSpec | None, jobs: list[tuple[list[bytes], bytes]]) -> list[Any]:
    """Read pickled partitions and sources.

    Parameters
    ----------
    path
        Where modules are found.
    spec
        A format that is not installed and has to be registered.
    jobs
        For each data set, its pickled partitions and its pickled source.

    Returns
    -------
    list
        For each data set a list of arrays from its partitions, and one from its source; or what was raised as text.
    """
    sys.path[:] = path
    if spec is not None:
        from lamella_testkit.kit import register

        register(spec)
    return [_read(*job) for job in jobs]


def _read(partitions: list[bytes], source: bytes) -> Any:
    from lamella.dataset.framereader import FrameReader
    from lamella.dataset.tiling import TilingScheme
    from lamella.io.buffered import BufferedBackend
    from lamella.reader import SigBox

    try:
        again = pickle.loads(source)  # first, while nothing has been opened in this process
        with FrameReader(again, BufferedBackend()) as reader:
            frames = np.array(reader.read(range(again.n_frames)))
        blocks = []
        for text in partitions:
            part = pickle.loads(text)
            sig = tuple(part.dataset.shape.sig)
            whole = TilingScheme(2, (SigBox.full(sig),), sig)
            blocks += [np.array(tile.data) for tile in part.tiles(whole)]
        return blocks, frames
    except Exception as error:
        return f"{type(error).__name__}: {error}"
