"""What a convention says about a file: which data set holds the scan, and how its axes are meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lamella.reader import Axis, Metadata

if TYPE_CHECKING:
    from lamella.reader import Corrections
    from lamella_hdf5.links import Elsewhere
    from lamella_hdf5.stored import Piece

__all__ = ["Choice"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The data set that was chosen.

    Parameters
    ----------
    convention
        Why: "NeXus default", "EMD" ...
    dataset
        The open data set; None if ``pieces`` are given.
    pieces
        Data sets that follow each other, already looked at.
    axes
        Calibration by axis of the data set, where it is known.
    sig_axes
        Which axes are the detector, if the convention says so.
    nav_shape, nav_origin
        Scan shape from elsewhere than the shape of the data set.
    nav_axes_known
        Axes of that scan.
    elsewhere
        Finds files for the file of the data set, where that is not the one that was opened.
    described
        What the file tells in a form of its own, JSON-able; it joins the raw metadata.
    """

    convention: str
    dataset: Any = None
    pieces: tuple[Piece, ...] = ()
    axes: Mapping[int, Axis] = field(default_factory=dict)
    sig_axes: tuple[int, ...] | None = None
    nav_shape: tuple[int, ...] | None = None
    nav_origin: str = ""
    nav_axes_known: tuple[Axis, ...] = ()
    metadata: Metadata = field(default_factory=Metadata)
    corrections: Corrections | None = None
    described: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    elsewhere: Elsewhere | None = None
