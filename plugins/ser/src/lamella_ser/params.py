"""Parameters of the format."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SerParams"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SerParams:
    """A series needs no parameters: the file says all."""
