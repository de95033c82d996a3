"""What a user can say about pnCCD frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from lamella.format import Param


@dataclass(frozen=True, slots=True, kw_only=True)
class Frms6Params:
    """Parameters of `.frms6` files; none is needed beside a `.hdr` file."""

    binning: Annotated[
        int | None,
        Param(doc="Rows that were added up on the chip; what the .hdr file says by default.", unit="px", ge=1, le=16),
    ] = None
    unbin: Annotated[
        bool | Literal["scale"],
        Param(
            doc='Repeat each binned row, so that pixels are square; with "scale", computations divide by the binning, '
            "so that the rows together have as many counts as before.",
        ),
    ] = True
    subtract_dark: Annotated[
        bool,
        Param(doc="Subtract the mean of the dark frames in part 000, where there is one, in computations."),
    ] = True
    gain_map: Annotated[
        str | None,
        Param(
            doc="Gain map to multiply with: a .csv file with semicolons, transposed, or a .mat file with GainMap.",
            kind="path",
        ),
    ] = None
