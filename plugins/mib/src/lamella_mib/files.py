"""Which files belong together: ``<prefix>.hdr`` and ``<prefix><digits>.mib``."""

from __future__ import annotations

import re
from pathlib import Path

from lamella.errors import FormatError, ParameterError
from lamella.reader import Caution, Probe, Resource
from lamella_mib.sidecar import Sidecar, parse_sidecar

__all__ = ["find_files", "part_names", "part_number", "read_at"]

_DIGITS = "0123456789"
_SIDECAR = 64 << 10  # bytes


def find_files(probe: Probe, *, alone: bool) -> tuple[Sidecar, list[str], tuple[str, ...]]:
    """Give the sidecar of a named file, the names of the parts, and what a user should know about them.

    Parameters
    ----------
    probe
        The ``.hdr`` file, or any of the parts.
    alone
        Whether the named part is wanted without the others.

    Raises
    ------
    FormatError
        If a ``.hdr`` file was named that is none, or has no part.
    ParameterError
        If a ``.hdr`` file was named, and ``alone``.
    """
    path = str(probe.path)
    if probe.suffix == "hdr":
        if alone:
            raise ParameterError("name a .mib file to read it alone, not the .hdr", field="only_this_file")
        sidecar = parse_sidecar(probe.read(0, _SIDECAR), path)
        names = part_names(probe, path)
        if not names:
            raise FormatError("there are no frames beside this header", path=path, expected=f"{probe.stem}<digits>.mib")
        return sidecar, names, ()
    name = _sidecar_name(probe)
    sidecar, notes = _read_sidecar(probe, name)
    assert probe.path is not None
    names = [probe.path.name] if alone else part_names(probe, name)
    return sidecar, names, notes


def _read_sidecar(probe: Probe, name: str | None) -> tuple[Sidecar, tuple[str, ...]]:
    """Read the sidecar of a named part; one that is missing or damaged is no reason to refuse frames."""
    path = None if name is None else probe.sibling(name)
    if path is None:
        if name is None:
            return Sidecar(), ("there is no .hdr file",)
        return Sidecar(), (Caution(f"{name} leads elsewhere and is left out"),)
    try:
        return parse_sidecar(Resource.of(path).read(0, _SIDECAR), str(path)), ()
    except FormatError as error:
        return Sidecar(), (Caution(f"{name} is left out: {error.problem}"),)
    except OSError as error:
        return Sidecar(), (Caution(f"{name} is left out: the file cannot be read ({error.strerror})"),)


def _sidecar_name(probe: Probe) -> str | None:
    """Give the name of the ``.hdr`` file that belongs to a ``.mib`` file: the one that shares most of its name."""
    present = {Path(name).stem: name for name in probe.siblings if name.lower().endswith(".hdr")}
    stem = probe.stem
    candidates = (present.get(stem[:length]) for length in range(len(stem), len(_prefix(stem)) - 1, -1))
    return next((name for name in candidates if name is not None), None)


def part_names(probe: Probe, sidecar: str | None) -> list[str]:
    """Give the names of all parts, in the order of the digits at their end.

    A part is called like the sidecar with nothing but digits after that. Without a sidecar the digits at the end of
    the named part are taken for its number. A file with another extension stands alone.
    """
    assert probe.path is not None
    if probe.suffix not in ("mib", "hdr"):
        return [probe.path.name]
    prefix = _prefix(probe.stem) if sidecar is None else Path(sidecar).stem
    pattern = re.compile(re.escape(prefix) + r"[0-9]*\.(?i:mib)")
    found = [name for name in probe.siblings if pattern.fullmatch(name)]
    return sorted(found, key=lambda name: (part_number(name), name))


def _prefix(stem: str) -> str:
    return stem.rstrip(_DIGITS)


def part_number(name: str) -> int:
    """Give the number at the end of the name of a part, -1 if there is none."""
    stem = name.rpartition(".")[0]
    digits = stem[len(_prefix(stem)) :]
    return int(digits) if 0 < len(digits) <= 18 else -1


def read_at(resource: Resource, *places: tuple[int, int]) -> list[bytes]:
    """Read bytes at some places ``(offset, size)`` of a file; fewer where it ends.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    with resource.reading() as file:
        return [file.read(offset, size) for offset, size in places]
