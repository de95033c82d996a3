"""Show which format a file has: all candidates, the evidence, why others were rejected, and what to install.

Of several files, or of a folder, the scans are listed with their format, shape and size.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lamella.cli.folders import add_recursive, is_several
from lamella.errors import DetectionError, FolderError
from lamella.opening.detect import detect
from lamella.plugins.registry import default_registry

if TYPE_CHECKING:
    from lamella.cli.console import Console

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the file."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="the file to look at; or several, or a folder")
    add_recursive(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Show the report; fails where no format would be chosen."""
    if is_several(args):
        from lamella.cli.several import list_scans

        args.format, args.parameters = None, {}
        try:
            return list_scans(args, console, lambda file, _: detect(file, default_registry()).to_json())
        except FolderError:
            if len(args.files) > 1:
                raise
    return _show_report(args.files[0], console)


def _show_report(file: str, console: Console) -> int:
    report = detect(file, default_registry())
    console.emit(report.to_json())
    console.say(*report.lines())
    try:
        winner = report.winner()
    except DetectionError as error:
        console.say("", str(error).rpartition("\n")[2])
        return 1
    console.say("", f"Opens as {winner.name}, by {winner.plugin.distribution} {winner.plugin.version or ''}".rstrip())
    return 0
