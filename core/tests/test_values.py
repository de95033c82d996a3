"""Values of headers become what metadata can hold, whatever they are."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest
from hypothesis import given, strategies as st

from lamella.reader.values import day_time, json_value, number, text_time, unix_time, xml_value

RECORD = np.dtype([("place", [("x", "<i2"), ("y", "<i2")]), ("names", "S4", (2,)), ("rest", "V2"), ("step", "<f8")])


@given(st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.binary(), st.booleans()))
def test_nothing_breaks_them(value: Any) -> None:
    found = number(value)
    assert found is None or np.isfinite(found)
    for time in (unix_time(value), day_time(value), text_time(value if isinstance(value, str) else None)):
        assert time is None or len(time) >= 10
    json.dumps(json_value([value, {"a": value}]), allow_nan=False)


def test_numbers_are_read_from_text_of_any_kind() -> None:
    assert [number(one) for one in ("3", " -2e3\n", "1,5", "", "inf")] == [3.0, -2000.0, None, None, None]
    assert number(np.float32(0.25)) == 0.25
    assert number(np.uint16(7)) == 7.0
    assert number(np.nan) is None
    assert number(10**400) is None


def test_times_keep_what_is_known_of_their_zone() -> None:
    assert unix_time(1e9) == "2001-09-09T01:46:40+00:00"
    assert unix_time(1e9, None) == "2001-09-09T01:46:40"
    assert unix_time(1e9, timezone(timedelta(hours=2))) == "2001-09-09T01:46:40+02:00"
    assert unix_time(-1) is None
    assert unix_time(1e300) is None
    assert day_time(45000.25) == "2023-03-15T06:00:00"
    assert day_time(1e12) is None


def test_written_times_follow_the_first_form_that_fits() -> None:
    assert text_time("2016-02-21T17:53:06") == "2016-02-21T17:53:06"
    assert text_time("21.02.2016", "%m.%d.%Y", "%d.%m.%Y") == "2016-02-21T00:00:00"
    assert text_time("Mon Feb 31 17:53:06 2016") is None
    assert text_time(None) is None


def test_a_record_becomes_json_with_all_its_fields() -> None:
    record = np.array(((1, -2), (b"ab", b"c\xe5"), b"\x01\xff", np.inf), RECORD)[()]
    expected = {"place": {"x": 1, "y": -2}, "names": ["ab", "cå"], "rest": "01ff", "step": "inf"}
    assert json_value(record) == expected
    assert json_value(np.array([record], RECORD)) == [expected]


def test_values_of_other_types_become_json() -> None:
    assert json_value({1: np.arange(2, dtype=">u2"), "a": None}) == {"1": [0, 1], "a": None}
    assert json_value([np.bool_(True), "text", 1 + 2j]) == [True, "text", "(1+2j)"]
    assert json_value("µ".encode()) == "µ"


def test_xml_becomes_json_with_attributes_and_lists() -> None:
    root = fromstring("<a b='1'>text<c/><d>x</d><d e='2'>y</d></a>")
    assert xml_value(root) == {"@b": "1", "c": "", "d": ["x", {"@e": "2", "#text": "y"}], "#text": "text"}


def test_xml_without_end_is_cut_off() -> None:
    root = inner = Element("a")
    for _ in range(5000):
        inner.append(Element("a"))
        inner = inner[0]
    assert len(json.dumps(xml_value(root))) < 200


@pytest.mark.parametrize("text", ["99 99", "Feb", "0", "24:00", "Sun Feb 21"])
def test_fragments_are_no_time(text: str) -> None:
    assert text_time(text) is None
