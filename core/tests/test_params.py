import argparse
import json
import pickle
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from hypothesis import given, strategies as st

from lamella.errors import ParameterError
from lamella.format import Param
from lamella.params.fields import describe
from lamella.params.schema import cli_options, docs_table, json_schema, values_from_namespace
from lamella.params.validate import CommonParams, common_names, split, validate


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanParams:
    """Parameters of an imaginary format.

    More text.
    """

    dtype: Annotated[str, Param(doc="Type of a pixel.", kind="dtype")]
    binning: Annotated[tuple[int, int], Param(doc="Binning (y, x).", ge=1, le=16)] = (1, 1)
    dose: Annotated[float, Param(doc="Dose of 100% of the frames.", unit="e/px", gt=0)] = 1.5
    gain: Annotated[Path | None, Param(doc="Gain map.")] = None
    mode: Annotated[Literal["fast", "slow"], Param(doc="Read-out mode.")] = "fast"
    depth: Annotated[int | None, Param(doc="Bits of a pixel.", choices=(1, 6, 12, 24))] = None
    flip: Annotated[bool, Param(doc="Turn upside down.")] = False
    sync_offset: Annotated[int, Param(doc="Where the scan begins.", unit="frames")] = 0
    parts: Annotated[tuple[Path, ...], Param(doc="Further files.")] = ()
    model: Annotated[object, Param(doc="Detector model.", kind="object", cli=False)] = None


def good(**values: object) -> ScanParams:
    return validate(ScanParams, {"dtype": "<u2", **values})


def problems(cls: type, *extra: str, **values: object) -> tuple[str, ...]:
    with pytest.raises(ParameterError) as caught:
        validate(cls, values, extra=extra)
    return tuple(map(str, caught.value.problems))


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ((4, 5), (4, 5)),
        ([4, 5], (4, 5)),
        (np.array([4, 5]), (4, 5)),
        (np.zeros((4, 5)).shape, (4, 5)),
        (range(4, 6), (4, 5)),
        (7, (7,)),
        (np.int64(7), (7,)),
        (np.array(7), (7,)),
        ("128,256", (128, 256)),
        ("128x256", (128, 256)),
        (" (128, 256) ", (128, 256)),
        ("[2 3 4]", (2, 3, 4)),
        ("256", (256,)),
        (None, None),
        ((), None),
        ([], None),
        ("", None),
    ],
)
def test_a_shape_may_be_written_in_many_ways(value: object, stored: object) -> None:
    shape = validate(CommonParams, {"nav_shape": value}).nav_shape
    assert shape == stored
    assert shape is None or all(type(extent) is int for extent in shape)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=5), st.sampled_from([",", "x", ", ", " x ", " "]))
def test_a_shape_survives_being_written_as_text(shape: list[int], separator: str) -> None:
    text = separator.join(str(extent) for extent in shape)
    assert validate(CommonParams, {"nav_shape": text}).nav_shape == tuple(shape)


@pytest.mark.parametrize("value", [(0, 3), (3, -1), "3x0", 0])
def test_a_shape_has_positive_extents(value: object) -> None:
    (problem,) = problems(CommonParams, nav_shape=value)
    assert problem.startswith("nav_shape")
    assert ">= 1" in problem


@pytest.mark.parametrize("value", [(3.0, 3.0), "a", "3.5", {"y": 3}, {3, 4}, b"ab", True, (True, 2), 2.0, object()])
def test_what_is_no_shape_is_refused(value: object) -> None:
    (problem,) = problems(CommonParams, nav_shape=value)
    assert problem.startswith("nav_shape: expected")


@pytest.mark.parametrize(
    "value", ["uint16", "<u2", np.uint16, np.dtype("u2"), np.dtype("<u2"), "H", np.zeros(1, "u2").dtype]
)
def test_a_dtype_is_stored_as_its_string(value: object) -> None:
    assert np.dtype(validate(ScanParams, {"dtype": value}).dtype) == np.dtype("u2")
    assert validate(ScanParams, {"dtype": value}).dtype == np.dtype("u2").str


def test_a_dtype_keeps_its_byte_order() -> None:
    assert validate(ScanParams, {"dtype": ">f4"}).dtype == ">f4"
    assert validate(ScanParams, {"dtype": float}).dtype == np.dtype("f8").str


