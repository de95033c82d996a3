"""What other systems lack or do otherwise, simulated: functions of POSIX, letters of names, consoles, long paths."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.analysis.make import make_analysis
from lamella.cli import main
from lamella.demo import DemoScan, write_scan
from lamella.export import atomic
from lamella.firstlook.outputs import names_of
from lamella.io.mmap import forget_mappings
from lamella.reader import Probe
from lamella.system import paths
from lamella.system.filelock import FileLock
from lamella_testkit import SampleData
from lamella_testkit.samplers import sampler_named

POSIX_ONLY = (
    *("preadv", "pwritev", "pread", "pwrite", "posix_fallocate", "fork", "register_at_fork", "sched_getaffinity"),
    *("process_cpu_count", "sysconf", "statvfs", "killpg", "getuid", "geteuid", "uname"),
    *("O_DIRECT", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"),
)
"""What `os` has on Linux and not on Windows, or not on macOS."""

ELSEWHERE = f"""
import os, platform, signal, sys
import numpy  # it calls os.uname on Linux
platform.uname()
for name in {POSIX_ONLY!r}:
    if hasattr(os, name):
        delattr(os, name)
for name in ("pthread_sigmask", "setitimer", "SIGBUS", "SIGHUP"):
    if hasattr(signal, name):
        delattr(signal, name)
for name in ("fcntl", "resource", "_posixshmem"):
    sys.modules[name] = None
"""

STREAM = """
import json
import numpy as np
import lamella
from lamella.udf import StdDevUDF, SumSigUDF, SumUDF

if __name__ == "__main__":
    answers = {}
    for path, parameters in json.loads(sys.argv[1]):
        answer = answers[path] = []
        for backend in ("mmap", "buffered"):
            ds = lamella.open(path, io_backend=backend, **parameters)
            for executor in ("inline", "threads"):
                with lamella.Context.make_with(executor) as ctx:
                    done = ctx.run_udf(ds, [SumUDF(), SumSigUDF(), StdDevUDF()])
                    answer.append(float(done[1]["intensity"].data.sum()))
            answer.append(float(ds[...].sum(dtype=np.float64)))
    lamella.Context.make_with("inline").export_dataset(ds, sys.argv[2])
    with lamella.Context.make_with("processes", cpus=2) as ctx:
        answer.append(float(ctx.run_udf(ds, SumSigUDF())["intensity"].data.sum()))
    print(json.dumps(answers))
