"""How many lines of some files run, one after the other: what code costs, however busy the machine is."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["counted_lines"]


@contextlib.contextmanager
def counted_lines(files: Collection[Path]) -> Iterator[Callable[[], int]]:
    """Count the lines of the files that this thread runs while the body runs; a line counts each time.

    Parameters
    ----------
    files
        Files of Python source.
    """
    wanted = {os.path.realpath(path) for path in files}
    known: dict[str, bool] = {}
    count = 0

    def follow(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return follow

    def call(frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if name not in known:
            known[name] = os.path.realpath(name) in wanted
        return follow if known[name] else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        yield lambda: count
    finally:
        sys.settrace(before)
