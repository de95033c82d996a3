"""The installed plugins of every kind: which there are, which can be used, and what to do about the others."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from lamella.errors import PluginError
from lamella.format import FormatSpec
from lamella.plugins import entrypoints
from lamella.plugins.entrypoints import choice, distribution_of, normalized
from lamella.plugins.examine import examine, judge
from lamella.plugins.kinds import FORMATS, Kind
from lamella.plugins.known import catalogue
from lamella.plugins.plugin import Plugin, Status, describe_problem
from lamella.plugins.rivals import decide
from lamella.plugins.switches import Switches

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint

__all__ = ["Registry", "default_registry"]


class Registry:
    """Plugins by kind and name; reads installed metadata on first use and never lets one plugin harm another.

    Parameters
    ----------
    environ
        Where ``LAMELLA_DISABLE_PLUGINS``, ``LAMELLA_ONLY_PLUGINS`` and ``LAMELLA_PREFER`` are read;
        the environment of the process by default.
    entry_points
        Called as ``entry_points(group=...)``; what is installed by default.
    prefer
        Names of plugins and the distribution to take each from.
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
        self._switches: Switches | None = None
        self._entries: dict[Kind, dict[str, list[EntryPoint]]] = {}
        self._examined: dict[tuple[Kind, str], list[Plugin]] = {}
        self._own: dict[tuple[Kind, str], Plugin] = {}
        self._decided: dict[tuple[Kind, str], list[Plugin]] = {}
        self._listed: dict[Kind, tuple[Plugin, ...]] = {}
        self._lock = threading.RLock()

    def plugins(self, kind: Kind = FORMATS) -> tuple[Plugin, ...]:
        """Every plugin of a kind that was found, usable or not, sorted by name; imports all their declarations."""
        with self._lock:
            if kind not in self._listed:
                self._listed[kind] = tuple(plugin for name in self.names(kind) for plugin in self._named(kind, name))
            return self._listed[kind]

    def usable(self, kind: Kind = FORMATS) -> tuple[Plugin, ...]:
        """The plugins of a kind whose status is ok."""
        return tuple(plugin for plugin in self.plugins(kind) if plugin.status is Status.ok)

    def names(self, kind: Kind = FORMATS) -> list[str]:
        """The names of the plugins of a kind, usable or not, sorted and in lower case; imports none of them."""
        with self._lock:
            registered = [name.lower() for name, _ in self._registered] if kind is FORMATS else []
            return sorted({*kind.builtin, *self._entries_of(kind), *registered})

    def get(self, name: str, kind: Kind = FORMATS) -> Plugin:
        """The usable plugin of a name, whatever its case; imports no declaration of another name.

        Raises
        ------
        PluginError
            If it is not installed or cannot be used; says what to do.
        """
        wanted = name.lower()
        with self._lock:
            if wanted in kind.builtin and self._preference(wanted) is None:
                return self._built_in(kind, wanted)[0]  # without reading the metadata of all distributions
            found = self._named(kind, wanted)
        for plugin in found:
            if plugin.status is Status.ok:
                return plugin
        if found:
            raise PluginError(*(describe_problem(plugin) for plugin in found))
        raise PluginError(_not_installed(kind, name, self.names(kind)))

    def refresh(self) -> None:
        """Look again for plugins of every kind, so that what was installed meanwhile is seen without a restart."""
        with self._lock:
            entrypoints.forget()
            self._switches = None
            for kept in (self._entries, self._examined, self._decided, self._listed):
                kept.clear()

    def prefer(self, name: str, distribution: str) -> None:
        """Take ``name`` from ``distribution`` where several provide it, in every kind of plugin."""
        with self._lock:
            self._preferred[name.lower()] = distribution
            self._decide_again()

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
            self._decide_again()

    def _decide_again(self) -> None:
        self._decided.clear()
        self._listed.clear()

    def _named(self, kind: Kind, name: str) -> list[Plugin]:
        """All plugins of a kind and a lower-case name, with conflicts marked or decided."""
        if (kind, name) not in self._decided:
            rivals = sorted([*self._built_in(kind, name), *self._found(kind, name)], key=_distribution)
            self._decided[kind, name] = decide(rivals, self._preference(name))
        return self._decided[kind, name]

    def _built_in(self, kind: Kind, name: str) -> list[Plugin]:
        """What the core brings under a name: at most one; no switch turns it off."""
        if name not in kind.builtin:
            return []
        if (kind, name) not in self._own:
            origin = f"{name} = {kind.builtin[name]}"
            self._own[kind, name] = Plugin(name, Status.ok, None, "lamella", entry_point=origin, kind=kind)
        return [self._own[kind, name]]

    def _found(self, kind: Kind, name: str) -> list[Plugin]:
        switches = self._current_switches()
        if (kind, name) not in self._examined:
            entries = self._entries_of(kind).get(name, [])
            self._examined[kind, name] = [examine(entry, kind, switches) for entry in entries]
        made = [
            _switched(_registered(spec, distribution), switches)
            for (own, distribution), spec in self._registered.items()
            if kind is FORMATS and own.lower() == name
        ]
        return [*self._examined[kind, name], *made]

    def _entries_of(self, kind: Kind) -> dict[str, list[EntryPoint]]:
        if kind not in self._entries:
            self._entries[kind] = _by_name(self._entry_points(group=kind.group))
        return self._entries[kind]

    def _preference(self, name: str) -> str | None:
        return {**self._current_switches().preferred, **self._preferred}.get(name)

    def _current_switches(self) -> Switches:
        if self._switches is None:
            self._switches = Switches.of(self._environ)
        return self._switches


