"""Targets that are no single file: which formats take them, and what lies in a folder that none takes."""

from __future__ import annotations

import errno
from collections import Counter
from dataclasses import dataclass
from os import PathLike
from pathlib import PurePath
from typing import TYPE_CHECKING

from lamella.errors import FolderError, FormatError, LamellaError, ParameterError, PathError
from lamella.format import Capability
from lamella.opening.filekinds import companion
from lamella.reader.probe import Probe
from lamella.system.text import LINE, printable
from lamella.system.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lamella.format import FormatSpec
    from lamella.plugins.plugin import Plugin
    from lamella.plugins.registry import Registry
    from lamella.reader.probe import Kind

__all__ = ["Contents", "contents_of", "folder_error", "refusal", "refused_target"]

_LOOKED_AT = 100  # files of a folder whose first bytes are read
_SHOWN = 3  # names of files, and kinds of files, in a sentence

_NEEDED: Mapping[Kind, tuple[Capability, str]] = {
    "list": (Capability.FILE_LIST, "it opens one file, not a list of files"),
    "folder": (Capability.DIRECTORY, "it opens files, not folders"),
    "url": (Capability.URL, "it opens files on this computer, not URLs"),
}


def refusal(spec: FormatSpec, probe: Probe) -> str | None:
    """Say why a format cannot take a target of this kind; None if it can."""
    if probe.path is not None and probe.kind in ("file", "list") and probe.path.name.startswith("._"):
        return companion(probe.path.name, probe.head)
    capability, text = _NEEDED.get(probe.kind, (None, ""))
    return None if capability is None or capability in spec.capabilities else text


def refused_target(plugin: Plugin, probe: Probe, registry: Registry) -> LamellaError | None:
    """Give the error for a target of a kind that a named format does not take; None if it takes it."""
    if plugin.spec is not None and plugin.spec.target == "path" and probe.kind == "object":
        return ParameterError(f"format {plugin.name!r} opens files: {_expected_path(probe.target)}", field="target")
    if plugin.spec is None or refusal(plugin.spec, probe) is None:
        return None
    if probe.kind == "folder":
        contents = contents_of(probe, registry)
        return folder_error(contents, f"format {plugin.name!r} opens files, not folders", *contents.lines())
    if probe.path is not None and probe.path.name.startswith("._"):
        return FormatError(companion(probe.path.name, probe.head) or "", path=probe.path)
    if probe.kind == "url":
        found = f"opens files on this computer, found the URL {probe.url}. Copy the file, or name a format for URLs"
    else:
        found = f"opens one file, found a list of {len(probe.paths)}. Open them one by one"
    return ParameterError(f"format {plugin.name!r} {found}", field="target")


def _expected_path(target: object) -> str:
    """Say what stands in the place of a path."""
    if not isinstance(target, list | tuple):
        return f"expected a path, found {type(target).__name__}"
    kinds = sorted({type(one).__name__ for one in target if not isinstance(one, str | bytes | PathLike)})
    return (
        f"expected paths, found a list with {' and '.join(kinds)}" if kinds else "expected a path, found an empty list"
    )


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies in a folder.

    Parameters
    ----------
    folder
        The folder.
    total
        The number of names in it.
    files
        The files among the first 100 names.
    takers
        For each format that has evidence for some of them, its title and these files.
    """

    folder: str
    total: int
    files: tuple[str, ...]
    takers: Mapping[str, tuple[str, tuple[str, ...]]]

    def lines(self) -> tuple[str, ...]:
        """What a user should know, as lines of text."""
        if not self.total:
            return (f"{printable(self.folder)} is an empty folder",)
        more = f"; only {_LOOKED_AT} of its {self.total} entries were looked at" if self.total > _LOOKED_AT else ""
        first = f"{printable(self.folder)} is a folder: it holds {_kinds(self.files) or 'folders only'}{more}"
        takers = [f"  {name} ({title}) would take {_listed(files)}" for name, (title, files) in self.takers.items()]
        return (first, *takers, self.remedy)

    @property
    def remedy(self) -> str:
        """What to do now."""
        if not self.files:
            return "Open a file in one of them"
        if not self.takers:
            return "No installed format knows these files by their names or first bytes"
        _, (example, *others) = max(self.takers.values(), key=lambda taker: len(taker[1]))
        return (
            f"Open one of them, such as {printable(PurePath(self.folder, example))}"
            if others
            else (f"Open {printable(PurePath(self.folder, example))}")
        )


def contents_of(probe: Probe, registry: Registry) -> Contents:
    """Look into a folder, at no more than 100 of its files and there at the first bytes only."""
    assert probe.path is not None
    looks = [look for name in probe.entries[:_LOOKED_AT] if (look := _look(probe.path / name)) is not None]
    takers: dict[str, tuple[str, tuple[str, ...]]] = {}
    for plugin in registry.usable():
        spec = plugin.spec
        if spec is None or spec.target != "path":
            continue
        files = tuple(look.path.name for look in looks if look.path is not None and _has_evidence(spec, look))
        if files:
            takers[plugin.name] = (spec.title, files)
    names = tuple(look.path.name for look in looks if look.path is not None)
    return Contents(str(probe.path), len(probe.entries), names, takers)


def folder_error(contents: Contents, *lines: str) -> FolderError:
    """Give the error for a folder that no format opens."""
    return FolderError(errno.EISDIR, "\n".join(printable(line, LINE) for line in lines), contents.folder)


def _look(path: PurePath) -> Probe | None:
    try:
        probe = Probe.of(path)
    except PathError:  # a pipe, or a link that leads nowhere
        return None
    return probe if probe.kind == "file" else None


def _has_evidence(spec: FormatSpec, probe: Probe) -> bool:
    if probe.suffix in spec.extensions:
        return True
    try:
        return any(signature.matches(probe.head) for signature in spec.signatures)
    except OSError:  # a file that may not be read
        return False


def _kinds(files: Sequence[str]) -> str:
    """Count files by extension: ``3 .mib files and 1 .hdr file``."""
    counts = Counter(PurePath(name).suffix.lower() for name in files).most_common()
    shown = [counted(n, f"{kind or 'unnamed'} file") for kind, n in counts[:_SHOWN]]
    rest = sum(n for _, n in counts[_SHOWN:])
    return _joined([*shown, counted(rest, "other")] if rest else shown)


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(map(printable, names[:_SHOWN])) + (f" and {rest} more" if rest > 0 else "")


def _joined(parts: Sequence[str]) -> str:
    return " and ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])} and {parts[-1]}"
