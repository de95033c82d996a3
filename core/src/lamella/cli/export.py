"""Write a data set as an array file, in the shape of the scan and in the stored pixel type.

Frames that are missing are filled; a file beside the array then lists them. Data sets may be larger than the memory.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.cli.parameters import open_data
from lamella.cli.parser import UsageError
from lamella.cli.workers import add_workers, make_context
from lamella.dataset.repr import size_text
from lamella.errors import ParameterError

if TYPE_CHECKING:
    from lamella.cli.console import Console
    from lamella.dataset.dataset import DataSet
    from lamella.errors import Problem

__all__ = ["OPENS_DATA", "configure", "run"]

OPENS_DATA = True

_SEE = "lamella export --help"
_OPTIONS = {"path": "OUT", "bins": "--bins", "fill": "--fill"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add where to write and how."""
    parser.add_argument(
        "out", type=Path, metavar="OUT", help="the file to write; its extension, such as .npy, gives the format"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that exists")
    parser.add_argument(
        "--fill", type=float, default=0, metavar="VALUE", help="value of the pixels of missing frames [default: 0]"
    )
    parser.add_argument(
        "--crop", choices=["recorded"], help="write only the lines from the first to the last that has a frame"
    )
    parser.add_argument(
        "--bins",
        type=_bins,
        metavar="N",
        help="write sums over N pixels of the detector along each axis, or over as many as N,M say for each",
    )
    add_workers(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Open and write."""
    dataset = open_data(args)
    try:
        return _write(dataset, args, console)
    except ParameterError as error:
        texts = [_with_option(problem) for problem in error.problems]
        raise UsageError(*texts, see=_SEE) from None


def _write(dataset: DataSet, args: argparse.Namespace, console: Console) -> int:
    from lamella.export.dataset import export_dataset, find_exporter

    find_exporter(args.out)
    if args.bins is not None:
        from lamella.dataset.binned import binned_dataset

        dataset = binned_dataset(dataset, args.bins)
    frame_nbytes = dataset.shape.sig.size * dataset.dtype.itemsize
    began = time.perf_counter()
    with make_context(args) as context, console.progress("writing", frame_nbytes) as progress:
        try:
            report = export_dataset(
                dataset,
                args.out,
                executor=context.executor,
                overwrite=args.overwrite,
                fill=args.fill,
                crop=args.crop,
                progress=progress,
            )
        except FileExistsError:
            raise UsageError(f"{args.out} exists; --overwrite replaces it", see=_SEE) from None
    seconds = time.perf_counter() - began
    console.emit({"file": report.path, "bytes": report.nbytes, "missing": report.missing, "seconds": seconds})
    console.say(f"{report.path}: {tuple(dataset.shape)} {dataset.dtype}, {size_text(report.nbytes)}")
    if report.missing:
        console.say(f"{report.missing} missing frames were filled with {report.fill:g}; {report.path}.json says which")
    return 0


def _with_option(problem: Problem) -> str:
    option = _OPTIONS.get(problem.field or "")
    return problem.sentence if option is None else f"{option}: {problem.text}"


def _bins(text: str) -> int | tuple[int, ...]:
    try:
        sizes = tuple(map(int, text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a whole number, or one for each axis, as 2,4; found {text}"
        ) from None
    return sizes[0] if len(sizes) == 1 else sizes
