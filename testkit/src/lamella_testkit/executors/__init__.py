"""The conformance kit for executors: checks that a third party runs against its own executor.

In a test suite, derive from `ExecutorConformance`; anywhere else, call `check_executor`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella_testkit.executors.conformance import ExecutorConformance as ExecutorConformance
    from lamella_testkit.executors.rules import ExecutorResult as ExecutorResult
    from lamella_testkit.executors.trial import check_executor as check_executor

__all__ = ["ExecutorConformance", "ExecutorResult", "check_executor"]

_LAZY = {"ExecutorConformance": "conformance", "ExecutorResult": "rules", "check_executor": "trial"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
