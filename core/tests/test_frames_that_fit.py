"""Files that were cut: which frames are complete, what is said about it, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from lamella.errors import CorruptError, TruncatedError
from lamella.reader import Resource, RunTable


def file(size: int, path: str = "a.bin") -> Resource:
    return Resource(path, size, 0)


def where(runs: RunTable) -> list[tuple[int, int]]:
    return [(one.resource, one.offset) for run in runs.runs() for one in run]


@given(
    size=st.integers(0, 300),
    offset=st.integers(0, 60),
    nbytes=st.integers(1, 40),
    gap=st.integers(0, 20),
    header=st.integers(0, 10),
    announced=st.none() | st.integers(0, 12),
)
def test_frames_are_counted_one_by_one(
    size: int, offset: int, nbytes: int, gap: int, header: int, announced: int | None
) -> None:
    needed = header + nbytes
    begins = range(offset, size, needed + gap)
    complete = [begin for begin in begins if begin + needed <= size][:announced]
    facts: dict[str, Any] = {"offset": offset, "stride": needed + gap, "nbytes": needed, "frame_header": header}
    if not complete:
        with pytest.raises(TruncatedError, match="no complete frame"):
            RunTable.that_fit(file(size), announced=announced, **facts)
        return
    runs, notes = RunTable.that_fit(file(size), announced=announced, **facts)
    assert where(runs) == [(0, begin + header) for begin in complete]
    behind = size - (complete[-1] + needed + gap)
    is_cut = announced is not None and len(complete) < announced
    assert len(notes) == (is_cut or behind > 0)
    assert ("was cut" in "".join(notes)) == is_cut


@pytest.mark.parametrize(
    ("size", "announced", "note"),
    [
        (1000, 10, None),
        (1000, None, None),
        (700, 10, "the file was cut: it announces 10 frames and holds 7; the complete ones are read"),
        (735, 10, "the file was cut: it announces 10 frames and holds 7 and 35 bytes more; the complete ones are read"),
        (1250, 10, "the file holds the 10 frames that it announces and 250 bytes more, which are left out"),
        (1035, None, "the file holds 10 complete frames and 35 bytes more, which are left out"),
    ],
)
def test_one_sentence_says_what_was_promised_found_and_done(size: int, announced: int | None, note: str | None) -> None:
    runs, notes = RunTable.that_fit(file(size), offset=0, stride=100, announced=announced)
    assert runs.n_frames == min(10, size // 100)
    assert notes == (() if note is None else (note,))


def test_the_error_has_file_expectation_finding_and_remedy() -> None:
    with pytest.raises(TruncatedError) as caught:
        RunTable.that_fit(file(150), offset=64, stride=100, announced=12)
    error = caught.value
    assert (error.path, error.expected, error.found) == (
        "a.bin",
        "12 frames of 100 bytes from byte 64",
        "86 bytes there",
    )
    assert error.remedy is not None
    assert "Copy" in error.remedy
    with pytest.raises(TruncatedError, match="Check sig_shape"):
        RunTable.that_fit(file(150), offset=64, stride=100, remedy="Check sig_shape")


@pytest.mark.parametrize(
    "facts",
    [
        {"offset": 0, "stride": 0},
        {"offset": 0, "stride": -8},
        {"offset": 0, "stride": 8, "nbytes": 9},
        {"offset": 0, "stride": 8, "nbytes": 0},
    ],
)
def test_frames_that_are_empty_or_overlap_are_refused(facts: Any) -> None:
    with pytest.raises(CorruptError, match="empty, or overlap"):
        RunTable.that_fit(file(100), **facts)


def test_numbers_of_any_size_are_survived() -> None:
    for offset, stride in ((2**70, 8), (-(2**70), 8), (0, 2**70)):
        with pytest.raises(TruncatedError):
            RunTable.that_fit(file(100), offset=offset, stride=stride, announced=2**70)
    runs, _ = RunTable.that_fit(file(100), offset=0, stride=2**70, nbytes=50, announced=2**70)
    assert where(runs) == [(0, 0)]
    runs, _ = RunTable.that_fit([file(100), file(100, "b.bin")], offset=[0, 2**70], stride=100)
    assert runs.n_frames == 1


def test_several_files_follow_each_other() -> None:
    files = [file(110, "a"), file(100, "b"), file(70, "c")]
    runs, notes = RunTable.that_fit(files, offset=[10, 0, 0], stride=50)
    assert where(runs) == [(0, 10), (0, 60), (1, 0), (1, 50), (2, 0)]
    assert notes == ("c holds 1 complete frames and 20 bytes more, which are left out",)
    runs, notes = RunTable.that_fit(files, offset=[10, 0, 0], stride=50, announced=[2, 1, 3])
    assert where(runs) == [(0, 10), (0, 60), (1, 0), (2, 0)]
    assert [note.partition(" ")[0] for note in notes] == ["b", "c"]


@pytest.mark.parametrize("announced", [None, [2, 2, 1]])
def test_a_file_that_was_cut_before_another_is_refused(announced: list[int | None] | None) -> None:
    files = [file(100, "a"), file(99, "b"), file(50, "c")]
    with pytest.raises(TruncatedError, match=r"^b: .*next one.*found 1 frames and 49 bytes"):
        RunTable.that_fit(files, offset=0, stride=50, announced=announced)


@given(offsets=st.lists(st.integers(-20, 120), min_size=1, max_size=12), size=st.integers(0, 110))
def test_a_table_of_offsets_is_used_up_to_the_first_frame_that_is_not_complete(offsets: list[int], size: int) -> None:
    complete = []
    for offset in offsets:
        if not 0 <= offset <= size - 10:
            break
        complete.append(offset)
    places = np.array(offsets)
    if not complete:
        with pytest.raises(TruncatedError, match="no complete frame"):
            RunTable.offsets_that_fit(file(size), places, nbytes=10)
        return
    runs, notes = RunTable.offsets_that_fit(file(size), places, nbytes=10)
    assert [place for _, place in where(runs)] == complete
    assert notes == (
        ()
        if len(complete) == len(offsets)
        else (
            f"the file was cut: it announces {len(offsets)} frames and holds {len(complete)}; "
            "the complete ones are read",
        )
    )
