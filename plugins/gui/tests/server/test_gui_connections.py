"""Connections as they are: slow, cut, closed in the middle of a run; and nothing is left behind."""

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from lamella import Context
from lamella.executors import InlineExecutor
from lamella_viewer.live import Scan, decode_frame
from lamella_viewer.live.budget import Budget
from server.conftest import RAW
from server.wire import Wire

if TYPE_CHECKING:
    from server.conftest import Client
else:
    Client = Any

LARGE = {"format": "raw", "dtype": "uint8", "nav_shape": "128,128", "sig_shape": "8,8"}
RING = {"cy": 4.0, "cx": 4.0, "ri": 1.0, "ro": 3.0}


class SlowExecutor(InlineExecutor):
    """Takes two seconds for a pass, and knows whether one runs."""

    workers = 8
    calls_small = False

    def __init__(self) -> None:
        self.runs = 0
        self.begun = 0
        self.done = 0

    def run(
        self, job: Any, shared: Any, items: Sequence[Any], *, cancel: Any = None, ahead: int | None = None
    ) -> Generator[Any]:
        self.runs += 1
        self.begun += 1
        try:
            for result in super().run(job, shared, items, cancel=cancel, ahead=ahead):
                for _ in range(100):
                    if cancel is None or not cancel.is_set():
                        time.sleep(2.0 / len(items) / 100)
                self.done += 1
                yield result
        finally:
            self.runs -= 1


@pytest.fixture(scope="module")
def large(client: Client) -> str:
    """A scan that is too large for an exact first picture."""
    rng = np.random.default_rng(8)
    rng.integers(0, 200, (128 * 128, 8, 8), dtype=np.uint8).tofile(client.folder / "large.raw")
    return client.open("large.raw", **LARGE)


@pytest.fixture
def scan(client: Client, large: str) -> Iterator[Scan]:
    scan = client.workspace.get(large).scan
    assert scan is not None
    scan.stages.budget = Budget()  # how fast this computer is, nobody knows yet: first pictures are coarse
    yield scan
    scan.context = client.workspace.context
    scan.memo.clear()


def ask(socket: Any, number: int, **fields: Any) -> None:
    told = {"type": "ask", "lane": "scan", "id": number, "analysis": "ring", "parameters": RING, "live": False}
    socket.send(json.dumps(told | fields))


def read_until(live: Any, number: int, *stages: str) -> list[dict[str, Any]]:
    """Draw what comes until one of some stages of a request is shown; gives what was drawn."""
    shown: list[dict[str, Any]] = []
    while not shown or shown[-1]["id"] != number or shown[-1]["stage"] not in stages:
        message = live.recv(20)
        if isinstance(message, bytes):
            live.send(json.dumps({"type": "ack", "bytes": len(message)}))
            shown.append(decode_frame(message)[0])
    return shown