@pytest.mark.parametrize(
    "value", ["O", object, "u2,u2", [("a", "u2")], "U5", "S3", "M8[s]", None, "unit16", "", 3, "V4", "(2,)u2", b"\xff"]
)
def test_what_is_no_number_type_is_refused_as_dtype(value: object) -> None:
    (problem,) = problems(ScanParams, dtype=value)
    assert problem.startswith("dtype: expected a number type")


def test_numbers_of_numpy_become_numbers_of_python() -> None:
    params = good(depth=np.uint8(12), dose=np.float32(0.5), flip=np.True_, binning=np.array([2, 4], "i2"))
    assert (type(params.depth), type(params.dose), type(params.flip)) == (int, float, bool)
    assert (params.depth, params.dose, params.flip, params.binning) == (12, 0.5, True, (2, 4))


@pytest.mark.parametrize("value", [1 << 63, 1 << 20_000, "0x" + "f" * 5000], ids=["64", "many", "text"])
def test_an_integer_of_too_many_bits_is_refused(value: object) -> None:
    with pytest.raises(ParameterError, match="must have at most 63 bits"):
        good(sync_offset=value)


def test_an_integer_is_taken_where_a_number_is_wanted() -> None:
    assert type(good(dose=2).dose) is float


@pytest.mark.parametrize(
    ("name", "value"), [("depth", True), ("depth", np.True_), ("dose", False), ("sync_offset", True)]
)
def test_a_truth_value_is_no_number(name: str, value: object) -> None:
    (problem,) = problems(ScanParams, dtype="u1", **{name: value})
    assert problem.startswith(f"{name}: expected")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("depth", "12", 12),
        ("sync_offset", "-3", -3),
        ("sync_offset", "0x10", 16),
        ("sync_offset", "007", 7),
        ("dose", "1e3", 1000.0),
        ("flip", "yes", True),
        ("flip", "False", False),
        ("mode", "slow", "slow"),
        ("gain", "a b/[1].mrc", Path("a b/[1].mrc")),
        ("binning", "2x4", (2, 4)),
        ("parts", "a,b.dm4", (Path("a,b.dm4"),)),
    ],
)
def test_text_is_read_as_the_declared_type(name: str, text: str, value: object) -> None:
    found = getattr(good(**{name: text}), name)
    assert found == value
    assert type(found) is type(value)


def test_paths_may_be_anything_that_names_one() -> None:
    params = good(gain=PurePosixPath("/data/gain.mrc"), parts=["a", Path("b")])
    assert params.gain == Path("/data/gain.mrc")
    assert params.parts == (Path("a"), Path("b"))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("dose", 0, "must be > 0 e/px, found 0"),
        ("dose", float("nan"), "must be > 0 e/px, found nan"),
        ("dose", "much", "expected a number, found 'much' (str)"),
        ("binning", (1, 17), "must be <= 16, found 17 at index 1"),
        ("binning", (1, 2, 3), "expected 2 values, found 3"),
        ("binning", 2, "expected 2 values, found 1"),
        ("mode", "fsat", "expected one of 'fast', 'slow', found 'fsat'; did you mean 'fast'?"),
        ("mode", 3, "expected one of 'fast', 'slow', found 3"),
        ("depth", 8, "expected one of 1, 6, 12, 24, found 8"),
        ("gain", 3, "expected a path, found 3 (int)"),
        ("flip", "perhaps", "expected true or false, found 'perhaps' (str)"),
        ("flip", 1, "expected true or false, found 1 (int)"),
        ("sync_offset", None, "expected an integer, found None"),
        ("sync_offset", 2.5, "expected an integer, found 2.5 (float)"),
    ],
)
def test_a_wrong_value_is_explained(name: str, value: object, words: str) -> None:
    (problem,) = problems(ScanParams, dtype="u1", **{name: value})
    assert problem.startswith(f"{name}: ")
    assert words in problem


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ParameterError) as caught:
        validate(ScanParams, {"dose": -1, "mod": "fast", "binning": "a", "flip": 7}, subject="format 'scan'")
    text = str(caught.value)
    assert text.startswith("format 'scan': 5 problems\n")
    for word in ("dtype", "dose", "'mod'", "binning", "flip"):
        assert word in text


@pytest.mark.parametrize("text", ["x", ",", " ; "])
def test_a_text_of_mere_separators_is_no_shape(text: str) -> None:
    with pytest.raises(ParameterError, match="nav_shape: expected a tuple of int, found"):
        validate(CommonParams, {"nav_shape": text})


@pytest.mark.parametrize("text", ["", " ", "()", "[ ]"])
def test_a_shape_without_numbers_is_not_given(text: str) -> None:
    assert validate(CommonParams, {"nav_shape": text}).nav_shape is None


