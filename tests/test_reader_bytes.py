"""All bytes that readers take come through `Probe` and `Resource`, so that they can lie elsewhere than on a disk.

The one exception is HDF5, whose library opens its files by itself, or gets a local file that others write to.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

SAMPLERS = ("conformance.py", "formatsampler.py", "specials.py", "writer.py")
"""Modules that write the files that the kit reads; a reader imports none of them."""
FOR_LIBRARIES = "inuse.py"  # gives libhdf5 a file whose superblock says that it is in use

FUNCTIONS = {
    "open": {"", "io", "os", "codecs", "gzip", "bz2", "lzma", "tarfile", "zipfile"},
    "FileIO": {"", "io"},
    "mmap": {"mmap"},
    "fromfile": {"np", "numpy"},
    "memmap": {"np", "numpy"},
    "load": {"np", "numpy"},
    "loadtxt": {"np", "numpy"},
    "genfromtxt": {"np", "numpy"},
    "open_memmap": {"", "np.lib.format", "format"},
}
"""Functions that open files by name, and the modules that they belong to."""

METHODS = {"read_bytes", "read_text", "open_code"}
"""Methods of `pathlib.Path`, whatever the name of the path."""

INTERNAL = {"BufferedBackend", "MmapBackend", "DirectBackend", "FrameReader", "choose_backend"}
"""What brings bytes into memory for computations, not for readers."""


def accesses(text: str) -> Iterator[tuple[int, str]]:
    """Give line and text of each place where code opens a file by itself."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom | ast.Import):
            for alias in node.names:
                if alias.name.rpartition(".")[2] in INTERNAL:
                    yield node.lineno, alias.name
        elif isinstance(node, ast.Call) and _opens(node):
            yield node.lineno, ast.unparse(node)


def _opens(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Name):
        return "" in FUNCTIONS.get(call.func.id, set())
    if not isinstance(call.func, ast.Attribute):
        return False
    owner, name = ast.unparse(call.func.value), call.func.attr
    if name in METHODS or owner in FUNCTIONS.get(name, set()):
        return True
    # `path.open("rb")`: a mode, or no argument at all; readers and backends have a method of this name, too.
    return name == "open" and all(isinstance(one, ast.Constant) for one in call.args) and _is_mode(call)


def _is_mode(call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return not call.args or any(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in given)


def readers() -> list[Path]:
    found = (path for path in ROOT.glob("plugins/*/src/*/**/*.py") if path.relative_to(ROOT).parts[1] != "gui")
    modules = [path for path in found if path.name not in (*SAMPLERS, FOR_LIBRARIES) and path.parent.name != "specials"]
    templates = ROOT.glob("testkit/src/lamella_testkit/scaffold/templates/*/src/**/*.py.txt")
    return sorted([*modules, *(path for path in templates if path.name.removesuffix(".txt") not in SAMPLERS)])


def source_of(path: Path) -> str:
    """Give the text of a module, with names where a template has marks."""
    text = path.read_text(encoding="utf-8")
    for mark, name in (("@Name@", "Name"), ("@name@", "name")):
        text = text.replace(mark, name)
    return text


def test_there_are_readers_to_look_at() -> None:
    names = {path.relative_to(ROOT / "plugins").parts[0] for path in readers() if (ROOT / "plugins") in path.parents}
    assert {"raw", "npy", "mib", "frms6", "empad", "k2is", "hdf5"} <= names
    assert any(path.suffix == ".txt" for path in readers())


@pytest.mark.parametrize("path", readers(), ids=lambda path: "/".join(path.parts[-2:]))
def test_readers_open_no_file_by_themselves(path: Path) -> None:
    found = [f"line {line}: {what}" for line, what in accesses(source_of(path))]
    assert not found, f"{path.relative_to(ROOT)} opens files; use Probe.read, Resource.read or read_records: {found}"


@pytest.mark.parametrize("path", readers(), ids=lambda path: "/".join(path.parts[-2:]))
def test_readers_import_nothing_that_writes_samples(path: Path) -> None:
    names = {name.removesuffix(".py") for name in SAMPLERS}
    imported = [
        alias
        for node in ast.walk(ast.parse(source_of(path)))
        if isinstance(node, ast.ImportFrom)
        for alias in [*(node.module or "").split("."), *(alias.name for alias in node.names)]
        if (node.module or "").startswith("lamella_") and not (node.module or "").startswith("lamella_testkit")
    ]
    assert not names & set(imported)


@pytest.mark.parametrize(
    "code",
    [
        "open(path)",
        "io.open(path, 'rb')",
        "os.open(path, flags)",
        "path.open('rb')",
        "path.open()",
        "Path(path).open(mode='rb', buffering=0)",
        "Path(path).read_bytes()",
        "path.read_text(encoding='utf-8')",
        "np.fromfile(path, dtype)",
        "numpy.memmap(path)",
        "np.load(path)",
        "mmap.mmap(handle, 0)",
        "from lamella.io import BufferedBackend",
        "from lamella.io.buffered import BufferedBackend",
        "from lamella.dataset.framereader import FrameReader",
    ],
)
def test_each_way_to_open_a_file_is_seen(code: str) -> None:
    assert len(list(accesses(code))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "self.open(BloParams(), probe)",
        "reader.open(params, probe)",
        "Resource.of(path).read(0, 100)",
        "resource.reading()",
        "probe.read(0, 10)",
        "read_records(resource, [0], dtype)",
        "h5py.File(path, 'r')",
        "json.load(text)",
        "opened(path)",
    ],
)
def test_what_goes_through_the_core_is_no_access(code: str) -> None:
    assert list(accesses(code)) == []
