"""Which files belong together: ``BASE1.bin`` to ``BASE8.bin``, and ``BASE.gtg`` with the tags of DigitalMicrograph."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamella.errors import FormatError
from lamella_k2is.block import SECTORS

if TYPE_CHECKING:
    from pathlib import Path

    from lamella.reader import Probe

__all__ = ["FileSet", "find_files"]

_SECTOR = re.compile(r"(?P<base>.*)(?P<number>[1-8])\.bin", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files of one recording: the sectors from left to right, and the tags if there are any."""

    sectors: tuple[Path, ...]
    tags: Path | None


def find_files(probe: Probe) -> FileSet:
    """Give the files that belong to the ``.gtg`` or ``.bin`` file that was named.

    Raises
    ------
    FormatError
        If it is neither, or there are not exactly eight sectors.
    """
    assert probe.path is not None
    named = _SECTOR.fullmatch(probe.path.name)
    if named is None and probe.suffix != "gtg":
        raise FormatError(
            "its name is not that of a sector",
            path=probe.path,
            expected="a name that ends in 1.bin to 8.bin, or in .gtg",
            found=probe.path.name,
        )
    base = probe.stem if named is None else named["base"]
    sectors = _sectors(probe, base)
    absent = [f"{base}{number}.bin" for number in range(1, SECTORS + 1) if number not in sectors]
    if absent:
        raise FormatError(
            f"{len(absent)} of the {SECTORS} sectors are not beside it",
            path=probe.path,
            expected=", ".join(absent),
            found=", ".join(path.name for path in sectors.values()) or "no sector",
            remedy="Put all eight files into one folder",
        )
    tags = probe.path if named is None else probe.sibling(f"{base}.gtg", f"{base}.GTG")
    return FileSet(tuple(path for _, path in sorted(sectors.items())), tags)


def _sectors(probe: Probe, base: str) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for name in probe.siblings:
        match = _SECTOR.fullmatch(name)
        if match is None or match["base"] != base:
            continue
        number, path = int(match["number"]), probe.sibling(name)
        if path is None:
            continue
        if number in found:
            raise FormatError(
                f"two files claim to be sector {number}: {found[number].name} and {name}",
                path=probe.path,
                remedy="Move the one that does not belong to the recording elsewhere",
            )
        found[number] = path
    return found