def test_each_problem_names_its_field() -> None:
    with pytest.raises(ParameterError) as caught:
        validate(ScanParams, {"dose": -1, "mod": "fast", "binning": "a"}, subject="format 'scan'")
    assert [field for field, _ in caught.value.problems] == ["mod", "dtype", "binning", "dose"]
    texts = dict(caught.value.problems)
    assert texts["dose"] == "must be > 0 e/px, found -1.0"
    assert texts["dtype"].startswith("required (dtype). ")
    assert "  - dose: must be > 0 e/px, found -1.0\n" in str(caught.value) + "\n"
    assert "  - unknown parameter 'mod'; did you mean 'mode' or 'model'?" in str(caught.value)


def test_problems_are_given_as_sentences_or_pairs() -> None:
    assert ParameterError("gone").problems == ((None, "gone"),)
    assert ParameterError(["too small", (None, "give x or y")], field="x").problems == (
        ("x", "too small"),
        (None, "give x or y"),
    )
    assert str(ParameterError("too small", field="x", subject="point")) == "point: x: too small"
    assert str(ParameterError("x (3) is too small", field="x")) == "x (3) is too small"
    assert str(ParameterError("xylophones are too small", field="x")) == "x: xylophones are too small"


def test_problems_survive_a_trip_to_another_process() -> None:
    error = ParameterError([("x", "too small"), "give x or y"], subject="point")
    back = pickle.loads(pickle.dumps(error))
    assert (back.problems, back.subject, str(back)) == (error.problems, error.subject, str(error))
    assert back.problems[0].field == "x"


def test_an_unknown_name_brings_the_nearest_known_ones() -> None:
    (problem,) = problems(ScanParams, "nav_shape", dtype="u1", nav_shpae=3)
    assert "unknown parameter 'nav_shpae'; did you mean 'nav_shape'?" in problem
    for name in ("dtype", "binning", "model", "nav_shape"):
        assert name in problem.partition("known:")[2]


def test_a_required_parameter_that_is_not_given_is_described() -> None:
    (problem,) = problems(ScanParams)
    assert "dtype" in problem
    assert "Type of a pixel." in problem


def test_an_empty_required_shape_counts_as_not_given() -> None:
    @dataclass(frozen=True, kw_only=True)
    class RawParams:
        sig_shape: Annotated[tuple[int, ...], Param(doc="Shape of a frame.", ge=1)]

    (problem,) = problems(RawParams, sig_shape=())
    assert "required" in problem


def test_checks_of_the_dataclass_itself_are_reported_alike() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Picky:
        low: Annotated[int, Param(doc="Low.")] = 0
        high: Annotated[int, Param(doc="High.")] = 1

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("low must not exceed high")

    assert problems(Picky, low=3) == ("low must not exceed high",)


def test_objects_pass_untouched() -> None:
    backend = object()
    assert validate(CommonParams, {"io_backend": backend}).io_backend is backend
    assert validate(CommonParams, {"io_backend": "mmap"}).io_backend == "mmap"
    assert good(model=backend).model is backend


def test_without_values_common_parameters_say_nothing() -> None:
    common = validate(CommonParams, {})
    assert common.missing == "skip"
    assert {getattr(common, name) for name in common_names - {"missing", "corrections"}} == {None}


def test_values_for_plugin_and_core_are_told_apart() -> None:
    plugin, common = split(ScanParams, {"dtype": "u1", "nav_shape": (2, 3), "sync_offset": 4, "oops": 5})
    assert plugin == {"dtype": "u1", "sync_offset": 4, "oops": 5}
    assert common == {"nav_shape": (2, 3), "sync_offset": 4}


def test_every_parameter_is_described() -> None:
    described = {info.name: info for info in describe(ScanParams)}
    assert list(described)[:2] == ["dtype", "binning"]
    assert described["dtype"].required
    assert not described["dose"].required
    assert (described["dose"].type, described["dose"].default, described["dose"].param.unit) == ("float", "1.5", "e/px")
    assert described["binning"].type == "(int, int)"
    assert described["gain"].type == "path or None"
    assert described["dtype"].type == "dtype"


def test_a_class_that_is_no_dataclass_is_refused() -> None:
    with pytest.raises(TypeError, match="not a parameter dataclass"):
        describe(int)


