"""What pages say about a data set, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella import DataSet
    from lamella_gui.places import Places

__all__ = ["information", "plain_name", "shape_text", "size_text", "tree_of"]

_MOST_NODES = 4000
_LONGEST = 400


def size_text(nbytes: float | None) -> str:
    """Give a size with a decimal unit."""
    if nbytes is None:
        return ""
    for unit in ("B", "kB", "MB", "GB"):
        if nbytes < 999.5:
            return f"{nbytes:.3g} {unit}"
        nbytes /= 1000
    return f"{nbytes:.4g} TB"


def shape_text(dataset: DataSet) -> str:
    """Give scan, frame, dtype and size in one line."""
    nav, sig = (" × ".join(map(str, shape)) for shape in (dataset.shape.nav, dataset.shape.sig))
    return f"{nav} scan · {sig} px · {dataset.dtype} · {size_text(dataset.nbytes)}"


def information(dataset: DataSet, places: Places) -> list[tuple[str, list[tuple[str, str]]]]:
    """Give what is known about a data set: groups of names and values."""
    provenance, counts = dataset.provenance, dataset.frame_map.counts
    source = [
        ("file", places.address(provenance.target) if provenance.target else "in memory"),
        ("format", provenance.title),
        ("read by", f"{provenance.distribution or 'lamella'} {provenance.version or ''}".strip()),
        ("detection", "" if provenance.confidence is None else f"{provenance.confidence} %: {provenance.reason or ''}"),
    ]
    scan = [
        ("scan shape", f"{' × '.join(map(str, dataset.shape.nav))} ({dataset.nav_origin})"),
        ("frame shape", f"{' × '.join(map(str, dataset.shape.sig))} px"),
        ("dtype", str(dataset.dtype)),
        ("size", size_text(dataset.nbytes)),
        ("frames in the file", f"{counts.frames}"),
        ("shown", f"{counts.shown}"),
        ("skipped at the start", f"{counts.skipped_start}"),
        ("ignored at the end", f"{counts.ignored_end}"),
        ("missing positions", f"{counts.missing}"),
    ]
    parameters = [
        (name, f"{_value_text(value, places)} ({provenance.origins.get(name, 'default')})")
        for name, value in provenance.parameters.items()
        if value is not None
    ]
    notes = [(f"note {i + 1}", places.hidden(note)) for i, note in enumerate(dataset.info.notes)]
    groups = [
        ("Source", source),
        ("Scan", scan),
        ("Axes", _axes(dataset)),
        ("Parameters", parameters),
        ("Notes", notes),
    ]
    return [(title, [(name, value) for name, value in pairs if value]) for title, pairs in groups if pairs]


def _axes(dataset: DataSet) -> list[tuple[str, str]]:
    found = []
    for axis, size in zip(dataset.axes, tuple(dataset.shape), strict=True):
        begins = f", from {axis.offset:.6g} {axis.units}" if axis.offset else ""
        step = f"step {axis.scale:.6g} {axis.units}{begins}" if axis.calibrated else "not calibrated"
        found.append((axis.name, f"{size}, {step}"))
    return found


def _value_text(value: object, places: Places) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(_value_text(item, places) for item in value)
    return places.hidden(str(value))


def tree_of(value: Any, places: Places) -> list[dict[str, Any]]:
    """Give raw metadata as a tree of names and texts, cut where it is too large to be shown."""
    left = [_MOST_NODES]
    return _nodes(value, places, left, 0)


def _nodes(value: Any, places: Places, left: list[int], depth: int) -> list[dict[str, Any]]:
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    nodes: list[dict[str, Any]] = []
    for name, item in items:
        left[0] -= 1
        if left[0] < 0:
            nodes.append({"name": "…", "text": "more is not shown", "nodes": []})
            break
        holds = isinstance(item, Mapping) or (isinstance(item, list | tuple) and not _is_short(item))
        inner = _nodes(item, places, left, depth + 1) if holds and depth < 12 else []
        text = "" if inner else places.hidden(str(item))[:_LONGEST]
        nodes.append({"name": str(name)[:_LONGEST], "text": text, "nodes": inner})
    return nodes


def _is_short(items: Any) -> bool:
    return len(items) <= 16 and not any(isinstance(item, Mapping | list | tuple) for item in items)


def plain_name(stem: str) -> str:
    """Give the name of a file, or of the files of a pattern, without the letters of patterns."""
    return stem.replace("*", "").replace("?", "").strip("._- ") or "scan"
