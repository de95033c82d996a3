"""Analyses as panels of a page: their parameters, the handles that move them, and in which picture they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lamella.analysis import declared_analyses, make_analysis
from lamella.errors import ParameterError

if TYPE_CHECKING:
    from lamella import DataSet
    from lamella.analysis import Analysis, Beam, Declared

__all__ = ["Panel", "declared", "first_panels", "handles_of", "make_panel", "placed_panel", "plain"]

FIRST = ("sum", "std", "pick", "ring", "disk", "com")
"""What a scan is looked at with before somebody chooses."""
FIRST_SPECTRA = ("sum", "pick", "sumsig")
FIRST_SINGLE = ("pick",)
SHORTCUTS = {"sum": "m", "std": "s"}
"""Keys that show the panel of an analysis."""


@dataclass(slots=True)
class Panel:
    """One analysis of one data set, as a page shows it.

    Parameters
    ----------
    id
        Its name in addresses and messages.
    analysis, title
        What is computed.
    picture
        Where it is drawn: ``"sig"`` for what has the axes of the detector, ``"nav"`` for everything else.
    parameters
        Numbers and texts by name.
    channels
        Keys and titles of the channels, as far as they are declared.
    channel
        The one that is shown; None for the first.
    region
        The region of the scan that is used, as a page states it; None for all.
    """

    id: str
    analysis: str
    title: str
    picture: str
    parameters: dict[str, Any]
    channels: list[dict[str, str]] = field(default_factory=list)
    channel: str | None = None
    region: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Give what a page and a session keep."""
        return {
            "id": self.id,
            "analysis": self.analysis,
            "title": self.title,
            "picture": self.picture,
            "parameters": self.parameters,
            "channels": self.channels,
            "channel": self.channel,
            "region": self.region,
            "handles": handles_of(self.analysis),
            "shortcut": SHORTCUTS.get(self.analysis),
        }


def declared() -> dict[str, Declared]:
    """Give the analyses that a page can offer: those that declare their parameters, and need none that is absent."""
    return {
        one.name: one
        for one in declared_analyses()
        if one.params is not None and not any(info.required and not info.param.cli for info in one.parameters)
    }


def plain(analysis: Analysis) -> dict[str, Any]:
    """Give the parameters of an analysis that JSON can hold."""
    kept = (bool, int, float, str)
    return {name: value for name, value in analysis.parameters.items() if value is None or isinstance(value, kept)}


def make_panel(dataset: DataSet, id: str, name: str, parameters: Mapping[str, Any]) -> Panel:
    """Make the panel of an analysis, with all its parameters.

    Raises
    ------
    LamellaError
        If the analysis does not fit the data.
    """
    one = declared().get(name)
    analysis = make_analysis(name, dataset, **(_middle(one, dataset) | dict(parameters)))
    analysis.udf()  # some look at their parameters only here
    channels = analysis.channels()
    picture = "sig" if channels and channels[0].span == "sig" else "nav"
    listed = [{"key": channel.key, "title": channel.title} for channel in channels]
    title = analysis.name if one is None else one.title
    return Panel(id, analysis.name, title, picture, plain(analysis), listed)


def _middle(one: Declared | None, dataset: DataSet) -> dict[str, int]:
    """Give the middle of the scan for an analysis that needs a position."""
    infos = () if one is None else one.parameters
    if not any(info.required and (info.param.place or "").startswith("nav-") for info in infos):
        return {}
    sizes = dict(zip(("nav-x", "nav-y", "nav-z"), reversed(tuple(dataset.shape.nav)), strict=False))
    return {info.name: sizes[info.param.place] // 2 for info in infos if info.param.place in sizes}


def first_panels(dataset: DataSet, beam: Beam | None) -> list[Panel]:
    """Give the panels that a data set is looked at with first; what does not fit the data is left out."""
    names: tuple[str, ...] = FIRST
    if dataset.shape.nav.size == 1:
        names = FIRST_SINGLE
    elif dataset.shape.sig.dims != 2:
        names = FIRST_SPECTRA
    panels: list[Panel] = []
    for name in names:
        try:
            panels.append(placed_panel(dataset, f"p{len(panels) + 1}", name, beam))
        except Exception:  # whatever the analysis of a plugin says about these data
            continue
    return panels


def placed_panel(dataset: DataSet, id: str, name: str, beam: Beam | None) -> Panel:
    """Make the panel of an analysis where the direct beam is; with radii that fit the beam, if it takes them.

    Raises
    ------
    LamellaError
        If the analysis does not fit the data.
    """
    with suppress(ParameterError):
        return make_panel(dataset, id, name, placed(name, beam))
    return make_panel(dataset, id, name, placed(name, beam, radii=False))


def placed(name: str, beam: Beam | None, *, radii: bool = True) -> dict[str, Any]:
    """Give the parameters that put an analysis where the direct beam is, by what they are in the picture."""
    one = declared().get(name)
    if one is None or not beam:
        return {}
    by_place: dict[str, list[str]] = {}
    for info in one.parameters:
        by_place.setdefault(info.param.place or "", []).append(info.name)
    named = by_place.get("sig-radius", []) if radii else []
    values: dict[str, Any] = {}
    for place, value in (("sig-y", beam.cy), ("sig-x", beam.cx)):
        values |= dict.fromkeys(by_place.get(place, [])[:1], round(value, 2))
    if len(named) == 1:
        values[named[0]] = beam.disk[2]
    elif len(named) == 2:
        values |= dict(zip(named, beam.ring[2:], strict=True))
    return values


def handles_of(name: str) -> list[dict[str, Any]]:
    """Give what can be dragged: for each picture the names of the parameters that are its centre, radii and angle."""
    one = declared().get(name)
    infos = () if one is None else one.parameters
    found: list[dict[str, Any]] = []
    for picture in ("sig", "nav"):
        ys, xs, radii = (
            [info.name for info in infos if info.param.place == f"{picture}-{what}"] for what in ("y", "x", "radius")
        )
        if ys and xs:
            zs = [info.name for info in infos if info.param.place == f"{picture}-z"]
            found.append({"picture": picture, "y": ys[0], "x": xs[0], "z": [*zs, None][0], "radii": radii})
    return found


def titles(panels: Sequence[Panel]) -> dict[str, str]:
    """Give a name for each panel, numbered where two are alike."""
    counts: dict[str, int] = {}
    names: dict[str, str] = {}
    for panel in panels:
        counts[panel.title] = counts.get(panel.title, 0) + 1
        number = counts[panel.title]
        names[panel.id] = panel.title if number == 1 else f"{panel.title} {number}"
    return names
