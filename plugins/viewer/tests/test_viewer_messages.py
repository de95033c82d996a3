"""Messages of pages: each becomes a value, or an error that names its field."""

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from lamella.errors import ParameterError
from lamella_viewer.live.messages import Ack, Ask, Hello, Stop, View, parse

ASK = {"type": "ask", "lane": "scan", "id": 3, "analysis": "ring"}


def test_messages_become_values() -> None:
    region = {"kind": "disk", "cy": 3, "cx": 4, "r": 2}
    full = {**ASK, "parameters": {"cx": 4}, "region": region, "channel": "intensity", "slice": [1, 0], "live": False}
    assert parse(json.dumps(full)) == Ask("scan", 3, "ring", {"cx": 4}, region, "intensity", (1, 0), False)
    assert parse(json.dumps(ASK)) == Ask("scan", 3, "ring")
    assert parse('{"type": "hello", "version": 1, "pixels": [0, 900], "seen": {"scan": 4}}') == Hello(
        (1, 900), {"scan": 4}
    )
    assert parse('{"type": "stop", "lane": "scan"}') == Stop("scan")
    assert parse('{"type": "ack", "bytes": 12}') == Ack(12)
    assert parse('{"type": "view", "lane": "a", "box": [0, 0, 5, 6], "size": [10, 0]}') == View(
        "a", (0, 0, 5, 6), (10, 1)
    )


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({**ASK, "colour": 1}, "colour"),
        ({**ASK, "lane": ""}, "lane"),
        ({**ASK, "lane": "x" * 41}, "lane"),
        ({**ASK, "id": -1}, "id"),
        ({**ASK, "id": 2**53}, "id"),
        ({**ASK, "id": True}, "id"),
        ({**ASK, "id": 1.0}, "id"),
        ({**ASK, "analysis": 5}, "analysis"),
        ({**ASK, "parameters": []}, "parameters"),
        ({**ASK, "parameters": {str(i): i for i in range(65)}}, "parameters"),
        ({**ASK, "region": {"kind": "disk"}}, "region"),
        ({**ASK, "region": {"kind": "triangle"}}, "region"),
        ({**ASK, "channel": "x" * 101}, "channel"),
        ({**ASK, "slice": [1] * 9}, "slice"),
        ({**ASK, "live": 1}, "live"),
        ({"type": "ask", "lane": "scan"}, "type"),
        ({"type": "shout"}, "type"),
        ({"type": "ack", "bytes": "12"}, "bytes"),
        ({"type": "view", "lane": "a", "box": [5, 0, 5, 6], "size": [1, 1]}, "box"),
        ({"type": "view", "lane": "a", "box": [0, 0, 5, 6], "size": None}, "size"),
        ({"type": "hello", "seen": {"": 1}}, "seen"),
        ({"type": "hello", "seen": {str(i): i for i in range(9)}}, "seen"),
        ([1, 2], "type"),
    ],
    ids=lambda value: json.dumps(value)[:50],
)
def test_what_is_wrong_is_told_by_field(message: Any, field: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse(json.dumps(message))
    assert [problem.field for problem in caught.value.problems] == [field]


@pytest.mark.parametrize("text", ["", "{", "[" * 60000, '"' + "x" * 70000 + '"', '{"type": "ack", "bytes": NaN}'])
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        parse(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


FIELDS = ["lane", "id", "analysis", "parameters", "region", "channel", "slice", "live", "box", "size", "bytes", "seen"]


@settings(max_examples=60)
@given(st.sampled_from(["ask", "view", "hello", "stop", "ack"]), st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_no_message_does_more_than_be_refused(kind: str, fields: dict[str, Any]) -> None:
    try:
        message = parse(json.dumps({"type": kind, **fields}))
    except ParameterError:
        return
    assert type(message).__name__.lower() == kind