def until(holds: Callable[[], bool], seconds: float) -> float:
    """Wait; gives how long it took [s]."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() < began + seconds
        time.sleep(0.002)
    return time.monotonic() - began


@pytest.fixture
def wire(client: Client, request: pytest.FixtureRequest) -> Iterator[Wire]:
    rate = getattr(request, "param", None)
    made = Wire(lambda: socket.create_connection(("127.0.0.1", client.port)), rate=rate)
    yield made
    made.close()


@pytest.mark.parametrize("how", ["stop", "leave", "cut"])
def test_half_a_second_after_nobody_wants_it_nothing_runs(
    client: Client, large: str, scan: Scan, wire: Wire, how: str
) -> None:
    executor = SlowExecutor()
    scan.context = Context(executor)
    with client.socket(large, port=wire.port) as live:
        ask(live, 1)
        until(lambda: executor.runs == 1, 10)
        if how == "stop":
            live.send(json.dumps({"type": "stop", "lane": "scan"}))
        elif how == "leave":
            live.close()
        else:
            wire.cut()
        assert until(lambda: executor.runs == 0, 5) < 0.5
    until(lambda: scan.turns.talks == [], 5)
    until(lambda: "lamella-outbox" not in {one.name for one in threading.enumerate()}, 5)
    assert (executor.begun, executor.runs) == (1, 0)


@pytest.mark.slow
def test_a_cable_that_was_pulled_halts_the_run_until_it_is_back(
    client: Client, large: str, scan: Scan, wire: Wire
) -> None:
    executor = SlowExecutor()
    scan.context = Context(executor)
    with client.socket(large, port=wire.port) as live:
        ask(live, 1)
        read_until(live, 1, "partial")
        (talk,) = scan.turns.talks
        wire.flows.clear()
        until(lambda: talk.silent, 5)
        time.sleep(0.5)
        halted = executor.done
        time.sleep(1)
        assert executor.done == halted
        wire.flows.set()
        assert read_until(live, 1, "exact")[-1]["done"] == 1
    assert executor.begun == 1


@pytest.mark.parametrize("stages", [(), ("coarse", "preview"), ("partial",)], ids=["asked", "first", "partial"])
def test_a_cut_in_any_stage_leaves_the_server_to_others(
    client: Client, large: str, scan: Scan, wire: Wire, stages: tuple[str, ...]
) -> None:
    scan.context = Context(SlowExecutor())
    with client.socket(large, port=wire.port) as live:
        ask(live, 1)
        if stages:
            read_until(live, 1, *stages)
        wire.cut()
    until(lambda: scan.turns.talks == [], 5)
    scan.context = client.workspace.context
    with client.socket(large) as live:
        ask(live, 1)
        assert read_until(live, 1, "exact")[-1]["done"] == 1


@pytest.mark.parametrize("wire", [125_000], indirect=True, ids=["1 Mbit/s"])
def test_a_slow_socket_gets_the_newest_picture_and_few_others(
    client: Client, large: str, scan: Scan, wire: Wire
) -> None:
    """An exact picture of 131 kB takes a second; a hundred are asked for in a second."""
    with client.socket(large, port=wire.port) as live:
        for number in range(1, 101):
            ask(live, number, parameters=RING | {"cx": 4 + number / 200}, live=True)
            time.sleep(0.01)
        shown = read_until(live, 100, "exact")
        (talk,) = scan.turns.talks
        assert talk.outbox.replaced > 10
        assert len(shown) < 40
        assert [one["id"] for one in shown] == sorted(one["id"] for one in shown)
        assert wire.carried < 1_500_000


def closed_with(live: Any) -> tuple[Any, Any]:
    """Read until the server closes a connection; gives the code and the reason."""
    with pytest.raises(ConnectionClosed):
        all(live.recv(20) for _ in itertools.count())
    return live.protocol.close_code, live.protocol.close_reason


def test_all_pages_of_a_data_set_are_told_that_it_was_closed(fresh: Client) -> None:
    name = fresh.open("scan.raw", **RAW)
    with fresh.socket(name) as one, fresh.socket(name) as other:
        fresh.post(f"/scan/{name}/close")
        assert closed_with(one) == closed_with(other) == (4404, "this data set is not open any more")


def test_all_pages_of_a_data_set_are_told_that_it_was_opened_again(fresh: Client) -> None:
    name = fresh.open("scan.raw", **RAW)
    with fresh.socket(name) as one, fresh.socket(name) as other:
        fresh.post(f"/scan/{name}/reopen")
        assert closed_with(one) == closed_with(other) == (4410, "the data set was opened again")
    with fresh.socket(name) as again:
        ask(again, 1, parameters={"cy": 16.0, "cx": 16.0, "ri": 1.0, "ro": 3.0})
        read_until(again, 1, "exact")


def test_all_pages_of_a_recording_are_told_that_its_shape_changed(fresh: Client) -> None:
    path = fresh.folder / "scan.raw"
    content = path.read_bytes()
    path.write_bytes(content[: 900 * 2048])
    name = fresh.open("scan.raw", format="raw", dtype="uint16", sig_shape="32,32")
    with fresh.socket(name) as live:
        path.write_bytes(content)
        assert fresh.post(f"/scan/{name}/refresh", Accept="application/json").json["shape"] == [1920, 32, 32]
        assert closed_with(live) == (4410, "the data set was opened again")
