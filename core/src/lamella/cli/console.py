"""What commands write: text for people, JSON for programs, and how far a long task has come."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Console", "plain"]

_WIDEST = 100_000


class Console:
    """Standard output and standard error of a command.

    Parameters
    ----------
    as_json
        Whether a program reads: then `say` and `table` are silent, and the one `emit` is all of standard output.
    out, err
        Text files to write to instead of standard output and standard error.
    """

    def __init__(self, *, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        self._out = sys.stdout if out is None else out
        self._err = sys.stderr if err is None else err

    def say(self, text: str = "") -> None:
        """Write a line for a person."""
        if not self.as_json:
            _write(text, self._out)

    def emit(self, data: object) -> None:
        """Write the result for a program; does nothing for a person."""
        if self.as_json:
            _write(json.dumps(plain(data), indent=2, allow_nan=False), self._out)

    def complain(self, text: str) -> None:
        """Write a line on standard error."""
        _write(text, self._err)

    def facts(self, pairs: Sequence[tuple[str, object]], *, width: int = 0) -> None:
        """Write names and values in two columns, the first at least as wide as said."""
        width = max([width, *(len(name) for name, _ in pairs)])
        for name, value in pairs:
            first, *others = str(value).splitlines() or [""]
            self.say(f"{name:<{width}}  {first}".rstrip())
            for line in others:
                self.say(f"{'':<{width}}  {line}")

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Write a table as wide as the terminal, or as its content where nobody looks."""
        if self.as_json:
            return
        from rich.console import Console as RichConsole

        is_watched = self._out.isatty()
        rich = RichConsole(
            file=self._out, width=None if is_watched else _WIDEST, highlight=False, markup=False, emoji=False
        )
        with rich.capture() as capture:
            rich.print(_table(headings, rows))
        for line in capture.get().splitlines():
            self.say(line.rstrip())

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

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=RichConsole(file=self._err), transient=True) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, total: bar.update(task, completed=done * unit_nbytes, total=total * unit_nbytes)


def _write(text: str, stream: TextIO) -> None:
    """Write a line, with question marks for what the terminal cannot show."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), file=stream)


def _table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*[Text("" if cell is None else str(cell)) for cell in row])
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
