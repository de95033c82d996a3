"""What commands write: text for people, JSON for programs, and how far a long task has come."""

from __future__ import annotations

import dataclasses
import errno
import io
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TextIO

from lamella.system.text import LINE, fitting, printable

if TYPE_CHECKING:
    from _typeshed import SupportsWrite
    from rich.table import Table

__all__ = ["Console", "plain", "write_text"]

_WIDEST = 100_000
_NAME = 60
_LINES = 4
"""Parts of a long task that are told one by one where no terminal looks."""


class Console:
    """Standard output and standard error of a command.

    What a person reads is fit to be shown: characters that control a terminal appear as escapes, and long values are
    cut. One argument of `say` and `complain` is one line; a line break in it is shown as an escape.

    Parameters
    ----------
    as_json
        Whether a program reads: then `say` and `table` are silent, and the one `emit` is all of standard output.
    out, err
        Text files to write to instead of standard output and standard error.
    """

    def __init__(self, *, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        self._out = out or sys.stdout or io.StringIO()  # a program without a terminal may have neither
        self._err = err or sys.stderr or io.StringIO()

    def say(self, *lines: object) -> None:
        """Write lines for a person; without an argument, an empty line."""
        if not self.as_json:
            _write(_shown(lines), self._out)

    def emit(self, data: object) -> None:
        """Write the result for a program, complete; does nothing for a person."""
        if self.as_json:
            import json

            _write(json.dumps(plain(data), indent=2, allow_nan=False), self._out)

    def complain(self, *lines: object) -> None:
        """Write lines on standard error."""
        _write(_shown(lines), self._err)

    def facts(self, pairs: Sequence[tuple[str, object]], *, width: int = 0) -> None:
        """Write names and values in two columns, the first at least as wide as said."""
        shown = [(printable(name, _NAME), printable(value, LINE)) for name, value in pairs]
        width = max([width, *(len(name) for name, _ in shown)])
        lines = [f"{name:<{width}}  {value}".rstrip() for name, value in shown]
        if lines:
            self.say(*fitting(lines))

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Write a table as wide as the terminal, or as its content where nobody looks."""
        if self.as_json:
            return
        from rich.console import Console as RichConsole

        is_watched = self._out.isatty()
        rich = RichConsole(
            file=self._out, width=None if is_watched else _WIDEST, highlight=False, markup=False, emoji=False
        )
        with _named_output(), rich.capture() as capture:
            rich.print(_table(headings, rows))
        for line in capture.get().split("\n")[:-1]:
            _write(line.rstrip(), self._out)

    @contextmanager
    def progress(self, title: str, unit_nbytes: int) -> Iterator[Callable[[int, int], None]]:
        """Show a bar with the rate on standard error while a terminal looks.

        Gives a function that takes how many are done of how many, of ``unit_nbytes`` bytes each.
        """
        if self.as_json or not self._err.isatty():
            yield lambda done, total: None
            return
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=RichConsole(file=self._err), transient=True) as bar:
            task = bar.add_task(printable(title), total=None)
            yield lambda done, total: bar.update(task, completed=done * unit_nbytes, total=total * unit_nbytes)

    @contextmanager
    def counting(self, title: str) -> Iterator[Callable[[int, int, str], None]]:
        """Show how many of some tasks are done: a line that changes on a terminal, and at most five lines elsewhere.

        Gives a function that takes how many are done, of how many, and the name of the last one.
        """
        if self.as_json:
            yield lambda done, total, name: None
            return
        if not self._err.isatty():
            told = [-1]

            def tell(done: int, total: int, name: str) -> None:
                step = done * _LINES // max(total, 1)
                if step > told[0]:
                    told[0] = step
                    self.say(f"{title}: {done} of {total}")

            yield tell
            return
        import shutil

        width = shutil.get_terminal_size().columns - 1

        def update(done: int, total: int, name: str) -> None:
            text = printable(f"{title}: {done} of {total}, {name}")[:width]
            write_text(f"\r{text:<{width}}", self._err)
            self._err.flush()

        try:
            yield update
        finally:
            write_text(f"\r{'':<{width}}\r", self._err)


def write_text(text: str, stream: SupportsWrite[str]) -> None:
    """Write text, with escapes for characters that the encoding of the terminal does not have."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _write(text: str, stream: TextIO) -> None:
    with _named_output():
        write_text(f"{text}\n", stream)


@contextmanager
def _named_output() -> Iterator[None]:
    """Let the error of a full disk say what could not be written."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            error.filename = "standard output"
        raise


def _shown(lines: Sequence[object]) -> str:
    return "\n".join(printable(line, LINE) for line in lines)


def _table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(printable(heading), overflow="fold")
    for row in rows:
        table.add_row(*[Text("" if cell is None else printable(cell, LINE)) for cell in row])
    return table


def plain(value: Any) -> Any:
    """Give a value as JSON can hold it; what JSON does not know becomes text, not-a-number becomes null."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, bytes | PurePath):
        return str(value)
    if hasattr(value, "tolist"):  # NumPy arrays and scalars
        return plain(value.tolist())
    return str(value)
