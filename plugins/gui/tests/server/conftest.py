"""A server of its own for tests, and a client that speaks HTTP and websocket to it."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
import uvicorn
from websockets.sync.client import ClientConnection, connect

from lamella.plugins import entrypoints
from lamella.plugins.registry import Registry
from lamella_gui.app import make_app
from lamella_gui.listening import listen
from lamella_gui.places import Places
from lamella_gui.security import Access, Guard
from lamella_gui.serving import config_of
from lamella_gui.store import Store
from lamella_gui.workspace import Workspace

RAW = {"format": "raw", "dtype": "uint16", "nav_shape": "40,48", "sig_shape": "32,32"}
"""How the file of `scan_file` is opened."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    port: int
    access: Access
    workspace: Workspace
    folder: Path
    cookie: str = ""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def request(self, method: str, path: str, fields: Any = None, **headers: str | None) -> Answer:
        """Ask as a page of the program would; a header that is None is left out."""
        body = None if method == "GET" else urlencode(fields or {})
        usual: dict[str, str | None] = {"Host": self.host, "Cookie": self.cookie or None}
        if method != "GET":
            usual |= {"Origin": f"http://{self.host}", "Content-Type": "application/x-www-form-urlencoded"}
        usual |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        if body is not None and "Content-Length" not in usual:
            usual["Content-Length"] = str(len(body))
        for name, value in usual.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body.encode() if body is not None else None)
        answer = connection.getresponse()
        found = Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        connection.close()
        return found

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.request("GET", path, **headers)

    def post(self, path: str, fields: Any = None, **headers: str | None) -> Answer:
        return self.request("POST", path, fields, **headers)

    def enter(self) -> None:
        answer = self.get(f"/?token={self.access.new_token()}")
        assert answer.status == 303
        self.cookie = answer.headers["set-cookie"].partition(";")[0]

    def open(self, name: str, **values: str) -> str:
        """Open a file of the folder by the form; gives the id of the data set."""
        answer = self.post("/open", {"path": f"{self.folder.name}/{name}", **values})
        assert answer.status == 303, answer.text
        return answer.headers["location"].removeprefix("/scan/")

    def socket(
        self, scan: str, *, host: str | None = None, cookie: str | None = None, port: int | None = None, **changed: Any
    ) -> ClientConnection:
        """Connect as a page of the program would; to another port that leads to the server, perhaps."""
        headers = {"Cookie": self.cookie if cookie is None else cookie}
        options: dict[str, Any] = {"origin": f"http://{self.host}", "subprotocols": ["lamella.1"]}
        address = f"ws://{host or self.host}/scan/{scan}/live"
        plain = socket.create_connection(("127.0.0.1", port or self.port), timeout=30)
        live: ClientConnection = connect(
            address, additional_headers=headers, sock=plain, max_size=None, **(options | changed)
        )
        return live


@pytest.fixture(scope="session")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Write a scan of 40 x 48 positions with a bright disk that moves, as raw numbers."""

    def write(folder: Path) -> Path:
        rng = np.random.default_rng(3)
        y, x = np.mgrid[:32, :32]
        disk = (np.hypot(y - 15, x - 17) < 5).astype(np.uint16) * 200
        frames = rng.poisson(5, (40 * 48, 32, 32)).astype("<u2") + disk.astype("<u2")
        frames *= rng.integers(1, 4, (40 * 48, 1, 1), dtype=np.uint16)
        path = folder / "scan.raw"
        frames.tofile(path)
        return path

    return write


def serving(folder: Path, store: Path | None = None, port: int = 0) -> Iterator[Client]:
    workspace = Workspace(Places([folder]), Store(store))
    listening = listen("127.0.0.1", port)
    port = listening.getsockname()[1]
    access = Access(f"lamella-{port}")
    names = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    app = Guard(make_app(workspace, access), access, names)
    server = uvicorn.Server(config_of(app))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    client = Client(port, access, workspace, folder)
    client.enter()
    yield client
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def serve() -> Callable[..., Iterator[Client]]:
    """Start a server for a folder, with a session in another folder; the next item ends it."""
    return serving


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, scan_file: Callable[[Path], Path]) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("data")
    scan_file(folder)
    yield from serving(folder)


@pytest.fixture
def fresh(tmp_path: Path, scan_file: Callable[[Path], Path]) -> Iterator[Client]:
    """A server for one test, whose files may be changed and whose session is kept."""
    folder = tmp_path / "data"
    folder.mkdir()
    scan_file(folder)
    yield from serving(folder, tmp_path / "home")


@pytest.fixture
def without_blo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin of a format that is known is not installed."""

    def others(*, group: str) -> list[Any]:
        return [one for one in entrypoints.installed(group=group) if one.name != "blo"]

    put_registry(monkeypatch, Registry(entry_points=others))


def put_registry(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    """Let the server see other formats."""
    for module in ("lamella_gui.openpage", "lamella.opening.check", "lamella.opening.open", "lamella.opening.detect"):
        monkeypatch.setattr(f"{module}.default_registry", lambda: registry)
