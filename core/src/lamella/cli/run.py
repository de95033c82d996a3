"""Compute images of the scan and patterns of the detector, all in one pass over the file.

Without a choice: bright field, annular dark field, centre of mass and mean pattern, around the direct beam, which is
looked for in a few frames. Arrays are written as .npy, pictures as .png.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import lamella
from lamella.cli.info import describe, provenance_facts
from lamella.cli.parameters import open_data
from lamella.cli.parser import UsageError
from lamella.cli.streaming import Pass, panel_of, save_arrays, stream
from lamella.cli.workers import add_workers, make_context
from lamella.export.atomic import written_at_once

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.cli.analyses import Analysis
    from lamella.cli.beam import Beam
    from lamella.cli.console import Console
    from lamella.dataset.dataset import DataSet
    from lamella.plot.pictures import Reduced

__all__ = ["OPENS_DATA", "choose", "configure", "run", "save_pictures"]

OPENS_DATA = True

_WIDTH = 7


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what to compute and where to put it."""
    what = parser.add_argument_group("what to compute; all together in one pass")
    what.add_argument(
        "--disk",
        action="append",
        type=_numbers(1, 3),
        metavar="[CY,CX,]R",
        help="counts in a disk: its centre, that of the direct beam by default, and radius [px]; may be repeated",
    )
    what.add_argument(
        "--ring",
        action="append",
        type=_numbers(2, 4),
        metavar="[CY,CX,]RI,RO",
        help="counts in a ring: centre, inner and outer radius [px]; may be repeated",
    )
    what.add_argument("--com", action="store_true", help="centre of mass of each frame, from the direct beam [px]")
    what.add_argument("--sum", action="store_true", help="sum and mean of all frames")
    what.add_argument("--std", action="store_true", help="standard deviation of each pixel over the scan")
    what.add_argument("--sumsig", action="store_true", help="sum of all pixels of each frame")
    what.add_argument("--beam", type=_numbers(2), metavar="CY,CX", help="the direct beam; looked for by default [px]")
    what.add_argument(
        "--roi", metavar="ROI", help='part of the scan: slices such as "10:20,:" or a .npy file of booleans'
    )
    how = parser.add_argument_group("how")
    add_workers(how)
    how.add_argument(
        "--no-pictures", dest="pictures", action="store_false", help="write arrays only, and do not wait for drawing"
    )
    how.add_argument("--out", type=Path, metavar="DIR", help="folder for the results; NAME-results by default")


def run(args: argparse.Namespace, console: Console) -> int:
    """Open, compute, write."""
    dataset = open_data(args)
    console.facts([("file", args.file), *provenance_facts(dataset)], width=_WIDTH)
    analyses, told = choose(dataset, args)
    console.facts(told, width=_WIDTH)
    roi = None if args.roi is None else _region(args.roi, dataset)
    with make_context(args) as context:
        done = stream(context, dataset, analyses, console, roi)
    folder = args.out or Path(f"{Path(args.file).stem}-results")
    summary = done.to_json() | {"dataset": describe(dataset), "lamella": lamella.__version__}
    written = save_arrays(folder, dataset, done.outputs, summary)
    files = f"{folder}: {', '.join(path.name for path in written)}"
    console.facts([("speed", done.speed), ("results", files)], width=_WIDTH)
    panels = _panels(dataset, done) if args.pictures else {}
    done = replace(done, outputs=())  # large arrays are not held while matplotlib needs memory
    pictures = save_pictures(folder, Path(dataset.name).name, panels, console)
    if pictures:
        console.facts([("drawn", ", ".join(path.name for path in pictures))], width=_WIDTH)
    console.emit(done.to_json() | {"folder": folder, "files": [path.name for path in written + pictures]})
    return 0


