"""The tag tree of a DigitalMicrograph file, as it was read: values in labelled groups, and arrays left in the file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from lamella.reader import json_value, number

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Array", "Group", "Tags", "Value"]


@dataclass(frozen=True, slots=True)
class Array:
    """An array that stays in the file: where it begins, and how many items of which dtype it announces."""

    offset: int
    dtype: np.dtype[Any]
    count: int

    @property
    def nbytes(self) -> int:
        """Size as announced [bytes]."""
        return self.count * self.dtype.itemsize


Value: TypeAlias = "bool | int | float | str | list[Any] | Array | Group"


@dataclass(slots=True)
class Group:
    """Labelled values in the order of the file. Labels may be empty or occur again: then the position counts."""

    entries: list[tuple[str, Value]] = field(default_factory=list)

    def get(self, *labels: str) -> Value | None:
        """Follow labels down the tree; None where one is missing."""
        found: Value | None = self
        for label in labels:
            if not isinstance(found, Group):
                return None
            found = next((value for name, value in found.entries if name == label), None)
        return found

    def group(self, *labels: str) -> Group:
        """Follow labels down to a group; an empty one where there is none."""
        found = self.get(*labels)
        return found if isinstance(found, Group) else Group()

    def number(self, *labels: str) -> float:
        """Follow labels down to a number, or a truth value as 0 or 1; NaN where there is none."""
        value = self.get(*labels)
        found = number(int(value) if isinstance(value, bool) else value)
        return math.nan if found is None else found

    def text(self, *labels: str) -> str | None:
        """Follow labels down to a text; None where there is none, or an empty one."""
        found = self.get(*labels)
        return found.strip() or None if isinstance(found, str) else None

    def values(self) -> list[Value]:
        """Give the values without their labels."""
        return [value for _, value in self.entries]

    def to_json(self) -> Any:
        """Give a dictionary, or a list if nothing is labelled; arrays that stay in the file are summarised."""
        if self.entries and not any(label for label, _ in self.entries):
            return [_to_json(value) for value in self.values()]
        named: dict[str, Any] = {}
        for position, (label, value) in enumerate(self.entries):
            unique = label if label and label not in named else f"{label}[{position}]"
            named[unique] = _to_json(value)
        return named


@dataclass(frozen=True, slots=True)
class Tags:
    """The tree of a file; ``end`` is None if it is complete, else the byte at which the file ends too early."""

    version: int
    little_endian: bool
    root: Group
    end: int | None


def _to_json(value: Value) -> Any:
    if isinstance(value, Group):
        return value.to_json()
    if isinstance(value, Array):
        return {"array": str(value.dtype), "count": value.count, "offset": value.offset}
    return json_value(value)
