"""Analyses on a command line, made from their declarations: which options ask for one, and what is typed for it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lamella.analysis.make import Declared, declared_analyses
from lamella.params.coerce import Mismatch, coerce
from lamella.params.schema import cli_options

if TYPE_CHECKING:
    from lamella.params.fields import ParameterInfo
    from lamella.params.schema import CliOption

__all__ = ["AnalysisOption", "analysis_options"]


@dataclass(frozen=True, slots=True)
class AnalysisOption:
    """How an analysis is asked for.

    One of which only a place and radii are to be said takes numbers, ``--ring [CY,CX,]RI,RO``, and may be repeated. Any
    other is a switch, such as ``--com``, and has an option of its own for each parameter, such as
    ``--com-scan-rotation``.
    """

    declared: Declared

    @property
    def flag(self) -> str:
        """The option that asks for it."""
        return "--" + self.declared.name.replace("_", "-")

    @property
    def typed(self) -> tuple[ParameterInfo, ...]:
        """The parameters that can be typed."""
        return tuple(info for info in self.declared.parameters if info.param.cli)

    @property
    def centre(self) -> tuple[str, ...]:
        """The names of its centre, y and x; nothing if it has none."""
        found = {info.param.place: info.name for info in reversed(self.typed)}
        return (found["sig-y"], found["sig-x"]) if {"sig-y", "sig-x"} <= found.keys() else ()

    @property
    def radii(self) -> tuple[str, ...]:
        """The names of its radii, in the order of their declaration."""
        return tuple(info.name for info in self.typed if info.param.place == "sig-radius")

    @property
    def takes_numbers(self) -> bool:
        """Whether numbers without names are typed after the option."""
        return bool(self.radii) and {info.name for info in self.typed} == {*self.centre, *self.radii}

    @property
    def metavar(self) -> str:
        """What the help shows for the numbers."""
        centre = f"[{','.join(name.upper() for name in self.centre)},]" if self.centre else ""
        return centre + ",".join(name.upper() for name in self.radii)

    @property
    def options(self) -> tuple[CliOption, ...]:
        """The options for its parameters, of one that is a switch."""
        if self.takes_numbers or self.declared.params is None:
            return ()
        return tuple(
            replace(option, name=f"{self.declared.name} {option.name}", flag=f"{self.flag}{option.flag[1:]}")
            for option in cli_options(self.declared.params)
        )

    def read(self, text: str) -> dict[str, float]:
        """Give the parameters of the numbers that were typed; without the centre, where only radii were.

        Raises
        ------
        ValueError
            If they are not the right numbers.
        """
        try:
            values = [float(part) for part in text.split(",")]
        except ValueError:
            raise ValueError(f"{text!r} are not numbers separated by commas") from None
        names = (*self.centre, *self.radii)
        counts = (len(self.radii), len(names)) if self.centre else (len(names),)
        if len(values) not in counts:
            wanted = " or ".join(map(str, counts))
            raise ValueError(f"expected {wanted} numbers, found {len(values)}: {text!r}")
        if not all(map(math.isfinite, values)):
            raise ValueError(f"expected finite numbers, found {text!r}")
        found = dict(zip(names[-len(values) :], values, strict=True))
        self._check(found)
        return found

    def _check(self, found: Mapping[str, float]) -> None:
        by_name = {info.name: info for info in self.typed}
        for name, value in found.items():
            if name in self.radii and value < 0:
                raise ValueError(f"the radius {name} must not be negative, found {value:g}")
            try:
                coerce(value, by_name[name].annotation, by_name[name].param)
            except Mismatch as mismatch:
                raise ValueError(f"{name} {mismatch}") from None
        radii = [found[name] for name in self.radii]
        if any(inner >= outer for inner, outer in zip(radii, radii[1:], strict=False)):
            listed = ",".join(f"{radius:g}" for radius in radii)
            raise ValueError(f"the inner radius comes first and must be smaller than the outer one, found {listed}")


def analysis_options() -> Iterator[AnalysisOption]:
    """Give the options of all analyses for which nothing has to be said; those that take numbers first."""
    declared = [one for one in declared_analyses() if one.params is not None]
    found = [AnalysisOption(one) for one in declared if not any(info.required for info in one.parameters)]
    yield from sorted(found, key=lambda option: not option.takes_numbers)