def test_the_documentation_table_has_a_row_for_each_parameter() -> None:
    rows = docs_table(ScanParams).splitlines()
    assert len(rows) == 2 + len(describe(ScanParams))
    widths = {row.replace(r"\|", "").count("|") for row in rows}
    assert len(widths) == 1
    assert "| `dose` | float | `1.5` | e/px | Dose of 100% of the frames. (> 0) |" in rows
    assert any(row.startswith("| `dtype` | dtype | *required* |") for row in rows)


def property_of(cls: type, name: str) -> Any:
    schema: Any = json_schema(cls)
    return schema["properties"][name]


def test_the_json_schema_says_types_bounds_units_and_defaults() -> None:
    schema = json_schema(ScanParams)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["type"] == "object"
    assert schema["required"] == ["dtype"]
    assert schema["additionalProperties"] is False
    assert schema["description"] == "Parameters of an imaginary format."
    dose = property_of(ScanParams, "dose")
    assert dose == {
        "type": "number",
        "exclusiveMinimum": 0,
        "description": "Dose of 100% of the frames.",
        "x-unit": "e/px",
        "default": 1.5,
    }


def test_the_json_schema_of_tuples_says_their_items() -> None:
    binning = property_of(ScanParams, "binning")
    assert (binning["minItems"], binning["maxItems"], binning["default"]) == (2, 2, [1, 1])
    assert binning["prefixItems"] == [{"type": "integer", "minimum": 1, "maximum": 16}] * 2
    shape, none = property_of(CommonParams, "nav_shape")["anyOf"]
    assert shape == {"type": "array", "items": {"type": "integer", "minimum": 1}}
    assert none == {"type": "null"}


def test_the_json_schema_lists_choices() -> None:
    assert property_of(ScanParams, "mode")["enum"] == ["fast", "slow"]
    assert property_of(ScanParams, "depth")["anyOf"][0]["enum"] == [1, 6, 12, 24]


def parser_for(*classes: type) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="open")
    for cls in classes:
        for option in cli_options(cls):
            option.add_to(parser)
    return parser


def test_options_give_only_what_was_typed() -> None:
    arguments = ["--dtype", ">u2", "--binning", "2x2", "--flip", "--sync-offset", "-4", "--gain", "g.mrc"]
    ns = parser_for(ScanParams).parse_args(arguments)
    values = values_from_namespace(ScanParams, ns)
    assert values == {"dtype": ">u2", "binning": (2, 2), "flip": True, "sync_offset": -4, "gain": Path("g.mrc")}
    assert validate(ScanParams, values).binning == (2, 2)


def test_a_switch_can_be_turned_off() -> None:
    ns = parser_for(ScanParams).parse_args(["--no-flip"])
    assert values_from_namespace(ScanParams, ns) == {"flip": False}


def test_options_of_common_parameters_are_parsed() -> None:
    ns = parser_for(CommonParams).parse_args(["--nav-shape", "3x4", "--missing", "zero", "--io-backend", "mmap"])
    assert values_from_namespace(CommonParams, ns) == {"nav_shape": (3, 4), "missing": "zero", "io_backend": "mmap"}


@pytest.mark.parametrize("arguments", [["--binning", "2"], ["--mode", "fsat"], ["--dose", "-1"], ["--dtype", "O"]])
def test_a_wrong_option_ends_with_the_usual_message(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser_for(ScanParams).parse_args(arguments)
    assert caught.value.code == 2
    assert f"argument {arguments[0]}: " in capsys.readouterr().err


def test_help_says_unit_default_and_choices() -> None:
    text = " ".join(parser_for(ScanParams).format_help().split())
    assert "--dose FLOAT" in text
    assert "Dose of 100% of the frames. [unit: e/px; default: 1.5]" in text
    assert "--mode {fast,slow}" in text
    assert "--no-flip" in text
    assert "required" in text


def test_what_cannot_be_typed_is_no_option() -> None:
    assert "model" not in {option.name for option in cli_options(ScanParams)}


def test_defaults_may_be_made_by_a_factory() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Made:
        names: Annotated[tuple[str, ...], Param(doc="Names.")] = field(default_factory=lambda: ("a", "b"))

    assert validate(Made, {}).names == ("a", "b")
    assert validate(Made, {"names": "c, d"}).names == ("c", "d")
    assert describe(Made)[0].default == "('a', 'b')"


def test_a_union_keeps_the_type_that_was_given() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Either:
        where: Annotated[int | str | None, Param(doc="Index or name.")] = None

    assert validate(Either, {"where": 3}).where == 3
    assert validate(Either, {"where": "3"}).where == "3"
    assert "int or str or None" in problems(Either, where=[1])[0]
