"""Which files belong together: ``BASE.hdr``, dark frames in ``BASE_000.frms6``, signal from ``BASE_001.frms6`` on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamella.errors import CorruptError, FormatError

if TYPE_CHECKING:
    from pathlib import Path

    from lamella.reader import Probe

__all__ = ["FileSet", "find_files"]

_PART = re.compile(r"(?P<base>.+)_(?P<number>\d{1,9})\.frms6", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files of one acquisition.

    Parameters
    ----------
    header
        The ``.hdr`` file, if there is one.
    dark
        Part 000, if there is one.
    signal
        The other parts in the order of time.
    dark_name
        What part 000 is called in a set of parts; None for a part that was taken out of its set.
    """

    header: Path | None
    dark: Path | None
    signal: tuple[Path, ...]
    dark_name: str | None = None


def find_files(probe: Probe) -> FileSet:
    """Give the files that belong to the ``.hdr`` or ``.frms6`` file that was named.

    Raises
    ------
    FormatError
        If there is no part with signal frames, or one is missing.
    """
    assert probe.path is not None
    named = _PART.fullmatch(probe.path.name)
    if probe.suffix != "hdr" and named is None:
        return FileSet(_header(probe, probe.stem), None, (probe.path,))
    base = probe.stem if named is None else named["base"]
    parts, header = _parts(probe, base), _header(probe, base)
    if named is not None and header is None and int(named["number"]) and len(parts) == 1:
        return FileSet(None, None, (probe.path,))  # one part, taken out of its set
    dark = parts.pop(0, None)
    if not parts:
        raise FormatError(
            "no part with signal frames is beside it" + (": part 000 holds dark frames only" if dark else ""),
            path=probe.path,
            expected=f"{base}_001.frms6",
            found="none",
            remedy="Put all parts of the acquisition into one folder",
        )
    missing = [number for number in range(1, min(max(parts), len(parts) + 1)) if number not in parts]
    if missing:
        raise CorruptError(
            f"part {missing[0]:03d} is missing, and frames after it would be shown at the wrong positions",
            path=probe.path,
            expected=f"parts 001 to {max(parts):03d}",
            found=f"{len(parts)} parts",
            remedy="Put all parts of the acquisition into one folder",
        )
    return FileSet(header, dark, tuple(path for _, path in sorted(parts.items())), f"{base}_000.frms6")


def _header(probe: Probe, base: str) -> Path | None:
    if probe.suffix == "hdr":
        return probe.path
    return probe.sibling(f"{base}.hdr", f"{base}.HDR")


def _parts(probe: Probe, base: str) -> dict[int, Path]:
    """Give the parts by number."""
    found: dict[int, Path] = {}
    for name in probe.siblings:
        match = _PART.fullmatch(name)
        path = probe.sibling(name) if match is not None and match["base"] == base else None
        if match is None or path is None:
            continue
        number = int(match["number"])
        if number in found:
            raise CorruptError(
                f"two files claim to be part {number}: {found[number].name} and {name}",
                path=probe.path,
                remedy="Move the one that does not belong to the acquisition elsewhere",
            )
        found[number] = path
    return found
