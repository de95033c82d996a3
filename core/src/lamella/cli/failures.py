"""What a command says of an error: lines for a person, in words of the command line, and facts for a program."""

from __future__ import annotations

import os
from typing import Any

from lamella.cli.parser import UsageError
from lamella.errors import FormatError, ParameterError
from lamella.system.text import LINE, PrintableError, printable

__all__ = ["error_facts", "error_line", "error_lines"]


def error_lines(error: Exception) -> list[str]:
    """Give the text for a person, fit to be shown."""
    if isinstance(error, UsageError):
        return str(error).split("\n")
    from lamella.cli.optionnames import as_options, with_options

    if isinstance(error, ParameterError):
        error = as_options(error)
    text = str(error) if isinstance(error, PrintableError) else printable(_foreign_message(error), LINE)
    return with_options(text).split("\n")


def error_line(error: Exception, file: str = "") -> str:
    """Give the text for a person in one line, for a table; without the name of the file that the table gives."""
    line = _line(error)
    for name in (file, os.path.abspath(file)) if file else ():
        line = line.removeprefix(f"{printable(name)}: ")
    return line


def _line(error: Exception) -> str:
    if isinstance(error, ParameterError):
        from lamella.cli.optionnames import as_options, needed_options

        needed = needed_options(error)
        if needed:
            return f"needs {', '.join(needed)}"
        return "; ".join(problem.text for problem in as_options(error).problems)
    lines = error_lines(error)
    return "; ".join(lines) if len(lines) == 2 else lines[0]


def error_facts(error: Exception) -> dict[str, Any]:
    """Give the text and its parts for a program, complete."""
    message = error.message if isinstance(error, PrintableError) else _foreign_message(error)
    facts: dict[str, Any] = {"type": type(error).__name__, "message": message}
    if isinstance(error, ParameterError):
        facts["problems"] = [problem._asdict() for problem in error.problems]
    if isinstance(error, FormatError):
        facts |= {name: getattr(error, name) for name in ("path", "problem", "expected", "found", "remedy")}
    return facts


def _foreign_message(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, FileNotFoundError | FileExistsError | IsADirectoryError):
        return str(error)
    return f"{type(error).__name__}: {error} (--traceback shows where)"
