"""Which lines of some files run: `sys.monitoring` where Python has it, `sys.settrace` elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

__all__ = ["Lines", "forget_answers", "recorded_lines"]

Lines = dict[Path, set[int]]
"""The lines of each file that ran."""


def forget_answers(modules: Iterable[str]) -> None:
    """Have functions that remember their answers (`functools.cache`) work them out again.

    Parameters
    ----------
    modules
        The names of the modules whose functions they are; those that are not imported are left alone.
    """
    for name in modules:
        for value in list(vars(sys.modules.get(name, object)).values()):
            if callable(forget := getattr(value, "cache_clear", None)):
                forget()


@contextlib.contextmanager
def recorded_lines(files: Collection[Path]) -> Iterator[Lines]:
    """Record which lines of the files run while the body runs, in every thread.

    Parameters
    ----------
    files
        Files of Python source. Nothing is slowed down that stands elsewhere.
    """
    lines: Lines = {path: set() for path in files}
    by_name = {os.path.realpath(path): lines[path] for path in files}
    if sys.version_info >= (3, 12):
        with _monitored(by_name):
            yield lines
    else:
        with _traced(by_name):
            yield lines


@contextlib.contextmanager
def _traced(by_name: dict[str, set[int]]) -> Iterator[None]:
    known: dict[CodeType, set[int] | None] = {}  # every function that is called anywhere is looked up here
    named = cache(lambda name: by_name.get(os.path.realpath(name)))

    def follow(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            ran = known[frame.f_code]
            assert ran is not None
            ran.add(frame.f_lineno)
        return follow

    def call(frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code not in known:
            known[code] = named(code.co_filename)
        return None if known[code] is None else follow

    before, of_threads = sys.gettrace(), threading.gettrace()
    threading.settrace(call)
    sys.settrace(call)
    try:
        yield
    finally:
        sys.settrace(before)
        threading.settrace(of_threads)


@contextlib.contextmanager
def _monitored(by_name: dict[str, set[int]]) -> Iterator[None]:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
    free = [number for number in range(6) if monitoring.get_tool(number) is None]
    tool = free[-1]
    monitoring.use_tool_id(tool, "lamella-testkit")

    def line(code: CodeType, number: int) -> Any:
        ran = by_name.get(os.path.realpath(code.co_filename))
        if ran is not None:
            ran.add(number)
        return monitoring.DISABLE  # each line is of interest once

    monitoring.register_callback(tool, monitoring.events.LINE, line)
    monitoring.set_events(tool, monitoring.events.LINE)
    monitoring.restart_events()
    try:
        yield
    finally:
        monitoring.set_events(tool, 0)
        monitoring.register_callback(tool, monitoring.events.LINE, None)
        monitoring.free_tool_id(tool)
