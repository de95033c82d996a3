"""What is taken away from the page of a data set: results, code, and the data set itself as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lamella import Context
from lamella.errors import ParameterError
from lamella_gui.facts import plain_name, size_text
from lamella_gui.jobs import Jobs
from lamella_gui.openscan import OpenScan
from lamella_gui.pages import Absent, Pages
from lamella_gui.panels import Panel
from lamella_gui.takeaway import code_of, result_file

__all__ = ["ResultViews"]

_RESTS = 0.5
"""How much longer than for refining a hand rests before an export continues [s]: parts that were begun are finished, so
it would compute all the time if it began again between two movements."""


class ResultViews:
    """Answers requests; each method takes the request and the fields of its form, and runs in a thread.

    Parameters
    ----------
    pages
        Makes the answers.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._workspace = pages.workspace
        self._jobs = Jobs(pages.told)

    def result(self, request: Request, fields: dict[str, str]) -> Response:
        """Give the exact result of an analysis as a file."""
        one, panel, kind = self._panel(request)
        body, media = result_file(one, panel, kind)
        return _download(body, media, f"{plain_name(Path(one.name).stem)}_{one.titles()[panel.id]}.{kind}")

    def code(self, request: Request, fields: dict[str, str]) -> Response:
        """Give the code that computes a result."""
        one, panel, kind = self._panel(request)
        text, media = code_of(one, panel, kind)
        if kind != "ipynb" and "download" not in request.query_params:
            return Response(text, media_type="text/plain")
        return _download(text.encode(), media, f"{plain_name(Path(one.name).stem)}_{one.titles()[panel.id]}.{kind}")

    def _panel(self, request: Request) -> tuple[OpenScan, Panel, str]:
        one = self._pages.one(request)
        return one, one.panel(request.path_params["panel"]), request.path_params["kind"]

    def export(self, request: Request, fields: dict[str, str]) -> Response:
        """Write the data set as a file, in the background."""
        one = self._pages.one(request)
        folder = self._workspace.places.find(fields.get("folder", ""))
        name = fields.get("name", "").strip()
        if folder is None or not folder.is_dir():
            raise Absent("this folder is absent, or lies outside of the folders that may be looked into")
        if not name or name != Path(name).name or "\\" in name or name.startswith("."):
            raise ParameterError("the name of the file is one word without a folder, such as scan.npy", field="name")
        context, dataset, scan = Context(), one.dataset, one.scan

        def work(progress: Any) -> str:
            def gives_way(done: int, total: int) -> None:
                progress(done, total)
                if scan is not None:
                    scan.turns.wait_quiet(longer=_RESTS)

            with context:
                report = context.export_dataset(
                    dataset, folder / name, progress=gives_way, overwrite=bool(fields.get("overwrite"))
                )
            return f"{self._workspace.places.address(folder / name)}, {size_text(report.nbytes)}"

        job = self._jobs.start(f"export to {name}", work, context.cancel)
        return JSONResponse(job.to_json())

    def job(self, request: Request, fields: dict[str, str]) -> Response:
        """Say how far a task is."""
        job = self._jobs.get(request.path_params["job"])
        if job is None:
            raise Absent("there is no such task")
        return JSONResponse(job.to_json())

    def stop_job(self, request: Request, fields: dict[str, str]) -> Response:
        """End a task early."""
        job = self._jobs.get(request.path_params["job"])
        if job is not None and job.stop is not None and job.state == "running":
            job.stop()
        return self.job(request, fields)

    def end(self) -> None:
        """End all work."""
        self._jobs.end()


def _download(body: bytes, media: str, name: str) -> Response:
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name)
    return Response(body, media_type=media, headers={"content-disposition": f'attachment; filename="{safe}"'})
