"""The dark frame from part 000 and the gain map of the user."""

import importlib.util
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.cli.app import main
from lamella.errors import CorruptError, FormatError, ParameterError, TruncatedError
from lamella.udf import SumUDF
from lamella_frms6.writer import folded, header_text, part_bytes

HEIGHT, WIDTH = 6, 4


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 1 << 12, (4, HEIGHT, WIDTH), dtype=np.uint16)


@pytest.fixture
def darks() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 1 << 16, (7, HEIGHT, WIDTH), dtype=np.uint16)


@pytest.fixture
def header(tmp_path: Path, frames: np.ndarray, darks: np.ndarray) -> Path:
    (tmp_path / "scan_000.frms6").write_bytes(part_bytes(folded(darks)))
    (tmp_path / "scan_001.frms6").write_bytes(part_bytes(folded(frames)))
    (tmp_path / "scan.hdr").write_text(header_text(4, (2, 2)))
    return tmp_path / "scan.hdr"


def corrections(ds: lamella.DataSet) -> Any:
    assert ds.corrections is not None
    return ds.corrections


def corrected(ds: lamella.DataSet) -> np.ndarray:
    """Every frame as a computation sees it."""
    scheme = ds.scheme()
    tiles = ds.partitions(1)[0].tiles(scheme, dtype=np.float32, corrections=ds.corrections)
    return np.concatenate([tile.data.copy() for tile in tiles])


def test_computations_see_the_signal_minus_the_mean_dark_frame(
    header: Path, frames: np.ndarray, darks: np.ndarray
) -> None:
    ds = lamella.open(header)
    dark = darks.astype(np.float64).mean(axis=0).astype(np.float32)
    np.testing.assert_array_equal(corrections(ds).dark, dark)
    np.testing.assert_array_equal(corrected(ds), frames.astype(np.float32) - dark)
    assert ds.diagnostics["dark frames subtracted"] == 7


def test_stored_values_can_still_be_read(header: Path, frames: np.ndarray) -> None:
    ds = lamella.open(header)
    assert ds.dtype == np.uint16
    np.testing.assert_array_equal(ds.read().reshape(frames.shape), frames)


def test_the_dark_frame_can_be_left_alone(header: Path) -> None:
    ds = lamella.open(header, subtract_dark=False)
    assert ds.corrections is None
    assert ds.diagnostics["part with dark frames"]
    assert ds.diagnostics["dark frames subtracted"] == 0


@pytest.mark.parametrize("unbin", [True, False])
def test_dark_frames_are_unfolded_and_repeated_like_the_signal(header: Path, darks: np.ndarray, unbin: bool) -> None:
    header.write_text(header_text(4, (2, 2), binning=2), encoding="utf-8")
    ds = lamella.open(header, unbin=unbin)
    mean = darks.astype(np.float64).mean(axis=0).astype(np.float32)
    np.testing.assert_array_equal(corrections(ds).dark, np.repeat(mean, 2 if unbin else 1, axis=0))


@pytest.mark.parametrize("with_gain", [False, True])
@pytest.mark.parametrize("dark", [True, False])
def test_repeated_rows_can_keep_the_counts(header: Path, frames: np.ndarray, dark: bool, with_gain: bool) -> None:
    header.write_text(header_text(4, (2, 2), binning=2), encoding="utf-8")
    gain = csv(header.with_name("gain.csv"), np.full((2 * HEIGHT, WIDTH), 3.0)) if with_gain else None
    ds = lamella.open(header, unbin="scale", subtract_dark=dark, gain_map=gain)
    whole = lamella.open(header, unbin=False, subtract_dark=dark)
    counts = corrected(whole) if dark else frames.astype(np.float64)
    expected = counts.sum(axis=(1, 2), dtype=np.float64) * (3 if with_gain else 1)
    np.testing.assert_allclose(corrected(ds).sum(axis=(1, 2), dtype=np.float64), expected, rtol=1e-5)
    np.testing.assert_array_equal(ds[0, 0, ::2], frames[0])
    assert ds.diagnostics["rows multiplied with"] == 0.5


