"""The tags of DigitalMicrograph in a ``.gtg`` file."""

import contextlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from lamella.errors import CorruptError
from lamella_k2is.tags import find, read_tags
from lamella_k2is.writer import gtg_bytes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tags")


def tags_of(folder: Path, content: bytes) -> dict[str, Any]:
    path = folder / "a.gtg"
    path.write_bytes(content)
    return read_tags(path)


def value(code: str, description: list[int], content: bytes) -> bytes:
    return b"%%%%" + struct.pack(f">{len(description) + 1}{code}", len(description), *description) + content


@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("version", [3, 4])
def test_both_versions_and_byte_orders_are_read(folder: Path, version: int, little: bool) -> None:
    tags = tags_of(folder, gtg_bytes((34, 35), version=version, little=little))
    assert tags["SI Dimensions"] == {"Size X": 35, "Size Y": 34}
    assert find(tags, "Microscope Info", "Voltage") == 300e3
    assert find(tags, "Microscope") == "Titan ß"
    assert find(tags, "Spatial Sampling", "Width (pixels)") == 34
    assert find(tags, "Microscope Info", "Nothing") is None


@pytest.mark.parametrize("version", [3, 4])
def test_every_kind_of_value_is_read(folder: Path, version: int) -> None:
    code = "I" if version == 3 else "Q"
    kinds = {
        "int16": (value(code, [2], struct.pack("<h", -5)), -5),
        "uint16": (value(code, [4], struct.pack("<H", 65535)), 65535),
        "uint32": (value(code, [5], struct.pack("<I", 7)), 7),
        "float": (value(code, [6], struct.pack("<f", 0.5)), 0.5),
        "nan": (value(code, [7], struct.pack("<d", float("nan"))), None),
        "bool": (value(code, [8], b"\x01"), True),
        "int64": (value(code, [11], struct.pack("<q", -1)), -1),
        "string": (value(code, [18, 2], "ab".encode("utf-16-le")), "ab"),
        "text": (value(code, [20, 4, 3], "µmx".encode("utf-16-le")), "µmx"),
        "numbers": (value(code, [20, 3, 3], struct.pack("<3i", 1, 2, 3)), [1, 2, 3]),
        "struct": (value(code, [15, 0, 2, 0, 2, 0, 6], struct.pack("<hf", 3, 0.25)), [3, 0.25]),
        "structs": (value(code, [20, 15, 0, 2, 0, 2, 0, 2, 5], bytes(20)), "5 items of 4 bytes"),
        "image": (value(code, [20, 2, 5000], bytes(10_000)), "5000 items of 2 bytes"),
        "": (value(code, [3], struct.pack("<i", 9)), 9),
    }
    tags = tags_of(folder, gtg_bytes(None, version=version, more={name: raw for name, (raw, _) in kinds.items()}))
    for name, (_, expected) in kinds.items():
        if name:
            assert tags[name] == expected, name
    assert 9 in tags.values()  # a tag without a name gets a number
    json.dumps(tags, allow_nan=False)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "cannot be read"),
        (bytes(100), "version 0"),
        (struct.pack(">IIIBBI", 3, 0, 1, 1, 0, 1) + b"\x63\x00\x00", "an entry of kind 99"),
        (struct.pack(">IIIBBI", 3, 0, 1, 1, 0, 1) + b"\x15\x00\x00....", "no value"),
        (struct.pack(">IIIBBI", 3, 0, 1, 1, 0, 1) + b"\x15\x00\x00" + value("I", [77], b""), "a value of kind"),
        (struct.pack(">IIIBBI", 3, 0, 1, 1, 0, 1) + b"\x15\x00\x00" + value("I", [], b""), "a value of no kind"),
        (
            struct.pack(">IIIBBI", 3, 0, 1, 1, 0, 1) + b"\x15\x00\x00%%%%\xff\xff\xff\xff",
            "reach beyond the end",
        ),
        (
            struct.pack(">IIIBBI", 3, 0, 1, 1, 0, 1) + b"\x15\x00\x00" + value("I", [20, 3, 0xFFFFFFFF], b""),
            "reach beyond the end",
        ),
        (struct.pack(">III", 3, 0, 1) + (struct.pack(">BBI", 1, 0, 1) + b"\x14\x00\x00") * 100, "nested more than"),
    ],
)
def test_damaged_structure_is_refused(folder: Path, content: bytes, problem: str) -> None:
    with pytest.raises(CorruptError, match=problem):
        tags_of(folder, content)


def test_the_number_of_entries_is_bounded(folder: Path) -> None:
    empty = b"\x14\x00\x00" + struct.pack(">BBI", 1, 0, 0)
    content = struct.pack(">IIIBBI", 3, 0, 1, 1, 0, 0xFFFFFFFF) + empty * 200_000
    with pytest.raises(CorruptError, match="more than 131072 entries"):
        tags_of(folder, content)


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(
    version=st.sampled_from([3, 4]),
    changes=st.lists(st.tuples(st.integers(0, 600), st.binary(min_size=1, max_size=8)), max_size=4),
    length=st.one_of(st.none(), st.integers(0, 600)),
)
def test_damage_gives_tags_or_an_error(
    folder: Path, version: int, changes: list[tuple[int, bytes]], length: int | None
) -> None:
    content = bytearray(gtg_bytes((3, 4), version=version))
    for offset, new in changes:
        content[offset : offset + len(new)] = new
    with contextlib.suppress(CorruptError):
        json.dumps(tags_of(folder, bytes(content[:length])), allow_nan=False)
