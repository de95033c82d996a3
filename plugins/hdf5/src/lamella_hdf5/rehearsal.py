"""Open a file in a child process first, so that a crash of libhdf5 does not take the process of the user with it.

The child does what the parent is about to do. If it comes to an end, with or without an error, the parent does the
same; if it dies, hangs or runs out of memory, the parent does not touch the file. Files of one folder share a child
until one is refused.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.errors import ChildError, CorruptError, UnsupportedError
from lamella.reader import FrameSource, Probe, in_child, read_frames
from lamella_hdf5.worker import most_kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella.reader import LinearSource
    from lamella_hdf5.params import Hdf5Params

    Describe = Callable[[Probe, Hdf5Params], LinearSource | FrameSource]

__all__ = ["act", "most_memory", "rehearse"]

_MOST_SECONDS = 3.0
"""A child that takes longer hangs: it looks at metadata and one frame only."""
_MOST_MEMORY = 1 << 30
"""What the child may take, besides decoded chunks [bytes]."""
_OUT_OF_MEMORY = ("MemoryError", "allocat")
"""Words for it in errors of Python, NumPy and libhdf5. What is mistaken for one of these is an error as well."""


def most_memory() -> int:
    """Give how much memory the child may take [bytes]; the same for all files, so that they can share a child."""
    return _MOST_MEMORY + most_kept()


def rehearse(probe: Probe, params: Hdf5Params, describe: Describe) -> None:
    """Open the file in a child process and read its first frame.

    Parameters
    ----------
    probe, params
        The file, and what the user says about it.
    describe
        What opens it; a function of a module.

    Raises
    ------
    CorruptError
        If the child dies, takes too long, or runs out of memory.
    UnsupportedError
        If there is no way to start a child.
    """
    assert probe.path is not None
    folder = os.path.dirname(os.path.realpath(probe.path))
    try:
        in_child(act, describe, str(probe.path), params, seconds=_MOST_SECONDS, memory=most_memory(), group=folder)
    except ChildError as error:
        if error.raised and not any(word in error.found for word in _OUT_OF_MEMORY):
            return  # the parent meets the same exception
        if error.raised:
            raise CorruptError(
                "opening this file takes more memory than it may, so it was only tried in a child process",
                path=probe.path,
                expected=f"at most {most_memory()} bytes",
                found=error.found,
                remedy="Copy it again if it is damaged; open it with isolate='never' if you trust it",
            ) from None
        if not error.started:
            raise UnsupportedError(
                "this file must be tried in a child process first, and none can be started",
                path=probe.path,
                found=error.found,
                remedy="Open it with isolate='never' if you trust it: a damaged file may end this process",
            ) from None
        raise CorruptError(
            "libhdf5 fails on this file, so it was only tried in a child process",
            path=probe.path,
            expected="a file that libhdf5 can parse",
            found=error.found,
            remedy="The file is damaged; copy it again",
        ) from None


def act(describe: Describe, path: str, params: Hdf5Params) -> None:
    """Do in the child what the parent is about to do."""
    source = describe(Probe.of(Path(path)), params)
    if isinstance(source, FrameSource):  # others are read without libhdf5
        read_frames(source, range(1))
