"""Codecs give the pixels that went in, compiled or not, whatever the memory that the bytes lie in."""

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from lamella.codecs.chips import GapCodec, QuadCodec
from lamella.codecs.codec import Codec
from lamella.codecs.folding import FoldingCodec
from lamella.codecs.highlow import HighLowCodec
from lamella.codecs.packed import PackedCodec, unpack
from lamella.codecs.words import WordCodec
from lamella.kernels.library import Kernel

# Encoders, written from the descriptions of the formats with integers and bytes only.


def pack(pixels: Sequence[int], bits: int) -> bytes:
    """First pixel in the least significant bits of a little-endian number."""
    number = sum(int(value) << (bits * k) for k, value in enumerate(pixels))
    return number.to_bytes(-(-len(pixels) * bits // 8), "little")


def packed(frame: NDArray[Any], bits: int) -> bytes:
    return pack(frame.reshape(-1).tolist(), bits)


def words(frame: NDArray[Any], container: int) -> bytes:
    """First pixel in the least significant bits of each big-endian 64-bit word."""
    flat, step = frame.reshape(-1).tolist(), 64 // container
    chunks = (flat[i : i + step] for i in range(0, len(flat), step))
    return b"".join(pack(chunk, container)[::-1] for chunk in chunks)


def quad(frame: NDArray[Any], container: int) -> bytes:
    """Rows of chip 4, 3, 2, 1; chips 3 and 4 upside down."""
    rows = frame.shape[0] // 2
    chip1, chip2 = frame[:rows, :256], frame[:rows, 256:]
    chip3, chip4 = frame[rows:, :256][::-1, ::-1], frame[rows:, 256:][::-1, ::-1]
    return b"".join(words(chip[r], container) for r in range(rows) for chip in (chip4, chip3, chip2, chip1))


def folded(frame: NDArray[Any], binning: int) -> bytes:
    rows = frame[::binning]
    half = rows.shape[0] // 2
    return b"".join(
        b"".join(int(v).to_bytes(2, "little") for v in (*rows[y], *rows[2 * half - 1 - y][::-1])) for y in range(half)
    )


@dataclass(frozen=True)
class Case:
    """A codec, the shape and the range of its frames, and the encoder of one frame."""

    name: str
    codec: Codec
    shape: tuple[int, ...]
    bits: int
    dtype: str
    encode: Callable[[NDArray[Any]], bytes]
    binning: int = 1
    permutes: bool = False

    def frames(self, n: int, seed: int = 0) -> NDArray[Any]:
        """Random frames that the format can hold."""
        values = np.random.default_rng(seed).integers(0, 2**self.bits, (n, *self.shape), dtype=np.uint64)
        values[-1].reshape(-1)[0] = 2**self.bits - 1
        return np.repeat(values[:, :: self.binning], self.binning, axis=1).astype(self.dtype)


def high_low(encode: Callable[[NDArray[Any]], bytes]) -> Callable[[NDArray[Any]], bytes]:
    return lambda frame: encode(frame >> 12) + encode(frame & 0xFFF)


def without_gap(frame: NDArray[Any]) -> NDArray[Any]:
    keep = [*range(frame.shape[0] // 2 - 1), *range(frame.shape[0] // 2 + 1, frame.shape[0])]
    wide = [*range(256), *range(258, 514)]
    return frame[np.ix_(keep, wide)]


Container = Literal[1, 8, 16]
WORD_PIXELS: list[tuple[Container, int, str]] = [
    (1, 1, "u1"),
    (8, 6, "u1"),
    (8, 8, "u1"),
    (16, 12, "u2"),
    (16, 16, "u2"),
]
QUAD_PIXELS: list[tuple[Container, int, str]] = [(1, 1, "u1"), (8, 6, "u1"), (16, 12, "u2")]
PACKED = [
    Case(f"packed-{bits}-{name}", PackedCodec(bits), shape, bits, dtype, partial(packed, bits=bits))
    for bits, dtype in ((1, "u1"), (2, "u1"), (3, "u1"), (4, "u1"), (6, "u1"), (8, "u1"), (10, "u2"), (12, "u2"))
    for name, shape in (("whole", (6, 16)), ("odd", (5, 7)), ("tiny", (1, 1)))
]
WORDS = [
    Case(
        f"words-{container}-{bits}",
        WordCodec(container),
        (5, 256),
        bits,
        dtype,
        partial(words, container=container),
        permutes=container > 1,
    )
    for container, bits, dtype in WORD_PIXELS
]
QUADS = [
    Case(
        f"quad-{container}-{rows}",
        QuadCodec(container),
        (2 * rows, 512),
        bits,
        dtype,
        partial(quad, container=container),
        permutes=container > 1,
    )
    for container, bits, dtype in QUAD_PIXELS
    for rows in (1, 7)
]
JOINED = [
    Case("high-low", HighLowCodec(WordCodec(16)), (3, 256), 24, "u4", high_low(partial(words, container=16))),
    Case("high-low-quad", HighLowCodec(QuadCodec(16)), (6, 512), 24, "u4", high_low(partial(quad, container=16))),
]
FOLDED = [
    Case(
        f"folded-{binning}",
        FoldingCodec(binning),
        (8 * binning, 11),
        16,
        "u2",
        partial(folded, binning=binning),
        binning=binning,
        permutes=binning == 1,
    )
    for binning in (1, 2, 4)
]
CASES = [*PACKED, *WORDS, *QUADS, *JOINED, *FOLDED]
every_codec = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture(params=["numpy", "compiled"])
def path(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[str]:
    chosen: str = request.param
    force(chosen, monkeypatch)
    yield chosen
    assert not caplog.records, "a kernel could not be compiled"


def force(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if path == "numpy":
        monkeypatch.setattr(Kernel, "__call__", lambda kernel, *arguments: kernel.fallback(*arguments))
    else:
        monkeypatch.setenv("LAMELLA_KERNELS", "compiled")


def stored(case: Case, frames: NDArray[Any], *, before: int = 0, gap: int = 0) -> NDArray[np.uint8]:
    """The bytes of frames as rows that lie ``gap`` bytes apart, ``before`` bytes from the start of the memory."""
    records = [case.encode(frame) for frame in frames]
    nbytes = len(records[0])
    memory = np.frombuffer(b"\xaa" * before + b"".join(r + b"\x55" * gap for r in records), dtype=np.uint8)
    return np.ndarray((len(records), nbytes), np.uint8, memory.data, before, (nbytes + gap, 1))


def decoded(case: Case, rows: NDArray[np.uint8]) -> NDArray[Any]:
    out = np.full((len(rows), *case.shape), 7, dtype=case.dtype)
    case.codec.decode(rows, out)
    return out


@every_codec
def test_pixels_come_back(case: Case, path: str) -> None:
    frames = case.frames(3)
    np.testing.assert_array_equal(decoded(case, stored(case, frames)), frames, strict=True)


@every_codec
@pytest.mark.parametrize(("before", "gap"), [(0, 8), (384, 384), (1, 0), (3, 5), (8, 4)])
def test_frames_may_lie_apart_and_anywhere(case: Case, path: str, before: int, gap: int) -> None:
    frames = case.frames(4, seed=before)
    np.testing.assert_array_equal(decoded(case, stored(case, frames, before=before, gap=gap)), frames, strict=True)


@every_codec
def test_memory_may_be_writable_or_not(case: Case, path: str) -> None:
    frames = case.frames(2)
    rows = stored(case, frames)
    assert not rows.flags.writeable
    np.testing.assert_array_equal(decoded(case, rows.copy()), frames)
    np.testing.assert_array_equal(decoded(case, rows[1:]), frames[1:])
    assert decoded(case, rows[:0]).size == 0


@every_codec
def test_the_stored_size_is_that_of_a_frame(case: Case) -> None:
    assert case.codec.stored_nbytes(case.shape) == len(case.encode(case.frames(1)[0]))


@every_codec
def test_the_storage_order_is_where_each_stored_pixel_belongs(case: Case) -> None:
    order = case.codec.storage_order(case.shape)
    assert (order is not None) == case.permutes
    if order is None:
        return
    frame = case.frames(1)[0]
    items = np.frombuffer(case.encode(frame), dtype=order.dtype)
    rebuilt = np.zeros(frame.size, dtype=case.dtype)
    rebuilt[order.order] = items
    np.testing.assert_array_equal(rebuilt.reshape(frame.shape), frame)
    np.testing.assert_array_equal(np.sort(order.order), np.arange(frame.size))


@every_codec
def test_codecs_pickle_and_compare(case: Case) -> None:
    copy = pickle.loads(pickle.dumps(case.codec))
    assert copy == case.codec
    assert copy.name == case.codec.name


@pytest.mark.parametrize("container", [1, 8, 16])
def test_a_gap_parts_the_quadrants_with_zeros(container: Any, path: str) -> None:
    codec = GapCodec(QuadCodec(container), 2)
    dtype = codec.inner.dtype  # type: ignore[attr-defined]
    shape = (6, 514)
    frames = np.random.default_rng(0).integers(0, 2 if container == 1 else 60, (2, *shape)).astype(dtype)
    mask = codec.gap_mask(shape)
    frames[:, mask] = 0
    rows = np.stack([np.frombuffer(quad(without_gap(frame), container), np.uint8) for frame in frames])
    out = np.full((2, *shape), 7, dtype=dtype)
    codec.decode(rows, out)
    np.testing.assert_array_equal(out, frames)
    assert mask.sum() == 6 * 514 - 4 * 512
    assert codec.stored_nbytes(shape) == rows.shape[1]
    assert codec.storage_order(shape) is None


@pytest.mark.parametrize(
    ("container", "file", "pixels"),
    [
        (8, "08 07 06 05 04 03 02 01", [1, 2, 3, 4, 5, 6, 7, 8]),
        (16, "00 04 00 03 00 02 0F FF", [4095, 2, 3, 4]),
        (1, "80 00 00 00 00 00 00 05", [1, 0, 1, *[0] * 60, 1]),
    ],
)
def test_the_worked_examples_of_medipix_words(container: Any, file: str, pixels: list[int], path: str) -> None:
    codec = WordCodec(container)
    out = np.empty((1, len(pixels)), codec.dtype)
    codec.decode(np.frombuffer(bytes.fromhex(file), np.uint8)[None], out)
    assert out[0].tolist() == pixels


def test_the_worked_example_of_k2_nibbles(path: str) -> None:
    out = np.empty((1, 2), np.uint16)
    PackedCodec(12).decode(np.frombuffer(bytes.fromhex("BCFADE"), np.uint8)[None], out)
    assert out[0].tolist() == [0xABC, 0xDEF]


def test_the_worked_example_of_folding(path: str) -> None:
    out = np.empty((1, 4, 2), np.uint16)
    FoldingCodec().decode(np.arange(1, 9, dtype="<u2").view(np.uint8)[None], out)
    assert out[0].tolist() == [[1, 2], [5, 6], [8, 7], [4, 3]]


@given(
    st.integers(1, 16),
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 40)),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_rows_are_unpacked_from_anywhere_to_anywhere(
    bits: int, shape: tuple[int, int, int], backwards: bool, seed: int
) -> None:
    n, rows, width = shape
    rng = np.random.default_rng(seed)
    dtype = np.uint8 if bits <= 8 else np.uint16
    pixels = rng.integers(0, 2**bits, shape, dtype=np.uint64).astype(dtype)
    nbytes = -(-width * bits // 8)
    source = rng.integers(0, 256, (n, rows + 1, nbytes + 3), dtype=np.uint8)[:, :rows, :nbytes]
    for i, r in np.ndindex(n, rows):
        source[i, r] = np.frombuffer(pack(pixels[i, r].tolist(), bits), np.uint8)
    results = []
    for path in ("numpy", "compiled"):
        frame = np.zeros((rows + 2, n, width + 1), dtype=dtype)
        target = frame[1:-1, :: -1 if backwards else 1, :width].transpose(1, 0, 2)
        with pytest.MonkeyPatch.context() as monkeypatch:
            force(path, monkeypatch)
            unpack(source, target, bits)
        np.testing.assert_array_equal(target, pixels)
        results.append(frame)
    np.testing.assert_array_equal(results[0], results[1])


@pytest.mark.parametrize("width", [256, 258, 301, 930])
def test_long_rows_of_blocks_are_unpacked_alike(path: str, width: int) -> None:
    rng = np.random.default_rng(width)
    pixels = rng.integers(0, 1 << 12, (2, 3, 2, width), dtype=np.uint16)
    nbytes = -(-width * 12 // 8)
    stored = rng.integers(0, 256, (2, 2, 3, nbytes + 5), dtype=np.uint8).swapaxes(1, 2)[..., :nbytes]
    for where in np.ndindex(2, 3, 2):
        stored[where] = np.frombuffer(pack(pixels[where].tolist(), 12), np.uint8)
    out = np.zeros((2, 3, 2, width + 1), dtype=np.uint16)
    unpack(stored, out[..., :width][:, :, ::-1], 12)
    np.testing.assert_array_equal(out[..., :width][:, :, ::-1], pixels)
    assert not out[..., width].any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PackedCodec(17), "1 to 16 bits, not 17"),
        (lambda: WordCodec(12), "1, 8 or 16 bits, not 12"),  # type: ignore[arg-type]
        (lambda: QuadCodec(6), "1, 8 or 16 bits, not 6"),  # type: ignore[arg-type]
        (lambda: FoldingCodec(0), "1 or more, not 0"),
        (lambda: WordCodec(1).stored_nbytes((3, 17)), "do not fill whole words of 64 pixels"),
        (lambda: QuadCodec(16).stored_nbytes((3, 512)), "2 R x 512 pixels"),
        (lambda: QuadCodec(16).stored_nbytes((4, 256)), "2 R x 512 pixels"),
        (lambda: FoldingCodec(2).stored_nbytes((6, 10)), "whole number of rows"),
    ],
)
def test_codecs_that_cannot_be_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


# When compiled loops are used.


def test_decoding_some_frames_does_not_import_numba() -> None:
    run(
        """
import sys
import numpy as np
from lamella.codecs import PackedCodec, QuadCodec
for _ in range(20):
    PackedCodec(12).decode(np.zeros((1, 98304), np.uint8), np.empty((1, 256, 256), np.uint16))
    QuadCodec(16).decode(np.zeros((1, 524288), np.uint8), np.empty((1, 512, 512), np.uint16))
assert "numba" not in sys.modules
"""
    )


def test_a_process_that_streams_comes_to_use_compiled_loops() -> None:
    run(
        """
import numpy as np
from lamella.codecs import QuadCodec, chips
from lamella.kernels.library import wait_until_compiled
stored, out = np.zeros((2, 524288), np.uint8), np.empty((2, 512, 512), np.uint16)
for _ in range(100):
    QuadCodec(16).decode(stored, out)
assert wait_until_compiled(60)
assert chips._quad16._ready
"""
    )


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_no_obstacle() -> None:
    run(
        """
import numba.core.caching as caching
class Nowhere:
    @classmethod
    def from_function(cls, function, file): return None
caching.CacheImpl._locator_classes = [Nowhere]
import os
os.environ["LAMELLA_KERNELS"] = "compiled"
import numpy as np
from lamella.codecs import PackedCodec, packed
out = np.empty((1, 2), np.uint16)
PackedCodec(12).decode(np.array([[0xBC, 0xFA, 0xDE]], np.uint8), out)
assert out.tolist() == [[0xABC, 0xDEF]]
assert packed._KERNELS[12]._ready
"""
    )


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr
