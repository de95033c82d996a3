"""The first page, and opening files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lamella.errors import LamellaError
from lamella_gui.openlimit import NotOpenedInTime
from lamella_gui.openpage import FormatForm, checked, folder_facts, formats_for, previews, report_of, target_facts
from lamella_gui.pages import Absent, Pages

__all__ = ["OpenViews"]

T = TypeVar("T")


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
        try:
            recent, marks = self._workspace.first_limit.run("a recent file", self._there)
        except NotOpenedInTime:  # a disk does not answer; what was open on others can still be chosen
            recent, marks = [one for one in self._workspace.store.recent if places.holds(one["target"])], []
        shown = [{"name": Path(one["target"]).name, "address": places.named(one["target"]), **one} for one in recent]
        return self._pages.first_page("home.html", recent=shown, bookmarks=marks)

    def _there(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Give the recent files and the bookmarks that exist."""
        places = self._workspace.places
        there = [one for one in self._workspace.store.recent if places.target(one["target"]) is not None]
        recent = [{**one, "address": places.address(one["target"])} for one in there]
        return recent, [places.address(path) for path in self._workspace.bookmarks()]

    def open_page(self, request: Request, fields: dict[str, str]) -> Response:
        """Show folders, and for a file the report and the form."""
        return self._open_page(dict(request.query_params))

    def _open_page(self, asked: Mapping[str, str], problem: str | None = None, status: int = 200) -> Response:
        facts = self._in_time(asked, lambda: self._facts(asked))
        return self._pages.page("open.html", status, **{**facts, "problem": problem or facts["problem"]})

    def _in_time(self, asked: Mapping[str, str], work: Callable[[], T]) -> T:
        """Give the result of what reads the file or folder of a request, if it comes in time."""
        return self._workspace.limit.run(asked.get("path") or "the folder to begin in", work)

    def _facts(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Give what the page shows; its folder, its file, and the form of one format."""
        places = self._workspace.places
        address, order, show = asked.get("path", ""), asked.get("order", "name"), asked.get("show", "all")
        target = places.target(address) if address else None
        facts: dict[str, Any] = {"report": None, "form": None, "messages": None, "formats": [], "problem": None}
        if target is not None and (isinstance(target, list) or target.is_file() or {"as", "format"} & asked.keys()):
            facts["report"] = report_of(self._workspace, target)
            facts["formats"] = formats_for(target)
            facts["files"] = target_facts(self._workspace, target)
            posted = self._recent_values(address, asked)
            chosen = asked.get("format") or posted.get("format") or facts["report"]["winner"]
            try:
                form = FormatForm(self._workspace, target, str(chosen), posted) if chosen else None
            except LamellaError as error:
                form, facts["problem"] = None, self._pages.told(error)
            facts |= {"form": form, "messages": None if form is None else form.messages()}
        facts |= {"folder": folder_facts(self._workspace, address, order, show), "order": order, "show": show}
        facts["address"] = None if target is None else places.address(places.path_text(address))
        return facts

    def _recent_values(self, address: str, asked: Mapping[str, str]) -> dict[str, str]:
        """Give what was typed; of a file that comes from the list of recent ones, what it was opened with."""
        if "recent" not in asked:
            return dict(asked)
        target = self._workspace.places.path_text(address)
        kept = next((one for one in self._workspace.store.recent if one["target"] == target), None)
        if kept is None:
            return dict(asked)
        return {**{str(name): str(value) for name, value in kept["values"].items()}, "format": str(kept["format"])}

    def open(self, request: Request, fields: dict[str, str]) -> Response:
        """Open a file with the values of a form."""

        def read() -> tuple[FormatForm, str]:
            form = FormatForm(self._workspace, self._target(fields), fields.get("format", ""), fields)
            return form, self._workspace.places.path_text(fields["path"])

        try:
            form, path = self._in_time(fields, read)
            if not form.report.ok:
                return self._open_page(fields, status=422)
            one = self._workspace.open(path, form.format, form.values)
        except (Absent, NotOpenedInTime):
            raise
        except LamellaError as error:
            return self._open_page(fields, self._pages.told(error), 422)
        return self._pages.to(f"/scan/{one.id}")

    def _target(self, fields: Mapping[str, str]) -> Path | list[Path]:
        target = self._workspace.places.target(fields.get("path", ""))
        if target is None:
            raise Absent("this file is absent, or lies outside of the folders that may be looked into")
        return target

    def bookmark(self, request: Request, fields: dict[str, str]) -> Response:
        """Keep a folder among the bookmarks, or forget it."""

        def read() -> tuple[Path, str]:
            folder = self._target(fields)
            if isinstance(folder, list) or not folder.is_dir():
                raise Absent("a bookmark is a folder")
            return folder, self._workspace.places.address(folder)

        folder, address = self._in_time(fields, read)
        self._workspace.mark(folder, kept="forget" not in fields)
        return self._pages.to(f"/open?{urlencode({'path': address})}")

    def check(self, request: Request, fields: dict[str, str]) -> Response:
        """Check a form while somebody types."""
        name = fields.get("format", "")
        return JSONResponse(self._in_time(fields, lambda: checked(self._workspace, self._target(fields), name, fields)))

    def preview(self, request: Request, fields: dict[str, str]) -> Response:
        """Give small pictures of the first, the middle and the last frame."""
        name = fields.get("format", "")
        frames = self._in_time(fields, lambda: previews(self._workspace, self._target(fields), name, fields))
        return JSONResponse({"frames": frames})

    def demo(self, request: Request, fields: dict[str, str]) -> Response:
        """Make a demo scan, and open it."""
        return self._pages.to(f"/scan/{self._workspace.open_demo().id}")
