"""User-defined functions: the base class, and the built-in ones (imported when they are first used)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella.udf.base import UDF, UDFMethod
    from lamella.udf.com import CoMUDF
    from lamella.udf.masks import ApplyMasksUDF
    from lamella.udf.sum import SumUDF
    from lamella.udf.sumsig import SumSigUDF

__all__ = [
    "UDF",
    "ApplyMasksUDF",
    "CoMUDF",
    "SumSigUDF",
    "SumUDF",
    "UDFMethod",
]

_LAZY = {
    "UDF": "base",
    "UDFMethod": "base",
    "ApplyMasksUDF": "masks",
    "CoMUDF": "com",
    "SumSigUDF": "sumsig",
    "SumUDF": "sum",
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
