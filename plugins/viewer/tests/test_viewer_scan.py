"""A scan that pages look at: first pictures, refinement, exact results, and the end."""

import gc
import json
import threading
import time
import tracemalloc
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

import lamella
from lamella import Context, DataSet
from lamella.analysis import make_analysis
from lamella.errors import LamellaError, ParameterError
from lamella.executors import InlineExecutor
from lamella_viewer.live import MAX_LANES, Picture, Scan, decode_frame, region_mask
from lamella_viewer.live.budget import Budget
from lamella_viewer.live.lane import Lane, Request
from lamella_viewer.live.memo import ResultMemo
from lamella_viewer.live.messages import Ask
from lamella_viewer.live.preview import Preview, binned
from lamella_viewer.live.stages import Stages

NAV, SIG = (128, 96), (16, 12)
RING = {"cx": 5, "cy": 7, "ri": 2, "ro": 5}
DISK = {"kind": "disk", "cy": 60, "cx": 40, "r": 30}


@pytest.fixture(scope="module")
def dataset() -> DataSet:
    rng = np.random.default_rng(5)
    frames = rng.poisson(3 + 20 * rng.random((*NAV, 1, 1)), (*NAV, *SIG)).astype("u1")
    return lamella.open(frames, nav_shape=NAV)


@pytest.fixture(scope="module")
def context() -> Iterator[Context]:
    with Context() as made:
        yield made


