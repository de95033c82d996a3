"""What every test of the repository shares."""

import gc
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from lamella.system.processors import available_cpus

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

ROOT = Path(__file__).parent
WORKERS = 8
"""Test processes at most: each of them holds some hundred megabytes."""

# A busy machine is no reason to fail. `tests/test_searches_at_length.py` searches with `thorough`.
settings.register_profile("thorough", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("lamella", settings.get_profile("thorough"), max_examples=40)
settings.load_profile("lamella")


SAMPLES = Path(os.environ.get("LAMELLA_SAMPLES") or ROOT.parent / "shared" / "samples")
if SAMPLES.is_dir():  # samplers of the conformance kit look there too
    os.environ["LAMELLA_SAMPLES"] = str(SAMPLES)


# Suites of formats look briefly at every change; `tests/test_formats_at_length.py` looks longer.
os.environ.setdefault("LAMELLA_TESTKIT_PROFILE", "brief")

# Else each of the hundreds of processes that tests start compiles the modules of all libraries again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts its background jobs so. Children that are interrupted by a test would inherit it, and go on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` starts programs so


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run whole folders in parallel, unless the command line says how many processes there are."""
    option = config.option
    if "PYTEST_XDIST_WORKER" in os.environ:  # this is one of the processes, or a child of one
        return
    undecided = config.pluginmanager.hasplugin("xdist") and option.numprocesses is None and not option.tx
    if undecided and not option.usepdb and not option.collectonly and _many(config):
        # One more than there are processors: tests also wait for children, pipes and clocks.
        option.numprocesses = min(available_cpus() + 1, option.maxprocesses or WORKERS)
        option.dist = "worksteal"  # neighbours stay in one process: they share fixtures, children and kernels


def _many(config: pytest.Config) -> bool:
    """Whether folders are to be run, and not files or single tests; what has a marker measures, or builds."""
    ordinary = config.getini("addopts")
    folders = all((config.invocation_params.dir / argument).is_dir() for argument in config.args)
    return folders and config.option.markexpr == ordinary[ordinary.index("-m") + 1]


def pytest_collection_finish() -> None:
    """Take what collecting made from the garbage collector: it never becomes garbage, and looking at it takes time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real vendor files: `LAMELLA_SAMPLES`, or `shared/samples` beside the project."""
    if not SAMPLES.is_dir():
        pytest.skip(f"no real files in {SAMPLES}; LAMELLA_SAMPLES names their folder")
    return SAMPLES


@pytest.fixture
def in_time(request: pytest.FixtureRequest) -> "Iterator[None]":
    """Let a result that never comes be a failure after a minute; slow tests have limits of their own."""
    from lamella_testkit.limits import wall_clock

    with nullcontext() if request.node.get_closest_marker("slow") else wall_clock(60):
        yield


@pytest.fixture(scope="session")
def chromium() -> "Iterator[Browser]":
    """A browser: the system's Chromium, or the program that `LAMELLA_CHROMIUM` names."""
    playwright = pytest.importorskip("playwright.sync_api", reason="wants the dependency group `browser`")
    named = os.environ.get("LAMELLA_CHROMIUM")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    program = named or next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("there is no Chromium; LAMELLA_CHROMIUM names its program")
    quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    drawing = ["--enable-unsafe-swiftshader", "--force-color-profile=srgb", "--hide-scrollbars"]
    alone = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*quiet, *drawing, *alone])
        yield browser
        browser.close()


def complaints(said: "ConsoleMessage") -> list[str]:
    """Give what a line of the console complains about; that screenshots make a graphics card wait is no complaint."""
    waits = "GL Driver Message (OpenGL, Performance" in said.text
    return [said.text] if said.type in ("error", "warning") and not waits else []


@pytest.fixture
def page_faults() -> list[str]:
    """What pages complained about; a test that provokes complaints reads and clears it."""
    return []


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> "Iterator[None]":
    """Close the page before fixtures end what it shows: it would ask for that a moment later, and complain."""
    try:
        return (yield)
    finally:
        shown: Any = pyfuncitem.funcargs.get("page")
        if shown is not None and pyfuncitem.get_closest_marker("browser"):
            shown.context.close()


@pytest.fixture
def page(chromium: "Browser", page_faults: list[str]) -> "Iterator[Page]":
    """An empty page of its own; errors, warnings and violations of the policy that it reports fail the test."""
    context = chromium.new_context(viewport={"width": 1000, "height": 700}, color_scheme="dark")
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.on("pageerror", lambda error: page_faults.append(str(error)))
    page.on("console", lambda said: page_faults.extend(complaints(said)))
    yield page
    context.close()
    assert not page_faults, "\n".join(page_faults)
