"""Bytes of files reach memory alike by every backend, and files that change are errors and not crashes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from lamella.errors import FormatError, ParameterError, PluginError, TruncatedError
from lamella.io.backend import IOBackend
from lamella.io.buffered import BufferedBackend
from lamella.io.choose import choose_backend
from lamella.io.direct import DirectBackend
from lamella.io.mmap import forget_mappings
from lamella.reader.resource import Resource

CONTENT = np.random.default_rng(1).integers(0, 256, 3 * 4096 + 123, dtype="u1")
DESCRIPTORS = Path("/proc/self/fd")

counts_descriptors = pytest.mark.skipif(not DESCRIPTORS.exists(), reason="counts descriptors in /proc")


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    forget_mappings()
    yield
    forget_mappings()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.write_bytes(CONTENT.tobytes())
    return path


@pytest.fixture(params=["mmap", "buffered", "direct"])
def backend(request: pytest.FixtureRequest, file: Path) -> IOBackend:
    try:
        return choose_backend(request.param, [Resource.of(file)])
    except ParameterError as error:
        pytest.skip(str(error))


def rewrite(path: Path, content: bytes) -> None:
    """Rewrite a file in place, at a time that differs however coarse the clock of the file system is."""
    before = path.stat().st_mtime_ns
    path.write_bytes(content)
    os.utime(path, ns=(before + 10**9, before + 10**9))


# Reading


def test_every_range_is_what_the_file_holds(backend: IOBackend, file: Path) -> None:
    session = backend.open([Resource.of(file)])
    for offset in (0, 1, 511, 4095, 4096, 4097, 8192, CONTENT.size - 1, CONTENT.size):
        for nbytes in (0, 1, 7, 4096, 5000, CONTENT.size):
            if offset + nbytes <= CONTENT.size:
                np.testing.assert_array_equal(session.view(0, offset, nbytes), CONTENT[offset : offset + nbytes])
    session.close()


@settings(max_examples=50)
@given(ranges=st.lists(st.tuples(st.integers(0, CONTENT.size), st.integers(0, CONTENT.size)), min_size=1))
def test_one_session_reads_any_ranges_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, ranges: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "ranges"
    if not path.exists():
        path.write_bytes(CONTENT.tobytes())
    resource = Resource.of(path)
    sessions = [choose_backend(name, [resource]).open([resource]) for name in ("mmap", "buffered")]
    for begin, end in map(sorted, ranges):
        for session in sessions:
            np.testing.assert_array_equal(session.view(0, begin, end - begin), CONTENT[begin:end])
    for session in sessions:
        session.close()


@pytest.mark.parametrize(
    ("offset", "nbytes"), [(CONTENT.size, 1), (0, CONTENT.size + 1), (-1, 5), (5, -1), (2**62, 2**62)]
)
def test_a_range_outside_the_file_is_an_error(backend: IOBackend, file: Path, offset: int, nbytes: int) -> None:
    session = backend.open([Resource.of(file)])
    with pytest.raises(TruncatedError, match="reaches beyond the file"):
        session.view(0, offset, nbytes)
    session.close()


def test_an_empty_file_has_no_bytes(backend: IOBackend, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    session = backend.open([Resource.of(tmp_path / "empty")])
    assert session.view(0, 0, 0).size == 0
    session.close()


def test_views_of_mappings_outlive_their_session(file: Path) -> None:
    session = choose_backend("mmap", [Resource.of(file)]).open([Resource.of(file)])
    view = session.view(0, 100, 50)
    session.close()
    forget_mappings()
    np.testing.assert_array_equal(view, CONTENT[100:150])
    assert not view.flags.writeable


def test_threads_read_through_sessions_of_their_own(backend: IOBackend, file: Path) -> None:
    resources = [Resource.of(file)]
    failures: list[object] = []

    def read(start: int) -> None:
        session = backend.open(resources)
        offsets = range(start, CONTENT.size - 100, 97)
        failures.extend(i for i in offsets if not np.array_equal(session.view(0, i, 100), CONTENT[i : i + 100]))
        session.close()

    threads = [threading.Thread(target=read, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


# Files that change


def test_a_file_that_grows_keeps_its_meaning(backend: IOBackend, file: Path) -> None:
    resource = Resource.of(file)
    session = backend.open([resource])
    session.view(0, 0, 10)
    with file.open("ab") as writer:
        writer.write(b"more")
    np.testing.assert_array_equal(session.view(0, 4000, 200), CONTENT[4000:4200])
    np.testing.assert_array_equal(backend.open([resource]).view(0, 4000, 200), CONTENT[4000:4200])
    with pytest.raises(TruncatedError, match="reaches beyond"):
        session.view(0, CONTENT.size, 4)


@pytest.mark.parametrize("warm", [True, False])
def test_a_file_that_was_rewritten_is_an_error(backend: IOBackend, file: Path, warm: bool) -> None:
    resource = Resource.of(file)
    session = backend.open([resource])
    if warm:
        session.view(0, 0, 10)
    rewrite(file, CONTENT.tobytes())
    with pytest.raises(FormatError, match="was rewritten since it was opened"):
        session.view(0, 0, 10)
    with pytest.raises(FormatError, match="was rewritten"):
        backend.open([resource]).view(0, 0, 10)


@pytest.mark.parametrize("warm", [True, False])
def test_a_file_that_is_gone_is_an_error_for_the_next_session(backend: IOBackend, file: Path, warm: bool) -> None:
    resource = Resource.of(file)
    if warm:
        backend.open([resource]).view(0, 0, 10)
    file.unlink()
    with pytest.raises(FormatError, match="can no longer be read"):
        backend.open([resource]).view(0, 0, 10)


def test_another_file_under_the_same_name_is_noticed(backend: IOBackend, file: Path) -> None:
    resource = Resource.of(file)
    backend.open([resource]).view(0, 0, 10)
    other = file.with_name("other")
    other.write_bytes(CONTENT[::-1].tobytes())
    os.utime(other, ns=(0, 0))
    other.replace(file)
    with pytest.raises(FormatError, match="was rewritten"):
        backend.open([resource]).view(0, 0, 10)


def in_a_child(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code that might end its process."""
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
    )


