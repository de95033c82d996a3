"""The application: which address does what. Live pictures come from `lamella_gui.live`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

import lamella_viewer
from lamella.errors import LamellaError
from lamella_gui.live import Connections
from lamella_gui.openlimit import NotOpenedInTime
from lamella_gui.openscan import Closed
from lamella_gui.openviews import OpenViews
from lamella_gui.pages import Absent, Pages
from lamella_gui.resultviews import ResultViews
from lamella_gui.scanviews import ScanViews
from lamella_gui.security import LARGEST_BODY, Access
from lamella_gui.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["make_app"]

_MOST_FIELDS = 500
View = Callable[[Request, dict[str, str]], Response]


def make_app(workspace: Workspace, access: Access, prefix: str = "") -> Starlette:
    """Make the application.

    Parameters
    ----------
    workspace
        The data sets.
    access
        Gives tokens to other processes of the same user.
    prefix
        Path below which it is reached; empty for none.
    """
    pages = Pages(workspace, prefix)
    opening, scans, results = OpenViews(pages), ScanViews(pages), ResultViews(pages)
    connections = Connections(workspace)

    async def token(request: Request) -> Response:
        if not access.knows_secret(request.headers.get("authorization", "")):
            return PlainTextResponse("wrong secret\n", 403)
        return PlainTextResponse(access.new_token())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(results.end)
        await run_in_threadpool(workspace.end)

    def get(path: str, view: View) -> Route:
        return Route(path, _reading(pages, view), methods=["GET"])

    def post(path: str, view: View) -> Route:
        return Route(path, _reading(pages, view), methods=["POST"])

    own = Path(__file__).parent / "static"
    routes = [
        get("/", opening.home),
        get("/open", opening.open_page),
        post("/open", opening.open),
        post("/check", opening.check),
        post("/preview", opening.preview),
        post("/demo", opening.demo),
        post("/bookmarks", opening.bookmark),
        post("/workers", scans.compute_with),
        Route("/token", token, methods=["POST"]),
        get("/jobs/{job}", results.job),
        post("/jobs/{job}/stop", results.stop_job),
        get("/scan/{id}", scans.scan),
        get("/scan/{id}/state", scans.state),
        post("/scan/{id}/state", scans.keep_state),
        get("/scan/{id}/information", scans.information),
        post("/scan/{id}/analyses", scans.add_analysis),
        post("/scan/{id}/analyses/{panel}/remove", scans.remove_analysis),
        post("/scan/{id}/regions", scans.keep_region),
        post("/scan/{id}/beam/{panel}", scans.beam),
        get("/scan/{id}/result/{panel}.{kind}", results.result),
        get("/scan/{id}/code/{panel}.{kind}", results.code),
        post("/scan/{id}/export", results.export),
        post("/scan/{id}/close", scans.close),
        post("/scan/{id}/reopen", scans.reopen),
        post("/scan/{id}/refresh", scans.refresh),
        WebSocketRoute("/scan/{id}/live", connections.serve),
        Mount("/static/gui", GZipMiddleware(StaticFiles(directory=own))),
        Mount("/static/viewer", GZipMiddleware(StaticFiles(directory=lamella_viewer.static_folder()))),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _reading(pages: Pages, view: View) -> Callable[[Request], Awaitable[Response]]:
    """Read a form, call the view in a thread, and say in one sentence what went wrong."""

    async def endpoint(request: Request) -> Response:
        fields: dict[str, str] = {}
        if request.method == "POST":
            try:
                text = (await request.body())[:LARGEST_BODY].decode()
                fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
            except (ClientDisconnect, ValueError):
                return PlainTextResponse("this is not a form\n", 400)
        return await run_in_threadpool(_answered, pages, view, request, fields)

    return endpoint


def _answered(pages: Pages, view: View, request: Request, fields: dict[str, str]) -> Response:
    wants_json = "application/json" in request.headers.get("accept", "")
    try:
        return view(request, fields)
    except (Closed, Absent) as error:
        return pages.failure(str(error), 404, as_json=wants_json)
    except NotOpenedInTime as error:
        return pages.failure(str(error), 504, as_json=wants_json)
    except LamellaError as error:
        return pages.failure(pages.told(error), 422, as_json=wants_json)
    except Exception as error:  # one page fails; the server and other data sets go on
        return pages.failure(pages.told(error), 500, as_json=wants_json)
