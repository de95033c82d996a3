"""Compiled decoders, which copy in words, and interpreted ones, which do not, agree on sound and on damaged chunks."""

import struct
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numba import njit

from lamella.kernels.compilequeue import CompileQueue
from lamella.kernels.library import Kernel
from lamella_hdf5 import filters, kernels, plain, planes

Array = np.ndarray[Any, Any]


def sequence(literals: bytes, back: int | None, length: int) -> bytes:
    """Write one LZ4 sequence: literals, then a match unless ``back`` is None."""

    def extended(n: int) -> bytes:
        return b"" if n < 15 else b"\xff" * ((n - 15) // 255) + bytes([(n - 15) % 255])

    more = 0 if back is None else length - 4
    token = bytes([min(len(literals), 15) << 4 | min(more, 15)])
    end = b"" if back is None else struct.pack("<H", back) + extended(more)
    return token + extended(len(literals)) + literals + end


@st.composite
def blocks(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Give an LZ4 block and what it holds."""
    stored, made = b"", bytearray()
    for _ in range(draw(st.integers(0, 12))):
        literals = draw(st.binary(min_size=0 if made else 1, max_size=20)) * draw(st.integers(1, 12))
        made += literals
        back, length = draw(st.integers(1, min(len(made), 200))), draw(st.integers(4, 900))
        stored += sequence(literals, back, length)
        for _ in range(length):
            made.append(made[-back])
    literals = draw(st.binary(min_size=1, max_size=40))
    return stored + sequence(literals, None, 0), bytes(made + literals)


def guarded(decode: Callable[..., None], stored: bytes, nbytes: int) -> tuple[int, bytes]:
    """Decode between guards; gives the status and what was made."""
    room = np.full(nbytes + 256, 0xA5, np.uint8)
    padded = np.frombuffer(b"\x5a" * 64 + stored + b"\x5a" * 64, np.uint8)
    status = np.zeros(1, np.int64)
    decode(padded[64 : 64 + len(stored)], room[128 : 128 + nbytes], status)
    assert (room[:128] == 0xA5).all()
    assert (room[128 + nbytes :] == 0xA5).all()
    return int(status[0]), room[128 : 128 + nbytes].tobytes()


@settings(max_examples=3 * settings().max_examples // 2)
@given(block=blocks(), data=st.data())
def test_lz4_blocks_are_decoded_alike(block: tuple[bytes, bytes], data: st.DataObject) -> None:
    stored, made = block
    header = struct.pack(">QII", len(made), len(made), len(stored))
    for decode in (plain.lz4_blocks, kernels.lz4_blocks):
        if len(stored) != len(made):  # as many bytes mean that the block was not packed
            assert guarded(decode, header + stored, len(made)) == (0, made)
    damaged = bytearray(stored)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(stored) - 1))] = data.draw(st.integers(0, 255))
    statuses = {guarded(decode, header + damaged, len(made))[0] for decode in (plain.lz4_blocks, kernels.lz4_blocks)}
    assert len(statuses) == 1


AT_THE_END_OF_MEMORY = """
import ctypes, mmap
import numpy as np
from lamella_hdf5 import kernels

page = mmap.PAGESIZE
memory = mmap.mmap(-1, 2 * page)
both = np.frombuffer(memory, np.uint8)
assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(both.ctypes.data + page), ctypes.c_size_t(page), 0) == 0
status = np.zeros(1, np.int64)


def at_the_end(decode, stored, made):
    source, out = both[page // 2 - len(stored) : page // 2], both[page - len(made) : page]
    source[:] = np.frombuffer(stored, np.uint8)
    decode(source, out, status)
    assert status[0] == 0 and out.tobytes() == made
    last, apart = both[page - len(stored) : page], both[: len(made)]
    last[:] = np.frombuffer(stored, np.uint8)
    decode(last, apart, status)
    assert status[0] == 0 and apart.tobytes() == made


for back in range(1, 8):
    start = bytes(range(back))
    made = (start * 9)[: back + 3]
    at_the_end(kernels.lzf, bytes([back - 1]) + start + bytes([1 << 5, back - 1]), made)
    made = (start * 9)[: back + 4] + b"z"
    block = bytes([back << 4]) + start + bytes([back, 0]) + b"\x10z"
    if len(block) != len(made):
        header = len(made).to_bytes(8, "big") + len(made).to_bytes(4, "big") + len(block).to_bytes(4, "big")
        at_the_end(kernels.lz4_blocks, header + block, made)
print("all")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="mprotect is a call of POSIX")
def test_nothing_is_read_behind_the_end_of_memory() -> None:
    """A chunk may end where the memory of the process ends: one byte more ends the process."""
    done = subprocess.run([sys.executable, "-c", AT_THE_END_OF_MEMORY], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "all\n"), done.stderr


@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_bit_planes_become_elements_in_vectors_of_any_width(size: int, width: int) -> None:
    values = np.random.default_rng(size).integers(0, 256, (8 * width, size)).astype(np.uint8)
    bits = np.unpackbits(values, axis=1, bitorder="little").T
    apart = np.zeros((8 * size, width + 5), np.uint8)
    apart[:, :width] = np.packbits(bits, axis=1, bitorder="little")
    transposed = planes.by_vectors(size, width)

    def call(first: int, row: int, target: int) -> None:
        transposed(first, row, target)

    compiled = njit()(call)
    room = np.full((8 * width + 2, size), 0xA5, np.uint8)
    compiled(apart.ctypes.data, width + 5, room[1:].ctypes.data)
    np.testing.assert_array_equal(room[1:-1], values)
    assert (room[[0, -1]] == 0xA5).all()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 8, 16])
