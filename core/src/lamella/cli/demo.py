"""Make a synthetic 4D-STEM scan, open it, run four analyses in one pass over it, and write one picture.

The scan is of a polycrystalline gold film with a hole: grains of different orientation, diffraction discs, a direct
beam that is not quite in the middle, shot noise. It is written as a NanoMEGAS block file and opened by detection.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import lamella
from lamella.cli.drawing import save_picture
from lamella.cli.info import provenance_facts
from lamella.cli.streaming import save_arrays, stream
from lamella.dataset.repr import size_text
from lamella.io.mmap import forget_mappings

if TYPE_CHECKING:
    from lamella.cli.console import Console
    from lamella.dataset.dataset import DataSet
    from lamella.demo import DemoScan
    from lamella.firstlook.computing import Pass
    from lamella.firstlook.look import FirstLook

__all__ = ["configure", "run"]

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
        help="scan positions and width of the detector [default: 180,180,96]",
    )
    parser.add_argument("--seed", type=int, default=5, metavar="N", help="seed of the random numbers [default: 5]")
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
            forget_mappings()  # Windows does not remove a file that is mapped
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
    from lamella.firstlook.look import look_at
    from lamella.firstlook.plan import make_plan

    dataset = lamella.open(path)
    console.say()
    console.facts(_opened(path, dataset), width=_WIDTH)
    plan = make_plan(dataset)
    beam = plan.beam
    if beam is not None:
        console.facts([("beam", f"({beam.cy:g}, {beam.cx:g}), radius {beam.radius:g} px, {beam.origin}")], width=_WIDTH)
    with lamella.Context() as context:
        workers = context.executor.workers
        done = stream(context, plan, console)
    look = look_at(plan, done)
    summary = done.to_json() | {"format": dataset.provenance, "lamella": lamella.__version__}
    written = save_arrays(folder, dataset, done.outputs, summary)
    picture = _draw(folder, dataset, look, done, workers, console)
    lines = list(look.script.python)
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


def _draw(folder: Path, dataset: DataSet, look: FirstLook, done: Pass, workers: int, console: Console) -> list[Path]:
    nav = " x ".join(map(str, dataset.shape.nav))
    rate = size_text(done.nbytes / done.seconds)
    caption = (
        f"Synthetic scan of a gold film, {nav} positions. {dataset.provenance.title}, opened by detection; "
        f"all panels but (e) from one pass over {size_text(done.nbytes)} at {rate}/s, {workers} threads."
    )
    path = folder / "demo.png"
    save_picture(path, look, title="4D-STEM with Lamella", caption=caption)
    return [path]


def _size(text: str) -> tuple[int, int, int]:
    parts = [int(part) for part in text.replace("x", ",").split(",")]
    if len(parts) not in (2, 3) or not all(_SMALLEST <= part <= _LARGEST for part in parts):
        raise argparse.ArgumentTypeError(f"expected two or three numbers from {_SMALLEST} to {_LARGEST}: {text!r}")
    return parts[0], parts[1], parts[2] if len(parts) == 3 else 96
