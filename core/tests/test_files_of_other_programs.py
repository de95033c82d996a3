"""Files that no format opens are named for what they are: companions of macOS, and files of other programs."""

from pathlib import Path

import numpy as np
import pytest

import lamella
from lamella.errors import FormatError, LamellaError, NoFormatError

COMPANION = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(4000)


@pytest.mark.parametrize("name", ["._scan.mib", "._scan.raw", "._scan.npy", "._scan.h5", "._scan.dat", "._scan.hdr"])
def test_a_companion_of_macos_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(COMPANION)
    with pytest.raises(NoFormatError, match=f"companion file in which macOS keeps attributes of {name[2:]}"):
        lamella.open(tmp_path / name)


def test_a_companion_is_named_where_the_format_is_given(tmp_path: Path) -> None:
    (tmp_path / "._scan.npy").write_bytes(COMPANION)
    with pytest.raises(FormatError, match=r"open scan\.npy itself"):
        lamella.open(tmp_path / "._scan.npy", format="npy")
    np.save(tmp_path / "._odd.npy", np.zeros((2, 3, 4)))
    assert lamella.open(tmp_path / "._odd.npy").shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("name", "reads"),
    [
        ("run.tpx3", "pymepix"),
        ("map.bcf", "HyperSpy"),
        ("frame.edf", "fabio"),
        ("frame.cbf", "fabio"),
        ("scan.prz", "HyperSpy"),
        ("scan.dm5", "saves it as .dm4"),
        ("scan.app5", "block files"),
    ],
)
def test_files_of_other_programs_are_named_with_what_reads_them(tmp_path: Path, name: str, reads: str) -> None:
    content = b"TPX3" if name.endswith("tpx3") else b"PK\x03\x04" if name.endswith("prz") else b"\x01\x02\x03"
    (tmp_path / name).write_bytes(content + bytes(range(256)) * 4)
    with pytest.raises(NoFormatError, match=reads):
        lamella.open(tmp_path / name)


def test_a_zarr_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "scan.zarr").mkdir()
    (tmp_path / "scan.zarr" / ".zarray").write_text("{}")
    with pytest.raises(LamellaError, match="a Zarr store"):
        lamella.open(tmp_path / "scan.zarr")
