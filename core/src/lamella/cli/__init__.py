"""The command `lamella`, and the public module for authors of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.cli.app import main as main
    from lamella.cli.commands import Command as Command, CommandModule as CommandModule, Commands as Commands
    from lamella.cli.console import Console as Console
    from lamella.cli.parameters import open_data as open_data
    from lamella.cli.parser import UsageError as UsageError
    from lamella.plugins.hookspecs import Finding as Finding

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.cli.app": "main",
        "lamella.cli.commands": "Command CommandModule Commands",
        "lamella.cli.console": "Console",
        "lamella.cli.parser": "UsageError",
        "lamella.cli.parameters": "open_data",
        "lamella.plugins.hookspecs": "Finding",
    },
)
