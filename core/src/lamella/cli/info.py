"""What a data set is: shape, dtype, axes with units, metadata, and how all this is known."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lamella.cli.parameters import open_data
from lamella.dataset.repr import axis_text, shown_notes, size_text
from lamella.system.text import printable

if TYPE_CHECKING:
    from lamella.cli.console import Console
    from lamella.dataset.dataset import DataSet

__all__ = ["OPENS_DATA", "configure", "describe", "provenance_facts", "run"]

OPENS_DATA = True

_UNITS = {
    "beam_energy": "eV",
    "camera_length": "m",
    "convergence_angle": "°",
    "scan_rotation": "°",
    "exposure_time": "s",
    "dwell_time": "s",
    "detector_pixel_pitch": "m",
    "counter_depth": "bits",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing: the file is all it takes."""


def run(args: argparse.Namespace, console: Console) -> int:
    """Show the data set."""
    dataset = open_data(args)
    console.emit(describe(dataset))
    console.say(printable(dataset.name))
    console.facts(_facts(dataset))
    for title, entries in _sections(dataset):
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
    reason = f"detected with confidence {origin.confidence} of 100: {printable(origin.reason)}"
    return [("format", plugin), ("", reason)]


def _facts(dataset: DataSet) -> list[tuple[str, object]]:
    nav, sig = tuple(dataset.shape.nav), tuple(dataset.shape.sig)
    missing = dataset.missing_count
    facts: list[tuple[str, object]] = [
        *provenance_facts(dataset),
        ("scan", f"{nav}, from {dataset.nav_origin}"),
        ("detector", f"{sig}"),
        ("dtype", dataset.dtype),
        ("size", size_text(dataset.nbytes)),
    ]
    if missing:
        facts.append(("missing", f"{missing} of {dataset.shape.nav.size} scan positions have no frame"))
    return facts


def _sections(dataset: DataSet) -> list[tuple[str, Sequence[tuple[str, object]]]]:
    shown_elsewhere = {"format", "shape", "dtype", "nav_shape from", "notes"}
    axes = [(axis.name, axis_text(axis, n)) for axis, n in zip(dataset.axes, dataset.shape, strict=True)]
    diagnostics = [
        (key, printable(value))
        for key, value in dataset.diagnostics.items()
        if key not in shown_elsewhere and value != []
    ]
    origins = dataset.provenance.origins
    parameters = [
        (key, f"{printable(value)}  ({printable(origins.get(key, 'default'))})")
        for key, value in dataset.provenance.parameters.items()
    ]
    sections: list[tuple[str, Sequence[tuple[str, object]]]] = [
        ("axes", axes),
        ("metadata", [_metadatum(key, value) for key, value in dataset.metadata.to_json().items()]),
        ("parameters", parameters),
        ("diagnostics", diagnostics),
        ("notes", [("-", note) for note in shown_notes(dataset.info.notes)]),
    ]
    return [(title, entries) for title, entries in sections if entries]


def _metadatum(name: str, value: str | float) -> tuple[str, str]:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return name.replace("_", " "), printable(f"{text} {_UNITS.get(name, '')}".rstrip())
