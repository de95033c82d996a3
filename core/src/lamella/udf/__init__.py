"""User-defined functions: the base class, and the built-in ones (imported when they are first used)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella.udf.auto import AutoUDF
    from lamella.udf.base import UDF, UDFMethod
    from lamella.udf.com import CoMUDF
    from lamella.udf.logsum import LogsumUDF
    from lamella.udf.masks import ApplyMasksUDF
    from lamella.udf.meta import UDFMeta
    from lamella.udf.noop import NoOpUDF
    from lamella.udf.raw import PickUDF
    from lamella.udf.record import RecordUDF
    from lamella.udf.results import ResultBuffer
    from lamella.udf.stddev import StdDevUDF
    from lamella.udf.sum import SumUDF
    from lamella.udf.sumsig import SumSigUDF

__all__ = [
    "UDF",
    "ApplyMasksUDF",
    "AutoUDF",
    "CoMUDF",
    "LogsumUDF",
    "NoOpUDF",
    "PickUDF",
    "RecordUDF",
    "ResultBuffer",
    "StdDevUDF",
    "SumSigUDF",
    "SumUDF",
    "UDFMeta",
    "UDFMethod",
]

_LAZY = {
    "UDF": "base",
    "UDFMethod": "base",
    "ApplyMasksUDF": "masks",
    "AutoUDF": "auto",
    "CoMUDF": "com",
    "LogsumUDF": "logsum",
    "NoOpUDF": "noop",
    "PickUDF": "raw",
    "RecordUDF": "record",
    "ResultBuffer": "results",
    "StdDevUDF": "stddev",
    "SumSigUDF": "sumsig",
    "SumUDF": "sum",
    "UDFMeta": "meta",
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
