"""Parameters of the format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from lamella.format import Param

__all__ = ["EmpadParams"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmpadParams:
    """What the files leave open."""

    nav_shape: Annotated[
        tuple[int, ...] | None,
        Param(doc="Scan shape in C order, fast axis last; tells the layouts apart where nothing else does.", ge=1),
    ] = None
    layout: Annotated[
        Literal["auto", "g1", "g2", "float32"],
        Param(
            doc="What a frame is: 'g1' 128x128 float32 and two rows of footer, 'g2' 128x128 uint32 words of the second "
            "generation, 'float32' 128x128 float32 alone; found out by size and content by default."
        ),
    ] = "auto"
    q_calibration: Annotated[
        float | None,
        Param(doc="Size of a detector pixel, which new versions do not record.", unit="1/nm", gt=0),
    ] = None
