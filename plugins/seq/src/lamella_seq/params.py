"""What a user can say about a StreamPix sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from lamella.format import Param

__all__ = ["SeqParams"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeqParams:
    """Parameters of the format ``seq``."""

    sidecars: Annotated[
        bool,
        Param(doc="Use the dark frame, gain map and bad pixels that Direct Electron writes beside a sequence."),
    ] = True
    prebuffer: Annotated[
        int | None,
        Param(
            doc="Frames that a Celeritas camera puts into one stored frame; by default what its settings say.",
            ge=1,
        ),
    ] = None
