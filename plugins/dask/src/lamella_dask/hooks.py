"""What lamella-dask adds to the command ``lamella``."""

from __future__ import annotations

from typing import Any

from lamella import hookimpl

__all__ = ["lamella_cli_commands"]


@hookimpl
def lamella_cli_commands(registry_of_commands: Any) -> None:
    """Add ``workers``."""
    registry_of_commands.add(
        "workers", "show the workers of a Dask cluster, and how fast they read a file", "lamella_dask.workerscommand"
    )
