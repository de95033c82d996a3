"""Commands over several files or a folder: a scan in several files counts once, and a bad file is one row."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from lamella.cli.console import Console
from lamella.cli.failures import error_facts, error_line, error_lines
from lamella.cli.folders import expand_patterns, is_plain_folder
from lamella.cli.optionnames import needed_options
from lamella.cli.parameters import open_data
from lamella.cli.parser import UsageError
from lamella.dataset.repr import size_text
from lamella.errors import NoFormatError, ParameterError
from lamella.format import Capability
from lamella.opening.detect import ask, detect
from lamella.opening.scans import FolderContents, FoundScan, contents_below, scans_among
from lamella.plugins.registry import default_registry
from lamella.reader.probe import Probe
from lamella.system.words import counted, shape_text

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet

__all__ = ["found_scans", "is_well", "list_scans", "run_each"]

T = TypeVar("T")

Facts = Mapping[str, Any]
_HEADINGS = ("file", "format", "scan", "detector", "dtype", "size")
_MOST_ROWS = 1000
_SEE = "lamella run --help"


def list_scans(
    args: argparse.Namespace, console: Console, describe: Callable[[str, DataSet], Mapping[str, Any]]
) -> int:
    """List the scans among the files and in the folders that were named.

    Parameters
    ----------
    args
        What the command was given: ``files``, ``recursive``, and what `open_data` needs.
    console
        Where to write.
    describe
        Gives what a program is told of a scan: gets the file and its data set.

    Returns
    -------
    int
        The exit code: 0 if every scan can be opened.
    """
    found: list[FoundScan[Facts]] = []
    named = [file for file in args.files if not is_plain_folder(file, getattr(args, "format", None))]
    folders = [file for file in args.files if file not in named]
    if named:
        found += _scans(args, console, named, describe, named=True)
        _show("", found, None, console)
    for folder in folders:
        found += _list_folder(args, console, folder, describe)
    console.emit([_json(one) for one in found])
    return 0 if found and all(is_well(one, named) for one in found) else 1


def is_well(one: FoundScan[Any], named: Sequence[str]) -> bool:
    """Whether a file can be opened; data in a folder that need parameters are no failure."""
    return one.error is None or (one.file not in named and _needs_options(one))


def _needs_options(one: FoundScan[Any]) -> bool:
    return isinstance(one.error, ParameterError) and bool(needed_options(one.error))


def _list_folder(
    args: argparse.Namespace, console: Console, folder: str, describe: Callable[[str, DataSet], Mapping[str, Any]]
) -> list[FoundScan[Facts]]:
    contents = _contents(args, folder)
    found = _scans(args, console, contents.files, describe, named=False)
    if not found and contents.files and len(args.files) == 1:
        detect(folder, default_registry()).winner()  # an error that says what the folder holds instead
    _show(folder, found, contents, console)
    return found


def _contents(args: argparse.Namespace, folder: str) -> FolderContents:
    return contents_below(folder, recursive=args.recursive, is_scan=_folder_test(args))


def _folder_test(args: argparse.Namespace) -> Callable[[str], bool] | None:
    """Give what tells folders that are scans; None if no installed format opens folders."""
    specs = [plugin.spec for plugin in default_registry().usable()]
    if not any(spec is not None and Capability.DIRECTORY in spec.capabilities for spec in specs):
        return None
    return lambda folder: not is_plain_folder(folder, args.format)


def _scans(
    args: argparse.Namespace,
    console: Console,
    files: Sequence[str],
    describe: Callable[[str, DataSet], Mapping[str, Any]],
    *,
    named: bool,
) -> list[FoundScan[Facts]]:
    def facts(file: str, dataset: DataSet) -> Facts:
        return describe(file, dataset) if console.as_json else _row(dataset)

    return list(scans_among(files, _opener(args, named=named), facts, named=named, registry=default_registry()))


def found_scans(args: argparse.Namespace, facts: Callable[[str, DataSet], T]) -> tuple[list[FoundScan[T]], list[str]]:
    """Give the scans in a folder, or among several files, and lines about what else the folder holds.

    Parameters
    ----------
    args
        What the command was given: ``files``, ``recursive``, and what `open_data` needs.
    facts
        Gives what is wanted of each scan: gets the file and its data set.
    """
    contents = _contents(args, args.files[0]) if len(args.files) == 1 else None
    named = contents is None
    files = args.files if contents is None else contents.files
    found = list(scans_among(files, _opener(args, named=named), facts, named=named, registry=default_registry()))
    return found, _rest(found, contents)


def _opener(args: argparse.Namespace, *, named: bool = True) -> Callable[[str], DataSet]:
    def opened(file: str) -> DataSet:
        if (
            not named
            and args.format is not None
            and not ask(default_registry().get(args.format), Probe.of(file)).eligible
        ):
            raise NoFormatError(f"format {args.format!r} does not recognise {file}")
        return open_data(_with_file(args, file))

    return opened


def _row(dataset: DataSet) -> Facts:
    """Give the cells of a table; a data set itself would hold much more memory."""
    nav, sig = shape_text(dataset.shape.nav), shape_text(dataset.shape.sig)
    return dict(
        zip(_HEADINGS[1:], (dataset.format, nav, sig, str(dataset.dtype), size_text(dataset.nbytes)), strict=True)
    )


def _json(one: FoundScan[Facts]) -> dict[str, Any]:
    if one.error is not None:
        return {"file": one.file, "error": error_facts(one.error)}
    return {"file": one.file, "parts": list(one.parts), **(one.facts or {})}


def _show(folder: str, found: Sequence[FoundScan[Facts]], contents: FolderContents | None, console: Console) -> None:
    scans = [one for one in found if one.facts is not None]
    if contents is not None:
        console.say(f"{folder}: {counted(len(scans), 'scan', zero='no')}")
    if scans and not console.as_json:
        rows = [(_name(one, folder), *(one.facts or {}).values()) for one in scans[:_MOST_ROWS]]
        console.table(_HEADINGS, rows)
    if len(scans) > _MOST_ROWS:
        console.say(f"… and {len(scans) - _MOST_ROWS} more scans")
    bad = [one for one in found if one.error is not None]
    lacking = [one for one in bad if _needs_options(one)]
    for title, group in (("need options", lacking), ("cannot be opened", [one for one in bad if one not in lacking])):
        if group:
            console.say("", title)
            facts = [
                (f"  {_name(one, folder)}", error_line(one.error, one.file)) for one in group[:_MOST_ROWS] if one.error
            ]
            console.facts(facts)
    for line in _rest(found, contents):
        console.say(line)


def _rest(found: Sequence[FoundScan[Any]], contents: FolderContents | None) -> list[str]:
    """Say what a folder holds besides."""
    if contents is None:
        return []
    others = len(contents.files) - sum(1 + len(one.parts) for one in found)
    lines = [f"{counted(others, 'other file')}: settings of these scans, or no scans"] if others > 0 else []
    if contents.left_out:
        lines.append(f"{counted(contents.left_out, 'file')} not looked at; name those that you want")
    if contents.folders:
        lines.append(f"{counted(contents.folders, 'folder')} below not searched; --recursive searches them")
    return ["", *lines] if lines else []


def _name(one: FoundScan[Any], folder: str) -> str:
    name = os.path.relpath(one.file, folder) if folder else one.file
    return f"{name} and {len(one.parts)} more" if one.parts else name


def run_each(run_one: Callable[[argparse.Namespace, Console], int], args: argparse.Namespace, console: Console) -> int:
    """Run a command on each scan among the files that were named, also after one that fails.

    Parameters
    ----------
    run_one
        Does it for one file, as ``args.file``; emits the result, with its ``folder``, and gives an exit code.
    args
        What the command was given, with ``files``.
    console
        Where to write: a table at the end, or a list of all results for a program.

    Returns
    -------
    int
        The exit code: 0 only if all went well; 2 if the command line makes sense for no file.
    """
    expand_patterns(args)
    if len(args.files) == 1:
        return run_one(_with_file(args, args.files[0]), console)
    found = list(scans_among(args.files, _opener(args), lambda *_: (), named=True, registry=default_registry()))
    if len(found) > 1 and getattr(args, "out", None) is not None:
        raise UsageError(f"--out is for the results of one scan, and these are {len(found)}: leave it out", see=_SEE)
    results: list[dict[str, Any]] = []
    rows: list[tuple[str, str]] = []
    failed: list[Exception | None] = []
    for one in found:
        into = _Kept(console)
        try:
            code = run_one(_with_file(args, one.file), into)
        except BrokenPipeError:
            raise
        except Exception as error:
            failed.append(error)
            _complain(error, one.file, console)
            results.append({"file": one.file, "error": error_facts(error)})
            rows.append((_name(one, ""), f"error: {error_line(error, one.file)}"))
        else:
            results.append({"file": one.file, "parts": list(one.parts), **into.data})
            rows.append((_name(one, ""), str(into.data.get("folder", "")) if code == 0 else "error"))
            console.say("")
            failed += [None] if code else []
    console.table(("file", "results"), rows)
    console.emit(results)
    if len(failed) == len(found) and all(isinstance(error, UsageError) for error in failed):
        return 2  # the command line fits no file
    return 1 if failed else 0


def _with_file(args: argparse.Namespace, file: str) -> argparse.Namespace:
    return argparse.Namespace(**(vars(args) | {"file": file}))


def _complain(error: Exception, file: str, console: Console) -> None:
    if not console.as_json:
        first, *others = error_lines(error)
        console.complain(f"lamella: {first}" if file in first else f"lamella: {file}: {first}", *others)


class _Kept(Console):
    """The console of one of several files: what would be emitted is kept."""

    def __init__(self, outer: Console) -> None:
        super().__init__(as_json=outer.as_json, out=outer._out, err=outer._err)
        self.data: dict[str, Any] = {}

    def emit(self, data: object) -> None:
        if isinstance(data, dict):
            self.data = data
