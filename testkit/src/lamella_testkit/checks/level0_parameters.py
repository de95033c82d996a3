"""Level 0, declared: the reader and its parameters can be imported, and every parameter explains itself."""

from __future__ import annotations

import inspect
import json

from lamella.params.coerce import Mismatch, coerce
from lamella.params.fields import describe
from lamella.params.schema import cli_options, docs_table, json_schema
from lamella_testkit.checking import check
from lamella_testkit.kit import Kit
from lamella_testkit.outcomes import Broken


@check(level=0)
def reader_is_importable(kit: Kit) -> None:
    """The reader is made without arguments, keeps no state, and has `detect(probe)` and `open(params, probe)`."""
    reader = kit.reader
    for name, count in (("detect", 1), ("open", 2)):
        method = getattr(reader, name, None)
        kit.expect(callable(method), f"{type(reader).__name__} has no method {name}")
        try:
            inspect.signature(method).bind(*range(count))  # type: ignore[arg-type]
        except TypeError as error:
            raise Broken(f"{name} cannot be called with {count} arguments: {error}") from None
    kit.expect(not getattr(reader, "__dict__", None), f"{type(reader).__name__} has attributes of its own")


@check(level=0)
def parameters_are_a_frozen_dataclass(kit: Kit) -> None:
    """The parameters are a frozen dataclass whose fields are all keyword-only."""
    cls = kit.plugin.params_class()
    kit.expect(cls.__dataclass_params__.frozen, f"{cls.__name__} is not frozen")  # type: ignore[attr-defined]
    positional = [name for name, one in inspect.signature(cls).parameters.items() if one.kind is not one.KEYWORD_ONLY]
    kit.expect(not positional, f"{', '.join(positional)} of {cls.__name__} can be given without a name")


@check(level=0)
def parameters_are_documented(kit: Kit) -> None:
    """Every parameter has a type and one sentence that says what it means.

    Write `name: Annotated[type, Param(doc="...")] = default`.
    """
    for info in describe(kit.plugin.params_class()):
        kit.expect(info.param.doc.strip(), f"parameter {info.name!r} has no doc")
        untyped = info.type in ("Any", "object") and info.param.kind != "object"
        kit.expect(not untyped, f'parameter {info.name!r} has no type; say kind="object" if it takes anything')


@check(level=0)
def parameters_have_a_schema(kit: Kit) -> None:
    """The parameters can be shown as a JSON schema, a table and command-line options."""
    cls = kit.plugin.params_class()
    schema = json.loads(json.dumps(json_schema(cls)))
    for info in describe(cls):
        entry = schema["properties"][info.name]
        typed = {"type", "anyOf", "enum"} & set(entry)
        kit.expect(typed or info.param.kind == "object", f"the JSON schema says no type for {info.name!r}: {entry}")
    docs_table(cls)
    options = {option.name for option in cli_options(cls)}
    unusable = [info.name for info in describe(cls) if info.required and info.param.cli and info.name not in options]
    kit.expect(not unusable, f"{', '.join(unusable)} cannot be given on the command line")


@check(level=0)
def parameter_defaults_validate(kit: Kit) -> None:
    """Every default is a legal value of its parameter."""
    for info in describe(kit.plugin.params_class()):
        if info.required:
            continue
        try:
            accepted = coerce(info.default_value, info.annotation, info.param)
        except Mismatch as mismatch:
            raise Broken(f"the default of {info.name!r} is refused: {mismatch}") from None
        kit.expect(
            accepted == info.default_value,
            f"the default of {info.name!r} is {info.default_value!r}, but becomes {accepted!r} when it is given",
        )
