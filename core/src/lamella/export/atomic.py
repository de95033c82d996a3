"""Files that are complete or absent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lamella.export.leaving import removed_on_leaving
from lamella.export.parts import Part, remove_abandoned
from lamella.io.mmap import forget_mappings
from lamella.system.paths import long_path

__all__ = ["written_at_once"]


@contextmanager
def written_at_once(path: Path) -> Iterator[Path]:
    """Give a name beside ``path`` to write to; the file takes the place of ``path`` when all went well.

    A process that is killed leaves what it has written: a file whose name begins with a dot and ends with ``.part``,
    and a record of the process beside it. The next file that is written into that folder on the same computer removes
    both, as ``lamella doctor`` does.
    """
    target = long_path(path.absolute())
    remove_abandoned(target.parent)
    part = Part.beside(target)
    with removed_on_leaving(part):
        try:
            part.claim()
            yield part.path
            _replace(target, part.path)
        finally:
            part.remove()


def _replace(target: Path, part: Path) -> None:
    """Put a part in the place of its target, also of one that this process has read by memory maps."""
    try:
        part.replace(target)
    except PermissionError:  # Windows does not replace a file that is mapped
        forget_mappings()
        part.replace(target)
