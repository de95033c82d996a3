"""Compile the kernels for common detectors now, so that the first long run is as fast as the later ones.

This takes minutes once after an installation, and seconds afterwards. A run compiles what it needs by itself. With
files, it also compiles what usual computations of these files need, such as decoders of HDF5 filters. All processes
and users that can read the folder load what it left there; LAMELLA_KERNEL_CACHE names another folder.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.cli.commoncalls import compile_for_file, warm
from lamella.errors import LamellaError
from lamella.kernels import compiler
from lamella.kernels.cachefolder import VARIABLE, cache_folder

if TYPE_CHECKING:
    from lamella.cli.console import Console

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the files."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="compile what this file needs as well")


def run(args: argparse.Namespace, console: Console) -> int:
    """Compile the kernels of common detectors, or load those that are on disk."""
    if not compiler.is_installed():
        raise LamellaError(f"there is nothing to compile with: {compiler.WITHOUT}")
    folder = cache_folder()
    if folder is None:
        raise LamellaError(f"compiled kernels cannot be kept: set {VARIABLE} to a folder that you can write to")
    begin = time.perf_counter()
    done = 0
    with console.counting("compiled kernels") as tell:
        for done, total, name in warm():
            tell(done, total, name)
    for path in args.files:
        compile_for_file(path)
    seconds = time.perf_counter() - begin
    console.say(f"{done} kernels are ready after {seconds:.1f} s. They are kept in {folder}.")
    console.emit({"kernels": done, "seconds": seconds, "folder": str(folder)})
    return 0