class Page:
    """A page that draws at once, and remembers what it got."""

    def __init__(self, scan: Scan) -> None:
        self.frames: list[tuple[dict[str, Any], Any, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self.talk = scan.connect(self.take)
        self.asked = 0

    def take(self, data: bytes | str) -> None:
        if isinstance(data, bytes):
            self.frames.append(decode_frame(data))
            self.talk.receive(json.dumps({"type": "ack", "bytes": len(data)}))
        else:
            self.messages.append(json.loads(data))

    def ask(self, analysis: str, lane: str = "scan", **fields: Any) -> int:
        self.asked += 1
        self.say("ask", lane=lane, id=self.asked, analysis=analysis, **{"live": False, **fields})
        return self.asked

    def say(self, kind: str, **fields: Any) -> None:
        self.talk.receive(json.dumps({"type": kind, **fields}))

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < end, (self.messages[-3:], [frame[0]["stage"] for frame in self.frames])
            time.sleep(0.002)

    def exact(self, number: int) -> tuple[dict[str, Any], Any, Any]:
        """Wait for the exact picture of a request."""

        def found() -> list[tuple[dict[str, Any], Any, Any]]:
            return [one for one in self.frames if one[0]["id"] == number and one[0]["stage"] == "exact"]

        self.until(lambda: bool(found()))
        return found()[0]

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def states(self, number: int) -> list[str]:
        return [one["state"] for one in self.told("state") if one["id"] == number]


@pytest.fixture
def scan(dataset: DataSet, context: Context) -> Iterator[Scan]:
    made = Scan(dataset, context, preview=False, rest=0.02)
    yield made
    made.close()


@pytest.fixture
def page(scan: Scan) -> Page:
    return Page(scan)


@pytest.mark.parametrize(
    ("analysis", "parameters", "region"),
    [
        ("sumsig", {}, None),
        ("ring", RING, None),
        ("ring", RING, DISK),
        ("com", {"cx": 6, "cy": 8, "mask_radius": 5}, None),
        ("sum", {}, DISK),
        ("std", {}, None),
        ("pick", {"y": 3, "x": 5}, None),
    ],
)
def test_exact_pictures_are_what_python_gives(
    page: Page, scan: Scan, context: Context, analysis: str, parameters: Any, region: Any
) -> None:
    header, pixels, _ = page.exact(page.ask(analysis, parameters=parameters, region=region))
    made = make_analysis(analysis, scan.dataset, **parameters)
    mask: Any = made.roi if made.roi is not None else region_mask(region, NAV)
    wanted = made.results(context.run_udf(scan.dataset, made.udf(), mask))[0].raw_data
    parts = [np.asarray(part) for part in (wanted[::-1] if isinstance(wanted, tuple) else (wanted,))]
    np.testing.assert_array_equal(pixels, np.squeeze(np.stack(parts)) if len(parts) > 1 else parts[0])
    assert header["done"] == 1
    assert header["frames"] == (1 if analysis == "pick" else NAV[0] * NAV[1] if mask is None else mask.sum())
    again = scan.exact(analysis, parameters, region)[0].raw_data
    np.testing.assert_array_equal(np.asarray(again), np.asarray(wanted))


def test_a_coarse_picture_comes_first_and_keeps_its_colours(page: Page) -> None:
    number = page.ask("ring", parameters=RING, live=True)
    header, exact, _ = page.exact(number)
    first, coarse, _ = page.frames[0]
    assert first["stage"] == "coarse"
    step = first["step"]
    np.testing.assert_array_equal(coarse, exact[:: step[0], :: step[1]])
    assert min(coarse.shape) >= 32
    assert (first["label"], first["frames"], first["size"]) == (f"1/{step[0] * step[1]}", coarse.size, list(NAV))
    assert all(one["range"] == first["range"] for one, _, _ in page.frames)
    assert "step" not in header
    page.until(lambda: "exact" in page.states(number))
    assert page.states(number)[:2] == ["rest", "refining"]
    assert page.told("progress")[-1]["done"] == 1


def test_the_same_question_again_is_answered_from_memory(page: Page) -> None:
    page.exact(page.ask("ring", parameters=RING))
    number = page.ask("ring", parameters=RING)
    page.until(lambda: page.frames[-1][0]["id"] == number)
    assert [one["stage"] for one, _, _ in page.frames if one["id"] == number] == ["exact"]


class Gated(Stages):
    """Stages whose first pictures wait for the test."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.begun, self.gate = threading.Event(), threading.Event()

    def first(self, request: Request) -> Picture:
        self.begun.set()
        self.gate.wait(10)
        return super().first(request)


def test_the_newest_request_wins_and_one_that_has_begun_delivers(page: Page, scan: Scan, context: Context) -> None:
    gated = Gated(scan.dataset, context, Budget(), scan.memo)
    scan.stages = gated
    began = page.ask("ring", parameters=RING)
    assert gated.begun.wait(5)
    newest = [page.ask("ring", parameters={**RING, "cx": cx}) for cx in (3, 4, 6)][-1]
    other = page.ask("sumsig", lane="other")
    gated.gate.set()
    page.exact(newest)
    page.exact(other)
    assert {one["id"] for one, _, _ in page.frames} == {began, newest, other}
    page.say("ask", lane="scan", id=began, analysis="sumsig")
    page.until(lambda: page.states(began)[-1] == "refused")


def test_a_lane_takes_only_what_is_newer() -> None:
    lane = Lane("scan", None)  # type: ignore[arg-type]
    requests = [Request(Ask("scan", number, "ring"), float(number)) for number in range(4)]
    assert [lane.ask(requests[i]) for i in (1, 0, 2, 2, 3)] == [True, False, True, False, True]
    assert lane.waits_since == 1  # so a lane that is asked often waits no longer than others
    assert lane.begin() is requests[3]
    assert lane.waiting is None


def test_several_lanes_share_a_pass(page: Page, scan: Scan) -> None:
    numbers = [page.ask("ring", lane=f"lane {i}", parameters={**RING, "cx": i}) for i in range(4)]
    for i, number in enumerate(numbers):
        header, pixels, _ = page.exact(number)
        assert header["lane"] == f"lane {i}"
        np.testing.assert_array_equal(pixels, scan.exact("ring", {**RING, "cx": i})[0].raw_data)


def test_a_stopped_lane_is_refined_no_further(dataset: DataSet, context: Context) -> None:
    scan = Scan(dataset, context, preview=False, rest=0.3)
    page = Page(scan)
    number = page.ask("ring", parameters=RING, live=True)
    page.until(lambda: bool(page.frames))
    page.say("stop", lane="scan")
    time.sleep(0.5)
    assert page.states(number)[-1] == "stopped"
    assert [one["stage"] for one, _, _ in page.frames] == ["coarse"]
    scan.close()


class Absent(Page):
    """A page that draws nothing until somebody comes back."""

    def __init__(self, scan: Scan) -> None:
        self.undrawn: list[int] = []
        self.there = False
        super().__init__(scan)

    def take(self, data: bytes | str) -> None:
        if isinstance(data, bytes) and not self.there:
            self.undrawn.append(len(data))
            self.frames.append(decode_frame(data))
        else:
            super().take(data)

    def come_back(self) -> None:
        self.there = True
        for size in self.undrawn:
            self.say("ack", bytes=size)


class Watched(InlineExecutor):
    """Counts what is computed, and waits for the test after two pieces."""

    workers = 8
    calls_small = False

    def __init__(self) -> None:
        self.begun = self.done = self.all = 0
        self.gate = threading.Event()

    def run(self, job: Any, shared: Any, items: Sequence[Any], **how: Any) -> Generator[Any]:
        self.begun += 1
        self.all = len(items)
        for result in super().run(job, shared, items, **how):
            self.done += 1
            yield result
            if self.done == 2:
                self.gate.wait(10)


@pytest.fixture
def silent(dataset: DataSet, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Scan, Watched, Absent, int]]:
    """A run for a page whose cable was pulled: nobody draws what is sent, and no end of the connection is told."""
    monkeypatch.setattr("lamella_viewer.live.passes._BETWEEN", 0.0)
    monkeypatch.setattr("lamella_viewer.live.outbox._PATIENCE", 0.02)
    executor = Watched()
    with Context(executor) as context:
        scan = Scan(dataset, context, preview=False, rest=0.0)
        page = Absent(scan)
        number = page.ask("ring", parameters=RING)
        page.until(lambda: executor.done == 2 and page.talk.silent)
        assert executor.all > 4
        yield scan, executor, page, number
        executor.gate.set()
        scan.close()


def test_a_run_whose_pictures_nobody_draws_waits_until_somebody_does(
    silent: tuple[Scan, Watched, Absent, int],
) -> None:
    scan, executor, page, number = silent
    executor.gate.set()
    time.sleep(0.1)
    assert executor.done <= 3 < executor.all  # the piece that was computed is the last one
    page.come_back()
    _, pixels, _ = page.exact(number)
    np.testing.assert_array_equal(pixels, scan.exact("ring", RING)[0].raw_data)
    assert (executor.begun, executor.done) == (1, executor.all)  # nothing was computed twice


def test_a_page_that_is_silent_keeps_no_other_page_from_its_results(silent: tuple[Scan, Watched, Absent, int]) -> None:
    scan, executor, page, number = silent
    executor.gate.set()
    other = Page(scan)
    other.exact(other.ask("ring", parameters={**RING, "cx": 4}))
    assert page.talk.silent
    assert [one["id"] for one, _, _ in page.frames if one["stage"] == "exact"] == []
    page.come_back()
    page.exact(number)
    assert executor.begun == 3


def test_a_silent_page_that_leaves_ends_its_run(silent: tuple[Scan, Watched, Absent, int]) -> None:
    scan, executor, page, _ = silent
    executor.gate.set()
    page.talk.close()
    other = Page(scan)
    other.exact(other.ask("sumsig"))
    assert executor.done < 2 * executor.all
    assert scan.turns.talks == [other.talk]


class Endless:
    """A preview that is never complete."""

    finest, wanted = None, True

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    def make(self, before_each: Callable[[], bool]) -> bool:
        self.begun.set()
        while before_each():
            time.sleep(0.001)
        self.ended.set()
        return False


@pytest.mark.parametrize("how", ["leaves", "is silent"])
def test_no_preview_is_made_once_the_last_page(scan: Scan, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr("lamella_viewer.live.outbox._PATIENCE", 0.05)
    preview = Endless()
    scan.preview = preview  # type: ignore[assignment]
    page = Absent(scan)
    page.there = how == "leaves"
    page.ask("ring", parameters=RING)
    page.until(preview.begun.is_set)
    if how == "leaves":
        page.talk.close()
    page.until(preview.ended.is_set)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"analysis": "ring", "parameters": {"cx": "far", "cy": 1, "ri": 1, "ro": 2}}, "cx"),
        ({"analysis": "ring", "parameters": {"colour": 1}}, None),
        ({"analysis": "sumsig", "region": {"kind": "point", "y": -9, "x": 0}}, "region"),
        ({"analysis": "sumsig", "channel": "loud"}, "channel"),
        ({"analysis": "sumsig", "id": -1}, "id"),
        ({"analysis": "nothing"}, None),
    ],
)
def test_what_is_wrong_is_told_to_the_page_and_it_goes_on(page: Page, fields: Any, field: str | None) -> None:
    page.say("ask", lane="scan", **{"id": 1, "live": False, **fields})
    page.until(lambda: bool(page.told("problem")))
    problem = page.told("problem")[0]
    assert problem["lane"] == "scan"
    assert problem["problems"][0]["field"] == field
    page.asked = 1
    page.exact(page.ask("sumsig"))


def test_errors_of_the_engine_are_sentences_that_the_server_chooses(dataset: DataSet, context: Context) -> None:
    scan = Scan(dataset, context, preview=False, told=lambda error: f"<{type(error).__name__}>")
    page = Page(scan)
    page.ask("nothing")
    page.until(lambda: bool(page.told("problem")))
    assert page.told("problem")[0]["problems"] == [{"field": None, "text": "<PluginError>"}]
    scan.close()


def test_a_page_has_few_lanes(page: Page) -> None:
    for i in range(MAX_LANES + 1):
        page.ask("pick", lane=str(i), parameters={"y": 1, "x": i})
    page.until(lambda: bool(page.told("problem")))
    assert page.told("problem")[0]["lane"] == str(MAX_LANES)
    page.say("view", lane="unknown", box=[0, 0, 1, 1], size=[1, 1])
    page.until(lambda: len(page.told("problem")) == 2)


def test_a_page_gets_the_part_that_it_looks_at(page: Page) -> None:
    _, whole, _ = page.exact(page.ask("sumsig"))
    count = len(page.frames)
    page.say("view", lane="scan", box=[10, 20, 30, 60], size=[10, 40])
    page.until(lambda: len(page.frames) > count)
    header, pixels, _ = page.frames[-1]
    assert header["box"] == [10, 20, 30, 60]
    np.testing.assert_allclose(pixels, whole[10:30, 20:60].reshape(10, 2, 40).mean(axis=1), rtol=1e-6)


def test_a_scan_that_grows_shows_the_new_frames_and_keeps_no_old_result(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = np.random.default_rng(7).integers(0, 99, (40 * 32, 8, 8), dtype="u1")
    path = tmp_path / "growing.raw"
    frames[:700].tofile(path)
    with warnings.catch_warnings(action="ignore"):
        before = lamella.open(path, "raw", dtype="u1", nav_shape=(40, 32), sig_shape=(8, 8))
    scan = Scan(before, context, rest=0.02)
    page = Page(scan)
    page.exact(page.ask("sum"))
    with path.open("ab") as file:
        frames[700:].tofile(file)
    now = before.refresh()
    put = scan.memo.put

    def grow_first(key: str, results: Any) -> None:  # the data grow while a result is computed
        if scan.dataset is before:
            scan.grow(now)
        put(key, results)

    monkeypatch.setattr(scan.memo, "put", grow_first)
    page.exact(page.ask("sumsig"))
    header, pixels, _ = page.exact(page.ask("sumsig"))
    np.testing.assert_array_equal(pixels.reshape(-1), frames.sum(axis=(1, 2)))
    assert header["frames"] == 1280
    _, pixels, _ = page.exact(page.ask("sum"))
    np.testing.assert_array_equal(pixels, frames.sum(axis=0))
    with pytest.raises(ValueError, match="expected a scan of shape"):
        scan.grow(lamella.open(frames.reshape(32, 40, 8, 8), nav_shape=(32, 40)))
    scan.close()


@pytest.mark.parametrize("requests", [40, pytest.param(250, marks=pytest.mark.slow)])
def test_many_requests_leave_no_more_behind_than_few(page: Page, scan: Scan, requests: int) -> None:
    scan.memo = scan.stages.memo = ResultMemo(1 << 16)

    def held() -> tuple[int, int]:
        """Give the number of objects, and the size of all that Python and NumPy hold [bytes]."""
        for _ in range(requests):
            number = page.asked + 1
            if number % 10:
                page.exact(page.ask("pick", "detector", parameters={"y": number % NAV[0], "x": number % NAV[1]}))
            else:
                page.exact(page.ask("ring", parameters={**RING, "cx": 4 + 1e-3 * number}))
            page.frames.clear()
            page.messages.clear()
        gc.collect()
        return len(gc.get_objects()), tracemalloc.get_traced_memory()[0]

    if requests > 100:  # it makes everything slow
        tracemalloc.start()
    try:
        counts = [held() for _ in range(4)]
    finally:
        tracemalloc.stop()
    objects, nbytes = (min(np.diff(one)) for one in zip(*counts, strict=True))
    assert objects < 40  # modules are imported late, once
    assert nbytes < 50_000


def test_nothing_is_left_after_the_end(dataset: DataSet, context: Context) -> None:
    before = set(threading.enumerate())
    scan = Scan(dataset, context)
    pages = [Page(scan) for _ in range(3)]
    for page in pages:
        page.ask("com", parameters={"cx": 6, "cy": 8, "mask_radius": 5})
    pages[0].talk.close()
    silent = len(pages[0].messages), len(pages[0].frames)
    pages[1].exact(1)
    assert (len(pages[0].messages), len(pages[0].frames)) == silent
    scan.close()
    left = [one.name for one in set(threading.enumerate()) - before if one.name.startswith("lamella")]
    deadline = time.monotonic() + 5
    while left and time.monotonic() < deadline:
        time.sleep(0.01)
        left = [one.name for one in set(threading.enumerate()) - before if one.name.startswith("lamella")]
    assert left == []
    pages[2].ask("sumsig")  # to nobody; no error


def test_exact_refuses_what_is_wrong(scan: Scan) -> None:
    with pytest.raises(ParameterError, match="no scan position"):
        scan.exact("sumsig", {}, {"kind": "point", "y": 999, "x": 0})
    with pytest.raises(LamellaError):
        scan.exact("nothing", {})
    seen: list[tuple[int, int]] = []
    scan.exact("sumsig", {}, DISK, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == region_mask(DISK, NAV).sum()  # type: ignore[union-attr]


def test_gaps_of_a_partial_picture_show_the_first_one(scan: Scan, context: Context) -> None:
    request = Request(Ask("scan", 1, "ring", RING), 0.0)
    request.first = scan.stages.first(request)
    assert request.analysis is not None
    exact = scan.exact("ring", RING)[0].raw_data
    damage = np.zeros(NAV, dtype=np.bool_)
    damage[:40] = True
    result = context.run_udf(scan.dataset, request.analysis.udf(), damage)
    picture = scan.stages.pictures.partial(request, result, damage, time.perf_counter())
    np.testing.assert_array_equal(picture.pixels[:40], exact[:40])
    n, m = request.first_step
    np.testing.assert_array_equal(picture.pixels[40:], exact[::n, ::m].repeat(n, 0).repeat(m, 1)[40 : NAV[0], : NAV[1]])
    assert (picture.facts["stage"], picture.facts["label"]) == ("partial", "31 %")
    assert picture.facts["range"] == request.first.facts["range"]


def test_a_preview_is_the_scan_with_a_binned_detector(context: Context) -> None:
    rng = np.random.default_rng(2)
    frames = rng.integers(0, 255, (80, 70, 33, 34), dtype="u1")
    dataset = lamella.open(frames, nav_shape=(80, 70))
    preview = Preview(dataset, most_nbytes=80 * 70 * 64 * 2)
    assert preview.bins == (4, 4)
    assert preview.wanted
    assert not preview.make(lambda: False)
    while preview.wanted:
        assert preview.make(lambda: True)
    assert preview.finest == (1, 1)
    direct = frames[..., :32, :32].reshape(80, 70, 8, 4, 8, 4).sum(axis=(3, 5), dtype="u2")
    np.testing.assert_array_equal(preview.at((2, 4))[...], direct[::2, ::4])
    analysis = make_analysis("disk", dataset, cx=15.5, cy=15.5, r=9)
    udf = preview.udf(analysis)
    assert udf is not None
    got = context.run_udf(preview.at((1, 1)), udf)
    first = np.asarray(next(iter(got.values())).data).reshape(80, 70)
    exact = np.asarray(context.run(analysis).intensity.raw_data)
    np.testing.assert_allclose(first, exact, rtol=0.1)
    assert preview.udf(make_analysis("std", dataset)) is None
    budget = Budget()
    stages = Stages(dataset, context, budget, ResultMemo(), preview)
    budget.record("disk", 1e6, 10.0)  # the file is slow, memory is fast
    budget.record(("preview", "disk"), 1e4, 1e-6)
    request = Request(Ask("scan", 1, "disk", {"cx": 15.5, "cy": 15.5, "r": 9}), 0.0)
    picture = stages.first(request)
    assert picture.facts["stage"] == "preview"
    np.testing.assert_allclose(picture.pixels, exact, rtol=0.1)


def test_a_preview_reads_a_coarse_grid_first_and_every_position_once() -> None:
    rng = np.random.default_rng(4)
    frames = rng.integers(0, 255, (2, 70, 131, 32, 32), dtype="u1")
    dataset = lamella.open(frames, nav_shape=(2, 70, 131))
    preview = Preview(dataset, most_nbytes=3 << 20)
    direct = binned(frames.reshape(-1, 32, 32), (4, 4), np.dtype("u2")).reshape(2, 70, 131, 8, 8)
    grids = []
    while preview.wanted:
        before_each = Mock(return_value=True)
        assert preview.make(before_each)
        assert preview.finest is not None
        grids.append((preview.finest, before_each.call_count))
        every = tuple(slice(None, None, step) for step in preview.finest)
        np.testing.assert_array_equal(preview.at(preview.finest)[...], direct[every])
    assert grids == [((1, 2, 4), 70), ((1, 2, 2), 70), ((1, 1, 1), 140)]


def test_a_preview_of_a_large_scan_stays_coarse() -> None:
    frames = np.random.default_rng(4).integers(0, 255, (128, 128, 32, 32), dtype="u1")
    preview = Preview(lamella.open(frames, nav_shape=(128, 128)), 1 << 20, frames.nbytes // 4)
    while preview.wanted:
        assert preview.make(lambda: True)
    assert preview.finest == (2, 2)
    direct = binned(frames[::2, ::2].reshape(-1, 32, 32), (4, 4), np.dtype("u2")).reshape(64, 64, 8, 8)
    np.testing.assert_array_equal(preview.at((2, 2))[...], direct)
    np.testing.assert_array_equal(preview.at((4, 4))[...], direct[::2, ::2])


def test_first_pictures_come_from_the_preview_before_exact_ones(context: Context) -> None:
    frames = np.random.default_rng(4).integers(0, 255, (128, 128, 32, 32), dtype="u1")
    dataset = lamella.open(frames, nav_shape=(128, 128))
    scan = Scan(dataset, context, rest=0.02)
    scan.preview = scan.stages.preview = Preview(dataset, 3 << 20)
    scan.stages.budget = Budget(1e-6)  # nothing but the coarsest grid fits
    page = Page(scan)
    page.exact(page.ask("ring", parameters=RING))
    assert scan.preview is not None
    assert scan.preview.finest == (4, 4)
    header = page.exact(page.ask("ring", parameters={**RING, "cx": 6}))[0]
    stages = [one["stage"] for one, _, _ in page.frames if one["id"] == header["id"]]
    assert stages[0] == "preview"
    scan.close()


def test_bins_hold_sums_of_their_pixels() -> None:
    frames = np.random.default_rng(1).random((3, 9, 10)).astype("f4")
    direct = frames[:, :8, :9].reshape(3, 4, 2, 3, 3).sum(axis=(2, 4))
    np.testing.assert_allclose(binned(frames, (2, 3), np.dtype("f4")), direct, rtol=1e-6)
