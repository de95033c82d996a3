"""Frames come out of files as their description says, however they lie there and however they are asked for."""

from __future__ import annotations

import itertools
import json
import math
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from lamella.dataset.dataset import DataSet
from lamella.dataset.framereader import FrameReader
from lamella.dataset.provenance import Provenance
from lamella.errors import CorruptError, LamellaWarning, ParameterError, TruncatedError
from lamella.geometry.shape import SigBox
from lamella.io.backend import IOBackend
from lamella.io.choose import choose_backend
from lamella.opening.reshape import reshape_source
from lamella.reader.resource import Resource
from lamella.reader.runs import RunTable
from lamella.reader.source import Encoding, FrameSource, LinearSource, SourceInfo

DTYPES = ("?", "u1", "i1", "<u2", ">u2", ">i2", "<i4", ">i4", ">u8", "<f2", ">f2", "<f4", ">f8", "<c8", ">c16")
BACKENDS = ("mmap", "buffered", "direct")


def linear(
    path: Path, offsets: Sequence[int], encoding: Encoding, *, resource: Any = 0, files: int = 1
) -> LinearSource:
    resources = tuple(Resource.of(path if files == 1 else path / str(i)) for i in range(files))
    runs = RunTable.from_offsets(offsets, resource)
    return LinearSource(resources=resources, runs=runs, encoding=encoding, info=SourceInfo())


def reader(source: LinearSource | FrameSource, backend: str, **keywords: Any) -> FrameReader:
    try:
        return FrameReader(source, choose_backend(backend, source.resources), **keywords)
    except ParameterError as error:
        pytest.skip(str(error))


def random_bytes(nbytes: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, nbytes, dtype="u1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reading")


# Run tables


offset_lists = st.lists(st.integers(0, 10_000), max_size=40) | st.builds(
    lambda start, step, n: list(range(start, start + n * step, step)),
    st.integers(0, 100),
    st.integers(1, 50),
    st.integers(0, 40),
)


@given(offsets=st.lists(offset_lists, max_size=4).map(lambda lists: list(itertools.chain(*lists))), data=st.data())
def test_a_run_table_leads_to_every_frame(offsets: list[int], data: st.DataObject) -> None:
    n = len(offsets)
    owners = data.draw(st.just([0] * n) | st.lists(st.integers(0, 2), min_size=n, max_size=n))
    table = RunTable.from_offsets(offsets, owners)
    expected = list(zip(owners, offsets, strict=True))
    assert table.n_frames == n
    start = data.draw(st.integers(0, n))
    stop = data.draw(st.integers(start, n))
    for begin, end in ((0, n), (start, stop)):
        segments = list(table.segments(begin, end))
        assert [(s.resource, s.offset) for segment in segments for s in segment] == expected[begin:end]
    assert [(s.resource, s.offset) for segment in table.runs() for s in segment] == expected
    assert len(table) <= n


@given(start=st.integers(0, 10**9), stride=st.integers(1, 10**6), n=st.integers(1, 1000))
def test_frames_at_constant_distance_are_one_run(start: int, stride: int, n: int) -> None:
    table = RunTable.from_offsets(range(start, start + n * stride, stride))
    assert len(table) == 1


def test_a_run_table_skips_empty_runs() -> None:
    table = RunTable([0, 1, 0], [0, 7, 100], [10, 1, 10], [2, 0, 1])
    assert [(s.resource, s.offset, s.count) for s in table.segments(0, 3)] == [(0, 0, 2), (0, 100, 1)]
    assert pickle.loads(pickle.dumps(table)).n_frames == 3


def test_a_source_that_reaches_outside_its_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100))
    encoding = Encoding(np.dtype("u1"), (4, 5))
    linear(tmp_path / "a", [0, 80], encoding)
    with pytest.raises(TruncatedError, match="outside the file; expected at least 101 bytes; found 100 bytes"):
        linear(tmp_path / "a", [0, 81], encoding)
    with pytest.raises(TruncatedError):
        linear(tmp_path / "a", [-1], encoding)
    with pytest.raises(TruncatedError):
        linear(tmp_path / "a", [0], Encoding(np.dtype("u1"), (4, 5), strides=(-5, 1), origin=14))


