"""Compiling kernels ahead: in this process, or, on a worker of a cluster, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lamella.cli.commoncalls import compile_for_file, warm
from lamella.errors import LamellaError
from lamella.kernels import compiler
from lamella.kernels.cachefolder import VARIABLE, cache_folder
from lamella.system.pathmap import path_here
from lamella.system.spawn import Pipes, parent_pipes, start

__all__ = ["Ahead", "compile_ahead", "compile_in_child", "serve"]

_CHILD = "lamella.cli.compileahead:serve"


@dataclass(frozen=True, slots=True)
class Ahead:
    """What came of it.

    Parameters
    ----------
    kernels, seconds
        How many kernels are ready, and how long that took [s].
    folder
        Where they are kept.
    problem
        Why there are none; empty if there are.
    """

    kernels: int = 0
    seconds: float = 0.0
    folder: str = ""
    problem: str = ""


def compile_ahead(files: Sequence[Path], tell: Callable[[int, int, str], object] | None = None) -> Ahead:
    """Compile the kernels of common detectors, or load those that are on disk, and what files need besides.

    Parameters
    ----------
    files
        The files.
    tell
        Called as ``tell(done, total, name)``.

    Raises
    ------
    LamellaError
        If kernels cannot be compiled or kept, or a file cannot be opened.
    """
    if not compiler.is_installed():
        raise LamellaError(f"there is nothing to compile with: {compiler.WITHOUT}")
    folder = cache_folder()
    if folder is None:
        raise LamellaError(f"compiled kernels cannot be kept: set {VARIABLE} to a folder that you can write to")
    begin = time.perf_counter()
    for path in files:  # first, as a name may be wrong
        compile_for_file(path)
    done = 0
    for done, total, name in warm():
        if tell is not None:
            tell(done, total, name)
    return Ahead(done, time.perf_counter() - begin, str(folder))


def compile_in_child(files: Sequence[str]) -> Ahead:
    """Do the same on a worker: neither its memory nor its event loop takes part.

    Parameters
    ----------
    files
        Paths, as they are on the host of the client.
    """
    process = start(_CHILD, *map(path_here, files), answers=True, errors=subprocess.DEVNULL)
    pipes = Pipes.to(process)
    try:
        return Ahead(**json.loads(pipes.receive()))
    except EOFError:
        return Ahead(problem=f"the process that compiles ended with exit code {process.wait()}")
    finally:
        process.kill()
        process.wait()
        pipes.close()


def serve(*files: str) -> None:
    """Do it in the child."""
    parent = parent_pipes()
    try:
        found = compile_ahead([Path(path) for path in files])
    except Exception as error:
        found = Ahead(problem=f"{type(error).__name__}: {error}")
    parent.send(json.dumps(asdict(found)).encode())
