"""Dark frame, gain map and excluded pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.corrections.corrections import Corrections as Corrections

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.corrections.corrections": "Corrections",
    },
)
