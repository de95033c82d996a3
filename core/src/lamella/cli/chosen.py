"""What to compute, as a user asks for it: the options of all analyses, and what was chosen by them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lamella.analysis.options import AnalysisOption, analysis_options

if TYPE_CHECKING:
    from lamella.analysis.analysis import Analysis
    from lamella.dataset.dataset import DataSet

__all__ = ["Wanted", "add_analyses", "stems_for", "wanted_in"]

_KEPT = "analysis "  # begins the destination of an option, so that it meets no other argument


@dataclass(frozen=True, slots=True)
class Wanted:
    """An analysis that was asked for; a detector may lack its centre: it is that of the direct beam."""

    option: AnalysisOption
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def needs_centre(self) -> bool:
        """Whether it is to lie around the direct beam."""
        return any(name not in self.values for name in self.option.centre)

    def centred(self, centre: Sequence[float] | None) -> Wanted:
        """Give it around a centre (cy, cx), where none was chosen for it."""
        if centre is None or not self.option.centre:
            return self
        return replace(self, values={**dict(zip(self.option.centre, centre, strict=True)), **self.values})

    def make(self, dataset: DataSet) -> Analysis:
        """Give the analysis."""
        from lamella.analysis.make import make_analysis

        return make_analysis(self.option.declared.name, dataset, **self.values)


def add_analyses(group: argparse._ArgumentGroup) -> None:
    """Add the options of all analyses, those of plugins too."""
    for option in analysis_options():
        kept, doc = _KEPT + option.declared.name, option.declared.doc.replace("%", "%%").rstrip(".")
        if option.takes_numbers:
            centre = ": centre, that of the direct beam by default, and" if option.centre else ":"
            radii = "radius" if len(option.radii) == 1 else "radii"
            group.add_argument(
                option.flag,
                dest=kept,
                action="append",
                type=_reading(option),
                metavar=option.metavar,
                help=f"{doc}{centre} {radii} [px]; may be repeated",
            )
        else:
            around = ", around the direct beam" if option.centre else ""
            group.add_argument(option.flag, dest=kept, action="store_true", help=doc + around)
            for one in option.options:
                replace(one, name=_KEPT + one.name).add_to(group)


def _reading(option: AnalysisOption) -> Callable[[str], dict[str, float]]:
    def read(text: str) -> dict[str, float]:
        try:
            return option.read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def wanted_in(args: argparse.Namespace) -> list[Wanted]:
    """Give the analyses that were asked for; parameters of a switch ask for it, too."""
    given, wanted = vars(args), list[Wanted]()
    for option in analysis_options():
        chosen = given.get(_KEPT + option.declared.name)
        if option.takes_numbers:
            wanted += [Wanted(option, values) for values in chosen or ()]
            continue
        names = {one.name.partition(" ")[2]: _KEPT + one.name for one in option.options}
        values = {name: given[kept] for name, kept in names.items() if given.get(kept) is not None}
        if chosen or values:
            wanted.append(Wanted(option, values))
    return wanted


def stems_for(dataset: DataSet, wanted: Sequence[Wanted]) -> list[str]:
    """Give the names of the arrays that will be written."""
    from lamella.firstlook.outputs import names_of, stems_of

    analyses = [one.make(dataset) for one in wanted]
    named = zip(analyses, names_of(analyses), strict=True)
    return [stem for analysis, name in named for stem in stems_of(analysis, name)]
