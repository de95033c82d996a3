"""The first page, and opening files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lamella.errors import LamellaError
from lamella_gui.openpage import FormatForm, checked, folder_facts, formats_for, previews, report_of, target_facts
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
        recent = [
            {"name": Path(entry["target"]).name, "address": places.address(entry["target"]), **entry}
            for entry in self._workspace.store.recent
            if self._workspace.find(entry["target"]) is not None
        ]
        marks = [places.address(path) for path in self._workspace.bookmarks()]
        return self._pages.first_page("home.html", recent=recent, bookmarks=marks)

    def open_page(self, request: Request, fields: dict[str, str]) -> Response:
        """Show folders, and for a file the report and the form."""
        return self._open_page(dict(request.query_params))

    def _open_page(self, asked: Mapping[str, str], problem: str | None = None, status: int = 200) -> Response:
        address, order, show = asked.get("path", ""), asked.get("order", "name"), asked.get("show", "all")
        target = self._workspace.find(address) if address else None
        facts: dict[str, Any] = {"report": None, "form": None, "messages": None, "formats": []}
        if target is not None and (isinstance(target, list) or target.is_file() or {"as", "format"} & asked.keys()):
            facts["report"] = report_of(self._workspace, target)
            facts["formats"] = formats_for(target)
            facts["files"] = target_facts(self._workspace, target)
            posted = self._recent_values(address, asked)
            chosen = asked.get("format") or posted.get("format") or facts["report"]["winner"]
            try:
                form = FormatForm(self._workspace, target, str(chosen), posted) if chosen else None
            except LamellaError as error:
                form, problem = None, problem or self._pages.told(error)
            facts |= {"form": form, "messages": None if form is None else form.messages()}
        facts |= {"folder": folder_facts(self._workspace, address, order, show), "order": order, "show": show}
        here = None if target is None else self._workspace.places.address(self._workspace.path_text(address))
        return self._pages.page("open.html", status, address=here, problem=problem, **facts)

    def _recent_values(self, address: str, asked: Mapping[str, str]) -> dict[str, str]:
        """Give what was typed; of a file that comes from the list of recent ones, what it was opened with."""
        if "recent" not in asked:
            return dict(asked)
        target = self._workspace.path_text(address)
        kept = next((one for one in self._workspace.store.recent if one["target"] == target), None)
        if kept is None:
            return dict(asked)
        return {**{str(name): str(value) for name, value in kept["values"].items()}, "format": str(kept["format"])}

    def open(self, request: Request, fields: dict[str, str]) -> Response:
        """Open a file with the values of a form."""
        target = self._target(fields)
        try:
            form = FormatForm(self._workspace, target, fields.get("format", ""), fields)
            if not form.report.ok:
                return self._open_page(fields, status=422)
            one = self._workspace.open(self._workspace.path_text(fields["path"]), form.format, form.values)
        except LamellaError as error:
            return self._open_page(fields, self._pages.told(error), 422)
        return self._pages.to(f"/scan/{one.id}")

    def _target(self, fields: Mapping[str, str]) -> Path | list[Path]:
        target = self._workspace.find(fields.get("path", ""))
        if target is None:
            raise Absent("this file is absent, or lies outside of the folders that may be looked into")
        return target

    def bookmark(self, request: Request, fields: dict[str, str]) -> Response:
        """Keep a folder among the bookmarks, or forget it."""
        folder = self._target(fields)
        if isinstance(folder, list) or not folder.is_dir():
            raise Absent("a bookmark is a folder")
        self._workspace.mark(folder, kept="forget" not in fields)
        return self._pages.to(f"/open?{urlencode({'path': self._workspace.places.address(folder)})}")

    def check(self, request: Request, fields: dict[str, str]) -> Response:
        """Check a form while somebody types."""
        target = self._target(fields)
        return JSONResponse(checked(self._workspace, target, fields.get("format", ""), fields))

    def preview(self, request: Request, fields: dict[str, str]) -> Response:
        """Give small pictures of the first, the middle and the last frame."""
        target = self._target(fields)
        return JSONResponse({"frames": previews(self._workspace, target, fields.get("format", ""), fields)})

    def demo(self, request: Request, fields: dict[str, str]) -> Response:
        """Make a demo scan, and open it."""
        return self._pages.to(f"/scan/{self._workspace.open_demo().id}")
