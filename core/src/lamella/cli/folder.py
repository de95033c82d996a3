"""The folder of the results of one run over one file. What else lies in it, and what belongs to others, stays.

The summary of a run says of which file the results are, and which files were written. While a run goes on, its process
is named in the folder like the writer of an unfinished file; see `lamella.export.parts`.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import stat
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from lamella.cli.console import plain
from lamella.cli.parser import UsageError
from lamella.errors import LamellaError
from lamella.export.atomic import written_at_once
from lamella.export.leaving import removed_on_leaving
from lamella.export.parts import Part, parts_in

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet

__all__ = ["SUMMARY", "ResultsFolder", "ScanFile", "results_folder", "save_summary"]

SUMMARY = "summary.json"
_CLAIM = re.compile(r"\.summary\.json\.[0-9a-f]{8}\.part")
_RECORD = ".writer"
_WRITTEN = (".npy", ".png")
"""Endings of what a run writes beside its summary; no other file is ever removed."""
_LARGEST = 8 << 20
"""Size of the largest summary that is written or read [bytes]."""
_MOST_FILES = 10_000
_MOST_FOLDERS = 1000
_ATTEMPTS = 8
_LONGEST_WAIT = 0.03
_SEE = "lamella run --help"
_UNKNOWN = "is not empty, and holds no results of this file"


@dataclass(frozen=True, slots=True)
class ScanFile:
    """Which file results are of.

    Parameters
    ----------
    path
        The file that was named: absolute, without links; or its URL.
    size
        Of all files of the scan together [bytes].
    mtime
        When the last of them was changed, in seconds since 1970; of remote files, a text that changes with them.
    """

    path: str
    size: int
    mtime: float | str

    @classmethod
    def of(cls, named: str, dataset: DataSet) -> ScanFile:
        """Give the file that was named and opened."""
        resources = [resource for resource in dataset.source.resources if resource.size]  # without folders
        path = os.path.realpath(named) if Path(named).exists() else named
        return cls(path, sum(each.size for each in resources), _newest([each.identity for each in resources]))


def _newest(identities: Sequence[int | str]) -> float | str:
    times = [identity for identity in identities if isinstance(identity, int)]
    if len(times) == len(identities):
        return max(times, default=0) / 1e9
    return hashlib.sha256("\n".join(map(str, identities)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ResultsFolder:
    """A folder into which this run may write, and no other.

    Parameters
    ----------
    path
        The folder; it exists.
    scan
        The file that the results are of.
    passed
        Folders that could not be taken, each with the reason.
    """

    path: Path
    scan: ScanFile
    passed: tuple[str, ...] = ()

    def listing(self, names: Iterable[str]) -> dict[str, Any]:
        """Give what a summary says of the file and of what was written."""
        return {"file": asdict(self.scan), "files": sorted({*names, SUMMARY})}

    def begin(self, names: Collection[str]) -> None:
        """Remove the results of an earlier run of the same file; ``names`` are those that will be written.

        Raises
        ------
        LamellaError
            If a file of that name came into the folder that no run wrote.
        """
        look = _look(self.path, self.scan, names, is_ours=True)
        if look.obstacle is not None:
            raise LamellaError(f"{self.path} {look.obstacle}; nothing was written")
        # Whenever this process is killed, the summary lists what lies there.
        save_summary(self.path, self.listing([*look.listed, *names]))
        for name in look.listed:
            (self.path / name).unlink(missing_ok=True)


@contextmanager
def results_folder(scan: ScanFile, out: Path | None, stem: str, names: Collection[str]) -> Iterator[ResultsFolder]:
    """Take a folder for the time of a run, and make it if it is absent; one that stays empty is removed.

    Parameters
    ----------
    scan
        The file that the results are of.
    out
        The folder that was named.
    stem
        Name of the folder in the working directory that is taken otherwise. If it belongs to another file or run, the
        first of ``STEM-2``, ``STEM-3``, ... that does not.
    names
        Files that may be written.

    Raises
    ------
    UsageError
        If the folder is not empty and not of this file, is taken by another run, or cannot be written.
    """
    made: list[Path] = []
    try:
        folder, claim = _take_named(out, scan, names, made) if out is not None else _take_free(stem, scan, names, made)
        try:
            with removed_on_leaving(claim):
                yield folder
        finally:
            claim.remove()
    finally:
        for path in reversed(made):
            with suppress(OSError):  # it is not empty
                path.rmdir()


def save_summary(folder: Path, summary: Mapping[str, Any]) -> Path:
    """Write what was done as JSON; without what the file says of itself where that is too long."""
    text = _json(summary)
    if len(text) > _LARGEST and isinstance(summary.get("dataset"), Mapping):
        text = _json({**summary, "dataset": {**summary["dataset"], "raw_metadata": "left out: too long"}})
    if len(text) > _LARGEST:
        text = _json({**summary, "dataset": "left out: too long"})
    path = folder / SUMMARY
    with written_at_once(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


def _json(summary: Mapping[str, Any]) -> str:
    return json.dumps(plain(summary), indent=2) + "\n"


# Which folder.


def _take_named(out: Path, scan: ScanFile, names: Collection[str], made: list[Path]) -> tuple[ResultsFolder, Part]:
    taken = _take(out, scan, names, made)
    if isinstance(taken, Part):
        return ResultsFolder(out, scan), taken
    remedy = "Name a folder that is absent, empty, or holds results of this file only."
    raise UsageError(f"--out {out}: it {taken}. {remedy}", see=_SEE)


def _take_free(stem: str, scan: ScanFile, names: Collection[str], made: list[Path]) -> tuple[ResultsFolder, Part]:
    passed: list[str] = []
    for number in range(1, _MOST_FOLDERS + 1):
        path = Path(stem if number == 1 else f"{stem}-{number}")
        taken = "is a link" if _is_link(path) else _take(path, scan, names, made)
        if isinstance(taken, Part):
            return ResultsFolder(path, scan, tuple(passed)), taken
        passed.append(f"{path} {taken}")
    raise UsageError(f"{stem} to {stem}-{_MOST_FOLDERS} are all taken; name a folder by --out", see=_SEE)


def _take(folder: Path, scan: ScanFile, names: Collection[str], made: list[Path]) -> Part | str:
    """Give the claim to a folder, or why it cannot be used, as the end of a sentence.

    Each run first says that it is there, and then looks who else is. Of two that begin at once, at least one sees the
    other; where both do, both go away and come back after a while that differs.
    """
    reason = ""
    for attempt in range(_ATTEMPTS):
        look = _look(folder, scan, names)
        if look.obstacle is not None:
            if not look.is_busy or attempt == 0:
                return look.obstacle
            reason = look.obstacle
        else:
            claim = _claim(folder, made)
            if claim is None:
                continue  # who made the folder removed it meanwhile
            look = _look(folder, scan, names, claim)
            if look.obstacle is None:
                return claim
            claim.remove()
            reason = look.obstacle
        time.sleep(random.uniform(0, _LONGEST_WAIT))
    return reason or "is removed again and again by another process"


def _claim(folder: Path, made: list[Path]) -> Part | None:
    claim = Part.beside(folder.absolute() / SUMMARY)
    try:
        _make(folder, made)
        claim.claim()
    except FileNotFoundError:
        return None
    except OSError as error:
        claim.remove()
        raise UsageError(
            f"results cannot be written into {folder}: {error.strerror}; name another folder by --out", see=_SEE
        ) from None
    return claim


def _make(folder: Path, made: list[Path]) -> None:
    for path in [*reversed(folder.parents), folder]:
        with suppress(FileExistsError):
            if not path.exists():
                path.mkdir()
                made.append(path)


def _is_link(path: Path) -> bool:
    return path.is_symlink() or getattr(os.path, "isjunction", lambda _: False)(path)


# What lies in a folder.


@dataclass(frozen=True, slots=True)
class _Look:
    """What a folder holds: files of an earlier run of the same file, and why it cannot be used."""

    listed: tuple[str, ...] = ()
    obstacle: str | None = None
    is_busy: bool = False


def _look(
    folder: Path, scan: ScanFile, names: Collection[str], claim: Part | None = None, *, is_ours: bool = False
) -> _Look:
    """Look at a folder, and change nothing; ``claim`` is that of this run, which also may have been made before."""
    try:
        found = {path.name for path in folder.iterdir()}
    except (FileNotFoundError, NotADirectoryError):
        nearest = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), None)
        is_folder = nearest is None or nearest.is_dir()
        return _Look(obstacle=None if is_folder else f"cannot be made: {nearest} is not a folder")
    except OSError as error:
        return _Look(obstacle=f"cannot be read: {error.strerror}")
    if not is_ours:
        if claim is not None:
            found -= {claim.path.name, claim.path.name + _RECORD}
        user = _user_of(folder, found)
        if user is not None:
            return _Look(obstacle=f"is in use by another run{user}", is_busy=True)
    found -= {name for part in parts_in(folder) if part.abandoned for name in _names_of(part.path)}
    found = {name for name in found if not (is_ours and _CLAIM.fullmatch(name.removesuffix(_RECORD)))}
    if not found:
        return _Look()
    summary = _summary_in(folder)
    foreign = _foreign(summary, scan)
    if foreign is not None:
        return _Look(obstacle=foreign)
    listed = tuple(name for name in summary["files"] if _is_ours(folder, name, found))
    wanted = {name.casefold() for name in names} - {SUMMARY}
    strange = sorted(name for name in found - set(listed) if name.casefold() in wanted)
    if strange:
        return _Look(obstacle=f"holds {strange[0]}, which no run of Lamella has listed")
    return _Look(listed)


def _names_of(part: Path) -> tuple[str, str]:
    return part.name, part.name + _RECORD


def _user_of(folder: Path, found: Collection[str]) -> str | None:
    """Give which other run uses a folder, in words; empty if it does not say yet, None if there is none."""
    for part in parts_in(folder):
        if not part.abandoned and _CLAIM.fullmatch(part.path.name) and part.path.name + _RECORD in found:
            return f", process {part.writer.pid} on {part.writer.host}"
    for name in found:
        if name.endswith(_RECORD) and _CLAIM.fullmatch(name.removesuffix(_RECORD)) and _is_empty(folder / name):
            return ""
    return None


def _is_empty(path: Path) -> bool:
    with suppress(OSError):
        found = path.lstat()
        return stat.S_ISREG(found.st_mode) and found.st_size == 0
    return False


def _summary_in(folder: Path) -> dict[str, Any]:
    """Give the summary in a folder; nothing if there is none that could be ours."""
    path = folder / SUMMARY
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    with suppress(OSError, ValueError, RecursionError):
        if not stat.S_ISREG(path.lstat().st_mode):
            return {}
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return {}
            content = file.read(_LARGEST + 1)
        summary = json.loads(content) if len(content) <= _LARGEST else None
        return summary if isinstance(summary, dict) else {}
    return {}


def _foreign(summary: Mapping[str, Any], scan: ScanFile) -> str | None:
    """Give why a folder with this summary is not of a file, as the end of a sentence; None if it is."""
    facts, files = summary.get("file"), summary.get("files")
    named = facts.get("path") if isinstance(facts, dict) else None
    if not isinstance(facts, dict) or not isinstance(named, str) or not isinstance(files, list):
        return _UNKNOWN
    if len(files) > _MOST_FILES:
        return _UNKNOWN
    if os.path.normcase(named) != os.path.normcase(scan.path):
        return f"belongs to another file, {named}"
    if (facts.get("size"), facts.get("mtime")) != (scan.size, scan.mtime):
        return "belongs to this file as it was before it was changed"
    return None


def _is_ours(folder: Path, name: object, found: Collection[str]) -> bool:
    """Whether what a summary lists is a file of a run: in the folder itself, a plain file, of an ending of ours."""
    if not isinstance(name, str) or name not in found or not name.endswith(_WRITTEN):
        return False
    if PurePosixPath(name).name != name or PureWindowsPath(name).name != name:
        return False
    with suppress(OSError, ValueError):
        return stat.S_ISREG((folder / name).lstat().st_mode)
    return False
