"""Hooks with which any installed package takes part in what Lamella does.

A package declares an object (often a module) in the entry-point group ``lamella`` and marks functions of it::

    from lamella import hookimpl
    from lamella.cli import Finding

    api = (1, 0)  # the plugin API that the package was written for


    @hookimpl
    def lamella_doctor():
        return [Finding("gpu", "warning", "no GPU found", "pip install ...")]

Each implementation is called alone, in the order that ``tryfirst`` and ``trylast`` say. One that fails is logged and
left out; it never disturbs the others or the caller. Hook wrappers are refused: there is nothing that they could wrap.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lamella.errors import PluginError
from lamella.plugins.hookspecs import PROJECT, Finding, hook_problems, make_manager
from lamella.plugins.kinds import HOOKS
from lamella.plugins.plugin import Status
from lamella.plugins.registry import default_registry
from lamella.system.logs import logger_of

if TYPE_CHECKING:
    import pluggy

    from lamella.plugins.plugin import Plugin
    from lamella.plugins.registry import Registry

__all__ = ["Hooks", "hooks"]

_log = logger_of(__name__)


class Hooks:
    """The implementations of all hooks; finds and loads them when a hook is first called."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = default_registry() if registry is None else registry
        self._manager: pluggy.PluginManager | None = None
        self._failures: dict[str, str] = {}
        self._found: tuple[Plugin, ...] = ()
        self._installed: list[str] = []
        self._lock = threading.RLock()

    @property
    def failures(self) -> Mapping[str, str]:
        """What went wrong, by name of the package, while implementations were called."""
        return MappingProxyType(self._failures)

    def register(self, implementation: object, name: str | None = None) -> None:
        """Add the implementations of a module or object, as an installed package would.

        Raises
        ------
        PluginError
            If one of them cannot be called: a hook wrapper, an unknown hook, an argument that the hook does not have.
        ValueError
            If the object or the name is registered already.
        """
        problems = hook_problems(implementation)
        if problems:
            raise PluginError(f"these hooks cannot be registered: {'; '.join(problems)}")
        with self._lock:
            self._pluggy().register(implementation, name)

    def unregister(self, implementation: object) -> None:
        """Take an implementation out again."""
        self._pluggy().unregister(implementation)

    def lamella_cli_commands(self, registry_of_commands: object) -> None:
        """Let packages add commands to the command line."""
        self._call("lamella_cli_commands", registry_of_commands=registry_of_commands)

    def lamella_doctor(self) -> list[Finding]:
        """The findings of all packages, and what failed in the packages themselves."""
        answers = self._call("lamella_doctor")
        findings = [finding for answer in answers if isinstance(answer, list | tuple) for finding in answer]
        failed = [Finding(name, "error", text) for name, text in self._failures.items()]
        return [finding for finding in findings if isinstance(finding, Finding)] + failed

    def lamella_dataset_opened(self, dataset: object) -> None:
        """Tell packages about a data set that was just opened."""
        self._call("lamella_dataset_opened", dataset=dataset)

    def lamella_suggest_reader(self, path: Path) -> list[str]:
        """What packages know about who could read a file."""
        return [text for text in self._call("lamella_suggest_reader", path=path) if isinstance(text, str)]

    def _call(self, hook: str, **arguments: object) -> list[Any]:
        """The answers of all implementations that did not fail, in the order in which pluggy calls them."""
        with self._lock:
            self._update()
            implementations = [] if self._manager is None else getattr(self._manager.hook, hook).get_hookimpls()
        answers: list[Any] = []
        for implementation in reversed(implementations):
            try:
                answer = implementation.function(*(arguments[name] for name in implementation.argnames))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # an implementation may even call sys.exit
                self._note(implementation.plugin_name, f"{hook} fails", error)
            else:
                answers += [] if answer is None else [answer]
        return answers

    def _update(self) -> None:
        """Register the packages that the registry holds now, and drop those that it held before."""
        found = self._registry.plugins(HOOKS)
        if found is self._found:
            return
        self._found = found
        for name in self._installed:
            self._pluggy().unregister(name=name)
        self._installed = []
        for plugin in found:
            if plugin.status is Status.ok:
                self._add(plugin)

    def _add(self, plugin: Plugin) -> None:
        try:
            self._pluggy().register(plugin.declared, plugin.name)
        except Exception as error:  # a program has registered the same object already
            self._note(plugin.name, "cannot be registered", error)
        else:
            self._installed.append(plugin.name)

    def _note(self, name: str, what: str, error: BaseException) -> None:
        self._failures[name] = f"{what}: {type(error).__name__}: {error}"
        _log.warning("hooks of %s: %s", name, self._failures[name])

    def _pluggy(self) -> pluggy.PluginManager:
        if self._manager is None:
            self._manager = make_manager()
        return self._manager


@cache
def hooks() -> Hooks:
    """The hooks of the whole process."""
    return Hooks()


def __getattr__(name: str) -> Any:
    """``hookimpl``, the marker of implementations, which costs the import of pluggy."""
    if name != "hookimpl":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pluggy

    return pluggy.HookimplMarker(PROJECT)
