"""Files and disks that never answer: a page says so after a time, and everything else goes on."""

import argparse
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamella
from lamella.format import FormatSpec
from lamella.plugins.registry import Registry
from lamella.reader import Match
from lamella_gui import openlimit
from lamella_gui.command import configure
from lamella_gui.hearing import heard
from lamella_gui.openlimit import NotOpenedInTime, OpenLimit
from lamella_gui.serving import workspace_of
from server.conftest import RAW, put_registry

if TYPE_CHECKING:
    from server.conftest import Client
else:
    Client = Any

SECONDS = 0.2
answers = threading.Event()
"""Whether the disk of the hanging format answers."""
given: list["weakref.ref[Any]"] = []
"""What its reader gave at last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """None."""


class Reader:
    """Opens files of one frame as soon as the disk answers."""

    detects = True

    def detect(self, probe: Any) -> Match | None:
        if not probe.head.startswith(b"HANGS"):
            return None
        if not self.detects:
            answers.wait(20)
        return Match(90, "begins with HANGS")

    def open(self, params: Params, probe: Any) -> Any:
        answers.wait(20)
        source = lamella.open(np.ones((4, 5, 6, 7), dtype="u1"), "memory").source
        given.append(weakref.ref(source))
        return source


@pytest.fixture
def hanging(fresh: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A file of a format of another package, which hangs while it is opened, and a server that waits for little."""
    registry = Registry()
    place = f"{__name__}:"
    registry.register(
        FormatSpec(name="hangs", title="Hangs", api=(1, 0), reader=place + "Reader", params=place + "Params")
    )
    put_registry(monkeypatch, registry)
    answers.clear()
    given.clear()
    (fresh.folder / "slow.bin").write_bytes(b"HANGS".ljust(840))
    yield f"{fresh.folder.name}/slow.bin"
    answers.set()
    until(lambda: "lamella-open" not in {thread.name for thread in threading.enumerate()})


