"""Values as people read them: shapes as ``64 x 64``, numbers of things, yes and no, and lists without brackets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lamella.system.units import number_text

__all__ = ["counted", "shape_text", "value_text", "with_shapes"]

_DEEPEST = 3
_MOST = 50
_TUPLE = re.compile(r"(?<![\w=])\((\d{1,18}(?:, \d{1,18})+|\d{1,18},)\)")


def shape_text(shape: Sequence[int]) -> str:
    """Give a shape, such as ``"4 x 6"``; one axis is a number, and no axis is ``"1"``."""
    return " x ".join(map(str, shape)) or "1"


def with_shapes(text: str) -> str:
    """Give a text in which shapes that it writes as Python does read like all others; what is assigned stays.

    Examples
    --------
    >>> with_shapes("an array of shape (4, 6, 8); give nav_shape=(2, 12)")
    'an array of shape 4 x 6 x 8; give nav_shape=(2, 12)'
    """
    return _TUPLE.sub(lambda found: found[1].rstrip(",").replace(", ", " x "), text)


def value_text(value: Any, *, is_shape: bool = False) -> str:
    """Give a value without the signs of Python.

    Parameters
    ----------
    value
        A value as JSON has it, or any other, which is shown by its own text.
    is_shape
        Whether a list of integers is a shape.

    Examples
    --------
    >>> value_text(True), value_text(None), value_text([40.0, 511.0]), value_text((4, 6), is_shape=True)
    ('yes', 'none', '40, 511', '4 x 6')
    >>> value_text([[[8], "number of frames"]], is_shape=True), value_text({"x": 1, "y": None})
    ('8 (number of frames)', 'x: 1, y: none')
    """
    return _text(value, is_shape, 0)


def _text(value: Any, is_shape: bool, depth: int) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number_text(value, 6)
    if isinstance(value, Mapping):
        return _listed([f"{key}: {_inner(item, is_shape, depth)}" for key, item in _first(list(value.items()))], value)
    if isinstance(value, list | tuple | set | frozenset):
        return _of_list(list(value), is_shape, depth)
    return with_shapes(str(value))


def _of_list(items: list[Any], is_shape: bool, depth: int) -> str:
    if is_shape and items and all(type(item) is int for item in items):
        return shape_text(items)
    if is_shape and len(items) == 2 and isinstance(items[0], list | tuple) and isinstance(items[1], str):
        return f"{_inner(items[0], is_shape, depth)} ({with_shapes(items[1])})"  # a shape, and why
    return _listed([_inner(item, is_shape, depth) for item in _first(items)], items)


def _inner(value: Any, is_shape: bool, depth: int) -> str:
    if depth < _DEEPEST:
        return _text(value, is_shape, depth + 1)
    return "…" if isinstance(value, list | tuple | set | frozenset | Mapping) else _text(value, is_shape, depth)


def _first(items: list[Any]) -> list[Any]:
    return items[:_MOST]


def _listed(texts: list[str], whole: Any) -> str:
    left = len(whole) - len(texts)
    separator = "; " if any("," in text for text in texts) else ", "
    return separator.join([*texts, f"… and {left} more"] if left > 0 else texts) or "none"


def counted(number: int, noun: str, *, zero: str = "0") -> str:
    """Give a number of things, such as ``"1 frame"`` and ``"2 frames"``; ``zero`` is what stands for none."""
    return f"{number or zero} {noun}{'' if number == 1 else 's'}"
