"""The finder: modules named ``libertem…`` that exist in memory only, and take their names from Lamella."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from lamella.errors import PluginError
from lamella_libertem.names import MODULES, instead_of

__all__ = ["AbsentName", "Answer", "Finder", "answer", "install", "uninstall"]

ROOT = "libertem"
FOR_WORKERS = str(Path(__file__).parent / "path")


class AbsentName(PluginError, ModuleNotFoundError):
    """A name of LiberTEM that has no counterpart; the text says what to use instead."""


def install(replace: bool = False) -> None:
    """Let ``import libertem`` answer with Lamella in this process, and in the worker processes that it starts.

    Parameters
    ----------
    replace
        Also where the real package is installed, which is then out of sight until `uninstall`.

    Raises
    ------
    PluginError
        If the real package has been imported, or is installed and ``replace`` is false.
    """
    present = sys.modules.get(ROOT)
    if present is not None and not isinstance(present, Answer):
        raise PluginError(
            "the real libertem has been imported in this process: both cannot answer to one name. Start Python again, "
            "and call lamella_libertem.install(replace=True) before anything imports libertem"
        )
    if any(isinstance(finder, Finder) for finder in sys.meta_path):
        return
    if not replace and (found := _real()) is not None:
        raise PluginError(
            f"libertem is installed ({found.origin}): call lamella_libertem.install(replace=True) to use Lamella "
            "instead in this process, or uninstall the package"
        )
    sys.meta_path.insert(0, Finder())
    sys.path.insert(0 if replace else len(sys.path), FOR_WORKERS)


def uninstall() -> None:
    """Take back what `install` did; packages that were imported meanwhile keep the names that they took."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Finder)]
    sys.path[:] = [entry for entry in sys.path if entry != FOR_WORKERS]
    for name in [name for name, module in sys.modules.items() if isinstance(module, Answer)]:
        del sys.modules[name]


def answer(name: str) -> ModuleType:
    """Give the module that answers to a name, in a process where `install` was not called."""
    sys.modules.pop(name, None)
    install(replace=True)
    return importlib.import_module(name)


def _real() -> ModuleSpec | None:
    return PathFinder.find_spec(ROOT, [entry for entry in sys.path if entry != FOR_WORKERS])


class Answer(ModuleType):
    """A module of the table: names are looked up in Lamella when they are first asked for."""

    def __getattr__(self, name: str) -> Any:
        inner = f"{self.__name__}.{name}"
        if inner in MODULES:
            return importlib.import_module(inner)
        target = MODULES[self.__name__].get(name)
        if target is None and name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if target is None:
            text = instead_of(inner)
            raise AbsentName(f"{inner} has no counterpart in Lamella: {text}", name=inner)
        module, _, attribute = target.partition(":")
        value = getattr(importlib.import_module(module), attribute)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *MODULES[self.__name__]})


class Finder(MetaPathFinder, Loader):
    """Finds the modules of the table, and says of all others below ``libertem`` what to use instead."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Give the specification of a module of the table."""
        if fullname != ROOT and not fullname.startswith(f"{ROOT}."):
            return None
        if fullname not in MODULES:
            raise AbsentName(
                f"the module {fullname} has no counterpart in Lamella: {instead_of(fullname)}", name=fullname
            )
        return ModuleSpec(fullname, self, origin="lamella", is_package=True)  # so that it is asked for all below it

    def create_module(self, spec: ModuleSpec) -> Answer:
        """Give an empty module."""
        return Answer(spec.name, f"What LiberTEM has in {spec.name}, with the names of Lamella.")

    def exec_module(self, module: ModuleType) -> None:
        """Say which names it has; they are looked up later."""
        module.__dict__["__all__"] = sorted(MODULES[module.__name__])