@pytest.mark.parametrize("n", [8, 8 * planes.WIDTH - 8, 8 * planes.WIDTH, 8 * planes.WIDTH + 8, 4096])
def test_bit_planes_become_elements_however_many_there_are(n: int, size: int) -> None:
    values = np.random.default_rng(n).integers(0, 256, (n, size)).astype(np.uint8)
    bits = np.unpackbits(values, axis=1, bitorder="little").T
    apart = np.packbits(bits, axis=1, bitorder="little").reshape(-1)
    out, shuffled = np.zeros(n * size, np.uint8), np.zeros(n * size, np.uint8)
    planes.unbitshuffle(apart, n, size, shuffled, out)
    np.testing.assert_array_equal(out, values.reshape(-1))


@settings(max_examples=settings().max_examples)
@given(content=st.binary(max_size=200), nbytes=st.integers(1, 400))
def test_lzf_of_anything_is_decoded_alike_or_refused(content: bytes, nbytes: int) -> None:
    one, other = (guarded(decode, content, nbytes) for decode in (plain.lzf, kernels.lzf))
    assert one[0] == other[0]
    if one[0] == 0:
        assert one == other


@pytest.mark.parametrize("n", [0, 1, 2, 3, 65536, 100_001])
def test_checksums_agree(n: int) -> None:
    body = np.random.default_rng(n).integers(0, 256, n).astype(np.uint8)
    sums = [np.zeros(2, np.uint64) for _ in range(2)]
    plain.fletcher32(body, sums[0])
    kernels.fletcher32(body, sums[1])
    assert sums[0].tolist() == sums[1].tolist()


def test_chunks_are_decoded_where_no_compiler_can_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_compiler(*arguments: Any) -> None:
        raise OSError("libllvmlite.so: failed to map segment from shared object")

    kernel = Kernel("lamella_hdf5.kernels:unshuffle", plain.unshuffle, worth_waiting=True)
    monkeypatch.setattr(kernel, "_load", no_compiler)
    monkeypatch.setattr(filters, "_unshuffle", kernel)
    monkeypatch.setattr("lamella.kernels.library.compile_queue", CompileQueue())
    monkeypatch.setattr("lamella.kernels.library.WORTH_ITS_WHILE", -1.0)
    values = np.arange(100, dtype="<u4")
    stored = np.ascontiguousarray(values.view(np.uint8).reshape(100, 4).T).ravel()
    out = np.empty(400, np.uint8)
    filters.Pipeline((filters.Filter(filters.SHUFFLE, (4,)),), 4, 400).decode(stored, 0, out)
    np.testing.assert_array_equal(out.view("<u4"), values)
