"""What README and documentation tell people to type works: their blocks of Python and of commands are executed.

A comment ``<!-- not executed: why -->`` or ``<!-- executed by: test -->`` right before a block excuses it.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lamella.cli import main
from lamella.demo import DemoScan, write_scan

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"write-a-format", "use-with-dask", "use-with-xarray", "use-with-hyperspy"}
"""Pages that a test of their own executes, in an environment of their own, or with packages that are optional."""
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted(ROOT.glob("docs/**/*.md")) if page.stem not in ELSEWHERE),
]
BLOCK = re.compile(
    r"(?P<excuse><!-- (?:not executed|executed by): [^>]* -->\s*)?^```(?P<kind>python|console)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
INSTALLING = re.compile(r"(pip|uv (sync|pip|build)|uv run (pytest|ruff|mypy|--group)|git|cd)\b.*")
SMALL_DEMO = ["--size", "24,40,48"]


@dataclass(frozen=True)
class Block:
    kind: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if found["excuse"] is None:
            yield Block(found["kind"], found["text"])


def commands(text: str) -> Iterator[list[str]]:
    """Give the lamella commands of a block; fails on commands that are neither that nor about installing."""
    for line in text.splitlines():
        for part in line.split("&&"):
            command = part.strip().removeprefix("uv run lamella ").removeprefix("lamella ")
            if command != part.strip():
                yield shlex.split(command)
            elif command:
                assert INSTALLING.fullmatch(command), f"not executed by this test: {command}"


def execute(block: Block, scope: dict[str, object]) -> None:
    if block.kind == "python":
        exec(compile(block.text, "block", "exec"), scope)
        return
    for arguments in commands(block.text):
        more = SMALL_DEMO if arguments[0] == "demo" else []
        assert main([*arguments, *more]) == 0, arguments


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the pages speak of."""
    folder = tmp_path_factory.mktemp("files")
    write_scan(folder / "scan.blo", DemoScan((10, 12), detector=48))
    write_scan(folder / "second.blo", DemoScan((6, 6), detector=32))
    np.arange(10 * 12 * 32 * 32, dtype=np.uint16).tofile(folder / "frames.raw")
    return folder


@pytest.fixture
def here(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with these files."""
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize("page", [page for page in PAGES if any(blocks(page))], ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run_one_after_the_other(page: Path, here: Path) -> None:
    scope: dict[str, object] = {"__name__": "page"}
    for block in blocks(page):
        execute(block, scope)


def test_the_readme_shows_the_two_commands_and_the_picture() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "pip install uv\nuv run lamella demo\n" in text
    assert "`uv run pytest`" in text
    assert (ROOT / "docs" / "_static" / "demo.png").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_between_pages_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
