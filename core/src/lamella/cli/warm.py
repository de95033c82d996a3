"""Compile ahead, so that the first long run on a fresh installation is as fast as the later ones."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from lamella.cli.commoncalls import warm

if TYPE_CHECKING:
    from lamella.cli.console import Console

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing."""


def run(args: argparse.Namespace, console: Console) -> int:
    """Compile the kernels of common detectors, or load them from the cache of an earlier time."""
    begin = time.perf_counter()
    done = 0
    for done, total, name in warm():
        console.say(f"{done:>3} of {total}  {name}")
    seconds = time.perf_counter() - begin
    console.say("", f"{done} kernels are ready after {seconds:.1f} s.")
    console.emit({"kernels": done, "seconds": seconds})
    return 0
