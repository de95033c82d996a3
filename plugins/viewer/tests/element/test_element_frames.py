"""Frames of the Python half as the JavaScript half reads them."""

from typing import Any

import numpy as np
import pytest

from lamella_viewer.live import decode_frame, encode_frame
from lamella_viewer.live.frames import DTYPES, quantised

from .conftest import Shown

pytestmark = pytest.mark.browser

READ = """fetch(`/frames/${value}`).then((answer) => answer.arrayBuffer()).then(decodeFrame).then(
  ({ header, pixels, valid }) =>
    ({ header, kind: pixels.constructor.name, pixels: [...pixels], valid: valid && [...valid] }),
  (error) => `${error.name}: ${error.message}`)"""


@pytest.fixture
def reading(shown: Shown) -> Shown:
    shown.run("import('/static/frames.js').then(({ decodeFrame }) => { window.decodeFrame = decodeFrame; })")
    return shown


def read(shown: Shown, data: bytes) -> Any:
    shown.site.frames["one"] = data
    return shown.run(READ, "one")


def test_all_types_and_kinds_arrive(reading: Shown) -> None:
    rng = np.random.default_rng(3)
    for code in DTYPES:
        pixels = (rng.random((5, 3)) * 100).astype(code)
        valid = rng.random((5, 3)) < 0.5
        got = read(reading, encode_frame({"kind": "image", "title": "ä µ"}, pixels, valid))
        assert got["pixels"] == pixels.reshape(-1).tolist()
        assert got["valid"] == valid.reshape(-1).astype(int).tolist()
        assert got["header"]["title"] == "ä µ"
    for kind, shape, known in [("field", (2, 3, 5), (3, 5)), ("rgba", (3, 5, 4), (3, 5)), ("curve", (2, 9), (9,))]:
        pixels = rng.integers(0, 9, shape).astype("u1")
        valid = rng.random(known) < 0.5
        frame = encode_frame({"kind": kind}, pixels, valid)
        got = read(reading, frame)
        assert got["pixels"] == pixels.reshape(-1).tolist()
        assert got["valid"] == valid.reshape(-1).astype(int).tolist()
        np.testing.assert_array_equal(decode_frame(frame)[2], valid)
    assert read(reading, encode_frame({"kind": "number"}, np.array(2.5)))["pixels"] == [2.5]


def test_frames_for_slow_links_become_numbers_again(reading: Shown) -> None:
    pixels = np.linspace(-3, 7, 30).reshape(5, 6)
    pixels[2, 2] = np.nan
    for code, deflate in (("u2", False), ("u1", True)):
        whole, how, known = quantised(pixels, code)
        assert how is not None
        got = read(reading, encode_frame({"kind": "image", "quantised": how}, whole, known, deflate=deflate))
        assert got["kind"] == "Float32Array"
        assert got["valid"][14] == 0
        finite = np.isfinite(pixels.reshape(-1))
        np.testing.assert_allclose(np.array(got["pixels"])[finite], pixels.reshape(-1)[finite], atol=how["step"])


def test_what_is_no_frame_is_refused_with_a_reason(reading: Shown) -> None:
    good = encode_frame({"kind": "image"}, np.zeros((4, 4), dtype="f4"), np.ones((4, 4), dtype=np.bool_))
    packed = encode_frame({"kind": "image"}, np.zeros((64, 64), dtype="f4"), deflate=True)
    for data, reason in [
        (b"", "at least 8 bytes"),
        (b"\xff" * 64, "does not fit"),
        (good[:-1], "ends within its validity bits"),
        (good[:-20], "do not fit"),
        (good.replace(b'"f4"', b'"q9"'), "unknown type"),
        (good.replace(b'"image"', b'"other"'), "unknown kind"),
        (good.replace(b"[4,4]", b"[4,9]"), "do not fit"),
        (good.replace(b"[4,4]", b"[-4,]"), "not JSON"),
        (good.replace(b"[4,4]", b"[444]"), "cannot have the shape"),
        (packed[:-30], "do not fit"),
        (packed[:-20] + b"\0" * 20, "compressed pixels"),
        (packed.replace(b"[64,64]", b"[64,32]"), "longer than they say"),
        (packed.replace(b"[64,64]", b"[64,96]"), "shorter than they say"),
    ]:
        told = read(reading, data)
        assert isinstance(told, str), reason
        assert told.startswith("FrameError")
        assert reason in told
