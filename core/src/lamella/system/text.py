"""Text that came from elsewhere, made fit to be shown: no character acts on a terminal or a page, nothing is endless.

Metadata, file names and messages of other programs may hold characters that are no text: a terminal takes them as
commands, a reader sees letters in another order. Whatever shows text passes it through `printable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias
from unicodedata import category

__all__ = [
    "LINE",
    "PAGE",
    "VALUE",
    "PrintableError",
    "Show",
    "fitting",
    "html_text",
    "made_printable",
    "printable",
    "printable_lines",
]

Show: TypeAlias = Callable[[object], str]
"""Makes the text of a value."""

VALUE = 200
"""Most characters of one value."""
LINE = 1000
"""Most characters of a sentence or line, which may hold several values."""
PAGE = 64 << 10
"""Most bytes of a page, as UTF-8."""

_ESCAPED = ("Cc", "Cf", "Cs", "Zl", "Zp")
_JOINERS = "\u200c\u200d"
_GAP = " … ({} more characters) … "
_MORE = "… and {} more lines"
_MOST_CAUSES = 100


def printable(value: object, most: int = VALUE) -> str:
    r"""Give a value as one line of text that can be shown anywhere.

    Letters, marks and signs of all scripts stay. Characters that control, format or separate lines (Unicode
    categories Cc, Cf, Zl, Zp) and halves of surrogate pairs (Cs) become escapes as Python writes them. The two joiners
    U+200C and U+200D stay behind a letter, mark or sign that is not ASCII: Persian, Indic scripts and emoji need them.
    Of a long text, the middle is left out.

    Parameters
    ----------
    value
        Text, or anything with a text.
    most
        Characters of the result at most.

    Examples
    --------
    >>> print(printable("Åse's 試料\x1b[31m\nred"))
    Åse's 試料\x1b[31m\nred
    >>> print(printable("a" * 1000, 60))
    aaaaaaaaaaaaaaaaaaaaaa … (968 more characters) … aaaaaaaaaa
    """
    text = value if type(value) is str else _text_of(value)
    if len(text) <= most:
        shown = text if text.isprintable() else "".join(_pieces(text))
        if len(shown) <= most:
            return shown
    return _shortened(text, most)


def html_text(value: object, most: int = VALUE) -> str:
    """Give a value as `printable` does, with the characters escaped that mean something in HTML."""
    from html import escape

    return escape(printable(value, most))


def fitting(lines: Iterable[object], most: int = PAGE, line: int = LINE) -> Iterator[str]:
    """Give lines as `printable` does, as long as they fit on a page, and then how many do not.

    Parameters
    ----------
    lines
        What to show.
    most
        Bytes of the page at most.
    line
        Characters of one line at most.
    """
    waiting = list(lines)
    room = most - len(_MORE.encode()) - 20
    for done, one in enumerate(waiting):
        shown = printable(one, line)
        room -= len(shown.encode(errors="replace")) + 1
        if room < 0:
            yield _MORE.format(len(waiting) - done)
            return
        yield shown


class PrintableError(Exception):
    """An error whose text is fit to be shown: each argument is one line."""

    def __str__(self) -> str:
        return "\n".join(fitting(self._lines(printable)))

    @property
    def message(self) -> str:
        """The text as a program wants it: complete, and with the characters that came from a file."""
        return "\n".join(self._lines(str))

    def _lines(self, show: Show) -> Sequence[str]:
        """Give the lines of the text, in which ``show`` made the values that stand for themselves."""
        return [str(argument) for argument in self.args]


def printable_lines(text: str) -> str:
    """Give a text of several lines, such as a traceback; its line breaks stay."""
    return "\n".join(fitting(text.split("\n")))


def made_printable(error: BaseException, *, breaks: bool = False) -> BaseException:
    """Make the texts printable that Python shows of an exception and of all that led to it.

    Errors of this package are printable already. Others may quote a file, and a traceback shows them as they are.

    Parameters
    ----------
    error
        The exception; changed.
    breaks
        Whether line breaks stay, as in errors of user-defined functions; texts that quote a file could forge lines.

    Returns
    -------
    BaseException
        The exception, or one with its text where the class makes that text by itself.
    """
    show: Callable[[str], str] = printable_lines if breaks else _one_line
    first = _shown(error, show)
    waiting, seen = [first], set[int]()
    while waiting and len(seen) < _MOST_CAUSES:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        for name in ("__cause__", "__context__"):
            before = getattr(one, name)
            if before is None:
                continue
            after = _shown(before, show)
            if after is not before:
                setattr(one, name, after)
            waiting.append(after)
    return first


def _one_line(text: str) -> str:
    return printable(text, LINE)


def _shown(error: BaseException, show: Callable[[str], str]) -> BaseException:
    """Give an exception with printable text, or another one that stands for it where its class makes the text."""
    if isinstance(error, PrintableError) and type(error).__str__ is PrintableError.__str__:
        return error
    _mend(error, show)
    if _text_of(error) == show(_text_of(error)):
        return error
    other = RuntimeError(_one_line(f"{type(error).__qualname__}: {_text_of(error)}"))
    other.__cause__, other.__context__ = error.__cause__, error.__context__
    other.__suppress_context__ = error.__suppress_context__
    return other.with_traceback(error.__traceback__)


def _mend(error: BaseException, show: Callable[[str], str]) -> None:
    if _text_of(error) != show(_text_of(error)):
        error.args = tuple(show(argument) if isinstance(argument, str) else argument for argument in error.args)
    if isinstance(error, SyntaxError):  # a traceback shows the line
        error.text = None if error.text is None else _one_line(error.text.rstrip("\n"))
        error.msg = _one_line(error.msg)
    notes = getattr(error, "__notes__", None)
    if isinstance(notes, list):
        notes[:] = [show(_text_of(note)) for note in notes]


def _text_of(value: object) -> str:
    try:
        return str(value)
    except Exception:  # whatever the class of the value does
        return f"<{type(value).__name__} without a text>"


def _pieces(text: str) -> Iterator[str]:
    """Give each character, or the escape of it."""
    before = ""
    for character in text:
        escaped = category(character) in _ESCAPED and not (character in _JOINERS and _is_joined(before))
        yield character.encode("unicode_escape").decode("ascii") if escaped else character
        before = character


def _is_joined(before: str) -> bool:
    return before > "\x7f" and category(before)[0] in "LMS"


def _shortened(text: str, most: int) -> str:
    room = max(most - len(_GAP.format(len(text))), 0)
    head = _taken(_pieces(text[:most]), room - room // 3)
    tail = _taken(reversed([*_pieces(text[-most:])]), room // 3)
    return "".join([*head, _GAP.format(len(text) - len(head) - len(tail)), *reversed(tail)])


def _taken(pieces: Iterable[str], room: int) -> list[str]:
    taken = []
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        taken.append(piece)
    return taken
