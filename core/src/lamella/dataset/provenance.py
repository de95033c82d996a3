"""Where a data set comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Provenance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a data set comes from: which plugin read it, how sure the detection was, and who said what.

    ``origins`` names the origin of each parameter: ``"user"``, ``"detected: ..."``, ``"header"``, ``"default"``.
    """

    format: str
    title: str
    distribution: str | None = None
    version: str | None = None
    confidence: int | None = None
    reason: str | None = None
    target: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