@cache
def default_registry() -> Registry:
    """The registry that the whole process shares."""
    return Registry()


def _registered(spec: FormatSpec, distribution: str) -> Plugin:
    name = getattr(spec, "name", "")
    return judge(Plugin(name, Status.ok, None, distribution, None, distribution), spec)


def _switched(plugin: Plugin, switches: Switches) -> Plugin:
    kept_out = switches.verdict(plugin.name)
    if kept_out is None:
        return plugin
    return replace(plugin, status=Status.disabled, reason=kept_out[0], remedy=kept_out[1])


def _distribution(plugin: Plugin) -> str:
    return plugin.distribution or ""


def _by_name(found: Iterable[EntryPoint]) -> dict[str, list[EntryPoint]]:
    """The entry points by lower-case name, one per distribution: its metadata may lie on the path twice."""
    first: dict[tuple[str, str], EntryPoint] = {}
    for position, entry_point in enumerate(found):
        distribution, _ = distribution_of(entry_point)
        owner = f"unknown {position}" if distribution is None else normalized(distribution)
        first.setdefault((entry_point.name.lower(), owner), entry_point)
    named: dict[str, list[EntryPoint]] = {}
    for (name, _), entry_point in first.items():
        named.setdefault(name, []).append(entry_point)
    return named


def _not_installed(kind: Kind, name: str, installed: Sequence[str]) -> str:
    if kind is not FORMATS:
        return f"no {kind.noun} is called {name!r}; {choice(name.lower(), installed)}"
    known = catalogue().get(name.lower())
    if known is not None:
        return f"format {name!r} ({known.title}) is not installed. {known.install}"
    from difflib import get_close_matches

    listed = f"Installed: {', '.join(installed) or 'none'}"
    offered = list(dict.fromkeys([*installed, *catalogue()]))
    close = get_close_matches(name.lower(), offered, n=3)
    if not close:
        return f"no format is called {name!r}. {listed}"
    hints = [other if other in installed else f"{other} ({catalogue()[other].install})" for other in close]
    return f"no format is called {name!r}; did you mean {' or '.join(hints)}? {listed}"
