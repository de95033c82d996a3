"""What a user can say about Merlin files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from lamella.format import Param


@dataclass(frozen=True, slots=True, kw_only=True)
class MibParams:
    """Parameters of Merlin files; none is needed.

    Stored frames make up a scan like this: ``first_frame`` frames are left out, then each line of the scan is so many
    frames as the scan is wide, and ``flyback`` more that are left out.
    """

    nav_shape: Annotated[
        tuple[int, ...] | None,
        Param(doc="Scan shape in C order, fast axis last; what the files suggest by default.", ge=1),
    ] = None
    only_this_file: Annotated[bool, Param(doc="Read the .mib file that was named and none of the parts beside it.")] = (
        False
    )
    first_frame: Annotated[
        int, Param(doc="Stored frame with which the first line of the scan begins.", unit="frames", ge=0)
    ] = 0
    flyback: Annotated[
        int,
        Param(
            doc="Stored frames after each line of the scan that are not part of it.",
            unit="frames",
            ge=0,
            le=1 << 20,
        ),
    ] = 0
    whole_lines: Annotated[
        bool, Param(doc="Crop a scan that was interrupted to its complete lines, instead of leaving positions missing.")
    ] = False
    lost: Annotated[
        Literal["leave", "close"],
        Param(
            doc='Frames that the sequence numbers say were lost: "leave" a missing scan position for each, '
            'or "close" the gap with the frames that follow.'
        ),
    ] = "leave"
    gap: Annotated[
        int | None,
        Param(
            doc="Width of the cross to insert between the chips of raw quad frames, as excluded pixels; "
            "frames as stored by default.",
            unit="px",
            ge=1,
            le=64,
        ),
    ] = None
    counter_depth: Annotated[
        Literal[1, 6, 12, 24] | None,
        Param(doc="Bits of the counters of raw frames; what the files say by default.", unit="bit"),
    ] = None
