"""Messages from a page, checked at the border: each becomes a value, or an error that names the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from lamella.errors import ParameterError
from lamella_viewer.live.regions import checked_region

__all__ = ["MAX_LANES", "Ack", "Ask", "Hello", "Message", "Stop", "View", "parse"]

MAX_LANES = 8
"""Lanes of one page at most."""
_LONGEST = 1 << 16
_MOST_PARAMETERS = 64
_LARGEST_ID = 1 << 53


@dataclass(frozen=True, slots=True)
class Hello:
    """A page that connected: the largest picture that it can use, and the ids that it shows."""

    pixels: tuple[int, int] | None = None
    seen: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ask:
    """A wish for a picture; it replaces what the lane was asked for before."""

    lane: str
    id: int
    analysis: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    region: Mapping[str, Any] | None = None
    channel: str | None = None
    slice: tuple[int, ...] = ()
    live: bool = True


@dataclass(frozen=True, slots=True)
class Stop:
    """No more refinement of a lane."""

    lane: str


@dataclass(frozen=True, slots=True)
class Ack:
    """A binary message was drawn."""

    bytes: int


@dataclass(frozen=True, slots=True)
class View:
    """A wish for a part of a large picture, in so many pixels."""

    lane: str
    box: tuple[int, int, int, int]
    size: tuple[int, int]


Message: TypeAlias = Hello | Ask | Stop | Ack | View


def parse(text: str) -> Message:
    """Give the message in a text.

    Raises
    ------
    ParameterError
        If it is none; names the fields that are wrong.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise ParameterError(f"a message is a text of at most {_LONGEST} characters")
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParameterError("a message is a JSON object; this is not JSON") from error
    if not isinstance(given, dict) or given.get("type") not in _FIELDS:
        raise ParameterError(f"a message is a JSON object with one of the types {', '.join(_FIELDS)}", field="type")
    kind = given.pop("type")
    if unknown := set(given) - _FIELDS[kind].keys():
        name = sorted(unknown)[0]
        raise ParameterError(f"a message of type {kind} has no such field", field=name[:40])
    values = {name: check(given[name], name) for name, check in _FIELDS[kind].items() if name in given}
    values.pop("version", None)
    try:
        return _KINDS[kind](**values)  # type: ignore[no-any-return]
    except TypeError as error:
        raise ParameterError(f"a message of type {kind} needs more: {error}", field="type") from error


def _lane(value: object, name: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 40:
        raise ParameterError("expected a name of 1 to 40 characters", field=name)
    return value


def _text(value: object, name: str) -> str | None:
    if value is not None and (not isinstance(value, str) or len(value) > 100):
        raise ParameterError("expected a text of at most 100 characters, or null", field=name)
    return value


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LARGEST_ID:
        raise ParameterError("expected a whole number that is not negative", field=name)
    return value


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise ParameterError("expected true or false", field=name)
    return value


def _pair(value: object, name: str) -> tuple[int, int] | None:
    if value is None:
        return None
    first, second = _wholes(value, name, 2)
    return max(1, first), max(1, second)


def _size(value: object, name: str) -> tuple[int, int]:
    pair = _pair(value, name)
    if pair is None:
        raise ParameterError("expected two whole numbers", field=name)
    return pair


def _wholes(value: object, name: str, count: int | None = None) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > 8 or (count is not None and len(value) != count):
        raise ParameterError(f"expected a list of {count or 'at most 8'} whole numbers", field=name)
    return tuple(_whole(item, name) for item in value)


def _box(value: object, name: str) -> tuple[int, ...]:
    box = _wholes(value, name, 4)
    if not (box[0] < box[2] and box[1] < box[3]):
        raise ParameterError("expected y0, x0, y1, x1 of a box that is not empty", field=name)
    return box


def _parameters(value: object, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > _MOST_PARAMETERS:
        raise ParameterError(f"expected an object of at most {_MOST_PARAMETERS} parameters", field=name)
    return value


def _region(value: object, name: str) -> dict[str, Any] | None:
    return checked_region(value)


def _seen(value: object, name: str) -> dict[str, int]:
    if not isinstance(value, dict) or len(value) > MAX_LANES:
        raise ParameterError(f"expected an object of at most {MAX_LANES} lanes and their ids", field=name)
    return {_lane(key, name): _whole(item, name) for key, item in value.items()}


_KINDS: dict[str, Any] = {"hello": Hello, "ask": Ask, "stop": Stop, "ack": Ack, "view": View}
_FIELDS: dict[str, dict[str, Any]] = {
    "hello": {"version": _whole, "pixels": _pair, "seen": _seen},
    "ask": {
        "lane": _lane,
        "id": _whole,
        "analysis": _lane,
        "parameters": _parameters,
        "region": _region,
        "channel": _text,
        "slice": _wholes,
        "live": _flag,
    },
    "stop": {"lane": _lane},
    "ack": {"bytes": _whole},
    "view": {"lane": _lane, "box": _box, "size": _size},
}
