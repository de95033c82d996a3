"""Child processes behave: none is started by an application from itself, by a worker, in vain, or with foreign code.

Compiling takes long, so a module with a kernel that pretends to be compiled takes its place: it notes which process
compiled, and keeps the "code" in a file that stands for numba's cache.
"""

from __future__ import annotations

import importlib
import json
import logging
import multiprocessing.spawn
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from math import gcd
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lamella.errors import LamellaError
from lamella.executors.processes import ProcessesExecutor
from lamella.kernels import library, numbacode
from lamella.kernels.cachefiller import CacheFiller
from lamella.kernels.compilejob import CompileJob
from lamella.kernels.compilequeue import CompileQueue
from lamella.kernels.helper import Helper
from lamella.reader import in_child
from lamella.system import spawn
from lamella.system.filelock import FileLock

PYTHON = sys.executable
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")

QUICK = """
import atexit, os, sys, threading, time
from pathlib import Path

import numpy as np
from lamella.kernels import numbacode
from lamella.kernels.library import Kernel, wait_until_compiled

HERE = Path(__file__).parent
LOCK = threading.Lock()  # the compiler has one, too, and needs it to clean up when a process ends
atexit.register(LOCK.acquire)


def log(what):
    with (HERE / "log").open("a") as file:
        file.write(f"{what} {os.getpid()}\\n")


class Quick:
    def __init__(self):
        self.overloads = {}

    def compile(self, signature):
        log("compiled")
        with LOCK:
            time.sleep(float(os.environ.get("QUICK_SECONDS", "0.3")))
        self.overloads[signature] = self
        return self

    def __call__(self, rows, swapped, total):
        total += rows.sum(axis=1, dtype=np.int64)


def load(dispatcher, code):
    log("loaded")
    return dispatcher


numbacode.dump, numbacode.load = lambda result: b"quick", load


def fallback(rows, swapped, total):
    total += rows.sum(axis=1, dtype=np.int64)


quick = Quick()


def use(dtype="u1"):
    kernel = Kernel("quick_kernels:quick", fallback)
    kernel(np.ones((2, 8), dtype), (), np.zeros(2, np.int64))
    done = wait_until_compiled(60)
    return done, bool(kernel._ready), os.getpid()


def work(shared, item, cancelled):
    return use()
"""


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module with a kernel that is "compiled" quickly, in a folder of its own, and a fresh queue."""
    folder = tmp_path / "quick"
    folder.mkdir()
    (folder / "quick_kernels.py").write_text(QUICK)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("LAMELLA_KERNEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LAMELLA_KERNELS", raising=False)
    queue = CompileQueue()
    monkeypatch.setattr(library, "compile_queue", queue)
    monkeypatch.setattr("lamella.executors.worker.compile_queue", queue, raising=False)
    sys.modules.pop("quick_kernels", None)
    for name in ("dump", "load"):  # which the module replaces
        monkeypatch.setattr(numbacode, name, getattr(numbacode, name))
    yield importlib.import_module("quick_kernels")
    queue.close()
    sys.modules.pop("quick_kernels", None)


def compilers(quick: ModuleType, *, loaders: bool = False) -> list[int]:
    """Give the processes that compiled, and if wanted those that only loaded."""
    log: Path = quick.HERE / "log"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return [int(line.split()[1]) for line in lines if loaders or line.startswith("compiled")]


# An application that embeds Python, or was frozen.


@pytest.fixture(params=["frozen", "embedding"])
def application(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be an application that is no Python; gives the file that it leaves where it is started."""
    started = tmp_path / "started"
    name = "python3" if request.param == "frozen" else "my-microscope"
    program = tmp_path / "bin" / name
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho started >> {started}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "frozen", request.param == "frozen", raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(sys, "_base_executable", str(program))
    monkeypatch.setattr(multiprocessing.spawn, "_python_exe", os.fsencode(program))
    return started


