"""Whatever happens to the bytes: correct frames, or an error of the format."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from lamella.errors import FormatError, LamellaWarning, ParameterError
from lamella.opening.open import open_dataset
from lamella_frms6.writer import folded, header_text, part_bytes

FRAMES = np.arange(6 * 4 * 6, dtype=np.uint16).reshape(6, 4, 6)
FILES = {
    "scan_000.frms6": part_bytes(folded(FRAMES[:2])),
    "scan_001.frms6": part_bytes(folded(FRAMES[:3])),
    "scan_002.frms6": part_bytes(folded(FRAMES[3:])),
    "scan.hdr": header_text(6, (2, 3)).encode(),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("frms6")


def read(folder: Path, name: str) -> None:
    """Open and read everything; only the errors of a format, or of a shape that shows nothing, may come."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LamellaWarning)
        try:
            ds = open_dataset("frms6", folder / name, {})
            pixels = ds.read(fill=0)
            for array in ds.info.per_frame.values():
                assert len(array()) == ds.source.n_frames
        except (FormatError, ParameterError):
            return
    assert pixels.shape == tuple(ds.shape)


@settings(
    max_examples=3 * settings().max_examples // 2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    name=st.sampled_from(sorted(FILES)),
    target=st.sampled_from(["scan.hdr", "scan_001.frms6"]),
    changes=st.lists(st.tuples(st.integers(0, 1200), st.binary(min_size=1, max_size=4)), max_size=4),
    length=st.one_of(st.none(), st.integers(0, 1500)),
)
@example(name="scan_001.frms6", target="scan.hdr", changes=[(1020, b"\xff\xff\xff\xff")], length=None)
@example(name="scan_001.frms6", target="scan.hdr", changes=[(88, b"\x02\x00\x01\x00")], length=None)
@example(name="scan.hdr", target="scan.hdr", changes=[(0, b"\xff")], length=None)
def test_damaged_files_give_frames_or_errors(
    folder: Path, name: str, target: str, changes: list[tuple[int, bytes]], length: int | None
) -> None:
    for other, content in FILES.items():
        (folder / other).write_bytes(content)
    damaged = bytearray(FILES[name])
    for offset, value in changes:
        damaged[offset : offset + len(value)] = value
    (folder / name).write_bytes(damaged[:length])
    read(folder, target)


@pytest.mark.parametrize("end", [*range(0, 1300, 7), 1024, 1087, 1088, 1135, 1136])
def test_parts_cut_anywhere_give_complete_frames_or_errors(tmp_path: Path, end: int) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "scan_002.frms6").write_bytes(FILES["scan_002.frms6"][:end])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LamellaWarning)
            ds = open_dataset("frms6", tmp_path / "scan.hdr", {})
    except FormatError:
        assert end < 1024
        return
    whole = 3 + max(0, end - 1024) // (64 + 48)
    assert ds.source.n_frames == whole
    np.testing.assert_array_equal(ds.read(fill=0).reshape(6, 4, 6)[:whole], FRAMES[:whole])


def test_links_that_leave_the_folder_are_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "scan_001.frms6").write_bytes(FILES["scan_001.frms6"])
    for name in ("scan.hdr", "scan_000.frms6", "scan_002.frms6"):
        (outside / name).write_bytes(FILES[name])
        (inside / name).symlink_to(outside / name)
    ds = open_dataset("frms6", inside / "scan_001.frms6", {"binning": 1})
    assert ds.source.n_frames == 3
    assert ds.corrections is None
    assert ds.info.raw_metadata["hdr"] == {}
