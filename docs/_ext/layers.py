"""The layers of the core: which folder may import which, and the picture of them on the site."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "core" / "src" / "lamella"

LAYERS: Sequence[tuple[str, Sequence[str]]] = (
    ("the command", ("__main__",)),
    ("", ("cli",)),
    ("what users import", ("lamella", "demo", "lazy", "rsciio", "contrib")),
    ("", ("api",)),
    ("results", ("firstlook",)),
    ("", ("analysis",)),
    ("", ("export", "interop")),
    ("", ("plot", "opening")),
    ("computing", ("engine",)),
    ("", ("udf",)),
    ("the data set", ("dataset",)),
    ("", ("io", "executors")),
    ("plugins", ("plugins",)),
    ("the contract with readers", ("reader",)),
    ("pixels", ("codecs", "corrections", "masks")),
    ("", ("kernels",)),
    ("values", ("geometry", "params")),
    ("basics", ("errors", "format", "progress")),
    ("", ("system",)),
)
"""From the top: a title where a group of layers begins, and the folders or files at the root that form a layer.

A module imports from layers below its own, and from its own folder.
"""

_WIDTH = 900
_LEFT = 190
_LINE = 17
_CHARACTERS = 110


def place_of(module: str) -> str:
    """Give the folder, or the file at the root, to which a module such as ``lamella.io.mmap`` belongs."""
    return module.split(".")[1] if "." in module else module


def modules() -> Mapping[str, Path]:
    """Give every module of the core with its file."""
    return modules_below(SOURCE.parent)


def modules_below(root: Path) -> Mapping[str, Path]:
    """Give every module below a folder of packages with its file."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(name: str, path: Path, known: Mapping[str, Path]) -> set[str]:
    """Give the known modules that a module imports anywhere: at its top, in functions, and for type checkers."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return (found & set(known)) - {name}


def picture() -> str:
    """Give the layers as SVG: a band for each, a box for each folder, and the names of its files."""
    rows: list[str] = []
    top = 10.0
    for title, places in LAYERS:
        width = (_WIDTH - _LEFT - 10 * len(places)) / len(places)
        texts = [_lines(place, _CHARACTERS // len(places)) for place in places]
        height = 12 + _LINE * max(len(lines) for lines in texts)
        rows.append(f'<text x="10" y="{top + 19:g}" class="title">{escape(title)}</text>')
        for i, (place, lines) in enumerate(zip(places, texts, strict=True)):
            left = _LEFT + i * (width + 10)
            rows.append(f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="5"/>')
            for j, line in enumerate(lines):
                bold = f'<tspan class="place">{escape(place)}</tspan>  ' if j == 0 else ""
                rows.append(f'<text x="{left + 8:g}" y="{top + 19 + j * _LINE:g}">{bold}{escape(line)}</text>')
        top += height + 7
    style = (
        "svg.layers{max-width:100%;font:12.5px sans-serif}svg.layers text{fill:currentColor}"
        "svg.layers rect{fill:#4a90d9;fill-opacity:.12;stroke:#4a90d9}svg.layers .place{font-weight:bold}"
        "svg.layers .title{font-style:italic}"
    )
    head = f'<svg class="layers" role="img" aria-label="The layers of the core" viewBox="0 0 {_WIDTH} {top:g}">'
    return "\n".join([head, f"<style>{style}</style>", *rows, "</svg>"])


def table() -> str:
    """Give a row for each folder: what it is for, and its files."""
    rows = ["| folder or file | what it is for | files |", "|---|---|---|"]
    for _, places in LAYERS:
        for place in places:
            files = ", ".join(f"`{name}`" for name in _files(place))
            rows.append(f"| `{place}` | {_purpose(place)} | {files} |")
    return "\n".join(rows)


def _files(place: str) -> list[str]:
    folder = SOURCE / place
    paths = sorted(path.relative_to(folder).with_suffix("") for path in folder.rglob("*.py"))
    return [path.as_posix() for path in paths if path.name != "__init__"]


def _purpose(place: str) -> str:
    paths = (SOURCE / place / "__init__.py", SOURCE / f"{place}.py", SOURCE / "__init__.py")
    path = next(path for path in paths if path.is_file())
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def _lines(place: str, characters: int) -> list[str]:
    """Give the names of the files of a folder in lines of about so many characters; the first has the folder, too."""
    lines, room = [""], characters - int(1.4 * len(place)) - 2
    for name in _files(place):
        if lines[-1] and len(lines[-1]) + len(name) + 2 > room:
            lines.append("")
            room = characters
        lines[-1] += f"{', ' if lines[-1] else ''}{name}"
    return lines
