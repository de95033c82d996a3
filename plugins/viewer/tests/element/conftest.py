"""The element on a page of its own, with a policy as strict as that of the application."""

import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from lamella_viewer import static_folder
from lamella_viewer.live import encode_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import Page

PAGES = Path(__file__).parent / "pages"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


class Site(ThreadingHTTPServer):
    """Serves the modules, the page, and frames by name."""

    daemon_threads = True

    def __init__(self) -> None:
        self.frames: dict[str, bytes] = {}
        super().__init__(("127.0.0.1", 0), Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/frames/"):
            body, kind = self.server.frames.get(path.removeprefix("/frames/")), "application/octet-stream"
        else:
            folder = static_folder() if path.startswith("/static/") else PAGES
            file = folder / path.removeprefix("/static").lstrip("/")
            body, kind = (file.read_bytes(), TYPES[file.suffix]) if file.is_file() else (None, "text/plain")
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body or b"")))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@dataclass
class Shown:
    """The page with the viewer."""

    page: "Page"
    site: Site

    def open(self, query: str = "") -> "Shown":
        self.page.goto(f"{self.site.url}/viewer.html{query}")
        self.until("window.ready === true")
        return self

    def until(self, condition: str) -> None:
        """Wait for a condition; `wait_for_function` of the driver needs what the policy forbids."""
        for _ in range(400):
            if self.run(condition):
                return
            self.page.wait_for_timeout(10)
        raise AssertionError(f"never true: {condition}")

    def run(self, code: str, value: Any = None) -> Any:
        return self.page.evaluate(f"async (value) => ({code})", value)

    def show(
        self,
        pixels: "NDArray[Any]",
        valid: "NDArray[np.bool_] | None" = None,
        *,
        deflate: bool = False,
        **facts: Any,
    ) -> Any:
        """Show a frame; gives what `show` of the viewer resolves to."""
        header = {"kind": "image", "axes": [], "unit": "", "colours": "gray", "scale": "linear", "title": "mean"}
        header |= {"size": list(pixels.shape[-2:]), "stage": "exact", "label": "exact", **known(pixels), **facts}
        name = f"{id(self)}-{len(self.site.frames)}"
        self.site.frames[name] = encode_frame(header, pixels, valid, deflate=deflate)
        return self.run("await window.show(value)", name)

    def set(self, **properties: Any) -> None:
        self.run("Object.assign(window.viewer, value)", properties)
        self.painted()

    def painted(self) -> None:
        """Wait until what was asked for is on the screen."""
        self.run("await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def told(self, name: str) -> list[dict[str, Any]]:
        """Give the events of a name so far."""
        events = self.run("window.told.filter((one) => one.name === value)", name)
        return [{key: value for key, value in event.items() if key != "name"} for event in events]

    def colours(self, places: Sequence[tuple[float, float]]) -> list[tuple[int, ...]]:
        """Give red, green and blue on the screen at places of the picture."""
        png = self.page.locator("#viewer").screenshot(scale="css")
        image = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
        return [tuple(int(v) for v in image[round(top), round(left)]) for top, left in map(self.screen, places)]

    def screen(self, place: tuple[float, float]) -> tuple[float, float]:
        """Give where a place of the picture is on the element: from its top and from its left."""
        top, left = self.run("window.viewer.scene.view.toScreen(...value)", list(place))
        return top + 1, left + 1  # the border of the element on this page

    def at(self, y: float, x: float) -> tuple[float, float]:
        """Give where a place of the picture is on the page, as the mouse wants it: x, y."""
        box = self.page.locator("#viewer").bounding_box()
        assert box is not None
        top, left = self.screen((y, x))
        return box["x"] + left, box["y"] + top

    def drag(self, start: tuple[float, float], *ends: tuple[float, float]) -> None:
        """Press at a place of the picture, move, and release."""
        mouse = self.page.mouse
        mouse.move(*self.at(*start))
        mouse.down()
        for end in ends:
            mouse.move(*self.at(*end), steps=3)
        mouse.up()
        self.painted()


@pytest.fixture
def shown(page: "Page", site: Site) -> Shown:
    return Shown(page, site).open()


def axes(scale: float = 1.0, unit: str | None = None, *, tall: float = 1.0) -> list[dict[str, Any]]:
    return [
        {"name": "y", "scale": scale * tall, "offset": 0.0, "unit": unit},
        {"name": "x", "scale": scale, "offset": 0.0, "unit": unit},
    ]


def known(pixels: "NDArray[Any]") -> Mapping[str, Any]:
    numbers = np.hypot(*pixels) if pixels.ndim == 3 and len(pixels) == 2 else pixels
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    counts = np.histogram(finite, 128, (low, high))[0].tolist() if high > low else [0]
    told = {"range": [low, high], "percentiles": [low, high], "extremes": [low, high]}
    return {**told, "histogram": {"low": low, "high": high, "counts": counts}}
