"""The modules as source: their size, imports and types, and what others have made."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lamella_viewer import static_folder

MODULES = sorted(static_folder().glob("*.js"))
PLUGIN = Path(__file__).parents[1]
IMPORT = re.compile(r'^import (?P<what>.*?) from "(?P<where>.*?)";$', re.MULTILINE | re.DOTALL)
NAME = re.compile(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)


def test_modules_are_small() -> None:
    python = static_folder().parent.rglob("*.py")
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in [*MODULES, *python]}
    assert {name: n for name, n in lengths.items() if n > 250} == {}
    sent = b"".join(path.read_bytes() for path in static_folder().rglob("*.js"))
    assert len(gzip.compress(sent)) < 150_000


def test_modules_can_be_joined_into_one_file() -> None:
    """A notebook needs one file: relative imports of names, and no name twice at the top level."""
    seen: dict[str, str] = {}
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert "export default" not in text
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text)
        assert "import(" not in re.sub(r"/\*\*.*?\*/", "", text, flags=re.DOTALL)
        for found in IMPORT.finditer(text):
            where = static_folder() / found["where"]
            assert found["where"].startswith("./")
            assert where.is_file()
            assert found["what"].startswith("{") or where.parent.name == "vendor"
        for name in NAME.findall(text):
            assert seen.setdefault(name, path.name) == path.name, f"{name} of {path.name} is in {seen[name]} too"


def test_what_others_have_made_is_listed_with_its_checksum() -> None:
    listed = (PLUGIN / "THIRD-PARTY.md").read_text(encoding="utf-8")
    vendor = static_folder() / "vendor"
    for path in vendor.glob("*.js"):
        row = next(line for line in listed.splitlines() if f"vendor/{path.name}" in line)
        assert hashlib.sha256(path.read_bytes()).hexdigest() in row
        version = re.search(r"\(v([\d.]+)\)", path.read_text(encoding="utf-8")[:400])
        assert version is not None
        assert version[1] in row
        assert "Permission is hereby granted" in (vendor / f"{path.stem}.LICENSE").read_text(encoding="utf-8")


def test_types_are_right(tmp_path: Path) -> None:
    tsc = shutil.which("tsc")
    if tsc is None:
        pytest.skip("there is no TypeScript compiler, `tsc`")
    options = {"allowJs": True, "checkJs": True, "noEmit": True, "strict": True, "target": "es2023", "types": []}
    options |= {"module": "es2022", "moduleResolution": "bundler", "lib": ["es2023", "dom", "dom.iterable"]}
    settings = {"compilerOptions": options, "files": [str(path) for path in MODULES]}
    file = tmp_path / "tsconfig.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    done = subprocess.run([tsc, "--project", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
