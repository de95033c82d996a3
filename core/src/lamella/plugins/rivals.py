"""Plugins of one kind that bear one name: which of them is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lamella.plugins.entrypoints import normalized
from lamella.plugins.plugin import Plugin, Status

__all__ = ["decide"]


def decide(rivals: Sequence[Plugin], preferred: str | None) -> list[Plugin]:
    """Give the plugins with their conflict marked, or decided by the distribution that is preferred."""
    wanted = None if preferred is None else normalized(preferred)
    if wanted is not None and any(normalized(rival.distribution or "") == wanted for rival in rivals):
        return [_yielding(rival, wanted) for rival in rivals]
    able = [rival for rival in rivals if rival.status is Status.ok]
    if len(able) < 2:
        return list(rivals)
    names = [rival.distribution or rival.entry_point for rival in able]
    return [
        _conflicting(rival, names) if rival.status is Status.ok and not rival.is_builtin else rival for rival in rivals
    ]


def _yielding(plugin: Plugin, wanted: str) -> Plugin:
    if normalized(plugin.distribution or "") == wanted or plugin.status is not Status.ok:
        return plugin
    remedy = f"To use it, prefer {plugin.distribution}"
    return replace(plugin, status=Status.disabled, reason=f"{wanted} is preferred", remedy=remedy)


def _conflicting(plugin: Plugin, names: Sequence[str]) -> Plugin:
    if plugin.name.lower() in plugin.kind.builtin:
        reason = f"the {plugin.kind.noun} {plugin.name!r} of Lamella itself has this name"
        remedy = f"Set LAMELLA_PREFER={plugin.name}={plugin.distribution} to use it instead"
        return replace(plugin, status=Status.conflict, reason=reason, remedy=remedy)
    remedy = (
        f"Choose one: set LAMELLA_PREFER={plugin.name}={names[0]}, or call "
        f"prefer({plugin.name!r}, {names[0]!r}) of the registry, or pip uninstall the other"
    )
    return replace(plugin, status=Status.conflict, reason=f"provided by {' and '.join(names)}", remedy=remedy)
