"""Analyses by their names: those of the core, and what plugins add in the entry-point group ``lamella.analyses``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from lamella.errors import ParameterError

if TYPE_CHECKING:
    from lamella.analysis.analysis import Analysis
    from lamella.dataset.dataset import DataSet

__all__ = ["make_analysis"]


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
    return cast("Analysis", plugin.make(dataset, **parameters))


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
