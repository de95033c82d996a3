"""Data sets on their way to other processes: there they are opened again, and must be what they were."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lamella.errors import FormatError
from lamella.system.pathmap import path_here

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.io.backend import IOBackend
    from lamella.reader.resource import Resource

__all__ = ["ReopensDataSet"]

_ROUNDED = 2_000_000_000
"""How far apart the times of a file may be on two hosts [ns]."""


@dataclass(frozen=True)
class ReopensDataSet:
    """A job with a data set: unpickling it opens the files again, and fails if they have changed meanwhile.

    How bytes reach memory is decided where the job is made or unpickled, and not taken along: hosts differ.
    """

    dataset: DataSet

    def __post_init__(self) -> None:
        self.backend  # noqa: B018 - chosen now: threads that work on the job do not know what is preferred here

    @cached_property
    def backend(self) -> IOBackend:
        """How bytes reach memory in this process."""
        return self.dataset.backend

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "backend"}
        return {**state, "_files": (*_files(self.dataset), platform.node())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        resources, frames, host = state.pop("_files")
        self.__dict__.update(state)
        _check_files(self.dataset, resources, elsewhere=host != platform.node())
        if _frames(self.dataset) != frames:
            raise _changed(self.dataset.name, frames, _frames(self.dataset))
        self.__post_init__()


def _files(dataset: DataSet) -> tuple[tuple[Resource, ...], str]:
    """Give what must be the same where the data set is opened again."""
    return tuple(dataset.source.resources), _frames(dataset)


def _frames(dataset: DataSet) -> str:
    return f"shape {tuple(dataset.shape)} and dtype {dataset.dtype}"


def _check_files(dataset: DataSet, resources: tuple[Resource, ...], *, elsewhere: bool) -> None:
    """Raise `FormatError` about the first file that is another one than where the job was made.

    Another host may see its time rounded, and its path may be another one.
    """
    here = tuple(dataset.source.resources)
    if len(here) != len(resources):
        raise _changed(dataset.name, f"{len(resources)} files", f"{len(here)} files")
    for there, now in zip(resources, here, strict=True):
        same = there.same_file(now) or (elsewhere and _alike(there, now))
        if path_here(there.location) != now.location or not same:
            raise _changed(now.location, _facts(there), _facts(now))


def _alike(there: Resource, now: Resource) -> bool:
    """Whether a file seen from two hosts may be the same: network mounts round times."""
    if there.size != now.size or there.mtime_ns is None or now.mtime_ns is None:
        return False
    return abs(there.mtime_ns - now.mtime_ns) <= _ROUNDED


def _facts(resource: Resource) -> str:
    return f"{resource.size} bytes of {resource.location}, identity {resource.identity}"


def _changed(path: str, expected: str, found: str) -> FormatError:
    return FormatError(
        "the file changed since the data set was opened",
        path=path,
        expected=expected,
        found=found,
        remedy="Open the data set again to see its present content",
    )
