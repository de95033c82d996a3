"""Argument parsers whose mistakes are exceptions, so that they can be told in one way."""

from __future__ import annotations

import argparse
from typing import NoReturn

__all__ = ["Parser", "UsageError"]


class UsageError(Exception):
    """The command line cannot be understood; the exit code is 2.

    Parameters
    ----------
    message
        What is wrong.
    see
        The command that shows help.
    """

    def __init__(self, message: str, *, see: str = "lamella --help") -> None:
        super().__init__(message)
        self.see = see


class Parser(argparse.ArgumentParser):
    """A parser that raises `UsageError`, takes no abbreviations and keeps the lines of descriptions."""

    def __init__(self, prog: str, description: str = "", epilog: str = "", *, add_help: bool = True) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            add_help=add_help,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """Raise instead of leaving the process."""
        raise UsageError(message, see=f"{self.prog} --help")
