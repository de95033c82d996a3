"""Lamella opens 4D-STEM scans of any size, from any detector, and streams them through computations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella.format import API_VERSION

if TYPE_CHECKING:
    from lamella.api import Context, open
    from lamella.dataset import DataSet
    from lamella.errors import FormatError, LamellaError, ParameterError
    from lamella.udf import UDF

__version__ = "0.1.0"

__all__ = [
    "API_VERSION",
    "UDF",
    "Context",
    "DataSet",
    "FormatError",
    "LamellaError",
    "ParameterError",
    "__version__",
    "open",
]

_LAZY = {
    "Context": "lamella.api",
    "open": "lamella.api",
    "DataSet": "lamella.dataset",
    "UDF": "lamella.udf",
    "FormatError": "lamella.errors",
    "LamellaError": "lamella.errors",
    "ParameterError": "lamella.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
