"""The command ``lamella``: one module per command, imported when that command is asked for."""

from __future__ import annotations

from lamella.cli.app import main

__all__ = ["main"]
