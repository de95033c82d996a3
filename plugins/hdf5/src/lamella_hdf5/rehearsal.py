"""Open a file in a child process first, so that a crash of libhdf5 does not take the process of the user with it.

The child does what the parent is about to do. If it comes to an end, with or without an error, the parent does the
same; if it dies or hangs, the parent does not touch the file. Files of one folder share a child until one is refused.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.errors import ChildError, CorruptError, UnsupportedError
from lamella.reader import FrameSource, Probe, in_child, read_frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella.reader import LinearSource
    from lamella_hdf5.params import Hdf5Params

    Describe = Callable[[Probe, Hdf5Params], LinearSource | FrameSource]

__all__ = ["act", "rehearse"]

_MOST_SECONDS = 3.0
"""A child that takes longer hangs: it looks at metadata and one frame only."""


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
        If the child dies or takes too long.
    UnsupportedError
        If there is no way to start a child.
    """
    assert probe.path is not None
    folder = os.path.dirname(os.path.realpath(probe.path))
    try:
        in_child(act, describe, str(probe.path), params, seconds=_MOST_SECONDS, group=folder)
    except ChildError as error:
        if error.raised:
            return  # the parent meets the same exception
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
