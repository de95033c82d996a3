"""Records are read from the places that were asked for, and never from beyond the end of a file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from lamella.errors import FormatError, TruncatedError
from lamella.reader.metadata import Axis
from lamella.reader.probe import Probe
from lamella.reader.records import fields_of, read_records, take_record

HEADER = np.dtype([("magic", "S4"), ("size", "<u2", (2,)), ("step", ">f4")])
CONTENT = struct.pack("<4s2H", b"AB\0\0", 5, 7) + struct.pack(">f", 0.5)


def test_a_record_begins_at_its_offset() -> None:
    record = take_record(b"xyz" + CONTENT, HEADER, 3)
    assert fields_of(record) == {"magic": b"AB", "size": [5, 7], "step": 0.5}


@pytest.mark.parametrize("offset", [-1, 1, 100])
def test_a_record_beyond_the_end_is_refused(offset: int) -> None:
    with pytest.raises(TruncatedError, match=r"the tag is incomplete.*found 12 bytes") as caught:
        take_record(CONTENT, HEADER, offset, path="a.dat", what="tag")
    assert caught.value.path == "a.dat"


def test_records_are_read_in_the_order_of_their_offsets(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(struct.pack("<9H", *range(9)))
    found = read_records(path, [10, 0, 4], np.dtype([("a", "<u2"), ("b", "<u2")]))
    assert found["a"].tolist() == [5, 0, 2]
    assert found["b"].tolist() == [6, 1, 3]
    assert read_records(path, [], np.dtype("<u2")).shape == (0,)
    assert read_records(path, [2], np.dtype(("<u2", (3,)))).tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("place", [-1, 17, 1 << 40])
def test_a_record_outside_the_file_is_an_error_or_zero(tmp_path: Path, place: int) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(struct.pack("<9H", *range(1, 10)))
    with pytest.raises(TruncatedError, match="the file was cut"):
        read_records(path, [0, place], np.dtype("<u2"))
    assert read_records(path, [0, place, 2], np.dtype("<u2"), strict=False).tolist() == [1, 0, 2]


def test_a_file_that_is_gone_is_a_format_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="can no longer be read"):
        read_records(tmp_path / "gone", [0], np.dtype("<u2"))


def test_a_sidecar_is_found_under_the_first_of_its_names(tmp_path: Path) -> None:
    for name in ("a.dat", "a.SET", "b.set"):
        (tmp_path / name).touch()
    probe = Probe.of(tmp_path / "a.dat")
    assert probe.sibling("a.set", "a.SET", "b.set") == tmp_path / "a.SET"
    assert probe.sibling("c.set", "../b.set") is None
    assert probe.sibling() is None


@pytest.mark.parametrize("step", [0.0, -2.0, float("nan"), float("inf")])
def test_an_axis_without_a_usable_step_is_not_calibrated(step: float) -> None:
    assert Axis.of("x", step, "nm", 3.0) == Axis("x")
    assert Axis.of("x", 2.0, "nm", 3.0) == Axis("x", 2.0, 3.0, "nm")
