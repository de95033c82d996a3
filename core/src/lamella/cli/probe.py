"""Which format a file has: every candidate, the evidence, why others were rejected, and what to install."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lamella.errors import DetectionError
from lamella.opening.detect import detect
from lamella.plugins.registry import default_registry

if TYPE_CHECKING:
    from lamella.cli.console import Console

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the file."""
    parser.add_argument("file", metavar="FILE", help="the file to look at")


def run(args: argparse.Namespace, console: Console) -> int:
    """Show the report; fails where no format would be chosen."""
    report = detect(args.file, default_registry())
    console.emit(report.to_json())
    console.say(*report.lines())
    try:
        winner = report.winner()
    except DetectionError as error:
        console.say("", str(error).rpartition("\n")[2])
        return 1
    console.say("", f"Opens as {winner.name}, by {winner.plugin.distribution} {winner.plugin.version or ''}".rstrip())
    return 0
