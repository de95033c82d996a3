"""Files that somebody else has open, or left open: this process, a program that writes, one that was killed."""

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import lamella
from lamella.errors import FormatError
from lamella_hdf5.inuse import checksum

FRAMES = np.arange(6 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)
LAYOUTS: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "chunks": {"chunks": (1, 1, 4, 5), "compression": "gzip"},
    "library": {"chunks": (1, 3, 4, 5), "scaleoffset": 0},
}


def _write(path: Path, layout: str, **options: Any) -> Path:
    with h5py.File(path, "w", **options) as file:
        file.create_dataset("run/frames", data=FRAMES, **LAYOUTS[layout])
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("mode", ["r", "r+", "a"])
def test_a_file_that_this_process_has_open_is_read(tmp_path: Path, layout: str, mode: str) -> None:
    path = _write(tmp_path / "a.h5", layout)
    with h5py.File(path, mode) as file:
        np.testing.assert_array_equal(lamella.open(path).read(), FRAMES)
        assert file["run/frames"].shape == FRAMES.shape, "the file of the user is still open"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_may_be_opened_by_this_process_afterwards(tmp_path: Path, layout: str) -> None:
    path = _write(tmp_path / "a.h5", layout)
    ds = lamella.open(path)
    ds.read(0)
    with h5py.File(path, "r") as file:
        np.testing.assert_array_equal(ds.read(), file["run/frames"][()])
    np.testing.assert_array_equal(ds.read(), FRAMES)


@pytest.mark.parametrize("swmr", [True, False])
@pytest.mark.parametrize("layout", ["chunks", "library"])
def test_what_a_writer_that_was_killed_has_flushed_is_read(tmp_path: Path, layout: str, swmr: bool) -> None:
    writing, left = tmp_path / "writing.h5", tmp_path / "left.h5"
    with h5py.File(writing, "w", libver="latest") as file:
        data = file.create_dataset("run/frames", data=FRAMES, maxshape=(None, 3, 4, 5), **LAYOUTS[layout])
        if swmr:
            file.swmr_mode = True
            data.resize(3, 0)
            data[2] = 7
            data.flush()
        file.flush()
        expected = data[()]
        shutil.copy(writing, left)  # what a crash leaves: the flag of the superblock stays set
    with pytest.raises(OSError, match="already open for write"):
        h5py.File(left, "r")
    np.testing.assert_array_equal(lamella.open(left).read(), expected)


def test_a_writer_of_this_process_is_seen_as_far_as_it_has_flushed(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_dataset("run/frames", data=FRAMES, chunks=(1, 3, 4, 5))
        file.flush()
        data[0] = 0
        np.testing.assert_array_equal(lamella.open(path).read(), FRAMES)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_a_file_that_is_not_flushed_is_in_use_and_not_damaged(tmp_path: Path, libver: str) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver=libver) as file:
        file.create_dataset("run/old", data=FRAMES)
        file.flush()
        file.create_dataset("run/frames", data=np.zeros((200, 64, 64)), chunks=(1, 64, 64))
        content = bytearray(path.read_bytes())
        at = content.index(b"TREE" if libver == "earliest" else b"OHDR")
        content[at : at + 4] = b"\0" * 4  # an index that is written only in part
        with path.open("r+b") as disk:
            disk.write(content)
        with pytest.raises(FormatError) as caught:
            lamella.open(path)
        assert "in use by another program" in str(caught.value)
        assert "damaged" not in str(caught.value)


def test_the_checksum_of_metadata_is_known() -> None:
    assert checksum(b"Four score and seven years ago") == 0x17770551
