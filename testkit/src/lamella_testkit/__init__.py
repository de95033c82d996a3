"""The conformance test kit for Lamella format plugins.

A plugin author writes a `Sampler`; the kit proves the plugin through `FormatConformance` in a test suite, through
``lamella conformance NAME``, or through `run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella_testkit.checking import EDITION, LEVELS, check
    from lamella_testkit.conformance import FormatConformance
    from lamella_testkit.outcomes import Broken
    from lamella_testkit.recordings import recorded_files
    from lamella_testkit.report import Report
    from lamella_testkit.results import Result, Status, level_of
    from lamella_testkit.runner import run
    from lamella_testkit.sample import Recorded, SampleData, Special, Wrong
    from lamella_testkit.sampler import Sampler

__all__ = [
    "EDITION",
    "LEVELS",
    "Broken",
    "FormatConformance",
    "Recorded",
    "Report",
    "Result",
    "SampleData",
    "Sampler",
    "Special",
    "Status",
    "Wrong",
    "check",
    "level_of",
    "recorded_files",
    "run",
]

_LAZY = {
    "EDITION": "checking",
    "LEVELS": "checking",
    "Broken": "outcomes",
    "FormatConformance": "conformance",
    "Recorded": "sample",
    "Report": "report",
    "Result": "results",
    "SampleData": "sample",
    "Sampler": "sampler",
    "Special": "sample",
    "Status": "results",
    "Wrong": "sample",
    "check": "checking",
    "level_of": "results",
    "recorded_files": "recordings",
    "run": "runner",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