def choose(dataset: DataSet, args: argparse.Namespace) -> tuple[list[Analysis], list[tuple[str, str]]]:
    """Give the analyses that were asked for, or sensible ones, and what to tell about them."""
    from lamella.cli import analyses

    is_image = dataset.shape.sig.dims == 2
    wanted = _wanted(args, is_image)
    if wanted.uses_images and not is_image:
        raise UsageError(f"disks, rings and --com need a detector with two axes, not {tuple(dataset.shape.sig)}")
    chosen: list[Analysis] = []
    told: list[tuple[str, str]] = []
    disks, rings = wanted.disks, wanted.rings
    if wanted.needs_beam:
        beam = _beam(dataset, args)
        told.append(("beam", f"({beam.cy:g}, {beam.cx:g}), radius {beam.radius:g} px: {beam.origin}"))
        disks, rings = [_completed(disk, beam.disk) for disk in disks], [_completed(ring, beam.ring) for ring in rings]
        chosen += [analyses.centre_of_mass(beam)] if wanted.com else []
    if disks or rings:
        chosen.insert(0, analyses.detectors(dataset, disks, rings))
    chosen += [analyses.scan_sum()] if wanted.sum else []
    chosen += [analyses.scan_std()] if wanted.std else []
    chosen += [analyses.sig_sum()] if wanted.sumsig else []
    return chosen, told + [("compute", _words(fact)) for analysis in chosen for fact in analysis.facts]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to compute. A detector may lack its first numbers, or all: they come from the direct beam."""

    disks: Sequence[tuple[float, ...]] = ()
    rings: Sequence[tuple[float, ...]] = ()
    com: bool = False
    sum: bool = False
    std: bool = False
    sumsig: bool = False

    @property
    def uses_images(self) -> bool:
        return bool(self.disks or self.rings or self.com)

    @property
    def needs_beam(self) -> bool:
        return self.com or any(len(disk) < 3 for disk in self.disks) or any(len(ring) < 4 for ring in self.rings)


def _wanted(args: argparse.Namespace, is_image: bool) -> _Wanted:
    wanted = _Wanted(args.disk or (), args.ring or (), args.com, args.sum, args.std, args.sumsig)
    if wanted != _Wanted():
        return wanted
    return _Wanted([()], [()], com=True, sum=True) if is_image else _Wanted(sum=True, sumsig=True)


def _completed(given: tuple[float, ...], default: tuple[float, ...]) -> tuple[float, ...]:
    return (*default[: len(default) - len(given)], *given)


def _beam(dataset: DataSet, args: argparse.Namespace) -> Beam:
    from lamella.cli.beam import find_beam

    beam = find_beam(dataset)
    if args.beam is None:
        return beam
    cy, cx = args.beam
    return replace(beam, cy=cy, cx=cx, origin="centre as you said")


def _words(fact: dict[str, Any]) -> str:
    numbers = ", ".join(f"{key} {value:g}" for key, value in fact.items() if key != "analysis")
    return f"{fact['analysis']}: {numbers}" if numbers else str(fact["analysis"])


def _panels(dataset: DataSet, done: Pass) -> dict[str, Reduced]:
    """Give what is drawn of each output that can be drawn."""
    from lamella.plot.pictures import reduced

    shown = [output for output in done.outputs if output.name != "sum"]
    panels = ((output.name, panel_of(output, dataset, done.marks)) for output in shown)
    return {name: reduced(panel) for name, panel in panels if panel is not None}


def save_pictures(folder: Path, title: str, panels: Mapping[str, Reduced], console: Console) -> list[Path]:
    """Write one picture for each panel, and an overview of several."""
    from lamella.plot.pictures import draw, save

    pictures = {name: [panel] for name, panel in panels.items()}
    if len(pictures) > 1:
        pictures = {"overview": [panel for several in pictures.values() for panel in several], **pictures}
    written = []
    try:
        for name, several in pictures.items():
            figure = draw(several, title=title if len(several) > 1 else "")
            path = folder / f"{name}.png"
            with written_at_once(path) as partial:
                save(figure, partial)
            written.append(path)
    except ModuleNotFoundError as error:
        console.complain(f'lamella: no pictures, for {error.name} is missing: pip install "lamella[plot]"')
    return written


def _numbers(*counts: int) -> Callable[[str], tuple[float, ...]]:
    """Give a parser of as many numbers, separated by commas."""

    def parse(text: str) -> tuple[float, ...]:
        try:
            values = tuple(float(part) for part in text.split(","))
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} are not numbers separated by commas") from None
        if len(values) not in counts:
            wanted = " or ".join(str(count) for count in counts)
            raise argparse.ArgumentTypeError(f"expected {wanted} numbers, found {len(values)}: {text!r}")
        return values

    return parse


def _region(text: str, dataset: DataSet) -> NDArray[np.bool_]:
    """Give the mask that slices or a file name."""
    nav = tuple(dataset.shape.nav)
    if text.endswith(".npy"):
        mask: NDArray[Any] = np.load(text, allow_pickle=False)
        if mask.dtype != bool or mask.shape != nav:
            raise UsageError(f"--roi {text}: expected booleans of shape {nav}, found {mask.dtype} of {mask.shape}")
        return mask
    try:
        return dataset.roi[tuple(_slice(part) for part in text.split(","))]
    except (ValueError, IndexError) as error:
        raise UsageError(f"--roi {text!r} does not select from a scan of {nav}: {error}") from None


def _slice(text: str) -> slice | int:
    if ":" not in text:
        return int(text)
    return slice(*(int(part) if part.strip() else None for part in text.split(":")))
