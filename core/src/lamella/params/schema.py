"""Parameters as other programs want them: JSON schema, documentation table, command-line options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from lamella.format import Param
from lamella.params.coerce import Mismatch, coerce, members
from lamella.params.fields import ParameterInfo, describe

if TYPE_CHECKING:
    import argparse

__all__ = ["CliOption", "cli_options", "docs_table", "json_schema", "values_from_namespace"]

_JSON_TYPES: Mapping[Any, Mapping[str, object]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    Path: {"type": "string", "format": "path"},
}


def json_schema(cls: type) -> dict[str, object]:
    """The parameters as a JSON Schema (2020-12) object, from which forms can be made."""
    described = describe(cls)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": cls.__name__,
        "description": (cls.__doc__ or "").strip().partition("\n")[0],
        "type": "object",
        "properties": {info.name: _property_schema(info) for info in described},
        "required": [info.name for info in described if info.required],
        "additionalProperties": False,
    }


def docs_table(cls: type) -> str:
    """The parameters as a MyST table."""
    rows = ["| parameter | type | default | unit | meaning |", "|---|---|---|---|---|"]
    for info in describe(cls):
        default = "*required*" if info.required else f"`{info.default}`"
        cells = (f"`{info.name}`", info.type, default, info.param.unit or "", _meaning(info.param))
        rows.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


@dataclass(frozen=True, slots=True)
class CliOption:
    """One parameter as a command-line option; ``parser`` turns its text into the value."""

    name: str
    flag: str
    help: str
    metavar: str | None
    choices: tuple[str, ...] | None
    parser: Callable[[str], object]
    is_switch: bool = False

    def add_to(self, parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
        """Add the option to an `argparse` parser; an option that is not given leaves no trace."""
        import argparse

        text = self.help.replace("%", "%%")
        absent = argparse.SUPPRESS
        if self.is_switch:
            switch = argparse.BooleanOptionalAction
            parser.add_argument(self.flag, dest=self.name, action=switch, default=absent, help=text)
        else:
            parser.add_argument(
                self.flag, dest=self.name, type=self.parser, metavar=self.metavar, default=absent, help=text
            )


def cli_options(cls: type) -> tuple[CliOption, ...]:
    """The parameters that can be typed in a shell, as options."""
    return tuple(_cli_option(info) for info in describe(cls) if info.param.cli)


def values_from_namespace(cls: type, ns: argparse.Namespace) -> dict[str, object]:
    """The values that were given on the command line for parameters of ``cls``."""
    given = vars(ns)
    return {info.name: given[info.name] for info in describe(cls) if given.get(info.name) is not None}


def _cli_option(info: ParameterInfo) -> CliOption:
    choices, is_bool = _choices(info), bool in members(info.annotation)
    if choices and is_bool:
        choices = ("true", "false", *choices)
    return CliOption(
        name=info.name,
        flag="--" + info.name.replace("_", "-"),
        help=_help(info),
        metavar=f"{{{','.join(choices)}}}" if choices else _metavar(info),
        choices=choices,
        parser=_text_parser(info),
        is_switch=is_bool and choices is None,
    )


_QUOTES = "'\""
_OF_PYTHON = "; in Python also "


def _help(info: ParameterInfo) -> str:
    notes = [f"unit: {info.param.unit}"] if info.param.unit else []
    if info.required:
        notes.append("required")
    elif info.default not in ("None", "True", "False"):
        notes.append(f"default: {info.default.strip(_QUOTES)}")
    elif info.default == "True":
        notes.append("on by default")
    doc, _, of_python = info.param.doc.partition(_OF_PYTHON)  # no matter in a shell
    doc += "." if of_python else ""
    return doc + (f" [{'; '.join(notes)}]" if notes else "")


def _choices(info: ParameterInfo) -> tuple[str, ...] | None:
    if info.param.choices is not None:
        return tuple(str(choice) for choice in info.param.choices)
    for member in members(info.annotation):
        if get_origin(member) is Literal:
            return tuple(str(choice) for choice in get_args(member))
    return None


def _metavar(info: ParameterInfo) -> str:
    if info.param.kind == "dtype":
        return "DTYPE"
    member = next(member for member in members(info.annotation) if member is not type(None))
    if get_origin(member) is tuple:
        items = get_args(member)
        letter = "N" if items[0] in (int, float) else getattr(items[0], "__name__", "VALUE").upper()
        return f"{letter},{letter},..." if items[1:] == (Ellipsis,) else ",".join(letter for _ in items)
    return "VALUE" if member is object else str(getattr(member, "__name__", "VALUE")).upper()


def _text_parser(info: ParameterInfo) -> Callable[[str], object]:
    def parse(text: str) -> object:
        try:
            return coerce(text, info.annotation, info.param)
        except Mismatch as mismatch:
            from argparse import ArgumentTypeError

            raise ArgumentTypeError(str(mismatch)) from None

    return parse


def _meaning(param: Param) -> str:
    notes = [] if param.choices is None else [f"one of {', '.join(map(repr, param.choices))}"]
    bounds = ((">=", param.ge), (">", param.gt), ("<=", param.le), ("<", param.lt))
    notes += [f"{sign} {bound:g}" for sign, bound in bounds if bound is not None]
    return f"{param.doc} ({', '.join(notes)})" if notes else param.doc


def _property_schema(info: ParameterInfo) -> dict[str, object]:
    alternatives = [_type_schema(member, info.param) for member in members(info.annotation)]
    schema: dict[str, object] = alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives}
    schema["description"] = info.param.doc
    if info.param.unit:
        schema["x-unit"] = info.param.unit
    if not info.required and isinstance(info.default_value, bool | int | float | str | tuple | PurePath | None):
        schema["default"] = _json_value(info.default_value)
    return schema


def _json_value(value: object) -> object:
    if isinstance(value, tuple):
        return [_json_value(item) for item in value]
    return str(value) if isinstance(value, PurePath) else value


def _type_schema(annotation: Any, param: Param) -> dict[str, object]:
    if annotation is type(None):
        return {"type": "null"}
    if get_origin(annotation) is Literal:
        return {"enum": list(get_args(annotation))}
    if get_origin(annotation) is tuple:
        return _tuple_schema(get_args(annotation), param)
    schema = dict(_JSON_TYPES.get(annotation, {}))
    if param.kind == "dtype":
        schema = {"type": "string", "format": "numpy-dtype"}
    elif param.kind == "path":
        schema = {"type": "string", "format": "path"}
    if annotation in (int, float):
        schema |= _bounds_schema(param)
    if param.choices is not None:
        schema["enum"] = [_json_value(choice) for choice in param.choices]
    return schema


def _tuple_schema(items: tuple[Any, ...], param: Param) -> dict[str, object]:
    if len(items) == 2 and items[1] is Ellipsis:
        return {"type": "array", "items": _type_schema(items[0], param)}
    return {
        "type": "array",
        "prefixItems": [_type_schema(item, param) for item in items],
        "minItems": len(items),
        "maxItems": len(items),
    }


def _bounds_schema(param: Param) -> dict[str, object]:
    words = {
        "minimum": param.ge,
        "exclusiveMinimum": param.gt,
        "maximum": param.le,
        "exclusiveMaximum": param.lt,
    }
    return {word: bound for word, bound in words.items() if bound is not None}
