"""Mapped files where a process may not take much memory: pages are given back in time, and bytes stay right."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from lamella.errors import FormatError
from lamella.io import resident
from lamella.io.choose import choose_backend
from lamella.io.mmap import MmapBackend, forget_mappings
from lamella.io.preference import prefer
from lamella.kernels import guard
from lamella.reader.resource import Resource
from lamella.reader.session import IOSession
from lamella.system.memory import resident_size

pytestmark = pytest.mark.skipif(
    not (guard.install() and resident.can_bound()), reason="files are not mapped below a bound here"
)

MIB = 1 << 20
SIZE, PIECE = 128 * MIB, 2 * MIB


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    forget_mappings()
    yield
    forget_mappings()


@pytest.fixture
def file(tmp_path: Path) -> Resource:
    path = tmp_path / "data"
    with path.open("wb") as hole:
        hole.truncate(SIZE)
        hole.seek(SIZE - 1)
        hole.write(b"!")
    return Resource.of(path)


def taken() -> int:
    size = resident_size()
    assert size is not None
    return size


def highest(session: IOSession) -> int:
    """Read a file piece by piece; gives the most memory that the process took meanwhile."""
    sizes = []
    for offset in range(0, SIZE, PIECE):
        session.view(0, offset, PIECE)[:: os.sysconf("SC_PAGE_SIZE")].max()
        sizes.append(taken())
    return max(sizes)


def wait_until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5  # less than files that are not used stay by themselves
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return true()


def test_a_file_larger_than_the_bound_is_read_below_it(file: Resource) -> None:
    before = taken()
    session = MmapBackend(before + 16 * MIB).open([file])
    # At the bound, a session looks again after at most a sixteenth of it; 20 MiB are for what else goes on.
    assert highest(session) - before < 16 * MIB + (before + 16 * MIB) // 16 + PIECE + 20 * MIB < SIZE
    assert session.view(0, SIZE - 1, 1).tobytes() == b"!"
    session.confirm()


def test_what_fits_below_the_bound_stays_for_the_next_pass(file: Resource) -> None:
    before = taken()
    for _ in range(2):
        session = MmapBackend(before + 2 * SIZE).open([file])
        highest(session)
        session.close()
        assert taken() - before > 0.8 * SIZE


def test_all_goes_when_other_memory_of_the_process_grows(file: Resource) -> None:
    before = taken()
    session = MmapBackend(before + SIZE + 16 * MIB).open([file])
    highest(session)
    session.close()
    arrays = [np.ones(int(0.2 * (before + SIZE)) + 64 * MIB, np.uint8)]
    assert wait_until(lambda: taken() - before - sum(one.nbytes for one in arrays) < SIZE // 2)


def test_what_nobody_uses_goes_after_a_while(file: Resource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "_UNUSED", 0.0)
    before = taken()
    session = MmapBackend(before + 2 * SIZE).open([file])
    highest(session)
    session.close()
    assert wait_until(lambda: taken() - before < SIZE // 2)
    assert session.view(0, SIZE - 2, 2).tobytes() == b"\0!"


def test_one_thread_looks_after_all_files_and_does_not_keep_the_process(file: Resource) -> None:
    for _ in range(5):
        session = MmapBackend(taken() + 2 * SIZE).open([file])
        session.view(0, 0, PIECE)
        session.close()
    keepers = [thread for thread in threading.enumerate() if thread.name == "lamella-mapped-files"]
    assert [thread.daemon for thread in keepers] == [True]


def test_a_mapping_that_is_gone_is_no_matter_for_a_session(file: Resource) -> None:
    session = MmapBackend(1).open([file])
    session.view(0, 0, PIECE)
    forget_mappings()
    gc.collect()
    assert session.view(0, SIZE - 1, 1).tobytes() == b"!"
    session.close()


def test_a_file_that_is_cut_is_an_error_also_where_its_pages_were_given_back(file: Resource) -> None:
    session = MmapBackend(1).open([file])
    view = session.view(0, 0, SIZE)
    os.truncate(file.location, SIZE // 2)
    assert view[-1] == 0
    with pytest.raises(FormatError, match="shrank"):
        session.view(0, 0, SIZE)
    session.close()
    assert view[-1] == 0
    with pytest.raises(FormatError, match="shrank"):
        session.confirm()


def test_auto_maps_below_a_bound_where_that_is_allowed(file: Resource, monkeypatch: pytest.MonkeyPatch) -> None:
    with prefer("buffered", "of a limit", mapped_below=MIB):
        backend = choose_backend("auto", [file])
        assert isinstance(backend, MmapBackend)
        assert backend.mapped_below == MIB
        monkeypatch.setattr("lamella.io.choose.is_installed", lambda: False)
        assert choose_backend("auto", [file]).name == "buffered"
        monkeypatch.undo()
        monkeypatch.setattr("lamella.io.choose.can_bound", lambda: False)
        assert choose_backend("auto", [file]).name == "buffered"
