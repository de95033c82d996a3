"""The programs that `browser.py` compares, each started, driven and watched as a browser does it."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import numpy as np
from datasets import Kind, Shape
from websockets.sync.client import ClientConnection, connect

_PATIENT: dict[str, Any] = {"max_size": None, "proxy": None, "ping_interval": None}
"""How a websocket is opened: whatever comes is taken, and a server that is busy is waited for."""


@dataclass(frozen=True)
class Case:
    """One scan that is looked at."""

    name: str
    kind: Kind
    nav: Shape
    path: Path


class CannotOpen(Exception):
    """A program does not take a file."""


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
    def open(self, case: Case) -> None:
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
        environment = {**_environment(), "LAMELLA_GUI_HOME": str(self._folder / "home"), "PYTHONUNBUFFERED": "1"}
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

    def send(self, path: str, fields: Mapping[str, str]) -> tuple[str, bytes]:
        """Send a form; gives the address of the page that comes then, and what is there."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.base}
        request = urllib.request.Request(path, urlencode(fields).encode(), headers)
        with self.opener.open(request, timeout=300) as answer:
            return answer.geturl(), bytes(answer.read())

    def open(self, case: Case) -> None:
        values = {"nav_shape": _listed(case.nav), **{name: _listed(value) for name, value in case.kind.params.items()}}
        fields = {"path": f"{self._folder.name}/{case.path.name}", "format": case.kind.format, **values}
        self.page, _ = self.send(f"{self.base}/open", fields)
        cookie = "; ".join(f"{one.name}={one.value}" for one in self.cookies)
        address = self.page.replace("http", "ws", 1) + "/live"
        options: dict[str, Any] = {"origin": self.base, "subprotocols": ["lamella.1"], **_PATIENT}
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
        order = [str(program), "-n", "-p", str(port), "-l", "error", "-d", str(self._folder), "--preload", "hdf5plugin"]
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(order, text=True, env=_environment(), **quiet)
        self.base = f"http://localhost:{port}"
        while True:
            try:
                self.ask("GET", "/")
                return
            except OSError:
                time.sleep(0.01)

    def open(self, case: Case) -> None:
        self.ask("PUT", "/api/config/connection/", {"connection": {"type": "LOCAL", "numWorkers": 2, "cudas": {}}})
        self.dataset, self.compound = str(uuid.uuid4()), str(uuid.uuid4())
        shape = {"nav_shape": list(case.nav), "sig_shape": list(case.kind.sig), "sync_offset": 0}
        how: dict[str, dict[str, Any]] = {
            "raw": {"type": "RAW", "dtype": np.dtype(case.kind.dtype).name, "enable_direct": False, **shape},
            "mib": {"type": "MIB", **shape},
            "hdf5": {"type": "HDF5", "ds_path": "scan"},
        }
        params = {"path": str(case.path), **how[case.kind.format]}
        told = self.ask("PUT", f"/api/datasets/{self.dataset}/", {"dataset": {"id": self.dataset, "params": params}})
        if json.loads(told)["status"] != "ok":
            raise CannotOpen(told.decode())
        connection = connect(f"{self.base.replace('http', 'ws', 1)}/api/events/", **_PATIENT)
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


def _environment() -> dict[str, str]:
    """Give an environment in which modules are compiled once, as they are for a user."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _listed(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
