"""What `install` does, refuses and takes back, and where each name comes from."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import lamella
import lamella.udf
import lamella_libertem
from lamella.errors import LamellaError, PluginError
from lamella_libertem import AbsentName
from lamella_libertem.finder import FOR_WORKERS, Finder
from lamella_libertem.names import INSTEAD, MODULES

FACES = ("analysis", "corrections", "errors", "executors", "io", "masks", "reader", "udf")


@pytest.fixture
def installed() -> Iterator[None]:
    lamella_libertem.install()
    yield
    lamella_libertem.uninstall()


def leftovers() -> list[object]:
    """What `uninstall` has to take away."""
    finders: list[object] = [finder for finder in sys.meta_path if isinstance(finder, Finder)]
    return (
        finders
        + [entry for entry in sys.path if entry == FOR_WORKERS]
        + [name for name in sys.modules if name.partition(".")[0] == "libertem"]
    )


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that is called as the real one."""
    package = tmp_path / "libertem"
    package.mkdir()
    (package / "__init__.py").write_text("real = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    lamella_libertem.uninstall()
    sys.modules.pop("libertem", None)


@pytest.mark.parametrize("module", MODULES)
def test_each_name_of_the_table_exists(module: str, installed: None) -> None:
    found = importlib.import_module(module)
    assert set(MODULES[module]) <= set(dir(found))
    assert found.__all__ == sorted(MODULES[module])
    for name, target in MODULES[module].items():
        where, _, ours = target.partition(":")
        assert getattr(found, name) is getattr(importlib.import_module(where), ours)


def test_names_come_from_public_modules_or_from_this_package() -> None:
    homes = {target.partition(":")[0] for names in MODULES.values() for target in names.values()}
    ours = {home for home in homes if home.startswith("lamella_libertem.")}
    assert homes - ours <= {"lamella", *(f"lamella.{name}" for name in FACES)}
    for names in MODULES.values():
        for target in names.values():
            where, _, ours_name = target.partition(":")
            assert ours_name in importlib.import_module(where).__all__, target


def test_modules_are_found_in_every_way_that_python_has(installed: None) -> None:
    import libertem.api as lt
    from libertem import udf
    from libertem.udf.base import UDF

    assert UDF is lamella.udf.UDF
    assert udf.UDF is UDF
    assert lt.DataSet is lamella.DataSet
    import libertem

    assert libertem.io.dataset.base.DataSet is lamella.DataSet
    assert libertem.__version__.endswith("+lamella")
    scope: dict[str, object] = {}
    exec("from libertem.udf.sum import *", scope)
    assert scope["SumUDF"] is lamella.udf.SumUDF
    assert not hasattr(libertem, "__wrapped__")


@pytest.mark.parametrize("name", INSTEAD)
def test_each_absent_name_says_what_to_use(name: str, installed: None) -> None:
    absent = f"{name}.nothing" if name in MODULES else name
    module, _, last = absent.rpartition(".")
    with pytest.raises(AbsentName, match="has no counterpart in Lamella: ") as caught:
        exec(f"from {module} import {last}" if module in MODULES else f"import {absent}")
    assert INSTEAD[name] in str(caught.value)
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, LamellaError)


def test_other_names_point_to_the_manual(installed: None) -> None:
    with pytest.raises(AbsentName, match=r"module libertem.something has no counterpart.*'Coming from LiberTEM'"):
        importlib.import_module("libertem.something")
    with pytest.raises(ImportError, match="Coming from LiberTEM"):
        from libertem.udf.sum import nothing  # noqa: F401
    with pytest.raises(AbsentName, match=r"module libertem.io.dataset.base.backend has no .*formats are plugins"):
        importlib.import_module("libertem.io.dataset.base.backend")


def test_uninstall_takes_everything_back() -> None:
    lamella_libertem.install()
    lamella_libertem.install()
    importlib.import_module("libertem.io.dataset.memory")
    lamella_libertem.uninstall()
    assert leftovers() == []
    with pytest.raises(ModuleNotFoundError, match="No module named 'libertem'"):
        importlib.import_module("libertem")
    lamella_libertem.uninstall()


def test_an_installed_libertem_is_replaced_only_on_demand(real: Path) -> None:
    with pytest.raises(PluginError, match=r"libertem is installed \(.*__init__.py\): call .*install\(replace=True\)"):
        lamella_libertem.install()
    assert leftovers() == []
    lamella_libertem.install(replace=True)
    assert importlib.import_module("libertem.udf").UDF is lamella.udf.UDF
    lamella_libertem.uninstall()
    assert importlib.import_module("libertem").real


@pytest.mark.parametrize("replace", [False, True])
def test_an_imported_libertem_is_never_replaced(replace: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libertem", ModuleType("libertem"))
    with pytest.raises(PluginError, match="the real libertem has been imported"):
        lamella_libertem.install(replace=replace)
    assert not any(isinstance(finder, Finder) for finder in sys.meta_path)


def test_no_class_of_lamella_is_changed(installed: None) -> None:
    faces = ["lamella", *(f"lamella.{name}" for name in FACES)]
    modules = [importlib.import_module(face) for face in faces]
    classes = {cls for module in modules for name in module.__all__ if isinstance(cls := getattr(module, name), type)}
    before = {cls: dict(vars(cls)) for cls in classes}
    for module, names in MODULES.items():
        for name in names:
            getattr(importlib.import_module(module), name)
    volatile = ("_abc_impl", "__abstractmethods__")
    for cls, members in before.items():
        now = {name: value for name, value in vars(cls).items() if name not in volatile}
        assert now == {name: value for name, value in members.items() if name not in volatile}


def test_worker_processes_answer_too() -> None:
    code = (
        "import sys; sys.path.append(sys.argv[1]); import libertem; from libertem.udf import UDF; print(UDF.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", code, FOR_WORKERS], capture_output=True, text=True, check=True)
    assert done.stdout == "lamella.udf.base\n"


MODULE_OF_A_UDF = """
from libertem.udf import UDF
import numpy as np

class BrightestUDF(UDF):
    def get_result_buffers(self):
        return {"n": self.buffer("nav")}

    def process_frame(self, frame):
        self.results.n[:] = np.max(frame)
"""


@pytest.mark.slow
def test_packages_of_udfs_run_in_worker_processes(
    installed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "package_with_a_udf.py").write_text(MODULE_OF_A_UDF)
    monkeypatch.syspath_prepend(tmp_path)
    from libertem.api import Context, PipelinedExecutor
    from libertem.io.dataset.memory import MemoryDataSet

    module = importlib.import_module("package_with_a_udf")
    with Context(PipelinedExecutor.make_local()) as ctx:
        scan = MemoryDataSet(datashape=(4, 5, 6, 7), num_partitions=4)
        assert ctx.run_udf(scan, module.BrightestUDF())["n"].data.shape == (4, 5)
