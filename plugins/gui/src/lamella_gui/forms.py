"""Forms made from the declarations of parameters; no field is known by its name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Protocol, Union, get_args, get_origin

__all__ = ["Field", "fields_of", "text_of", "values_of"]

_TYPES = "uint8 uint16 uint32 uint64 int8 int16 int32 int64 float32 float64 complex64 >u2 >u4 >i2 >i4 >f4"
DTYPES = tuple(_TYPES.split())
"""What a field for a dtype suggests."""
_MOST_BOXES = 6


class Declaration(Protocol):
    """What is declared about a parameter; `lamella` has a class for it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def required(self) -> bool:
        """Whether it has no default."""

    @property
    def default(self) -> str:
        """Its default, as text."""

    @property
    def param(self) -> Any:
        """Sentence, unit, bounds, kind."""

    @property
    def annotation(self) -> Any:
        """Its type."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form.

    Parameters
    ----------
    name
        Of the parameter.
    kind
        ``"select"``, ``"number"``, ``"tuple"``, ``"dtype"``, ``"path"``, ``"text"``, or ``"python"`` for what only
        Python can give.
    label, doc, unit, bounds
        Texts.
    value
        What stands in it.
    options
        Choices of a select and suggestions of a dtype: values and texts.
    boxes
        The boxes of a tuple: name, label and text of each.
    is_open
        Whether a tuple can have more items.
    required
        Whether it must be filled in.
    origin
        Where the value comes from, if it was not typed here.
    """

    name: str
    kind: str
    label: str
    doc: str = ""
    unit: str = ""
    bounds: str = ""
    value: str = ""
    options: tuple[tuple[str, str], ...] = ()
    boxes: tuple[tuple[str, str, str], ...] = ()
    is_open: bool = False
    required: bool = False
    origin: str = ""
    placeholder: str = ""

    @property
    def whole(self) -> bool:
        """Whether something was typed."""
        return bool(self.value) or any(text for _, _, text in self.boxes)


def fields_of(
    declarations: Iterable[Declaration],
    given: Mapping[str, str],
    values: Mapping[str, object] | None = None,
    origins: Mapping[str, str] | None = None,
) -> list[Field]:
    """Give the fields for declared parameters.

    Parameters
    ----------
    declarations
        What is declared.
    given
        What was typed, as text.
    values, origins
        Values in use, and where each comes from; shown where nothing was typed.
    """
    values, origins = values or {}, origins or {}
    return [
        _field(one, given.get(one.name, ""), text_of(values.get(one.name)), origins.get(one.name, ""))
        for one in declarations
    ]


def values_of(posted: Mapping[str, str], declarations: Iterable[Declaration]) -> dict[str, str]:
    """Give what was typed, by the names of parameters; the boxes of a tuple are joined, empty fields left out."""
    values: dict[str, str] = {}
    for one in declarations:
        text = posted.get(one.name, "").strip()
        if not text:
            boxes = [posted.get(f"{one.name}.{i}", "").strip() for i in range(_MOST_BOXES)]
            text = ",".join(box for box in boxes if box)
        if text:
            values[one.name] = text
    return values


def text_of(value: object) -> str:
    """Give a value as it is typed; nothing for None and for objects."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ",".join(map(text_of, value))
    if isinstance(value, float):
        return f"{value:.10g}" if math.isfinite(value) else str(value)
    return str(value) if isinstance(value, int | str) or hasattr(value, "__fspath__") else ""


def _field(one: Declaration, typed: str, used: str, origin: str) -> Field:
    param, kinds = one.param, _members(one.annotation)
    shared: dict[str, Any] = {
        "name": one.name,
        "label": one.name.replace("_", " "),
        "doc": param.doc.partition("; in Python also")[0],
        "unit": param.unit or "",
        "bounds": _bounds(param),
        "required": one.required,
        "origin": "you" if typed else origin,
    }
    choices = _choices(one, kinds)
    if param.kind == "object" and not choices and bool not in kinds:
        return Field(kind="python", **shared)
    if choices or bool in kinds:
        words = choices or [("true", "yes"), ("false", "no")]
        default = one.default.strip("'")
        empty = ("", "as the file says" if default in ("None", "") else f"default: {_word(default, words)}")
        return Field(kind="select", value=typed, options=(empty, *words), **shared)
    if (items := _tuple_items(kinds)) is not None:
        return Field(kind="tuple", boxes=_boxes(one, typed or used, items), is_open=items == 0, **shared)
    if param.kind == "dtype":
        return Field(kind="dtype", value=typed, options=tuple((d, d) for d in DTYPES), placeholder=used, **shared)
    if param.kind == "path":
        return Field(kind="path", value=typed, placeholder=used, **shared)
    if int in kinds or float in kinds:
        return Field(kind="number", value=typed, placeholder=used, **shared)
    return Field(kind="text", value=typed, placeholder=used, **shared)


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _choices(one: Declaration, kinds: Sequence[Any]) -> list[tuple[str, str]]:
    if one.param.choices is not None:
        return [(str(choice), str(choice)) for choice in one.param.choices]
    literal = next((kind for kind in kinds if get_origin(kind) is Literal), None)
    return [] if literal is None else [(str(choice), str(choice)) for choice in get_args(literal)]


def _word(default: str, words: Sequence[tuple[str, str]]) -> str:
    return dict(words).get(default.lower(), default)


def _tuple_items(kinds: Sequence[Any]) -> int | None:
    """Give the number of items of a tuple, 0 for any number; None if it is none."""
    for kind in kinds:
        if get_origin(kind) is tuple:
            items = get_args(kind)
            return 0 if Ellipsis in items else len(items)
    return None


def _boxes(one: Declaration, text: str, items: int) -> tuple[tuple[str, str, str], ...]:
    parts = [part for part in text.split(",") if part]
    count = min(_MOST_BOXES, items or max(2, len(parts)))
    names = {1: ("x",), 2: ("y", "x")}.get(count) or tuple(f"axis {i + 1}" for i in range(count))
    filled = (*parts, *[""] * count)[:count]
    return tuple((f"{one.name}.{i}", names[i], filled[i]) for i in range(count))


def _bounds(param: Any) -> str:
    words = (("at least", param.ge), ("more than", param.gt), ("at most", param.le), ("less than", param.lt))
    return ", ".join(f"{word} {text_of(bound)}" for word, bound in words if bound is not None)
