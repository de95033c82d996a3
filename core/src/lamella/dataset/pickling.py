"""Data sets on their way to other processes: there they are opened again, and must be what they were."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lamella.dataset.growing import FirstFrames, frame_places, holding_frames
from lamella.errors import FormatError
from lamella.reader.source import LinearSource
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

    Frames that were appended to files since do not count: the job gets the data set as it was.

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
        return {**state, "_seen": _Seen.of(self.dataset)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        seen: _Seen = state.pop("_seen")
        self.__dict__.update(state)
        now = self.dataset
        before = seen.before_growth(now)
        if before is not None:
            self.__dict__["dataset"] = before
            if "partitions" in state:
                self.__dict__["partitions"] = tuple(replace(one, dataset=before) for one in state["partitions"])
        seen.check(self.dataset, grown=before is not None)
        self.__post_init__()


@dataclass(frozen=True)
class _Seen:
    """What must be the same where a data set is opened again.

    ``steps`` are the frames that the scan shows step by step, as bytes in short; ``last`` is where the last frame is.
    """

    resources: tuple[Resource, ...]
    first: FirstFrames
    frames: str
    steps: str
    last: tuple[str, int] | None
    host: str

    @classmethod
    def of(cls, dataset: DataSet) -> _Seen:
        return cls(
            tuple(dataset.source.resources),
            FirstFrames.of(dataset),
            f"shape {tuple(dataset.shape)} and dtype {dataset.dtype}",
            _digest(dataset),
            _last(dataset),
            platform.node(),
        )

    def before_growth(self, dataset: DataSet) -> DataSet | None:
        """Give the data set without the frames that were appended since, or None if there are none."""
        return self.first.taken_from(dataset) if dataset.source.n_frames > self.first.n_frames else None

    def check(self, dataset: DataSet, *, grown: bool) -> None:
        """Raise `FormatError` about the first file that is another one than where the job was made.

        Another host may see its time rounded, and its path may be another one. A file that ``grown`` frames came to
        may be longer, and there may be more files.
        """
        elsewhere = self.host != platform.node()
        here = {resource.location: resource for resource in dataset.source.resources}
        if len(here) < len(self.resources) or (len(here) > len(self.resources) and not grown):
            raise _changed(dataset.name, f"{len(self.resources)} files", f"{len(here)} files")
        for there in self.resources:
            now = here.get(path_here(there.location))
            if now is None:
                raise _changed(dataset.name, f"a file {path_here(there.location)}", "none")
            same = there.same_file(now) or (elsewhere and _alike(there, now)) or self._grew(there, now, dataset)
            if not same:
                raise _changed(now.location, _facts(there), _facts(now))
        now_seen = _Seen.of(dataset)
        if (self.frames, self.steps) != (now_seen.frames, now_seen.steps):
            raise _changed(dataset.name, self.frames, now_seen.frames)
        if self.last is not None and (path_here(self.last[0]), self.last[1]) != now_seen.last:
            raise _changed(dataset.name, f"the last frame at {self.last}", f"it at {now_seen.last}")

    def _grew(self, there: Resource, now: Resource, dataset: DataSet) -> bool:
        """Whether a file of frames only became longer."""
        if now.size <= there.size or not isinstance(dataset.source, LinearSource):
            return False
        return now in holding_frames(dataset.source)


def _last(dataset: DataSet) -> tuple[str, int] | None:
    """Give the file and the byte at which the last frame begins, where frames are runs."""
    source = dataset.source
    if not isinstance(source, LinearSource) or not source.n_frames:
        return None
    return frame_places(source, [source.n_frames - 1])[0]


def _digest(dataset: DataSet) -> str:
    """Give in short which frame each step of the scan shows."""
    index = dataset.frame_map.index
    if index is None:
        return ""
    import hashlib

    return hashlib.sha256(index.tobytes()).hexdigest()


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
