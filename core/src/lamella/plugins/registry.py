"""The installed format plugins: which there are, which can be used, and what to do about the others."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

from lamella.errors import PluginError
from lamella.format import FormatSpec
from lamella.plugins import entrypoints
from lamella.plugins.entrypoints import load_named, named_entry_points, normalized
from lamella.plugins.known import CATALOGUE
from lamella.plugins.plugin import Plugin, Status, Switches, describe_problem, examine, examine_spec

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint

__all__ = ["GROUP", "Plugin", "Registry", "Status", "default_registry", "load_named", "named_entry_points"]

GROUP = "lamella.formats"
"""The entry-point group in which plugins declare their formats."""


class Registry:
    """Format plugins by name; reads installed metadata on first use and never lets one plugin harm another.

    Parameters
    ----------
    environ
        Where ``LAMELLA_DISABLE_PLUGINS``, ``LAMELLA_ONLY_PLUGINS`` and ``LAMELLA_PREFER`` are read;
        the environment of the process by default.
    entry_points
        Called as ``entry_points(group=...)``; what is installed by default.
    prefer
        Format names and the distribution to take each from.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str] | None = None,
        entry_points: Callable[..., Iterable[EntryPoint]] | None = None,
        prefer: Mapping[str, str] | None = None,
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._entry_points = entrypoints.installed if entry_points is None else entry_points
        self._preferred = {name.lower(): distribution for name, distribution in (prefer or {}).items()}
        self._registered: dict[tuple[str, str], FormatSpec] = {}
        self._installed: tuple[Plugin, ...] | None = None
        self._plugins: tuple[Plugin, ...] | None = None
        self._lock = threading.RLock()

    def plugins(self) -> tuple[Plugin, ...]:
        """Every plugin that was found, usable or not, sorted by name."""
        with self._lock:
            if self._plugins is None:
                self._plugins = self._resolved()
            return self._plugins

    def usable(self) -> tuple[Plugin, ...]:
        """The plugins whose status is ok."""
        return tuple(plugin for plugin in self.plugins() if plugin.status is Status.ok)

    def get(self, name: str) -> Plugin:
        """The usable plugin of a format, whatever the case of its name.

        Raises
        ------
        PluginError
            If it is not installed or cannot be used; says what to do.
        """
        wanted = name.lower()
        found = [plugin for plugin in self.plugins() if plugin.name.lower() == wanted]
        for plugin in found:
            if plugin.status is Status.ok:
                return plugin
        if found:
            raise PluginError("\n".join(describe_problem(plugin) for plugin in found))
        raise PluginError(_not_installed(name, [plugin.name for plugin in self.plugins()]))

    def refresh(self) -> None:
        """Look again, so that what was installed meanwhile is seen without a restart."""
        with self._lock:
            entrypoints.forget()
            self._installed = None
            self._plugins = None

    def prefer(self, name: str, distribution: str) -> None:
        """Take format ``name`` from ``distribution`` where several provide it."""
        with self._lock:
            self._preferred[name.lower()] = distribution
            self._plugins = None

    def register(self, spec: FormatSpec, *, distribution: str = "<registered>") -> None:
        """Add a format that a program made; replaces an earlier one of the same name and distribution.

        Raises
        ------
        PluginError
            If the declaration is not valid.
        """
        plugin = _registered(spec, distribution)
        if plugin.status is Status.invalid:
            raise PluginError(f"this format cannot be registered: {plugin.reason}")
        with self._lock:
            self._registered[spec.name, distribution] = spec
            self._plugins = None

    def _resolved(self) -> tuple[Plugin, ...]:
        switches = Switches.of(self._environ)
        if self._installed is None:
            self._installed = _distinct(
                examine(entry_point, switches) for entry_point in self._entry_points(group=GROUP)
            )
        registered = (
            _switched(_registered(spec, distribution), switches) for (_, distribution), spec in self._registered.items()
        )
        return _settled([*self._installed, *registered], {**switches.preferred, **self._preferred})


@cache
def default_registry() -> Registry:
    """The registry that the whole process shares."""
    return Registry()


def _registered(spec: FormatSpec, distribution: str) -> Plugin:
    name = getattr(spec, "name", "")
    return examine_spec(Plugin(name, Status.ok, None, distribution, None, distribution), spec)


def _switched(plugin: Plugin, switches: Switches) -> Plugin:
    kept_out = switches.verdict(plugin.name)
    if kept_out is None:
        return plugin
    return replace(plugin, status=Status.disabled, reason=kept_out[0], remedy=kept_out[1])


def _distinct(plugins: Iterable[Plugin]) -> tuple[Plugin, ...]:
    """One plugin per name and distribution: metadata of one distribution may lie on the path twice."""
    first: dict[tuple[str, str], Plugin] = {}
    for position, plugin in enumerate(plugins):
        owner = f"unknown {position}" if plugin.distribution is None else normalized(plugin.distribution)
        first.setdefault((plugin.name.lower(), owner), plugin)
    return tuple(first.values())


def _settled(plugins: Sequence[Plugin], preferred: Mapping[str, str]) -> tuple[Plugin, ...]:
    """The plugins sorted, with conflicts between those of one name marked or decided."""

    def order(plugin: Plugin) -> tuple[str, str]:
        return plugin.name.lower(), plugin.distribution or ""

    settled: list[Plugin] = []
    for name, rivals in groupby(sorted(plugins, key=order), key=lambda plugin: plugin.name.lower()):
        settled += _decided(list(rivals), preferred.get(name))
    return tuple(settled)


def _decided(rivals: list[Plugin], preferred: str | None) -> list[Plugin]:
    wanted = None if preferred is None else normalized(preferred)
    if wanted is not None and any(normalized(rival.distribution or "") == wanted for rival in rivals):
        return [_yielding(rival, wanted) for rival in rivals]
    able = [rival for rival in rivals if rival.status is Status.ok]
    if len(able) < 2:
        return rivals
    names = [rival.distribution or rival.entry_point for rival in able]
    return [_conflicting(rival, names) if rival in able else rival for rival in rivals]


def _yielding(plugin: Plugin, wanted: str) -> Plugin:
    if normalized(plugin.distribution or "") == wanted or plugin.status is not Status.ok:
        return plugin
    remedy = f"To use it, prefer {plugin.distribution}"
    return replace(plugin, status=Status.disabled, reason=f"{wanted} is preferred", remedy=remedy)


def _conflicting(plugin: Plugin, names: Sequence[str]) -> Plugin:
    others = " and ".join(names)
    remedy = (
        f"Choose one: set LAMELLA_PREFER={plugin.name}={names[0]}, or call "
        f"prefer({plugin.name!r}, {names[0]!r}) of the registry, or pip uninstall the other"
    )
    return replace(plugin, status=Status.conflict, reason=f"provided by {others}", remedy=remedy)


def _not_installed(name: str, installed: Sequence[str]) -> str:
    from difflib import get_close_matches

    known = CATALOGUE.get(name.lower())
    if known is not None:
        return f"format {name!r} ({known.title}) is not installed. {known.install}"
    listed = f"Installed: {', '.join(installed) or 'none'}"
    offered = list(dict.fromkeys([*installed, *CATALOGUE]))
    close = get_close_matches(name.lower(), offered, n=3)
    if not close:
        return f"no format is called {name!r}. {listed}"
    hints = [other if other in installed else f"{other} ({CATALOGUE[other].install})" for other in close]
    return f"no format is called {name!r}; did you mean {' or '.join(hints)}? {listed}"
