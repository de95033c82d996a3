"""What a data set was opened from: a format, a target and parameters, as a value."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Generic, Self, TypeAlias, TypeGuard, TypeVar

import numpy as np

from lamella.corrections.resolve import fact
from lamella.errors import ParameterError
from lamella.reader.localfiles import is_url, named_target
from lamella.system.pathmap import path_here

__all__ = ["DataSetRecipe", "can_be_named"]

Target: TypeAlias = "str | os.PathLike[str] | Sequence[str | os.PathLike[str]]"
"""What names one file or several."""

D_co = TypeVar("D_co", covariant=True)

_FEW = 64
"""Up to how many integers an array is a short list of numbers, such as a shape."""


@dataclass(frozen=True, eq=False, init=False, repr=False)
class DataSetRecipe(ABC, Generic[D_co]):
    """How to open a data set: nothing is looked at before that. `lamella.Recipe` is the one to make.

    Parameters
    ----------
    target
        Path or URL of a file, or a list of them for formats that take one.
    format
        Name of the format, or ``"auto"``.
    **parameters
        Parameters of the format and common ones, as for `lamella.open`.

    Raises
    ------
    ParameterError
        If the target is neither: objects in memory have no recipe.
    """

    target: str | tuple[str, ...]
    format: str
    parameters: Mapping[str, Any]

    def __init__(self, target: Target, format: str = "auto", **parameters: Any) -> None:
        target = named_target(target)
        if not can_be_named(target):
            raise ParameterError(
                f"a recipe names files: expected a path, a URL, or a list of them, found {type(target).__name__}. "
                "Objects in memory are opened by lamella.open",
                subject="target",
            )
        object.__setattr__(self, "target", _all_absolute(target))
        object.__setattr__(self, "format", format.lower())
        object.__setattr__(self, "parameters", MappingProxyType(parameters))

    @abstractmethod
    def open(self) -> D_co:
        """Open the data set, like `lamella.open`."""

    @abstractmethod
    def reopen(self) -> D_co:
        """Give the data set opened earlier in this process if its files are unchanged, or open it without warnings."""

    @cached_property
    def key(self) -> str:
        """A text that is the same for equal recipes, also in other processes."""
        values = sorted(self.parameters.items())
        facts = (self.format, self.target, [(name, _told_apart(value)) for name, value in values])
        import hashlib

        return hashlib.sha256(repr(facts).encode(errors="surrogateescape")).hexdigest()

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, DataSetRecipe) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._again, (self.target, self.format, dict(self.parameters))

    def __repr__(self) -> str:
        given = "".join(f", {name}={value!r}" for name, value in self.parameters.items())
        return f"{type(self).__name__}({self.target!r}, {self.format!r}{given})"

    @classmethod
    def of(cls, target: Target, format: str, parameters: Mapping[str, Any]) -> Self:
        """Make a recipe from a mapping of parameters, such as that of another recipe."""
        recipe = cls(target, format)
        object.__setattr__(recipe, "parameters", MappingProxyType(dict(parameters)))
        return recipe

    @classmethod
    def _again(cls, target: str | tuple[str, ...], format: str, parameters: Mapping[str, Any]) -> Self:
        """Make a recipe as it was; its paths may be those of another operating system."""
        recipe = object.__new__(cls)
        for name, value in (("target", target), ("format", format), ("parameters", MappingProxyType(parameters))):
            object.__setattr__(recipe, name, value)
        return recipe

    def here(self) -> Self:
        """Give the recipe with the paths that the files have on this host; see `lamella.io.paths_here`."""
        target = path_here(self.target) if isinstance(self.target, str) else tuple(map(path_here, self.target))
        paths = {name: value for name, value in self.parameters.items() if isinstance(value, os.PathLike)}
        elsewhere = {name: path_here(os.fspath(value)) for name, value in paths.items()}
        changed = {name: path for name, path in elsewhere.items() if path != os.fspath(paths[name])}
        if target == self.target and not changed:
            return self
        return self._again(target, self.format, {**self.parameters, **changed})

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Self:
        """Make a recipe from what `to_json` gave; it opens the same.

        Raises
        ------
        ParameterError
            If these are no such facts.
        """
        known = {"target", "format", "parameters"}
        if not isinstance(facts, Mapping) or set(facts) != known or not isinstance(facts["parameters"], Mapping):
            raise ParameterError("expected target, format and parameters, as to_json gives them", subject="recipe")
        return cls.of(facts["target"], facts["format"], facts["parameters"])

    def to_json(self) -> dict[str, Any]:
        """Give the recipe as JSON holds it: ``target``, ``format`` and ``parameters``.

        Raises
        ------
        ParameterError
            If a parameter is an object that JSON cannot hold, such as corrections; lists them all.
        """
        problems: list[str] = []
        parameters: dict[str, Any] = {}
        for name, value in self.parameters.items():
            try:
                parameters[name] = _jsonable(value)
            except TypeError as error:
                problems.append(f"{name}: {error}")
        if problems:
            raise ParameterError(problems, subject="recipe")
        target = self.target if isinstance(self.target, str) else list(self.target)
        return {"target": target, "format": self.format, "parameters": parameters}


def can_be_named(target: object) -> TypeGuard[Target]:
    """Whether a target is a path, a URL, or a list of them, so that it can be opened again by its name."""
    if isinstance(target, (str, os.PathLike)):
        return True
    if not isinstance(target, (list, tuple)) or not target:
        return False
    return all(isinstance(one, (str, os.PathLike)) for one in target)


def _all_absolute(target: Target) -> str | tuple[str, ...]:
    """Give absolute paths; a list of one file is that file."""
    if isinstance(target, (str, os.PathLike)):
        return _absolute(target)
    return _absolute(target[0]) if len(target) == 1 else tuple(map(_absolute, target))


def _absolute(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    return text if is_url(text) else os.path.abspath(text)


def _told_apart(value: Any) -> object:
    """Give what tells values of a parameter apart, whichever of its types a user wrote."""
    try:
        return _jsonable(value)
    except TypeError:
        pass
    if isinstance(value, np.ndarray) and value.dtype != object:
        import hashlib

        return value.shape, value.dtype.str, hashlib.sha256(value.tobytes()).hexdigest()
    return fact(value)


def _jsonable(value: Any) -> Any:
    """Give a value as JSON holds it, in a form that the parameter accepts."""
    if isinstance(value, Enum):
        return _jsonable(value.value)
    if isinstance(value, np.generic) and value.dtype.kind in "buifU":
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "bui" and value.ndim == 1 and value.size <= _FEW:
        return value.tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if _is_dtype(value):
        return np.dtype(value).str
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: _jsonable(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_jsonable(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot be written as JSON; give it when the data set is opened")


def _is_dtype(value: Any) -> bool:
    if isinstance(value, type):
        return issubclass(value, np.generic | int | float)
    return isinstance(value, np.dtype) and value.names is None