def test_a_linear_source_knows_its_frames_from_its_tables(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100))
    source = linear(tmp_path / "a", [0, 40], Encoding(np.dtype(">u2"), (4, 5)))
    assert (source.n_frames, source.sig_shape, source.dtype) == (2, (4, 5), np.dtype(np.uint16))
    assert source.dtype.isnative
    ds = DataSet(source, provenance=Provenance(format="test", title="Test"))
    assert (tuple(ds.shape), ds.dtype) == ((2, 4, 5), np.dtype(np.uint16))


# Any layout, any frames, any part


@dataclass(frozen=True)
class Layout:
    """Where the pixels of a frame lie: dtype, shape, padding between them, and axes that run backwards."""

    dtype: str
    shape: tuple[int, ...]
    padding: tuple[int, ...]
    backwards: tuple[bool, ...]

    @property
    def encoding(self) -> Encoding:
        step = np.dtype(self.dtype).itemsize
        strides: list[int] = []
        origin = 0
        for length, pad, back in zip(
            reversed(self.shape), reversed(self.padding), reversed(self.backwards), strict=True
        ):
            strides.append(-step if back else step)
            origin += (length - 1) * step if back else 0
            step = step * length + pad
        return Encoding(np.dtype(self.dtype), self.shape, strides=tuple(reversed(strides)), origin=origin)


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    rank = draw(st.integers(1, 3))

    def each(strategy: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return draw(st.tuples(*[strategy] * rank))

    return Layout(
        draw(st.sampled_from(DTYPES[1:])), each(st.integers(1, 4)), each(st.integers(0, 3)), each(st.booleans())
    )


@st.composite
def boxes(draw: st.DrawFn, shape: tuple[int, ...]) -> SigBox:
    origin = tuple(draw(st.integers(0, n - 1)) for n in shape)
    return SigBox(origin, tuple(draw(st.integers(1, n - o)) for n, o in zip(shape, origin, strict=True)))


def pixels(content: NDArray[np.uint8], offsets: Sequence[int], encoding: Encoding) -> NDArray[Any]:
    """The frames, pixel by pixel: the model."""
    frames = np.empty((len(offsets), *encoding.sig_shape), encoding.dtype)
    itemsize = encoding.dtype.itemsize
    for i, offset in enumerate(offsets):
        for where in np.ndindex(*encoding.sig_shape):
            at = offset + encoding.origin + sum(w * s for w, s in zip(where, encoding.strides, strict=True))
            frames[(i, *where)] = content[at : at + itemsize].view(encoding.dtype)[0]
    return frames


def assert_same(got: NDArray[Any], expected: NDArray[Any]) -> None:
    assert got.shape == expected.shape
    assert got.astype(got.dtype.newbyteorder("<")).tobytes() == expected.astype(got.dtype.newbyteorder("<")).tobytes()


@settings(max_examples=3 * settings().max_examples // 2)
@given(layout=layouts(), data=st.data())
@pytest.mark.parametrize("backend", ["mmap", "buffered"])
def test_any_layout_is_read_like_pixel_by_pixel(
    folder: Path, backend: str, layout: Layout, data: st.DataObject
) -> None:
    content = random_bytes(4000)
    path = folder / "layout"
    if not path.exists():
        path.write_bytes(content.tobytes())
    encoding = layout.encoding
    high = encoding.extent()[1]
    offsets = data.draw(
        st.lists(st.integers(0, 4000 - high), min_size=1, max_size=12)
        | st.integers(1, 5).map(lambda n: [i * (high + 3) for i in range(n) if (i + 1) * (high + 3) < 4000] or [0])
    )
    stored = pixels(content, offsets, encoding)
    with reader(linear(path, offsets, encoding), backend) as frame_reader:
        for _ in range(data.draw(st.integers(1, 3))):
            box = data.draw(boxes(layout.shape))
            begin = data.draw(st.integers(0, len(offsets) - 1))
            run = range(begin, data.draw(st.integers(begin + 1, len(offsets))))
            picked = np.asarray(data.draw(st.lists(st.integers(-1, len(offsets) - 1), min_size=1, max_size=9)))
            assert_same(frame_reader.read(run, box), stored[run.start : run.stop][(slice(None), *box.slices)])
            expected = np.where((picked >= 0).reshape(-1, *[1] * len(layout.shape)), stored[picked], 0)
            assert_same(frame_reader.read(picked, box), expected[(slice(None), *box.slices)].astype(encoding.native))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_dtype_keeps_its_values(folder: Path, dtype: str, backend: str) -> None:
    """Big-endian signed integers keep their sign; half floats, booleans and complex numbers are numbers."""
    values = np.array([[0, 1, 2, 3, 100], [-1, -2, -100, 5, 6]]) if np.dtype(dtype).kind in "ifc" else np.eye(2, 5) * 3
    data = np.stack([values, values[::-1], values + 1, values * 2]).astype(dtype)
    path = folder / f"values{dtype[0]}{dtype[-2:]}".replace(">", "b").replace("<", "l").replace("?", "q")
    data.tofile(path)
    offsets = range(0, data.nbytes, data[0].nbytes)
    with reader(linear(path, offsets, Encoding(data.dtype, (2, 5))), backend) as frame_reader:
        got = frame_reader.read(range(4))
        assert got.dtype == data.dtype.newbyteorder("=")
        np.testing.assert_array_equal(got, data)
        np.testing.assert_array_equal(frame_reader.read(np.array([3, 0, 0])), data[[3, 0, 0]])


@pytest.mark.parametrize("wanted", ["u1", "f4", "f8", "c8"])
@pytest.mark.parametrize("dtype", ["u1", ">u2", "<i4"])
@pytest.mark.parametrize("backend", ["mmap", "buffered"])
def test_another_dtype_can_be_asked_for(folder: Path, dtype: str, wanted: str, backend: str) -> None:
    data = np.arange(80).reshape(4, 4, 5).astype(dtype)
    path = folder / "wanted"
    data.tofile(path)
    source = linear(path, range(0, data.nbytes, data[0].nbytes), Encoding(data.dtype, (4, 5)))
    with reader(source, backend, dtype=wanted) as frame_reader:
        got = frame_reader.read(range(4), SigBox((1, 2), (2, 3)))
        assert got.dtype == np.dtype(wanted)
        np.testing.assert_array_equal(got, data[:, 1:3, 2:5].astype(wanted))


@pytest.mark.parametrize("backend", BACKENDS)
def test_frames_lie_in_several_files_and_in_any_order(tmp_path: Path, backend: str) -> None:
    data = np.arange(12 * 20, dtype=">u2").reshape(12, 4, 5)
    owners, places = [i % 3 for i in range(12)], [(i // 3) * 43 + 3 for i in range(12)]
    for file in range(3):
        content = bytearray(200)
        for frame, owner, place in zip(data, owners, places, strict=True):
            if owner == file:
                content[place : place + 40] = frame.tobytes()
        (tmp_path / str(file)).write_bytes(content)
    source = linear(tmp_path, places, Encoding(np.dtype(">u2"), (4, 5)), resource=owners, files=3)
    with reader(source, backend) as frame_reader:
        np.testing.assert_array_equal(frame_reader.read(range(12)), data)
        got = frame_reader.read(np.array([11, 2, 5, -1, 0]))
        np.testing.assert_array_equal(got[[0, 1, 2, 4]], data[[11, 2, 5, 0]])
        assert not got[3].any()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stride", [40, 47, 400])
def test_frames_lie_backwards(tmp_path: Path, backend: str, stride: int) -> None:
    data = np.arange(9 * 20, dtype="<u2").reshape(9, 4, 5)
    content = bytearray(9 * stride)
    for i, frame in enumerate(data):
        content[(8 - i) * stride : (8 - i) * stride + 40] = frame.tobytes()
    (tmp_path / "a").write_bytes(content)
    source = LinearSource(
        resources=(Resource.of(tmp_path / "a"),),
        runs=RunTable.single(offset=8 * stride, stride=-stride, count=9),
        encoding=Encoding(np.dtype("<u2"), (4, 5)),
        info=SourceInfo(),
    )
    with reader(source, backend) as frame_reader:
        np.testing.assert_array_equal(frame_reader.read(range(9)), data)
        np.testing.assert_array_equal(frame_reader.read(range(2, 7), SigBox((1, 1), (2, 3))), data[2:7, 1:3, 1:4])


class Spy(IOBackend):
    """A backend that adds up what is read through another one."""

    name = "spy"

    def __init__(self) -> None:
        self.nbytes = 0

    def open(self, resources: Any) -> Any:
        session = choose_backend("buffered", resources).open(resources)
        view = session.view

        def counted(resource: int, offset: int, nbytes: int) -> NDArray[np.uint8]:
            self.nbytes += nbytes
            return view(resource, offset, nbytes)

        session.view = counted  # type: ignore[method-assign]
        return session


@pytest.mark.parametrize("codec", [False, True])
def test_wide_gaps_between_frames_are_not_read(tmp_path: Path, codec: bool) -> None:
    (tmp_path / "a").write_bytes(bytes(100_000))
    encoding = Encoding(np.dtype("u1"), (4, 5), Backwards() if codec else None)
    spy = Spy()
    with FrameReader(linear(tmp_path / "a", range(0, 90_000, 1000), encoding), spy) as frame_reader:
        frame_reader.read(range(90))
    assert spy.nbytes == 90 * 20


def test_small_gaps_are_read_along(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100_000))
    spy = Spy()
    source = linear(tmp_path / "a", range(0, 2600, 26), Encoding(np.dtype("u1"), (4, 5)))
    with FrameReader(source, spy) as frame_reader:
        frame_reader.read(range(100))
    assert spy.nbytes == 99 * 26 + 20


def test_only_the_rows_of_the_box_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100_000))
    spy = Spy()
    source = linear(tmp_path / "a", [0], Encoding(np.dtype("u1"), (100, 100)))
    with FrameReader(source, spy) as frame_reader:
        frame_reader.read(range(1), SigBox((10, 20), (3, 30)))
    assert spy.nbytes == 2 * 100 + 30


def test_a_run_stored_as_wanted_is_a_view(folder: Path) -> None:
    data = np.arange(80, dtype="u2").reshape(4, 4, 5)
    path = folder / "viewed"
    data.tofile(path)
    with reader(linear(path, range(0, 160, 40), Encoding(data.dtype, (4, 5))), "mmap") as frame_reader:
        first, second = frame_reader.read(range(3)), frame_reader.read(range(1, 4))
        assert np.shares_memory(first, second)
        with pytest.raises(ValueError, match="read-only"):
            first[...] = 0


# Codecs and procedural sources


class Backwards:
    """A codec whose frames are stored from the last byte to the first."""

    name = "backwards"

    def stored_nbytes(self, sig_shape: Sequence[int]) -> int:
        return math.prod(sig_shape)

    def decode(self, stored: NDArray[np.uint8], out: NDArray[Any]) -> None:
        out[...] = stored[:, ::-1].reshape(out.shape)

    def storage_order(self, sig_shape: Sequence[int]) -> None:
        return None


@settings(max_examples=60)
@given(
    offsets=st.lists(st.integers(0, 3900), min_size=1, max_size=12)
    | st.integers(20, 200).map(lambda stride: list(range(0, 3900, stride))[:12]),
    box=boxes((4, 5)),
    reshaped=st.booleans(),
)
@pytest.mark.parametrize("backend", ["mmap", "buffered"])
def test_codecs_decode_whatever_is_asked_for(
    folder: Path, backend: str, offsets: list[int], box: SigBox, reshaped: bool
) -> None:
    content = random_bytes(4000)
    path = folder / "coded"
    if not path.exists():
        path.write_bytes(content.tobytes())
    frames = np.stack([content[offset : offset + 20][::-1].reshape(4, 5) for offset in offsets])
    source: LinearSource | FrameSource = linear(path, offsets, Encoding(np.dtype("u1"), (4, 5), Backwards()))
    if reshaped:
        source, frames, box = reshape_source(source, (2, 10)), frames.reshape(-1, 2, 10), SigBox((0, 3), (2, 5))
    for dtype in ("u1", "f4"):
        with reader(source, backend, dtype=dtype) as frame_reader:
            got = frame_reader.read(range(len(offsets)), box)
            np.testing.assert_array_equal(got, frames[(slice(None), *box.slices)])
            picked = np.arange(len(offsets))[::-1]
            np.testing.assert_array_equal(frame_reader.read(picked, box), frames[::-1][(slice(None), *box.slices)])


@settings(max_examples=60)
@given(layout=layouts(), data=st.data())
def test_frames_in_another_shape_hold_the_same_pixels(folder: Path, layout: Layout, data: st.DataObject) -> None:
    content = random_bytes(4000)
    path = folder / "layout"
    path.write_bytes(content.tobytes())
    size = math.prod(layout.shape)
    height = data.draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
    shape = (height, size // height)
    offsets = [0, 1500, 700]
    frames = pixels(content, offsets, layout.encoding).reshape(3, *shape)
    box = data.draw(boxes(shape))
    source = reshape_source(linear(path, offsets, layout.encoding), shape)
    with reader(source, "buffered") as frame_reader:
        assert_same(frame_reader.read(range(3), box), frames[(slice(None), *box.slices)])


class Generated(FrameSource):
    """Frames that are computed: every pixel is the number of its frame."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__(SourceInfo(), n_frames=10, sig_shape=(4, 5), dtype="i4")
        self.failure = failure
        self.asked: list[list[int]] = []

    def read(self, io: Any, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        if self.failure is not None:
            raise self.failure
        assert out.flags.c_contiguous
        assert out.dtype == self.dtype
        self.asked.append(frames.tolist())
        out[...] = frames.reshape(-1, 1, 1)


@pytest.mark.parametrize("dtype", ["i4", "f8"])
def test_procedural_sources_are_asked_for_what_exists(dtype: str) -> None:
    source = Generated()
    with reader(source, "buffered", dtype=dtype) as frame_reader:
        got = frame_reader.read(np.array([3, -1, 9, -1]), SigBox((0, 0), (1, 1)))
        np.testing.assert_array_equal(got.reshape(-1), [3, 0, 9, 0])
        assert not frame_reader.read(np.array([-1, -1])).any()
        np.testing.assert_array_equal(frame_reader.read(range(2, 4))[:, 3, 4], [2, 3])
    assert source.asked == [[3, 9], [2, 3]]


def test_a_failing_source_names_the_frames() -> None:
    with (
        reader(Generated(KeyError("chunk")), "buffered") as frame_reader,
        pytest.raises(CorruptError, match=r"reading frames 4 to 6 failed \(KeyError: 'chunk'\)"),
    ):
        frame_reader.read(range(4, 7))


def test_an_error_of_the_format_stays_what_it_is() -> None:
    error = TruncatedError("cut", path="x")
    with reader(Generated(error), "buffered") as frame_reader, pytest.raises(TruncatedError) as caught:
        frame_reader.read(range(4, 7))
    assert caught.value is error


# Data sets: travelling, changing files, huge files


def raw_dataset(path: Path, frame: tuple[int, int] = (64, 64), **keywords: Any) -> DataSet:
    n_frames = path.stat().st_size // math.prod(frame)
    source = linear(path, range(0, n_frames * math.prod(frame), math.prod(frame)), Encoding(np.dtype("u1"), frame))
    return DataSet(source, provenance=Provenance(format="test", title="Test"), **keywords)


def test_partitions_are_small_letters(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(10**6 * 64)
    ds = raw_dataset(tmp_path / "a", (8, 8), nav_shape=(1000, 1000))
    for partition in ds.partitions(7):
        assert len(pickle.dumps(partition)) < 64 * 1024
        assert pickle.loads(pickle.dumps(partition)).dataset.shape == ds.shape


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_data_set_travels_with_its_choices(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(random_bytes(12 * 64).tobytes())
    ds = raw_dataset(
        tmp_path / "a", (8, 8), nav_shape=(3, 5), sync_offset=-2, missing="zero", io_backend="buffered", name="mine"
    )
    there = pickle.loads(pickle.dumps(ds))
    np.testing.assert_array_equal(np.asarray(there), np.asarray(ds))
    assert (there.name, there.missing, there.backend.name) == ("mine", "zero", "buffered")
    assert there.fingerprint == ds.fingerprint


STREAM = """
import json, os, sys
import numpy as np
from lamella.errors import FormatError
from lamella.opening.open import open_dataset

path, backend, change = sys.argv[1:]
ds = open_dataset("raw", path, {"dtype": "u1", "sig_shape": (64, 64), "io_backend": backend})
for partition in ds.partitions(1):
    for tile in partition.tiles(ds.scheme()):
        tile.data.sum()                      # a first pass, after which mappings are kept
size = os.path.getsize(path)
tiles = ds.partitions(1)[0].tiles(ds.scheme())
next(tiles)
if change == "shrink":
    os.truncate(path, size // 8)
else:
    with open(path, "wb") as file:           # empty for a moment, then as long as before
        file.write(bytes(size))
    os.utime(path, (1, 1))
try:
    for tile in tiles:
        tile.data.sum()
    print(json.dumps("no error"))
except FormatError as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""


def child(code: str, *arguments: object) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, f"the process ended with {done.returncode}: {done.stderr}"
    return json.loads(done.stdout)


@pytest.mark.parametrize("backend", ["mmap", "buffered"])
@pytest.mark.parametrize(("change", "error"), [("shrink", "TruncatedError"), ("rewrite", "FormatError")])
def test_a_file_that_changes_between_tiles_is_an_error_and_not_a_dead_process(
    tmp_path: Path, backend: str, change: str, error: str
) -> None:
    path = tmp_path / "scan.raw"
    path.write_bytes(bytes(16 << 20))
    kind, text = child(STREAM, path, backend, change)
    assert kind == error
    assert str(path) in text
    assert "since it was opened" in text


TERABYTE = r"""
import json, re, sys, time
from pathlib import Path
began = time.process_time()
from lamella.opening.open import open_dataset
ds = open_dataset("raw", sys.argv[1], {"dtype": "<u2", "sig_shape": (512, 512), "nav_shape": (2048, 1024)})
last = ds[-1, -1]
took = time.process_time() - began
peak = int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
print(json.dumps([took, peak, int(last.sum())]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory in /proc")
def test_the_last_frame_of_a_terabyte_comes_quickly_and_costs_little(tmp_path: Path) -> None:
    path = tmp_path / "large.raw"
    try:
        with path.open("wb") as file:
            file.truncate(1 << 40)
            file.seek(-6, 2)
            file.write(bytes([1, 0, 2, 0, 3, 0]))
    except OSError as error:
        pytest.skip(f"no sparse file of 1 TiB here ({error})")
    seconds, peak, total = min(child(TERABYTE, path) for _ in range(3))
    assert total == 6
    assert seconds < 2  # of the processor, imports included; looking at every frame would take minutes
    assert peak < 100 << 20


def test_a_frame_count_that_does_not_fit_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(12 * 64))
    with pytest.warns(LamellaWarning, match=r"4 of 16 scan positions.*nav_shape \(3, 4\) or \(2, 6\) would show"):
        raw_dataset(tmp_path / "a", (8, 8), nav_shape=(4, 4))
