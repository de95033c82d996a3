"""Measure the pages in the browser: how long until a moved detector is seen.

    uv run --group browser python tests/benchmarks/browser.py --drag --others-python OTHER/bin/python

Lamella and LiberTEM's web GUI take turns in one run, each driven by its own HTTP interface and websocket, over the same
files of 256 x 256 frames of 256 x 256 pixels; ``raw_u2_13g`` is a larger one. With ``--drag``, Playwright and Chromium
time a drag of the ring from the pointer to the picture, alone and while the scan is exported.
Times are medians of all turns [ms]; memory is what the processes hold without mapped files. Between the first page and
opening a file lies a second, in which somebody would choose it.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "workers")]

import numpy as np  # noqa: E402
from browser_servers import CannotOpen, Case, Lamella, LiberTEM, Server  # noqa: E402
from datasets import frames, kinds  # noqa: E402

CASES = {"raw_u1": "raw_u1", "raw_u2": "raw_u2", "mib_r64": "mib_r6", "hdf5_bitshuffle": "hdf_bits"}
"""Names of cases, and of the kinds of files that they hold."""
LARGE = {"raw_u2_13g": "raw_u2"}
"""The same with 64 % more frames: 14 GB."""
_LARGEST_EXPORT = 10 << 30
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
_DRAG, _BATCH = "drag to drawn", "drag to drawn during an export"
_ROWS = ("start", "open", "first picture", "exact", "pick", "memory")

Rows = dict[str, list[float]]


def main() -> None:
    """Measure what the command line asks for, and print tables."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for name in options.cases:
            case = written(name, folder, options.side)
            rows = compared(case, folder, options)
            if options.drag:
                rows["lamella"] |= dragged(case, folder, options)
            sys.stdout.write(table(case, rows))
            sys.stdout.flush()


def compared(case: Case, folder: Path, options: argparse.Namespace) -> dict[str, Rows]:
    """Let the programs take turns."""
    makers: list[Callable[[], Server]] = [lambda: Lamella(sys.executable, folder)]
    if options.others_python:
        makers.append(lambda: LiberTEM(options.others_python, folder))
    found: dict[str, Rows] = {}
    for turn in range(options.rounds):
        for maker in makers[:: -1 if turn % 2 else 1]:
            with maker() as server:
                rows = found.setdefault(server.name, {row: [] for row in _ROWS})
                try:
                    _measure(server, case, rows, options.moves)
                except CannotOpen as error:
                    sys.stderr.write(f"{server.name} cannot open {case.name}: {error}\n")
    return dict(sorted(found.items()))


def _measure(server: Server, case: Case, rows: Rows, moves: int) -> None:
    began = time.perf_counter()
    server.start()
    rows["start"].append(1000 * (time.perf_counter() - began))
    time.sleep(1.0)
    began = time.perf_counter()
    server.open(case)
    rows["open"].append(1000 * (time.perf_counter() - began))
    server.ring(128, 128)
    server.pick(0, 0)
    time.sleep(2.0)  # what runs at rest is over
    for i in range(moves):
        first, exact = server.ring(128.5 + i, 127.5 - i)
        rows["first picture"].append(1000 * first)
        rows["exact"].append(1000 * exact)
        y, x = ((3 + 7 * i) % case.nav[0], (5 + 11 * i) % case.nav[1])
        rows["pick"].append(1000 * server.pick(y, x))
        time.sleep(0.1)
    rows["memory"].append(server.memory())


def dragged(case: Case, folder: Path, options: argparse.Namespace) -> Rows:
    """Drag the ring in Chromium; gives the times from a movement of the pointer to the picture that shows it [ms]."""
    from playwright.sync_api import sync_playwright

    with Lamella(sys.executable, folder) as server, sync_playwright() as driver:
        server.start()
        server.open(case)
        browser = driver.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.context.add_cookies(
            [{"name": one.name, "value": one.value or "", "url": server.base} for one in server.cookies]
        )
        page.goto(server.page)
        page.wait_for_selector("lamella-viewer")
        time.sleep(6)
        page.evaluate(_TIMED)
        times = {_DRAG: _drag(page, 0.5)}
        if math.prod(case.nav) * math.prod(case.kind.sig) * np.dtype(case.kind.dtype).itemsize <= _LARGEST_EXPORT:
            with exporting(server, folder) as exports:
                time.sleep(0.2)
                times[_BATCH] = _drag(page, -0.5)
                assert exports.is_alive(), "the export failed"
        browser.close()
    return times


