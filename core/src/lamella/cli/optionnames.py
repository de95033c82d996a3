"""Names of parameters in messages, as the command line knows them: ``nav_shape=(3, 4)`` is ``--nav-shape 3,4``."""

from __future__ import annotations

import re
from functools import cache

from lamella.errors import ParameterError, PluginError, Problem
from lamella.params.schema import cli_options
from lamella.params.validate import CommonParams
from lamella.plugins.registry import default_registry

__all__ = ["as_options", "needed_options", "with_options"]

_NAME = re.compile(
    r"(?<![\w/\\.'\"-])([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?![\w/\\'\"-]|\.\w)"
    r"(?:(=| )\((\d{1,18}(?:, ?\d{1,18})*),?\)|=(True|False)\b|(=)(?=[\w.]))?"
)
_QUOTED = re.compile(r"(?<![\w/\\.'\"-])([a-z][a-z0-9_]*)=\"([^\"\s]{1,60})\"")


def as_options(error: ParameterError) -> ParameterError:
    """Give an error that names the options of the command line instead of the parameters."""
    return ParameterError([(None, _sentence(problem)) for problem in error.problems], subject=error.subject)


def needed_options(error: ParameterError) -> list[str]:
    """Give the options without which a file cannot be opened, if nothing else is wrong; else nothing."""
    if not all(problem.field in _flags() and problem.text.startswith("required") for problem in error.problems):
        return []
    return [_flags()[problem.field] for problem in error.problems if problem.field is not None]


def with_options(text: str) -> str:
    """Give a text in which parameters with several words in their names are options.

    Examples
    --------
    >>> with_options("give nav_shape=(3, 4) or sync_offset; not /data/nav_shape/a.raw")
    'give --nav-shape 3,4 or --sync-offset; not /data/nav_shape/a.raw'
    """
    if "_" in text:
        text = _NAME.sub(_replaced, text)
    return _QUOTED.sub(_with_value, text) if '="' in text else text


def _sentence(problem: Problem) -> str:
    if problem.field == "target":  # the file, which is no option
        return with_options(problem.text)
    sentence, field = problem.sentence, problem.field
    if field in _flags() and sentence.startswith(field):
        return _flags()[field] + with_options(sentence[len(field) :])
    return with_options(sentence)


def _with_value(found: re.Match[str]) -> str:
    flag = "--format" if found[1] == "format" else _flags().get(found[1])
    value = "NAME" if found[2] == "..." else found[2]
    return found[0] if flag is None else f"{flag} {value}"


def _replaced(found: re.Match[str]) -> str:
    name, _, shape, truth, assigned = found.groups()
    flag = _flags().get(name)
    if flag is None:
        return found[0]
    if shape is not None:
        return f"{flag} {shape.replace(' ', '')}"
    if truth is not None:
        return flag if truth == "True" else f"--no-{flag.removeprefix('--')}"
    return f"{flag} " if assigned else flag


@cache
def _flags() -> dict[str, str]:
    """Give the option of each parameter that any installed format takes."""
    flags = {option.name: option.flag for option in cli_options(CommonParams)}
    for plugin in default_registry().usable():
        try:
            flags |= {option.name: option.flag for option in cli_options(plugin.params_class())}
        except PluginError:
            continue
    return flags
