"""What is sent to a page, and when: the newest picture of each lane, and no more than the page draws."""

import time
from typing import Any

import numpy as np
import pytest

from lamella_viewer.live import Picture, decode_frame
from lamella_viewer.live.outbox import Outbox


def picture(number: int, stage: str = "coarse", pixels: Any = None) -> Picture:
    shown = np.full((4, 4), number, dtype="f4") if pixels is None else pixels
    return Picture({"kind": "image", "id": number, "stage": stage}, shown)


class Page:
    """Receives frames, and draws none before it is told to."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.outbox = Outbox(self.frames.append)
        self.outbox.start()

    def ids(self, count: int) -> list[int]:
        until = time.monotonic() + 5
        while len(self.frames) < count and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(0.02)  # whether more are sent
        return [decode_frame(frame)[0]["id"] for frame in self.frames]


@pytest.fixture
def page() -> Any:
    made = Page()
    yield made
    made.outbox.close()


def test_a_page_that_never_acknowledges_gets_two_frames(page: Page) -> None:
    page.outbox.put("scan", picture(1))
    page.ids(1)
    page.outbox.put("scan", picture(2))
    page.ids(2)
    for number in range(3, 127):
        page.outbox.put("scan", picture(number))
    assert page.ids(2) == [1, 2]
    assert page.outbox.replaced == 123
    assert not page.outbox.ack(1)  # no such frame is on the way
    assert page.outbox.ack(len(page.frames[0]))
    assert page.ids(3) == [1, 2, 126]


def test_lanes_take_turns() -> None:
    sent: list[bytes] = []
    outbox = Outbox(sent.append)
    for lane, number in [("a", 1), ("b", 2), ("a", 3), ("c", 4)]:
        outbox.put(lane, picture(number))
    taken = []
    while (one := outbox.take()) is not None:
        taken.append(one.facts["id"])
    assert taken == [3, 2, 4]
    outbox.put("a", picture(5))
    outbox.drop("a")
    assert outbox.take() is None


def test_slow_links_get_smaller_frames_until_they_are_fast_again() -> None:
    now = [0.0]
    sent: list[bytes] = []
    outbox = Outbox(sent.append, clock=lambda: now[0])
    sizes = []
    pixels = np.linspace(0, 1, 64 * 64, dtype="f8").reshape(64, 64)
    for seconds in (0.2, 0.2, 0.2, 0.01, 0.01, 0.01):
        outbox.deliver(picture(1, pixels=pixels))
        header, numbers, _ = decode_frame(sent[-1])
        sizes.append(header["dtype"])
        how = header["quantised"] or {"offset": 0, "step": 1}
        np.testing.assert_allclose(how["offset"] + how["step"] * numbers, pixels, atol=1 / 255)
        now[0] += seconds
        assert outbox.ack(len(sent[-1]))
    assert sizes == ["f4", "u2", "u1", "u1", "u2", "f4"]  # only what is exact comes with all digits
    outbox.slowness = 2
    outbox.deliver(picture(1, "exact", pixels))
    assert decode_frame(sent[-1])[0]["dtype"] == "f8"


def test_a_carrier_that_fails_ends_the_outbox() -> None:
    def send(_: bytes) -> None:
        raise ConnectionError

    outbox = Outbox(send)
    outbox.start()
    outbox.put("scan", picture(1))
    assert outbox._thread is not None
    outbox._thread.join(5)
    assert not outbox._thread.is_alive()


def test_a_page_is_silent_if_a_frame_takes_much_longer_than_the_last() -> None:
    now = [0.0]
    sent: list[bytes] = []
    outbox = Outbox(sent.append, clock=lambda: now[0])
    assert not outbox.silent
    for seconds, silent_after in ((3.0, 0.6), (0.01, 6.1), (0.01, 0.6)):  # a slow link; the first frame is a guess
        outbox.deliver(picture(1))
        now[0] += silent_after - 0.2
        assert not outbox.silent
        now[0] += 0.2
        assert outbox.silent
        now[0] += seconds - silent_after
        assert outbox.ack(len(sent[-1]))
        assert not outbox.silent