def _drag(page: Any, step: float) -> list[float]:
    """Drag the first handle by a hundred steps."""
    page.evaluate("times.length = 0")
    handle = page.get_by_role("slider").first.bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(100):
        page.mouse.move(x + step * i, y + 0.6 * step * i)
        time.sleep(0.03)
    page.mouse.up()
    time.sleep(1)
    return list(map(float, page.evaluate("times")))


@contextmanager
def exporting(server: Lamella, folder: Path) -> Iterator[threading.Thread]:
    """Export the scan meanwhile, again and again."""
    over = threading.Event()
    path = folder / "export.npy"

    def work() -> None:
        while not over.is_set():
            path.unlink(missing_ok=True)
            _, told = server.send(f"{server.page}/export", {"folder": folder.name, "name": path.name})
            address = f"{server.base}/jobs/{json.loads(told)['id']}"
            while (state := json.loads(server.opener.open(address, timeout=60).read()))["state"] == "running":
                if over.wait(0.05):
                    server.send(f"{address}/stop", {})
            if state["state"] == "failed":
                raise SystemExit(state["text"])

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        over.set()
        thread.join(60)
        path.unlink(missing_ok=True)


def written(name: str, folder: Path, side: int) -> Case:
    """Give a file of counts, made once and read into the page cache."""
    kind = kinds()[(CASES | LARGE)[name]]
    nav = (21 * side // 16, 20 * side // 16) if name in LARGE else (side, side)
    path = folder / f"{name}_{nav[0]}x{nav[1]}{kind.suffix}"
    if not path.exists():
        partial = path.with_name(f"partial_{path.name}")
        kind.write(partial, nav, frames(nav, kind))
        partial.replace(path)
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
    return Case(name, kind, nav, path)


def table(case: Case, rows: dict[str, Rows]) -> str:
    """Give a table: medians, and for a drag the 95th percentile too."""
    size = f"{case.path.stat().st_size / 1e9:.3g} GB"
    lines = [f"| {case.name}, {size} | {' | '.join(rows)} | ratio |", f"|{'---|' * (len(rows) + 2)}"]
    for row in [*_ROWS, _DRAG, _BATCH]:
        values = [statistics.median(found[row]) if found.get(row) else None for found in rows.values()]
        if values[0] is None:
            continue
        texts = ["" if value is None else f"{value:.1f}" for value in values]
        ratio = f"{values[1] / values[0]:.1f}" if len(values) > 1 and values[1] else ""
        unit = "MB" if row == "memory" else "ms"
        lines.append(f"| {row} [{unit}] | {' | '.join(texts)} | {ratio} |")
        if row in (_DRAG, _BATCH):
            drags, blank = rows["lamella"][row], " |" * len(rows)
            lines.append(f"| {row}, 95 % of {len(drags)} [ms] | {float(np.percentile(drags, 95)):.1f} |{blank}")
    return "\n".join(lines) + "\n\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--others-python", help="Python of an environment with LiberTEM")
    parser.add_argument("--folder", type=Path, help="folder for the files, which are kept [default: a temporary one]")
    parser.add_argument("--cases", nargs="+", choices=[*CASES, *LARGE], default=[*CASES, *LARGE])
    parser.add_argument("--side", type=int, default=256, help="scan positions along each axis, for trying this out")
    parser.add_argument("--rounds", type=int, default=2, help="turns of each program")
    parser.add_argument("--moves", type=int, default=6, help="movements of the ring in a turn")
    parser.add_argument("--drag", action="store_true", help="time a drag in Chromium too")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="program of the browser")
    return parser


if __name__ == "__main__":
    main()
