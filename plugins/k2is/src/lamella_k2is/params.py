"""What a user can say about K2 IS data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from lamella.format import Param


@dataclass(frozen=True, slots=True, kw_only=True)
class K2isParams:
    """Parameters of K2 IS data; none is needed beside a `.gtg` file.

    The stored frame at the first scan position is by default the last one before the shutter flag appears in a scan,
    because the camera sets the flag one frame late, and the first one with the flag in a time series. ``first_frame``
    says otherwise, and so does ``sync_offset``, unless flyback columns are left out: then it counts positions without
    them.
    """

    mode: Annotated[
        Literal["stem", "series"] | None,
        Param(doc="A scan or a time series; what the .gtg file says by default, and a time series without one."),
    ] = None
    first_frame: Annotated[
        int | None,
        Param(
            doc="Stored frame at the first scan position; what the shutter flag says by default.", unit="frames", ge=-1
        ),
    ] = None
    drop_flyback: Annotated[
        bool,
        Param(doc="Leave out the columns of a scan in which the beam went back, as the .gtg file counts them."),
    ] = False
    crop_active: Annotated[
        bool,
        Param(doc="Leave out the reference rows and columns behind the active 1792 x 1920 pixels."),
    ] = False
    lost_blocks: Annotated[
        Literal["missing", "zero"],
        Param(doc="Treat frames that lost a block as missing frames, or fill the block with zeros."),
    ] = "missing"
