"""Channels of results as pictures: which kind, which numbers, and what is told about them."""

from typing import Any

import numpy as np
import pytest

from lamella.analysis import AnalysisResult
from lamella.errors import ParameterError
from lamella.plot import choose_scale
from lamella.reader import Axis
from lamella_viewer.live import decode_frame
from lamella_viewer.live.pictures import Picture, cut, make_picture

AXES = (Axis("y", 2.0, 0.0, "nm"), Axis("x", 0.5, 10.0, "nm"))
FACTS = {"stage": "exact", "id": 1}
RNG = np.random.default_rng(4)


def made(data: Any, **more: Any) -> Picture:
    channel = AnalysisResult(key="one", title="One", desc="One thing", unit="px", raw_data=data)
    return make_picture(channel, FACTS, more.pop("axes", AXES), **more)


def test_an_image_tells_its_range_and_histogram() -> None:
    data = RNG.normal(50, 10, (30, 40))
    data[3, 4] = np.nan
    picture = made(data)
    facts = picture.facts
    np.testing.assert_array_equal(picture.pixels, data)
    assert (facts["kind"], facts["size"], facts["box"]) == ("image", [30, 40], [0, 0, 30, 40])
    assert facts["unit"] == "px"
    assert facts["axes"] == [
        {"name": "y", "scale": 2.0, "offset": 0.0, "unit": "nm"},
        {"name": "x", "scale": 0.5, "offset": 10.0, "unit": "nm"},
    ]
    assert facts["extremes"] == [np.nanmin(data), np.nanmax(data)]
    assert facts["percentiles"] == list(choose_scale(data, "linear")[1])
    assert sum(facts["histogram"]["counts"]) == data.size - 1
    header, pixels, _ = decode_frame(picture.encode())
    assert header["title"] == "One"
    np.testing.assert_array_equal(pixels, data)


def test_vectors_are_fields_with_y_first() -> None:
    x, y = RNG.random((2, 5, 6))
    picture = made((x, y))
    assert picture.facts["kind"] == "field"
    np.testing.assert_allclose(picture.pixels, [y, x])
    assert picture.facts["extremes"][1] == pytest.approx(np.hypot(x, y).max())


def test_curves_and_single_numbers() -> None:
    curve = made(np.arange(9.0), axes=AXES[1:])
    assert (curve.facts["kind"], curve.facts["size"], curve.facts["histogram"]) == ("curve", [9], None)
    assert curve.facts["axes"][0]["offset"] == 10.0
    number = made(np.array(4.5))
    assert (number.facts["kind"], number.pixels.shape, float(number.pixels)) == ("number", (), 4.5)
    assert number.facts["unit"] == curve.facts["unit"] == "px"
    assert not made(np.full((2, 2), np.nan)).shows_something


def test_of_more_axes_one_picture_is_chosen() -> None:
    data = RNG.random((3, 4, 5, 6))
    np.testing.assert_array_equal(made(data).pixels, data[0, 0])
    np.testing.assert_array_equal(made(data, where=(2, 1)).pixels, data[2, 1])
    for where in ((3,), (0, 4), (-1,)):
        with pytest.raises(ParameterError) as caught:
            made(data, where=where)
        assert caught.value.problems[0].field == "slice"


@pytest.mark.parametrize("code", ["?", "f2", "u8", "i8", ">u2", "u1", "f4"])
def test_every_type_can_be_sent(code: str) -> None:
    data = (RNG.random((4, 5)) * 2).astype(code)
    _, pixels, _ = decode_frame(made(data).encode())
    np.testing.assert_array_equal(pixels, data.astype("f8"))


def test_what_is_not_known_is_nan_or_a_bit() -> None:
    valid = RNG.random((6, 7)) < 0.5
    _, pixels, known = decode_frame(made(np.ones((6, 7)), valid=valid).encode())
    assert known is None
    np.testing.assert_array_equal(np.isfinite(pixels), valid)
    whole = np.arange(42, dtype="u2").reshape(6, 7)
    picture = made(whole, valid=valid)
    _, pixels, known = decode_frame(picture.encode())
    np.testing.assert_array_equal(known, valid)
    assert picture.facts["extremes"] == [whole[valid].min(), whole[valid].max()]


def test_later_stages_keep_range_and_scale() -> None:
    first = made(np.arange(12.0).reshape(3, 4))
    later = made(np.arange(12.0).reshape(3, 4) * 9, kept=first.kept)
    assert (later.facts["range"], later.facts["scale"]) == (first.facts["range"], first.facts["scale"])
    assert later.facts["extremes"] == [0, 99]


def test_a_part_has_means_over_blocks_and_says_where_it_is() -> None:
    data, valid = RNG.integers(0, 200, (20, 30), dtype="u2"), np.ones((20, 30), dtype=np.bool_)
    valid[4, 5] = False
    part = cut(made(data, valid=valid), (2, 3, 13, 24), (4, 100))
    assert part.facts["box"] == [2, 3, 11, 24]
    np.testing.assert_allclose(part.pixels, data[2:11, 3:24].reshape(3, 3, 21).mean(axis=1), rtol=1e-6)
    assert part.valid is not None
    assert np.argwhere(~part.valid).tolist() == [[0, 2]]
    whole = made(data)
    assert cut(whole, (50, 50, 60, 60), (4, 4)) is whole
    np.testing.assert_array_equal(cut(whole, (-5, 0, 999, 999), (999, 999)).pixels, data)
