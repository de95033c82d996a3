"""What a user said about a target, checked against what its format and the core declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from lamella.errors import ParameterError, Problem
from lamella.format import Capability
from lamella.params.fields import describe
from lamella.params.validate import CommonParams, coerced, kept_names, made, split

if TYPE_CHECKING:
    from lamella.plugins.plugin import Plugin

__all__ = ["CheckedValues", "check_values"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedValues:
    """Values of parameters, and everything that is wrong with them.

    Parameters
    ----------
    common, params
        What the core and the reader are given. With problems, ``common`` holds the values that fit, and ``params`` is
        None if one of its own is wrong or missing.
    values
        Every value that fits its parameter, by name; the defaults of those that were not given too.
    problems
        What is wrong.
    notes
        What a user should know about them.
    """

    common: CommonParams
    params: Any
    values: Mapping[str, object]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    def required(self, plugin: Plugin) -> tuple[CommonParams, Any]:
        """Give both groups of parameters.

        Raises
        ------
        ParameterError
            With all problems at once.
        """
        if self.problems:
            raise ParameterError(self.problems, subject=f"parameters of format {plugin.name!r}")
        return self.common, self.params


def check_values(plugin: Plugin, given: Mapping[str, Any]) -> CheckedValues:
    """Check the parameters of a format and of the core together.

    Parameters
    ----------
    plugin
        The format.
    given
        Names and values, of the user and of the detection.

    Raises
    ------
    PluginError
        If the parameters of the plugin cannot be loaded.
    """
    cls = plugin.params_class()
    assert plugin.spec is not None, "a plugin whose parameters can be loaded has a declaration"
    api = plugin.spec.api
    for_plugin, for_core = split(cls, given, api=api, common=CommonParams)
    common_names = tuple(item.name for item in fields(CommonParams))
    values = _defaults(CommonParams) | _defaults(cls)
    problems: list[Problem] = []
    groups: list[Any] = []
    for kind, group, extra in ((CommonParams, for_core, ()), (cls, for_plugin, common_names)):
        accepted, found = coerced(kind, group, extra=extra)
        values |= accepted
        for problem in found:
            values.pop(problem.field or "", None)
        try:
            instance = None if found and kind is cls else made(kind, accepted)
            groups.append(instance)
            if not found:
                values |= {info.name: getattr(instance, info.name) for info in describe(kind)}
        except ParameterError as error:
            groups.append(None)
            found += error.problems
        problems += found
    if given.get("io_backend") is not None and Capability.IO_BACKENDS not in plugin.spec.capabilities:
        problems.append(Problem("io_backend", f"{plugin.name!r} does not read through I/O backends; leave it out"))
    common, params = groups
    return CheckedValues(
        common=common,
        params=params,
        values=values,
        problems=tuple(dict.fromkeys(problems)),
        notes=tuple(_kept_note(plugin, name, added) for name, added in kept_names(cls, api, CommonParams).items()),
    )


def _defaults(cls: type) -> dict[str, object]:
    return {info.name: info.default_value for info in describe(cls) if not info.required}


def _kept_note(plugin: Plugin, name: str, added: tuple[int, int]) -> str:
    version = ".".join(map(str, added))
    return (
        f"{name} is here a parameter of format {plugin.name!r}; the parameter of that name that all formats have since "
        f"plugin API {version} does not apply"
    )
