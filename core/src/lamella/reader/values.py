"""Values of headers and settings as plain ones: numbers, times, and what JSON can hold.

Detectors write numbers as text, times since their own day zero, and values that JSON does not know. The functions here
turn them into what `lamella.reader.Metadata` and ``raw_metadata`` take, and never raise: None stands for what means
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["day_time", "json_value", "number", "text_time", "unix_time", "xml_value"]

_DAY_ZERO = datetime(1899, 12, 30)
_DEEPEST = 16  # levels of XML


def number(value: object) -> float | None:
    """Give a finite number, also from text; None for anything else.

    Examples
    --------
    >>> number(" 2.5e3 "), number(7), number("nan"), number("off"), number(None), number(True)
    (2500.0, 7.0, None, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | np.integer | np.floating):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def unix_time(seconds: object, zone: tzinfo | None = UTC) -> str | None:
    """Give a time in seconds since 1970 as ISO 8601; None if it is not positive, or means nothing.

    Parameters
    ----------
    seconds
        Seconds since 1970-01-01 [s].
    zone
        The zone of the clock; None if nobody knows it.

    Examples
    --------
    >>> unix_time(1456168703), unix_time(1456168703.5, None), unix_time(0)
    ('2016-02-22T19:18:23+00:00', '2016-02-22T19:18:23.500000', None)
    """
    return _since(datetime(1970, 1, 1, tzinfo=zone), number(seconds), 1.0)


def day_time(days: object) -> str | None:
    """Give a time in days since 1899-12-30, as spreadsheets and Delphi have it, as ISO 8601 without a zone.

    Examples
    --------
    >>> day_time(45000.5), day_time(float("nan"))
    ('2023-03-15T12:00:00', None)
    """
    found = _since(_DAY_ZERO, number(days), 86400.0)
    return None if found is None else found[:19]


def text_time(text: str | None, *forms: str) -> str | None:
    """Give a written time as ISO 8601; None if it fits none of the forms.

    Parameters
    ----------
    text
        What the file says.
    forms
        Forms of `datetime.strptime`, tried in turn; by default ISO 8601, then ``Sun Feb 21 17:53:06 2016``.

    Examples
    --------
    >>> text_time("Sun Feb 21 17:53:06 2016"), text_time("2/21/2016 5:53:06 PM", "%m/%d/%Y %I:%M:%S %p")
    ('2016-02-21T17:53:06', '2016-02-21T17:53:06')
    >>> text_time("yesterday") is None
    True
    """
    for read in [_by_form(form) for form in forms] or (datetime.fromisoformat, _by_words):
        try:
            return read((text or "").strip()).isoformat()
        except ValueError:
            continue
    return None


def json_value(value: Any) -> Any:
    r"""Give a value as JSON can hold it, with nothing lost that can be kept.

    Records become dictionaries, arrays become lists, bytes become text (UTF-8, else Latin-1, without the padding behind
    it) or, where they are no text, hexadecimal digits; numbers that JSON does not know become text: ``"nan"``.

    Examples
    --------
    >>> json_value({"gain": np.float32(0.5), "name": b"Ceta\0\0", "offset": float("nan"), "shape": (2, 3)})
    {'gain': 0.5, 'name': 'Ceta', 'offset': 'nan', 'shape': [2, 3]}
    """
    if isinstance(value, np.void):
        names = value.dtype.names
        return value.tobytes().hex() if names is None else {name: json_value(value[name]) for name in names}
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, bytes):
        return _decoded(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def xml_value(element: Element) -> Any:
    """Give an element as text, or as a dictionary of its ``@attributes`` and children, a list where a name repeats.

    Examples
    --------
    >>> from xml.etree.ElementTree import fromstring
    >>> xml_value(fromstring("<scan mode='fast'><x>3</x><y>1</y><y>2</y></scan>"))
    {'@mode': 'fast', 'x': '3', 'y': ['1', '2']}
    """
    return _xml_value(element, 0)


def _xml_value(element: Element, depth: int) -> Any:
    children: dict[str, list[Any]] = {}
    for child in element if depth < _DEEPEST else ():
        children.setdefault(child.tag, []).append(_xml_value(child, depth + 1))
    parts: dict[str, Any] = {f"@{key}": value for key, value in element.items()}
    parts |= {tag: values[0] if len(values) == 1 else values for tag, values in children.items()}
    text = (element.text or "").strip()
    return parts | ({"#text": text} if text else {}) if parts else text


def _since(zero: datetime, count: float | None, unit: float) -> str | None:
    if count is None or count <= 0:
        return None
    try:
        return (zero + timedelta(seconds=count * unit)).isoformat()
    except OverflowError:
        return None


def _by_form(form: str) -> Any:
    return lambda text: datetime.strptime(text, form)


def _by_words(text: str) -> datetime:
    from email.utils import parsedate  # slow to import

    parts = parsedate(text)
    if parts is None:
        raise ValueError
    return datetime(*parts[:6])


def _decoded(value: bytes) -> str:
    text = value.rstrip(b"\0 ")
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")
