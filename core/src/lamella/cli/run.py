"""Compute images of the scan and patterns of the detector, all in one pass over the file.

Without a choice: bright field, annular dark field, centre of mass and mean pattern, around the direct beam, which is
looked for in a few frames. Arrays are written as .npy, pictures as .png.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lamella
from lamella.cli.detectors import beam_numbers, check_beam, check_detectors, disk_numbers, ring_numbers
from lamella.cli.folder import SUMMARY, ResultsFolder, ScanFile, results_folder, save_summary
from lamella.cli.info import describe, provenance_facts
from lamella.cli.parameters import open_data
from lamella.cli.parser import UsageError
from lamella.cli.region import Region, region_of
from lamella.cli.several import run_each
from lamella.cli.streaming import Pass, panel_of, save_arrays, stream
from lamella.cli.workers import add_workers, make_context
from lamella.export.atomic import written_at_once

if TYPE_CHECKING:
    from lamella.cli.analyses import Analysis
    from lamella.cli.beam import Beam
    from lamella.cli.console import Console
    from lamella.dataset.dataset import DataSet
    from lamella.plot.pictures import Reduced

__all__ = ["OPENS_DATA", "TAKES_SEVERAL", "choose", "configure", "run", "save_pictures"]

OPENS_DATA = True
TAKES_SEVERAL = True

_WIDTH = 7
_LONGEST_STEM = 200  # bytes; file systems allow 255 for the whole name


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what to compute and where to put it."""
    what = parser.add_argument_group("what to compute; all together in one pass")
    what.add_argument(
        "--disk",
        action="append",
        type=disk_numbers,
        metavar="[CY,CX,]R",
        help="counts in a disk: its centre, that of the direct beam by default, and radius [px]; may be repeated",
    )
    what.add_argument(
        "--ring",
        action="append",
        type=ring_numbers,
        metavar="[CY,CX,]RI,RO",
        help="counts in a ring: centre, inner and outer radius [px]; may be repeated",
    )
    what.add_argument("--com", action="store_true", help="centre of mass of each frame, from the direct beam [px]")
    what.add_argument("--sum", action="store_true", help="sum and mean of all frames")
    what.add_argument("--std", action="store_true", help="standard deviation of each pixel over the scan")
    what.add_argument("--sumsig", action="store_true", help="sum of all pixels of each frame")
    what.add_argument("--beam", type=beam_numbers, metavar="CY,CX", help="the direct beam; looked for by default [px]")
    what.add_argument(
        "--roi",
        type=Region,
        metavar="ROI",
        help='part of the scan: slices such as "10:20,:" or a .npy file of booleans',
    )
    how = parser.add_argument_group("how")
    add_workers(how)
    how.add_argument(
        "--no-pictures", dest="pictures", action="store_false", help="write arrays only, and do not wait for drawing"
    )
    how.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for the results, absent, empty, or of this file; NAME-results by default",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Open, compute, write; one file after the other."""
    return run_each(run_one, args, console)


def run_one(args: argparse.Namespace, console: Console) -> int:
    """Open, compute, write for one file."""
    with make_context(args) as context:
        dataset = open_data(args)
        console.facts([("file", args.file), *provenance_facts(dataset)], width=_WIDTH)
        names = _check(dataset, args)
        roi = None if args.roi is None else region_of(args.roi, dataset)
        stem = f"{_shortened(Path(os.path.abspath(args.file)).stem)}-results"
        with results_folder(ScanFile.of(args.file, dataset), args.out, stem, names) as folder:
            if folder.passed:
                console.complain(f"lamella: {folder.passed[0]}; the results go to {folder.path}")
            analyses, told = choose(dataset, args)
            console.facts(told, width=_WIDTH)
            done = stream(context, dataset, analyses, console, roi)
            summary, written = _save(folder, names, dataset, done, console)
            panels = _panels(dataset, done) if args.pictures else {}
            done = replace(done, outputs=())  # large arrays are not held while matplotlib needs memory
            written += _draw(folder, Path(dataset.name).name, panels, console)
            files = [path.name for path in written]
            save_summary(folder.path, summary | folder.listing(files))
    console.emit(done.to_json() | {"folder": folder.path, "files": files})
    return 0


def _save(
    folder: ResultsFolder, names: Sequence[str], dataset: DataSet, done: Pass, console: Console
) -> tuple[dict[str, Any], list[Path]]:
    """Write the arrays in place of earlier results; give the summary of the run, and the files."""
    folder.begin(names)
    summary = done.to_json() | {"dataset": describe(dataset), "lamella": lamella.__version__}
    written = save_arrays(folder.path, dataset, done.outputs, summary | folder.listing(names))
    files = f"{folder.path}: {', '.join(path.name for path in written)}"
    console.facts([("speed", done.speed), ("results", files)], width=_WIDTH)
    return summary | {"arrays": [path.name for path in written if path.name != SUMMARY]}, written


def _draw(folder: ResultsFolder, title: str, panels: Mapping[str, Reduced], console: Console) -> list[Path]:
    pictures = save_pictures(folder.path, title, panels, console)
    if pictures:
        console.facts([("drawn", ", ".join(path.name for path in pictures))], width=_WIDTH)
    return pictures


def _check(dataset: DataSet, args: argparse.Namespace) -> list[str]:
    """Refuse what makes no sense for this data set, before any work; give the names of files that may be written."""
    sig = tuple(dataset.shape.sig)
    is_image = len(sig) == 2
    wanted = _wanted(args, is_image)
    if wanted.uses_images and not is_image:
        raise UsageError(f"disks, rings and --com need a detector with two axes, not {sig}")
    if is_image:
        check_beam(args.beam, sig)
        check_detectors(_given(wanted.disks, args.beam, 3), _given(wanted.rings, args.beam, 4), sig)
    endings = (".npy", ".png") if args.pictures else (".npy",)
    return [f"{stem}{ending}" for stem in (*wanted.stems, "valid", "overview") for ending in endings]


def _given(
    detectors: Sequence[tuple[float, ...]], centre: Sequence[float] | None, count: int
) -> list[tuple[float, ...]]:
    """Give the detectors whose radii the user named, and whose centre is known."""
    completed = [(*(centre or ()), *one)[-count:] for one in detectors if one]
    return [one for one in completed if len(one) == count]


def _shortened(stem: str) -> str:
    while len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = stem[:-1]
    return stem


def choose(dataset: DataSet, args: argparse.Namespace) -> tuple[list[Analysis], list[tuple[str, str]]]:
    """Give the analyses that were asked for, or sensible ones, and what to tell about them."""
    from lamella.cli import analyses

    is_image = dataset.shape.sig.dims == 2
    wanted = _wanted(args, is_image)
    chosen: list[Analysis] = []
    told: list[tuple[str, str]] = []
    disks, rings = wanted.disks, wanted.rings
    if wanted.needs_beam:
        beam = _beam(dataset, args)
        told.append(("beam", f"({beam.cy:g}, {beam.cx:g}), radius {beam.radius:g} px: {beam.origin}"))
        centre = beam.cy, beam.cx
        check_detectors(_given(disks, centre, 3), _given(rings, centre, 4), tuple(dataset.shape.sig))
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
    def stems(self) -> list[str]:
        """Names of the arrays, without their ending."""
        from lamella.cli.analyses import numbered

        chosen = [*numbered("disk", len(self.disks)), *numbered("ring", len(self.rings))]
        chosen += ["com_x", "com_y"] if self.com else []
        chosen += ["mean", "sum"] if self.sum else []
        chosen += ["std"] if self.std else []
        return chosen + (["sumsig"] if self.sumsig else [])

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
