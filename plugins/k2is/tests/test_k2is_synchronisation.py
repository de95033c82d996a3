"""Lost blocks, damaged blocks, and sectors that do not fit together."""

import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.errors import CorruptError, FrameMissingError, LamellaWarning, TruncatedError
from lamella.io import choose_backend
from lamella.udf import SumSigUDF
from lamella_k2is.block import BLOCK_NBYTES, BLOCKS
from lamella_k2is.recording import Recording, synchronise
from lamella_k2is.sector import Sector, read_sector
from lamella_k2is.shutter import find_shutter
from lamella_k2is.writer import gtg_bytes, write_recording

HEIGHT, WIDTH = 1860, 2048


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 1 << 12, (5, HEIGHT, WIDTH), dtype=np.uint16)


def opened(path: Path, **keywords: Any) -> lamella.DataSet:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LamellaWarning)
        return lamella.open(path, **keywords)


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


# Lost blocks.


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize(
    ("lost", "gone"),
    [
        ({3: [70]}, [2]),
        ({3: [32]}, [1]),
        ({3: [63, 64]}, [1, 2]),
        ({1: [40], 8: [100, 101, 102]}, [1, 3]),
        ({5: range(33, 127)}, [1, 2, 3]),
        ({number: range(64, 96) for number in range(1, 9)}, [2]),
    ],
)
def test_frames_that_lost_a_block_are_missing_and_shift_nothing(
    tmp_path: Path, frames: np.ndarray, lost: dict[int, Any], gone: list[int]
) -> None:
    path = write_recording(tmp_path, frames, lost=lost)
    with pytest.warns(LamellaWarning, match=f"{len(gone)} of 5 scan positions have no frame"):
        ds = lamella.open(path)
    assert np.flatnonzero(~ds.valid_mask).tolist() == gone
    assert ds.diagnostics["frames that lost blocks"] == len(gone)
    assert any(f"{len(gone)} of 5 frames lost blocks, the first is frame {gone[0]}" in note for note in ds.info.notes)
    for k in set(range(5)) - set(gone):
        np.testing.assert_array_equal(ds[k], frames[k])
    with pytest.raises(FrameMissingError):
        ds[gone[0]]


@pytest.mark.parametrize("backend", ["mmap", "buffered"])
def test_lost_blocks_can_be_zeros(tmp_path: Path, frames: np.ndarray, backend: str) -> None:
    # Block 70 is number 6 of frame 2: columns 144 to 159 of the upper half of its sector.
    path = write_recording(tmp_path, frames, lost={3: [70]})
    ds = opened(path, lost_blocks="zero", io_backend=backend)
    assert ds.missing_count == 0
    expected = frames.copy()
    expected[2, :930, 512 + 144 : 512 + 160] = 0
    np.testing.assert_array_equal(ds.read(), expected)
    np.testing.assert_array_equal(ds[:, 100:1000, 600:673], expected[:, 100:1000, 600:673])


def test_reading_a_lost_frame_is_an_error(tmp_path: Path, frames: np.ndarray) -> None:
    source = opened(write_recording(tmp_path, frames, lost={3: [70]})).source
    with lamella.dataset.framereader.FrameReader(source, choose_backend(None, source.resources)) as reader:
        np.testing.assert_array_equal(reader.read(range(1, 2))[0], frames[1])
        with pytest.raises(FrameMissingError, match="lost_blocks='zero'"):
            reader.read(range(5))


def test_blocks_lost_at_the_edges_cost_the_frames_at_the_edges(tmp_path: Path, frames: np.ndarray) -> None:
    path = write_recording(tmp_path, frames, flagged_from=2, lost={2: [0, 1], 7: [159]}, gtg=gtg_bytes((1, 3)))
    ds = lamella.open(path)
    assert ds.source.n_frames == 3
    assert ds.frame_map.sync_offset == 0
    np.testing.assert_array_equal(ds[0], frames[1:4])


