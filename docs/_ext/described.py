"""What autodoc and napoleon do not get right by themselves: properties with a colon, and classes with a metaclass."""

from __future__ import annotations

from dataclasses import is_dataclass
from enum import Enum
from inspect import getdoc
from typing import Any

from sphinx.ext.napoleon.docstring import NumpyDocstring
from sphinx.util.inspect import signature as signature_of, stringify_signature


def _signature(app: Any, what: str, name: str, item: Any, options: Any, given: str | None, result: str | None) -> Any:
    """Show the fields of a dataclass whose metaclass takes anything, and no arguments of an enumeration."""
    if what != "class" or type(item).__call__ is type.__call__:
        return None
    if issubclass(item, Enum):
        return "", None
    if is_dataclass(item):
        return stringify_signature(
            signature_of(vars(item)["__init__"], bound_method=True), show_return_annotation=False
        ), None
    return None


def _docstring(app: Any, what: str, name: str, item: Any, options: Any, lines: list[str]) -> None:
    """Read the docstring of a property as that of a method: napoleon takes what is before a colon for a type."""
    if what == "property":
        text = getdoc(item) or ""
        lines[:] = [*NumpyDocstring(text, app.config, app, "method", name, item, options).lines(), ""]


def setup(app: Any) -> dict[str, bool]:
    """Take part in the build of the site."""
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-process-docstring", _docstring, priority=600)  # after napoleon
    return {"parallel_read_safe": True}
