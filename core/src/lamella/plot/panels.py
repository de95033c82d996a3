"""What is shown: panels of pictures, curves, vector fields, colours and tables, as data that anything can draw.

A panel does not know who draws it. The sheet of `lamella run`, the HTML of a report, matplotlib and the browser all
take the same panels, so a scan looks the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.reader.metadata import Axis

__all__ = ["Circle", "Cross", "Kind", "Mark", "Panel", "Scale"]

Kind: TypeAlias = Literal["image", "curve", "field", "rgba", "table"]
Scale: TypeAlias = Literal["linear", "log", "balanced"]


@dataclass(frozen=True, slots=True)
class Circle:
    """An outline on a panel: centre (y, x) and radius [px of ``data``]."""

    y: float
    x: float
    radius: float
    style: Literal["-", "--"] = "-"


@dataclass(frozen=True, slots=True)
class Cross:
    """A marked place on a panel: (y, x) [px of ``data``]."""

    y: float
    x: float


Mark: TypeAlias = Circle | Cross


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture, ready to be drawn: nothing is left to decide.

    Parameters
    ----------
    kind
        ``"image"``: real numbers, shape ``(height, width)``. ``"curve"``: real numbers, shape ``(n,)``. ``"field"``:
        vectors, shape ``(2, height, width)``, first the y and then the x components; shown as hue (direction) and
        brightness (length). ``"rgba"``: colours, unsigned bytes of shape ``(height, width, 4)``. ``"table"``: ``rows``.
    title
        What it shows, in a few words.
    data
        The numbers; NaN where there are none. None for a table.
    axes
        One axis for each dimension of the picture, y before x; with units that people read, such as nm and not 1e-9 m.
    quantity, unit
        What the numbers are, such as ``"counts per frame"``, and their unit, such as ``"px"``; either may be empty.
    scale
        How numbers become colours or heights: ``"linear"``; ``"log"`` for counts over many decades; ``"balanced"``
        with zero in the middle.
    limits
        Values of the first and of the last colour, or of the lower and upper end of a curve; the largest length for
        a field is the second one. With ``"log"`` both are positive.
    colours
        Name of a colour map of `lamella.plot.colours`.
    marks
        Outlines and places to show.
    rows
        Cells of a table as text, row by row; the first row has the headings.
    note
        A sentence for below the picture, such as what was subtracted; may be empty.
    name
        Stem of a file that holds it; unique among the panels of a picture.
    """

    kind: Kind
    title: str
    data: NDArray[Any] | None = None
    axes: tuple[Axis, ...] = ()
    quantity: str = ""
    unit: str = ""
    scale: Scale = "linear"
    limits: tuple[float, float] = (0.0, 1.0)
    colours: str = "gray"
    marks: tuple[Mark, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    name: str = ""

    @property
    def label(self) -> str:
        """Quantity with its unit, such as ``"shift [px]"``."""
        return f"{self.quantity} [{self.unit}]".lstrip() if self.unit else self.quantity
