"""The parts of an acquisition are found without its neighbours, put in order, and looked at for what is missing."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.errors import CorruptError, FormatError, LamellaWarning, ParameterError, TruncatedError
from lamella_mib.writer import Merlin, sidecar_text

CAMERA = Merlin(depth=12)
STRIDE = 384 + 4 * 6 * 2


def frames_of(n: int, shape: tuple[int, int] = (4, 6)) -> NDArray[Any]:
    """Frames of which every pixel holds the number of the frame and of the pixel."""
    return (np.arange(n * shape[0] * shape[1]).reshape(n, *shape) % 65536).astype(np.uint16)


def write(directory: Path, name: str, frames: NDArray[Any], **options: Any) -> Path:
    path = directory / name
    path.write_bytes(CAMERA.part(frames, **options))
    return path


def shown(path: Path, **keywords: Any) -> NDArray[Any]:
    """What is at each scan position, -1 for nothing, told by the first pixel of a frame."""
    ds = lamella.open(path, **keywords)
    first = ds.read((..., slice(0, 1), slice(0, 1)), fill=65535)[..., 0, 0].astype(int)
    numbers = np.where(first == 65535, -1, first // 24)
    return np.asarray(numbers)


def notes(path: Path, **keywords: Any) -> str:
    return "; ".join(lamella.open(path, **keywords).info.notes)


@pytest.mark.parametrize("name", ["a.mib", "a1.mib", "a10.mib", "a.hdr"])
def test_any_file_of_an_acquisition_opens_all_of_it(tmp_path: Path, name: str) -> None:
    frames = frames_of(7)
    (tmp_path / "a.hdr").write_bytes(sidecar_text({"Frames in Acquisition (Number)": 7}))
    write(tmp_path, "a.mib", frames[:2])
    write(tmp_path, "a1.mib", frames[2:6], first=3)
    write(tmp_path, "a10.mib", frames[6:], first=7)
    assert shown(tmp_path / name).tolist() == list(range(7))
    assert "there is no .hdr" not in notes(tmp_path / name)


def test_parts_are_in_the_order_of_their_sequence_numbers(tmp_path: Path) -> None:
    frames = frames_of(5)
    write(tmp_path, "a1.mib", frames[3:], first=4)
    write(tmp_path, "a2.mib", frames[:1], first=1)
    write(tmp_path, "a3.mib", frames[1:3], first=2)
    assert shown(tmp_path / "a1.mib").tolist() == list(range(5))


def test_digits_without_leading_zeros_count_as_numbers(tmp_path: Path) -> None:
    frames = frames_of(12)
    for i in range(12):
        write(tmp_path, f"a{i}.mib", frames[i : i + 1])
    assert shown(tmp_path / "a3.mib", nav_shape=(12,)).tolist() == list(range(12))
    assert "sequence numbers restart or repeat from part to part" in notes(tmp_path / "a3.mib")


def test_sequence_numbers_that_overlap_leave_the_order_to_the_names(tmp_path: Path) -> None:
    frames = frames_of(6)
    write(tmp_path, "a1.mib", frames[:3], first=2)
    write(tmp_path, "a2.mib", frames[3:], first=1)
    assert shown(tmp_path / "a1.mib").tolist() == list(range(6))


def test_sequence_numbers_that_stand_still_are_reported(tmp_path: Path) -> None:
    frames = frames_of(3)
    path = tmp_path / "a.mib"
    path.write_bytes(b"".join(CAMERA.record(frame, 1) for frame in frames))
    assert shown(path).tolist() == [0, 1, 2]
    assert "sequence numbers of a.mib do not count up" in notes(path)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_more_than_six_digits_are_no_problem(tmp_path: Path) -> None:
    frames = frames_of(4)
    path = write(tmp_path, "a.mib", frames, first=999_998)
    assert shown(path, lost="close").reshape(-1).tolist() == [0, 1, 2, 3]
    assert lamella.open(path).per_frame("sequence number").tolist() == [999_998, 999_999, 1_000_000, 1_000_001]


# Neighbours.


def test_the_sidecar_decides_which_digits_belong_to_the_name(tmp_path: Path) -> None:
    """The public test files: ROI heights at the end of the name, and raw frames beside assembled ones."""
    for rows in (32, 256):
        frames = frames_of(3, (rows, 8))
        (tmp_path / f"Rows_{rows}.hdr").write_bytes(sidecar_text({}))
        write(tmp_path, f"Rows_{rows}.mib", frames)
    raw = Merlin(raw=True, depth=1)
    (tmp_path / "Rows_256RAW.mib").write_bytes(raw.part(np.zeros((18, 256, 256), np.uint8)))
    for name in ("Rows_256.mib", "Rows_256.hdr"):
        ds = lamella.open(tmp_path / name)
        assert tuple(ds.shape) == (3, 256, 8)
        assert not any("Rows_32" in note for note in ds.info.notes)


def test_neighbours_of_another_kind_are_left_out_and_named(tmp_path: Path) -> None:
    write(tmp_path, "Rows_32.mib", frames_of(3, (32, 8)))
    write(tmp_path, "Rows_256.mib", frames_of(3, (256, 8)))
    (tmp_path / "Rows_7.mib").write_bytes(Merlin(depth=6).part(frames_of(1, (256, 8))))
    assert tuple(lamella.open(tmp_path / "Rows_256.mib").shape) == (3, 256, 8)
    text = notes(tmp_path / "Rows_256.mib")
    assert "Rows_32.mib (height 32, not 256)" in text
    assert "Rows_7.mib (counter depth 6, not 12)" in text


def test_one_file_may_be_read_alone(tmp_path: Path) -> None:
    frames = frames_of(5)
    write(tmp_path, "g513.mib", frames[:2])
    path = write(tmp_path, "g514.mib", frames[2:])
    assert shown(path, only_this_file=True).tolist() == [2, 3, 4]
    (tmp_path / "g.hdr").write_bytes(sidecar_text({}))
    with pytest.raises(ParameterError, match=r"name a \.mib file"):
        lamella.open(tmp_path / "g.hdr", only_this_file=True)


def test_other_names_are_no_parts(tmp_path: Path) -> None:
    path = write(tmp_path, "a.mib", frames_of(2))
    for name in ("ab.mib", "a1b.mib", "a-1.mib", "ba.mib", "A.mib", "a1.mib.bak", "a1.mi", "a1xmib", "a².mib"):
        write(tmp_path, name, frames_of(1), first=7)
    assert shown(path).tolist() == [0, 1]


@pytest.mark.parametrize("name", ["with space", "br[ack]et", "star*", "ünïcode", "dot.in.name", "plus+(1)"])
def test_names_may_hold_any_character(tmp_path: Path, name: str) -> None:
    folder = tmp_path / f"folder {name}"
    folder.mkdir()
    frames = frames_of(2)
    path = write(folder, f"{name}_1.mib", frames[:1])
    write(folder, f"{name}_2.mib", frames[1:], first=2)
    assert shown(path).tolist() == [0, 1]


def test_extensions_may_be_upper_case(tmp_path: Path) -> None:
    frames = frames_of(2)
    (tmp_path / "A.HDR").write_bytes(sidecar_text({"Software Version": "9.9"}))
    write(tmp_path, "A1.MIB", frames[:1])
    path = write(tmp_path, "A2.Mib", frames[1:], first=2)
    assert shown(path).tolist() == [0, 1]
    assert lamella.open(path).metadata.software == "9.9"


def test_a_file_with_another_extension_stands_alone(tmp_path: Path) -> None:
    write(tmp_path, "a1.mib", frames_of(1))
    assert shown(write(tmp_path, "a2.dat", frames_of(2))).tolist() == [0, 1]


def test_links_to_other_places_are_no_parts(tmp_path: Path) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    home.mkdir()
    away.mkdir()
    path = write(home, "a1.mib", frames_of(2))
    (home / "a2.mib").symlink_to(write(away, "a2.mib", frames_of(1), first=3))
    (home / "a3.mib").mkdir()
    os.mkfifo(home / "a4.mib")
    assert shown(path).tolist() == [0, 1]
    assert "a2.mib (a link that leads elsewhere), a3.mib (no regular file), a4.mib (no regular file)" in notes(path)
    linked = tmp_path / "a.mib"
    linked.symlink_to(path)
    assert shown(linked).tolist() == [0, 1]


# What is missing, empty, cut or foreign.


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_frames_lost_between_parts_leave_their_positions_missing(tmp_path: Path) -> None:
    frames = frames_of(4)
    write(tmp_path, "a1.mib", frames[:2])
    path = write(tmp_path, "a2.mib", frames[2:], first=5)
    with pytest.warns(LamellaWarning, match="2 of 6 scan positions have no frame"):
        assert shown(path).tolist() == [0, 1, -1, -1, 2, 3]
    with pytest.warns(LamellaWarning):
        assert "2 frames are lost, sequence numbers 3 to 4; their scan positions are missing" in notes(path)


def test_frames_lost_within_a_part_are_found(tmp_path: Path) -> None:
    frames = frames_of(40)
    path = write(tmp_path, "a.mib", frames, lost={7: 1, 8: 3, 31: 1})
    expected = [*range(7), -1, 7, -1, -1, -1, *range(8, 31), -1, *range(31, 40)]
    with pytest.warns(LamellaWarning):
        assert shown(path, nav_shape=(45,)).tolist() == expected
    with pytest.warns(LamellaWarning):
        assert "5 frames are lost, sequence numbers 8, 10 to 12, 36" in notes(path)


def test_gaps_may_be_closed(tmp_path: Path) -> None:
    path = write(tmp_path, "a.mib", frames_of(5), lost={2: 4})
    assert shown(path, lost="close").tolist() == [0, 1, 2, 3, 4]
    text = notes(path, lost="close")
    assert "4 frames are not there, sequence numbers 3 to 6; later frames are shown in their places" in text


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_jump_that_cannot_be_is_not_followed(tmp_path: Path) -> None:
    path = write(tmp_path, "a.mib", frames_of(5), lost={2: 10**9})
    assert shown(path).tolist() == [0, 1, 2, 3, 4]
    assert "too many to be lost" in notes(path)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_missing_first_part_counts_if_the_sidecar_knows_of_it(tmp_path: Path) -> None:
    path = write(tmp_path, "a2.mib", frames_of(2), first=4)
    assert shown(path).tolist() == [0, 1]
    assert "the first frame has the sequence number 4; earlier ones are not here" in notes(path)
    (tmp_path / "a.hdr").write_bytes(sidecar_text({"Frames in Acquisition (Number)": 5}))
    with pytest.warns(LamellaWarning):
        assert shown(path).tolist() == [-1, -1, -1, 0, 1]


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_empty_parts_are_left_out_and_named(tmp_path: Path) -> None:
    frames = frames_of(3)
    write(tmp_path, "a1.mib", frames[:2])
    (tmp_path / "a2.mib").touch()
    write(tmp_path, "a3.mib", frames[2:], first=3)
    for name in ("a1.mib", "a2.mib"):
        assert shown(tmp_path / name, format="mib").tolist() == [0, 1, 2]
        assert "empty parts are left out: a2.mib" in notes(tmp_path / name, format="mib")


def test_nothing_but_empty_parts_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a1.mib").touch()
    (tmp_path / "a2.mib").touch()
    with pytest.raises(TruncatedError, match=r"all parts are empty; found a1\.mib, a2\.mib"):
        lamella.open(tmp_path / "a1.mib", format="mib")


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize("cut", [1, STRIDE - 384, STRIDE - 385, STRIDE - 1])
def test_a_last_frame_that_is_incomplete_is_left_out(tmp_path: Path, cut: int) -> None:
    frames = frames_of(5)
    write(tmp_path, "a1.mib", frames[:2])
    path = write(tmp_path, "a2.mib", frames[2:], first=3)
    path.write_bytes(path.read_bytes()[:-cut])
    assert shown(path).reshape(-1).tolist() == [0, 1, 2, 3]
    text = f"the last frame of a2.mib is incomplete (has {STRIDE - cut} of {STRIDE} bytes); reading 2 whole frames"
    assert text in notes(path)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_part_without_a_complete_frame_is_left_out(tmp_path: Path) -> None:
    frames = frames_of(3)
    write(tmp_path, "a1.mib", frames[:2])
    path = write(tmp_path, "a2.mib", frames[2:], first=3)
    content = path.read_bytes()
    for length in (1, 3, 4, 100, 384, STRIDE - 1):
        path.write_bytes(content[:length])
        for name in ("a1.mib", "a2.mib"):
            assert shown(tmp_path / name, format="mib").tolist() == [0, 1], length
            assert f"has {length} of {STRIDE} bytes" in notes(tmp_path / name, format="mib")


@pytest.mark.parametrize("length", [4, 30, 200, 384, STRIDE - 1])
def test_the_only_frame_must_be_complete(tmp_path: Path, length: int) -> None:
    path = write(tmp_path, "a.mib", frames_of(1))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(TruncatedError) as caught:
        lamella.open(path)
    assert str(path) in str(caught.value)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_space_that_was_set_aside_holds_no_frames(tmp_path: Path) -> None:
    path = write(tmp_path, "a.mib", frames_of(5))
    path.write_bytes(path.read_bytes() + bytes(20 * STRIDE + 7))
    assert shown(path).tolist() == [0, 1, 2, 3, 4]
    assert f"{20 * STRIDE + 7} bytes after 5 frames are no frames" in notes(path)


def test_a_foreign_part_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = write(tmp_path, "a1.mib", frames_of(2))
    (tmp_path / "a2.mib").write_bytes(b"no frames at all" * 100)
    with pytest.raises(CorruptError, match=r"a2\.mib: a part of the series is not a MIB file.*only_this_file=True"):
        lamella.open(path)
    assert shown(path, only_this_file=True).tolist() == [0, 1]


def test_a_sidecar_without_frames_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.hdr"
    path.write_bytes(sidecar_text({}))
    write(tmp_path, "b.mib", frames_of(1))
    with pytest.raises(FormatError, match=r"no frames beside this header; expected a<digits>\.mib"):
        lamella.open(path)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_sidecar_of_another_format_is_left_out_with_a_note(tmp_path: Path) -> None:
    path = write(tmp_path, "a.mib", frames_of(2))
    (tmp_path / "a.hdr").write_text("[measurementInfo]\nsignalframes = 3\n")
    assert shown(path).tolist() == [0, 1]
    assert "a.hdr is left out: this is not a header of Merlin frames" in notes(path)
    with pytest.raises(FormatError, match=r"expected 'HDR,' in the first line; found b'\[measurementInfo'"):
        lamella.open(tmp_path / "a.hdr", format="mib")


def test_a_missing_sidecar_is_said(tmp_path: Path) -> None:
    assert "there is no .hdr file" in notes(write(tmp_path, "a.mib", frames_of(2)))


def test_many_parts_of_one_frame_open_fast(tmp_path: Path) -> None:
    count = 3000
    frames = frames_of(count)
    for i in range(count):
        write(tmp_path, f"a{i:04d}.mib", frames[i : i + 1], first=i + 1)
    began = time.process_time()
    ds = lamella.open(tmp_path / "a0017.mib", nav_shape=(30, 100))
    took = time.process_time() - began
    assert ds.diagnostics["parts"] == count
    assert ds[17, 23, 0, 0] == 1723 * 24 % 65536
    assert took < 3, f"{took:.1f} s"


@pytest.fixture(scope="session")
def real(samples: Path) -> Sequence[Path]:
    folders = sorted((samples / "mib").glob("*/"))
    if not folders:
        pytest.skip("no real .mib files")
    return folders


@pytest.mark.recorded
def test_real_files_are_read(real: Sequence[Path]) -> None:
    import json

    for folder in real:
        sample = json.loads((folder / "sample.json").read_text())
        expected = np.load(folder / "expected.npy")
        if sample["expected_is"] == "rosettasciio":  # turns the y axis around
            expected = expected[..., ::-1, :]
        for path in (folder / sample["main"], (folder / sample["main"]).with_suffix(".hdr")):
            ds = lamella.open(path)
            assert ds.provenance.confidence == 100
            np.testing.assert_array_equal(ds.read().reshape(expected.shape), expected, err_msg=folder.name)
            assert not ds.info.notes


@pytest.mark.recorded
def test_time_stamps_tell_the_line_length_of_a_real_scan(real: Sequence[Path]) -> None:
    (folder,) = [folder for folder in real if folder.name.endswith("001_4x2_6bit")]
    ds = lamella.open(folder / "001_4x2_6bit.mib")
    assert tuple(ds.shape.nav) == (2, 4)
    assert ds.nav_origin == "guess: time stamps jump every 4 frames"
    assert ds.metadata.dwell_time == pytest.approx(0.102, abs=1e-4)
