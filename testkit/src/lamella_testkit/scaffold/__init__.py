"""The beginning of a new format plugin: a complete distribution around a working format that is to be replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from lamella.format import RESERVED_NAMES

__all__ = ["KINDS", "new_format"]

KINDS = ("linear", "procedural")
"""Frames at computable places, which the core reads; or frames that only the format's own code can find."""

_TEMPLATES = Path(__file__).parent / "templates"
_SUFFIX = ".txt"


def new_format(name: str, directory: Path, *, kind: str = "linear", author: str = "its authors") -> list[Path]:
    """Write a new plugin.

    Parameters
    ----------
    name
        Name of the format: a lower-case identifier.
    directory
        Where it is written; must be empty or not there yet.
    kind
        One of `KINDS`.
    author
        Who wrote it, for the licence.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ValueError
        If the name or the kind is not possible, or the directory is not empty.
    """
    if not name.isidentifier() or name != name.lower() or not name.isascii():
        raise ValueError(f"{name!r} is not a lower-case identifier")
    if name in RESERVED_NAMES:
        raise ValueError(f"{name!r} has a meaning for `lamella formats`; choose another name")
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    if directory.exists() and any(directory.iterdir()):
        raise ValueError(f"{directory} is not empty")
    words = _words(name, author)
    written = []
    for place, text in _texts(kind):
        path = directory / _filled(str(place), words)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(text, words), encoding="utf-8")
        written.append(path)
    return written


def _words(name: str, author: str) -> Mapping[str, str]:
    camel = "".join(part.capitalize() for part in name.split("_"))
    return {
        "name": name,
        "Name": camel,
        "dashed": name.replace("_", "-"),
        "title": f"{camel} scans",
        "extension": name.replace("_", ""),
        "MAGIC": f"{camel.upper()[:7]:_<7}1",
        "article": "an" if name[0] in "aeiou" else "a",
        "author": author,
        "lamella": version("lamella"),
    }


def _texts(kind: str) -> Iterator[tuple[PurePosixPath, str]]:
    for part in ("common", kind):
        folder = _TEMPLATES / part
        for file in sorted(folder.rglob(f"*{_SUFFIX}")):
            yield _place(file.relative_to(folder).as_posix()), file.read_text(encoding="utf-8")


def _place(template: str) -> PurePosixPath:
    place = template.removesuffix(_SUFFIX).replace("src/package/", "src/lamella_@name@/")
    place = place.replace("test_package", "test_@name@").replace("workflows/", ".github/workflows/")
    return PurePosixPath(place)


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text
