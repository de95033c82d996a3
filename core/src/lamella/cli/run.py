"""Compute images that suit the file, or those that you choose, in one pass over it.

Without a choice, what is computed depends on what the file is: for a 4D scan bright field, annular dark field, centre
of mass and mean pattern, around the direct beam, which is found in a few frames. Arrays are written as .npy, and
one picture of everything as overview.png.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lamella
from lamella.cli.chosen import add_analyses, stems_for, wanted_in
from lamella.cli.detectors import beam_numbers, check_beam, check_detectors
from lamella.cli.drawing import save_picture
from lamella.cli.folder import SUMMARY, ResultsFolder, ScanFile, results_folder, save_summary
from lamella.cli.info import describe, provenance_facts
from lamella.cli.parameters import open_data
from lamella.cli.parser import UsageError
from lamella.cli.region import Region, region_of
from lamella.cli.several import run_each
from lamella.cli.streaming import save_arrays, stream, told_of
from lamella.cli.workers import add_workers, make_context

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.analysis.beam import Beam
    from lamella.cli.console import Console
    from lamella.dataset.dataset import DataSet
    from lamella.firstlook.computing import Pass
    from lamella.firstlook.look import FirstLook
    from lamella.firstlook.plan import Plan
    from lamella.plot.panels import Panel

__all__ = ["OPENS_DATA", "TAKES_SEVERAL", "choose", "configure", "run", "save_pictures"]

OPENS_DATA = True
TAKES_SEVERAL = True

_WIDTH = 7
_LONGEST_STEM = 200  # bytes; file systems allow 255 for the whole name
_ARRAYS = ("disk", "ring", "com_x", "com_y", "mean", "sum", "std", "sumsig", "frame", "frames")
_FRAMES = ("pattern", "image", "spectrum", "spectra", "diffraction_pattern")
"""What a first look may write, and what pictures may be called besides."""
_SEE = "lamella run --help"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what to compute and where to put it."""
    what = parser.add_argument_group("what to compute; all together in one pass")
    add_analyses(what)
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
        "--pictures",
        choices=("overview", "each"),
        default="overview",
        help="one picture of everything, or also one of each result [default: overview]",
    )
    how.add_argument(
        "--no-pictures", dest="pictures", action="store_const", const="", help="write arrays only, and draw nothing"
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
            plan = choose(dataset, args, roi)
            console.facts(told_of(plan), width=_WIDTH)
            done = stream(context, plan, console)
            summary, written = _save(folder, names, dataset, done, console)
            if args.pictures:
                panels = _panels(plan, done)
                done = replace(done, outputs=())  # large arrays are not held while drawing needs memory
                written += _draw(folder, Path(dataset.name).name, panels, args.pictures == "each", console)
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


def _panels(plan: Plan, done: Pass) -> FirstLook:
    from lamella.firstlook.look import look_at

    return look_at(plan, done)


def _draw(folder: ResultsFolder, title: str, panels: Sequence[Panel], each: bool, console: Console) -> list[Path]:
    pictures = save_pictures(folder.path, title, panels, each)
    if pictures:
        console.facts([("drawn", ", ".join(path.name for path in pictures))], width=_WIDTH)
    return pictures


def save_pictures(folder: Path, title: str, panels: Sequence[Panel], each: bool = False) -> list[Path]:
    """Write a picture of all panels, and on request one of each."""
    pictures = {"overview": panels} if panels else {}
    if each:
        pictures |= {panel.name: [panel] for panel in panels}
    written = []
    for name, several in pictures.items():
        path = folder / f"{name}.png"
        save_picture(path, several, title=title if name == "overview" else "")
        written.append(path)
    return written


def _check(dataset: DataSet, args: argparse.Namespace) -> list[str]:
    """Refuse what makes no sense for this data set, before any work; give the names of files that may be written."""
    sig = tuple(dataset.shape.sig)
    wanted = wanted_in(args)
    images = [one.option.flag for one in wanted if one.option.centre]
    if images and len(sig) != 2:
        flags = ", ".join(dict.fromkeys(images))
        raise UsageError(f"{flags}: places in a frame need a detector with two axes, not {sig}")
    if len(sig) == 2:
        check_beam(args.beam, sig)
        check_detectors([one.centred(args.beam) for one in wanted], sig)
    stems = [*(stems_for(dataset, wanted) if wanted else _ARRAYS), "valid"]
    files = [f"{stem}.npy" for stem in stems]
    return files + [f"{stem}.png" for stem in (*stems, *_FRAMES, "overview")] if args.pictures else files


def _shortened(stem: str) -> str:
    while len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = stem[:-1]
    return stem


def choose(dataset: DataSet, args: argparse.Namespace, roi: NDArray[Any] | None = None) -> Plan:
    """Give the plan for what was asked for, or for what shows the data set best."""
    from lamella.firstlook.plan import make_plan, own_plan

    wanted = wanted_in(args)
    if not wanted:
        return make_plan(dataset, roi=roi, beam=args.beam)
    beam = _beam(dataset, args, roi) if any(one.needs_centre for one in wanted) else None
    centre = args.beam or (None if beam is None else (beam.cy, beam.cx))
    chosen = [one.centred(centre) for one in wanted]
    if len(dataset.shape.sig) == 2:
        check_detectors(chosen, tuple(dataset.shape.sig))
    return own_plan(dataset, [one.make(dataset) for one in chosen], roi=roi, beam=beam)


def _beam(dataset: DataSet, args: argparse.Namespace, roi: NDArray[Any] | None) -> Beam | None:
    """Look for the direct beam; None where the user said where it is."""
    from lamella.analysis.beam import find_beam

    if args.beam is not None:
        return None
    found = find_beam(dataset, roi)
    if not found:
        raise UsageError(f"{found}; say where it is by --beam CY,CX", see=_SEE)
    return found
