"""The child of the conformance kit, in which a case may take a second."""

from __future__ import annotations

from dataclasses import replace

from lamella_testkit import child
from lamella_testkit.profiles import PROFILES

__all__ = ["main"]


def main() -> None:
    """Serve jobs until the parent closes the pipe."""
    PROFILES.update({name: replace(one, case_seconds=1.0) for name, one in PROFILES.items()})
    child.main()
