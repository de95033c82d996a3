"""Parameters: what every format takes, and the check of what a user wrote against what was declared.

A parameter dataclass is frozen and keyword-only, and its fields are ``Annotated[T, Param(...)]``. That one
declaration gives the Python signature, validation, descriptions, JSON schema and command-line options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Literal, TypeVar

from lamella.errors import ParameterError, Problem
from lamella.format import API_VERSION, Param
from lamella.params.coerce import Mismatch, coerce, is_empty
from lamella.params.fields import ParameterInfo, describe
from lamella.params.schema import CliOption, cli_options, docs_table, json_schema, values_from_namespace

__all__ = [
    "CliOption",
    "CommonParams",
    "ParameterInfo",
    "cli_options",
    "coerced",
    "common_names",
    "describe",
    "docs_table",
    "json_schema",
    "kept_names",
    "made",
    "split",
    "validate",
    "values_from_namespace",
]

P = TypeVar("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonParams:
    """The parameters that every format understands, because the core applies them.

    One that comes later says with which plugin API: ``field(default=None, metadata={"since": (1, 1)})``. Plugins that
    were written before may have a parameter of that name, which means something else.
    """

    name: Annotated[str | None, Param(doc="Label of the data set; the file name by default.")] = None
    nav_shape: Annotated[
        tuple[int, ...] | None,
        Param(doc="Scan shape in C order, fast axis last; by default what the file says.", ge=1),
    ] = None
    sig_shape: Annotated[
        tuple[int, ...] | None,
        Param(doc="Shape of one frame in C order; what the file says by default.", unit="px", ge=1),
    ] = None
    sync_offset: Annotated[
        int | None,
        Param(
            doc="Stored frames skipped at the start (> 0) or scan positions left missing there (< 0); "
            "by default what the format suggests, or 0.",
            unit="frames",
        ),
    ] = None
    io_backend: Annotated[
        object | None,
        Param(
            doc='How bytes are read: "auto", "mmap", "buffered" or "direct"; in Python also a backend object.',
            kind="object",
        ),
    ] = None
    num_partitions: Annotated[
        int | None, Param(doc="Number of partitions; chosen from the size and the workers by default.", ge=1)
    ] = None
    missing: Annotated[
        Literal["skip", "zero", "error"],
        Param(doc="What to do at scan positions for which the file has no frame."),
    ] = "skip"
    corrections: Annotated[
        bool | object | None,
        Param(
            doc="Correct pixels in computations with dark frame, gain map and excluded pixels of the files; "
            "in Python also with lamella.corrections.Corrections instead.",
        ),
    ] = True


common_names: frozenset[str] = frozenset(item.name for item in fields(CommonParams))
"""The names of the common parameters."""

_FIRST = (1, 0)


def validate(
    cls: type[P],
    values: Mapping[str, object],
    *,
    subject: str | None = None,
    extra: Sequence[str] = (),
) -> P:
    """An instance of ``cls`` made from what a user wrote.

    Parameters
    ----------
    cls
        The parameter dataclass.
    values
        Names and values, in Python types or as text from a command line.
    subject
        What the parameters are for; begins the error message.
    extra
        Further legal names, which an error message lists and offers.

    Raises
    ------
    ParameterError
        With all problems at once.

    Examples
    --------
    >>> validate(CommonParams, {"nav_shape": "128x256"}).nav_shape
    (128, 256)
    """
    accepted, problems = coerced(cls, values, extra=extra)
    if problems:
        raise ParameterError(problems, subject=subject)
    return made(cls, accepted, subject=subject)


def coerced(
    cls: type, values: Mapping[str, object], *, extra: Sequence[str] = ()
) -> tuple[dict[str, object], list[Problem]]:
    """Give the values that fit ``cls``, in the types that it declares, and what is wrong with the others.

    Parameters
    ----------
    cls, values, extra
        As for `validate`.
    """
    given = {name: value for name, value in values.items() if not _is_empty_shape(name, value)}
    described = describe(cls)
    problems = _unknown(given, [info.name for info in described], extra)
    accepted: dict[str, object] = {}
    for info in described:
        if info.name in given:
            try:
                accepted[info.name] = coerce(given[info.name], info.annotation, info.param)
            except Mismatch as mismatch:
                problems.append(Problem(info.name, str(mismatch)))
        elif info.required:
            problems.append(Problem(info.name, f"required ({info.type}). {info.param.doc}".rstrip()))
    return accepted, problems


def split(
    cls: type, values: Mapping[str, object], *, api: tuple[int, int] = API_VERSION, common: type = CommonParams
) -> tuple[dict[str, object], dict[str, object]]:
    """The values meant for the plugin's ``cls``, and those meant for the core.

    A common parameter that the plugin declares too goes to both, unless the core got it after the plugin was written:
    then it is the plugin's own. Unknown names go to the plugin, so that its validation reports them.

    Parameters
    ----------
    cls
        The parameter dataclass of the plugin.
    values
        Names and values.
    api
        The plugin API that the plugin was written for.
    common
        The parameters of the core.
    """
    own = {info.name for info in describe(cls)}
    of_core = {item.name for item in fields(common)}
    kept = kept_names(cls, api, common)
    plugin = {name: value for name, value in values.items() if name in own or name not in of_core}
    core = {name: value for name, value in values.items() if name in of_core and name not in kept}
    return plugin, core


def kept_names(cls: type, api: tuple[int, int], common: type = CommonParams) -> dict[str, tuple[int, int]]:
    """The parameters of a plugin whose names the core took later, and the plugin API with which it did.

    Parameters
    ----------
    cls, api, common
        As for `split`.
    """
    own = {info.name for info in describe(cls)}
    since = {item.name: item.metadata.get("since", _FIRST) for item in fields(common)}
    return {name: added for name, added in since.items() if name in own and added > api}


def made(cls: type[P], accepted: Mapping[str, object], *, subject: str | None = None) -> P:
    """An instance of ``cls`` of values that fit it.

    Raises
    ------
    ParameterError
        If they do not go together.
    """
    try:
        return cls(**accepted)
    except ParameterError as error:
        raise ParameterError(error.problems, subject=subject) from error
    except (TypeError, ValueError) as error:
        raise ParameterError(str(error), subject=subject) from error


def _is_empty_shape(name: str, value: object) -> bool:
    if not name.endswith("_shape"):
        return False
    return is_empty(value) if isinstance(value, str) else isinstance(value, tuple | list) and len(value) == 0


def _unknown(given: Mapping[str, object], own: Sequence[str], extra: Sequence[str]) -> list[Problem]:
    unknown = [name for name in given if name not in own]
    if not unknown:
        return []
    from difflib import get_close_matches

    known = list(dict.fromkeys([*own, *extra]))
    problems = []
    for name in unknown:
        close = " or ".join(repr(other) for other in get_close_matches(str(name), known, n=2))
        problems.append(Problem(name, f"unknown parameter {name!r}" + (f"; did you mean {close}?" if close else "")))
    field, text = problems[-1]
    problems[-1] = Problem(field, f"{text} (known: {', '.join(known) or 'none'})")
    return problems
