"""The settings of a recording, which Direct Electron writes beside a sequence: ``BASE.seq.Config.Metadata.xml``.

``BASE`` is the name of the sequence without ``.seq``, or without ``.seq.seq``; the ``.seq`` before the ending may lack.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree  # type: ignore[import-untyped]

from lamella.errors import CorruptError
from lamella.reader import Probe, number

__all__ = ["REMEDY", "Settings", "read_settings", "sidecar"]

_LONGEST_XML = 1 << 22
REMEDY = "Correct or rename it, or give sidecars=False"


@dataclass(frozen=True, slots=True)
class Settings:
    """``Config.Metadata.xml`` and what a user should know about it."""

    path: Path | None = None
    text: str = ""
    root: Element | None = None
    values: dict[str, str] = field(default_factory=dict)

    def number(self, name: str) -> float:
        """Give a positive number, 0 if there is none."""
        value = number(self.values.get(name)) or 0.0
        return value if 0 < value < 1e12 else 0.0


def sidecar(probe: Probe, base: str, ending: str) -> Path | None:
    """Give the file beside a sequence that has an ending, whichever way it is spelled."""
    return probe.sibling(f"{base}.seq{ending}", f"{base}.seq.seq{ending}", f"{base}{ending}")


def read_settings(probe: Probe, base: str) -> Settings:
    """Give the settings of a recording; empty ones if there is no such file.

    Raises
    ------
    CorruptError
        If the file is damaged.
    """
    path = sidecar(probe, base, ".Config.Metadata.xml")
    if path is None:
        return Settings()
    content = Probe.of(path).read(0, _LONGEST_XML)
    try:
        root = ElementTree.fromstring(content)
    except (ParseError, ValueError, LookupError) as error:  # what defusedxml refuses is a ValueError
        raise CorruptError(f"the settings cannot be read ({error})", path=path, remedy=REMEDY) from error
    info = root.find(".//FileInfo")
    values = {} if info is None else {one.tag: one.get("Value") or "" for one in info}
    return Settings(path, content.decode("utf-8", errors="replace"), root, values)
