"""Parameters of the format: how the stream of frames becomes a scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from lamella.errors import ParameterError
from lamella.format import Param

__all__ = ["TvipsParams"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TvipsParams:
    """How the stream of frames becomes a scan."""

    nav_shape: Annotated[
        tuple[int, ...] | None,
        Param(doc="Scan shape in C order, fast axis last; what the frames say by default.", ge=1),
    ] = None
    scan: Annotated[
        Literal["auto", "positions", "rotator", "none"],
        Param(
            doc="What tells the scan position of a frame: the scan positions in its header, its rotator index, or "
            "nothing but its place in the stream."
        ),
    ] = "auto"
    first_frame: Annotated[
        int | None,
        Param(doc="Stored frame that shows the first scan position; later ones follow one by one.", ge=0),
    ] = None
    repeat: Annotated[
        Literal["first", "last"],
        Param(doc="Which frame to show where several have the same scan position."),
    ] = "first"
    fill: Annotated[
        Literal["blank", "nearest"],
        Param(doc="What to show where no frame has the scan position: nothing, or the last frame before it."),
    ] = "blank"
    winding: Annotated[
        Literal["x", "y"] | None,
        Param(doc="Axis along which the beam went back and forth, so that every second line, from 0, is reversed."),
    ] = None
    hysteresis: Annotated[
        int,
        Param(doc="How far to roll the lines that winding reverses.", unit="scan positions"),
    ] = 0
    trust_parts: Annotated[
        bool,
        Param(doc="Open parts that seem to have been cut: the camera lost the frames that are missing between them."),
    ] = False

    def __post_init__(self) -> None:
        if self.hysteresis and self.winding is None:
            raise ParameterError("needs winding, the axis along which lines are reversed", field="hysteresis")
