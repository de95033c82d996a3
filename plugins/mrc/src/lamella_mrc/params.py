"""What a user can say about an MRC file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from lamella.format import Param

__all__ = ["MrcParams"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MrcParams:
    """Parameters of the format ``mrc``."""

    byte_order: Annotated[
        Literal["little", "big"] | None,
        Param(doc="Byte order of the file; by default what the machine stamp says, or what makes sense."),
    ] = None
    signed: Annotated[
        bool | None,
        Param(doc="Whether the bytes of mode 0 are signed; by default as the header says, signed in doubt."),
    ] = None
    sidecars: Annotated[
        bool,
        Param(doc="Use NAME_info.txt and NAME_scan_coordinates.csv, which Direct Electron writes beside a movie."),
    ] = True
