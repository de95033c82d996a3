"""One data set as pages show it: its panels, regions, and what is kept of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamella import DataSet
from lamella.analysis import Beam, find_beam
from lamella.errors import LamellaError
from lamella_gui.panels import Panel, declared, first_panels, make_panel, placed_panel, titles
from lamella_viewer.live import Scan

__all__ = ["Closed", "OpenScan", "beam_of"]

_MOST_PANELS = 40
_MOST_REGIONS = 100


class Closed(LamellaError):
    """There is no such data set, or it is not open any more."""


@dataclass(slots=True)
class OpenScan:
    """A data set with its panels; ``scan`` is None until it is open, and ``problem`` says why it is not."""

    id: str
    target: str
    format: str
    values: dict[str, str]
    scan: Scan | None = None
    beam: Beam | None = None
    panels: list[Panel] = field(default_factory=list)
    regions: dict[str, dict[str, Any]] = field(default_factory=dict)
    look: dict[str, Any] = field(default_factory=dict)
    """What the page keeps besides: which panels are shown, colours, the position."""
    problem: str | None = None
    kept: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    lasts: bool = True
    """Whether it belongs to the session that a later start restores."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """What lists show."""
        return Path(self.target).name

    @property
    def dataset(self) -> DataSet:
        """The data.

        Raises
        ------
        Closed
            If they are not open.
        """
        if self.scan is None:
            raise Closed(self.problem or "the data set is not open")
        return self.scan.dataset

    def panel(self, id: str) -> Panel:
        """Give a panel.

        Raises
        ------
        Closed
            If there is none of this name.
        """
        found = next((panel for panel in self.panels if panel.id == id), None)
        if found is None:
            raise Closed("there is no such analysis")
        return found

    def titles(self) -> dict[str, str]:
        """Give a name for each panel."""
        return titles(self.panels)

    def add_panel(self, name: str) -> Panel:
        """Add an analysis, where the direct beam is.

        Raises
        ------
        LamellaError
            If there is no such analysis, or it does not fit the data.
        """
        if len(self.panels) >= _MOST_PANELS:
            raise Closed(f"a data set has at most {_MOST_PANELS} analyses; remove one first")
        taken = {panel.id for panel in self.panels}
        free = next(f"p{i}" for i in range(1, _MOST_PANELS + 2) if f"p{i}" not in taken)
        panel = placed_panel(self.dataset, free, name, self.beam)
        self.panels.append(panel)
        return panel

    def add_region(self, name: str, region: dict[str, Any]) -> None:
        """Keep a region under a name."""
        if len(self.regions) >= _MOST_REGIONS and name not in self.regions:
            raise Closed(f"a data set has at most {_MOST_REGIONS} regions; remove one first")
        self.regions[name] = region

    def fill(self, scan: Scan) -> None:
        """Take the data, with the panels of a former session that still fit them, or those to begin with."""
        self.scan, self.problem = scan, None
        self.panels = _kept_panels(scan.dataset, self.kept) or first_panels(scan.dataset, self.beam)

    def to_json(self) -> dict[str, Any]:
        """Give what a session keeps."""
        panels = self.kept if self.scan is None else [panel.to_json() for panel in self.panels]
        return {
            "id": self.id,
            "target": self.target,
            "format": self.format,
            "values": self.values,
            "panels": panels,
            "regions": self.regions,
            "look": self.look,
        }


def beam_of(dataset: DataSet) -> Beam | None:
    """Give the direct beam, if the data have one and can be read."""
    if dataset.shape.sig.dims != 2 or dataset.shape.nav.size == 1 or dataset.dtype.kind == "c":
        return None
    try:
        return find_beam(dataset) or None
    except Exception:  # what is wrong with the frames is told where they are shown
        return None


def _kept_panels(dataset: DataSet, kept: list[dict[str, Any]]) -> list[Panel]:
    """Give the panels of a former session, without those that do not fit any more."""
    panels: list[Panel] = []
    known = declared()
    for one in kept[:_MOST_PANELS]:
        name, parameters = one.get("analysis"), one.get("parameters")
        if name not in known or not isinstance(parameters, dict):
            continue
        try:
            panel = make_panel(dataset, f"p{len(panels) + 1}", str(name), parameters)
        except Exception:  # the data are others now
            continue
        channel, region = one.get("channel"), one.get("region")
        panel.channel = channel if isinstance(channel, str) else None
        panel.region = region if isinstance(region, dict) else None
        panels.append(panel)
    return panels
