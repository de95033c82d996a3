"""What a user can say about a DigitalMicrograph file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from lamella.format import Param

__all__ = ["DmParams"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DmParams:
    """Parameters of the format ``dm``."""

    dataset_index: Annotated[
        int | None,
        Param(
            doc="Which image of the file to open, counted from 0 with thumbnails; by default the one with the most "
            "axes, the largest of those.",
            ge=0,
        ),
    ] = None
    force_c_order: Annotated[
        bool,
        Param(doc="Take the fast axes of the file as the detector, whatever the tags say about the order of axes."),
    ] = False
    same_offset: Annotated[
        bool,
        Param(doc="In a list of files, trust that all are like the first one instead of looking at each."),
    ] = False
    sig_shape: Annotated[
        tuple[int, ...] | None,
        Param(doc="Shape of one frame in C order; needed for a file whose tags were cut off.", unit="px", ge=1),
    ] = None
