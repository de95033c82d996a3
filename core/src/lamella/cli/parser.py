"""Argument parsers whose mistakes are exceptions, so that they can be told in one way."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from lamella.cli.console import write_text
from lamella.system.text import LINE, PrintableError, printable

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

__all__ = ["Parser", "UsageError"]


class UsageError(PrintableError):
    """The command line cannot be understood; the exit code is 2.

    Parameters
    ----------
    *lines
        What is wrong, one line each.
    see
        The command that shows help.
    """

    def __init__(self, *lines: str, see: str = "lamella --help") -> None:
        super().__init__(*lines)
        self.see = see


class Parser(argparse.ArgumentParser):
    """A parser that raises `UsageError`, takes no abbreviations and keeps the lines of descriptions."""

    def __init__(self, prog: str, description: str = "", epilog: str = "", *, add_help: bool = True) -> None:
        plain: dict[str, Any] = {"color": False} if sys.version_info >= (3, 14) else {}
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            add_help=add_help,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **plain,
        )
        self._negative_number_matcher = re.compile(r"-\.?\d")  # as from Python 3.14 on: -2:,3 is a value, no option

    def error(self, message: str) -> NoReturn:
        """Raise instead of leaving the process."""
        raise UsageError(message, see=f"{self.prog} --help")

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        if message:
            lines = [printable(line, LINE) for line in message.split("\n")]
            write_text("\n".join(lines), sys.stderr if file is None else file)
