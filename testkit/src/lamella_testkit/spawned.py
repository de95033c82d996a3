"""Reading in a fresh process."""

from __future__ import annotations

import pickle
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.dataset.framereader import FrameReader
from lamella.dataset.tiling import TilingScheme
from lamella.io.buffered import BufferedBackend
from lamella.reader import SigBox
from lamella.system.spawn import Pipes, parent_pipes, start
from lamella_testkit.kit import register

if TYPE_CHECKING:
    from lamella.format import FormatSpec

__all__ = ["read_in_child", "serve"]

Job = tuple[list[bytes], bytes]
"""The pickled partitions of a data set, and its pickled source."""


def read_in_child(spec: FormatSpec | None, jobs: list[Job]) -> list[Any]:
    """Read pickled partitions and sources in a fresh process.

    Parameters
    ----------
    spec
        A format that is not installed and has to be registered.
    jobs
        What to read.

    Returns
    -------
    list
        For each data set a list of arrays from its partitions, and one from its source; or what was raised as text.

    Raises
    ------
    EOFError
        If the process ends before it has answered.
    """
    process = start("lamella_testkit.spawned:serve", answers=True, errors=subprocess.DEVNULL)
    pipes = Pipes.to(process)
    try:
        pipes.send(pickle.dumps((spec, jobs)))
        answers: list[Any] = pickle.loads(pipes.receive())
    finally:
        process.kill()
        process.wait()
        pipes.close()
    return answers


def serve() -> None:
    """Read what the parent sends."""
    parent = parent_pipes()
    spec, jobs = pickle.loads(parent.receive())
    if spec is not None:
        register(spec)
    parent.send(pickle.dumps([_read(*job) for job in jobs]))


def _read(partitions: list[bytes], source: bytes) -> Any:
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
