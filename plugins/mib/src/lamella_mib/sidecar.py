"""The text file beside the frames: settings of the whole acquisition, one per line.

The first line is ``HDR,``, the last begins with ``End``; the others are ``Key:``, a tabulator and a value. Keys explain
themselves in brackets, ``Frames in Acquisition (Number):``, and go by what stands before the bracket here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lamella.errors import FormatError
from lamella.reader import decoded_text

__all__ = ["Sidecar", "parse_sidecar"]

_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Settings of an acquisition, as text; empty if there is no such file."""

    path: str | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        """Give a setting by the beginning of its key; None if it is missing or empty."""
        return next((value for key, value in self.settings.items() if _plain(key) == name.lower()), None) or None

    def number(self, name: str) -> int | None:
        """Give a setting that is a whole number."""
        text = (self.get(name) or "").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None

    @property
    def frames(self) -> int | None:
        """Frames in the acquisition; None if the number is unknown, as in continuous mode."""
        return self.number("Frames in Acquisition") or None

    @property
    def frames_per_trigger(self) -> int | None:
        """Frames for each trigger pulse."""
        return self.number("Frames per Trigger") or None

    @property
    def scan(self) -> tuple[int, int] | None:
        """The scan ``(ScanY, ScanX)``, which software from 1.5 on knows."""
        y, x = self.number("ScanY"), self.number("ScanX")
        return (y, x) if y and x else None

    def to_json(self) -> dict[str, Any]:
        """Give every setting with its complete key."""
        return dict(self.settings)


def parse_sidecar(content: bytes, path: str) -> Sidecar:
    """Read the settings.

    Raises
    ------
    FormatError
        If this is no such file; other formats have files of that name too.
    """
    lines = decoded_text(content).replace("\r\n", "\n").split("\n")
    if lines[0].split(",")[0].strip() != "HDR":
        raise FormatError(
            "this is not a header of Merlin frames",
            path=path,
            expected="'HDR,' in the first line",
            found=repr(content[:16]),
            remedy="Name one of the .mib files; or this file belongs to another format",
        )
    settings: dict[str, str] = {}
    for line in lines[1:]:
        key, tab, value = line.partition("\t")
        if key.strip().lower() == "end":
            break
        if tab and key.strip():
            settings.setdefault(key.strip().removesuffix(":").strip(), value.strip())
    return Sidecar(path, settings)


def _plain(key: str) -> str:
    return key.partition("(")[0].strip().lower()
