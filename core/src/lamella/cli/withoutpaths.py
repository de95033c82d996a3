"""Text without paths of this computer: a page is sent to others, whom they do not concern."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lamella.reader.localfiles import is_url
from lamella.system.text import LINE, html_text

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet

__all__ = ["WithoutPaths"]


@dataclass(frozen=True, slots=True)
class WithoutPaths:
    """Makes HTML of text; what it replaces are paths, each with what is shown instead, longer ones first."""

    replaced: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, target: str, datasets: Iterable[DataSet]) -> Self:
        """Give what shows names relative to a folder, or to the folder of a file, and others without their folder.

        Parameters
        ----------
        target
            The file or the folder.
        datasets
            What was opened: its files, and paths among its parameters.
        """
        if is_url(target):
            folders = [target.rpartition("/")[0]]
        else:
            here = Path(target) if Path(target).is_dir() else Path(target).parent
            folders = [os.path.abspath(here), os.path.realpath(here), str(Path.cwd()), str(Path.home())]
        found = dict[str, str]()
        for path in (path for dataset in datasets for path in _paths_of(dataset)):
            found[path] = _inside(path, folders)
        for folder in folders:
            stem = folder.rstrip("/\\")
            if len(stem) > 1:
                found |= {f"{stem}/": "", f"{stem}\\": ""}
        found |= {_as_in_repr(path): _as_in_repr(shown) for path, shown in found.items()}
        return cls(tuple(sorted(found.items(), key=lambda pair: -len(pair[0]))))

    def __call__(self, text: object, most: int = LINE) -> str:
        """Give a text as HTML, of so many characters at most."""
        shown = str(text)
        for path, other in self.replaced:
            shown = shown.replace(path, other)
        return html_text(shown, most)


def _as_in_repr(path: str) -> str:
    return path.replace("\\", "\\\\")


def _inside(path: str, folders: Sequence[str]) -> str:
    starts = (folder.rstrip("/\\") + os.sep for folder in folders if folder)
    name = next((path[len(start) :] for start in starts if path.startswith(start)), Path(path).name)
    return f".{os.sep}{name}" if name.startswith("-") else name  # no option where it stands in a command


def _paths_of(dataset: DataSet) -> Iterator[str]:
    for resource in dataset.source.resources:
        if resource.is_local:
            yield from _absolute(str(resource.location))
    yield from _absolute(dataset.provenance.target)
    yield from _absolute(dataset.provenance.parameters)


def _absolute(value: object) -> Iterator[str]:
    """Give the absolute paths among values."""
    if isinstance(value, str | os.PathLike):
        path = os.fspath(value)
        if isinstance(path, str) and Path(path).is_absolute() and len(path) > 1:
            yield from dict.fromkeys((path, os.path.realpath(path)))
    elif isinstance(value, Mapping):
        yield from (path for item in value.values() for path in _absolute(item))
    elif isinstance(value, list | tuple):
        yield from (path for item in value for path in _absolute(item))
