"""Whatever happens to the bytes: correct frames, or an error of the format."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from lamella.errors import FormatError, FrameMissingError, LamellaWarning, ParameterError
from lamella.opening.open import open_dataset
from lamella_k2is.block import BLOCK_NBYTES
from lamella_k2is.writer import gtg_bytes, write_recording


class Files(dict[Path, bytes]):
    """The content of each file; its representation is short, as hypothesis shows the arguments of a failing test."""

    def __repr__(self) -> str:
        return f"<{len(self)} files>"


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 1 << 12, (2, 1860, 2048), dtype=np.uint16)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory, frames: np.ndarray) -> Files:
    folder = tmp_path_factory.mktemp("k2is")
    write_recording(folder, frames, flagged_from=1, before=range(8), gtg=gtg_bytes((1, 2)))
    return Files({path: path.read_bytes() for path in sorted(folder.iterdir())})


headers = st.tuples(st.integers(0, 70), st.integers(0, 39)).map(lambda where: where[0] * BLOCK_NBYTES + where[1])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.integers(0, 8),
    changes=st.lists(st.tuples(headers, st.binary(min_size=1, max_size=8)), max_size=4),
    length=st.one_of(st.none(), st.integers(0, 71 * BLOCK_NBYTES)),
    lost_blocks=st.sampled_from(["missing", "zero"]),
)
@example(which=1, changes=[(16, b"\xff\xff\xff\xff")], length=None, lost_blocks="missing")
@example(which=1, changes=[(63 * BLOCK_NBYTES + 16, b"\xff\xff\xff\xff")], length=None, lost_blocks="zero")
@example(which=4, changes=[(40 * BLOCK_NBYTES + 28, b"\x00\x10\x03\xa2")], length=None, lost_blocks="missing")
@example(which=0, changes=[(8, b"\x7f\xff\xff\xff")], length=None, lost_blocks="missing")
def test_damaged_files_give_frames_or_errors(
    recording: Files,
    frames: np.ndarray,
    which: int,
    changes: list[tuple[int, bytes]],
    length: int | None,
    lost_blocks: str,
) -> None:
    path = list(recording)[which]
    damaged = bytearray(recording[path])
    for offset, new in changes:
        inside = new[: 40 - offset % BLOCK_NBYTES]  # pixels are not to be changed
        if offset < len(damaged):
            damaged[offset : offset + len(inside)] = inside
    path.write_bytes(damaged[:length])
    try:
        check(path, frames, lost_blocks)
    finally:
        path.write_bytes(recording[path])


def check(path: Path, frames: np.ndarray, lost_blocks: str) -> None:
    """Open and read everything; what comes must be what was written, or zeros where that is allowed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LamellaWarning)
        try:
            ds = open_dataset("k2is", path, {"lost_blocks": lost_blocks})
            assert ds.source.n_frames <= 2
            for array in ds.info.per_frame.values():
                assert len(array()) == ds.source.n_frames
            shown = [ds.read(np.unravel_index(k, ds.shape.nav)) for k in np.flatnonzero(ds.valid_mask)[:3]]
        except (FormatError, FrameMissingError, ParameterError):
            return
    for frame in shown:
        assert any(((frame == one) | ((frame == 0) & (lost_blocks == "zero"))).all() for one in frames)


@pytest.mark.parametrize("blocks", [0, 1, 30, 31, 32, 33, 62, 63, 64])
def test_a_sector_cut_at_any_block_gives_whole_frames(recording: Files, frames: np.ndarray, blocks: int) -> None:
    path = list(recording)[4]  # sector 4, behind the tags, with three blocks before the first frame
    path.write_bytes(recording[path][: (3 + blocks) * BLOCK_NBYTES + 100])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LamellaWarning)
            ds = open_dataset("k2is", path, {"nav_shape": (max(1, blocks // 32),), "sync_offset": 0})
    except FormatError:
        assert blocks < 32
    else:
        assert ds.source.n_frames == blocks // 32
        np.testing.assert_array_equal(ds.read(), frames[: blocks // 32])
    finally:
        path.write_bytes(recording[path])
