"""Every member of the workspace is a distribution that plain pip can build and install."""

import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from lamella.plugins.kinds import KINDS

ROOT = Path(__file__).parents[1]
SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"
PLUGINS = sorted(folder.parent for folder in ROOT.glob("plugins/*/pyproject.toml"))
MEMBERS = [ROOT / "core", ROOT / "testkit", *PLUGINS]
ENTRY_POINT_GROUPS = {"lamella.formats", "lamella.conformance"}
LIBRARIES = {"libertem", "viewer"}
"""Members under plugins/ that use Lamella and add nothing to it: they declare no entry point."""
PROGRAMS = {"gui"}
"""Members under plugins/ that add commands."""
ALSO_EXTRAS = {"fast", "all", "full", "plot"}

member = pytest.mark.parametrize("folder", MEMBERS, ids=lambda folder: folder.name)
plugin = pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)


@cache
def pyproject(folder: Path) -> Mapping[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def project(folder: Path) -> Mapping[str, Any]:
    table: Mapping[str, Any] = pyproject(folder)["project"]
    return table


def import_name(folder: Path) -> str:
    return str(project(folder)["name"]).replace("-", "_")


def entry_points(folder: Path) -> list[str]:
    declared = project(folder)
    tables = [declared.get("scripts", {}), *declared.get("entry-points", {}).values()]
    return [target for table in tables for target in table.values()]


def requires(folder: Path, distribution: str) -> bool:
    return any(re.match(rf"{distribution}\b(?!-)", one) for one in project(folder)["dependencies"])


def extras() -> dict[str, list[str]]:
    table: dict[str, list[str]] = project(ROOT / "core")["optional-dependencies"]
    return table


def all_extras() -> set[str]:
    (requirement,) = extras()["all"]
    return set(requirement.removeprefix("lamella[").removesuffix("]").split(","))


@member
def test_members_share_licence_python_and_build_system(folder: Path) -> None:
    core = project(ROOT / "core")
    for key in ("license", "license-files", "readme", "requires-python", "authors"):
        assert project(folder)[key] == core[key], key
    assert pyproject(folder)["build-system"] == pyproject(ROOT / "core")["build-system"]


@member
def test_members_carry_the_licence_a_readme_and_the_typing_marker(folder: Path) -> None:
    assert (folder / "LICENSE").read_text(encoding="utf-8") == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert (folder / "README.md").read_text(encoding="utf-8").startswith(f"# {project(folder)['name']}\n")
    assert (folder / "src" / import_name(folder) / "py.typed").is_file()


@member
def test_entry_points_load_and_lie_in_the_member_itself(folder: Path) -> None:
    for target in entry_points(folder):
        assert target.partition(":")[0].partition(".")[0] == import_name(folder), target
        if not ("xarray" in target and find_spec("xarray") is None):  # xarray imports it, and is optional
            pkgutil.resolve_name(target)


@plugin
def test_plugins_are_named_after_their_folder_and_all_alike(folder: Path) -> None:
    declared = project(folder)
    assert declared["name"] == f"lamella-{folder.name.replace('_', '-')}"
    groups = {"lamella"} if folder.name in PROGRAMS else set() if folder.name in LIBRARIES else ENTRY_POINT_GROUPS
    assert set(declared.get("entry-points", {})) >= groups
    assert ("entry-points" in declared) == bool(groups)
    assert all(set(declared["entry-points"][group]) == {folder.name} for group in groups)
    assert any(requirement.startswith("lamella>=") for requirement in declared["dependencies"])
    assert set(pyproject(folder)) <= {"build-system", "project", "tool"}


def test_the_root_names_no_plugin() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "project" not in tomllib.loads(text)
    assert not [folder.name for folder in PLUGINS if f"lamella-{folder.name}" in text]


def test_extras_name_existing_plugins_and_all_names_every_extra() -> None:
    offered = extras().keys() - ALSO_EXTRAS
    assert offered <= {folder.name for folder in PLUGINS}
    assert all_extras() == extras().keys() - {"all", "full"} - PROGRAMS
    assert extras()["full"] == [f"lamella[{','.join(['all', *sorted(PROGRAMS)])}]"]
    sources = pyproject(ROOT / "core")["tool"]["uv"]["sources"]
    assert sources.keys() == {project(ROOT / "plugins" / name)["name"] for name in offered}


def test_the_core_declares_in_one_place_what_it_brings_itself() -> None:
    """Not among its entry points as well: those are for what other distributions add, and for other programs."""
    declared = project(ROOT / "core").get("entry-points", {})
    assert not [group for group in declared if group.startswith("lamella")]
    assert {kind.group for kind in KINDS if kind.builtin} >= {"lamella.executors", "lamella.io_backends"}


def test_the_lock_file_names_only_the_public_index() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    hosts = {
        url.split("/")[2]
        for package in lock["package"]
        for file in [package["source"], package.get("sdist", {}), *package.get("wheels", [])]
        for url in (file.get("url", ""), file.get("registry", ""))
        if url
    }
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_test_modules_have_names_that_occur_once() -> None:
    """Two modules of one name would be one module to mypy, which checks all members in one run."""
    seen: dict[str, Path] = {}
    for file in [path for folder in (ROOT, *MEMBERS) for path in sorted(folder.glob("tests/**/*.py"))]:
        other = seen.setdefault(module_name(file), file)
        assert other == file, f"rename one of {file.relative_to(ROOT)} and {other.relative_to(ROOT)}"


def module_name(file: Path) -> str:
    """Give the name that mypy gives a file: with the packages it lies in."""
    parts = [file.stem]
    while (file.parent / "__init__.py").exists():
        file = file.parent
        parts.insert(0, file.name)
    return ".".join(parts)


def run(*command: str | Path, cwd: Path) -> str:
    """Run without the environment that the tests themselves run in."""
    outside = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=outside, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def clean_python(tmp_path: Path) -> Path:
    run(sys.executable, "-m", "venv", "venv", cwd=tmp_path)
    return tmp_path / "venv" / SCRIPTS / "python"


LOAD_ALL = """
from lamella.plugins.kinds import KINDS
from lamella.plugins.registry import default_registry
for kind in KINDS:
    for plugin in default_registry().usable(kind):
        plugin.reader() if plugin.spec else plugin.factory()
        print(kind.group, plugin.name)
"""


@pytest.mark.slow
@plugin
def test_every_plugin_is_offered_as_an_extra(folder: Path) -> None:
    name, distribution = folder.name, project(folder)["name"]
    comes_with = [other.name for other in PLUGINS if requires(other, distribution) and other.name in extras()]
    assert name in extras() or comes_with, (
        f"core/pyproject.toml does not offer plugins/{name}; it wants\n"
        f'  [project.optional-dependencies]  {name} = ["{distribution}"]   and {name} in `all`\n'
        f"  [tool.uv.sources]  {distribution} = {{ workspace = true }}"
    )


@pytest.mark.slow
def test_wheels_of_all_members_install_with_pip_and_their_entry_points_load(tmp_path: Path, clean_python: Path) -> None:
    run("uv", "build", "--all-packages", "--out-dir", tmp_path / "dist", cwd=ROOT)
    wheels = sorted((tmp_path / "dist").glob("*.whl"))
    assert len(wheels) == len(MEMBERS)
    run(clean_python, "-m", "pip", "install", "--quiet", *wheels, cwd=tmp_path)
    loaded = run(clean_python, "-c", LOAD_ALL, cwd=tmp_path).splitlines()
    formats = {folder.name for folder in PLUGINS} - PROGRAMS - LIBRARIES
    assert {f"lamella.formats {name}" for name in formats} <= set(loaded)
    assert {f"{kind.group} {name}" for kind in KINDS for name in kind.builtin} <= set(loaded)
    run(tmp_path / "venv" / SCRIPTS / "lamella", "--help", cwd=tmp_path)
    for folder in MEMBERS:
        run(clean_python, "-c", f"import {import_name(folder)}", cwd=tmp_path)


@pytest.mark.slow
def test_pip_installs_from_the_folders_without_uv(tmp_path: Path, clean_python: Path) -> None:
    run(clean_python, "-m", "pip", "install", "--quiet", ROOT / "core", ROOT / "plugins" / "raw", cwd=tmp_path)
    loaded = run(clean_python, "-c", LOAD_ALL, cwd=tmp_path)
    assert "lamella.formats raw" in loaded


@pytest.mark.slow
def test_a_folder_under_plugins_is_installed_and_found_without_another_edit(tmp_path: Path) -> None:
    clone, foo = tmp_path / "clone", tmp_path / "clone" / "plugins" / "foo"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".*", "dist", "__pycache__"))
    package = foo / "src" / "lamella_foo"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("spec = 'found'\n")
    (foo / "pyproject.toml").write_text(
        (clone / "plugins/raw/pyproject.toml")
        .read_text()
        .replace("lamella-raw", "lamella-foo")
        .replace("lamella_raw", "lamella_foo")
        .replace("\nraw = ", "\nfoo = ")
    )
    for name in ("README.md", "LICENSE"):
        shutil.copy(clone / "plugins" / "raw" / name, foo)
    look = "from importlib_metadata import entry_points as e; print(e(group='lamella.formats')['foo'].load())"
    assert run("uv", "run", "python", "-c", look, cwd=clone) == "found\n"
