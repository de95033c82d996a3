"""Make a synthetic 4D-STEM scan, open it, stream it once through four analyses, and leave one picture.

The scan is of a polycrystalline gold film with a hole: grains of different orientation, diffraction discs, a direct
beam that is not quite in the middle, shot noise. It is written as a NanoMEGAS block file and opened by detection.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import lamella
from lamella.cli.info import provenance_facts
from lamella.cli.streaming import Pass, panel_of, save_arrays, stream
from lamella.dataset.repr import size_text

if TYPE_CHECKING:
    from lamella.cli.beam import Beam
    from lamella.cli.console import Console
    from lamella.dataset.dataset import DataSet
    from lamella.demo import DemoScan
    from lamella.plot.pictures import Panel

__all__ = ["configure", "python_lines", "run"]

_SMALLEST, _LARGEST = 4, 4096
_WIDTH = 8


def configure(parser: argparse.ArgumentParser) -> None:
    """Add where to put it and how large it shall be."""
    parser.add_argument("--out", type=Path, default=Path("lamella-demo"), metavar="DIR", help="folder for the results")
    parser.add_argument(
        "--size",
        type=_size,
        default=(180, 180, 96),
        metavar="NY,NX[,PX]",
        help="scan positions and edge of the detector [default: 180,180,96]",
    )
    parser.add_argument("--seed", type=int, default=5, metavar="N", help="another number, another film")
    parser.add_argument("--keep", action="store_true", help="keep the scan itself (scan.blo)")


def run(args: argparse.Namespace, console: Console) -> int:
    """Write, open, compute, draw."""
    from lamella.demo import DemoScan

    scan = DemoScan(args.size[:2], args.size[2], args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "scan.blo"
    try:
        _write(scan, path, console)
        _show(path, args.out, console)
    finally:
        if not args.keep:
            path.unlink(missing_ok=True)
    if not args.keep:
        console.say("", f"{path} was removed; with --keep it stays.")
    return 0


def _write(scan: DemoScan, path: Path, console: Console) -> None:
    from lamella.demo import write_scan

    positions = " x ".join(map(str, scan.scan_shape))
    console.say(f"Writing a synthetic scan: {positions} positions, {scan.detector} x {scan.detector} px")
    with console.progress("writing", scan.detector**2) as progress:
        write_scan(path, scan, progress=progress)


def _show(path: Path, folder: Path, console: Console) -> None:
    from lamella.cli.analyses import centre_of_mass, detectors, scan_sum
    from lamella.cli.beam import find_beam

    dataset = lamella.open(path)
    console.say()
    console.facts(_opened(path, dataset), width=_WIDTH)
    beam = find_beam(dataset)
    console.facts([("beam", f"({beam.cy:g}, {beam.cx:g}), radius {beam.radius:g} px, {beam.origin}")], width=_WIDTH)
    analyses = [detectors(dataset, [beam.disk], [beam.ring]), centre_of_mass(beam), scan_sum()]
    with lamella.Context() as context:
        workers = context.executor.workers
        done = stream(context, dataset, analyses, console)
    summary = done.to_json() | {"format": dataset.provenance, "lamella": lamella.__version__}
    written = save_arrays(folder, dataset, done.outputs, summary)
    picture = _draw(folder, dataset, done, workers, console)
    lines = python_lines(path, beam, dataset.shape.sig)
    console.emit(summary | {"folder": folder, "files": [file.name for file in [*picture, *written]], "python": lines})
    console.facts(
        [
            ("one pass", "bright field, annular dark field, centre of mass, mean pattern"),
            ("", done.speed),
            ("arrays", ", ".join(str(file) for file in written if file.suffix == ".npy")),
            ("picture", ", ".join(map(str, picture)) or "none"),
        ],
        width=_WIDTH,
    )
    console.say("", "The same in Python:", "")
    for line in lines:
        console.say(f"    {line}".rstrip())


def _opened(path: Path, dataset: DataSet) -> list[tuple[str, object]]:
    nav, sig = tuple(dataset.shape.nav), tuple(dataset.shape.sig)
    return [
        ("file", f"{path}, {size_text(dataset.nbytes)}"),
        *provenance_facts(dataset),
        ("shape", f"{nav} scan x {sig} detector, {dataset.dtype}, from {dataset.nav_origin}"),
    ]


def _draw(folder: Path, dataset: DataSet, done: Pass, workers: int, console: Console) -> list[Path]:
    from lamella.plot.pictures import draw, save

    nav = " x ".join(map(str, dataset.shape.nav))
    rate = size_text(done.nbytes / done.seconds)
    caption = (
        f"Synthetic scan of a gold film, {nav} positions. {dataset.provenance.title}, opened by detection; "
        f"all panels but (e) from one pass over {size_text(done.nbytes)} at {rate}/s, {workers} threads."
    )
    try:
        figure = draw(_panels(dataset, done), title="4D-STEM with Lamella", caption=caption)
    except ModuleNotFoundError as error:
        console.complain(f'lamella: no picture, for {error.name} is missing: pip install "lamella[plot]"')
        return []
    save(figure, folder / "demo.png")
    return [folder / "demo.png"]


def _panels(dataset: DataSet, done: Pass) -> list[Panel]:
    """Give the panels: two images, the shifts, the mean, and the frame with most counts outside the beam."""
    from dataclasses import replace

    from lamella.plot.pictures import Cross

    outputs = {output.name: output for output in done.outputs}
    inner = tuple(slice(n // 8, n - n // 8) for n in dataset.shape.nav)
    ring = outputs["ring"].values[inner]
    brightest = np.unravel_index(int(np.argmax(ring)), ring.shape)
    y, x = (int(index) + part.start for index, part in zip(brightest, inner, strict=True))
    single = replace(outputs["mean"], title="Pattern at +", values=dataset[y, x], label="counts")
    chosen = [outputs["disk"], outputs["ring"], outputs["com_x"], outputs["mean"], single, outputs["com_y"]]
    panels = [panel_of(output, dataset, () if output is single else done.marks) for output in chosen]
    drawn = [panel for panel in panels if panel is not None]
    drawn[1] = replace(drawn[1], marks=(Cross(y, x),))
    return drawn


def python_lines(path: Path, beam: Beam, sig_shape: Sequence[int]) -> list[str]:
    """Give the Python that does what the demonstration does."""
    height, width = sig_shape
    cy, cx, radius = beam.disk
    *_, inner, outer = beam.ring
    disk = f"circular({cx:g}, {cy:g}, {width}, {height}, {radius:g})"
    ring = f"ring({cx:g}, {cy:g}, {width}, {height}, {outer:g}, {inner:g})"
    return [
        "import lamella",
        "from lamella.masks import circular, ring",
        "from lamella.udf import ApplyMasksUDF, CoMUDF, SumUDF",
        "",
        f"ds = lamella.open({str(path)!r})",
        f"detectors = ApplyMasksUDF([{disk}, {ring}])",
        f"images, shifts, total = lamella.Context().run_udf(ds, [detectors, CoMUDF(cy={cy:g}, cx={cx:g}), SumUDF()])",
    ]


def _size(text: str) -> tuple[int, int, int]:
    parts = [int(part) for part in text.replace("x", ",").split(",")]
    if len(parts) not in (2, 3) or not all(_SMALLEST <= part <= _LARGEST for part in parts):
        raise argparse.ArgumentTypeError(f"expected two or three numbers from {_SMALLEST} to {_LARGEST}: {text!r}")
    return parts[0], parts[1], parts[2] if len(parts) == 3 else 96
