"""One format plugin: found, examined, and imported only when its reader is wanted."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from lamella.errors import PluginError
from lamella.format import API_VERSION, FormatSpec
from lamella.plugins.entrypoints import distribution_of

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint

    from lamella.reader.protocol import Reader

__all__ = ["Plugin", "Status", "Switches", "describe_problem", "examine", "examine_spec"]

_log = logging.getLogger(__name__)
_SLOW = 1.0  # seconds


class Status(StrEnum):
    """Whether a plugin can be used, and if not why."""

    ok = "ok"
    disabled = "disabled"
    incompatible = "incompatible"
    invalid = "invalid"
    broken = "broken"
    conflict = "conflict"
    missing_dependency = "missing-dependency"


@dataclass
class Plugin:
    """A format plugin as found: its declaration, where it comes from, and what is wrong with it."""

    name: str
    status: Status
    spec: FormatSpec | None = None
    distribution: str | None = None
    version: str | None = None
    entry_point: str = ""
    reason: str | None = None
    remedy: str | None = None
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def reader(self) -> Reader[Any]:
        """The reader of the format; imports it on first use.

        Raises
        ------
        PluginError
            If the plugin is not usable or its reader cannot be made.
        """
        reader: Reader[Any] = self._use("reader", lambda spec: _imported(spec.reader)())
        return reader

    def params_class(self) -> type:
        """The parameter dataclass of the format; imports it on first use.

        Raises
        ------
        PluginError
            If the plugin is not usable or its parameters cannot be imported or are no dataclass.
        """
        params: type = self._use("parameters", lambda spec: _params(spec.params))
        return params

    def _use(self, what: str, make: Callable[[FormatSpec], Any]) -> Any:
        if self.status is not Status.ok or self.spec is None:
            raise PluginError(describe_problem(self))
        if what in self._made:
            return self._made[what]
        try:
            self._made[what] = make(self.spec)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # importing a plugin may even call sys.exit
            remedy = _remedy_for(error, self, _root(self.spec.reader))
            text = f"the {what} of format {self.name!r} cannot be loaded: {_told(error)}. {remedy}"
            raise PluginError(text) from error
        return self._made[what]


@dataclass(frozen=True, slots=True)
class Switches:
    """Which plugins the environment lets in and which it prefers."""

    disabled: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    preferred: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """Read ``LAMELLA_DISABLE_PLUGINS``, ``LAMELLA_ONLY_PLUGINS`` and ``LAMELLA_PREFER``."""
        pairs = [item.partition("=") for item in environ.get("LAMELLA_PREFER", "").split(",")]
        return cls(
            disabled=_names(environ.get("LAMELLA_DISABLE_PLUGINS", "")),
            only=_names(environ.get("LAMELLA_ONLY_PLUGINS", "")) or None,
            preferred={name.strip().lower(): value.strip() for name, _, value in pairs if value.strip()},
        )

    def verdict(self, name: str) -> tuple[str, str] | None:
        """Reason and remedy for a plugin that is kept out; None for one that may be used."""
        if name.lower() in self.disabled:
            return "named in LAMELLA_DISABLE_PLUGINS", "Remove it from LAMELLA_DISABLE_PLUGINS"
        if self.only is not None and name.lower() not in self.only:
            return "not named in LAMELLA_ONLY_PLUGINS", "Add it to LAMELLA_ONLY_PLUGINS, or unset that"
        return None


def examine(entry_point: EntryPoint, switches: Switches) -> Plugin:
    """Load the declaration behind an entry point, whatever happens, and judge it."""
    distribution, version = distribution_of(entry_point)
    plugin = Plugin(
        entry_point.name, Status.ok, None, distribution, version, f"{entry_point.name} = {entry_point.value}"
    )
    kept_out = switches.verdict(plugin.name)
    if kept_out is not None:
        return _judged(plugin, Status.disabled, *kept_out)
    began = time.perf_counter()
    try:
        plugin = examine_spec(plugin, entry_point.load())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # importing a plugin may even call sys.exit
        return _failed(plugin, error, entry_point.value)
    took = time.perf_counter() - began
    if took > _SLOW:
        hint = f"LAMELLA_DISABLE_PLUGINS={plugin.name} leaves it out"
        _log.warning("plugin %s took %.2f s to declare itself; %s", plugin.name, took, hint)
    return plugin


def examine_spec(plugin: Plugin, declared: object) -> Plugin:
    """Judge what a plugin declares."""
    problems = _problems(plugin.name, declared)
    if problems or not isinstance(declared, FormatSpec):
        return _judged(plugin, Status.invalid, "; ".join(problems), _tell_authors(plugin))
    plugin.spec = declared
    if not _is_compatible(declared.api):
        return _judged(plugin, Status.incompatible, *_incompatibility(declared.api, plugin))
    absent = [module for module in declared.requires if not _is_importable(module)]
    if absent:
        reason = f"needs {', '.join(absent)}, which cannot be imported"
        return _judged(plugin, Status.missing_dependency, reason, f"pip install {' '.join(absent)}")
    return plugin


def describe_problem(plugin: Plugin) -> str:
    """Why a plugin that is installed cannot be used, and what to do."""
    origin = " ".join(filter(None, (plugin.distribution, plugin.version)))
    source = f" (from {origin})" if origin else ""
    remedy = "" if plugin.remedy is None else f". {plugin.remedy}"
    return f"format {plugin.name!r}{source} is {plugin.status}: {plugin.reason}{remedy}"


def _judged(plugin: Plugin, status: Status, reason: str, remedy: str) -> Plugin:
    plugin.status, plugin.reason, plugin.remedy = status, reason, remedy
    return plugin


def _failed(plugin: Plugin, error: BaseException, reference: str) -> Plugin:
    own, absent = _root(reference), _absent_module(error)
    remedy = _remedy_for(error, plugin, own)
    if absent == "lamella":
        return _judged(plugin, Status.incompatible, f"wants another version of Lamella: {_told(error)}", remedy)
    if isinstance(error, ModuleNotFoundError) and absent not in ("", own):
        reason = f"needs {absent}, which cannot be imported"
        return _judged(plugin, Status.missing_dependency, reason, remedy)
    return _judged(plugin, Status.broken, f"fails while it is imported: {_told(error)}", remedy)


def _problems(name: str, declared: object) -> list[str]:
    if not isinstance(declared, FormatSpec):
        return [f"exports {type(declared).__name__}, expected a FormatSpec"]
    problems = [
        f"{part} is {type(getattr(declared, part)).__name__}, expected tuple"
        for part in ("api", "extensions", "signatures", "requires")
        if not isinstance(getattr(declared, part), tuple)
    ]
    if declared.target not in ("path", "object"):
        problems.append(f'target is {declared.target!r}, expected "path" or "object"')
    try:
        problems += declared.problems()
    except Exception as error:  # fields of any type can be in there
        return [f"its declaration cannot be checked: {_told(error)}"]
    if not problems and declared.name != name:
        problems.append(f"the entry point is named {name!r} but the format {declared.name!r}")
    return problems


def _is_compatible(api: tuple[int, int]) -> bool:
    return api[0] == API_VERSION[0] and api[1] <= API_VERSION[1]


def _incompatibility(api: tuple[int, int], plugin: Plugin) -> tuple[str, str]:
    theirs, ours = (".".join(map(str, version)) for version in (api, API_VERSION))
    outdated = plugin.distribution or plugin.name if api < API_VERSION else "lamella"
    reason = f"written for plugin API {theirs}, but this Lamella has plugin API {ours}"
    return reason, f"pip install --upgrade {outdated}"


def _is_importable(module: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def _imported(reference: str) -> Any:
    from importlib import import_module

    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


def _params(reference: str) -> type:
    from lamella.params.fields import describe

    cls: type = _imported(reference)
    describe(cls)
    return cls


def _root(reference: str) -> str:
    return reference.partition(":")[0].partition(".")[0].strip()


def _absent_module(error: BaseException) -> str:
    return _root(error.name or "") if isinstance(error, ImportError) else ""


def _remedy_for(error: BaseException, plugin: Plugin, own: str) -> str:
    absent = _absent_module(error)
    if absent == "lamella":
        return "pip install --upgrade lamella"
    if isinstance(error, ModuleNotFoundError) and absent not in ("", own):
        return f"pip install {absent}"
    return _reinstall(plugin)


def _reinstall(plugin: Plugin) -> str:
    silence = f"set LAMELLA_DISABLE_PLUGINS={plugin.name} to leave it out"
    if plugin.distribution is None:
        return silence[0].upper() + silence[1:]
    return f"pip install --upgrade --force-reinstall {plugin.distribution}, or {silence}"


def _tell_authors(plugin: Plugin) -> str:
    whom = plugin.distribution or plugin.entry_point
    return f"pip install --upgrade {whom}, or tell its authors" if plugin.distribution else f"Mend {whom}"


def _told(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it calls sys.exit({error.code!r})"
    text = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in text.split(",") if name.strip())
