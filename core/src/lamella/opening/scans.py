"""Which scans a list of files holds: one that lies in several files counts once, and what belongs to a scan is none."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from lamella.errors import FormatError, LamellaError, LamellaWarning, NoFormatError, PathError
from lamella.opening.detect import detect
from lamella.reader.match import Confidence
from lamella.reader.probe import Probe
from lamella.system.warn import quiet

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.plugins.registry import Registry

__all__ = ["FolderContents", "FoundScan", "contents_below", "scans_among"]

T = TypeVar("T")

_MOST_FILES = 10_000
_MOST_NAMES = 100_000
_MOST_TEXTS = 50
_TEXTS = ("txt", "hdr", "xml", "json", "toml")
"""Extensions of settings and notes: what no format recognises is taken for one of someone else."""
_NO_SUCH_FILE = (errno.ENOENT, errno.ELOOP)


@dataclass(frozen=True, slots=True)
class FoundScan(Generic[T]):
    """A scan, or a file that cannot be opened.

    Parameters
    ----------
    file
        The file to open, as it was named.
    parts
        Other files of the list that belong to it.
    facts
        What was asked about the data set; None if it cannot be opened.
    error
        Why it cannot be opened.
    """

    file: str
    parts: tuple[str, ...] = ()
    facts: T | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class FolderContents:
    """What lies in a folder, apart from hidden files and folders.

    Parameters
    ----------
    files
        Paths of the files, sorted; at most 10 000.
    folders
        The number of folders that were not looked into.
    left_out
        The number of files beyond those.
    """

    files: tuple[str, ...]
    folders: int = 0
    left_out: int = 0


def contents_below(
    folder: str, *, recursive: bool = False, is_scan: Callable[[str], bool] | None = None
) -> FolderContents:
    """Give the files in a folder, or also in all folders below it; each folder is looked into once, whatever links say.

    Parameters
    ----------
    folder
        The folder.
    recursive
        Whether to look into the folders below.
    is_scan
        Says of a folder below whether a format opens it as a scan: then it is listed like a file.

    Raises
    ------
    PathError
        If the folder cannot be read.
    """
    files: list[str] = []
    waiting, seen, unsearched = [folder], {_identity(folder)}, 0
    while waiting:
        inner: list[str] = []
        here = waiting.pop()
        try:
            entries = list(_entries(here))
        except OSError as error:
            if here == folder:
                raise PathError.of(error, folder) from None
            unsearched += 1
            continue
        for path, mode in entries:
            if not stat.S_ISDIR(mode) or (is_scan is not None and is_scan(path)):
                files.append(path)
            elif not recursive:
                unsearched += 1
            elif (identity := _identity(path)) not in seen:
                seen.add(identity)
                inner.append(path)
        waiting += reversed(inner)
        if len(files) > _MOST_NAMES:
            unsearched += len(waiting)
            break
    return FolderContents(tuple(files[:_MOST_FILES]), unsearched, max(0, len(files) - _MOST_FILES))


def _entries(folder: str) -> Iterator[tuple[str, int]]:
    """Give paths and modes of what lies in a folder, sorted; of a link, those of what it leads to, or 0."""
    with os.scandir(folder) as found:
        names = sorted(entry.name for entry, _ in zip(found, range(_MOST_NAMES), strict=False))
    for name in names:
        if name.startswith("."):
            continue
        path = os.path.join(folder, name)  # noqa: PTH118 - there can be very many
        try:
            mode = os.stat(path).st_mode
        except OSError:  # a link that leads nowhere, or to itself
            mode = 0
        if mode == 0 or stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            yield path, mode


def _identity(folder: str) -> tuple[int, int] | str:
    try:
        status = os.stat(folder)
    except OSError:
        return folder
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(folder)


@dataclass(slots=True)
class _Entry(Generic[T]):
    file: str
    real: str
    members: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    facts: T | None = None
    error: Exception | None = None


def scans_among(
    files: Iterable[str],
    open_one: Callable[[str], DataSet],
    facts: Callable[[str, DataSet], T],
    *,
    named: bool,
    registry: Registry,
) -> Iterator[FoundScan[T]]:
    """Give the scans among some files, in their order.

    Parts of a scan are the files from which its data set reads. A file that cannot be opened and that belongs to a scan
    as its reader says, such as a file of settings, is no entry of its own.

    Parameters
    ----------
    files
        Paths or URLs.
    open_one
        Opens one of them.
    facts
        Gives what is wanted of each data set; gets the file and the data set.
    named
        Whether a user named each file. If not, a file that no format recognises is left out, unless its name says
        that it should be a scan.
    registry
        The installed formats.
    """
    entries: list[_Entry[T]] = []
    claimed: set[str] = set()
    listed: dict[str, tuple[int, str]] = {}
    for number, file in enumerate(files):
        real = os.path.realpath(file)
        listed.setdefault(real, (number, file))
        if real in claimed:
            continue
        claimed.add(real)
        entry = _opened(_Entry(file, real), open_one, facts)
        claimed |= entry.members
        entries.append(entry)
    largest = _largest(entries)
    scans = [entry for i, entry in enumerate(entries) if entry.error is None and largest.get(i, i) == i]
    shown = {id(entry) for entry in scans}
    of_scans = {member for entry in scans for member in entry.members}
    around = _Surroundings.of(scans, {entry.real for entry in entries})
    for entry in entries:
        if id(entry) in shown:
            yield _found(entry, listed)
        elif entry.error is None or entry.real in of_scans:
            continue  # part of another one
        elif not _is_no_scan(entry, around, registry, named=named):
            yield FoundScan(entry.file, error=entry.error)


def _opened(entry: _Entry[T], open_one: Callable[[str], DataSet], facts: Callable[[str, DataSet], T]) -> _Entry[T]:
    try:
        with quiet(LamellaWarning):
            dataset = open_one(entry.file)
            entry.facts = facts(entry.file, dataset)
    except BrokenPipeError:
        raise
    except Exception as error:  # a defect of one reader, too, leaves the others alone
        entry.error = error.with_traceback(None)
        return entry
    resources = [one for one in dataset.source.resources if one.is_local]
    entry.members = frozenset(os.path.realpath(one.location) for one in resources if not Path(one.location).is_dir())
    details = [str(value) for value in dataset.info.details.values() if isinstance(value, str)]
    entry.texts = (dataset.nav_origin, *details[:_MOST_TEXTS])
    return entry


def _largest(entries: Sequence[_Entry[T]]) -> dict[int, int]:
    """Give, for each scan, the scan that holds all its files: itself, the first of several alike, or a larger one."""
    owners: dict[str, list[int]] = {}
    for i, entry in enumerate(entries):
        for member in entry.members:
            owners.setdefault(member, []).append(i)
    found = {}
    for i, entry in enumerate(entries):
        if not entry.members:
            continue
        rivals = [j for j in owners[min(entry.members)] if entries[j].members >= entry.members]
        found[i] = max(rivals, key=lambda j: (len(entries[j].members), -j))
    return found


def _found(entry: _Entry[T], listed: Mapping[str, tuple[int, str]]) -> FoundScan[T]:
    """Give a scan under the name of the file that holds its pixels, if that is one of those that were named."""
    members = [name for _, name in sorted(listed[member] for member in entry.members if member in listed)]
    file = members[0] if len(members) == 1 else entry.file
    return FoundScan(file, tuple(name for name in members if name != file), entry.facts)


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """The scans among some files: how they are named, what their readers say, and which files were tried."""

    endings: Mapping[tuple[str, str], set[str]]
    texts: tuple[str, ...]
    tried: set[str]

    @classmethod
    def of(cls, scans: Sequence[_Entry[Any]], tried: set[str]) -> Self:
        endings: dict[tuple[str, str], set[str]] = {}
        for scan in scans:
            path = Path(scan.file)
            for begin in _beginnings(path.stem):
                endings.setdefault((str(path.parent), begin), set()).add(path.suffix)
        return cls(endings, tuple(text for scan in scans for text in scan.texts), tried)

    def holds_beside(self, path: Path) -> bool:
        """Whether a file is named like a scan, but for the extensions and what counts its parts."""
        return bool(self.endings.get((str(path.parent), path.name.partition(".")[0]), set()) - {path.suffix})


def _beginnings(stem: str) -> Iterator[str]:
    """Give the beginnings of a name after which a word ends."""
    for end in range(1, len(stem) + 1):
        if not stem[end : end + 1].isalnum():
            yield stem[:end]


def _is_no_scan(entry: _Entry[T], around: _Surroundings, registry: Registry, *, named: bool) -> bool:
    """Whether a file that cannot be opened is none that anybody takes for a scan."""
    error, path = entry.error, Path(entry.file)
    if around.holds_beside(path) and not _is_surely_data(entry.file, registry):
        return True
    if isinstance(error, NoFormatError) or (isinstance(error, PathError) and error.errno in _NO_SUCH_FILE):
        return not named and not _is_named_like_a_scan(path, registry)
    blamed = error.path if isinstance(error, FormatError) else None
    if blamed is not None and os.path.realpath(blamed) != entry.real and os.path.realpath(blamed) in around.tried:
        return True  # what is wrong is told of that file
    return any(path.name in text for text in around.texts)


def _is_named_like_a_scan(path: Path, registry: Registry) -> bool:
    suffix = path.suffix[1:].lower()
    specs = [plugin.spec for plugin in registry.usable() if plugin.spec is not None and plugin.spec.signatures]
    return suffix not in _TEXTS and any(suffix in spec.extensions for spec in specs) and not _is_text(path)


def _is_text(path: Path) -> bool:
    try:
        return Probe.of(path).head.isascii() and Probe.of(path).head.strip(b"\0") != b""
    except OSError:
        return False


def _is_surely_data(file: str, registry: Registry) -> bool:
    """Whether a format knows the file by more than its extension."""
    try:
        best = detect(file, registry, ask_hooks=False).candidates[:1]
    except LamellaError:
        return False
    return any(candidate.eligible and candidate.confidence >= Confidence.SIGNATURE for candidate in best)
