"""Samples betray mistakes: values differ, damage is small and can be told, the model is what the specification says."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from wrong_readers.toy_format import HEADER, ToySampler
from wrong_readers.toy_reader import RIGHT

from lamella_testkit import others
from lamella_testkit.copies import Copies
from lamella_testkit.diagnose import expect_equal, same
from lamella_testkit.kit import Kit, placed, sample_of
from lamella_testkit.model import frames_shown, scan
from lamella_testkit.mutate import (
    Change,
    alike,
    boundaries,
    extreme_fields,
    flipped_bits,
    known_numbers,
    scrambled,
    structure,
)
from lamella_testkit.outcomes import Broken
from lamella_testkit.profiles import PROFILES, profile_named
from lamella_testkit.sample import SPECIAL, Sample, SampleData, pixel_values

DTYPES = ["|u1", "|i1", "<u2", ">i2", "<u4", ">i8", "<f2", ">f4", "<f8", "<c8", ">c16"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_differ_as_long_as_there_is_room(dtype: str) -> None:
    values = pixel_values(250, np.dtype(dtype))
    assert len(np.unique(values)) == 250
    assert values.dtype == np.dtype(dtype)
    assert np.isfinite(values.astype(np.complex128)).all()


@pytest.mark.parametrize("dtype", ["|i1", ">i2", "<f4"])
def test_values_have_both_signs(dtype: str) -> None:
    values = pixel_values(200, np.dtype(dtype))
    assert (values < 0).any()
    assert (values > 0).any()


def test_values_stay_below_the_number_of_bits() -> None:
    values = pixel_values(4096, np.dtype("<u2"), bits=12)
    assert values.max() == 4095
    assert len(np.unique(values)) == 4096


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values_hold_the_extremes(dtype: str) -> None:
    values = SampleData((4, 4), (4, 4), dtype, seed=SPECIAL).pixels
    assert values.dtype == np.dtype(dtype)
    if values.dtype.kind in "iu":
        assert {np.iinfo(dtype).min, np.iinfo(dtype).max} <= set(values.reshape(-1).tolist())
    else:
        assert np.isnan(values).any()


def test_a_scan_is_the_same_every_time() -> None:
    data = SampleData((2, 3), (4, 5), "<u2")
    assert np.array_equal(data.pixels, SampleData((2, 3), (4, 5), "<u2").pixels)
    assert not np.array_equal(data.pixels, data.but(seed=1).pixels)


@given(st.integers(0, 12), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(-15, 15))
def test_the_model_is_the_one_rule(n_frames: int, nav: list[int], offset: int) -> None:
    shown = np.asarray(frames_shown(n_frames, nav, offset))
    steps = np.arange(int(np.prod(nav))) + offset
    assert np.array_equal(shown, np.where((steps >= 0) & (steps < n_frames), steps, -1))


def test_the_model_fills_what_is_missing() -> None:
    frames = np.arange(3, dtype="u2").reshape(3, 1)
    assert scan(frames, (2, 2), -1, fill=9).tolist() == [[[9], [0]], [[1], [2]]]


@pytest.mark.parametrize(
    ("change", "suspicion"),
    [
        (lambda a: a.byteswap(), "byte order"),
        (lambda a: a[..., ::-1], "detector axis 1 was reversed"),
        (lambda a: np.roll(a, 1, axis=-2), "detector axis 0 is off by one"),
        (lambda a: np.zeros_like(a), "nothing was read"),
        (lambda a: a.reshape(6, 4, 5)[::-1].reshape(a.shape), "order of frames was reversed"),
        (lambda a: np.roll(a.reshape(6, 4, 5), 1, axis=0).reshape(a.shape), "frames are off by one"),
        (lambda a: np.swapaxes(a, 0, 1).reshape(a.shape), "scan x and y were swapped"),
    ],
)
def test_a_difference_is_explained(change: object, suspicion: str) -> None:
    right = SampleData((2, 3), (4, 5), "<u2").pixels
    with pytest.raises(Broken, match=suspicion):
        expect_equal(change(right), right, "the read", sig_dims=2)  # type: ignore[operator]


def test_nan_equals_nan_of_the_same_bits() -> None:
    one = np.asarray([np.nan, -0.0])
    assert same(one, one.copy())
    assert not same(one, np.asarray([np.nan, 0.0]))
    assert same(one, one.astype(">f8"))


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(RIGHT, ToySampler(), profile=PROFILES["dev"], workdir=tmp_path)


class CountingSampler(ToySampler):
    def __init__(self) -> None:
        self.asked: list[SampleData] = []

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        self.asked.append(data)
        return super().write(directory, data)


class LocatedSampler(CountingSampler):
    """Writes into a sidecar where the file lies, as some programs do."""

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        answer = super().write(directory, data)
        (directory / "place.txt").write_text(str(directory))
        return answer


def test_a_sampler_writes_a_scan_once_and_copies_are_whole_and_apart(tmp_path: Path) -> None:
    sampler = CountingSampler()
    kit = Kit(RIGHT, sampler, profile=PROFILES["dev"], workdir=tmp_path)
    data = kit.data(variant="parts")
    first = kit.fresh(data)
    contents = {path.name: path.read_bytes() for path in first.files}
    first.path.write_bytes(b"damaged")
    kit.clean()
    for _ in range(2):
        again = kit.fresh(kit.data(variant="parts"))
        assert {path.name: path.read_bytes() for path in again.files} == contents
        assert again.path.parent == again.directory != first.directory
        np.testing.assert_array_equal(kit.open(again).read(), data.pixels)
        again.path.write_bytes(b"damaged")
    assert sampler.asked == [data]
    kit.fresh(data.but(seed=1))
    assert len(sampler.asked) == 2


def test_a_scan_that_holds_its_place_is_written_anew(tmp_path: Path) -> None:
    sampler = LocatedSampler()
    kit = Kit(RIGHT, sampler, profile=PROFILES["dev"], workdir=tmp_path)
    one, other = (kit.fresh(kit.data()) for _ in range(2))
    assert (other.directory / "place.txt").read_text() == str(other.directory) != str(one.directory)
    assert len(sampler.asked) == 2


def test_copies_take_a_bounded_room(tmp_path: Path) -> None:
    sampler = CountingSampler()
    kit = Kit(RIGHT, sampler, profile=PROFILES["dev"], workdir=tmp_path)
    scans = [kit.data((2, 2), (3, 3), seed=seed) for seed in range(4)]
    room = 2 * (kit.fresh(scans[0]).nbytes + scans[0].nbytes)
    copies = Copies(lambda data, folder: sample_of(data, folder, sampler.write(folder, data)), placed, 2 * room)
    sampler.asked.clear()
    for data in (*scans, *scans, scans[0]):
        copies.write(data, kit.directory())
    assert len(sampler.asked) == 4
    for seed in range(4, 8):
        copies.write(scans[0].but(seed=seed), kit.directory())
    copies.write(scans[0], kit.directory())
    assert len(sampler.asked) == 9


def test_files_of_other_formats_are_written_once(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = CountingSampler()
    monkeypatch.setattr(others, "other_samplers", lambda name: [RaisingSampler(), sampler])
    monkeypatch.setattr(others, "_kept", {})
    contents = []
    for _ in range(2):
        ((name, sample),) = others.files_of_others(kit)
        assert name == "toy"
        contents.append(sample.path.read_bytes())
        sample.path.write_bytes(b"changed by a check")
    assert contents[0] == contents[1]
    assert len(sampler.asked) == 1


class RaisingSampler(ToySampler):
    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        raise OSError("the disk is full")


def test_structure_is_what_frames_do_not_cover(kit: Kit) -> None:
    sample = kit.fresh(kit.data((2, 2), (3, 3), dtype="|u1"))
    places = structure(kit, sample)[sample.path]
    tags = HEADER.itemsize + int(np.frombuffer(sample.path.read_bytes(), HEADER, count=1)["tag_bytes"][0])
    assert set(range(tags)) <= set(places)
    assert len(places) == tags + 4 * 8  # and the header of each frame


def test_files_are_cut_where_it_matters(kit: Kit) -> None:
    sample = kit.fresh(kit.data((2, 2), (3, 3), dtype="|u1"))
    size = sample.path.stat().st_size
    lengths = boundaries(kit, sample, sample.path)
    assert {0, 1, size - 1, size - 9, size - 10} <= set(lengths)
    assert max(lengths) < size


def test_parts_of_a_series_are_alike(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("scan1.bin", "scan2.bin", "scan10.bin", "scan.gtg", "other1.bin")]
    for file in files:
        file.touch()
    sample = Sample(SampleData((2, 2), (3, 3), "|u1"), tmp_path, files[0], {})
    assert [alike(sample, file) for file in files] == [3, 3, 3, 1, 1]


def test_a_flip_changes_one_bit() -> None:
    content = bytes(range(64))
    for change in flipped_bits(content, range(16), 128):
        damaged = change.apply(content)
        assert len(damaged) == 64
        assert sum((a ^ b).bit_count() for a, b in zip(content, damaged, strict=True)) == 1


def test_another_seed_damages_other_places() -> None:
    content = bytes(range(256)) * 2
    for damage in (flipped_bits, extreme_fields, scrambled):
        one, again, other = ([*damage(content, range(512), 8, seed)] for seed in (1, 1, 2))
        assert one == again != other
    one_number, other_number = ([*known_numbers(content, range(512), [0x0D0C, 0x0F0E], 2, seed)] for seed in (1, 2))
    assert one_number != other_number


def test_numbers_of_a_header_are_found_in_binary_and_in_text() -> None:
    content = (11).to_bytes(4, "little") + b" width = 13 " + (11 * 13).to_bytes(2, "big")
    found = {
        change for changes in known_numbers(content, range(len(content)), [11, 13, 143], 1000) for change in changes
    }
    assert any(change.begin == 0 for change in found)
    assert any(content[change.begin : change.end] == b"13" for change in found)
    assert any(change.begin == len(content) - 2 for change in found)


def test_words_of_text_are_exchanged() -> None:
    content = b'{"name": "scan.raw", "width": 64}'
    texts = {change.apply(content) for change in extreme_fields(content, range(len(content)), 400)}
    assert b'{"name": 5, "width": 64}' in texts
    assert b'{"name": "scan.raw", "width": -1}' in texts


def test_a_change_can_be_told() -> None:
    assert str(Change(3, 5, b"\x00\xff")) == "bytes 3 to 5 replaced by 00 ff"


def test_profiles_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert profile_named("ci").examples == 200
    monkeypatch.setenv("LAMELLA_TESTKIT_PROFILE", "nightly")
    assert profile_named(None).examples == 2000
    with pytest.raises(KeyError, match="no profile is called"):
        profile_named("hard")


def test_a_quick_profile_takes_the_cases_of_other_variants_in_turn(tmp_path: Path) -> None:
    quick, thorough = (Kit(RIGHT, ToySampler(), profile=PROFILES[name], workdir=tmp_path) for name in ("dev", "ci"))
    cases = list(range(10))
    assert quick.in_turn(cases, 0) == cases
    assert sorted(one for number in (4, 5, 6) for one in quick.in_turn(cases, number)) == cases
    assert all(thorough.in_turn(cases, number) == cases for number in range(4))
