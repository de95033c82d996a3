"""One value to one declared type: what users reasonably write becomes what the parameter stores."""

from __future__ import annotations

import numbers
import operator
import os
import re
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeGuard, Union, get_args, get_origin

from lamella.format import Param

__all__ = ["Mismatch", "coerce", "is_empty", "members", "type_text"]

_MOST_BITS = 63
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_SEPARATORS = re.compile(r"[\s,;xX×*]+")


class Mismatch(Exception):
    """A value does not fit its parameter; the text says what was expected and found."""


def coerce(value: object, annotation: Any, param: Param) -> object:
    """Give ``value`` as the declared type and within the declared bounds.

    Raises
    ------
    Mismatch
        If the value does not fit.
    """
    if value is None and type(None) in members(annotation):
        return None
    result = _convert(value, annotation, param)
    _check_choices(result, param)
    _check_bounds(result, param)
    return result


def members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union, or the type alone."""
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def is_empty(text: str) -> bool:
    """Whether a text is a tuple without items."""
    return not text.strip(" ()[]")


def type_text(annotation: Any, param: Param) -> str:
    """The type as a reader of the documentation would say it."""
    return " or ".join(_one_type_text(member, param) for member in members(annotation))


def _one_type_text(annotation: Any, param: Param) -> str:
    if annotation is type(None):
        return "None"
    if get_origin(annotation) is Literal:
        return " | ".join(repr(choice) for choice in get_args(annotation))
    if param.kind == "dtype":
        return "dtype"
    if get_origin(annotation) is tuple:
        items = get_args(annotation)
        if len(items) == 2 and items[1] is Ellipsis:
            return f"tuple of {_one_type_text(items[0], param)}"
        return f"({', '.join(_one_type_text(item, param) for item in items)})"
    if annotation is Path or param.kind == "path":
        return "path"
    return str(getattr(annotation, "__name__", annotation))


def _convert(value: object, annotation: Any, param: Param) -> object:
    alternatives = [member for member in members(annotation) if member is not type(None)]
    if len(alternatives) == 1:
        return _convert_one(value, alternatives[0], param)
    exact = [member for member in alternatives if isinstance(member, type) and type(value) is member]
    for member in exact + alternatives:
        try:
            return _convert_one(value, member, param)
        except Mismatch:
            continue
    raise _mismatch(type_text(annotation, param), value)


def _convert_one(value: object, annotation: Any, param: Param) -> object:
    origin = get_origin(annotation)
    if origin is Literal:
        return _literal(value, get_args(annotation))
    if param.kind == "dtype":
        return _dtype(value)
    if param.kind == "object" or annotation is object or annotation is Any:
        return value
    if origin is tuple:
        return _tuple(value, get_args(annotation), param)
    if annotation is str and param.kind == "path":
        return str(_path(value))
    converter = _CONVERTERS.get(annotation)
    if converter is not None:
        return converter(value)
    if isinstance(value, origin or annotation):
        return value
    raise _mismatch(type_text(annotation, param), value)


def _bool(value: object) -> bool:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    raise _mismatch("true or false", value)


def _int(value: object) -> int:
    if isinstance(value, bool):
        raise _mismatch("an integer", value)
    try:
        number = _int_from_text(value) if isinstance(value, str) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise _mismatch("an integer", value) from None
    if number.bit_length() > _MOST_BITS:
        raise Mismatch(f"must have at most {_MOST_BITS} bits, found an integer of {number.bit_length()} bits")
    return number


def _int_from_text(text: str) -> int:
    for base in (10, 0):
        try:
            return int(text, base)
        except ValueError:
            continue
    raise _mismatch("an integer", text)


def _float(value: object) -> float:
    try:
        if isinstance(value, str):
            return float(value.strip())
        if _is_number(value):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise _mismatch("a number", value)


def _is_number(value: object) -> TypeGuard[numbers.Real]:
    return not isinstance(value, bool) and isinstance(value, numbers.Real)


def _str(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    raise _mismatch("text", value)


def _path(value: object) -> Path:
    if isinstance(value, os.PathLike) or (isinstance(value, str) and value):
        return Path(value)
    raise _mismatch("a path", value)


_CONVERTERS: Mapping[Any, Callable[[object], object]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    Path: _path,
}


def _literal(value: object, choices: tuple[object, ...]) -> object:
    for choice in choices:
        if type(choice) is type(value) and choice == value:
            return choice
    if isinstance(value, str):
        for choice in choices:
            if str(choice) == str(value):
                return choice
    raise Mismatch(_not_among(value, choices))


def _dtype(value: object) -> str:
    import warnings

    import numpy as np

    expected = "a number type that NumPy knows, such as 'uint16' or '<f4'"
    if value is None:
        raise _mismatch(expected, value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # names that NumPy is about to forget
            dtype = np.dtype(value)  # type: ignore[call-overload]
    except Exception:  # NumPy raises TypeError, ValueError, SyntaxError and more for odd texts
        raise _mismatch(expected, value) from None
    if dtype.names is not None or dtype.subdtype is not None or dtype.kind not in "biufc":
        raise _mismatch(expected, value)
    return str(dtype.str)


def _tuple(value: object, items: tuple[Any, ...], param: Param) -> tuple[object, ...]:
    parts = _parts(value, items, param)
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_convert(part, items[0], param) for part in parts)
    if len(parts) != len(items):
        raise Mismatch(f"expected {len(items)} values, found {len(parts)}: {value!r}")
    return tuple(_convert(part, item, param) for part, item in zip(parts, items, strict=True))


def _parts(value: object, items: tuple[Any, ...], param: Param) -> list[object]:
    if isinstance(value, str):
        parts = _split(value, items)
        if not parts and not is_empty(value):
            raise _mismatch(f"a tuple of {_one_type_text(items[0], param)}", value)
        return list(parts)
    if isinstance(value, os.PathLike) or getattr(value, "ndim", None) == 0:
        return [value]
    if isinstance(value, Iterable) and not isinstance(value, bytes | Mapping | set | frozenset):
        return list(value)
    if _is_number(value):
        return [value]
    raise _mismatch(f"a tuple of {_one_type_text(items[0], param)}", value)


def _split(text: str, items: tuple[Any, ...]) -> list[str]:
    if items[0] in (int, float):
        return [part for part in _SEPARATORS.split(text.strip().strip("()[]")) if part]
    if items[0] is Path:
        return [text] if text else []
    return [part.strip() for part in text.split(",") if part.strip()]


def _check_choices(value: object, param: Param) -> None:
    if param.choices is None or value is None or value in param.choices:
        return
    items = value if isinstance(value, tuple) else (value,)
    for item in items:
        if item not in param.choices:
            raise Mismatch(_not_among(item, param.choices))


def _check_bounds(value: object, param: Param) -> None:
    items = value if isinstance(value, tuple) else (value,)
    for position, item in enumerate(items):
        if not isinstance(item, int | float) or isinstance(item, bool):
            continue
        where = f" at index {position}" if isinstance(value, tuple) else ""
        for sign, bound, holds in (
            (">=", param.ge, operator.ge),
            (">", param.gt, operator.gt),
            ("<=", param.le, operator.le),
            ("<", param.lt, operator.lt),
        ):
            if bound is not None and not holds(item, bound):
                unit = f" {param.unit}" if param.unit else ""
                raise Mismatch(f"must be {sign} {bound:g}{unit}, found {item}{where}")


def _not_among(value: object, choices: Iterable[object]) -> str:
    import difflib

    listed = list(choices)
    close = difflib.get_close_matches(str(value), [str(choice) for choice in listed], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"expected one of {', '.join(repr(choice) for choice in listed)}, found {_shown(value)}{hint}"


def _mismatch(expected: str, value: object) -> Mismatch:
    kind = "" if value is None else f" ({type(value).__name__})"
    return Mismatch(f"expected {expected}, found {_shown(value)}{kind}")


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # a broken __repr__ must not hide the problem that is being reported
        return "a value that cannot be shown"
    return text if len(text) <= 60 else f"{text[:57]}..."
