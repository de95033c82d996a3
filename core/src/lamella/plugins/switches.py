"""Which plugins the environment lets in, and which distribution it prefers for a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

__all__ = ["Switches"]


@dataclass(frozen=True, slots=True)
class Switches:
    """What the environment says; names are those of plugins of every kind, and are compared without case."""

    disabled: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    preferred: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """Read ``LAMELLA_DISABLE_PLUGINS``, ``LAMELLA_ONLY_PLUGINS`` and ``LAMELLA_PREFER``."""
        pairs = [item.partition("=") for item in environ.get("LAMELLA_PREFER", "").split(",")]
        return cls(
            disabled=_names(environ.get("LAMELLA_DISABLE_PLUGINS", "")),
            only=_names(environ.get("LAMELLA_ONLY_PLUGINS", "")) or None,
            preferred={name.strip().lower(): value.strip() for name, _, value in pairs if value.strip()},
        )

    def verdict(self, name: str) -> tuple[str, str] | None:
        """Reason and remedy for a plugin that is kept out; None for one that may be used."""
        if name.lower() in self.disabled:
            return "named in LAMELLA_DISABLE_PLUGINS", "Remove it from LAMELLA_DISABLE_PLUGINS"
        if self.only is not None and name.lower() not in self.only:
            return "not named in LAMELLA_ONLY_PLUGINS", "Add it to LAMELLA_ONLY_PLUGINS, or unset that"
        return None


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in text.split(",") if name.strip())
