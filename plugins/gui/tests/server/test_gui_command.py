"""The command itself: what it prints, how it ends, and that analyses of other packages appear."""

import http.client
import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path

import numpy as np
import pytest

from lamella_gui.security import Access
from lamella_gui.showurl import Note

ROOT = Path(__file__).parents[4]
GUIDE = ROOT / "docs" / "how-to" / "add-an-analysis.md"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing of the user is read or changed."""
    return {**os.environ, "LAMELLA_GUI_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"}


def started(arguments: list[str], env: dict[str, str], cwd: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "lamella", "gui", "--no-browser", "--port", "0", *arguments]
    process = subprocess.Popen(command, env=env, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, line + process.stdout.read()
    return process, found.group()


@pytest.fixture
def guest(tmp_path: Path) -> Path:
    """A package of somebody else, as the guide prints it."""
    printed = GUIDE.read_text(encoding="utf-8")
    code = re.findall(r"^```python\n(.*?)^```$", printed, re.DOTALL | re.MULTILINE)[0]
    folder = tmp_path / "site"
    (folder / "my_package").mkdir(parents=True)
    (folder / "my_package" / "__init__.py").touch()
    (folder / "my_package" / "counting.py").write_text(code, encoding="utf-8")
    about = folder / "my_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n", encoding="utf-8")
    declared = re.search(r"```toml\n.*?\n(bright_pixels = \S+)", printed, re.DOTALL)
    assert declared is not None
    entry = declared[1].replace('"', "")
    (about / "entry_points.txt").write_text(f"[lamella.analyses]\n{entry}\n", encoding="utf-8")
    add_format(folder)
    return folder


def add_format(folder: Path) -> None:
    """Add the package that `lamella new-format` writes, with a parameter."""
    command = [sys.executable, "-m", "lamella", "new-format", "tern", "--author", "Ada Lovelace"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    (folder / "lamella-tern" / "src" / "lamella_tern").rename(folder / "lamella_tern")
    params = folder / "lamella_tern" / "params.py"
    text = params.read_text(encoding="utf-8").replace(
        "from dataclasses import dataclass\n",
        "from dataclasses import dataclass\nfrom typing import Annotated\nfrom lamella.format import Param\n",
    )
    params.write_text(
        f'{text}\n    binning: Annotated[int, Param(doc="Pixels read together.", ge=1)] = 1\n', encoding="utf-8"
    )
    about = folder / "lamella_tern-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lamella-tern\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[lamella.formats]\ntern = lamella_tern:spec\n", encoding="utf-8")


def write_tern(guest: Path, path: Path) -> None:
    names = runpy.run_path(str(guest / "lamella_tern" / "header.py"))
    header = np.zeros(1, dtype=names["HEADER"])
    code, dtype = next((code, dtype) for code, dtype in names["DTYPES"].items() if np.dtype(dtype).kind == "u")
    values = {"magic": names["MAGIC"], "version": 1, "ny": 3, "nx": 5, "height": 16, "width": 12, "dtype": code}
    for name, value in values.items():
        header[name] = value
    path.write_bytes(header.tobytes() + np.arange(15 * 16 * 12).astype(dtype).tobytes())


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.npy"
    y, x = np.mgrid[:32, :32]
    frames = np.random.default_rng(1).poisson(9, (8, 9, 32, 32)) + 200 * (np.hypot(y - 15, x - 17) < 5)
    np.save(path, frames.astype("u2"))
    return path


Served = tuple[str, subprocess.Popen[str]]


@pytest.fixture
def served(home: dict[str, str], guest: Path, scan: Path, tmp_path: Path) -> Iterator[Served]:
    home["PYTHONPATH"] = os.pathsep.join([str(guest), home.get("PYTHONPATH", "")])
    process, url = started([str(scan)], home, tmp_path)
    yield url, process
    process.kill()
    process.wait(10)
    assert process.stdout is not None
    process.stdout.close()


def reading(url: str) -> tuple[urllib.request.OpenerDirector, str]:
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
    )
    with opener.open(url, timeout=30) as answer:
        return opener, answer.read().decode()


def look_at_format(opener: urllib.request.OpenerDirector, address: str, guest: Path, path: Path) -> None:
    """Open a file of the format of another package by its form."""
    write_tern(guest, path)
    base = address.partition("/scan/")[0]
    with opener.open(f"{base}/open?path={path.parent.name}/{path.name}", timeout=30) as answer:
        page = answer.read().decode()
    assert "Tern scans (tern)" in page
    assert "header of a scan of 3 x 5" in page
    assert 'name="binning"' in page
    assert "Pixels read together." in page
    form = f"path={path.parent.name}/{path.name}&format=tern&binning=2".encode()
    origin = {"Origin": "/".join(base.split("/")[:3])}
    with opener.open(urllib.request.Request(f"{base}/open", form, origin), timeout=30) as answer:
        opened = answer.geturl()
        assert "3 × 5 scan · 16 × 12 px" in answer.read().decode()
    with opener.open(f"{opened}/code/p1.py", timeout=30) as answer:
        code = answer.read().decode()
    assert re.search(r"bird\.tern.*binning=2", code), code


def test_format_and_analysis_of_other_packages_appear_with_form_handles_and_code(
    served: Served, guest: Path, home: dict[str, str], scan: Path, tmp_path: Path
) -> None:
    url, process = served
    opener, page = reading(url)
    assert (
        '<option value="bright_pixels" title="Number of pixels above a threshold within a disk.">Bright pixels' in page
    )
    address = url.partition("?")[0]
    origin = "/".join(url.split("/")[:3])
    request = urllib.request.Request(f"{address}/analyses", b"analysis=bright_pixels", {"Origin": origin})
    with opener.open(request, timeout=30) as answer:
        page = answer.read().decode()
    assert 'name="threshold"' in page
    with opener.open(f"{address}/state", timeout=30) as answer:
        panel = json.load(answer)["panels"][-1]
    assert panel["handles"] == [{"picture": "sig", "y": "cy", "x": "cx", "z": None, "radii": ["r"]}]
    assert panel["channels"] == [{"key": "bright", "title": "pixels"}]
    with opener.open(f"{address}/code/{panel['id']}.py", timeout=30) as answer:
        code = answer.read().decode()
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint(bright_pixels.bright.raw_data.sum())"],
        env=home, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert float(done.stdout) > 0
    command = [sys.executable, "-m", "lamella", "run", str(scan), "--bright-pixels", "--bright-pixels-threshold", "20"]
    subprocess.run(command, env=home, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    shown = subprocess.run(
        [sys.executable, "-m", "lamella", "gui", "--show-url"], env=home, cwd=tmp_path, capture_output=True, text=True
    )
    assert "Lamella" in reading(shown.stdout.strip())[1]
    look_at_format(opener, address, guest, scan.with_name("bird.tern"))
    process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
    assert process.wait(20) in (0, 130)
    assert list((tmp_path / "home" / "servers").iterdir()) == []


@pytest.mark.slow
def test_a_demo_scan_is_shown_without_any_file(home: dict[str, str], tmp_path: Path) -> None:
    process, url = started(["--demo", "--no-session"], home, tmp_path)
    try:
        page = reading(url)[1]
        assert "demo.blo" in page
        assert 'id="detector"' in page
        assert not re.search(r'(src|href)="(?![/#])', page)  # all of it comes from this server
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["absent.mib"], "absent.mib"),
        (["--host", "0.0.0.0"], "without encryption"),
        (["--port", "70000"], "a number from 0 to 65535"),
        (["--show-url"], "no server of yours runs here"),
        (["--demo", "--nonsense"], "there is no option --nonsense"),
    ],
)
def test_what_is_wrong_is_one_sentence(arguments: list[str], text: str, home: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lamella", "gui", *arguments]
    done = subprocess.run(command, env=home, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode in (1, 2)
    assert text in done.stderr
    assert "Traceback" not in done.stderr


class Through(http.client.HTTPConnection):
    """Speaks HTTP to a Unix socket, as a forwarded port does."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", 8123, timeout=30)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets")