def test_sectors_cut_at_different_places_give_the_frames_they_share(tmp_path: Path, frames: np.ndarray) -> None:
    path = write_recording(tmp_path, frames)
    for number, blocks in ((2, 100), (5, 131), (8, 159)):
        file = tmp_path / f"Capture52_{number}.bin"
        file.write_bytes(file.read_bytes()[: blocks * BLOCK_NBYTES + 77])
    ds = lamella.open(path)
    assert ds.source.n_frames == 3
    np.testing.assert_array_equal(ds.read(), frames[:3])


def test_blocks_that_are_moved_within_the_file_are_found(tmp_path: Path, frames: np.ndarray) -> None:
    path = write_recording(tmp_path, frames)
    file = tmp_path / "Capture52_6.bin"
    content = file.read_bytes()
    hole = bytes(3 * BLOCK_NBYTES)
    file.write_bytes(content[: 70 * BLOCK_NBYTES] + hole + content[70 * BLOCK_NBYTES :])
    for backend in ("mmap", "buffered"):
        # Nothing is lost, but zeros lie between the blocks of frame 2.
        ds = lamella.open(path, io_backend=backend)
        assert ds.missing_count == 0
        np.testing.assert_array_equal(ds.read(), frames)


def test_zeros_behind_the_end_are_not_blocks(tmp_path: Path, frames: np.ndarray) -> None:
    path = write_recording(tmp_path, frames)
    for number in range(1, 9):
        with (tmp_path / f"Capture52_{number}.bin").open("ab") as file:
            file.write(bytes((200 + number) * BLOCK_NBYTES))
    np.testing.assert_array_equal(lamella.open(path).read(), frames)


# Damaged blocks.


@pytest.mark.parametrize("at", [0, 17, 19, 29, 31])
def test_a_damaged_header_between_others_is_an_error_when_it_is_read(
    tmp_path: Path, frames: np.ndarray, at: int
) -> None:
    path = write_recording(tmp_path, frames)
    overwrite(tmp_path / "Capture52_4.bin", 70 * BLOCK_NBYTES + at, b"\x3a")
    ds = lamella.open(path)
    np.testing.assert_array_equal(ds[1], frames[1])
    with pytest.raises(CorruptError, match=r"block 70086 is damaged.*Capture52_4|Capture52_4.*block 70086 is damaged"):
        ds[2]
    expected = frames[2].copy()
    expected[:930, 768 + 144 : 768 + 160] = 0
    ds = opened(path, lost_blocks="zero")
    np.testing.assert_array_equal(ds[2], expected)
    with lamella.Context("inline") as ctx:
        pixels = ctx.run_udf(ds, SumSigUDF())["intensity"].raw_data
        with pytest.raises(CorruptError, match="is damaged"):
            ctx.run_udf(opened(path), SumSigUDF())
    assert pixels[2] == expected.sum(dtype=np.int64)


@pytest.mark.parametrize("where", [0, 159, 80])
def test_a_damaged_counter_costs_one_frame_at_most(tmp_path: Path, frames: np.ndarray, where: int) -> None:
    path = write_recording(tmp_path, frames)
    overwrite(tmp_path / "Capture52_4.bin", where * BLOCK_NBYTES + 16, struct.pack(">I", 0xF0000000))
    ds = opened(path)
    counts = ds.frame_map.counts
    assert counts.shown >= 4 or where == 80
    first = 1 if where == 0 else 0
    np.testing.assert_array_equal(ds[1], frames[1 + first])


def test_the_read_finds_blocks_that_were_exchanged(tmp_path: Path, frames: np.ndarray) -> None:
    path = write_recording(tmp_path, frames)
    file = tmp_path / "Capture52_4.bin"
    content = bytearray(file.read_bytes())
    a, b = slice(70 * BLOCK_NBYTES, 71 * BLOCK_NBYTES), slice(71 * BLOCK_NBYTES, 72 * BLOCK_NBYTES)
    content[a], content[b] = content[b], content[a]
    file.write_bytes(content)
    with pytest.raises(CorruptError, match="is damaged, or is elsewhere"):
        lamella.open(path)[2]


# Sectors that do not fit together.


