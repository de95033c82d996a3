"""What the package adds to the command ``lamella``."""

from __future__ import annotations

from typing import Any

from lamella import hookimpl

__all__ = ["lamella_cli_commands"]


@hookimpl
def lamella_cli_commands(registry_of_commands: Any) -> None:
    """Add ``gui``."""
    registry_of_commands.add("gui", "look at scans in the browser", "lamella_gui.command")
