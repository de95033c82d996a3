"""Functions that lower layers offer and higher ones make.

`DataSet.plot` needs pictures, which stand above data sets. So the data set names what it needs, and the package
`lamella`, which is above all, says where that is. Nothing is imported before it is called.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["call_late", "provide_late"]

_PLACES: dict[str, str] = {}


def provide_late(**places: str) -> None:
    """Say where functions are: for each name, ``"module:function"``."""
    _PLACES.update(places)


def call_late(name: str, *args: Any, **options: Any) -> Any:
    """Call the function of a name."""
    module, _, function = _PLACES[name].partition(":")
    return getattr(import_module(module), function)(*args, **options)
