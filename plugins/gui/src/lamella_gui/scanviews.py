"""The page of a data set: its analyses and regions, and opening its file again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lamella import DataSet
from lamella.errors import LamellaError, ParameterError
from lamella_gui.facts import information, plain_name, tree_of
from lamella_gui.forms import fields_of, text_of
from lamella_gui.pages import Pages
from lamella_gui.panels import Panel, declared, handles_of, placed_panel
from lamella_viewer.live import region_mask

__all__ = ["ScanViews"]

_LONGEST_NAME = 80
_LARGEST_LOOK = 64 << 10


class ScanViews:
    """Answers requests; each method takes the request and the fields of its form, and runs in a thread.

    Parameters
    ----------
    pages
        Makes the answers.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._workspace = pages.workspace

    def scan(self, request: Request, fields: dict[str, str]) -> Response:
        """Show a data set."""
        one = self._pages.one(request)
        if one.scan is None:
            return self._pages.page("closed.html", one=one, shown=one.id)
        names = one.titles()
        forms = {panel.id: self._fields(panel) for panel in one.panels}
        offered = sorted(declared().values(), key=lambda item: item.title)
        notes = one.warnings + [self._workspace.places.hidden(note) for note in one.dataset.info.notes]
        facts: dict[str, Any] = {
            "dataset": one.dataset,
            "names": names,
            "forms": forms,
            "offered": offered,
            "notes": notes,
            "executor": self._workspace.executor,
            "single": one.dataset.shape.nav.size == 1,
            "centred": {
                panel.id for panel in one.panels for handle in handles_of(panel.analysis) if handle["picture"] == "sig"
            },
        }
        target = Path(one.target)
        facts |= {"folder": self._workspace.places.address(target.parent), "stem": plain_name(target.stem)}
        return self._pages.page("scan.html", one=one, shown=one.id, **facts)

    def _fields(self, panel: Panel) -> list[Any]:
        one = declared().get(panel.analysis)
        if one is None:
            return []
        texts = {name: text_of(value) for name, value in panel.parameters.items()}
        return [field for field in fields_of(one.parameters, texts) if field.kind != "python"]

    def state(self, request: Request, fields: dict[str, str]) -> Response:
        """Give what a page needs to ask for pictures."""
        one = self._pages.one(request)
        data = one.dataset
        return JSONResponse(
            {
                "panels": [panel.to_json() for panel in one.panels],
                "names": one.titles(),
                "regions": one.regions,
                "look": one.look,
                "nav": list(data.shape.nav),
                "sig": list(data.shape.sig),
                "frames": _frames(data),
            }
        )

    def keep_state(self, request: Request, fields: dict[str, str]) -> Response:
        """Keep parameters, channels, regions and the look of a page."""
        one = self._pages.one(request)
        given = _json(fields.get("state", ""))
        panels = given.get("panels")
        for panel in one.panels:
            change = panels.get(panel.id) if isinstance(panels, dict) else None
            if isinstance(change, dict):
                _change(panel, change)
        look = given.get("look")
        if isinstance(look, dict) and len(json.dumps(look)) <= _LARGEST_LOOK:
            one.look = look
        self._workspace.save()
        return Response(status_code=204)

    def information(self, request: Request, fields: dict[str, str]) -> Response:
        """Show everything that is known about a data set."""
        one = self._pages.one(request)
        places = self._workspace.places
        groups, tree = information(one.dataset, places), tree_of(one.dataset.raw_metadata, places)
        return self._pages.page("information.html", one=one, shown=one.id, groups=groups, tree=tree)

    def add_analysis(self, request: Request, fields: dict[str, str]) -> Response:
        """Add an analysis, where the direct beam is."""
        one = self._pages.one(request)
        panel = one.add_panel(fields.get("analysis", ""))
        self._workspace.save()
        return self._pages.to(f"/scan/{one.id}?panel={panel.id}")

    def remove_analysis(self, request: Request, fields: dict[str, str]) -> Response:
        """Remove an analysis."""
        one = self._pages.one(request)
        one.panels.remove(one.panel(request.path_params["panel"]))
        self._workspace.save()
        return self._pages.to(f"/scan/{one.id}")

    def keep_region(self, request: Request, fields: dict[str, str]) -> Response:
        """Keep a region under a name, or forget it."""
        one = self._pages.one(request)
        name = " ".join(fields.get("name", "").split())[:_LONGEST_NAME]
        if not name:
            raise ParameterError("a region needs a name", field="name")
        if fields.get("forget"):
            one.regions.pop(name, None)
        else:
            region = _json(fields.get("region", ""))
            mask = region_mask(region, tuple(one.dataset.shape.nav))
            one.add_region(name, region | {} if mask is not None else region)
        self._workspace.save()
        return JSONResponse({"regions": one.regions})

    def beam(self, request: Request, fields: dict[str, str]) -> Response:
        """Give the parameters that put an analysis where the direct beam is."""
        one = self._pages.one(request)
        panel = one.panel(request.path_params["panel"])
        if one.beam is None:
            raise ParameterError("no direct beam was found in these data")
        return JSONResponse({"parameters": placed_panel(one.dataset, panel.id, panel.analysis, one.beam).parameters})

    def compute_with(self, request: Request, fields: dict[str, str]) -> Response:
        """Choose where exact results are computed."""
        text = fields.get("workers", "").strip()
        if text and not text.isdecimal():
            raise ParameterError(f"expected a number of workers, found {text[:20]!r}", field="workers")
        self._workspace.compute_with(fields.get("executor", ""), int(text) if text else None)
        scan = fields.get("scan", "")
        return self._pages.to(f"/scan/{scan}" if scan in self._workspace.scans else "/")

    def close(self, request: Request, fields: dict[str, str]) -> Response:
        """Close a data set."""
        self._workspace.close(request.path_params["id"])
        return self._pages.to("/")

    def refresh(self, request: Request, fields: dict[str, str]) -> Response:
        """Look for frames that a recording has appended, and say what there is now, or why it cannot be followed."""
        one = self._pages.one(request)
        try:
            self._workspace.refresh(one)
        except LamellaError as error:
            return JSONResponse({"problem": self._pages.told(error)})
        return JSONResponse(_frames(one.dataset))

    def reopen(self, request: Request, fields: dict[str, str]) -> Response:
        """Open the file again, as it is now."""
        return self._pages.to(f"/scan/{self._workspace.reopen(request.path_params['id']).id}")


def _frames(dataset: DataSet) -> dict[str, Any]:
    """Give which frames there are; ``version`` changes with them."""
    counts = dataset.frame_map.counts
    told = {"shown": counts.shown, "missing": counts.missing, "ignored": counts.ignored_end}
    return {"version": dataset.fingerprint, "shape": list(dataset.shape), **told}


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParameterError("expected JSON") from error
    if not isinstance(value, dict):
        raise ParameterError("expected a JSON object")
    return value


def _change(panel: Panel, change: Mapping[str, Any]) -> None:
    """Take the parameters, the channel and the region of a page over; each analysis checks them when it runs."""
    parameters = change.get("parameters")
    if isinstance(parameters, dict):
        kept = {name: value for name, value in parameters.items() if name in panel.parameters and _is_plain(value)}
        panel.parameters |= kept
    channel = change.get("channel")
    if channel is None or isinstance(channel, str):
        panel.channel = channel
    if "region" in change:
        panel.region = change["region"] if isinstance(change["region"], dict) else None


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) < 1000)
