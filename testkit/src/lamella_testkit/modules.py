"""The modules of a plugin that hold its reader, found by following imports from the reader."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamella.format import FormatSpec
    from lamella_testkit.sampler import Sampler

__all__ = ["modules_of"]


def modules_of(spec: FormatSpec, sampler: type[Sampler]) -> dict[str, Path]:
    """Give the modules of the reader and of its parameters, and what they import from their own package.

    Parameters
    ----------
    spec
        The declaration of the format; its own module, which only declares, does not count.
    sampler
        Its module does not count either.

    Returns
    -------
    dict
        The file of each module, by the name of the module.
    """
    places = [place for place in (spec.reader, spec.params) if place]
    waiting = [place.partition(":")[0] for place in places]
    found: dict[str, Path] = {}
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if name in found or name == sampler.__module__ or path is None:
            continue
        found[name] = path
        waiting += _imported(name, ast.parse(path.read_text(encoding="utf-8")))
    ours = {place.partition(".")[0].partition(":")[0] for place in places}
    return {name: found[name] for name in sorted(found) if name not in ours}


def _file_of(name: str) -> Path | None:
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None or not found.origin.endswith(".py"):
        return None
    return Path(found.origin)


def _imported(name: str, tree: ast.Module) -> Iterator[str]:
    """Give what a module imports from its own package, which may be a module or a name in one."""
    package = name.partition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
        else:
            continue
        yield from (one for one in names if one.partition(".")[0] == package)
