"""Open a file in a child process first, so that a crash of libhdf5 does not take the process of the user with it.

The child does what the parent is about to do. If it ends normally, with or without an error, the parent does the same;
if it dies or hangs, the parent does not touch the file.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.errors import CorruptError

if TYPE_CHECKING:
    from lamella.reader import Probe
    from lamella_hdf5.params import Hdf5Params

__all__ = ["rehearse"]

_ACT = "from lamella_hdf5.rehearsal import act; act()"
_MOST_SECONDS = 3.0
"""A child that takes longer hangs: it looks at metadata and one frame only."""


def rehearse(probe: Probe, params: Hdf5Params) -> None:
    """Open the file in a child process and read its first frame.

    Raises
    ------
    CorruptError
        If the child dies or takes too long.
    """
    command = [sys.executable, "-c", _ACT]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(
            command,
            input=pickle.dumps((str(probe.path), params)),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        found = f"no answer within {_MOST_SECONDS:.0f} s"
    else:
        if done.returncode >= 0:
            return
        found = f"it ended by signal {-done.returncode}"
    raise CorruptError(
        "libhdf5 fails on this file, so it was only tried in a child process",
        path=probe.path,
        expected="a file that libhdf5 can parse",
        found=found,
        remedy="The file is damaged; copy it again",
    )


def act() -> None:
    """Do in the child what the parent is about to do."""
    from lamella.errors import LamellaError
    from lamella.reader import Probe, read_frames
    from lamella_hdf5.reader import describe_scan

    path, params = pickle.loads(sys.stdin.buffer.read())  # from the parent, through a pipe of its own
    try:
        source = describe_scan(Probe.of(Path(path)), params)
        read_frames(source, range(1))
    except (LamellaError, OSError):
        return
