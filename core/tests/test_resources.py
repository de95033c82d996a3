"""What a file was when it was opened, the bytes that readers take from it, and sessions with defaults."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lamella.codecs import PackedCodec
from lamella.errors import FormatError, LamellaError, TruncatedError
from lamella.io import BufferedBackend, DirectBackend, IOBackend, MmapBackend
from lamella.reader import (
    Encoding,
    FrameSource,
    IOSession,
    LinearSource,
    Probe,
    Resource,
    RunTable,
    SigBox,
    SourceInfo,
    read_frames,
    read_records,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.dat"
    path.write_bytes(bytes(range(200)))
    return path


def touched(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))


def test_a_resource_is_where_how_long_and_which(file: Path) -> None:
    resource = Resource.of(file)
    assert (resource.location, resource.path, resource.size) == (str(file), str(file), 200)
    assert resource.identity == resource.mtime_ns == file.stat().st_mtime_ns
    assert resource == Probe.of(file).resource
    assert hash(resource) == hash(Resource.of(file))
    assert pickle.loads(pickle.dumps(resource)) == resource


def test_another_look_says_whether_it_changed(file: Path) -> None:
    resource = Resource.of(file)
    assert resource.stat() == resource
    assert resource.same_file(resource.stat())
    touched(file)
    assert resource.stat() != resource
    assert not resource.same_file(resource.stat())
    file.unlink()
    with pytest.raises(FileNotFoundError):
        resource.stat()


def test_a_folder_is_a_resource_without_bytes(file: Path) -> None:
    resource = Resource.of(file.parent)
    assert (resource.size, resource.is_local) == (0, True)
    before = file.parent.stat().st_mtime_ns
    (file.parent / "b").touch()
    os.utime(file.parent, ns=(0, before + 10**9))
    assert resource.stat() != resource


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_resource_is_never_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file") as caught:
        Resource.of(tmp_path / "pipe")
    assert isinstance(caught.value, LamellaError)


def test_bytes_are_read_up_to_the_end(file: Path) -> None:
    resource = Resource.of(file)
    assert resource.read(0, 3) == b"\0\1\2"
    assert resource.read(198, 10**18) == bytes([198, 199])
    assert resource.read(200, 1) == resource.read(10**12, 1) == resource.read(5, 0) == b""
    with resource.reading() as opened:
        target = np.zeros((2, 2), dtype="<u2")
        opened.readinto(4, target)
        assert target.tolist() == [[0x0504, 0x0706], [0x0908, 0x0B0A]]
        assert opened.read(1, 2) == b"\1\2"
        with pytest.raises(TruncatedError, match="expected bytes up to 206; found 200 bytes"):
            opened.readinto(198, target)


@pytest.mark.parametrize(("offset", "nbytes"), [(-1, 4), (0, -1)])
def test_bytes_before_the_beginning_are_refused(file: Path, offset: int, nbytes: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        Resource.of(file).read(offset, nbytes)


READS: dict[str, Callable[[Resource], object]] = {
    "read": lambda resource: resource.read(0, 200),
    "reading": lambda resource: resource.reading(),
    "read_records": lambda resource: read_records(resource, [0], np.dtype("u1")),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_file_that_is_another_one_by_now_is_an_error(file: Path, read: Callable[[Resource], object]) -> None:
    resource = Resource.of(file)
    touched(file)
    with pytest.raises(FormatError, match=r"a\.dat: the file was rewritten since it was opened"):
        read(resource)
    file.write_bytes(bytes(100))
    with pytest.raises(TruncatedError, match="expected 200 bytes; found 100 bytes"):
        read(resource)
    file.unlink()
    with pytest.raises(FormatError, match=r"a\.dat: the file cannot be opened"):
        read(resource)


def test_a_file_that_grew_keeps_its_meaning(file: Path) -> None:
    resource = Resource.of(file)
    file.write_bytes(bytes(range(200)) + bytes(50))
    assert resource.read(190, 100) == bytes(range(190, 200))
    assert read_records(resource, [199], np.dtype("u1")).tolist() == [199]
    with pytest.raises(TruncatedError, match="1 bytes from byte 200; found 200 bytes"):
        read_records(resource, [200], np.dtype("u1"))


def test_a_file_that_shrinks_while_it_is_read_is_an_error(file: Path) -> None:
    with Resource.of(file).reading() as opened:
        file.write_bytes(bytes(10))
        with pytest.raises(TruncatedError, match="found 10 bytes"):
            opened.read(0, 200)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
def test_reading_leaves_nothing_open(file: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    resource = Resource.of(file)
    resource.read(0, 1)
    with resource.reading() as opened:
        opened.read(0, 1)
    touched(file)
    with pytest.raises(FormatError):
        resource.read(0, 1)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


# Sessions and backends


class Least(IOSession):
    """As little as a session can be; the memory that it gives is used again."""

    def __init__(self) -> None:
        self.memory = np.zeros(8, dtype=np.uint8)

    def view(self, resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
        self.memory[:] = 10 * resource + offset
        return self.memory[:nbytes]


class LeastBackend(IOBackend):
    """As little as a backend can be."""

    name = "least"

    def open(self, resources: Any) -> Least:
        return Least()


def test_the_least_session_and_backend_have_all_the_rest() -> None:
    backend = LeastBackend()
    assert (backend.zero_copy, backend.unavailable([])) == (False, None)
    session = backend.open([])
    assert not session.zero_copy
    session.prefetch([(0, 0, 4)])
    session.scratch["a"] = 1
    session.close()
    assert session.scratch == {}


def test_several_ranges_stay_valid_together() -> None:
    first, second, third = Least().views([(0, 1, 3), (2, 4, 2), (0, 1, 0)])
    assert (first.tolist(), second.tolist(), third.tolist()) == ([1, 1, 1], [24, 24], [])
    assert not first.flags.writeable


def test_several_ranges_of_a_map_are_not_copied(file: Path) -> None:
    session = MmapBackend().open([Resource.of(file)])
    first, second = session.views([(0, 10, 5), (0, 0, 2)])
    assert (first.tolist(), second.tolist()) == ([10, 11, 12, 13, 14], [0, 1])
    assert np.shares_memory(first, session.view(0, 0, 200))
    session.close()


def test_a_session_without_views_and_a_backend_without_sessions_cannot_be_made() -> None:
    for kind in (IOSession, IOBackend):
        with pytest.raises(TypeError, match="abstract"):
            kind()  # type: ignore[abstract]


@pytest.mark.parametrize("backend", [BufferedBackend, MmapBackend, DirectBackend])
def test_built_in_backends_are_of_the_family(backend: type) -> None:
    assert issubclass(backend, IOBackend)


# Decoded frames


def linear(path: Path, encoding: Encoding, n: int, stride: int, offset: int = 0) -> LinearSource:
    return LinearSource(
        resources=(Resource.of(path),),
        runs=RunTable.single(offset=offset, stride=stride, count=n),
        encoding=encoding,
        info=SourceInfo(),
    )


def test_frames_are_decoded(file: Path) -> None:
    big = linear(file, Encoding(np.dtype(">u2"), (2, 3)), 10, 20, 4)
    assert read_frames(big, [9, 0])[:, 0].tolist() == [[0xB8B9, 0xBABB, 0xBCBD], [0x0405, 0x0607, 0x0809]]
    flipped = linear(file, Encoding(np.dtype("u1"), (2, 3), strides=(-3, 1), origin=3), 4, 6)
    assert read_frames(flipped, [1]).tolist() == [[[9, 10, 11], [6, 7, 8]]]
    packed = linear(file, Encoding(np.dtype("u2"), (2, 2), PackedCodec(12)), 3, 6)
    assert read_frames(packed, range(2))[1].tolist() == [[0x706, 0x080], [0xA09, 0x0B0]]
    assert read_frames(packed, []).shape == (0, 2, 2)


class Counting(FrameSource):
    """Frame i is the byte at 10 i, over and over."""

    def __init__(self, path: Path) -> None:
        files = (Resource.of(path),)
        super().__init__(SourceInfo(), n_frames=20, sig_shape=(2, 2), dtype="u1", resources=files)

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        for frame, target in zip(frames.tolist(), out, strict=True):
            target[...] = io.view(0, 10 * frame, 1)[0]


def test_frames_of_a_procedural_source_are_read(file: Path) -> None:
    assert read_frames(Counting(file), [19, 3])[:, 1, 1].tolist() == [190, 30]


def test_frames_that_are_not_there_are_an_index_error(file: Path) -> None:
    for frames in ([0, 20], [-1]):
        with pytest.raises(IndexError, match="there are 20 frames"):
            read_frames(Counting(file), frames)


def test_frames_of_a_file_that_changed_are_an_error(file: Path) -> None:
    source = linear(file, Encoding(np.dtype("u1"), (2, 2)), 5, 4)
    touched(file)
    with pytest.raises(FormatError, match="rewritten"):
        read_frames(source, [0])