SHRINK = """
import os, sys
from lamella.errors import TruncatedError
from lamella.io import choose_backend
from lamella.reader.resource import Resource

path, name, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
resource = Resource.of(path)
backend = choose_backend(name, [resource])
session = backend.open([resource])
session.view(0, 0, resource.size).sum()
os.truncate(path, left)
for again in (session, backend.open([resource])):
    try:
        again.view(0, 0, resource.size).sum()
    except TruncatedError as error:
        print(error)
"""


@pytest.mark.parametrize("left", [0, 1, 4096, 5000, CONTENT.size - 1])
def test_a_file_that_shrinks_between_reads_does_not_end_the_process(backend: IOBackend, file: Path, left: int) -> None:
    done = in_a_child(SHRINK, file, backend.name, left)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the file shrank since it was opened") == 2
    assert f"expected {CONTENT.size} bytes; found {left} bytes" in done.stdout


# Descriptors and memory


@counts_descriptors
def test_closed_sessions_leave_nothing_open(backend: IOBackend, file: Path) -> None:
    resource = Resource.of(file)
    backend.open([resource]).view(0, 0, 10)
    forget_mappings()
    before = len(list(DESCRIPTORS.iterdir()))
    for _ in range(50):
        session = backend.open([resource])
        session.view(0, 0, 10)
        session.close()
    forget_mappings()
    assert len(list(DESCRIPTORS.iterdir())) == before


