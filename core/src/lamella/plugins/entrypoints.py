"""Entry points of installed distributions, read so that one damaged distribution never hides the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from lamella.errors import PluginError
from lamella.system.logs import logger_of

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint

__all__ = ["choice", "distribution_of", "forget", "installed", "load_named", "named_entry_points", "normalized"]

_log = logger_of(__name__)
_MARK = "lamella"


def installed(*, group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, those of the first distribution of each name on the path."""
    return tuple(entry_point for entry_point in _scan() if entry_point.group == group)


def named_entry_points(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name; of two with one name, the first found."""
    named: dict[str, EntryPoint] = {}
    for entry_point in installed(group=group):
        if entry_point.name in named:
            _log.warning("%s: %r is provided twice; the second is ignored", group, entry_point.name)
        named.setdefault(entry_point.name, entry_point)
    return named


def load_named(group: str, name: str) -> Any:
    """The object that ``name`` stands for in ``group``, for groups whose entries are no plugins.

    Raises
    ------
    PluginError
        If there is no such name, or what it names cannot be imported.
    """
    found = named_entry_points(group)
    if name not in found:
        raise PluginError(f"no {name!r} in {group}; {choice(name, sorted(found))}")
    reference = found[name].value
    try:
        return found[name].load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may call sys.exit while it is imported
        text = f"{name!r} in {group} cannot be loaded from {reference!r}: {type(error).__name__}: {error}"
        raise PluginError(text) from error


def choice(name: str, known: Sequence[str]) -> str:
    """Say which names there are, the closest first."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}available: {', '.join(known) or 'none'}"


def distribution_of(entry_point: EntryPoint) -> tuple[str | None, str | None]:
    """Name and version of the distribution that declares an entry point, as far as its metadata says."""
    try:
        distribution: Any = entry_point.dist
        text = next(filter(None, map(distribution.read_text, ("METADATA", "PKG-INFO"))), None)
        metadata = distribution.metadata if text is None else _first_headers(text)
        return metadata["Name"], metadata["Version"]
    except Exception:
        return None, None


def _first_headers(text: str) -> dict[str, str]:
    """Give the name and the version of a distribution; the parser for e-mail would take longer than all the rest."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if not line.strip():
            break
        if name.title() in ("Name", "Version"):
            found.setdefault(name.title(), value.strip())
            if len(found) == 2:
                break
    return found


def normalized(distribution: str) -> str:
    """The name of a distribution as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def forget() -> None:
    """Forget what was read, so that newly installed distributions are seen."""
    import importlib

    from importlib_metadata import MetadataPathFinder

    importlib.invalidate_caches()
    MetadataPathFinder.invalidate_caches()
    _scan.cache_clear()


@cache
def _scan() -> tuple[EntryPoint, ...]:
    import importlib_metadata

    found: dict[str, tuple[EntryPoint, ...]] = {}
    for distribution in importlib_metadata.distributions():
        entry_points = _entry_points_of(distribution)
        if entry_points:
            name, _ = distribution_of(entry_points[0])
            found.setdefault(normalized(name or f"unnamed {len(found)}"), entry_points)
    return tuple(entry_point for entry_points in found.values() for entry_point in entry_points)


def _entry_points_of(distribution: Any) -> tuple[EntryPoint, ...]:
    try:
        if _MARK not in (distribution.read_text("entry_points.txt") or ""):
            return ()
        return tuple(point for point in distribution.entry_points if point.group.startswith(_MARK))
    except Exception as error:
        _log.info("the entry points of %s cannot be read: %s", distribution, error)
        return ()
