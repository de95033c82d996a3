"""What a user can say about K2 IS data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from lamella.format import Param


@dataclass(frozen=True, slots=True, kw_only=True)
class K2isParams:
    """Parameters of K2 IS data; none is needed beside a `.gtg` file.

    ``sync_offset`` is the stored frame at the first scan position. By default it is the last frame before the shutter
    flag appears in a scan, because the camera sets the flag one frame late, and the first frame with the flag in a
    time series.
    """

    mode: Annotated[
        Literal["stem", "series"] | None,
        Param(doc="A scan or a time series; what the .gtg file says by default, and a time series without one."),
    ] = None
    crop_active: Annotated[
        bool,
        Param(doc="Leave out the reference rows and columns behind the active 1792 x 1920 pixels."),
    ] = False
    lost_blocks: Annotated[
        Literal["missing", "zero"],
        Param(doc="Treat frames that lost a block as missing frames, or fill the block with zeros."),
    ] = "missing"
