"""Write one HTML page about a scan for a lab notebook, or a contact sheet of a folder or of several files.

The page holds everything, pictures included: it can be sent and printed. It has no script, and no path of this
computer.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lamella.cli.failures import error_line
from lamella.cli.folders import add_recursive, is_several
from lamella.cli.parameters import open_data
from lamella.cli.parser import UsageError
from lamella.cli.reportpage import GENERATOR, Row, folder_page, row_of, scan_page
from lamella.cli.several import found_scans, is_well
from lamella.cli.withoutpaths import WithoutPaths
from lamella.errors import LamellaError, LamellaWarning
from lamella.export.atomic import written_at_once
from lamella.firstlook.look import first_look

if TYPE_CHECKING:
    from lamella.cli.console import Console
    from lamella.dataset.dataset import DataSet
    from lamella.firstlook.look import FirstLook

__all__ = ["OPENS_DATA", "TAKES_SEVERAL", "configure", "run"]

OPENS_DATA = True
TAKES_SEVERAL = True

_ENDINGS = (".html", ".htm")
_HEAD_NBYTES = 8 << 10
"""Bytes at the begin of a page that hold what it is of."""
_MOST_NAMES = 1000
_SEE = "lamella report --help"


@dataclass(frozen=True, slots=True)
class _Page:
    """A page to be, by the name of what it is of and a text that is the same for all pages of it."""

    name: str
    source: str


def configure(parser: argparse.ArgumentParser) -> None:
    """Add where to write."""
    parser.add_argument("--out", metavar="PAGE", help="the page to write; NAME-report.html in this folder by default")
    parser.add_argument("--force", action="store_true", help="replace PAGE, whatever it is")
    add_recursive(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Write the page; fails where a scan cannot be opened or looked at, with a page that says so."""
    several = is_several(args)
    page = _page_of(args.files)
    path = _place(args, page)
    failures: list[str] = []
    html = _contact_sheet(args, page, failures) if several else _scan(args, page, failures, console)
    with written_at_once(path) as partial:
        partial.write_text(html, encoding="utf-8")
    console.emit({"report": str(path), "failures": failures})
    console.say(f"report  {path}")
    for failure in failures:
        console.complain(f"lamella: {failure}")
    return 1 if failures else 0


def _page_of(files: list[str]) -> _Page:
    names = [os.path.realpath(file) if Path(file).exists() else file for file in files]
    source = hashlib.sha256("\n".join(names).encode(errors="surrogateescape")).hexdigest()[:32]
    return _Page(PurePosixPath(Path(names[0]).as_posix()).name or "scans" if len(names) == 1 else "scans", source)


def _place(args: argparse.Namespace, page: _Page) -> Path:
    """Give the file to write: nothing but an earlier page of the same scan is replaced, unless a user insists.

    Raises
    ------
    UsageError
        If the file that was named must not be replaced, or cannot be written.
    """
    if args.out is None:
        stem = page.name if Path(args.files[0]).is_dir() else PurePosixPath(page.name).stem
        return _free_place(f"{stem}-report", page)
    path = Path(args.out)
    if path.suffix.lower() not in _ENDINGS:
        raise UsageError(f"--out: a page ends with .html: {args.out}", see=_SEE)
    if path.is_dir() or not path.absolute().parent.is_dir():
        what = "is a folder" if path.is_dir() else "is in a folder that does not exist"
        raise UsageError(f"--out: {args.out} {what}", see=_SEE)
    if path.exists() and not args.force and not _is_page_of(path, page):
        raise UsageError(f"--out: {args.out} exists, and is not a report of this; --force replaces it", see=_SEE)
    return path


def _free_place(stem: str, page: _Page) -> Path:
    for number in range(1, _MOST_NAMES):
        path = Path(f"{stem}.html" if number == 1 else f"{stem}-{number}.html")
        if not os.path.lexists(path) or _is_page_of(path, page):
            return path
    raise UsageError(f"{stem}.html and {_MOST_NAMES} others exist; name another with --out", see=_SEE)


def _is_page_of(path: Path, page: _Page) -> bool:
    """Tell whether a file is an earlier page of the same scan."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD_NBYTES)
    marks = (f'name="generator" content="{GENERATOR}"', f'name="lamella-source" content="{page.source}"')
    return all(mark.encode() in head for mark in marks)


def _scan(args: argparse.Namespace, page: _Page, failures: list[str], console: Console) -> str:
    (file,) = args.files
    told: list[str] = []
    with _recorded(told):
        dataset = open_data(argparse.Namespace(**(vars(args) | {"file": file})))
        look = _look(dataset)
    for line in told:
        console.complain(f"lamella: warning: {line}")
    if isinstance(look, Exception):
        failures.append(f"no picture: {error_line(look)}")
    return scan_page(dataset, page.name, look, told, page.source, WithoutPaths.of(file, [dataset]))


def _look(dataset: DataSet) -> FirstLook | Exception:
    """Give the first look, or why there is none; then the page says so."""
    try:
        return first_look(dataset)
    except (LamellaError, OSError, MemoryError) as error:
        return error


@contextmanager
def _recorded(told: list[str]) -> Iterator[None]:
    """Keep warnings about data, each once."""
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", LamellaWarning)
        yield
    told += dict.fromkeys(str(warning.message) for warning in recorded)


def _contact_sheet(args: argparse.Namespace, page: _Page, failures: list[str]) -> str:
    folder = args.files[0] if len(args.files) == 1 else _common_folder(args.files)

    def row(file: str, dataset: DataSet) -> Row:
        look = _look(dataset)
        show = WithoutPaths.of(folder, [dataset])
        if isinstance(look, Exception):
            failures.append(f"{file}: no picture: {error_line(look)}")
        return row_of(_inside(file, folder), dataset, [] if isinstance(look, Exception) else look, show)

    found, lines = found_scans(args, row)
    show = WithoutPaths.of(folder, [])
    rows = []
    for one in found:
        if one.facts is not None:
            rows.append(one.facts)
            continue
        told = error_line(one.error, one.file) if one.error is not None else ""
        if not is_well(one, args.files):
            failures.append(f"{one.file}: {told}")
        cells = f'<td dir="auto">{show(_inside(one.file, folder))}</td><td class="error" colspan="4">{show(told)}</td>'
        rows.append(Row("", (cells,), is_scan=False))
    if not found:
        failures.append(f"{page.name}: no scans")
    return folder_page(page.name, rows, lines, page.source, show)


def _common_folder(files: list[str]) -> str:
    try:
        return os.path.commonpath([os.path.abspath(Path(file).parent) for file in files])
    except ValueError:  # on several drives
        return os.path.abspath(Path(files[0]).parent)


def _inside(file: str, folder: str) -> str:
    try:
        return os.path.relpath(file, folder)
    except ValueError:
        return Path(file).name