@posix
def test_an_application_does_not_start_itself_to_compile(application: Path, quick: ModuleType) -> None:
    assert quick.use() == (True, True, os.getpid())
    assert compilers(quick) == [os.getpid()]
    assert not application.exists()


@posix
def test_an_application_does_not_start_itself_as_worker_or_to_try_a_file(application: Path) -> None:
    with pytest.raises(LamellaError, match=r"needs a Python executable .* executor='threads'"):
        list(ProcessesExecutor(1).map(abs, [1]))
    with pytest.raises(LamellaError, match="set_executable"):
        in_child(gcd, 4, 6)
    assert not application.exists()


@posix
def test_an_application_names_its_python(application: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing.spawn, "_python_exe", os.fsencode(PYTHON))
    assert spawn.python_executable() == PYTHON
    assert in_child(gcd, 4, 6) == 2
    assert not application.exists()


@posix
def test_what_an_application_names_must_be_this_version_of_python(
    application: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "python2"
    other.write_text("#!/bin/sh\necho '(2, 7)'\n")
    other.chmod(0o755)
    monkeypatch.setattr(multiprocessing.spawn, "_python_exe", os.fsencode(other))
    assert spawn.python_executable() is None


@pytest.mark.parametrize("name", ["python", "python3.11", "Python", "python3.13t", "pythonw.exe", "pypy3", "python_d"])
def test_pythons_are_known_by_name(name: str) -> None:
    assert spawn._is_python(f"/somewhere/{name}")


@pytest.mark.parametrize("name", ["DigitalMicrograph.exe", "blender", "uwsgi", "ipython3", "pythonservice.exe"])
def test_other_programs_are_not_taken_for_pythons(name: str) -> None:
    assert not spawn._is_python(f"/somewhere/{name}")


# A process that was forked.

FORKS = """
import os, sys, threading, time, warnings
warnings.simplefilter("ignore")
import quick_kernels
from lamella.kernels import compilequeue

compilequeue.FORK_WAIT = float(sys.argv[2])
if sys.argv[1] == "idle":
    assert quick_kernels.use("u1")[:2] == (True, True)
else:
    threading.Thread(target=quick_kernels.use, args=("u1",), daemon=True).start()
    while not (quick_kernels.HERE / "log").exists():
        time.sleep(0.01)
child = os.fork()
if not child:
    quick_kernels.wait_until_compiled(8)
    print(*quick_kernels.use("u2")[:2], flush=True)
    os._exit(0) if sys.argv[2] == "0.2" else sys.exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize(
    ("state", "seconds", "waits", "expected"),
    [
        ("idle", "0", "60", "True True"),
        ("compiling", "10", "0.2", "True False"),
        ("compiling", "1", "60", "True True"),  # the fork waits; else the process would hang when it ends
    ],
)
def test_a_process_that_was_forked_does_not_wait_for_the_thread_of_its_parent(
    quick: ModuleType, state: str, seconds: str, waits: str, expected: str
) -> None:
    environment = {**os.environ, "QUICK_SECONDS": seconds}
    # A child of Lamella compiles by itself: the parent is inside of the compiler when it forks.
    environment |= {"LAMELLA_CHILD": "1"} if state == "compiling" else {}
    environment["PYTHONPATH"] = str(quick.HERE)
    done = subprocess.run(
        [sys.executable, "-c", FORKS, state, waits], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.stdout.strip() == expected, done.stderr


# Many processes that want the same kernel.


def test_workers_have_one_helper_of_the_process_that_started_them(quick: ModuleType) -> None:
    executor = ProcessesExecutor(3)
    try:
        results = list(executor.run(quick.work, None, range(3)))
    finally:
        executor.close()
    workers = {pid for _, _, pid in results}
    assert [(done, ready) for done, ready, _ in results] == 3 * [(True, True)]
    assert len(workers) == 3
    assert len(compilers(quick)) == 1
    helpers = set(compilers(quick, loaders=True)) - workers
    assert len(helpers) == 1
    assert helpers == set(compilers(quick)), "compiling holds the GIL of whoever computes"
    assert os.getpid() not in helpers


def test_a_helper_that_gave_no_answer_is_not_asked_again(quick: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella.kernels.cachefiller.cache_folder", lambda: quick.HERE)
    job = CompileJob("quick_kernels:quick", (np.ones((2, 8), "u1"), (), np.zeros(2, np.int64)), None)
    filler = CacheFiller(None)
    first = filler.helper = Helper()
    receive, first._pipes.receive = first._pipes.receive, interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        filler.fill(job)
    first._pipes.receive = receive  # type: ignore[method-assign]
    assert filler.fill(job).startswith("compiled")
    assert filler.helper is not first
    assert first._process.returncode is not None
    filler.rest()


def interrupted(most: int | None = None) -> bytes:
    raise KeyboardInterrupt


def test_processes_that_share_a_cache_compile_once(quick: ModuleType) -> None:
    environment = {**os.environ, "PYTHONPATH": str(quick.HERE), "QUICK_SECONDS": "3"}
    command = [sys.executable, "-c", "import quick_kernels; print(quick_kernels.use()[:2])"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    assert [process.communicate(timeout=120)[0].strip() for process in running] == 2 * ["(True, True)"]
    assert len(compilers(quick)) == 1


def test_a_lock_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert one.acquire(0) == (True, False)
    assert other.acquire(0.2) == (False, True)
    assert other.acquire(60, lambda: True) == (False, True)
    one.release()
    assert other.acquire(0) == (True, False)
    other.release()
    assert FileLock(tmp_path / "no folder" / "lock").acquire(60) == (False, False)


@posix
@posix
def test_a_lock_that_is_given_back_is_free_though_a_forked_process_has_its_file_open(tmp_path: Path) -> None:
    """So it is after a fork in the moment in which a thread gives the lock back."""
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire(1).held
    inherited = os.dup(first._file)  # type: ignore[arg-type] # shares the lock, as the file of a forked process does
    try:
        first.release()
        assert second.acquire(0.3) == (True, False)
    finally:
        os.close(inherited)


@posix
def test_a_forked_process_leaves_the_lock_to_its_parent(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire(1).held
    child = os.fork()
    if not child:
        first.release()
        os._exit(0)
    os.waitpid(child, 0)
    assert second.acquire(0.3) == (False, True)
    first.release()


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from lamella.system.filelock import FileLock
lock = FileLock(Path(sys.argv[1]))
lock.acquire(5)
print(flush=True)
time.sleep(600)
"""
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        lock = FileLock(path)
        assert lock.acquire(0) == (False, True)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert path.exists()
    assert lock.acquire(1).held
    lock.release()


# A cache that cannot be written.


def test_without_a_cache_there_is_no_helper_and_one_warning(
    quick: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = tmp_path / "file"
    nowhere.touch()
    monkeypatch.setattr("lamella.kernels.cachefolder.INSTALLED", nowhere / "installed")
    for name in ("LAMELLA_KERNEL_CACHE", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA", "USERPROFILE"):
        monkeypatch.setenv(name, str(nowhere / "below"))
    monkeypatch.setattr("lamella.kernels.cachefiller._warned", False, raising=False)
    with caplog.at_level(logging.WARNING):
        assert quick.use("u1")[:2] == (True, True)
        assert quick.use("u2")[:2] == (True, True)
    assert compilers(quick) == 2 * [os.getpid()]
    assert len([record for record in caplog.records if "LAMELLA_KERNEL_CACHE" in record.getMessage()]) == 1


# Modules in the working directory.

TRAP = "open(__file__ + '.touched', 'w').close()\nraise ImportError('a module of the working directory')\n"
SCRIPT = """
import sys
import numpy as np
import lamella
from quick_kernels import use, work
from lamella.executors.processes import ProcessesExecutor
from lamella.udf import SumUDF


class Mine(SumUDF):
    pass


print(use()[:2])
executor = ProcessesExecutor(1)
print([result[:2] for result in executor.run(work, None, range(1))])
executor.close()
with lamella.Context.make_with("processes", cpus=1) as context:
    scan = lamella.open(np.ones((2, 3, 4, 5), np.uint16), format="memory")
    print(float(context.run_udf(scan, Mine())["intensity"].data.sum()))
"""


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder full of modules named like everything that could be imported; each notes that it was executed."""
    folder = tmp_path_factory.mktemp("traps")
    installed = [name for name in importlib.metadata.packages_distributions() if name.isidentifier()]
    optional = ["yaml", "colorama", "sitecustomize", "usercustomize", "tbb", "IPython", "cupy", "coverage"]
    entries = [entry for found in importlib.metadata.distributions() for entry in found.entry_points]
    plugins = [entry.value.partition(":")[0].partition(".")[0] for entry in entries]
    for name in {*sys.stdlib_module_names, *installed, *optional, *plugins, *sys.modules}:
        if name.isidentifier() and name != "quick_kernels":
            (folder / f"{name}.py").write_text(TRAP)
    return folder


def touched(traps: Path) -> list[str]:
    found = sorted(traps.glob("*.touched"))
    for path in found:
        path.unlink()
    return [path.name for path in found]


def run_in(folder: Path, *command: Any, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_child_executes_what_lies_in_the_working_directory(quick: ModuleType, traps: Path, tmp_path: Path) -> None:
    script = quick.HERE / "script.py"
    script.write_text(SCRIPT)
    output = run_in(traps, sys.executable, script)
    assert touched(traps) == []
    assert output.splitlines() == ["(True, True)", "[(True, True)]", "120.0"]
    assert len(compilers(quick)) == 1
    assert os.getpid() not in compilers(quick)


def test_commands_execute_nothing_that_lies_beside_a_file(traps: Path, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(traps / "suspicious.h5", "w") as file:
        file["scan"] = np.ones((2, 3, 4, 5), np.uint16)
    with (traps / "suspicious.h5").open("ab") as end:
        end.write(bytes(100))
    script = tmp_path / "lamella_command.py"
    script.write_text("import sys\nfrom lamella.cli.app import main\nsys.exit(main())\n")
    shown = json.loads(run_in(traps, sys.executable, script, "info", "suspicious.h5", "--json"))
    assert touched(traps) == []
    assert "suspicious.h5" in json.dumps(shown)
    command = ("run", "suspicious.h5", "--sum", "--no-pictures", "--executor", "processes", "--workers", "1")
    run_in(traps, sys.executable, script, *command, "--out", tmp_path / "results")
    assert touched(traps) == []
    assert list((tmp_path / "results").rglob("*.npy"))


EVERY_COMMAND = """
import sys
from pathlib import Path

import numpy as np
import quick_kernels
from lamella.cli import app, commoncalls
from lamella.cli.commands import Commands
from lamella.kernels.library import Kernel
from lamella.plugins.kinds import EXECUTORS
from lamella.plugins.registry import default_registry

out = sys.argv[1]
quick = Kernel("quick_kernels:quick", quick_kernels.fallback)
commoncalls.common_calls = lambda: iter([(quick, (np.ones((2, 8), "u1"), (), np.zeros(2, np.int64)))])
np.save("scan.npy", np.ones((2, 3, 4, 5), np.uint16))
scan = ("run", "scan.npy", "--sum", "--no-pictures", "--workers", "1")
arguments = {
    "demo": [("demo", "--size", "4,4,16", "--out", out + "/demo")],
    "info": [("info", "suspicious.h5"), ("info", "suspicious.h5", "--isolate", "always")],
    "gui": [("gui", "--help")],
    "workers": [("workers", "--help")],
    "mutants": [("mutants", "--help")],
    "probe": [("probe", "suspicious.h5"), ("probe", ".")],
    "run": [
        ("run", "suspicious.h5", "--isolate", "always", "--sum", "--no-pictures", "--out", out + "/always"),
        *(
            (*scan[: -2 if name == "inline" else None], "--executor", name, "--out", f"{out}/{name}")
            for name in sorted(EXECUTORS.builtin)  # plugins test theirs
        ),
    ],
    "report": [("report", "suspicious.h5", "--isolate", "always", "--out", out + "/page.html")],
    "export": [("export", "suspicious.h5", out + "/copy.npy", "--executor", "processes", "--workers", "1")],
    "formats": [("formats", "list"), ("formats", "show", "hdf5")],
    "doctor": [("doctor",)],
    "warm": [("warm",)],
    "conformance": [("conformance", "npy", "--level", "0")],
    "fuzz": [("fuzz", "npy", "--inputs", "2")],
    "new-format": [("new-format", "toy", "--directory", out + "/toy")],
}
commands = Commands(app.BUILTIN)
app._add_from_plugins(commands)
assert {command.name for command in commands} == set(arguments), "a new command must be tried here, too"
Path(out).mkdir()
for line in [("--version",), *(line for lines in arguments.values() for line in lines)]:
    code = app.main(line)
    assert code == 0, (line, code)
    assert not list(Path.cwd().glob("*.touched")), line
"""


def test_no_command_and_no_executor_executes_what_lies_in_the_working_directory(
    quick: ModuleType, traps: Path, tmp_path: Path
) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(traps / "suspicious.h5", "w") as file:
        file["scan"] = np.ones((2, 3, 4, 5), np.uint16)
    with (traps / "suspicious.h5").open("ab") as end:
        end.write(bytes(100))
    script = quick.HERE / "every_command.py"
    script.write_text(EVERY_COMMAND)
    run_in(traps, sys.executable, script, tmp_path / "out")
    assert touched(traps) == []


def test_entries_that_follow_the_working_directory_come_last_in_children(
    traps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_child(gcd, 4, 6) == 2  # imports what this process needs for it
    (tmp_path / "only_here_of_test_children.py").write_text("def where():\n    return __file__\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", "lib", str(tmp_path / "absolute")]))
    monkeypatch.chdir(traps)
    monkeypatch.setattr(sys, "path", ["", *sys.path, "."])
    assert in_child(gcd, 4, 6) == 2
    assert touched(traps) == []
    assert spawn._environment()["PYTHONPATH"] == str(tmp_path / "absolute")
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module("only_here_of_test_children")
    assert Path(in_child(module.where)).samefile(tmp_path / "only_here_of_test_children.py")
    del sys.modules["only_here_of_test_children"]


def test_the_path_of_a_child_is_absolute_and_keeps_the_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    monkeypatch.chdir(tmp_path)
    first, second = str(tmp_path / "a"), str(tmp_path / "b")
    hook = "__editable__.thing.finder.__path_hook__"
    monkeypatch.setattr(sys, "path", ["", first, "lib", hook, second, first])
    here = os.path.abspath("")
    assert spawn.import_path() == ([first, hook, second], [here, str(Path(here) / "lib")])


def test_children_are_marked_and_keep_the_options_of_python(tmp_path: Path) -> None:
    (tmp_path / "told_by_child.py").write_text(
        "import sys\nfrom lamella.system.spawn import is_child\n"
        "def tell(): return [is_child(), sys.flags.safe_path, sys.flags.no_user_site, sys.flags.utf8_mode]\n"
        "if __name__ == '__main__':\n"
        "    import told_by_child\n"
        "    from lamella.reader import in_child\n"
        "    print(is_child(), in_child(told_by_child.tell))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "LAMELLA_CHILD"}
    command = [sys.executable, "-s", "-Xutf8", str(tmp_path / "told_by_child.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split(maxsplit=1) == ["False", "[True, True, 1, 1]\n"]


def test_a_child_that_cannot_import_its_function_ends(tmp_path: Path) -> None:
    process = spawn.start("no_module_of_this_name:main", answers=True, errors=subprocess.PIPE)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"no_module_of_this_name" in complaint
