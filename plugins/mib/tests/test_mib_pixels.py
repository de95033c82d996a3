"""Every kind of Merlin frame gives the pixels that were written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.errors import CorruptError, FormatError, ParameterError, UnsupportedError
from lamella_mib.writer import Merlin, sidecar_text

KINDS = {
    "U08": (Merlin(), (5, 7), np.uint8),
    "U16": (Merlin(depth=12), (5, 7), np.uint16),
    "U32": (Merlin(depth=24), (5, 7), np.uint32),
    "U64": (Merlin(depth=24), (5, 7), np.uint64),
    "U08 of a quad": (Merlin(chips=4), (512, 512), np.uint8),
    "U08 of a quad with gap": (Merlin(chips=4, layout="2x2G"), (514, 514), np.uint8),
    "U16 of a strip": (Merlin(depth=12, layout="Nx1"), (256, 1024), np.uint16),
    "U16 of a strip with gap": (Merlin(depth=12, layout="Nx1G"), (256, 1030), np.uint16),
    "R1": (Merlin(raw=True, depth=1), (256, 256), np.uint8),
    "R6": (Merlin(raw=True, depth=6), (256, 256), np.uint8),
    "R12": (Merlin(raw=True, depth=12), (256, 256), np.uint16),
    "R24": (Merlin(raw=True, depth=24), (256, 256), np.uint32),
    "R24, doubled width": (Merlin(raw=True, depth=24, width_doubled=True), (256, 256), np.uint32),
    "R12, some rows": (Merlin(raw=True, depth=12), (64, 256), np.uint16),
    "R6, layout of a quad": (Merlin(raw=True, depth=6, layout="2x2"), (32, 256), np.uint8),
    "quad R1": (Merlin(raw=True, depth=1, chips=4), (512, 512), np.uint8),
    "quad R6": (Merlin(raw=True, depth=6, chips=4), (512, 512), np.uint8),
    "quad R12": (Merlin(raw=True, depth=12, chips=4), (512, 512), np.uint16),
    "quad R24": (Merlin(raw=True, depth=24, chips=4), (512, 512), np.uint32),
    "quad R24, doubled width": (Merlin(raw=True, depth=24, chips=4, width_doubled=True), (512, 512), np.uint32),
    "quad R1, some rows": (Merlin(raw=True, depth=1, chips=4), (64, 512), np.uint8),
    "quad R6, some rows": (Merlin(raw=True, depth=6, chips=4), (128, 512), np.uint8),
    "quad R12, some rows": (Merlin(raw=True, depth=12, chips=4), (256, 512), np.uint16),
    "quad R12, layout with gap": (Merlin(raw=True, depth=12, chips=4, layout="2x2G"), (64, 512), np.uint16),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def frames_of(kind: str, n: int = 3) -> tuple[Merlin, NDArray[Any]]:
    merlin, shape, dtype = KINDS[kind]
    bits = merlin.depth if merlin.raw else 8 * np.dtype(dtype).itemsize
    values = np.random.default_rng(len(kind)).integers(0, 2**bits, (n, *shape), dtype=np.uint64)
    values[-1, 0, 0] = 2**bits - 1
    return merlin, values.astype(dtype)


@every_kind
@pytest.mark.parametrize("io_backend", ["mmap", "buffered"])
def test_pixels_come_back(tmp_path: Path, kind: str, io_backend: str) -> None:
    merlin, frames = frames_of(kind)
    path = tmp_path / "scan.mib"
    path.write_bytes(merlin.part(frames))
    ds = lamella.open(path, io_backend=io_backend)
    assert ds.dtype == frames.dtype
    np.testing.assert_array_equal(ds.read(), frames)
    np.testing.assert_array_equal(ds[1, 3:5, -4:], frames[1, 3:5, -4:])


@every_kind
def test_pixels_come_back_from_many_parts(tmp_path: Path, kind: str) -> None:
    merlin, frames = frames_of(kind, 4)
    for number, piece in enumerate((frames[:1], frames[1:3], frames[3:])):
        first = (1, 2, 4)[number]
        (tmp_path / f"scan{number}.mib").write_bytes(merlin.part(piece, first=first))
    ds = lamella.open(tmp_path / "scan1.mib", nav_shape=(4,))
    np.testing.assert_array_equal(ds.read(), frames)


@every_kind
def test_compiled_loops_give_the_same_pixels(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMELLA_KERNELS", "compiled")
    merlin, frames = frames_of(kind)
    path = tmp_path / "scan.mib"
    path.write_bytes(merlin.part(frames))
    np.testing.assert_array_equal(lamella.open(path).read(), frames)


@pytest.mark.parametrize("depth", [1, 6, 12, 24])
def test_the_depth_of_raw_frames_may_come_from_the_sidecar(tmp_path: Path, depth: int) -> None:
    merlin, frames = frames_of(f"R{depth}")
    path = tmp_path / "scan.mib"
    path.write_bytes(replace(merlin, extension=False).part(frames))
    (tmp_path / "scan.hdr").write_bytes(sidecar_text({"Counter Depth (number)": depth}))
    ds = lamella.open(path)
    np.testing.assert_array_equal(ds.read().reshape(frames.shape), frames)
    assert any("comes from the sidecar" in note for note in ds.info.notes)


@pytest.mark.parametrize("depth", [1, 6, 12, 24])
def test_the_depth_of_raw_frames_may_follow_from_their_distance(tmp_path: Path, depth: int) -> None:
    merlin, frames = frames_of(f"quad R{depth}")
    path = tmp_path / "scan.mib"
    path.write_bytes(replace(merlin, extension=False).part(frames))
    ds = lamella.open(path)
    np.testing.assert_array_equal(ds.read(), frames)
    assert any(f"guess: the distance of records means a counter depth of {depth} bit" in note for note in ds.info.notes)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_the_user_knows_the_depth_better_than_the_file(tmp_path: Path) -> None:
    merlin, frames = frames_of("R12", 1)
    path = tmp_path / "scan.mib"
    path.write_bytes(replace(merlin, extension=False).part(frames) + b"x")
    with pytest.raises(UnsupportedError, match=r"counter depth of raw frames is unknown.*1x1, 256 x 256 px.*U08"):
        lamella.open(path)
    np.testing.assert_array_equal(lamella.open(path, counter_depth=12).read(), frames)


@pytest.mark.parametrize("gap", [2, 3])
def test_a_gap_may_be_inserted_between_raw_chips(tmp_path: Path, gap: int) -> None:
    merlin, frames = frames_of("quad R12, layout with gap")
    path = tmp_path / "scan.mib"
    path.write_bytes(merlin.part(frames))
    ds = lamella.open(path, gap=gap)
    assert tuple(ds.shape.sig) == (64 + gap, 512 + gap)
    pixels = ds.read()
    np.testing.assert_array_equal(pixels[:, :32, :256], frames[:, :32, :256])
    np.testing.assert_array_equal(pixels[:, 32 + gap :, 256 + gap :], frames[:, 32:, 256:])
    assert not pixels[:, 32 : 32 + gap].any()
    assert ds.corrections is not None
    assert ds.corrections.excluded is not None
    assert (pixels[:, ds.corrections.excluded] == 0).all()
    assert ds.corrections.excluded.sum() == (64 + gap) * (512 + gap) - 64 * 512


@pytest.mark.parametrize("kind", ["U08 of a quad", "R12"])
def test_a_gap_is_for_raw_quads_only(tmp_path: Path, kind: str) -> None:
    merlin, frames = frames_of(kind, 1)
    path = tmp_path / "scan.mib"
    path.write_bytes(merlin.part(frames))
    with pytest.raises(ParameterError, match="gap applies to raw quads"):
        lamella.open(path, gap=2)


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        (
            b",R64,",
            b",R32,",
            UnsupportedError,
            "unknown type of pixels; expected U08, U16, U32, U64 or R64; found 'R32'",
        ),
        (b",R64,", b",U01,", UnsupportedError, "can save assembled frames"),
        (b",01,0256,", b",02,0256,", UnsupportedError, r"raw frames of 2 chips with layout 1x1.*256 x 256 px"),
        (b",01,0256,", b",04,0256,", UnsupportedError, "one chip, or four chips 2x2"),
        (b",   1x1,01,", b",   Nx1,0F,", None, ""),
        (b"ns,12,", b"ns,11,", UnsupportedError, "expected 1, 6, 12 or 24 bit; found 11"),
        (b",0256,0256,", b",0255,0256,", CorruptError, "no whole number of 64-bit words"),
        (b",0256,0256,", b",0256,0000,", CorruptError, "describes no pixels"),
        (b",0256,0256,", b",0256,02x6,", CorruptError, "field 5 of the frame header is damaged.*'02x6'"),
        (b",0256,0256,", b",0256,0128,", CorruptError, "the header of the second frame is not where"),
        (b",00384,", b",00040,", FormatError, "the frame header breaks off"),
        (b",00384,", b",99999999,", FormatError, "the file ends before the pixels of its first frame"),
        (b"MQ1,", b"MQ2,", FormatError, r"not a MIB frame; expected b'MQ1,'; found b'MQ2,'"),
    ],
)
def test_headers_that_cannot_be_followed_are_refused(
    tmp_path: Path, old: bytes, new: bytes, error: type[Exception] | None, message: str
) -> None:
    merlin, frames = frames_of("R12", 2)
    path = tmp_path / "scan.mib"
    content = merlin.part(frames)
    assert old in content[:384]
    path.write_bytes(content[:384].replace(old, new)[:384].ljust(384, b"\0") + content[384:])
    if error is None:
        np.testing.assert_array_equal(lamella.open(path, format="mib").read(), frames)
        return
    with pytest.raises(error, match=message) as caught:
        lamella.open(path, format="mib")
    assert str(path) in str(caught.value)


def test_raw_strips_are_refused_with_a_way_out(tmp_path: Path) -> None:
    merlin = Merlin(raw=True, depth=12, chips=4, layout="Nx1")
    path = tmp_path / "strip.mib"
    path.write_bytes(merlin.part(np.zeros((1, 128, 512), np.uint16)))
    with pytest.raises(UnsupportedError, match=r"4 chips with layout Nx1.*save assembled frames \(U08, U16, U32\)"):
        lamella.open(path)


def test_raw_quads_of_24_bit_say_that_no_real_file_was_seen(tmp_path: Path) -> None:
    merlin, frames = frames_of("quad R24", 1)
    path = tmp_path / "scan.mib"
    path.write_bytes(merlin.part(frames))
    assert any("two 12-bit frames" in note for note in lamella.open(path).info.notes)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_opening_and_picking_a_frame_needs_no_compiler(tmp_path: Path) -> None:
    import subprocess
    import sys

    merlin, frames = frames_of("quad R12")
    path = tmp_path / "scan.mib"
    path.write_bytes(merlin.part(frames))
    code = (
        "import sys, lamella\n"
        f"ds = lamella.open({str(path)!r})\n"
        "ds[1], ds.diagnostics\n"
        "found = {'numba', 'h5py', 'matplotlib', 'dask'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