@contextmanager
def impatient(limit: OpenLimit) -> Iterator[None]:
    """Wait for little, where something hangs."""
    limit.seconds = SECONDS
    yield
    limit.seconds = openlimit.OPEN_SECONDS


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_file_that_never_answers_is_given_up_and_others_open(
    fresh: Client, hanging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = fresh.open("scan.raw", **RAW)
    with impatient(fresh.workspace.limit):
        told = fresh.post("/open", {"path": hanging, "format": "hangs"})
    assert told.status == 504
    assert f"{hanging} did not open within {SECONDS:g} s, so it was given up" in told.text
    assert "--open-limit" in told.text
    for path in ("/check", "/preview"):  # while a form is filled
        answer = fresh.post(path, {"path": hanging, "format": "hangs"}, Accept="application/json")
        assert (answer.status, answer.json["problem"].partition(":")[0]) == (504, f"{hanging} still does not answer")
    monkeypatch.setattr(Reader, "detects", False)
    assert fresh.get(f"/open?path={hanging}").status == 504
    assert fresh.get(f"/scan/{other}/state").json["nav"] == [40, 48]
    later = fresh.open("scan.raw", **RAW)
    assert "slow.bin" in fresh.get(f"/open?path={fresh.folder.name}").text
    assert list(fresh.workspace.scans) == [other, later]


def test_what_comes_too_late_is_dropped_and_the_file_opens_again(fresh: Client, hanging: str) -> None:
    with impatient(fresh.workspace.limit), pytest.raises(NotOpenedInTime, match="did not open within"):
        fresh.workspace.open(fresh.folder / "slow.bin", "hangs", {})
    answers.set()
    until(lambda: bool(given))
    until(lambda: gc.collect() >= 0 and given[0]() is None)
    assert not fresh.workspace.scans
    scan = fresh.open("slow.bin", format="hangs")
    assert fresh.get(f"/scan/{scan}/state").json["sig"] == [6, 7]


def test_a_session_with_a_file_that_hangs_says_so_on_its_page(fresh: Client, hanging: str) -> None:
    answers.set()
    scan = fresh.open("slow.bin", format="hangs")
    answers.clear()
    with impatient(fresh.workspace.limit):
        assert fresh.post(f"/scan/{scan}/reopen").status == 303
    page = fresh.get(f"/scan/{scan}").text
    assert "slow.bin is not open" in page
    assert f"{hanging} did not open within" in page
    assert "Open again" in page
    answers.set()
    until(lambda: len(given) > 1)
    until(lambda: fresh.post(f"/scan/{scan}/reopen").status == 303 and fresh.get(f"/scan/{scan}/state").status == 200)


def test_a_disk_that_hangs_keeps_nobody_from_the_first_page(fresh: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.open("scan.raw", **RAW)
    find, hangs = fresh.workspace.places.find, threading.Event()

    def slow(address: str) -> Any:
        hangs.wait(20)
        return find(address)

    monkeypatch.setattr(fresh.workspace.places, "find", slow)
    try:
        with impatient(fresh.workspace.first_limit):
            home = fresh.get("/")
        assert home.status == 200
        assert f"{fresh.folder.name}/scan.raw" in home.text  # among the recent files, though nobody could look
        assert str(fresh.folder) not in home.text
        with impatient(fresh.workspace.limit):
            assert "did not open within" in fresh.get(f"/open?path={fresh.folder.name}").text
    finally:
        hangs.set()


def test_only_so_many_threads_hang() -> None:
    goes_on = threading.Event()
    limit = OpenLimit(0.01, most=3)
    try:
        for name in "abc":
            with pytest.raises(NotOpenedInTime, match=f"{name} did not open within 0.01 s"):
                limit.run(name, goes_on.wait)
        with pytest.raises(NotOpenedInTime, match="d was not opened, because 3 others are being opened"):
            limit.run("d", lambda: 1)
        with pytest.raises(NotOpenedInTime, match="a still does not answer"):
            limit.run("a", lambda: 1)
    finally:
        goes_on.set()
    until(lambda: not limit._running)
    limit.seconds = openlimit.OPEN_SECONDS
    assert limit.run("a", lambda: 1) == 1
    with pytest.raises(KeyError):
        limit.run("a", lambda: {"present": 1}["absent"])


def test_each_thread_hears_its_own_warnings() -> None:
    inside, goes_on = threading.Event(), threading.Event()
    texts: list[str] = []
    small = np.zeros((12, 2, 2), dtype="u1")

    def hang() -> None:
        with heard() as mine:
            inside.set()
            goes_on.wait(20)
            lamella.open(small, "memory", nav_shape=(5, 5))
            texts.extend(mine)

    thread = threading.Thread(target=hang)
    thread.start()
    assert inside.wait(20)
    with heard() as other:
        lamella.open(small, "memory", nav_shape=(4, 4))
    with pytest.warns(lamella.LamellaWarning, match="of 9 scan"):
        lamella.open(small, "memory", nav_shape=(3, 3))
    goes_on.set()
    thread.join(20)
    assert ["of 16 scan" in text for text in other] == [True]
    assert ["of 25 scan" in text for text in texts] == [True]


def test_how_long_a_page_waits_is_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    configure(parser)
    given = ["--root", str(tmp_path), "--no-session"]
    for option, seconds in (([], 60.0), (["--open-limit", "0.5"], 0.5)):
        args = parser.parse_args([*given, *option], argparse.Namespace(file=None))
        assert workspace_of(args).limit.seconds == seconds
    for wrong in ("0", "-1", "nan", "inf", "long", "1e9"):
        with pytest.raises(SystemExit):
            parser.parse_args([*given, f"--open-limit={wrong}"])
        assert f"expected a number of seconds, from above 0 to 86400: {wrong!r}" in capsys.readouterr().err
