"""A file as it was when it was looked at."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from lamella.reader.probe import Probe

__all__ = ["Resource"]


@dataclass(frozen=True, slots=True)
class Resource:
    """A file as it was when the data set was opened: path, size [bytes] and modification time [ns]."""

    path: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Resource:
        """Look at a file; raises `OSError` as the operating system does."""
        status = os.stat(path)
        return cls(os.path.abspath(path), status.st_size, status.st_mtime_ns)

    @classmethod
    def of_probe(cls, probe: Probe) -> Self:
        """Give the file as the probe saw it, so that the check of a header and all later reading mean the same file."""
        assert probe.path is not None, "formats of files are never asked to open objects"
        return cls(str(probe.path), probe.size, probe.mtime_ns)
