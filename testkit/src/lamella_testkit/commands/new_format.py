"""Begin a new format plugin: a complete distribution around a working format, which passes the checks at once.

Then replace that format by yours, step by step, and run the checks after each step.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lamella_testkit.scaffold import KINDS, new_format

if TYPE_CHECKING:
    from lamella.cli.console import Console

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the name and the options."""
    parser.add_argument("name", metavar="NAME", help="name of the format: lower-case letters, digits, underscores")
    parser.add_argument(
        "--kind",
        choices=KINDS,
        default=KINDS[0],
        help="linear: positions of frames can be computed; procedural: only code can find them [default: linear]",
    )
    parser.add_argument("--directory", type=Path, help="where to write it [default: lamella-NAME]")
    parser.add_argument("--author", default="its authors", help="who wrote it, for the licence")


def run(args: argparse.Namespace, console: Console) -> int:
    """Write the files."""
    from lamella.cli.parser import UsageError

    directory = args.directory or Path(f"lamella-{args.name.replace('_', '-')}")
    try:
        written = new_format(args.name, directory, kind=args.kind, author=args.author)
    except ValueError as error:
        raise UsageError(str(error), see="lamella new-format --help") from None
    console.emit({"directory": directory, "files": written})
    for path in written:
        console.say(f"  {path}")
    console.say()
    console.say("Next:")
    console.say(f'  pip install -e "{directory}[test]"')
    console.say(f"  pytest {directory}")
    console.say(f"  lamella conformance {args.name}")
    return 0
