"""What all pages share: templates, and how problems are told."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

import lamella
from lamella import default_registry
from lamella.errors import LamellaError
from lamella_gui.facts import shape_text, size_text
from lamella_gui.openscan import OpenScan, beam_of
from lamella_gui.panels import first_panels
from lamella_gui.workspace import Workspace

__all__ = ["Absent", "Pages"]


class Absent(LamellaError):
    """There is nothing at this address."""


class Pages:
    """Makes answers.

    Parameters
    ----------
    workspace
        The data sets.
    prefix
        Path below which pages are reached.
    """

    def __init__(self, workspace: Workspace, prefix: str = "") -> None:
        self.workspace = workspace
        self._prefix = prefix
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._making = threading.Lock()
        self._ready = False
        self._templates.globals |= {
            "base": prefix,
            "version": lamella.__version__,
            "size_text": size_text,
            "shape_text": shape_text,
        }

    def told(self, error: BaseException) -> str:
        """Give the sentence for an error."""
        return self.workspace.told(error)

    def failure(self, text: str, status: int, *, as_json: bool) -> Response:
        """Give a page, or a message, with one sentence."""
        if as_json:
            return JSONResponse({"problem": text}, status)
        return self.page("problem.html", status, text=text)

    def page(self, template: str, status: int = 200, **facts: Any) -> HTMLResponse:
        """Give a page."""
        scans = [{"id": one.id, "name": one.name, "one": one} for one in self.workspace.scans.values()]
        return HTMLResponse(self._template(template).render(scans=scans, **facts), status)

    def _template(self, name: str) -> Template:
        with self._making:  # else two threads would compile the same one
            return self._templates.get_template(name)

    def first_page(self, template: str, **facts: Any) -> HTMLResponse:
        """Give a page, and `prepare` once it was sent."""
        answer = self.page(template, **facts)
        if not self._ready:
            self._ready = True
            answer.background = BackgroundTask(self.prepare)
        return answer

    def prepare(self) -> None:
        """Load what opening a file needs, while somebody looks for it: modules, templates and readers."""
        scan = np.ones((2, 2, 16, 16), dtype=np.uint16)
        lamella.check("memory", scan)
        dataset = lamella.open(scan, "memory")
        first_panels(dataset, beam_of(dataset))
        for template in ("open.html", "fields.html", "scan.html"):
            self._template(template)
        for plugin in default_registry().usable():
            if plugin.spec is not None and plugin.spec.target == "path":
                with suppress(LamellaError):  # which is told where the format is used
                    plugin.reader()
                    plugin.params_class()

    def to(self, path: str) -> RedirectResponse:
        """Lead on to another page."""
        return RedirectResponse(f"{self._prefix}{path}", 303)

    def one(self, request: Request) -> OpenScan:
        """Give the data set of an address.

        Raises
        ------
        Closed
            If it is not open any more.
        """
        return self.workspace.get(request.path_params["id"])
