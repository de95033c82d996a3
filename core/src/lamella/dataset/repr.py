"""How a data set shows itself, as text and in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lamella.system.text import PAGE, fitting, html_text, printable
from lamella.system.units import quantity_text
from lamella.system.words import counted, shape_text, with_shapes

if TYPE_CHECKING:
    import numpy as np

    from lamella.geometry.frames import FrameMap
    from lamella.geometry.shape import Shape
    from lamella.reader.metadata import Axis, Metadata
    from lamella.reader.source import SourceInfo

__all__ = ["axis_text", "dataset_html", "dataset_text", "metadata_facts", "shown_notes", "size_text"]

_NAME = 60  # characters of a name in a line
_MOST_NOTES = 500
_PREFIXES = ("B", "kB", "MB", "GB", "TB", "PB")
_UNITS = {
    "beam_energy": "V",  # people say 200 kV of electrons of 200 keV
    "camera_length": "m",
    "convergence_angle": "°",
    "scan_rotation": "°",
    "exposure_time": "s",
    "dwell_time": "s",
    "detector_pixel_pitch": "m",
    "counter_depth": "bits",
}
"""Units in which numbers of the metadata are shown."""


class Shown(Protocol):
    """What is shown of a data set; see `lamella.DataSet`."""

    name: str
    shape: Shape
    dtype: np.dtype[Any]
    frame_map: FrameMap

    @property
    def title(self) -> str:
        """The format in words."""
        ...

    @property
    def nbytes(self) -> int:
        """Size [bytes]."""
        ...

    @property
    def nav_origin(self) -> str:
        """Where the scan shape came from."""
        ...

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Every axis."""
        ...

    @property
    def metadata(self) -> Metadata:
        """What the microscope and the detector were doing."""
        ...

    @property
    def info(self) -> SourceInfo:
        """What the file says about itself."""
        ...


def size_text(nbytes: float) -> str:
    """Give a size in bytes as people read it; prefixes are powers of 1000."""
    step = 0
    while nbytes >= 1000 and step < len(_PREFIXES) - 1:
        nbytes /= 1000
        step += 1
    return f"{nbytes:.3g} {_PREFIXES[step]}"


def axis_text(axis: Axis, length: int) -> str:
    """Give the length of an axis, its step, and where it begins if not at zero, each with the unit."""
    if not axis.calibrated:
        return f"{length}, not calibrated"
    begins = f", from {quantity_text(axis.offset, axis.units)}" if axis.offset else ""
    return f"{length}, step {quantity_text(axis.scale, axis.units)}{begins}"


def metadata_facts(metadata: Metadata) -> list[tuple[str, str]]:
    """Give names and values of what the microscope and the detector were doing, ready to be shown."""
    return [(name.replace("_", " "), _metadatum(name, value)) for name, value in metadata.to_json().items()]


def _metadatum(name: str, value: str | float) -> str:
    if isinstance(value, int | float):
        return quantity_text(value, _UNITS.get(name), 6)
    return printable(value)


def _facts(ds: Shown) -> list[tuple[str, str]]:
    counts = ds.frame_map.counts
    nav_dims = ds.shape.nav.dims
    lengths = zip(ds.axes, ds.shape, strict=True)
    axes = [f"{printable(axis.name, _NAME)}: {axis_text(axis, length)}" for axis, length in lengths]
    facts = [
        ("format", ds.title),
        ("shape", f"scan {shape_text(ds.shape.nav)}, detector {shape_text(ds.shape.sig)}"),
        ("dtype", str(ds.dtype)),
        ("size", size_text(ds.nbytes)),
        ("scan", "; ".join(axes[:nav_dims])),
        ("detector", "; ".join(axes[nav_dims:])),
        ("scan shape from", ds.nav_origin),
    ]
    if counts.missing:
        facts.append(("missing", f"{counts.missing} of {counts.positions} scan positions have no frame"))
    if counts.skipped_start or counts.ignored_end:
        skipped = counted(counts.skipped_start, "frame")
        facts.append(("not shown", f"{skipped} at the start, {counts.ignored_end} at the end"))
    return [*facts, *metadata_facts(ds.metadata)] + [("note", note) for note in shown_notes(ds.info.notes)]


def shown_notes(notes: Sequence[str]) -> list[str]:
    """Give notes as lines of text, and how many more there are than anybody reads."""
    more = [f"… and {len(notes) - _MOST_NOTES} more notes"] if len(notes) > _MOST_NOTES else []
    return [*(printable(with_shapes(note)) for note in notes[:_MOST_NOTES]), *more]


def dataset_text(ds: Shown) -> str:
    """Give what ``repr`` prints."""
    facts = _facts(ds)
    width = max(len(name) for name, _ in facts)
    lines = [f"<lamella.DataSet {printable(ds.name)}>"]
    lines += [f"  {name:<{width}}  {printable(value)}" for name, value in facts]
    return "\n".join(fitting(lines))


def dataset_html(ds: Shown) -> str:
    """Give the table that notebooks show."""
    rows = [_row(name, value) for name, value in _facts(ds)]
    begin, end = f"<div><strong>{html_text(ds.name)}</strong><table>", "</table></div>"
    shown = [*fitting(rows, PAGE - len(f"{begin}{end}".encode()) - len(_row("", "")), PAGE)]
    if shown != rows:
        shown[-1] = _row("", shown[-1])
    return f"{begin}{''.join(shown)}{end}"


def _row(name: str, value: str) -> str:
    style = 'style="text-align:left"'
    return f'<tr><th {style}>{html_text(name)}</th><td {style} dir="auto">{html_text(value)}</td></tr>'
