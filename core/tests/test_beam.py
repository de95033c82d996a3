"""The direct beam: found where there is one, of any size, and not in noise, test patterns and images."""

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.analysis import Beam, NoBeam, find_beam
from lamella.analysis.beam import locate
from lamella.analysis.disk import _connected, _connected_runs, _grown

Frame = NDArray[Any]
DIGITS = {"1": "010110010010111", "3": "111001111001111", "7": "111001001010010", "8": "111101111101111"}


def disk(shape: tuple[int, int], cy: float, cx: float, radius: float) -> Frame:
    """A disk of height one with a soft edge."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.asarray(np.clip(radius + 0.5 - np.hypot(y - cy, x - cx), 0, 1))


def text(shape: tuple[int, int], number: str, size: int) -> Frame:
    """A number in white on black, as test patterns of detectors have it."""
    glyphs = [np.pad(np.array([*map(int, DIGITS[one])]).reshape(5, 3), ((0, 0), (0, 1))) for one in number]
    drawn = np.kron(np.concatenate(glyphs, axis=1), np.ones((size, size))) * 200
    frame = np.zeros(shape)
    frame[shape[0] // 4 : shape[0] // 4 + drawn.shape[0], shape[1] // 8 : shape[1] // 8 + drawn.shape[1]] = drawn
    return frame


def lattice(n: int, period: float, rng: np.random.Generator) -> Frame:
    """A high-resolution image: fringes in two directions, noise, and uneven illumination."""
    y, x = np.mgrid[:n, :n]
    fringes = np.sin(2 * np.pi * x / period) + np.sin(2 * np.pi * (x / 2 + 0.87 * y) / period)
    light = np.exp(-((y - n / 2) ** 2 + (x - n / 2) ** 2) / n**2)
    return np.asarray(rng.poisson(200 * light * (1 + 0.15 * fringes)))


NO_BEAM: dict[str, Callable[[int, np.random.Generator], Frame]] = {
    "nothing": lambda n, rng: np.zeros((n, n)),
    "a constant": lambda n, rng: np.full((n, n), 7.0),
    "not a number": lambda n, rng: np.full((n, n), np.nan),
    "infinity": lambda n, rng: np.full((n, n), np.inf),
    "few counts": lambda n, rng: rng.poisson(0.01, (n, n)),
    "some counts": lambda n, rng: rng.poisson(0.1, (n, n)),
    "counts": lambda n, rng: rng.poisson(5, (n, n)),
    "many counts": lambda n, rng: rng.poisson(1000, (n, n)),
    "Gaussian noise": lambda n, rng: rng.normal(0, 1, (n, n)),
    "noise on an offset": lambda n, rng: rng.normal(100, 10, (n, n)),
    "even noise": lambda n, rng: rng.uniform(0, 900, (n, n)),
    "long-tailed noise": lambda n, rng: rng.exponential(1, (n, n)),
    "a gradient": lambda n, rng: np.mgrid[:n, :n][1],
    "a vignette": lambda n, rng: 200 - np.square(np.mgrid[:n, :n] - n / 2).sum(axis=0) * 300 / n**2,
    "hot pixels": lambda n, rng: np.where(rng.uniform(size=(n, n)) < 5 / n**2, 9999, rng.poisson(9, (n, n))),
    "a hot row": lambda n, rng: rng.poisson(9, (n, n)) + 1000 * (np.arange(n)[:, np.newaxis] == n // 3),
    "checks": lambda n, rng: (np.mgrid[:n, :n] // 1).sum(axis=0) % 2 * 100,
    "larger checks": lambda n, rng: (np.mgrid[:n, :n] // 8).sum(axis=0) % 2 * 100,
    "stripes": lambda n, rng: np.mgrid[:n, :n][0] % 2 * 100,
    "wide stripes": lambda n, rng: np.mgrid[:n, :n][1] // 8 % 2 * 100,
    "oblique stripes": lambda n, rng: np.mgrid[:n, :n].sum(axis=0) // 4 % 2 * 100,
    "a digit": lambda n, rng: text((n, n), "3", n // 16),
    "a counter": lambda n, rng: text((n, n), "1378", n // 32) + rng.poisson(2, (n, n)),
    "fine fringes": lambda n, rng: lattice(n, 4, rng),
    "fringes": lambda n, rng: lattice(n, 10, rng),
    "light at the edge": lambda n, rng: rng.poisson(9 + 1000 * disk((n, n), n * 0.1, n * 0.6, n * 0.15)),
    "light in a corner": lambda n, rng: rng.poisson(9 + 1000 * disk((n, n), n, n, n * 0.2)),
    "two beams": lambda n, rng: rng.poisson(
        9 + 1000 * (disk((n, n), n / 2, n * 0.3, n * 0.08) + disk((n, n), n / 2, n * 0.7, n * 0.08))
    ),
    "three beams": lambda n, rng: np.max([disk((n, n), n * 0.4, n * at, n * 0.07) for at in (0.2, 0.5, 0.8)], axis=0),
    "a whole bright frame": lambda n, rng: rng.poisson(1000 * disk((n, n), n / 2, n / 2, n * 0.6)),
}


@pytest.mark.parametrize("size", [64, 160])
@pytest.mark.parametrize("kind", NO_BEAM)
def test_a_frame_without_a_beam_has_none_and_says_why(kind: str, size: int) -> None:
    found = locate(np.asarray(NO_BEAM[kind](size, np.random.default_rng(size)), dtype=np.float64))
    assert isinstance(found, NoBeam), found
    assert not found
    assert str(found) == f"no direct beam found: {found.reason}"
    assert found.reason


def with_hot(frame: Frame) -> Frame:
    frame = frame.astype(float)
    frame[5, 5], frame[-4, 7], frame[-4, 8] = 5000, 3e4, 3e4
    return frame


def with_dark_row(frame: Frame, row: float, half: int) -> Frame:
    frame = frame.astype(float)
    frame[int(row) - half : int(row) + half + 1] = 0
    return frame


def with_stop(frame: Frame, cy: float, cx: float, radius: float) -> Frame:
    frame, half = frame.astype(float), max(1, int(0.12 * radius))
    frame[int(cy) - half : int(cy) + half + 1, : int(cx + 0.3 * radius)] = 0
    return frame


def check_position(n: int, radius: float, cy: float, cx: float, rng: np.random.Generator) -> None:
    """A disk of this radius is found to about a pixel in every kind of data, up to its noise."""
    shape = (n, n + n // 8)
    beam = disk(shape, cy, cx, radius)
    about = max(1.2, 0.1 * radius)
    frames: dict[str, tuple[Frame, float]] = {
        "clean": (100 * beam, 0.8),
        "on a background": (rng.poisson(100 * beam + 2), 1.0),
        "saturated": (np.minimum(1000 * rng.poisson(100 * beam + 2), 50_000), 1.2),
        "with hot pixels": (with_hot(rng.poisson(100 * beam + 1)), 1.2),
        "negative": (rng.normal(-5, 1, shape) + 200 * beam, 1.0),
    }
    if radius > 3:  # a smaller one is cut into two
        frames["with a dead row"] = with_dark_row(rng.poisson(1000 * beam + 1), cy, 0), 1.6
    if radius > 6:
        frames["behind a beam stop"] = with_stop(rng.poisson(1000 * beam + 1), cy, cx, radius), about
        frames["behind a line"] = with_dark_row(rng.poisson(1000 * beam + 1), cy, max(1, int(0.1 * radius))), about
    if radius > 8:
        frames["of few counts"] = rng.poisson(0.64 * beam + 0.005) / 64, max(1.6, 0.13 * radius)
    if radius < 0.1 * n:
        spots = sum(
            disk(shape, cy + 3 * radius * np.sin(a), cx + 3 * radius * np.cos(a), radius)
            for a in np.arange(6) * np.pi / 3 + 0.2
        )
        frames["with spots"] = rng.poisson(100 * beam + 30 * spots + 1), 1.2
    for kind, (frame, tolerance) in frames.items():
        found = locate(np.asarray(frame, dtype=np.float64))
        told = f"{kind}, {n} px, ({cy}, {cx}), radius {radius}: {found}"
        assert isinstance(found, Beam), told
        assert (found.cy, found.cx, found.radius) == pytest.approx((cy, cx, radius), abs=tolerance), told


@pytest.mark.parametrize(("n", "radius"), [(64, 2), (128, 2), (64, 4), (96, 10), (128, 26), (128, 42)])
def test_a_beam_is_found_at_its_place(n: int, radius: float) -> None:
    rng = np.random.default_rng(n)
    check_position(n, radius, 0.5 * n, 0.56 * n, rng)
    if radius < 0.25 * n:
        check_position(n, radius, 0.4 * n, 0.7 * n, rng)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_a_beam_of_any_size_is_found_anywhere(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(64, 257))
    radius = float(rng.uniform(2, 0.28 * n))
    cy, cx = (float(rng.uniform(radius + 8, side - radius - 9)) for side in (n, n + n // 8))
    check_position(n, radius, cy, cx, rng)


def test_a_beam_in_a_large_frame_is_measured_in_pixels_of_that() -> None:
    frame = np.random.default_rng(1).poisson(30 * disk((1300, 1500), 400.5, 800, 33) + 1)
    found = locate(frame.astype(np.float64))
    assert isinstance(found, Beam)
    assert (found.cy, found.cx, found.radius) == pytest.approx((400.5, 800, 33), abs=0.6)


def test_a_saturated_beam_in_a_bright_halo_is_found() -> None:
    y, x = np.mgrid[:128, :128]
    halo = 50 * np.exp(-np.square(np.hypot(y - 64, x - 6) / 20))
    frame = np.minimum(np.random.default_rng(1).poisson(halo + 1000 * disk((128, 128), 64, 40, 14), (8, 128, 128)), 63)
    found = locate(frame.mean(axis=0))
    assert isinstance(found, Beam)
    assert (found.cy, found.cx, found.radius) == pytest.approx((64, 40, 14), abs=2)


def test_detectors_fit_the_beam() -> None:
    beam = Beam(20.0, 30.0, 5.0, "found", (48, 64))
    assert beam.disk == (20, 30, 6.5)
    assert beam.ring == (20, 30, 9, 20)


@pytest.mark.parametrize("dtype", ["bool", "u1", ">u2", "i4", "f2", ">f4", "c8", "u8"])
def test_a_beam_is_found_in_pixels_of_any_kind(dtype: str) -> None:
    frame = (100 * disk((40, 50), 17, 30, 5)).round()
    frames = np.broadcast_to(frame > 50 if dtype == "bool" else frame, (2, 3, 40, 50)).astype(dtype)
    found = find_beam(lamella.open(frames, nav_shape=(2, 3)))
    assert isinstance(found, Beam)
    assert (found.cy, found.cx, found.radius) == pytest.approx((17, 30, 5), abs=0.6)


def test_it_looks_at_64_frames_at_most_and_at_those_of_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = np.zeros((20, 30, 24, 24), "u2")
    frames[:10] = 100 * disk((24, 24), 8, 9, 3)
    frames[10:] = 100 * disk((24, 24), 14, 15, 3)
    ds = lamella.open(frames)
    read: list[object] = []
    original = lamella.DataSet.read

    def counted(self: Any, index: Any, **how: Any) -> Any:
        read.append(index)
        return original(self, index, **how)

    monkeypatch.setattr(lamella.DataSet, "read", counted)
    region = np.zeros((20, 30), bool)
    region[12:, 3:7] = True
    found = find_beam(ds, region)
    assert isinstance(found, Beam)
    assert (found.cy, found.cx) == pytest.approx((14, 15), abs=0.2)
    assert 0 < len(read) <= 64
    read.clear()
    find_beam(ds)
    assert len(read) == 64
    assert find_beam(ds, np.zeros((20, 30), bool)) == NoBeam("there is no frame to look at")


def test_lost_frames_are_not_looked_at() -> None:
    frames = np.broadcast_to(100 * disk((24, 24), 8, 9, 3), (6, 24, 24)).astype("u2")
    with pytest.warns(lamella.LamellaWarning):
        ds = lamella.open(np.ascontiguousarray(frames), nav_shape=(5, 100), sync_offset=-450)
    found = find_beam(ds)
    assert isinstance(found, Beam)
    assert found.origin == "found in 6 frames"


def test_frames_and_pixels_that_are_no_numbers_do_not_count() -> None:
    frames = np.broadcast_to(100 * disk((24, 24), 8, 9, 3), (2, 3, 24, 24)).astype("f4")
    frames[0, 1], frames[1, 1, 3], frames[1, 2, 8, 9] = np.nan, np.inf, -np.inf
    found = find_beam(lamella.open(frames))
    assert isinstance(found, Beam)
    assert (found.cy, found.cx, found.radius) == pytest.approx((8, 9, 3), abs=0.5)
    assert find_beam(lamella.open(np.full((2, 3, 24, 24), np.nan))) == NoBeam("no pixel has a number that is finite")


@pytest.mark.parametrize("factor", [1e-300, 1e-25, 1e20, 1e300])
def test_a_beam_is_found_in_any_unit(factor: float) -> None:
    found = locate(np.asarray(100 * disk((40, 50), 17, 30, 5) + 1) * factor)
    assert isinstance(found, Beam), found
    assert (found.cy, found.cx, found.radius) == pytest.approx((17, 30, 5), abs=0.6)


def test_a_detector_with_one_axis_has_no_beam() -> None:
    assert find_beam(lamella.open(np.ones((3, 4, 5)), sig_shape=(5,))) == NoBeam("the detector does not have two axes")


def connected(mask: Frame, start: tuple[np.intp, np.intp]) -> Frame:
    """The pixels that are reached from one by steps along rows and columns, one after the other."""
    found, waiting = np.zeros_like(mask), [(int(start[0]), int(start[1]))]
    while waiting:
        y, x = waiting.pop()
        if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and not found[y, x]:
            found[y, x] = True
            waiting += [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
    return found


def test_regions_of_every_form_are_found_whole() -> None:
    rng = np.random.default_rng(4)
    for density in np.linspace(0.3, 0.95, 60):
        mask = rng.random(rng.integers(1, 40, 2)) < density
        start = (np.intp(rng.integers(mask.shape[0])), np.intp(rng.integers(mask.shape[1])))
        np.testing.assert_array_equal(_connected(mask, start), connected(mask, start))
        mask[start] = True
        np.testing.assert_array_equal(_connected_runs(mask, start), connected(mask, start))


def test_a_region_with_many_turns_takes_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A halo of noise has long ways from end to end; growing by one pixel at a time took most of an opening."""
    mask = np.ones((255, 255), dtype=np.bool_)
    mask[1::4, :-1] = mask[3::4, 1:] = False
    grown = Mock(side_effect=_grown)
    monkeypatch.setattr("lamella.analysis.disk._grown", grown)
    np.testing.assert_array_equal(_connected(mask, (np.intp(0), np.intp(0))), mask)
    assert grown.call_count < 50