@pytest.mark.parametrize(("text", "rows"), [("scale", 2 * HEIGHT), ("true", 2 * HEIGHT), ("false", HEIGHT)])
def test_repeating_rows_is_an_option(header: Path, text: str, rows: int, capsys: pytest.CaptureFixture[str]) -> None:
    header.write_text(header_text(4, (2, 2), binning=2), encoding="utf-8")
    assert main(["info", str(header), "--unbin", text, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shape"]["sig"][0] == rows


def test_dark_frames_are_added_up_without_rounding(header: Path) -> None:
    dark = np.full((300, HEIGHT, WIDTH), 65535, dtype=np.uint16)
    dark[0] = 1
    (header.parent / "scan_000.frms6").write_bytes(part_bytes(folded(dark)))
    ds = lamella.open(header)
    assert np.unique(corrections(ds).dark).tolist() == [np.float32((299 * 65535 + 1) / 300)]


def test_many_dark_frames_are_read_piece_by_piece(header: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamella_frms6 import dark

    whole = corrections(lamella.open(header)).dark
    monkeypatch.setattr(dark, "_AT_A_TIME", 300)
    dark._mean.cache_clear()
    np.testing.assert_array_equal(corrections(lamella.open(header)).dark, whole)


def test_dark_frames_are_read_when_somebody_computes(header: Path) -> None:
    part = header.parent / "scan_000.frms6"
    ds = lamella.open(header)
    repr(ds), ds.diagnostics, ds.fingerprint
    part.write_bytes(part.read_bytes()[:-1])
    changed = pytest.raises(CorruptError, match=r"scan_000\.frms6: dark frames cannot be read: the file shrank")
    with lamella.Context(executor="inline") as ctx, changed:
        ctx.run_udf(ds, SumUDF())


def test_dark_frames_that_are_gone_are_named(header: Path) -> None:
    ds = lamella.open(header)
    (header.parent / "scan_000.frms6").unlink()
    with pytest.raises(FormatError, match=r"scan_000\.frms6: dark frames cannot be read: .*give corrections=False"):
        _ = ds.corrections


def test_corrections_can_be_left_out_of_a_command(header: Path, frames: np.ndarray, tmp_path: Path) -> None:
    results = []
    for number, options in enumerate(([], ["--no-corrections"])):
        folder = tmp_path / f"results {number}"
        assert main(["run", str(header), "--sumsig", "--out", str(folder), *options]) == 0
        results.append(np.load(folder / "sumsig.npy"))
    np.testing.assert_array_equal(results[1].reshape(-1), frames.sum(axis=(1, 2)))
    assert (results[0] != results[1]).all()


def test_a_part_000_without_a_frame_is_an_error_with_a_way_out(header: Path, frames: np.ndarray) -> None:
    part = header.parent / "scan_000.frms6"
    part.write_bytes(part.read_bytes()[:1100])
    with pytest.raises(TruncatedError, match="subtract_dark=False"):
        lamella.open(header)
    assert lamella.open(header, subtract_dark=False).corrections is None


def test_dark_frames_of_another_size_are_an_error(header: Path) -> None:
    (header.parent / "scan_000.frms6").write_bytes(part_bytes(np.zeros((2, 5, 8))))
    with pytest.raises(CorruptError, match="dark frames have another size"):
        lamella.open(header)


def test_a_damaged_part_000_is_an_error(header: Path) -> None:
    (header.parent / "scan_000.frms6").write_bytes(b"x" * 2000)
    with pytest.raises(FormatError, match=r"scan_000\.frms6: this is not a \.frms6 file"):
        lamella.open(header)
    assert lamella.open(header, subtract_dark=False).corrections is None


def test_the_fingerprint_follows_dark_frames_and_gain(header: Path, tmp_path: Path) -> None:
    gain = csv(tmp_path / "gain.csv", np.ones((HEIGHT, WIDTH)))
    before = lamella.open(header, gain_map=gain).fingerprint
    (header.parent / "scan_000.frms6").write_bytes(part_bytes(np.zeros((1, HEIGHT // 2, 2 * WIDTH))))
    between = lamella.open(header, gain_map=gain).fingerprint
    gain.write_text(gain.read_text() + "\n")
    assert len({before, between, lamella.open(header, gain_map=gain).fingerprint}) == 3


# Gain maps.


def csv(path: Path, gain: np.ndarray) -> Path:
    path.write_text("".join(";".join(map(repr, column)) + ";\r\n" for column in gain.T.tolist()), encoding="utf-8")
    return path


@pytest.fixture
def gain() -> np.ndarray:
    return np.random.default_rng(2).uniform(0.5, 2, (HEIGHT, WIDTH))


def test_a_text_gain_map_is_transposed_and_multiplies_after_the_dark_frame(
    header: Path, tmp_path: Path, gain: np.ndarray, frames: np.ndarray
) -> None:
    ds = lamella.open(header, gain_map=csv(tmp_path / "gain.csv", gain))
    dark = corrections(ds).dark
    np.testing.assert_array_equal(corrections(ds).gain, gain)
    np.testing.assert_array_equal(corrected(ds), (frames.astype(np.float32) - dark) * gain.astype(np.float32))


def test_a_gain_map_does_without_dark_frames(header: Path, tmp_path: Path, gain: np.ndarray) -> None:
    (header.parent / "scan_000.frms6").unlink()
    ds = lamella.open(header, gain_map=csv(tmp_path / "gain.csv", gain))
    assert corrections(ds).dark is None
    np.testing.assert_array_equal(corrections(ds).gain, gain)


def test_gain_maps_of_another_shape_are_refused(header: Path, tmp_path: Path, gain: np.ndarray) -> None:
    with pytest.raises(ParameterError, match=r"has shape \(4, 6\), frames have \(6, 4\)"):
        lamella.open(header, gain_map=csv(tmp_path / "gain.csv", gain.T))
    with pytest.raises(ParameterError, match="Give unbin=True"):
        lamella.open(header, binning=2, unbin=False, gain_map=csv(tmp_path / "gain.csv", np.ones((12, WIDTH))))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"1;2\n3\n", "differ in length"),
        (b"", "differ in length"),
        (b"1;two\n", "cannot be parsed"),
        (b"\xff\xfe\x00", "cannot be parsed"),
        (b"1;2;\n" * 100000, "too long"),
    ],
)
def test_damaged_text_is_refused(header: Path, tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "gain.csv").write_bytes(content)
    with pytest.raises(CorruptError, match=problem):
        lamella.open(header, gain_map=tmp_path / "gain.csv")


def test_infinite_gain_is_refused(header: Path, tmp_path: Path, gain: np.ndarray) -> None:
    gain[0, 0] = np.inf
    with pytest.raises(CorruptError, match="not finite"):
        lamella.open(header, gain_map=csv(tmp_path / "gain.csv", gain))


def test_what_is_no_gain_map_is_refused(header: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="there is no file"):
        lamella.open(header, gain_map=tmp_path / "absent.csv")
    with pytest.raises(ParameterError, match=r"is a \.csv or a \.mat file"):
        lamella.open(header, gain_map=header)


def matlab_bytes(name: bytes, matrix: np.ndarray) -> bytes:
    """A file of MATLAB, version 5, with one matrix of doubles."""

    def element(kind: int, content: bytes) -> bytes:
        return struct.pack("<II", kind, len(content)) + content.ljust(-(-len(content) // 8) * 8, b"\0")

    body = element(6, struct.pack("<II", 6, 0)) + element(5, struct.pack("<ii", *matrix.shape))
    body += element(1, name) + element(9, matrix.astype("<f8").tobytes(order="F"))
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + element(14, body)


def test_a_matlab_gain_map_is_used_as_it_is(header: Path, tmp_path: Path, gain: np.ndarray) -> None:
    pytest.importorskip("scipy.io")
    (tmp_path / "gain.mat").write_bytes(matlab_bytes(b"GainMap", gain))
    np.testing.assert_array_equal(corrections(lamella.open(header, gain_map=tmp_path / "gain.mat")).gain, gain)


def test_damaged_matlab_files_are_refused(header: Path, tmp_path: Path, gain: np.ndarray) -> None:
    pytest.importorskip("scipy.io")
    for content in (b"", b"x" * 200, matlab_bytes(b"Other", gain), matlab_bytes(b"GainMap", gain)[:200]):
        (tmp_path / "gain.mat").write_bytes(content)
        with pytest.raises(CorruptError):
            lamella.open(header, gain_map=tmp_path / "gain.mat")


@pytest.mark.skipif(importlib.util.find_spec("scipy") is not None, reason="SciPy is installed")
def test_without_scipy_a_matlab_file_says_what_to_install(header: Path, tmp_path: Path, gain: np.ndarray) -> None:
    (tmp_path / "gain.mat").write_bytes(matlab_bytes(b"GainMap", gain))
    with pytest.raises(ParameterError, match=r"pip install 'lamella-frms6\[mat\]'"):
        lamella.open(header, gain_map=tmp_path / "gain.mat")
