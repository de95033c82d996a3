"""Compile the kernels for common detectors now, so that the first long run is as fast as the later ones.

This takes minutes once after an installation, and seconds afterwards. A run compiles what it needs by itself.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from lamella.cli.commoncalls import warm
from lamella.errors import LamellaError
from lamella.kernels import compiler

if TYPE_CHECKING:
    from lamella.cli.console import Console

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing."""


def run(args: argparse.Namespace, console: Console) -> int:
    """Compile the kernels of common detectors, or load them from the cache of an earlier time."""
    if not compiler.is_installed():
        raise LamellaError(f"there is nothing to compile with: {compiler.WITHOUT}")
    begin = time.perf_counter()
    done = 0
    with console.counting("compiled kernels") as tell:
        for done, total, name in warm():
            tell(done, total, name)
    seconds = time.perf_counter() - begin
    console.say(f"{done} kernels are ready after {seconds:.1f} s.")
    console.emit({"kernels": done, "seconds": seconds})
    return 0
