"""Measure the pages in the browser: how long until a moved detector is seen.

    uv run --group browser python tests/benchmarks/browser.py --others-python OTHER/bin/python

Lamella and LiberTEM's web GUI take turns in one run, each driven by its own HTTP interface and websocket, over the same
file of 256 x 256 frames of 256 x 256 pixels. With ``--drag``, Playwright and Chromium time a drag of the ring from the
pointer to the picture.
Times are medians of all turns [ms]; memory is what the processes hold without mapped files.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Self

import numpy as np
from websockets.sync.client import ClientConnection, connect

SIDE = 256
_TIMED = """(() => {
    const scan = document.getElementById("scan"), show = scan.show.bind(scan);
    let asked = 0;
    window.times = [];
    document.getElementById("detector").addEventListener("handle", () => (asked ||= performance.now()));
    scan.show = async (frame) => {
        const drawn = await show(frame);
        if (asked && drawn) { times.push(performance.now() - asked); asked = 0; }
        return drawn;
    };
})()"""
"""Notes how long it takes from a handle that moved to the next picture that is drawn."""
_ROWS = ("start", "open", "first picture", "exact", "pick", "memory")


class Server(ABC):
    """A program that shows a scan to a browser."""

    name: str

    def __init__(self, python: str, folder: Path) -> None:
        self._python = python
        self._folder = folder
        self.cookies = CookieJar()
        jar = urllib.request.HTTPCookieProcessor(self.cookies)
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)
        self.process: subprocess.Popen[str] | None = None
        self.base = ""
        self.live: ClientConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.live is not None:
            self.live.__exit__(None, None, None)
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> bytes:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": kind, "Origin": self.base}
        request = urllib.request.Request(f"{self.base}{path}", data, headers, method=method)
        with self.opener.open(request, timeout=300) as answer:
            return bytes(answer.read())

    def memory(self) -> float:
        """Give what the process and its children hold besides mapped files [MB]."""
        assert self.process is not None
        total, waiting = 0, [self.process.pid]
        while waiting:
            pid = waiting.pop()
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
            total += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text(encoding="utf-8").split())
        return total / 1000

    @abstractmethod
    def start(self) -> None:
        """Start the program; returns when the first file was served."""

    @abstractmethod
    def open(self, path: Path, dtype: str) -> None:
        """Open the file, with what has to run before."""

    @abstractmethod
    def ring(self, cx: float, cy: float) -> tuple[float, float]:
        """Move a ring; gives the times until the first and until the exact picture [s]."""

    @abstractmethod
    def pick(self, y: int, x: int) -> float:
        """Show a frame; gives the time [s]."""


class Lamella(Server):
    """`lamella gui`."""

    name = "lamella"
    _number = 0

    def start(self) -> None:
        environment = {**os.environ, "LAMELLA_GUI_HOME": str(self._folder / "home"), "PYTHONUNBUFFERED": "1"}
        order = [self._python, "-m", "lamella", "gui", "--no-browser", "--no-session", "--port", "0"]
        order += ["--root", str(self._folder)]
        self.process = subprocess.Popen(order, env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = next(word for word in self.process.stdout.readline().split() if word.startswith("http"))
        self.base = "/".join(self.url.split("/")[:3])
        while True:
            try:
                self.opener.open(self.url, timeout=30).close()
                break
            except ConnectionError:
                time.sleep(0.005)
            except urllib.error.URLError:
                time.sleep(0.005)

    def open(self, path: Path, dtype: str) -> None:
        shape = f"nav_shape={SIDE},{SIDE}&sig_shape={SIDE},{SIDE}"
        fields = f"path={self._folder.name}/{path.name}&format=raw&dtype={dtype}&{shape}"
        kind = "application/x-www-form-urlencoded"
        data = fields.encode()
        request = urllib.request.Request(f"{self.base}/open", data, {"Content-Type": kind, "Origin": self.base})
        with self.opener.open(request, timeout=300) as answer:
            self.page = answer.geturl()
        cookie = "; ".join(f"{one.name}={one.value}" for one in self.cookies)
        address = self.page.replace("http", "ws", 1) + "/live"
        options: dict[str, Any] = {"origin": self.base, "subprotocols": ["lamella.1"], "max_size": None, "proxy": None}
        connection = connect(address, additional_headers={"Cookie": cookie}, **options)
        self.live = connection.__enter__()

    def _asked(self, analysis: str, parameters: dict[str, Any]) -> tuple[float, float]:
        from lamella_viewer.live import decode_frame

        assert self.live is not None
        self._number += 1
        ask = {"type": "ask", "lane": analysis, "id": self._number, "analysis": analysis, "parameters": parameters}
        began, first = time.perf_counter(), 0.0
        self.live.send(json.dumps({**ask, "live": False}))
        while True:
            message = self.live.recv(120)
            if isinstance(message, str):
                if json.loads(message)["type"] == "problem":
                    raise SystemExit(message)
                continue
            now = time.perf_counter() - began
            self.live.send(json.dumps({"type": "ack", "bytes": len(message)}))
            header, _, _ = decode_frame(message)
            if (header["lane"], header["id"]) != (analysis, self._number):
                continue
            first = first or now
            if header["stage"] == "exact":
                return first, now

    def ring(self, cx: float, cy: float) -> tuple[float, float]:
        return self._asked("ring", {"cx": cx, "cy": cy, "ri": 50.0, "ro": 90.0})

    def pick(self, y: int, x: int) -> float:
        return self._asked("pick", {"y": y, "x": x})[1]


class LiberTEM(Server):
    """LiberTEM's web GUI, with two workers."""

    name = "libertem"

    def start(self) -> None:
        program = Path(self._python).with_name("libertem-server")
        port = 19000 + os.getpid() % 1000
        order = [str(program), "-n", "-p", str(port), "-l", "error", "-d", str(self._folder)]
        self.process = subprocess.Popen(order, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.base = f"http://localhost:{port}"
        while True:
            try:
                self.ask("GET", "/")
                return
            except OSError:
                time.sleep(0.01)

    def open(self, path: Path, dtype: str) -> None:
        self.ask("PUT", "/api/config/connection/", {"connection": {"type": "LOCAL", "numWorkers": 2, "cudas": {}}})
        self.dataset, self.compound = str(uuid.uuid4()), str(uuid.uuid4())
        shape = {"nav_shape": [SIDE, SIDE], "sig_shape": [SIDE, SIDE], "sync_offset": 0, "enable_direct": False}
        params = {"type": "RAW", "path": str(path), "dtype": dtype, **shape}
        self.ask("PUT", f"/api/datasets/{self.dataset}/", {"dataset": {"id": self.dataset, "params": params}})
        connection = connect(f"{self.base.replace('http', 'ws', 1)}/api/events/", max_size=None, proxy=None)
        self.live = connection.__enter__()
        self.analyses: dict[str, str] = {}

    def _asked(self, kind: str, parameters: dict[str, Any]) -> tuple[float, float]:
        assert self.live is not None
        analysis, job = self.analyses.setdefault(kind, str(uuid.uuid4())), str(uuid.uuid4())
        details = {"analysisType": kind, "parameters": parameters}
        began, first = time.perf_counter(), 0.0
        if len(self.analyses) and not getattr(self, "_made", False):
            made = {"mainType": "APPLY_RING_MASK", "analyses": []}
            self.ask("PUT", f"/api/compoundAnalyses/{self.compound}/", {"dataset": self.dataset, "details": made})
            self._made = True
        path = f"/api/compoundAnalyses/{self.compound}/analyses/{analysis}/"
        self.ask("PUT", path, {"dataset": self.dataset, "details": details})
        self.ask("PUT", f"/api/jobs/{job}/", {"job": {"analysis": analysis}})
        while True:
            message = self.live.recv(300)
            if not isinstance(message, str):
                continue
            told = json.loads(message)
            if told.get("job") != job:
                continue
            if told["messageType"] in ("JOB_ERROR", "ERROR"):
                raise SystemExit(message)
            pictures = int(told.get("followup", {}).get("numMessages", 0))
            for _ in range(pictures):
                self.live.recv(300)
            if told["messageType"] == "TASK_RESULT":
                first = first or time.perf_counter() - began
            if told["messageType"] == "FINISH_JOB":
                done = time.perf_counter() - began
                return first or done, done

    def ring(self, cx: float, cy: float) -> tuple[float, float]:
        return self._asked("APPLY_RING_MASK", {"shape": "ring", "cx": cx, "cy": cy, "ri": 50.0, "ro": 90.0})

    def pick(self, y: int, x: int) -> float:
        return self._asked("PICK_FRAME", {"x": x, "y": y})[1]


def main() -> None:
    """Measure what the command line asks for, and print tables."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for dtype in options.dtypes:
            path = written(folder, dtype)
            rows = compared(path, dtype, folder, options)
            if options.drag:
                rows["lamella"]["drag to drawn"] = dragged(path, dtype, folder, options)
            sys.stdout.write(table(dtype, rows))


def compared(path: Path, dtype: str, folder: Path, options: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    """Let the programs take turns."""
    makers: list[Callable[[], Server]] = [lambda: Lamella(sys.executable, folder)]
    if options.others_python:
        makers.append(lambda: LiberTEM(options.others_python, folder))
    found: dict[str, dict[str, list[float]]] = {}
    for turn in range(options.rounds):
        for maker in makers[:: -1 if turn % 2 else 1]:
            with maker() as server:
                rows = found.setdefault(server.name, {row: [] for row in _ROWS})
                _measure(server, path, dtype, rows, options.moves)
    return found


def _measure(server: Server, path: Path, dtype: str, rows: dict[str, list[float]], moves: int) -> None:
    began = time.perf_counter()
    server.start()
    rows["start"].append(1000 * (time.perf_counter() - began))
    began = time.perf_counter()
    server.open(path, dtype)
    rows["open"].append(1000 * (time.perf_counter() - began))
    server.ring(128, 128)
    server.pick(0, 0)
    time.sleep(2.0)  # what runs at rest is over
    for i in range(moves):
        first, exact = server.ring(128.5 + i, 127.5 - i)
        rows["first picture"].append(1000 * first)
        rows["exact"].append(1000 * exact)
        rows["pick"].append(1000 * server.pick(3 + 7 * i, 5 + 11 * i))
        time.sleep(0.1)
    rows["memory"].append(server.memory())


def dragged(path: Path, dtype: str, folder: Path, options: argparse.Namespace) -> list[float]:
    """Drag the ring in Chromium; gives the times from a movement of the pointer to the picture that shows it [ms]."""
    from playwright.sync_api import sync_playwright

    with Lamella(sys.executable, folder) as server, sync_playwright() as driver:
        server.start()
        server.open(path, dtype)
        assert server.live is not None
        browser = driver.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.context.add_cookies(
            [{"name": one.name, "value": one.value or "", "url": server.base} for one in server.cookies]
        )
        page.goto(server.page)
        page.wait_for_selector("lamella-viewer")
        time.sleep(6)
        page.evaluate(_TIMED)
        handle = page.get_by_role("slider").first.bounding_box()
        assert handle is not None
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        for i in range(100):
            page.mouse.move(x + 0.5 * i, y + 0.3 * i)
            time.sleep(0.03)
        page.mouse.up()
        time.sleep(1)
        times = list(map(float, page.evaluate("times")))
        browser.close()
    return times


def written(folder: Path, dtype: str) -> Path:
    """Give a file of counts; made once for each dtype."""
    path = folder / f"scan_{dtype}.raw"
    size = SIDE**4 * np.dtype(dtype).itemsize
    if not path.exists() or path.stat().st_size != size:
        rng = np.random.default_rng(7)
        lines = rng.poisson(6, (8, SIDE, SIDE, SIDE)).astype(dtype)
        with path.open("wb") as file:
            for i in range(SIDE):
                lines[i % 8].tofile(file)
    with path.open("rb") as file:  # into the page cache
        while file.read(1 << 24):
            pass
    return path


def table(dtype: str, rows: dict[str, dict[str, list[float]]]) -> str:
    """Give a table: medians, and for a drag the 95th percentile too."""
    lines = [f"| {dtype} | {' | '.join(rows)} | ratio |", f"|{'---|' * (len(rows) + 2)}"]
    for row in [*_ROWS, "drag to drawn"]:
        values = [statistics.median(found[row]) if found.get(row) else None for found in rows.values()]
        if values[0] is None:
            continue
        texts = ["" if value is None else f"{value:.1f}" for value in values]
        ratio = f"{values[1] / values[0]:.1f}" if len(values) > 1 and values[1] else ""
        unit = "MB" if row == "memory" else "ms"
        lines.append(f"| {row} [{unit}] | {' | '.join(texts)} | {ratio} |")
    if drags := rows["lamella"].get("drag to drawn"):
        lines.append(f"| drag to drawn, 95 % of {len(drags)} [ms] | {float(np.percentile(drags, 95)):.1f} |  |")
    return "\n".join(lines) + "\n\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--others-python", help="Python of an environment with LiberTEM")
    parser.add_argument("--folder", type=Path, help="folder for the files, which are kept [default: a temporary one]")
    parser.add_argument("--dtypes", nargs="+", default=["uint8", "uint16"])
    parser.add_argument("--rounds", type=int, default=3, help="turns of each program")
    parser.add_argument("--moves", type=int, default=8, help="movements of the ring in a turn")
    parser.add_argument("--drag", action="store_true", help="time a drag in Chromium too")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="program of the browser")
    return parser


if __name__ == "__main__":
    main()
