"""Analyses by their names: those of the core, and what plugins add in the entry-point group ``lamella.analyses``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lamella.errors import ParameterError
from lamella.params.fields import describe

if TYPE_CHECKING:
    from lamella.analysis.analysis import Analysis
    from lamella.dataset.dataset import DataSet
    from lamella.params.fields import ParameterInfo

__all__ = ["Declared", "declared_analyses", "make_analysis"]


def make_analysis(name: str, dataset: DataSet, /, **parameters: Any) -> Analysis:
    """Give an analysis by its name; run it with `lamella.Context.run`.

    Parameters
    ----------
    name
        ``"sum"``, ``"std"``, ``"sumsig"``, ``"frames"``, ``"pick"``, ``"point"``, ``"disk"``, ``"ring"``, ``"mask"``,
        ``"com"``, ``"radial_fourier"``, or what a plugin adds; in any case of letters.
    dataset
        The data.
    **parameters
        What the class of the analysis takes besides the data.

    Raises
    ------
    ParameterError
        If the analysis does not take these parameters, or they do not fit the data.
    PluginError
        If there is no such analysis, or its plugin cannot be used; says what to do.

    Examples
    --------
    >>> import numpy as np, lamella
    >>> from lamella.analysis import make_analysis
    >>> dataset = lamella.open(np.ones((2, 3, 8, 8), dtype="u1"), nav_shape=(2, 3))
    >>> disk = make_analysis("disk", dataset, cx=4, cy=4, r=1.5)
    >>> lamella.Context.make_with("inline").run(disk).intensity.raw_data.shape
    (2, 3)
    """
    from lamella.plugins.kinds import ANALYSES
    from lamella.plugins.registry import default_registry

    plugin = default_registry().get(name, ANALYSES)
    _check(plugin.factory(), name, dataset, parameters)
    made = cast("Analysis", plugin.make(dataset, **parameters))
    if getattr(made, "name", None) != plugin.name:
        made.name = plugin.name
    return made


def _check(factory: Callable[..., Any], name: str, dataset: DataSet, parameters: dict[str, Any]) -> None:
    """Refuse parameters that are absent, or that the analysis does not have."""
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):  # some callables written in C do not tell
        return
    try:
        signature.bind(dataset, **parameters)
    except TypeError as error:
        takes = ", ".join(list(signature.parameters)[1:]) or "none"
        raise ParameterError(f"{error}; parameters are: {takes}", subject=f"analysis {name!r}") from error


@dataclass(frozen=True, slots=True)
class Declared:
    """An analysis as a list shows it, before there are data.

    Parameters
    ----------
    name
        What `make_analysis` and users call it.
    title
        What people call it.
    doc
        What it computes, in a sentence.
    params
        The dataclass of its parameters; None if they are not declared.
    """

    name: str
    title: str
    doc: str
    params: type | None

    @property
    def parameters(self) -> tuple[ParameterInfo, ...]:
        """The parameters in the order of their declaration."""
        return () if self.params is None else describe(self.params)


def declared_analyses() -> tuple[Declared, ...]:
    """Give all analyses that can be used, those of the core and of plugins, by their names.

    Examples
    --------
    >>> from lamella.analysis import declared_analyses
    >>> {one.name: one.title for one in declared_analyses()}["ring"]
    'Ring'
    """
    from lamella.plugins.kinds import ANALYSES
    from lamella.plugins.registry import default_registry

    return tuple(_declared(plugin.name, plugin.factory()) for plugin in default_registry().usable(ANALYSES))


def _declared(name: str, factory: Callable[..., Any]) -> Declared:
    """Give what a class declares; a plugin may declare anything."""
    params, title = getattr(factory, "params", None), getattr(factory, "title", "")
    try:
        describe(params)
    except Exception:  # whatever the annotations of a plugin lead to
        params = None
    doc = (inspect.getdoc(factory) or "").strip().partition("\n")[0]
    return Declared(name, title if isinstance(title, str) and title else name.replace("_", " ").title(), doc, params)
