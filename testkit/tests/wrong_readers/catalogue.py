"""All mistakes: what is wrong, the check that is named for it, and its level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, TypeVar

from lamella.format import FormatSpec
from lamella_testkit import Sampler
from wrong_readers.rich_format import RichSampler
from wrong_readers.rich_reader import RICH, RichReader
from wrong_readers.toy_format import ToySampler
from wrong_readers.toy_reader import PROCEDURAL, RIGHT, ToyProceduralReader, ToyReader

T = TypeVar("T")


@dataclass(frozen=True)
class Mistake:
    """A wrong reader: everything is right but one thing."""

    name: str
    text: str
    check: str
    level: int
    spec: FormatSpec
    sampler: type[Sampler]


_mistakes: list[Mistake] = []


def mistake(
    text: str, *, check: str, level: int, sampler: type[Sampler] | None = None, **changes: Any
) -> Callable[[type[T]], type[T]]:
    """Register a wrong reader, or a wrong procedural source, or a wrong parameter class."""

    def register(cls: type[T]) -> type[T]:
        place = f"{cls.__module__}:{cls.__qualname__}"
        usual: type[Sampler] = RichSampler if issubclass(cls, RichReader) else ToySampler
        if issubclass(cls, RichReader):
            spec = replace(RICH, **{"reader": place, **changes})
        elif issubclass(cls, ToyReader):
            base = PROCEDURAL if issubclass(cls, ToyProceduralReader) else RIGHT
            spec = replace(base, **{"reader": place, **changes})
        else:
            spec = replace(RIGHT, **{"params": place, **changes})
        _mistakes.append(Mistake(cls.__name__, text, check, level, spec, sampler or usual))
        return cls

    return register


def declare(name: str, text: str, *, check: str, level: int, **changes: Any) -> None:
    """Register a mistake in the declaration alone."""
    _mistakes.append(Mistake(name, text, check, level, replace(RIGHT, **changes), ToySampler))


def all_mistakes() -> list[Mistake]:
    """Import every module of wrong readers, and give what they register, by level."""
    for module in iter_modules([str(Path(__file__).parent)]):
        if module.name.startswith("wrong_"):
            import_module(f"wrong_readers.{module.name}")
    return sorted(_mistakes, key=lambda one: one.level)
