"""Binary frames, there and back, and what is refused."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as npst

from lamella_viewer.live import decode_frame, encode_frame
from lamella_viewer.live.frames import DTYPES, quantised

SHAPES = {
    "image": npst.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=9),
    "field": npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9).map(lambda shape: (2, *shape)),
    "rgba": npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9).map(lambda shape: (*shape, 4)),
    "curve": npst.array_shapes(min_dims=1, max_dims=2, min_side=1, max_side=9),
    "number": st.just(()),
}
KNOWN = {"curve": slice(-1, None), "rgba": slice(0, 2)}


@given(st.data(), st.sampled_from(sorted(SHAPES)), st.sampled_from(DTYPES), st.booleans(), st.booleans())
def test_frames_there_and_back(data: st.DataObject, kind: str, code: str, deflate: bool, partly: bool) -> None:
    shape = data.draw(SHAPES[kind])
    pixels = data.draw(npst.arrays(code, shape))
    header: dict[str, Any] = {
        "kind": kind,
        "title": data.draw(st.text()),
        "range": data.draw(st.lists(st.floats(), max_size=2)),
    }
    known = shape[KNOWN.get(kind, slice(-2, None))]
    valid = data.draw(npst.arrays(np.bool_, known)) if partly and shape else None
    frame = encode_frame(header, pixels, valid, deflate=deflate)
    told, numbers, seen = decode_frame(frame)
    np.testing.assert_array_equal(numbers, pixels)
    assert numbers.dtype == np.dtype(code)
    assert (seen is None) == (valid is None)
    if valid is not None:
        np.testing.assert_array_equal(seen, valid)
    assert told["title"] == header["title"]
    assert told["range"] == [value if np.isfinite(value) else None for value in header["range"]]
    length = int.from_bytes(frame[:4], "little")
    assert (4 + length) % 8 == 0, "pixels lie where a browser can view them in place"
    assert json.loads(frame[4 : 4 + length])["kind"] == kind


@given(st.data(), st.booleans())
def test_what_is_no_frame_is_a_value_error(data: st.DataObject, deflate: bool) -> None:
    pixels = np.arange(20, dtype="f4").reshape(4, 5)
    frame = bytearray(encode_frame({"kind": "image"}, pixels, pixels > 3, deflate=deflate))
    for _ in range(data.draw(st.integers(0, 3))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(frame[: data.draw(st.integers(0, len(frame)))])
    try:
        _, numbers, _ = decode_frame(cut)
    except ValueError:
        return
    assert numbers.nbytes <= 1 << 20


def test_a_header_may_not_announce_what_the_frame_does_not_hold() -> None:
    frame = encode_frame({"kind": "image"}, np.zeros((4, 4), dtype="f4"))
    for shape, reason in [
        (b"[4,9]", "buffer is smaller"),
        (b"[444]", "buffer is smaller"),
        (b"[-4,]", "Illegal trailing comma|Expecting value"),
        (b'"4,4"', "list of sizes"),
        (b"[4e9]", "list of sizes"),
    ]:
        with pytest.raises(ValueError, match=reason):
            decode_frame(frame.replace(b"[4,4]", shape.ljust(5)))
    with pytest.raises(ValueError, match="one of the types"):
        encode_frame({"kind": "image"}, np.zeros((2, 2), dtype=np.complex64))


@given(npst.arrays(np.float64, (4, 5), elements=st.floats(-1e9, 1e9) | st.sampled_from([np.nan, np.inf])))
def test_small_integers_give_the_numbers_back_within_a_step(pixels: np.ndarray) -> None:
    for code in ("u1", "u2"):
        whole, how, known = quantised(pixels, code)
        assert how is not None
        assert whole.dtype == code
        finite = np.isfinite(pixels)
        if known is None:
            assert finite.all()
        else:
            np.testing.assert_array_equal(known, finite)
        back = how["offset"] + how["step"] * whole
        assert np.abs(back - pixels)[finite].max(initial=0) <= how["step"]


def test_small_integers_stay_what_they_are() -> None:
    pixels = np.arange(6, dtype="u1").reshape(2, 3)
    assert quantised(pixels, "u2") == (pixels, None, None) or quantised(pixels, "u2")[0] is pixels
