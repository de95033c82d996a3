"""Hooks with which any installed package takes part in what Lamella does.

A package declares an object (often a module) in the entry-point group ``lamella`` and marks functions of it::

    from lamella.plugins.hooks import hookimpl


    @hookimpl
    def lamella_doctor():
        return [Finding("gpu", "warning", "no GPU found", "pip install ...")]

An implementation that fails is logged and left out; it never disturbs the others or the caller.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from lamella.plugins.entrypoints import named_entry_points

if TYPE_CHECKING:
    import pluggy
    from importlib_metadata import EntryPoint


__all__ = ["GROUP", "Finding", "Hooks", "hooks"]

_log = logging.getLogger(__name__)

PROJECT = "lamella"
"""The name under which pluggy knows the hooks."""

GROUP = "lamella"
"""The entry-point group of packages that implement hooks."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that ``lamella doctor`` has to say."""

    subject: str
    level: Literal["ok", "info", "warning", "error"]
    message: str
    remedy: str | None = None


class HookSpecs:
    """The hooks that a package may implement; it may leave out arguments that it does not use."""

    def lamella_cli_commands(self, registry_of_commands: Any) -> None:
        """Add commands to the command line."""

    def lamella_doctor(self) -> list[Finding]:  # type: ignore[empty-body]
        """Findings about the installation and the machine."""

    def lamella_dataset_opened(self, dataset: Any) -> None:
        """Hear of a `lamella.DataSet` that was just opened."""

    def lamella_suggest_reader(self, path: Path) -> str | None:
        """Say in one sentence what could read a file that no installed format recognises."""


class Hooks:
    """The implementations of all hooks; finds and loads them when a hook is first called."""

    def __init__(self) -> None:
        self._manager: pluggy.PluginManager | None = None
        self._failures: dict[str, str] = {}
        self._is_loaded = False

    @property
    def failures(self) -> Mapping[str, str]:
        """What went wrong, by name of the plugin, while implementations were loaded and called."""
        return MappingProxyType(self._failures)

    def register(self, implementation: object, name: str | None = None) -> None:
        """Add the implementations of a module or object, as an installed package would.

        Raises
        ------
        Exception
            Whatever pluggy says about implementations that do not fit.
        """
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
        self._load_once()
        if self._manager is None:
            return []
        answers: list[Any] = []
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        plugins = self._manager.get_plugins()
        for plugin in dict.fromkeys(implementation.plugin for implementation in reversed(implementations)):
            alone = self._manager.subset_hook_caller(hook, [other for other in plugins if other is not plugin])
            try:
                answers += alone(**arguments)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # an implementation may even call sys.exit
                self._note(self._manager.get_name(plugin) or repr(plugin), f"{hook} fails", error)
        return answers

    def _load_once(self) -> None:
        if self._is_loaded:
            return
        self._is_loaded = True
        disabled = os.environ.get("LAMELLA_DISABLE_PLUGINS", "").split(",")
        for name, entry_point in named_entry_points(GROUP).items():
            if name not in (other.strip() for other in disabled):
                self._load(name, entry_point)

    def _load(self, name: str, entry_point: EntryPoint) -> None:
        try:
            self._pluggy().register(entry_point.load(), name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # importing a plugin may even call sys.exit
            self._note(name, "cannot be loaded", error)

    def _note(self, name: str, what: str, error: BaseException) -> None:
        self._failures[name] = f"{what}: {type(error).__name__}: {error}"
        _log.warning("hooks of %s: %s", name, self._failures[name])

    def _pluggy(self) -> pluggy.PluginManager:
        if self._manager is None:
            self._manager = _manager()
        return self._manager


@cache
def hooks() -> Hooks:
    """The hooks of the whole process."""
    return Hooks()


def _manager() -> pluggy.PluginManager:
    import pluggy

    marker = pluggy.HookspecMarker(PROJECT)
    for name, specification in vars(HookSpecs).items():
        if name.startswith("lamella_"):
            marker(specification)
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(HookSpecs)
    return manager


def __getattr__(name: str) -> Any:
    """``hookimpl``, the marker of implementations, which costs the import of pluggy."""
    if name != "hookimpl":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pluggy

    return pluggy.HookimplMarker(PROJECT)
