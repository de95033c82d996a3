"""The first page, and opening files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import lamella
from lamella.errors import LamellaError
from lamella_gui.openpage import FormatForm, checked, folder_facts, previews, report_of
from lamella_gui.pages import Absent, Pages

__all__ = ["OpenViews"]


class OpenViews:
    """Answers requests; each method takes the request and the fields of its form, and runs in a thread.

    Parameters
    ----------
    pages
        Makes the answers.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._workspace = pages.workspace

    def home(self, request: Request, fields: dict[str, str]) -> Response:
        """Show what can be opened, or was open."""
        places = self._workspace.places
        recent = []
        for entry in self._workspace.store.recent:
            path = places.find(entry["target"])
            if path is not None:
                recent.append({"name": path.name, "address": places.address(path), **entry})
        return self._pages.page("home.html", recent=recent)

    def open_page(self, request: Request, fields: dict[str, str]) -> Response:
        """Show folders, and for a file the report and the form."""
        return self._open_page(dict(request.query_params))

    def _open_page(self, asked: Mapping[str, str], problem: str | None = None, status: int = 200) -> Response:
        address, order = asked.get("path", ""), asked.get("order", "name")
        path = self._workspace.places.find(address) if address else None
        facts: dict[str, Any] = {"report": None, "form": None, "messages": None}
        if path is not None and (path.is_file() or asked.get("as") == "data"):
            facts["report"] = report_of(self._workspace, path)
            posted = self._recent_values(path, asked)
            chosen = asked.get("format") or posted.get("format") or facts["report"]["winner"]
            try:
                form = FormatForm(self._workspace, path, str(chosen), posted) if chosen else None
            except LamellaError as error:
                form, problem = None, problem or self._pages.told(error)
            facts |= {"form": form, "messages": None if form is None else form.messages()}
        shown = folder_facts(self._workspace, address, order)
        here = None if path is None else self._workspace.places.address(path)
        formats = [
            (plugin.name, plugin.spec.title)
            for plugin in lamella.default_registry().usable()
            if plugin.spec is not None and plugin.spec.target == "path"
        ]
        return self._pages.page(
            "open.html", status, folder=shown, order=order, address=here, problem=problem, formats=formats, **facts
        )

    def _recent_values(self, path: Path, asked: Mapping[str, str]) -> dict[str, str]:
        """Give what was typed; of a file that comes from the list of recent ones, what it was opened with."""
        if "recent" not in asked:
            return dict(asked)
        kept = next((one for one in self._workspace.store.recent if one["target"] == str(path)), None)
        if kept is None:
            return dict(asked)
        return {**{str(name): str(value) for name, value in kept["values"].items()}, "format": str(kept["format"])}

    def open(self, request: Request, fields: dict[str, str]) -> Response:
        """Open a file with the values of a form."""
        path = self._file(fields)
        try:
            form = FormatForm(self._workspace, path, fields.get("format", ""), fields)
            if not form.report.ok:
                return self._open_page(fields, status=422)
            one = self._workspace.open(path, form.format, form.values)
        except LamellaError as error:
            return self._open_page(fields, self._pages.told(error), 422)
        return self._pages.to(f"/scan/{one.id}")

    def _file(self, fields: Mapping[str, str]) -> Path:
        path = self._workspace.places.find(fields.get("path", ""))
        if path is None:
            raise Absent("this file is absent, or lies outside of the folders that may be looked into")
        return path

    def check(self, request: Request, fields: dict[str, str]) -> Response:
        """Check a form while somebody types."""
        path = self._file(fields)
        return JSONResponse(checked(self._workspace, path, fields.get("format", ""), fields))

    def preview(self, request: Request, fields: dict[str, str]) -> Response:
        """Give small pictures of the first, the middle and the last frame."""
        path = self._file(fields)
        return JSONResponse({"frames": previews(self._workspace, path, fields.get("format", ""), fields)})

    def demo(self, request: Request, fields: dict[str, str]) -> Response:
        """Make a demo scan, and open it."""
        return self._pages.to(f"/scan/{self._workspace.open_demo().id}")
