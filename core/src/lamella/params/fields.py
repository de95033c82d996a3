"""What a parameter dataclass declares, read once from its annotations."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from pathlib import PurePath
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from lamella.format import Param
from lamella.params.coerce import type_text

__all__ = ["ParameterInfo", "describe"]


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """One parameter as documentation and forms show it; ``type`` and ``default`` are texts."""

    name: str
    type: str
    default: str
    required: bool
    param: Param
    annotation: Any
    default_value: object = None


@cache
def describe(cls: type) -> tuple[ParameterInfo, ...]:
    """Every parameter of a parameter dataclass, in the order of declaration.

    Raises
    ------
    TypeError
        If ``cls`` is not a dataclass.
    """
    if not is_dataclass(cls):
        raise TypeError(f"{cls!r} is not a parameter dataclass")
    hints = get_type_hints(cls, include_extras=True)
    return tuple(_info(item, hints[item.name]) for item in fields(cls) if item.init)


def _info(item: Field[Any], hint: Any) -> ParameterInfo:
    annotation, param = _unwrapped(hint)
    required = item.default is MISSING and item.default_factory is MISSING
    default = None if required else _default(item)
    return ParameterInfo(
        name=item.name,
        type=type_text(annotation, param),
        default="" if required else _default_text(default),
        required=required,
        param=param,
        annotation=annotation,
        default_value=default,
    )


def _unwrapped(hint: Any) -> tuple[Any, Param]:
    if get_origin(hint) is not Annotated:
        return hint, Param(doc="")
    annotation, *notes = get_args(hint)
    param = next((note for note in notes if isinstance(note, Param)), Param(doc=""))
    return annotation, param


def _default(item: Field[Any]) -> object:
    return item.default if item.default_factory is MISSING else item.default_factory()


def _default_text(value: object) -> str:
    return repr(str(value)) if isinstance(value, PurePath) else repr(value)
