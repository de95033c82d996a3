"""Which commands there are, and what a module has to offer to be one."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from lamella.cli.console import Console

__all__ = ["Command", "CommandModule", "Commands"]


class CommandModule(Protocol):
    """What the module of a command offers.

    It may also set ``OPENS_DATA = True``: then the command takes a file and the parameters of its format, and
    `lamella.cli.open_data` opens what the user named. With ``NEEDS_DATA = False`` besides, the file may be left out;
    ``args.file`` is None then.
    """

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments of the command."""
        ...

    def run(self, args: argparse.Namespace, console: Console) -> int:
        """Do it; the result is the exit code."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """A command as the list of commands shows it.

    Parameters
    ----------
    name
        What the user types.
    summary
        One line for the list of commands.
    module
        Name of a module that offers what `CommandModule` says; imported when the command is asked for.
    """

    name: str
    summary: str
    module: str

    def load(self) -> CommandModule:
        """Import the module."""
        return cast("CommandModule", import_module(self.module))


class Commands:
    """Commands by name. Packages add theirs by the hook ``lamella_cli_commands``; the first of a name stays."""

    def __init__(self, commands: tuple[Command, ...] = ()) -> None:
        self._commands = {command.name: command for command in commands}

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def add(self, name: str, summary: str, module: str) -> None:
        """Add a command.

        Parameters
        ----------
        name
            What the user types.
        summary
            One line for the list of commands.
        module
            Name of a module that offers what `CommandModule` says.

        Raises
        ------
        ValueError
            If there is such a command.
        """
        if name in self._commands:
            raise ValueError(f"there is a command {name!r} already: {self._commands[name].module}")
        self._commands[name] = Command(name, summary, module)

    def get(self, name: str) -> Command | None:
        """Give a command, or None."""
        return self._commands.get(name)
