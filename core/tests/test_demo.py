"""The synthetic scan of the demonstration: what it writes, and that it looks like a scan."""

import struct
from pathlib import Path

import numpy as np
import pytest

from lamella.demo import DemoScan, write_scan
from lamella.demo.counting import Counter

SMALL = DemoScan((10, 12), detector=32)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "scan.blo"
    write_scan(path, SMALL)
    return path


def frames_of(path: Path) -> np.ndarray:
    """Decode by hand, from the description of the format."""
    data = path.read_bytes()
    (offset,), (edge,), (nx, ny) = (
        struct.unpack_from("<I", data, 12),
        struct.unpack_from("<H", data, 20),
        struct.unpack_from("<HH", data, 24),
    )
    records = np.frombuffer(data, np.uint8, offset=offset).reshape(ny * nx, 6 + edge * edge)
    assert (records[:, :2] == (0xAA, 0x55)).all()
    assert (records[:, 2:6].copy().view("<u4")[:, 0] == np.arange(ny * nx)).all()
    return records[:, 6:].reshape(ny, nx, edge, edge)


def test_the_header_says_what_was_scanned(written: Path) -> None:
    head = written.read_bytes()[:240]
    assert head[:6] == b"IMGBLO"
    assert struct.unpack_from("<H", head, 6) == (0x0102,)
    assert struct.unpack_from("<HH", head, 24) == (12, 10)
    assert struct.unpack_from("<dd", head, 30) == pytest.approx((400 / 12, 400 / 12))
    assert struct.unpack_from("<I", head, 46) == (200_000,)


def test_the_file_holds_the_frames_of_the_model(written: Path) -> None:
    assert (frames_of(written) == np.stack([SMALL.row(y) for y in range(10)])).all()


def test_the_same_seed_gives_the_same_file_whatever_the_number_of_threads(written: Path, tmp_path: Path) -> None:
    write_scan(tmp_path / "again.blo", DemoScan((10, 12), detector=32), workers=1)
    assert (tmp_path / "again.blo").read_bytes() == written.read_bytes()


def test_another_seed_gives_another_film() -> None:
    assert (DemoScan((10, 12), detector=32, seed=5).film.grain != SMALL.film.grain).any()


def test_a_failure_while_writing_leaves_no_file(tmp_path: Path) -> None:
    def fail(done: int, total: int) -> None:
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="disk is full"):
        write_scan(tmp_path / "scan.blo", SMALL, progress=fail)
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_up_to_all_frames(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    write_scan(tmp_path / "scan.blo", SMALL, progress=lambda done, total: steps.append((done, total)))
    assert steps[0] == (12, 120)
    assert steps[-1] == (120, 120)


@pytest.mark.parametrize("mean", [0.02, 0.7, 9.0, 120.0])
def test_counts_have_the_mean_and_the_variance_of_shot_noise(mean: float) -> None:
    rng = np.random.Generator(np.random.SFC64(1))
    counts = Counter(165).count(np.full(400_000, mean, np.float32), rng).astype(float)
    assert counts.mean() == pytest.approx(mean, rel=0.03)
    assert counts.var() == pytest.approx(mean, rel=0.06)


def test_the_hole_shows_the_direct_beam_alone_and_grains_show_discs() -> None:
    scan = DemoScan((40, 40), detector=64)
    expected = np.stack([scan.expected(y) for y in range(40)])
    in_hole = scan.film.cover == 0
    assert 0.02 < in_hole.mean() < 0.4
    bright = (expected > 0.5).sum(axis=-1)
    assert bright[~in_hole].mean() > 3 * bright[in_hole].mean()
    assert expected[in_hole].max(axis=-1) == pytest.approx(165, rel=0.05)


def test_positions_of_one_grain_look_more_alike_than_those_of_two() -> None:
    scan = DemoScan((40, 40), detector=64)
    a, b = np.bincount(scan.film.grain[scan.film.cover > 0.5]).argsort()[-2:]
    within, between = [], []
    mean = {g: np.mean([scan.expected(y)[x] for y, x in np.argwhere(scan.film.grain == g)], axis=0) for g in (a, b)}
    for y, x in np.argwhere(scan.film.grain == a)[::7]:
        pattern = scan.expected(y)[x]
        within.append(np.abs(pattern - mean[a]).sum())
        between.append(np.abs(pattern - mean[b]).sum())
    assert np.mean(within) < 0.7 * np.mean(between)
