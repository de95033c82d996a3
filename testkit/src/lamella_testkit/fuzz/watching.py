"""What an input must leave alone: files around it, standard error, and the files that it was made of."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from lamella_testkit.audit import Seen
from lamella_testkit.limits import open_descriptors

__all__ = ["Surroundings"]

_LONG_AGO = 1_000_000_000 * 10**9
"""A time of last access that is older than any change, so that the next access is noted [ns]."""
_CACHES = (".nbi", ".nbc", ".pyc", ".tmp")
_ALLOWED_TEXT = 2000


class Surroundings:
    """The folder around the folder of an input, with files that nobody has a reason to read.

    Parameters
    ----------
    folder
        The folder around; `inside` is the one of the input.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inside = folder / "input"
        self._usual: set[Path] = set()
        self._names: tuple[str, ...] = ()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "secret.txt").write_text("a secret that no reader has a reason to read\n" * 50)
        self._access_is_noted = _access_is_noted(folder / "probe")

    def prepare(self, files: Mapping[str, Path]) -> None:
        """Put files outside of the folder of the input that are like those inside, for names that lead out.

        Parameters
        ----------
        files
            The intact files by name.
        """
        wanted = tuple(sorted(files))
        if wanted == self._names:
            return
        for name in self._names:
            (self.folder / name).unlink(missing_ok=True)
        for name, path in files.items():
            if "/" not in name:
                (self.folder / name).write_bytes(path.read_bytes())
        self._names = wanted

    def begin(self) -> None:
        """Look around before an input is tried."""
        for path in self._outside():
            os.utime(path, ns=(_LONG_AGO, path.stat().st_mtime_ns))
        self._before = self._state()
        self._printed = _printed()
        self._kept = self._open_files()

    def learn(self, seen: Seen) -> None:
        """Take what an intact file made the process read for usual."""
        self._usual.update(self._foreign(seen))

    def problems(self, seen: Seen) -> Iterator[tuple[str, str]]:
        """Give kind and text of everything that is not as it should be after an input was tried."""
        read = [path for path in self._foreign(seen) if path not in self._usual]
        if read:
            yield "outside", f"it reads {read[0]}"
        if self._access_is_noted:
            for path in self._outside():
                if path.stat().st_atime_ns != _LONG_AGO:
                    yield "outside", f"{path.name}, which is beside the folder of the file, was read"
        after = self._state()
        changed = sorted(name for name in {*self._before, *after} if self._before.get(name) != after.get(name))
        written = [path for path in seen.written if path.suffix not in _CACHES and str(path) != os.devnull]
        if changed or written:
            yield "writes", f"it writes {changed[0] if changed else written[0]}"
        for event in seen.forbidden:
            if event != "subprocess.Popen":  # a child is a way to read a file in safety
                yield "writes", f"it does {event}"
        text = _printed_since(self._printed)
        if text:
            yield "output", f"it prints {text!r}"
        kept = {number: name for number, name in self._open_files().items() if number not in self._kept}
        if kept:
            yield "open", f"a file is left open: {Path(min(kept.values())).name}"

    def _foreign(self, seen: Seen) -> list[Path]:
        """Give what was read that lies neither with the input, nor belongs to Python."""
        read = dict.fromkeys(path for path in seen.read if path.parent != self.inside or path.is_symlink())
        outside = [path for path in Seen(list(read)).outside(self.inside) if path.exists()]
        system = [path for path in read if str(path).startswith(("/etc/", "/dev/")) or path.name == "environ"]
        return [path for path in (*outside, *system) if str(path) != os.devnull]

    def _open_files(self) -> dict[str, str]:
        """Give the files of the input that are open, by the numbers of their descriptors."""
        pairs = (text.partition(" -> ") for text in open_descriptors() or ())
        return {number: name for number, _, name in pairs if name.startswith(f"{self.inside}{os.sep}")}

    def _outside(self) -> list[Path]:
        return [self.folder / name for name in ("secret.txt", *self._names) if (self.folder / name).is_file()]

    def _state(self) -> dict[str, tuple[int, ...]]:
        """Give kind, size and time of change of everything in the folder."""
        found: dict[str, tuple[int, ...]] = {}
        for base, folders, names in os.walk(self.folder):
            for name in (*folders, *names):
                path = Path(base, name)
                status = path.lstat()
                found[str(path.relative_to(self.folder))] = (
                    stat.S_IFMT(status.st_mode),
                    status.st_size,
                    status.st_mtime_ns,
                )
        return found


def _access_is_noted(path: Path) -> bool:
    """Whether the file system notes when a file is read."""
    path.write_text("x", encoding="utf-8")
    os.utime(path, ns=(_LONG_AGO, path.stat().st_mtime_ns))
    path.read_text(encoding="utf-8")
    noted = path.stat().st_atime_ns != _LONG_AGO
    path.unlink()
    return noted


def _printed() -> int:
    """Give how much was written to standard error, where that is a file."""
    status = os.fstat(2)
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _printed_since(before: int) -> str:
    now = _printed()
    if now <= before or not hasattr(os, "pread"):
        return ""
    return os.pread(2, min(now - before, _ALLOWED_TEXT), before).decode(errors="replace")