"""


def python(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)], env={**os.environ, **environment}, capture_output=True, timeout=300
    )


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.blo"
    write_scan(path, DemoScan((4, 6), detector=16))
    return path


def test_without_functions_of_posix_every_pixel_is_the_same(scan: Path, tmp_path: Path) -> None:
    data = SampleData((4, 6), (8, 8), "<u2")
    targets: list[tuple[str, dict[str, Any]]] = [(str(scan), {})]
    for name in ("mib", "hdf5", "npy"):
        folder = tmp_path / name
        folder.mkdir()
        sampler = sampler_named(name)()
        fitting = sampler.fit(data.but(variant=sampler.variants[0]))
        written = sampler.write(folder, fitting)
        parameters = {key: value for key, value in written.items() if key != "path"}
        targets.append((str(written["path"]), parameters))
    script = tmp_path / "stream.py"
    script.write_text(ELSEWHERE + STREAM, encoding="utf-8")
    done = python(script, json.dumps(targets), tmp_path / "copy.npy")
    assert done.returncode == 0, done.stderr.decode()
    answers = json.loads(done.stdout)
    for path, parameters in targets:
        ds = lamella.open(path, **parameters)
        total = float(ds[...].sum(dtype=np.float64))
        assert answers[path] == pytest.approx([total] * len(answers[path]))
    last, parameters = targets[-1]
    assert np.array_equal(np.load(tmp_path / "copy.npy"), lamella.open(last, **parameters)[...])


def test_without_functions_of_posix_the_command_line_works(scan: Path, tmp_path: Path) -> None:
    script = tmp_path / "command.py"
    elsewhere = ELSEWHERE.replace(', "_posixshmem"', "")  # which Python itself wants where it is not Windows
    script.write_text(f"{elsewhere}\nfrom lamella.cli import main\nsys.exit(main(sys.argv[1:]))", encoding="utf-8")
    for arguments in (["info", scan], ["run", scan, "--out", tmp_path / "results"], ["doctor"], ["formats"]):
        done = python(script, *arguments)
        assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "results" / "overview.png").is_file()


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_console_with_few_characters_shows_everything(scan: Path, tmp_path: Path, encoding: str) -> None:
    odd = scan.rename(tmp_path / "Å 試料 ü.blo")
    for arguments in (["info", odd], ["formats"], ["run", "--help"]):
        done = python("-m", "lamella", *arguments, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
        assert done.returncode == 0, done.stderr
        text = done.stdout.decode(encoding)
        assert "\\u2500" not in text  # lines of tables are made of other characters there
    assert python("-m", "lamella", "info", odd, PYTHONIOENCODING=encoding).stdout.count(b"\\u8a66\\u6599")


class _OtherLetters:
    """Finds files by names in other letters, as Windows and macOS do, and has the folder list them as they are."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("stat", "open"):
            monkeypatch.setattr(os, name, self._with_letters(getattr(os, name)))
        monkeypatch.setattr(paths, "IGNORES_CASE", True)

    def _with_letters(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            return function(self._stored(path), *arguments, **options)

        return call

    def _stored(self, path: Any) -> Any:
        if isinstance(path, int) or os.path.lexists(path):
            return path
        folder, name = os.path.split(os.fsdecode(path))
        with os.scandir(folder or ".") as entries:
            return next((entry.path for entry in entries if entry.name.lower() == name.lower()), path)


@pytest.mark.parametrize("change", [str.upper, str.title], ids=["upper", "title"])
@pytest.mark.parametrize("name", ["mib", "k2is", "frms6", "tvips", "ser", "empad", "hdf5", "dm"])
def test_a_file_may_be_named_in_other_letters_where_the_system_ignores_them(
    name: str, change: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = sampler_named(name)()
    for number, variant in enumerate(sampler.variants[:2]):
        folder = tmp_path / str(number)
        folder.mkdir()
        written = dict(sampler.write(folder, sampler.fit(SampleData((4, 6), (16, 16), "<u2", variant=variant))))
        path = Path(written.pop("path"))
        expected = lamella.open(path, **written)[...]
        with monkeypatch.context() as patch:
            _OtherLetters(patch)
            ds = lamella.open(path.with_name(change(path.name)), **written)
            assert np.array_equal(ds[...], expected), variant
            assert Path(ds.source.resources[0].location).name in {one.name for one in folder.iterdir()}


def test_a_name_that_fits_no_file_or_two_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "IGNORES_CASE", True)
    for name in ("A.raw", "a.raw", "e\u0301.raw"):
        (tmp_path / name).touch()
    assert paths.as_listed(tmp_path / "a.raw").name == "a.raw"
    assert paths.as_listed(tmp_path / "\u00e9.RAW").name == "e\u0301.raw"
    assert paths.as_listed(tmp_path / "b.raw").name == "b.raw"
    assert paths.as_listed(tmp_path / "gone" / "b.raw").name == "b.raw"


def test_long_paths_of_windows_have_the_prefix_that_lifts_the_limit() -> None:
    long = "\\folder" * 40
    assert paths.extended(rf"C:{long}\scan.mib") == rf"\\?\C:{long}\scan.mib"
    assert paths.extended(rf"\\server\share{long}") == rf"\\?\UNC\server\share{long}"
    for path in (r"C:\scan.mib", r"\\server\share\scan.mib", rf"\\?\C:{long}", rf"\\.\C:{long}"):
        assert paths.extended(path) == path


def test_a_long_path_opens(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["a folder with a long name " * 3] * 8)
    folder.mkdir(parents=True)
    write_scan(folder / "scan.blo", DemoScan((4, 6), detector=16))
    assert len(str(folder)) > 260
    assert lamella.open(folder / "scan.blo").shape.nav == (4, 6)


def test_a_mapped_file_is_replaced_also_where_systems_refuse_that(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows refuses as long as the file is mapped."""
    ds = lamella.open(scan, io_backend="mmap")
    assert ds[0, 0].shape == (16, 16)
    del ds
    replace = Path.replace
    calls: list[str] = []

    def refusing(self: Path, target: Path) -> Path:
        if not calls:
            raise PermissionError(13, "Access is denied")
        return replace(self, target)

    def forgetting() -> None:
        calls.append("forgotten")
        forget_mappings()

    monkeypatch.setattr(Path, "replace", refusing)
    monkeypatch.setattr(atomic, "forget_mappings", forgetting)
    with atomic.written_at_once(scan) as part:
        part.write_bytes(b"new")
    assert (scan.read_bytes(), calls) == (b"new", ["forgotten"])


def test_the_demo_unmaps_its_scan_before_it_removes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamella.io import mmap

    unlink, left = Path.unlink, []

    def noting(self: Path, missing_ok: bool = False) -> None:
        left.append((self.name, len(mmap._kept)))
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", noting)
    assert main(["demo", "--size", "8,8,32", "--out", str(tmp_path / "demo")]) == 0
    assert ("scan.blo", 0) in left


@pytest.fixture
def small_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella.reader.localfiles._AT_ONCE", 100)
    monkeypatch.setattr("lamella.export.placing._AT_ONCE", 100)


@pytest.mark.usefixtures("small_reads")
def test_reads_and_writes_that_a_system_does_in_pieces_are_complete(scan: Path, tmp_path: Path) -> None:
    """macOS refuses more than 2 GiB at once."""
    ds = lamella.open(scan, io_backend="buffered")
    lamella.Context.make_with("inline").export_dataset(ds, tmp_path / "copy.npy")
    assert np.array_equal(np.load(tmp_path / "copy.npy"), lamella.open(scan, io_backend="mmap")[...])


def test_a_system_without_locks_goes_on_without_them(tmp_path: Path) -> None:
    script = f"{ELSEWHERE}\nfrom pathlib import Path\nfrom lamella.system.filelock import FileLock\n"
    done = python("-c", f"{script}\nprint(FileLock(Path(sys.argv[1])).acquire(1))", tmp_path / "lock")
    assert done.stdout.decode().strip() == "Acquired(held=False, waited=False)", done.stderr.decode()
    assert FileLock(tmp_path / "lock").acquire(1).held or os.name == "nt"


def test_names_of_siblings_are_no_streams_of_windows(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = Probe.of(scan)
    (scan.parent / "scan.blo:stream").touch()
    assert probe.sibling("scan.blo:stream") is not None
    monkeypatch.setattr("lamella.reader.probe.os.name", "nt")
    assert probe.sibling("scan.blo:stream") is None


@pytest.mark.parametrize("name", ["aux", "CON", "lpt1", "nul"])
def test_results_are_not_called_like_devices_of_windows(scan: Path, name: str) -> None:
    analysis = make_analysis("disk", lamella.open(scan), cx=8, cy=8, r=3)
    analysis.name = name
    assert names_of([analysis]) == [f"{name}_"]
