"""What the kit adds to the command ``lamella``."""

from __future__ import annotations

from typing import Any

from lamella.plugins.hooks import hookimpl

__all__ = ["lamella_cli_commands"]


@hookimpl
def lamella_cli_commands(registry_of_commands: Any) -> None:
    """Add ``conformance``, ``fuzz``, ``mutants`` and ``new-format``."""
    for name, summary, module in COMMANDS:
        registry_of_commands.add(name, summary, module)


COMMANDS = (
    ("conformance", "check a format plugin, and say which level it reaches", "lamella_testkit.commands.conformance"),
    ("fuzz", "search for files that make a reader fail", "lamella_testkit.commands.fuzz"),
    (
        "mutants",
        "change a reader in small ways, and say what the kit does not notice",
        "lamella_testkit.commands.mutants",
    ),
    (
        "new-format",
        "make a new format plugin, complete and working, to begin with",
        "lamella_testkit.commands.new_format",
    ),
)
