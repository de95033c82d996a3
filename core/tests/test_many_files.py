"""Commands over several files and folders: each scan once, one bad file is one row, and Ctrl-C stops the whole list."""

import json
import os
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.cli import main
from lamella.cli.console import Console
from lamella.cli.several import run_each
from lamella.demo import DemoScan, write_scan
from lamella.errors import CorruptError, NoFormatError
from lamella.opening.scans import contents_below, scans_among
from lamella.plugins.registry import default_registry

samplers = pytest.importorskip("lamella_testkit.samplers")
from lamella_testkit.sample import SampleData  # noqa: E402

pytest.importorskip("lamella_blo")
pytest.importorskip("lamella_npy")

Capture = pytest.CaptureFixture[str]


def npy(path: Path, shape: tuple[int, ...] = (2, 3, 4, 5)) -> Path:
    np.save(path, np.zeros(shape, dtype=np.uint16))
    return path


def sampled(name: str, folder: Path, variant: str = "") -> Mapping[str, Any]:
    pytest.importorskip(f"lamella_{name}")
    sampler = samplers.sampler_named(name)()
    variant = variant or sampler.variants[0]
    data = SampleData((2, 3), (8, 8), sampler.dtypes[0], bits=sampler.bits, variant=variant)
    return dict(sampler.write(folder, sampler.fit(data)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two scans, a damaged file, notes, a hidden file, and a folder below."""
    folder = tmp_path / "session"
    folder.mkdir()
    npy(folder / "b.npy")
    write_scan(folder / "a.blo", DemoScan((4, 6), detector=16))
    (folder / "cut.npy").write_bytes(npy(folder / "whole.npy").read_bytes()[:20])
    (folder / "whole.npy").unlink()
    (folder / "notes.txt").write_text("sample 7, thin")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    npy(folder / ".hidden.npy")
    (folder / "below").mkdir()
    npy(folder / "below" / "c.npy")
    return folder


def told(arguments: list[str], capsys: Capture, code: int) -> Any:
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("command", ["info", "probe"])
def test_a_folder_is_listed_with_what_cannot_be_opened(command: str, folder: Path, capsys: Capture) -> None:
    assert main([command, str(folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("session: 2 scans")
    assert [line.split() for line in lines if line.startswith(("a.blo", "b.npy"))] == [
        ["a.blo", "blo", "4", "x", "6", "16", "x", "16", "uint8", "6.14", "kB"],
        ["b.npy", "npy", "2", "x", "3", "4", "x", "5", "uint16", "240", "B"],
    ]
    text = "\n".join(lines)
    assert "cut.npy" in text.partition("cannot be opened")[2]
    assert text.count("cut.npy") == 1
    assert "1 folder below not searched; --recursive searches them" in text
    assert "2 other files" in text
    assert not {"hidden", "notes", "picture", "c.npy"} & set(text.replace(".", " ").split())


def test_a_folder_of_good_scans_is_success_and_one_list_for_a_program(folder: Path, capsys: Capture) -> None:
    (folder / "cut.npy").unlink()
    listed = told(["info", str(folder)], capsys, 0)
    assert [(Path(one["file"]).name, one["shape"]["nav"]) for one in listed] == [("a.blo", [4, 6]), ("b.npy", [2, 3])]
    assert listed[0]["metadata"]["beam_energy"] == 200_000
    assert [one["winner"] for one in told(["probe", str(folder)], capsys, 0)] == ["blo", "npy"]


def test_a_program_gets_errors_in_the_list(folder: Path, capsys: Capture) -> None:
    listed = told(["info", str(folder / "b.npy"), str(folder / "cut.npy"), str(folder / "nowhere.npy")], capsys, 1)
    assert [one.get("error", {}).get("type") for one in listed] == [None, "TruncatedError", "MissingPathError"]


def test_one_file_is_one_object_as_ever(folder: Path, capsys: Capture) -> None:
    assert told(["info", str(folder / "b.npy")], capsys, 0)["dtype"] == "uint16"
    assert told(["probe", str(folder / "b.npy")], capsys, 0)["winner"] == "npy"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_folders_below_are_searched_where_that_is_asked_for(folder: Path, capsys: Capture) -> None:
    (folder / "below" / "back").symlink_to(folder, target_is_directory=True)
    (folder / "again").symlink_to(folder / "below" / "back", target_is_directory=True)
    listed = told(["info", "--recursive", str(folder)], capsys, 1)
    names = [Path(one["file"]).name for one in listed]
    assert names == ["a.blo", "b.npy", "cut.npy", "c.npy"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_that_lead_nowhere_or_to_themselves_do_no_harm(tmp_path: Path, capsys: Capture) -> None:
    npy(tmp_path / "a.npy")
    (tmp_path / "loop.npy").symlink_to("loop.npy")
    (tmp_path / "lost.blo").symlink_to("nowhere")
    (tmp_path / "lost.dat").symlink_to("nowhere")
    (tmp_path / "same.npy").symlink_to("a.npy")
    os.mkfifo(tmp_path / "pipe.npy")
    listed = told(["info", str(tmp_path)], capsys, 1)
    assert [Path(one["file"]).name for one in listed] == ["a.npy", "loop.npy", "lost.blo"]


def test_an_empty_folder_and_one_without_scans_are_told(tmp_path: Path, capsys: Capture) -> None:
    assert main(["info", str(tmp_path)]) == 1
    assert "no scans" in capsys.readouterr().out
    (tmp_path / "notes.txt").write_text("nothing")
    assert main(["info", str(tmp_path)]) == 1
    assert "it holds 1 .txt file" in capsys.readouterr().err


MULTI_FILE = {
    "mib": "",
    "tvips": "",
    "k2is": "",
    "frms6": "",
    "empad": "",
    "raw_csr": "",
    "seq": "celeritas",
    "ser": "",
}


@pytest.mark.parametrize(
    ("name", "variant"),
    [pytest.param(*one, marks=[pytest.mark.slow] * (one[0] == "k2is")) for one in MULTI_FILE.items()],  # large sectors
)
def test_a_scan_in_several_files_counts_once(name: str, variant: str, tmp_path: Path, capsys: Capture) -> None:
    options = sampled(name, tmp_path, variant)
    assert len(contents_below(str(tmp_path)).files) > 1
    expected = lamella.open(options["path"], name)
    found = list(
        scans_among(
            contents_below(str(tmp_path)).files,
            lamella.open,
            lambda _, dataset: dataset.source.n_frames,
            named=False,
            registry=default_registry(),
        )
    )
    assert [one.facts for one in found] == [expected.source.n_frames]
    files = contents_below(str(tmp_path)).files
    assert main(["info", *files]) == 0
    assert capsys.readouterr().out.count(f" {name} ") == 1


def test_parts_that_a_larger_scan_holds_are_no_scans_of_their_own(tmp_path: Path, capsys: Capture) -> None:
    h5py = pytest.importorskip("h5py")
    pytest.importorskip("lamella_hdf5")
    for part in range(2):
        with h5py.File(tmp_path / f"a_data_00000{part + 1}.h5", "w") as file:
            file["entry/data/data"] = np.zeros((3, 4, 5), np.uint16)
    with h5py.File(tmp_path / "a_master.h5", "w") as file:
        for part in range(2):
            name = f"a_data_00000{part + 1}.h5"
            file[f"entry/data/data_00000{part + 1}"] = h5py.ExternalLink(name, "entry/data/data")
    [one] = told(["info", str(tmp_path)], capsys, 0)
    assert Path(one["file"]).name == "a_master.h5"
    assert one["shape"]["nav"] == [6]
    assert len(one["parts"]) == 2


@pytest.mark.parametrize("content", [b"garbage\n", b"", b"\0" * 100, b"\xff\xfe\xfd" * 50])
@pytest.mark.parametrize("suffix", [".hdr", ".xml", ".gtg", ".bin", ".mhd", ".emi", ".json", ".txt"])
def test_a_file_of_settings_beside_a_scan_is_no_unreadable_scan(suffix: str, content: bytes, tmp_path: Path) -> None:
    npy(tmp_path / "scan_1.npy")
    (tmp_path / f"scan{suffix}").write_bytes(content)
    found = list(
        scans_among(
            contents_below(str(tmp_path)).files,
            lamella.open,
            lambda file, _: Path(file).name,
            named=False,
            registry=default_registry(),
        )
    )
    assert [one.facts for one in found if one.error is None] == ["scan_1.npy"]
    assert [one.file for one in found if one.error is not None] == []


def test_a_file_whose_copy_was_interrupted_is_told(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "a.blo").write_bytes(b"")
    (tmp_path / "b.mrc").write_bytes(bytes(4096))
    npy(tmp_path / "c.npy")
    listed = told(["info", str(tmp_path)], capsys, 1)
    assert [(Path(one["file"]).name, "error" in one) for one in listed] == [
        ("a.blo", True),
        ("b.mrc", True),
        ("c.npy", False),
    ]


def test_very_many_files_are_looked_at_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella.opening.scans._MOST_FILES", 5)
    for i in range(8):
        (tmp_path / f"{i}.dat").write_bytes(b"x")
    contents = contents_below(str(tmp_path))
    assert (len(contents.files), contents.left_out) == (5, 3)


def test_parameters_hold_for_every_file(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("lamella_raw")
    for name in ("a.raw", "b.raw"):
        np.arange(6 * 8 * 8, dtype=">u2").tofile(tmp_path / name)
    options = ["--format", "raw", "--dtype", ">u2", "--sig-shape", "8,8", "--nav-shape", "2,3"]
    listed = told(["info", *options, str(tmp_path / "a.raw"), str(tmp_path / "b.raw")], capsys, 0)
    assert [one["shape"] for one in listed] == 2 * [{"nav": [2, 3], "sig": [8, 8]}]


RUN = ("--sum", "--no-pictures", "--executor", "inline")


def test_run_goes_on_after_a_bad_file_and_ends_with_a_table(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    files = [str(folder / name) for name in ("b.npy", "cut.npy", "a.blo")]
    assert main(["run", *files, *RUN]) == 1
    shown = capsys.readouterr()
    table = shown.out[shown.out.rindex("\nfile ") :]
    assert "b-results" in table
    assert "a-results" in table
    assert "error: " in table
    assert "cut.npy" in shown.err
    for stem, nav in (("a", [4, 6]), ("b", [2, 3])):
        summary = json.loads((tmp_path / f"{stem}-results" / "summary.json").read_text(encoding="utf-8"))
        assert summary["dataset"]["shape"]["nav"] == nav
        assert Path(summary["file"]["path"]).stem == stem


def test_results_of_files_of_one_name_never_mix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    for day in ("monday", "tuesday"):
        (tmp_path / day).mkdir()
        npy(tmp_path / day / "default.npy", (2, 3 if day == "monday" else 4, 4, 5))
    listed = told(["run", "monday/default.npy", "tuesday/default.npy", *RUN], capsys, 0)
    assert [Path(one["folder"]).name for one in listed] == ["default-results", "default-results-2"]
    assert main(["run", "monday/default.npy", "tuesday/default.npy", *RUN, "--out", "one"]) == 2
    assert "--out is for the results of one scan" in capsys.readouterr().err
    assert not (tmp_path / "one").exists()


def test_run_takes_the_parts_of_a_scan_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    (tmp_path / "data").mkdir()
    sampled("mib", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    files = [str(path) for path in sorted((tmp_path / "data").iterdir())]
    assert len(files) > 1
    listed = told(["run", *files, *RUN], capsys, 0)
    assert len(listed) == 1
    assert [path.name for path in tmp_path.glob("*-results")] == [Path(listed[0]["folder"]).name]


def test_ctrl_c_stops_the_whole_list(folder: Path, capsys: Capture) -> None:
    seen: list[str] = []

    def run_one(args: Namespace, console: Console) -> int:
        seen.append(args.file)
        raise KeyboardInterrupt

    args = Namespace(files=[str(folder / "a.blo"), str(folder / "b.npy")], format=None, parameters={})
    with pytest.raises(KeyboardInterrupt):
        run_each(run_one, args, Console())
    assert seen == args.files[:1]


def test_a_defect_of_a_reader_is_one_row(folder: Path, capsys: Capture) -> None:
    def run_one(args: Namespace, console: Console) -> int:
        if args.file.endswith(".blo"):
            raise ZeroDivisionError("oh")
        console.emit({"folder": "there"})
        return 0

    args = Namespace(files=[str(folder / "a.blo"), str(folder / "b.npy")], format=None, parameters={})
    assert run_each(run_one, args, Console()) == 1
    shown = capsys.readouterr()
    assert "ZeroDivisionError: oh" in shown.err
    assert "there" in shown.out


def test_what_is_wrong_with_a_part_is_told_once(tmp_path: Path) -> None:
    def opened(file: str) -> lamella.DataSet:
        raise CorruptError("it is damaged", path=tmp_path / "a.mib")

    for name in ("a.mib", "a.hdr"):
        (tmp_path / name).write_bytes(b"MQ1,")
    found = list(
        scans_among(
            [str(tmp_path / "a.hdr"), str(tmp_path / "a.mib")],
            opened,
            lambda *_: None,
            named=False,
            registry=default_registry(),
        )
    )
    assert [Path(one.file).name for one in found] == ["a.mib"]


@pytest.mark.skipif(sys.platform == "win32", reason="rights work otherwise there")
def test_a_file_that_may_not_be_read_is_one_row(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    real = os.open

    def refuse(path: Any, *rest: Any, **more: Any) -> int:
        if os.fspath(path).endswith("b.npy"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    assert main(["info", str(folder)]) == 1
    assert "Permission denied" in capsys.readouterr().out


def test_data_in_a_folder_that_need_parameters_are_no_failure(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("lamella_raw")
    npy(tmp_path / "a.npy")
    (tmp_path / "frames.raw").write_bytes(bytes(range(250)) * 4)
    assert main(["info", str(tmp_path)]) == 0
    assert "frames.raw  needs --dtype, --sig-shape" in capsys.readouterr().out
    assert main(["info", str(tmp_path / "a.npy"), str(tmp_path / "frames.raw")]) == 1


def test_a_folder_below_that_is_a_scan_is_listed(folder: Path) -> None:
    (folder / "scan.d").mkdir()
    npy(folder / "scan.d" / "frames.npy")
    contents = contents_below(str(folder), is_scan=lambda path: path.endswith(".d"))
    assert str(folder / "scan.d") in contents.files
    assert contents.folders == 1


def beside(folder: Path, n: int) -> list[str]:
    """Give what is left of as many scans, each with a file of settings of no format beside it."""
    npy(folder / "one.npy")
    one = lamella.open(folder / "one.npy")

    def open_one(file: str) -> lamella.DataSet:
        if file.endswith(".hdr"):
            raise NoFormatError("no format")
        return one

    files = [str(folder / f"scan_{i}{suffix}") for suffix in (".npy", ".hdr") for i in range(n)]
    found = scans_among(files, open_one, lambda *_: None, named=False, registry=default_registry())
    return [Path(each.file).suffix for each in found]


@pytest.mark.parametrize("n", [100, pytest.param(5000, marks=pytest.mark.slow)])
def test_files_of_settings_beside_many_scans_take_time_in_proportion(n: int, tmp_path: Path) -> None:
    began = time.process_time()
    assert ".hdr" not in beside(tmp_path, n)
    assert time.process_time() - began < 1 + n / 200


def test_info_imports_no_more_than_it_shows(folder: Path) -> None:
    code = f"import sys\nfrom lamella.cli import main\nmain(['info', {str(folder / 'a.blo')!r}])\nprint(*sys.modules)"
    alone = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV_"))}
    done = subprocess.run([sys.executable, "-c", code], env=alone, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "lamella_blo.reader" in loaded
    heavy = {"rich", "numba", "matplotlib", "email.parser", "xml.etree.ElementTree", "lamella.kernels.builtin"}
    assert sorted(loaded & heavy) == []


def test_a_pattern_that_no_shell_has_expanded_means_its_files(folder: Path, capsys: Capture) -> None:
    (folder / "cut.npy").unlink()
    npy(folder / "z[1].npy")
    listed = told(["info", str(folder / "*.npy")], capsys, 0)
    assert [Path(one["file"]).name for one in listed] == ["b.npy", "z[1].npy"]
    assert told(["info", str(folder / "z[1].npy")], capsys, 0)["dtype"] == "uint16"
    assert main(["info", str(folder / "*.xyz")]) == 1
    assert "*.xyz: No such file" in capsys.readouterr().err


def test_options_that_make_sense_for_no_file_are_wrong_usage(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(folder)
    assert main(["run", "a.blo", "b.npy", *RUN, "--roi", "50:"]) == 2
    assert main(["run", "a.blo", "b.npy", *RUN, "--roi", "3:"]) == 1
    assert "selects none of the 2 positions" in capsys.readouterr().out