@counts_descriptors
def test_thousands_of_files_need_few_descriptors(backend: IOBackend, tmp_path: Path) -> None:
    resources = []
    for i in range(600):
        (tmp_path / f"{i}").write_bytes(i.to_bytes(2, "little"))
        resources.append(Resource.of(tmp_path / f"{i}"))
    before = len(list(DESCRIPTORS.iterdir()))
    session = backend.open(resources)
    kept = [session.view(i, 0, 2).tobytes() for i in range(600)]
    assert kept == [i.to_bytes(2, "little") for i in range(600)]
    assert len(list(DESCRIPTORS.iterdir())) - before <= 260
    session.close()


def test_what_sources_leave_in_a_session_is_closed_with_it(backend: IOBackend, file: Path) -> None:
    class Handle:
        closed = False

        def close(self) -> None:
            self.closed = True

    session = backend.open([Resource.of(file)])
    handle = Handle()
    session.scratch["handle"] = handle
    session.scratch["plain"] = [1, 2]
    session.close()
    assert handle.closed
    assert session.scratch == {}


# The choice


@pytest.mark.parametrize(
    ("wanted", "safe", "name"),
    [
        (None, True, "mmap"),
        ("auto", True, "mmap"),
        ("auto", False, "buffered"),  # so it is on Windows
        ("MMap", False, "mmap"),
        ("buffered", True, "buffered"),
    ],
)
def test_backends_are_chosen_by_name(
    file: Path, monkeypatch: pytest.MonkeyPatch, wanted: str | None, safe: bool, name: str
) -> None:
    monkeypatch.setattr("lamella.io.choose.is_installed", lambda: safe)
    assert choose_backend(wanted, [Resource.of(file)]).name == name


def test_an_unknown_backend_lists_the_known_ones(file: Path) -> None:
    with pytest.raises(PluginError, match=r"no I/O backend is called 'tape'.*mmap"):
        choose_backend("tape", [Resource.of(file)])


def test_a_backend_of_ones_own_can_be_given(file: Path) -> None:
    class Own(IOBackend):
        name = "own"

        def unavailable(self, resources: Any) -> str | None:
            return "it is Monday" if not resources else None

        def open(self, resources: Any) -> Any:
            return BufferedBackend().open(resources)

    own: IOBackend = Own()
    assert choose_backend(own, [Resource.of(file)]) is own
    with pytest.raises(ParameterError, match="'own' cannot be used: it is Monday"):
        choose_backend(own, [])


def test_direct_reads_say_why_they_are_impossible(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_DIRECT", raising=False)
    with pytest.raises(ParameterError, match="'direct' cannot be used: this operating system has no O_DIRECT"):
        choose_backend("direct", [Resource.of(file)])
    with pytest.raises(ParameterError, match="no O_DIRECT"):
        DirectBackend().open([Resource.of(file)])


def test_reading_works_where_preadv_is_missing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "preadv", raising=False)
    session = choose_backend("buffered", [Resource.of(file)]).open([Resource.of(file)])
    view: NDArray[np.uint8] = session.view(0, 4000, 5000)
    np.testing.assert_array_equal(view, CONTENT[4000:9000])
    session.close()


def test_kept_mappings_leave_most_descriptors_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    from lamella.io import mmap as mapped

    for granted, most in ((256, 32), (1024, 128), (1 << 20, 128), (8, 4), (resource.RLIM_INFINITY, 128)):
        monkeypatch.setattr(resource, "getrlimit", lambda kind, granted=granted: (granted, granted))
        assert mapped._most_kept() == most


def test_many_mapped_files_hold_few_descriptors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamella.io import mmap as mapped
    from lamella.reader import Resource

    monkeypatch.setattr(mapped, "_most_kept", lambda: 4)
    mapped.forget_mappings()
    for i in range(12):
        path = tmp_path / f"{i}.bin"
        path.write_bytes(bytes([i]) * 8)
        assert mapped._mapping(Resource.of(str(path))).array.tolist() == [i] * 8
    assert len(mapped._kept) == 4
    mapped.forget_mappings()
