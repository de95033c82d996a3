"""Show what a data set is: shape, pixel type, axes with units, metadata, and the source of each.

Of several files, or of a folder, the scans are listed with their format, shape and size.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lamella.cli.folders import add_recursive, is_several
from lamella.cli.parameters import open_data
from lamella.dataset.repr import axis_text, metadata_facts, shown_notes, size_text
from lamella.system.text import printable
from lamella.system.words import shape_text, value_text, with_shapes

if TYPE_CHECKING:
    from lamella.cli.console import Console
    from lamella.dataset.dataset import DataSet

__all__ = ["OPENS_DATA", "TAKES_SEVERAL", "configure", "describe", "facts_of", "provenance_facts", "run", "sections_of"]

OPENS_DATA = True
TAKES_SEVERAL = True

_SHOWN_ELSEWHERE = ("format", "shape", "dtype", "nav_shape from", "notes")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add how far to look into folders."""
    add_recursive(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Show the data set, or list several."""
    if is_several(args):
        from lamella.cli.several import list_scans

        return list_scans(args, console, lambda file, dataset: describe(dataset))
    args.file = args.files[0]
    dataset = open_data(args)
    if console.as_json:
        console.emit(describe(dataset))
        return 0
    console.say(printable(dataset.name))
    console.facts(facts_of(dataset))
    for title, entries in sections_of(dataset):
        console.say("", title)
        console.facts([(f"  {name}", value) for name, value in entries])
    return 0


def describe(dataset: DataSet) -> dict[str, Any]:
    """Give everything that is known about a data set, ready for JSON."""
    return {
        "name": dataset.name,
        "shape": {"nav": list(dataset.shape.nav), "sig": list(dataset.shape.sig)},
        "dtype": str(dataset.dtype),
        "nbytes": dataset.nbytes,
        "axes": [asdict(axis) | {"size": n} for axis, n in zip(dataset.axes, dataset.shape, strict=True)],
        "nav_shape_from": dataset.nav_origin,
        "missing_frames": dataset.missing_count,
        "provenance": dataset.provenance,
        "metadata": dataset.metadata.to_json(),
        "raw_metadata": dataset.raw_metadata,
        "diagnostics": dataset.diagnostics,
        "fingerprint": dataset.fingerprint,
    }


def provenance_facts(dataset: DataSet) -> list[tuple[str, object]]:
    """Give which plugin read the file and how sure the choice of it was, for `Console.facts`."""
    origin = dataset.provenance
    plugin = f"{origin.format}: {origin.title}"
    if origin.distribution:
        plugin += f", read by {origin.distribution} {origin.version or ''}".rstrip()
    if origin.confidence is None:
        return [("format", f"{plugin}, as you said")]
    why = printable(with_shapes(origin.reason or "evidence only"))
    return [("format", plugin), ("", f"detected with confidence {origin.confidence} of 100: {why}")]


def facts_of(dataset: DataSet) -> list[tuple[str, object]]:
    """Give what a data set is, as names and values for `Console.facts`."""
    missing = dataset.missing_count
    facts: list[tuple[str, object]] = [
        *provenance_facts(dataset),
        ("scan", f"{shape_text(dataset.shape.nav)}, from {with_shapes(dataset.nav_origin)}"),
        ("detector", shape_text(dataset.shape.sig)),
        ("dtype", dataset.dtype),
        ("size", size_text(dataset.nbytes)),
    ]
    if missing:
        facts.append(("missing", f"{missing} of {dataset.shape.nav.size} scan positions have no frame"))
    return facts


def sections_of(dataset: DataSet) -> list[tuple[str, Sequence[tuple[str, object]]]]:
    """Give what else is known of a data set, below titles: axes, metadata, parameters, diagnostics and notes."""
    axes = [(axis.name, axis_text(axis, n)) for axis, n in zip(dataset.axes, dataset.shape, strict=True)]
    origins = dataset.provenance.origins
    parameters = [
        (key, f"{_value_text(key, value)}  ({printable(with_shapes(origins.get(key, 'default')))})")
        for key, value in dataset.provenance.parameters.items()
    ]
    sections: list[tuple[str, Sequence[tuple[str, object]]]] = [
        ("axes", axes),
        ("metadata", metadata_facts(dataset.metadata)),
        ("parameters", parameters),
        ("diagnostics", _diagnostics(dataset)),
        ("notes", [("-", note) for note in shown_notes(dataset.info.notes)]),
    ]
    return [(title, entries) for title, entries in sections if entries]


def _diagnostics(dataset: DataSet) -> list[tuple[str, str]]:
    """Give what is worth knowing of the diagnostics: nothing empty, and no counter that is zero."""
    return [
        (key, _value_text(key, value))
        for key, value in dataset.diagnostics.items()
        if key not in _SHOWN_ELSEWHERE and not _says_nothing(key, value)
    ]


def _says_nothing(name: str, value: object) -> bool:
    if value == 0 and not isinstance(value, bool):
        return "frames" in name or name == "sync_offset"
    return value is None or (isinstance(value, str | list | tuple | dict) and not value)


def _value_text(name: str, value: object) -> str:
    return printable(value_text(value, is_shape="shape" in name or name == "chunks"))
