"""Quantities, shapes and values read the same wherever they are shown."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import lamella
from lamella.cli import main
from lamella.dataset.repr import axis_text, dataset_html, metadata_facts
from lamella.demo import DemoScan, write_scan
from lamella.reader.metadata import Axis, Metadata
from lamella.system.text import printable
from lamella.system.units import quantity_text, readable
from lamella.system.words import value_text, with_shapes

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("value", "units", "text"),
    [
        (0.001992, "µm", "1.992 nm"),
        (5.5e-5, "m", "55 µm"),
        (1e-5, "s", "10 µs"),
        (200e3, "V", "200 kV"),
        (0.5, "nm", "0.5 nm"),
        (0.05, "nm", "50 pm"),
        (999.4, "nm", "999.4 nm"),
        (999.99999, "nm", "1 µm"),
        (0.99999, "nm", "1 nm"),
        (-0.001992, "µm", "-1.992 nm"),
        (0.25, "um", "0.25 µm"),
        (0.25, "\N{GREEK SMALL LETTER MU}m", "0.25 µm"),
        (0.00025, "um", "250 pm"),
        (0.006, "cm", "60 µm"),
        (5000, "s", "5000 s"),
        (0.02, "rad", "20 mrad"),
        (1500, "mrad", "1.5 rad"),
        (0.3, "1/nm", "0.3 1/nm"),
        (0.05, "1/nm", "0.05 1/nm"),
        (2e9, "1/m", "2 1/nm"),
        (5e7, "m^-1", "0.05 1/nm"),
        (2e6, "1/m", "2 1/µm"),
        (300, "1/m", "300 1/m"),
        (0.0003, "nm^-1", "0.0003 1/nm"),
        (0.3, "nm⁻¹", "0.3 1/nm"),
        (0.3, "Å^-1", "0.3 1/Å"),
        (0.3, "nm-1", "0.3 1/nm"),
        (0.3, "um-1", "0.3 1/µm"),
        (0.3, "Å-1", "0.3 1/Å"),
        (0.3, "1 / nm", "0.3 1 / nm"),
        (0.3, "1/ um", "0.3 1/µm"),
        (3, "run-1", "3 run-1"),
        (3, "-1", "3 -1"),
        (0.3, "um^-1", "0.3 1/µm"),
        (0.0005, "A", "0.0005 A"),
        (2.5, "\N{ANGSTROM SIGN}", "2.5 Å"),
        (2.5, "Angstrom", "2.5 Å"),
        (12345.6, "px", "12346 px"),
        (25, "°", "25 °"),
        (0.0, "nm", "0 nm"),
        (-0.0, "nm", "0 nm"),
        (math.nan, "nm", "nan nm"),
        (-math.inf, "nm", "-inf nm"),
        (10**400, "nm", "inf nm"),
        (115000, None, "115000"),
        (2.5, "  ", "2.5"),
    ],
)
def test_a_quantity_reads_as_people_write_it(value: float, units: str | None, text: str) -> None:
    shown = quantity_text(value, units, 5 if units == "px" else 4)
    assert shown == text


@given(
    st.floats() | st.floats(1e-6, 1e6),
    st.sampled_from(["nm", "m", "µm", "s", "V", "eV", "rad", "mrad", "1/nm", "px", "A", "Hz"]),
)
@settings(max_examples=2 * settings().max_examples, deadline=None)
def test_a_quantity_says_what_it_is_and_no_thousand(value: float, units: str) -> None:
    number, _, unit = quantity_text(value, units).partition(" ")
    factor, expected = readable(float(f"{value:.3e}"), units)
    assert unit == expected
    if abs(value) < 1e300:
        assert float(number) == pytest.approx(value * factor, rel=6e-4, abs=1e-300)
    if unit != units:
        assert 1 <= abs(float(number)) < 1000


@given(st.text(max_size=80))
@settings(max_examples=settings().max_examples, deadline=None)
def test_any_unit_of_a_file_can_be_shown(units: str) -> None:
    text = quantity_text(0.0025, units)
    assert printable(text) == text
    assert len(text) < 100


@pytest.mark.parametrize(
    ("axis", "text"),
    [
        (Axis("x", 0.001992, units="µm"), "8, step 1.992 nm"),
        (Axis("E", 1.0, 300.0, "eV"), "8, step 1 eV, from 300 eV"),
        (Axis("x", 0.5, -2000.0, "nm"), "8, step 0.5 nm, from -2 µm"),
        (Axis("x", -0.5, 4.0, "nm"), "8, step -0.5 nm, from 4 nm"),
        (Axis("x"), "8, not calibrated"),
        (Axis("x", 1.0, 0.0, "\x1b[31mnm"), "8, step 1 \\x1b[31mnm"),
    ],
)
def test_an_axis_says_step_and_where_it_begins(axis: Axis, text: str) -> None:
    assert axis_text(axis, 8) == text


def test_numbers_of_the_metadata_have_units() -> None:
    metadata = Metadata(
        beam_energy=200e3, detector_pixel_pitch=5.5e-5, dwell_time=1e-5, camera_length=0.55, counter_depth=12
    )
    assert dict(metadata_facts(metadata)) == {
        "beam energy": "200 kV",
        "camera length": "0.55 m",
        "dwell time": "10 µs",
        "detector pixel pitch": "55 µm",
        "counter depth": "12 bits",
    }


def test_the_terminal_the_text_and_the_table_say_the_same(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "scan.blo"
    write_scan(path, DemoScan((4, 6), detector=16))
    dataset = lamella.open(path)
    assert main(["info", str(path)]) == 0
    shown = capsys.readouterr().out
    for text in ("200 kV", "4 x 6", "16 x 16", axis_text(dataset.axes[0], 4), axis_text(dataset.axes[3], 16)):
        assert text in shown
        assert text in repr(dataset)
        assert text in dataset_html(dataset)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (None, "none"),
        ([], "none"),
        (0.0, "0"),
        ([1, 3, 2], "1, 3, 2"),
        ([1, None, False], "1, none, no"),
        ({"a": [1, 2], "b": "c"}, "a: 1, 2; b: c"),
        (np.float64(0.25), "0.25"),
        ("array of (3, 4)", "array of 3 x 4"),
        (list(range(60)), f"{', '.join(map(str, range(50)))}, … and 10 more"),
    ],
)
def test_a_value_has_no_signs_of_python(value: object, text: str) -> None:
    assert value_text(value) == text


def test_a_value_within_values_within_values_comes_to_an_end() -> None:
    value: list[object] = []
    value.append(value)
    assert value_text(value) == "…"


def test_shapes_in_sentences_read_like_shapes() -> None:
    assert with_shapes("of (5,) from (3, 4); f(1, 2), x=(1, 2), (x, 2)") == "of 5 from 3 x 4; f(1, 2), x=(1, 2), (x, 2)"


def test_info_shows_no_values_of_python(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "scan.npy"
    np.save(path, np.zeros((4, 6, 8, 8), dtype=np.uint16))
    assert main(["info", str(path), "--nav-shape", "5,5"]) == 0
    text = capsys.readouterr().out
    assert re.findall(r"[\[\]{}]|\(\d+,|\bNone\b|\bTrue\b|\bFalse\b", text) == []
    assert "nav_shape    5 x 5  (user)" in text
    assert re.search(r"corrections +yes", text)


def test_info_shows_counters_that_are_not_zero(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "scan.npy"
    np.save(path, np.zeros((4, 6, 8, 8), dtype=np.uint16))
    main(["info", str(path), "--nav-shape", "5,5"])
    text = capsys.readouterr().out
    assert re.search(r"frames missing end +1$", text, re.MULTILINE)
    assert "frames lost" not in text
    assert "sync_offset  " not in text
