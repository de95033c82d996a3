"""Scans that a sampler wrote, kept to be written again: that takes less time than to ask the sampler once more."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamella_testkit.sample import Sample, SampleData

__all__ = ["Copies"]

_ROOM = 128 << 20
"""Bytes that are kept of files and of pixels."""


@dataclass(frozen=True, eq=False, slots=True)
class _Kept:
    """A scan as it was written first, and the content of its files by name; None for a folder."""

    sample: Sample
    contents: Mapping[str, bytes | None]
    nbytes: int


class Copies:
    """Writes scans, each with the sampler once as long as there is room for its files.

    Parameters
    ----------
    write
        Asks the sampler to write a scan into an empty directory.
    place
        Gives what a sample is if its files lie in another directory.
    """

    def __init__(
        self, write: Callable[[SampleData, Path], Sample], place: Callable[[Sample, Path], Sample], room: int = _ROOM
    ) -> None:
        self._write = write
        self._place = place
        self._room = room
        self._kept: OrderedDict[SampleData, _Kept] = OrderedDict()

    def known(self, data: SampleData) -> SampleData:
        """Give an equal scan whose pixels were made already, if there is one."""
        kept = self._kept.get(data)
        return data if kept is None else kept.sample.data

    def write(self, data: SampleData, directory: Path) -> Sample:
        """Write the files of a scan into an empty directory; they may be changed."""
        kept = self._kept.get(data)
        if kept is None:
            sample = self._write(data, directory)
            self._keep(sample)
            return sample
        self._kept.move_to_end(data)
        for name, content in kept.contents.items():
            if content is None:
                (directory / name).mkdir()
            else:
                (directory / name).write_bytes(content)
        return self._place(kept.sample, directory)

    def _keep(self, sample: Sample) -> None:
        """Keep a scan that fits, has no links, and nothing in which its place is written."""
        directory = sample.directory
        paths = sorted(directory.rglob("*"))
        nbytes = sample.data.nbytes + sum(path.lstat().st_size for path in paths)
        if nbytes > self._room // 3 or any(path.is_symlink() for path in paths):
            return
        contents = {str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None for path in paths}
        place = os.fsencode(directory)
        told = repr(self._place(sample, directory.with_name("elsewhere")).keywords)
        if str(directory) in told or any(content is not None and place in content for content in contents.values()):
            return
        self._kept[sample.data] = _Kept(sample, contents, nbytes)
        while sum(kept.nbytes for kept in self._kept.values()) > self._room:
            self._kept.popitem(last=False)
