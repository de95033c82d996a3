"""The hooks that there are, and what is wrong with implementations of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    import pluggy

__all__ = ["PROJECT", "Finding", "HookSpecs", "hook_problems", "make_manager"]

PROJECT = "lamella"
"""The name under which pluggy knows the hooks."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that ``lamella doctor`` has to say.

    Parameters
    ----------
    subject
        What it is about, in a word or two.
    level
        How bad it is; an ``"error"`` makes the exit code of the command 1.
    message
        What was found.
    remedy
        What the user can do.
    """

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


def make_manager() -> pluggy.PluginManager:
    """Give a new manager that knows the hooks and no implementation."""
    import pluggy

    marker = pluggy.HookspecMarker(PROJECT)
    for name, specification in vars(HookSpecs).items():
        if name.startswith("lamella_"):
            marker(specification)
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(HookSpecs)
    return manager


def hook_problems(implementation: object) -> list[str]:
    """Say what is wrong with the hook implementations of a module or object; nothing where all can be called."""
    import pluggy

    manager = make_manager()
    problems = list(_unsuitable(implementation, manager))
    if not isinstance(implementation, ModuleType) and not _implements(implementation, manager):
        problems.append(
            f"exports {type(implementation).__name__}, expected something with functions marked by hookimpl"
        )
    if problems:
        return problems
    try:
        manager.register(implementation)
    except pluggy.PluginValidationError as error:
        return [" ".join(str(error).split())]
    return []


def _unsuitable(implementation: object, manager: pluggy.PluginManager) -> Iterator[str]:
    known = [name for name in vars(HookSpecs) if name.startswith("lamella_")]
    for name in dir(implementation):
        if isinstance(manager.parse_hookspec_opts(cast("ModuleType", implementation), name), dict):
            yield f"{name} declares a hook of its own, which nothing calls; implement one of {', '.join(known)}"
        options = manager.parse_hookimpl_opts(implementation, name)
        if options is None:
            continue
        hook = options.get("specname") or name
        if hook not in known and not options.get("optionalhook"):
            yield f"{name}: there is no hook {hook!r}{_closest(hook, known)}"
        used = [option for option in ("wrapper", "hookwrapper") if options.get(option)]
        if used:
            yield (
                f"{name} is a hook wrapper ({used[0]}=True), which Lamella does not call: each implementation is "
                "called alone; write an ordinary one, with tryfirst=True or trylast=True where the order matters"
            )


def _implements(implementation: object, manager: pluggy.PluginManager) -> bool:
    return any(manager.parse_hookimpl_opts(implementation, name) is not None for name in dir(implementation))


def _closest(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)}"
