"""From the command line to an exit code: find the command, run it, tell what went wrong."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import lamella
from lamella.cli.commands import Command, Commands
from lamella.cli.console import Console
from lamella.cli.failures import error_facts, error_lines
from lamella.cli.parser import Parser, UsageError
from lamella.errors import LamellaWarning
from lamella.system.text import LINE, made_printable, printable

__all__ = ["BUILTIN", "FAILED", "INTERRUPTED", "OK", "WRONG_USAGE", "main", "parser_of"]

OK, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: success; a problem with the data or the installation; with the command line; Ctrl-C."""

BUILTIN = (
    Command("demo", "make a synthetic scan, compute images of it, write a picture", "lamella.cli.demo"),
    Command("info", "show what a data set is: shape, axes, metadata; list the scans of a folder", "lamella.cli.info"),
    Command("probe", "show which format a file has, and why", "lamella.cli.probe"),
    Command("run", "compute images and patterns in one pass over each file", "lamella.cli.run"),
    Command("report", "write a page about a scan, or a contact sheet of a folder", "lamella.cli.report"),
    Command("export", "write a data set as an array file", "lamella.cli.export"),
    Command("formats", "list the installed formats, show one with its parameters, or search", "lamella.cli.formats"),
    Command("doctor", "check the installation and its plugins", "lamella.cli.doctor"),
    Command("warm", "compile now what long runs need", "lamella.cli.warm"),
)
"""The commands of the core, in the order in which they are listed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        Arguments without the program; those of the process by default.

    Returns
    -------
    int
        The exit code: 0 success, 1 a problem with data or installation, 2 wrong usage, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    console = Console(as_json="--json" in arguments)
    try:
        with _warnings_told(console):
            return _dispatch(arguments, console)
    except SystemExit as leaving:  # argparse, after --help and --version
        return leaving.code if isinstance(leaving.code, int) else OK
    except KeyboardInterrupt:
        console.complain("lamella: interrupted")
        return INTERRUPTED
    except UsageError as error:
        _tell(error, console)
        return WRONG_USAGE
    except Exception as error:
        if _is_closed_pipe(error):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit is silent
            return FAILED
        if "--traceback" in arguments:
            console.complain(*_traceback(error))
        _tell(error, console)
        return FAILED


def _is_closed_pipe(error: Exception) -> bool:
    """Whether the program that reads the output has ended; Windows says that an argument is invalid."""
    if sys.platform == "win32" and isinstance(error, OSError) and error.errno == errno.EINVAL:
        return error.filename is None
    return isinstance(error, BrokenPipeError)


def _dispatch(arguments: list[str], console: Console) -> int:
    commands = Commands(BUILTIN)
    if not arguments or arguments[0].startswith("-"):
        _add_from_plugins(commands)
        _top_level(commands).parse_args(arguments or ["--help"])
        raise UsageError("a command must come first")
    name, rest = arguments[0], arguments[1:]
    command = commands.get(name)
    if command is None:
        _add_from_plugins(commands)
        command = commands.get(name)
    if command is None:
        raise UsageError(*_unknown(name, commands))
    return _run(command, rest, console)


def _run(command: Command, arguments: list[str], console: Console) -> int:
    module = command.load()
    if not getattr(module, "OPENS_DATA", False):
        return module.run(parser_of(command).parse_args(arguments), console)
    from lamella.cli.parameters import parse

    return module.run(parse(partial(parser_of, command), arguments), console)


def parser_of(command: Command, *, add_help: bool = True) -> Parser:
    """Give the parser of a command, without the parameters of a format."""
    module = command.load()
    parser = Parser(f"lamella {command.name}", module.__doc__ or command.summary, add_help=add_help)
    if getattr(module, "OPENS_DATA", False):
        from lamella.cli.parameters import add_data

        several, needed = getattr(module, "TAKES_SEVERAL", False), getattr(module, "NEEDS_DATA", True)
        add_data(parser, several=several, needed=needed)
    module.configure(parser)
    parser.add_argument("--json", action="store_true", help="write JSON for other programs")
    parser.add_argument("--traceback", action="store_true", help="show where in the code an error came from")
    return parser


def _top_level(commands: Commands) -> Parser:
    width = max(len(command.name) for command in commands)
    listed = "\n".join(f"  {command.name:<{width}}  {command.summary}" for command in commands)
    parser = Parser(
        "lamella",
        "Opens 4D-STEM scans of any size, from any detector, and streams them through computations.",
        f"commands:\n{listed}\n\nlamella COMMAND --help shows the options of a command.",
    )
    parser.usage = "lamella COMMAND ..."
    parser.add_argument("--version", action="version", version=f"lamella {lamella.__version__}")
    return parser


def _add_from_plugins(commands: Commands) -> None:
    from lamella.plugins.hooks import hooks

    hooks().lamella_cli_commands(commands)


def _unknown(name: str, commands: Commands) -> list[str]:
    from difflib import get_close_matches

    from lamella.plugins.kinds import HOOKS
    from lamella.plugins.known import COMMANDS
    from lamella.plugins.plugin import Status, describe_problem
    from lamella.plugins.registry import default_registry

    close = get_close_matches(name, [*(command.name for command in commands), *COMMANDS], n=1)
    text = f"no command is called {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")
    if name in COMMANDS:
        text = f"the command {name!r} is not installed: pip install {COMMANDS[name]}"
    silent = [plugin for plugin in default_registry().plugins(HOOKS) if plugin.status is not Status.ok]
    return [text, *(f"a package that may bring it cannot be used: {describe_problem(plugin)}" for plugin in silent)]


@contextmanager
def _warnings_told(console: Console) -> Iterator[None]:
    """Tell a warning about data in one line; leave others as they are."""
    with warnings.catch_warnings():
        otherwise = warnings.showwarning

        def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, LamellaWarning):
                from lamella.cli.optionnames import with_options
                from lamella.system.words import with_shapes

                console.complain(f"lamella: warning: {with_shapes(with_options(str(message)))}")
            else:
                otherwise(printable(message, LINE), category, *where, **more)

        warnings.showwarning = show
        warnings.simplefilter("always", LamellaWarning)
        yield


def _tell(error: Exception, console: Console) -> None:
    if console.as_json:
        with suppress(OSError):  # where nothing can be written, standard error tells
            console.emit({"error": error_facts(error)})
            return
    first, *others = error_lines(error)
    console.complain(f"lamella: {first}", *others)
    if isinstance(error, UsageError):
        console.complain(f"{error.see} says more")


def _traceback(error: Exception) -> list[str]:
    import traceback

    return "".join(traceback.format_exception(made_printable(error))).rstrip().split("\n")
