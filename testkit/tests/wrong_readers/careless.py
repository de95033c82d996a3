"""A reader that does one thing that it must not, and the version in the header says which."""

from __future__ import annotations

import ctypes
import os
import signal
import time
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from lamella.errors import FormatError
from lamella.reader import FrameSource, LinearSource, Probe
from wrong_readers.toy_reader import RIGHT, ToyParams, ToyReader

THINGS = (
    *("exception", "crash", "hang", "memory", "outside", "unseen", "writes", "output", "warning", "open"),
    *("pipe", "leaves", "claim"),
)
"""What it does for the versions 2, 3 and so on."""


class CarelessReader(ToyReader):
    """Does what the version says."""

    def version(self, version: int, probe: Probe) -> None:
        if 2 <= version < 2 + len(THINGS):
            getattr(self, f"do_{THINGS[version - 2]}")(probe)

    def open(self, params: ToyParams, probe: Probe) -> LinearSource | FrameSource:
        if params.first_part_only:
            raise FormatError("files from strangers are refused", path=probe.path)
        source = super().open(params, probe)
        if int(self.header(probe)["version"]) == 2 + THINGS.index("claim"):
            return replace_info(source)
        return source

    def do_claim(self, probe: Probe) -> None:
        pass

    def do_exception(self, probe: Probe) -> None:
        raise KeyError("version")

    def do_crash(self, probe: Probe) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    def do_hang(self, probe: Probe) -> None:
        while True:
            time.sleep(0.01)

    def do_memory(self, probe: Probe) -> None:
        np.zeros(1 << 28, np.uint8)[:: 1 << 12] = 1

    def do_outside(self, probe: Probe) -> None:
        assert probe.path is not None
        (probe.path.parent.parent / "secret.txt").read_bytes()

    def do_unseen(self, probe: Probe) -> None:
        """Read a file as a library does, of which Python knows nothing."""
        assert probe.path is not None
        libc = ctypes.CDLL(None)
        handle = libc.open(os.fsencode(probe.path.parent.parent / "secret.txt"), os.O_RDONLY)
        libc.read(handle, ctypes.create_string_buffer(8), 8)
        libc.close(handle)

    def do_writes(self, probe: Probe) -> None:
        assert probe.path is not None
        probe.path.with_suffix(".cache").write_bytes(b"x")

    def do_output(self, probe: Probe) -> None:
        os.write(2, b"free(): invalid pointer\n")

    def do_warning(self, probe: Probe) -> None:
        warnings.warn("overflow encountered in cast", RuntimeWarning, stacklevel=2)

    def do_open(self, probe: Probe) -> None:
        assert probe.path is not None
        os.open(probe.path, os.O_RDONLY)

    def do_pipe(self, probe: Probe) -> None:
        """Open whatever a name stands for, though it may be a pipe that nobody writes into."""
        assert probe.path is not None
        probe.path.with_name("scan.json").read_bytes()

    def do_leaves(self, probe: Probe) -> None:
        raise SystemExit(3)


def replace_info(source: Any) -> LinearSource:
    info = replace(source.info, raw_metadata={"scale": float("nan")})
    return LinearSource(resources=source.resources, runs=source.runs, encoding=source.encoding, info=info)


CARELESS = replace(RIGHT, reader="wrong_readers.careless:CarelessReader")
