"""Compile the kernels for common detectors now, so that the first long run is as fast as the later ones.

This takes minutes once after an installation, and seconds afterwards. A run compiles what it needs by itself. With
files, it also compiles what usual computations of these files need, such as decoders of HDF5 filters. All processes
and users that can read the folder load what it left there; LAMELLA_KERNEL_CACHE names another folder. With --scheduler,
each host of a Dask cluster does so once, for all of its workers.
"""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.cli.compileahead import compile_ahead, compile_in_child
from lamella.executors.make import executor_on

if TYPE_CHECKING:
    from lamella.cli.console import Console

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the files, and where to compile."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="compile what this file needs as well")
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="compile once on each host of the workers of this Dask scheduler, and not here; address or scheduler file",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Compile the kernels of common detectors, or load those that are on disk."""
    if args.scheduler is not None:
        return _on_hosts(args, console)
    with console.counting("compiled kernels") as tell:
        facts = compile_ahead(args.files, tell)
    console.say(f"{facts.kernels} kernels are ready after {facts.seconds:.1f} s. They are kept in {facts.folder}.")
    console.emit({"kernels": facts.kernels, "seconds": facts.seconds, "folder": facts.folder})
    return 0


def _on_hosts(args: argparse.Namespace, console: Console) -> int:
    """Let each host compile; the exit code is 1 if one of them could not."""
    files = [os.fspath(path.absolute()) for path in args.files]
    with closing(executor_on(args.scheduler)) as executor:
        found = executor.each_host(partial(compile_in_child, files))
    hosts = sorted(found.items())
    console.table(
        ("host", "kernels", "time", "folder"),
        [(host, one.kernels, f"{one.seconds:.1f} s", one.folder) for host, one in hosts if not one.problem],
    )
    told = [f"host {host}: {one.problem}" for host, one in hosts if one.problem]
    if told:
        console.complain(*told)
    keys = ("kernels", "seconds", "folder", "problem")
    console.emit({"hosts": [{"host": host, **{key: getattr(one, key) for key in keys}} for host, one in hosts]})
    return 1 if told else 0
