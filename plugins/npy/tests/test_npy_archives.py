"""Arrays in .npz archives: stored ones are read in place, compressed ones are unpacked, absurd ones refused."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import lamella
from lamella.errors import FormatError, LamellaError, ParameterError, UnsupportedError

SCAN = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)
SAVES: dict[str, Callable[..., None]] = {"stored": np.savez, "compressed": np.savez_compressed}


@pytest.mark.parametrize("save", SAVES)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<u2", ">f4"])
def test_the_only_array_of_an_archive_is_opened(tmp_path: Path, save: str, order: str, kind: str) -> None:
    values = np.array(SCAN, dtype=kind, order=order)  # type: ignore[call-overload]
    SAVES[save](tmp_path / "a.npz", values)
    ds = lamella.open(tmp_path / "a.npz")
    assert (ds.format, tuple(ds.shape), ds.dtype) == ("npy", SCAN.shape, values.dtype.newbyteorder("="))
    np.testing.assert_array_equal(ds.read(), values)
    np.testing.assert_array_equal(ds[1, :, 1:3, 2], values[1, :, 1:3, 2])


@pytest.mark.parametrize("save", SAVES)
def test_one_of_several_arrays_is_chosen_by_its_name(tmp_path: Path, save: str) -> None:
    path = tmp_path / "a.npz"
    SAVES[save](path, scan=SCAN, dark=np.ones((4, 5)), mask=SCAN[0] > 7)
    with pytest.raises(ParameterError, match="'scan', 'dark', 'mask'; say which one, such as name='scan'"):
        lamella.open(path)
    with pytest.raises(ParameterError, match="no single array 'scna'"):
        lamella.open(path, name="scna")
    for name, values in (("scan", SCAN), ("mask", SCAN[0] > 7)):
        ds = lamella.open(path, name=name)
        assert not ds.info.notes or save == "compressed"
        np.testing.assert_array_equal(ds.read(), values)


def test_a_label_does_not_matter_to_a_single_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", SCAN)
    assert lamella.open(tmp_path / "a.npy", name="gold").name == "gold"


def test_a_compressed_array_that_is_too_large_is_refused_with_the_line_that_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "a.npz", scan=SCAN)
    monkeypatch.setattr("lamella_npy.archive.memory_size", lambda: 4 * SCAN.nbytes)
    with pytest.raises(UnsupportedError, match=r"np\.save\('a\.npy', np\.load\('a\.npz'\)\['scan'\]\)"):
        lamella.open(tmp_path / "a.npz")


def test_sizes_are_checked_against_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(100))
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02") + 24
    content[at : at + 4] = (1 << 30).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(FormatError, match="cannot be that large"):
        lamella.open(path)


@pytest.mark.parametrize("save", SAVES)
def test_damaged_archives_are_refused_or_right(tmp_path: Path, save: str) -> None:
    path = tmp_path / "a.npz"
    SAVES[save](path, scan=SCAN)
    content, rng = path.read_bytes(), np.random.default_rng(5)
    for length in rng.integers(0, len(content), 20):
        path.write_bytes(content[:length])
        with pytest.raises(LamellaError):
            lamella.open(path).read()
    for place, value in zip(rng.integers(0, len(content), 60), rng.integers(0, 256, 60), strict=True):
        path.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
        try:
            found = lamella.open(path, io_backend=None).read()
        except LamellaError:
            continue
        assert save == "stored" or np.array_equal(found, SCAN)


def test_an_archive_that_changes_while_it_is_open_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, scan=SCAN)
    ds = lamella.open(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FormatError):
        ds.read()


def test_a_compressed_array_whose_archive_was_replaced_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, scan=SCAN)
    ds = lamella.open(path)
    other = np.random.default_rng(1).integers(0, 999, SCAN.shape, np.uint16)
    np.savez_compressed(path, scan=other)  # larger, because it holds no pattern
    with pytest.raises(FormatError):
        ds.read()


def test_a_cut_archive_says_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, scan=SCAN)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FormatError, match=f"found {path.stat().st_size} bytes without one"):
        lamella.open(path)