def test_a_sector_of_another_time_is_named_with_its_range(tmp_path: Path, frames: np.ndarray) -> None:
    counts = [70_016] * 8
    counts[5] = 90_016
    path = write_recording(tmp_path, frames, counts=counts)
    with pytest.raises(CorruptError, match=r"6 cover another time than the others.*sector 6: 90016 to 90175"):
        lamella.open(path)


def test_a_sector_out_of_step_is_named(tmp_path: Path, frames: np.ndarray) -> None:
    counts = [70_016] * 8
    counts[1] = 70_017
    path = write_recording(tmp_path, frames, counts=counts)
    with pytest.raises(CorruptError, match=r"2 begin their frames at other block counts.*\(frames from 1\)"):
        lamella.open(path)


def test_sectors_with_other_frame_ids_are_refused(tmp_path: Path, frames: np.ndarray) -> None:
    path = write_recording(tmp_path, frames, ids=[59] * 7 + [60])
    with pytest.raises(CorruptError, match=r"different frames at block count 70016.*sector 7: 59, sector 8: 60"):
        lamella.open(path)


def test_frame_ids_may_jump(tmp_path: Path, frames: np.ndarray) -> None:
    path = write_recording(tmp_path, frames)
    for number in range(1, 9):
        for block in range(96, 160):
            overwrite(
                tmp_path / f"Capture52_{number}.bin", block * BLOCK_NBYTES + 24, struct.pack(">I", 2 + block // 32)
            )
    ds = lamella.open(path)
    np.testing.assert_array_equal(ds.per_frame("frame id"), [59, 60, 61, 5, 6])
    np.testing.assert_array_equal(ds[4], frames[4])


def test_less_than_a_frame_is_an_error(tmp_path: Path, frames: np.ndarray) -> None:
    path = write_recording(tmp_path, frames[:1], lost={2: [0]}, behind=[3] * 8)
    with pytest.raises(TruncatedError, match="no complete frame"):
        lamella.open(path)


# Long recordings, of which only headers are written.


def headers_only(path: Path, n_frames: int, flagged: range, *, lost: frozenset[int] = frozenset()) -> Sector:
    with path.open("wb") as file:
        at = 0
        for block in range(n_frames * BLOCKS):
            if block in lost:
                continue
            frame, k = divmod(block, BLOCKS)
            x, y = 16 * (15 - k % 16), 930 * (k // 16)
            file.seek(at * BLOCK_NBYTES)
            file.write(
                struct.pack(
                    ">I4xBB6xIHHIHHHHI",
                    0xFFFF0055,
                    1,
                    frame in flagged,
                    block,
                    256,
                    1860,
                    frame,
                    x,
                    y,
                    x + 15,
                    y + 929,
                    BLOCK_NBYTES,
                )
            )
            at += 1
        file.truncate(at * BLOCK_NBYTES)
    return read_sector(path, 1)


def recording(sector: Sector) -> Recording:
    return synchronise([sector] * 8)


@pytest.mark.parametrize(
    ("flagged", "found"),
    [
        (range(0), (0, 0)),
        (range(300), (0, 300)),
        (range(299, 300), (299, 300)),
        (range(1), (0, 1)),
        (range(137, 300), (137, 300)),
        (range(100, 203), (100, 203)),
        (range(120), (0, 120)),
    ],
)
def test_the_shutter_is_found_wherever_it_opens_and_closes(
    tmp_path: Path, flagged: range, found: tuple[int, int]
) -> None:
    shutter = find_shutter(recording(headers_only(tmp_path / "1.bin", 300, flagged)))
    assert (shutter.opened, shutter.closed) == found


def test_every_lost_block_is_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    lost = frozenset(rng.choice(100 * BLOCKS, 90, replace=False).tolist()) - {0, 100 * BLOCKS - 1}
    sector = headers_only(tmp_path / "1.bin", 100, range(100), lost=lost)
    assert sector.n_blocks == 100 * BLOCKS - len(lost)
    assert [count for start, stop in sector.gaps for count in range(start, stop)] == sorted(lost)
    expected = sorted({block // BLOCKS for block in lost})
    assert recording(sector).lost.tolist() == expected
