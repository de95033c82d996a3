"""`lamella run` and `lamella demo`: arrays that are right, pictures, and what is told."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lamella.cli import main
from lamella.demo import DemoScan, write_scan

pytest.importorskip("lamella_raw")
pytest.importorskip("lamella_blo")

Capture = pytest.CaptureFixture[str]
PROJECT = Path(__file__).parents[2]
SAMPLE = Path(os.environ.get("LAMELLA_SAMPLES", PROJECT.parent / "shared" / "samples")) / "blo" / "test2"


@pytest.fixture(scope="module")
def frames() -> NDArray[np.uint16]:
    return np.random.default_rng(3).integers(0, 900, (24, 12, 14), dtype=np.uint16)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def raw(here: Path, frames: NDArray[np.uint16]) -> list[str]:
    frames.tofile(here / "scan.raw")
    return ["scan.raw", "--format", "raw", "--dtype", "u2", "--sig-shape", "12,14"]


def results(folder: str | Path) -> dict[str, NDArray[np.float64]]:
    return {path.stem: np.load(path) for path in Path(folder).glob("*.npy")}


def inside(cy: float, cx: float, radius: float) -> NDArray[np.bool_]:
    y, x = np.mgrid[:12, :14]
    near: NDArray[np.bool_] = np.hypot(y - cy, x - cx) <= radius
    return near


@pytest.mark.parametrize("nav", [(24,), (4, 6), (2, 3, 4), (2, 1, 3, 4)])
def test_arrays_are_right_for_any_rank_of_the_scan(
    nav: tuple[int, ...], raw: list[str], frames: NDArray[np.uint16]
) -> None:
    shape = ",".join(map(str, nav))
    what = ["--disk", "5,6,3", "--ring", "5,6,3,5.5", "--com", "--beam", "5,6", "--sum", "--std", "--sumsig"]
    assert main(["run", *raw, "--nav-shape", shape, *what, "--out", "r"]) == 0
    found = results("r")
    disk = inside(5, 6, 3)
    ring = inside(5, 6, 5.5) & ~disk
    y, x = np.mgrid[:12, :14]
    total = frames.sum(axis=(1, 2))
    expected = {
        "disk": (frames * disk).sum(axis=(1, 2)).reshape(nav),
        "ring": (frames * ring).sum(axis=(1, 2)).reshape(nav),
        "com_y": ((frames * y).sum(axis=(1, 2)) / total - 5).reshape(nav),
        "com_x": ((frames * x).sum(axis=(1, 2)) / total - 6).reshape(nav),
        "sum": frames.sum(axis=0),
        "mean": frames.mean(axis=0),
        "std": frames.std(axis=0),
        "sumsig": total.reshape(nav),
    }
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("nav", ["24", "4,6"])
def test_scans_of_one_and_two_axes_get_pictures(nav: str, raw: list[str]) -> None:
    what = ["--nav-shape", nav, "--sum", "--sumsig", "--out", "r"]
    assert main(["run", *raw, *what]) == 0
    assert {path.name for path in Path("r").glob("*.png")} == {"overview.png"}
    assert main(["run", *raw, *what, "--pictures", "each"]) == 0
    assert {path.name for path in Path("r").glob("*.png")} == {"overview.png", "mean.png", "sumsig.png"}


def test_nobody_waits_for_pictures_who_wants_none(here: Path, raw: list[str]) -> None:
    code = "import sys; from lamella.cli import main; print(main(sys.argv[1:]), 'matplotlib' in sys.modules)"
    command = [sys.executable, "-c", code, "run", *raw, "--nav-shape", "4,6", "--sum", "--no-pictures", "--out", "r"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=here)
    assert done.stdout.split()[-2:] == ["0", "False"]
    assert {path.name for path in Path("r").iterdir()} == {"sum.npy", "mean.npy", "summary.json"}


def test_arrays_are_told_before_pictures_are_drawn(
    raw: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def draw(*_: object) -> list[Path]:
        told.extend(capsys.readouterr())
        return []

    monkeypatch.setattr("lamella.cli.run.save_pictures", draw)
    assert main(["run", *raw, "--nav-shape", "4,6", "--sum", "--out", "r"]) == 0
    assert "sum.npy" in "".join(told)


def test_scans_of_more_axes_get_pictures_of_their_middle_plane(raw: list[str]) -> None:
    what = ["--sum", "--sumsig", "--pictures", "each", "--out", "r"]
    assert main(["run", *raw, "--nav-shape", "2,3,4", *what]) == 0
    assert {path.name for path in Path("r").glob("*.png")} == {"overview.png", "mean.png", "sumsig.png"}


def test_missing_frames_are_not_a_number_and_marked(
    raw: list[str], frames: NDArray[np.uint16], capsys: Capture
) -> None:
    assert (
        main(
            ["run", *raw, "--nav-shape", "5,6", "--sync-offset", "-2", "--com", "--beam", "5,6", "--sum", "--out", "r"]
        )
        == 0
    )
    assert "6 of 30 scan positions have no frame" in capsys.readouterr().err
    found = results("r")
    missing = ~found["valid"].astype(bool)
    assert missing.sum() == 6
    assert np.isnan(found["com_x"][missing]).all()
    assert not np.isnan(found["com_x"][~missing]).any()
    np.testing.assert_allclose(found["mean"], frames.mean(axis=0))


@pytest.mark.parametrize("kind", ["slices", "file"])
def test_a_region_selects_positions(kind: str, raw: list[str], frames: NDArray[np.uint16], here: Path) -> None:
    mask = np.zeros((4, 6), dtype=bool)
    mask[1:3, 2] = True
    np.save(here / "mask.npy", mask)
    roi = "1:3,2" if kind == "slices" else "mask.npy"
    assert main(["run", *raw, "--nav-shape", "4,6", "--sum", "--roi", roi, "--out", "r"]) == 0
    np.testing.assert_allclose(results("r")["sum"], frames.reshape(4, 6, 12, 14)[mask].sum(axis=0))


@pytest.mark.parametrize("roi", ["x", "1:2,3:4,5:6", "9,9"])
def test_a_region_that_makes_no_sense_is_wrong_usage(roi: str, raw: list[str]) -> None:
    assert main(["run", *raw, "--nav-shape", "4,6", "--sum", "--roi", roi]) == 2


@pytest.mark.parametrize("executor", [["inline"], ["threads", "--workers", "3"]])
def test_executors_give_the_same(executor: list[str], raw: list[str], frames: NDArray[np.uint16]) -> None:
    assert main(["run", *raw, "--sum", "--executor", *executor, "--out", "r"]) == 0
    np.testing.assert_array_equal(results("r")["sum"], frames.sum(axis=0))


def test_without_a_choice_detectors_sit_around_the_beam(here: Path, capsys: Capture) -> None:
    write_scan(here / "scan.blo", DemoScan((10, 12), detector=48))
    assert main(["run", "scan.blo", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    disk, ring, com, total = told["analyses"]
    assert (disk["cy"], disk["cx"]) == pytest.approx((24.36, 22.25), abs=0.35)
    assert disk["radius"] < ring["inner"] < ring["outer"]
    assert (com["analysis"], total["analysis"]) == ("com", "sum")
    assert told["folder"] == "scan-results"
    assert set(results("scan-results")) == {"disk", "ring", "com_x", "com_y", "mean", "sum"}
    assert (here / "scan-results" / "overview.png").stat().st_size > 10_000


def test_without_a_beam_there_are_sums_and_it_says_why(raw: list[str], capsys: Capture) -> None:
    assert main(["run", *raw, "--nav-shape", "4,6", "--no-pictures", "--executor", "inline", "--out", "r"]) == 0
    told = capsys.readouterr().out
    assert "no direct beam found: nothing rises above the noise; there are no virtual detectors" in told
    assert results("r").keys() == {"sumsig", "mean", "sum", "std"}


@pytest.mark.parametrize("option", [["--disk", "3"], ["--ring", "2,4"], ["--com"]])
def test_detectors_around_a_beam_that_is_not_there_are_wrong_usage(
    option: list[str], raw: list[str], capsys: Capture
) -> None:
    assert main(["run", *raw, *option, "--executor", "inline", "--out", "r"]) == 2
    assert (
        "no direct beam found: nothing rises above the noise; say where it is by --beam CY,CX"
        in capsys.readouterr().err
    )
    assert not Path("r").exists()


def test_a_single_frame_is_written_and_drawn(here: Path, frames: NDArray[np.uint16], capsys: Capture) -> None:
    frames[3].tofile("one.raw")
    how = ["--format", "raw", "--dtype", "u2", "--sig-shape", "12,14"]
    assert main(["run", "one.raw", *how, "--executor", "inline", "--out", "r", "--json"]) == 0
    assert sorted(json.loads(capsys.readouterr().out)["files"]) == ["frame.npy", "overview.png", "summary.json"]
    np.testing.assert_array_equal(results("r")["frame"], frames[3])


def test_several_detectors_are_numbered_and_share_the_centre_of_the_beam(raw: list[str], capsys: Capture) -> None:
    arguments = ["--disk", "2", "--disk", "1,1,2", "--ring", "2,4", "--beam", "5,6", "--out", "r", "--json"]
    assert main(["run", *raw, *arguments]) == 0
    facts = {fact.pop("analysis"): fact for fact in json.loads(capsys.readouterr().out)["analyses"]}
    assert facts == {
        "disk_1": {"cy": 5, "cx": 6, "radius": 2},
        "disk_2": {"cy": 1, "cx": 1, "radius": 2},
        "ring": {"cy": 5, "cx": 6, "inner": 2, "outer": 4},
    }


@pytest.mark.parametrize("option", [["--disk", "1,2"], ["--ring", "1,2,3"], ["--disk", "a"], ["--beam", "3"]])
def test_detectors_want_the_right_numbers(option: list[str], raw: list[str], capsys: Capture) -> None:
    assert main(["run", *raw, *option]) == 2
    assert f"argument {option[0]}" in capsys.readouterr().err


def test_a_linear_detector_has_sums_and_no_disks(here: Path, capsys: Capture) -> None:
    np.arange(60, dtype="f4").tofile("spectra.raw")
    spectra = ["spectra.raw", "--format", "raw", "--dtype", "f4", "--sig-shape", "10"]
    assert main(["run", *spectra, "--out", "r"]) == 0
    assert results("r")["sumsig"].shape == (6,)
    assert (here / "r" / "overview.png").exists()
    assert main(["run", *spectra, "--disk", "3"]) == 2
    assert "need a detector with two axes" in capsys.readouterr().err


def test_complex_data_give_complex_arrays_and_pictures_of_the_modulus(here: Path) -> None:
    waves = (np.arange(2 * 3 * 8 * 8) * (1 - 2j)).astype("c8").reshape(2, 3, 8, 8)
    waves.tofile("waves.raw")
    how = ["--format", "raw", "--dtype", "c8", "--sig-shape", "8,8", "--nav-shape", "2,3"]
    assert main(["run", "waves.raw", *how, "--disk", "3,3,2", "--sum", "--out", "r"]) == 0
    np.testing.assert_allclose(results("r")["sum"], waves.sum(axis=(0, 1)), rtol=1e-6)
    assert (here / "r" / "overview.png").exists()


def test_an_interrupt_leaves_nothing_half_written(here: Path) -> None:
    command = [sys.executable, "-m", "lamella", "demo", "--size", "400,400,96"]
    with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (here / "lamella-demo" / "scan.blo.part").exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
    assert (process.returncode, error) == (130, "lamella: interrupted\n")
    assert list((here / "lamella-demo").iterdir()) == []


def test_the_summary_says_what_was_done(raw: list[str], here: Path) -> None:
    assert main(["run", *raw, "--sum", "--out", "r"]) == 0
    summary = json.loads((here / "r" / "summary.json").read_text())
    assert (summary["frames"], summary["bytes"]) == (24, 24 * 12 * 14 * 2)
    assert summary["dataset"]["provenance"]["format"] == "raw"
    assert summary["arrays"] == ["mean.npy", "sum.npy"]


@pytest.mark.recorded
@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample files are not here (LAMELLA_SAMPLES)")
def test_a_recorded_block_file_gives_the_sums_of_its_pixels(here: Path) -> None:
    assert main(["run", str(SAMPLE / "test2.blo"), "--sum", "--sumsig", "--disk", "2,2,2", "--out", "r"]) == 0
    pixels = np.load(SAMPLE / "expected.npy")
    y, x = np.mgrid[:5, :5]
    found = results("r")
    np.testing.assert_array_equal(found["sum"], pixels.sum(axis=(0, 1), dtype=np.int64))
    np.testing.assert_array_equal(found["sumsig"], pixels.sum(axis=(2, 3), dtype=np.int64))
    disk = (pixels * (np.hypot(y - 2, x - 2) <= 2)).sum(axis=(2, 3))
    np.testing.assert_allclose(found["disk"], disk, rtol=1e-6)


@pytest.mark.recorded
@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample files are not here (LAMELLA_SAMPLES)")
def test_a_recorded_block_file_runs_without_a_choice(here: Path) -> None:
    assert main(["run", str(SAMPLE / "test2.blo")]) == 0
    assert results("test2-results")["sumsig"].shape == (2, 3)
    assert "disk" not in results("test2-results"), "the sample has no direct beam"


def test_the_demo_leaves_one_picture_and_arrays(here: Path, capsys: Capture) -> None:
    assert main(["demo", "--size", "16,20,48"]) == 0
    text = capsys.readouterr().out
    assert "detected with confidence 100 of 100" in text
    assert "B/s" in text
    assert [path.name for path in (here / "lamella-demo").glob("*.png")] == ["demo.png"]
    found = results("lamella-demo")
    assert {name: values.shape for name, values in found.items()} == {
        **dict.fromkeys(("disk", "ring", "com_x", "com_y"), (16, 20)),
        **dict.fromkeys(("mean", "sum"), (48, 48)),
    }
    assert not (here / "lamella-demo" / "scan.blo").exists()


def test_the_lines_of_python_that_the_demo_prints_do_the_same(here: Path, capsys: Capture) -> None:
    assert main(["demo", "--size", "16,20,48", "--keep", "--json"]) == 0
    scope: dict[str, object] = {}
    exec("\n".join(json.loads(capsys.readouterr().out)["python"]), scope)
    found = results("lamella-demo")
    ring, com, total = (scope[name] for name in ("ring", "com", "total"))
    np.testing.assert_array_equal(ring["intensity"], found["ring"])  # type: ignore[index]
    np.testing.assert_array_equal(com["x"], found["com_x"])  # type: ignore[index]
    np.testing.assert_array_equal(total["intensity"], found["sum"])  # type: ignore[index]


def test_a_demo_of_a_size_that_cannot_be_is_wrong_usage(here: Path) -> None:
    assert main(["demo", "--size", "2,2"]) == 2
    assert main(["demo", "--size", "many"]) == 2
    assert list(here.iterdir()) == []


def test_pictures_are_drawn_where_matplotlib_is_missing(raw: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["run", *raw, "--sum", "--out", "r"]) == 0
    assert "sum" in results("r")
    assert Path("r/overview.png").read_bytes().startswith(b"\x89PNG")
