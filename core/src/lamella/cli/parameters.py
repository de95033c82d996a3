"""The file that a command opens, and the parameters of its format as options.

Which options there are depends on the format, and the format may have to be found out from the file. So the command
line is read twice: leniently, knowing the options of every format, to learn file and format; then strictly, with the
options of that one format.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from lamella.cli.parser import Parser, UsageError
from lamella.errors import DetectionError, PluginError
from lamella.params.schema import cli_options
from lamella.params.validate import CommonParams, common_names
from lamella.plugins.registry import default_registry

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.params.schema import CliOption

__all__ = ["add_data", "open_data", "parse"]

_MARK = "parameter "  # begins the destination of a format's option, so that it meets no other argument


class Builder(Protocol):
    """Makes the parser of a command, without the options of a format."""

    def __call__(self, *, add_help: bool = True) -> Parser: ...


def add_data(parser: argparse.ArgumentParser, *, several: bool = False, needed: bool = True) -> None:
    """Add the file, or several, and the format."""
    if several:
        parser.add_argument(
            "files",
            nargs="+",
            metavar="FILE",
            help="the scan: a file, or several; files that are parts of one scan count once",
        )
    else:
        parser.add_argument(
            "file",
            nargs=None if needed else "?",
            metavar="FILE",
            help="the scan; of several files, the one that the format calls main",
        )
    parser.add_argument("--format", metavar="NAME", help="format of the file [default: detected]")


def open_data(args: argparse.Namespace) -> DataSet:
    """Open the file that the user named, with the parameters that were given.

    Parameters
    ----------
    args
        What ``run`` of a command gets; the module of the command says ``OPENS_DATA = True``.

    Raises
    ------
    LamellaError
        If the file cannot be opened, as `lamella.open` does.
    """
    from lamella.opening.open import open_dataset

    return open_dataset(args.format or "auto", args.file, args.parameters)


def parse(build: Builder, arguments: Sequence[str]) -> argparse.Namespace:
    """Read a command line; ``parameters`` of the result are those for opening the file."""
    parser = build()
    wants_help = any(argument in ("-h", "--help") for argument in arguments)
    chosen = _choose_format(build, arguments) if wants_help or _has_unknown(build, arguments) else None
    _add_options(parser, chosen)
    if chosen is None and wants_help:
        parser.epilog = "With FILE or --format, this help also lists the parameters of that format."
    args, unknown = parser.parse_known_args(arguments)
    if unknown:
        raise UsageError(*_complaint(unknown, parser, chosen), see=f"{parser.prog} --help")
    given = {key: value for key, value in vars(args).items() if key.startswith(_MARK)}
    for key in given:
        delattr(args, key)
    args.parameters = {key.removeprefix(_MARK): value for key, value in given.items()}
    return args


def _has_unknown(build: Builder, arguments: Sequence[str]) -> bool:
    parser = build(add_help=False)
    _add_options(parser, None)
    try:
        return bool(parser.parse_known_args(arguments)[1])
    except UsageError:
        return True


def _choose_format(build: Builder, arguments: Sequence[str]) -> str | None:
    """Find out for which format the options are meant: the one that is named, or the one that the file has."""
    parser = build(add_help=False)
    _loosen(parser)
    for owner, options in _each_format():
        for option in options.values():
            _add(parser, replace(option, parser=str), owner)
    for option in _common().values():
        _add(parser, option)
    try:
        args, _ = parser.parse_known_args([argument for argument in arguments if argument not in ("-h", "--help")])
    except UsageError:
        return None
    if args.format is not None:
        return str(default_registry().get(args.format).name)
    files = vars(args).get("files") or [vars(args).get("file")]
    return _detected(files[0]) if files[0] else None


def _detected(file: str) -> str | None:
    from lamella.opening.detect import detect

    try:
        return detect(file, default_registry(), hints=False).winner().name
    except (DetectionError, OSError):
        return None


def _loosen(parser: argparse.ArgumentParser) -> None:
    """Let every positional argument be absent."""
    for action in parser._actions:
        action.required = False
        if not action.option_strings and action.nargs in (None, "+"):
            action.nargs = "?" if action.nargs is None else "*"


def _common() -> dict[str, CliOption]:
    return {option.name: option for option in cli_options(CommonParams)}


def _options_of(format: str) -> dict[str, CliOption]:
    return {option.name: option for option in cli_options(default_registry().get(format).params_class())}


def _each_format() -> Iterator[tuple[str, dict[str, CliOption]]]:
    """Give the options of every format whose plugin can be used."""
    for plugin in default_registry().usable():
        try:
            yield plugin.name, _options_of(plugin.name)
        except PluginError:
            continue


def _add_options(parser: Parser, format: str | None) -> None:
    own = {} if format is None else _options_of(format)
    if own:
        group = parser.add_argument_group(f"parameters of format {format}")
        for option in own.values():
            _add(group, option, format)
    group = parser.add_argument_group("parameters of every format")
    for name, option in _common().items():
        if name not in own:
            _add(group, option)


def _add(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup, option: CliOption, owner: str | None = None
) -> None:
    """Add an option; one whose name is taken gets the name of the format that owns it in front."""
    marked = replace(option, name=_MARK + option.name)
    try:
        marked.add_to(parser)
    except argparse.ArgumentError:
        if owner is not None:
            replace(marked, flag=f"--{owner}-{option.flag.removeprefix('--')}").add_to(parser)


def _complaint(unknown: Sequence[str], parser: argparse.ArgumentParser, format: str | None) -> list[str]:
    flags = [text.partition("=")[0] for text in unknown if text.startswith("-") and text != "-"]
    if not flags:
        return [f"not understood: {' '.join(unknown)}"]
    owners = _owners()
    return [_complaint_about(flag, parser, format, owners) for flag in flags]


def _complaint_about(
    flag: str, parser: argparse.ArgumentParser, format: str | None, owners: Mapping[str, Sequence[str]]
) -> str:
    if flag in owners and format is None:
        return (
            f"{flag} is a parameter of {_either(owners[flag])}, and the format of the file could not be determined: "
            f"name it by --format"
        )
    if flag in owners:
        return f"{flag} is a parameter of {_either(owners[flag])}, and not of {format!r}"
    from difflib import get_close_matches

    known = [known for action in parser._actions for known in action.option_strings]
    close = get_close_matches(flag, [*known, *owners], n=1)
    if not close:
        return f"there is no option {flag}"
    whose = f", a parameter of {_either(owners[close[0]])}" if close[0] not in known else ""
    return f"there is no option {flag}; did you mean {close[0]}{whose}?"


def _owners() -> Mapping[str, Sequence[str]]:
    """Which formats know an option."""
    owners: dict[str, list[str]] = {}
    for owner, options in _each_format():
        for name, option in options.items():
            if name not in common_names:
                owners.setdefault(option.flag, []).append(owner)
    return owners


def _either(names: Sequence[str]) -> str:
    return "format " + " or ".join(repr(name) for name in names)
