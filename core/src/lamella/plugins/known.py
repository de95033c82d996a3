"""Formats that are known to have a plugin, so that messages and searches can say what to install.

The catalogue is data: ``data/catalogue.json``, which ``data/catalogue.schema.json`` describes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lamella.format import Signature

__all__ = ["COMMANDS", "KnownFormat", "catalogue"]

_FILE = Path(__file__).parent / "data" / "catalogue.json"

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "conformance": "lamella-testkit",
        "fuzz": "lamella-testkit",
        "gui": "lamella-gui",
        "mutants": "lamella-testkit",
        "new-format": "lamella-testkit",
    }
)
"""Commands of the terminal that other distributions bring, by name."""


@dataclass(frozen=True, slots=True)
class KnownFormat:
    """A format, the distribution that reads it, and how its files can be recognised.

    Parameters
    ----------
    name
        The name of the format.
    title
        What it is called in texts.
    distribution
        The package to install.
    authors
        Who maintains that package.
    written_by
        Cameras and programs that write such files.
    homepage
        Where the package is described.
    extensions
        Extensions of the files, in lower case and without a dot.
    signatures
        Bytes that every file has at a fixed place.
    """

    name: str
    title: str
    distribution: str
    authors: str
    written_by: str
    homepage: str
    extensions: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = ()

    @property
    def install(self) -> str:
        """The line that installs it."""
        return f"pip install {self.distribution}"


@cache
def catalogue() -> Mapping[str, KnownFormat]:
    """Give each known format by its name."""
    listed = json.loads(_FILE.read_text(encoding="utf-8"))["formats"]
    return MappingProxyType({entry["name"]: _known(entry) for entry in listed})


def _known(entry: Mapping[str, Any]) -> KnownFormat:
    return KnownFormat(
        entry["name"],
        entry["title"],
        entry["distribution"],
        entry["authors"],
        entry["written_by"],
        entry.get("homepage") or f"https://pypi.org/project/{entry['distribution']}/",
        tuple(entry.get("extensions", ())),
        tuple(Signature(bytes.fromhex(sign["hex"]), sign.get("offset", 0)) for sign in entry.get("signatures", ())),
    )
