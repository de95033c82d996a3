"""Level 0: wrong specs and parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from lamella.format import Param
from wrong_readers.catalogue import declare, mistake
from wrong_readers.toy_reader import ToyReader

declare(
    "NumpyInSpec",
    "the spec imports NumPy",
    check="spec_import_is_light",
    level=0,
    reader="wrong_readers.heavy.reader:Reader",
)
declare(
    "ReaderInSpec",
    "the spec imports the reader",
    check="spec_import_is_light",
    level=0,
    reader="wrong_readers.eager.reader:Reader",
)
declare(
    "SlowSpec",
    "the spec takes 50 ms to import",
    check="spec_import_is_quick",
    level=0,
    reader="wrong_readers.slow.reader:Reader",
)
declare(
    "FragileSpec",
    "the spec cannot be imported alone",
    check="spec_loads",
    level=0,
    reader="wrong_readers.fragile.reader:Reader",
)
declare("DottedExtension", "an extension with a dot", check="spec_is_valid", level=0, extensions=(".toy",))
declare("NewerApi", "written for a newer plugin API", check="api_version_is_accepted", level=0, api=(1, 99))


@mistake("the reader is made with state", check="reader_is_importable", level=0)
class ReaderWithState(ToyReader):
    def __init__(self) -> None:
        self.opened: list[object] = []


@mistake("a parameter without a sentence", check="parameters_are_documented", level=0)
@dataclass(frozen=True, kw_only=True)
class UndocumentedParams:
    level: Annotated[int, Param(doc="")] = 1


@mistake("parameters that can be changed", check="parameters_are_a_frozen_dataclass", level=0)
@dataclass(kw_only=True)
class MutableParams:
    level: Annotated[int, Param(doc="A level.")] = 1


@mistake("parameters without names", check="parameters_are_a_frozen_dataclass", level=0)
@dataclass(frozen=True)
class PositionalParams:
    level: Annotated[int, Param(doc="A level.")] = 1


@mistake("a default that is not allowed", check="parameter_defaults_validate", level=0)
@dataclass(frozen=True, kw_only=True)
class WrongDefaultParams:
    level: Annotated[int, Param(doc="A level.", ge=1)] = 0


@mistake("a parameter of a type without a form", check="parameters_have_a_schema", level=0)
@dataclass(frozen=True, kw_only=True)
class FormlessParams:
    level: Annotated[complex, Param(doc="A level.")] = 0j


@mistake("a parameter without a type", check="parameters_are_documented", level=0)
@dataclass(frozen=True, kw_only=True)
class UntypedParams:
    level: Annotated[Any, Param(doc="A level.")] = None
