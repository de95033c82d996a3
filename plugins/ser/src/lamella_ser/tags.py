"""What a series knows of each of its elements: when it was recorded, and where the beam was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import moments, read_records, stamp_arrays, unix_time
from lamella_ser.header import TAGS, SeriesHeader

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Tags", "raster"]

_MOST_POSITIONS = 1 << 16  # tags that are read to find out the shape of a scan


@dataclass(frozen=True, slots=True)
class Tags:
    """Time and beam position [m] of the elements, read when asked for; NaT and NaN where a tag is missing."""

    path: Path
    header: SeriesHeader
    count: int

    def acquired(self) -> NDArray[np.datetime64]:
        """Read when elements were recorded, to the second."""
        return moments(self._field("time"))

    def position_x(self) -> NDArray[np.float64]:
        """Read the positions along x."""
        return self._field("position_x")

    def position_y(self) -> NDArray[np.float64]:
        """Read the positions along y."""
        return self._field("position_y")

    def functions(self) -> dict[str, Callable[[], NDArray[Any]]]:
        """Give the arrays that the tags of this series have values for."""
        names = TAGS.get(self.header.fields["tag_type_id"], np.dtype([])).names or ()
        stamps = stamp_arrays(self.acquired) if "time" in names else {}
        return {**stamps, **{name: getattr(self, name) for name in names if name.startswith("position")}}

    def first_time(self) -> str | None:
        """Read when the first element was recorded, ISO 8601."""
        return unix_time(replace(self, count=1)._field("time")[0]) if self.functions() else None

    def _field(self, name: str) -> NDArray[np.float64]:
        kind = self.header.fields["tag_type_id"]
        table = np.dtype((self.header.offset_type, (self.count,)))
        [offsets] = read_records(self.path, [self.header.tag_table], table)
        tags = read_records(self.path, offsets.astype(np.int64), TAGS[kind], strict=False)
        return np.where(tags["tag_type_id"] == kind, tags[name].astype(np.float64), np.nan)


def raster(tags: Tags) -> tuple[tuple[int, ...], str] | None:
    """Give the shape of the raster that the beam positions form, if they do."""
    if "position_x" not in tags.functions() or not 4 <= tags.count <= _MOST_POSITIONS:
        return None
    x, y = tags.position_x(), tags.position_y()
    with np.errstate(all="ignore"):  # positions may be anything in a damaged file
        step = x[1] - x[0]
        returns = np.flatnonzero(np.diff(x) * step < 0)
        width = int(returns[0]) + 1 if returns.size else tags.count
        if tags.count % width or width == tags.count:
            return None
        columns, rows = x.reshape(-1, width), y.reshape(-1, width)
        regular = np.abs(columns - columns[0]).max() < abs(step) / 2
        regular &= np.ptp(rows, axis=1).max() < abs(rows[1, 0] - rows[0, 0]) / 2
    return ((tags.count // width, width), "beam positions of the elements") if regular else None