def test_a_unix_socket_and_a_prefix_serve_the_same_pages(scan: Path, home: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "s"
    process, url = started([str(scan), "--socket", str(path), "--prefix", "lamella"], home, tmp_path)
    try:
        assert url.startswith("http://127.0.0.1:8123/lamella/scan/")
        assert path.stat().st_mode & 0o077 == 0
        address = url.removeprefix("http://127.0.0.1:8123/lamella")
        connection = Through(path)
        connection.request("GET", address)  # the proxy has removed the prefix
        answer = connection.getresponse()
        answer.read()
        cookie = str(answer.getheader("set-cookie"))
        assert "; Path=/lamella/" in cookie
        assert str(answer.getheader("location")) == "/lamella" + address.partition("?")[0]
        connection.request("GET", address.partition("?")[0], headers={"Cookie": cookie.partition(";")[0]})
        page = connection.getresponse().read().decode()
        assert 'src="/lamella/static/gui/page.js"' in page
        assert not re.search(r'(href|src|action)="/(?!lamella/)', page)
        connection.request("GET", "/", headers={"Cookie": cookie.partition(";")[0], "Host": "evil.example"})
        assert connection.getresponse().status == 421
        connection.close()
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()
    assert not path.exists()


def test_a_server_that_ends_late_leaves_the_next_one_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMELLA_GUI_HOME", str(tmp_path))
    ending, begun = (Note(8123, None, Access("lamella-8123"), "") for _ in range(2))
    ending.remove()
    assert (tmp_path / "servers" / "8123.json").is_file()
    begun.remove()
    assert not (tmp_path / "servers" / "8123.json").exists()
