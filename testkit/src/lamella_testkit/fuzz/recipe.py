"""How an input of a search is made, as a small value: an intact file, and what is done to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from lamella_testkit.sample import SampleData

__all__ = ["OUTSIDE", "Base", "Recipe", "Step"]

OUTSIDE = "{outside}"
"""Stands in names for the folder around the folder of the input."""


@dataclass(frozen=True, slots=True)
class Base:
    """An intact file to begin with.

    Parameters
    ----------
    data
        What the sampler writes, or None for a sample file.
    recorded
        Path of the sample file within the folder of samples, with slashes.
    """

    data: SampleData | None = None
    recorded: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        if self.data is None:
            return {"recorded": self.recorded}
        defaults = {item.name: item.default for item in fields(SampleData)}
        return {name: value for name, value in asdict(self.data).items() if value != defaults[name]}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Base:
        """Give what was made plain."""
        if "recorded" in facts:
            return cls(recorded=facts["recorded"])
        values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in facts.items()}
        return cls(SampleData(**values))

    def __str__(self) -> str:
        return str(self.data) if self.data is not None else f"the sample {self.recorded}"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done to the files of an input.

    Parameters
    ----------
    do
        What: the name of a function in `lamella_testkit.fuzz.steps`.
    file
        To which file, by its path within the folder.
    begin, end, at
        Offsets [bytes].
    new
        Bytes that are put in.
    name
        A name or text; `OUTSIDE` in it stands for a folder.
    other
        Another base, from which bytes are taken.
    """

    do: str
    file: str
    begin: int = 0
    end: int = 0
    at: int = 0
    new: bytes = b""
    name: str = ""
    other: Base | None = None

    def to_json(self) -> dict[str, Any]:
        """Give plain values, without those that are the default."""
        facts: dict[str, Any] = {"do": self.do, "file": self.file}
        for key in ("begin", "end", "at", "name"):
            if getattr(self, key):
                facts[key] = getattr(self, key)
        if self.new:
            facts["new"] = self.new.hex()
        if self.other is not None:
            facts["other"] = self.other.to_json()
        return facts

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Step:
        """Give what was made plain."""
        other = facts.get("other")
        return cls(
            **{
                **facts,
                "new": bytes.fromhex(facts.get("new", "")),
                "other": None if other is None else Base.from_json(other),
            }
        )

    def __str__(self) -> str:
        new = f"{self.new[:16].hex(' ')}{'' if len(self.new) <= 16 else f' ... ({len(self.new)} bytes)'}"
        numbers = f" bytes {self.begin} to {self.end}" if self.begin or self.end else ""
        where = f" at {self.at}" if self.at else ""
        source = f" from {self.other}" if self.other is not None else ""
        return f"{self.do} {self.file}:{numbers}{where} {new}{self.name[:80]!r}{source}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """An input: the file to begin with, and what is done to it one after the other.

    Examples
    --------
    >>> recipe = Recipe("raw", Base(SampleData((2, 3), (4, 5), "<u2")), (Step("cut", "scan.raw", end=7),))
    >>> Recipe.from_json(recipe.to_json()) == recipe
    True
    """

    format: str
    base: Base
    steps: tuple[Step, ...] = ()

    def but(self, steps: Sequence[Step]) -> Recipe:
        """Give the recipe with other steps."""
        return Recipe(self.format, self.base, tuple(steps))

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "format": self.format,
            "base": self.base.to_json(),
            "steps": [step.to_json() for step in self.steps],
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Recipe:
        """Give what was made plain."""
        steps = tuple(Step.from_json(step) for step in facts["steps"])
        return cls(facts["format"], Base.from_json(facts["base"]), steps)

    @property
    def weight(self) -> int:
        """How long it is written [characters], to choose the smaller of two."""
        return len(json.dumps(self.to_json()))

    def __str__(self) -> str:
        return "\n".join([str(self.base), *(f"  {step}" for step in self.steps)])
