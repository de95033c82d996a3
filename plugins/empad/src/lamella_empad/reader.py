"""The reader: finds the frames and what is known of the scan, and settles which of several statements holds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import FormatError
from lamella.reader import (
    Axis,
    Caution,
    Confidence,
    Encoding,
    LinearSource,
    Match,
    Metadata,
    Probe,
    RunTable,
    SourceInfo,
    read_records,
    square_scan,
)
from lamella_empad.layout import LAYOUTS, are_floats, choose_layout, shape_in_name
from lamella_empad.params import EmpadParams
from lamella_empad.sidecar import MODES, OPEN_RAW, SUFFIXES, Shapes, Sidecar
from lamella_empad.sidecars import read_sidecar, sidecar_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EmpadReader"]

_LARGEST_SCAN = 1 << 24  # positions; more would be more than a terabyte
_CENTRE = 64  # where the axes of the detector begin [px]


class EmpadReader:
    """Reads raw files of both generations, with or without a sidecar."""

    def detect(self, probe: Probe) -> Match | None:
        """Recognise a sidecar by its content, a raw file by its sidecar, or by its name and size."""
        is_sidecar = probe.suffix in SUFFIXES and b"raw_file" in probe.head
        if not is_sidecar and probe.suffix != "raw":
            return None
        try:
            files = probe.once("empad files", _find_files)
        except FormatError as error:
            known = b"scan_parameters" in probe.head or b"camserver_parameters" in probe.head
            return Match(Confidence.MAGIC, f"sidecar of an EMPAD, but {error.problem}") if known else None
        sizes = {layout.itemsize for layout in LAYOUTS.values()}
        fits = [why for shape, why in files.shapes() if files.raw.size in {math.prod(shape) * size for size in sizes}]
        if files.sidecar is not None:
            known_by = f"described by {files.sidecar.name}"
            return (
                Match(Confidence.VERIFIED, f"{known_by}, with the right size")
                if fits
                else Match(Confidence.MAGIC, known_by)
            )
        floats = are_floats(probe.head)
        if fits:
            return Match(Confidence.VERIFIED if floats else Confidence.MAGIC, f"has the size that its {fits[0]} states")
        whole = probe.size > 0 and probe.size % LAYOUTS["g1"].itemsize == 0
        return Match(Confidence.HEURISTIC, "has the size of whole frames of an EMPAD") if floats and whole else None

    def open(self, params: EmpadParams, probe: Probe) -> LinearSource:
        """Describe the frames that are complete."""
        files = probe.once("empad files", _find_files)
        raw, sidecar, shapes, given = files.raw, files.sidecar, files.shapes(), params.nav_shape
        name: str = params.layout
        if name == "auto":
            counts = [math.prod(shape) for shape in ([given] if given else []) + [shape for shape, _ in shapes]]
            name = choose_layout(raw.size, counts, raw.head)
        frame, image = LAYOUTS[name], LAYOUTS[name]["image"]
        resource = raw.resource
        runs, rest_notes = RunTable.that_fit(resource, offset=0, stride=frame.itemsize)
        count = runs.n_frames
        nav_shape, nav_origin = (given, "user") if given else _choose_shape(shapes, count)
        return LinearSource(
            resources=(resource,),
            runs=runs,
            encoding=Encoding(image.base, image.shape),
            info=SourceInfo(
                nav_shape=nav_shape,
                nav_origin=nav_origin,
                nav_alternatives=_alternatives(shapes, count, nav_shape),
                nav_axes=() if sidecar is None else sidecar.nav_axes(nav_shape),
                sig_axes=_sig_axes(params, sidecar),
                metadata=Metadata(detector="EMPAD") if sidecar is None else sidecar.metadata,
                raw_metadata={} if sidecar is None else sidecar.raw,
                per_frame={"footer": partial(_footers, files.path, count)} if name == "g1" else {},
                notes=(
                    *files.notes,
                    *_shape_notes(() if given else shapes, nav_shape, count),
                    *rest_notes,
                    *_content_notes(name, raw.head),
                ),
                details={"layout": name, "settings from": None if sidecar is None else sidecar.name},
            ),
        )


@dataclass(frozen=True, slots=True)
class _Files:
    """A raw file and its sidecar."""

    raw: Probe
    path: Path
    sidecar: Sidecar | None = None
    notes: tuple[str, ...] = ()

    def shapes(self) -> Shapes:
        """Give the scan shapes that are stated, each with its origin, the most reliable first."""
        names = {self.path.name: "file name"}
        shapes: Shapes = ()
        if self.sidecar is not None:
            names.setdefault(self.sidecar.raw_name, f"file name in {self.sidecar.name}")
            shapes = tuple((shape, f"{self.sidecar.name}: {why}") for shape, why in self.sidecar.shapes)
        named = [(shape, why) for name, why in names.items() if (shape := shape_in_name(name)) is not None]
        series = [one for one in shapes if len(one[0]) == 1]
        scans = [one for one in shapes if len(one[0]) > 1]
        return tuple(one for one in (*series, *named, *scans) if 0 < math.prod(one[0]) <= _LARGEST_SCAN)


def _find_files(probe: Probe) -> _Files:
    """Give the raw file and its sidecar, whichever of the two was named."""
    assert probe.path is not None
    if probe.suffix not in SUFFIXES:
        return _Files(probe, probe.path, *sidecar_of(probe))
    sidecar = read_sidecar(probe.path)
    path = probe.sibling(sidecar.raw_name)
    if path is not None:
        return _Files(Probe.of(path), path, sidecar)
    sizes = {math.prod(shape) * layout.itemsize for shape, _ in sidecar.shapes for layout in LAYOUTS.values()}
    names = [name for name in probe.siblings if name.lower().endswith(".raw")]
    fitting = [other for name in names if (other := probe.sibling(name)) and other.stat().st_size in sizes]
    if len(fitting) == 1:
        note = f"{sidecar.raw_name!r}, which {sidecar.name} names, is missing; {fitting[0].name} has its size"
        return _Files(Probe.of(fitting[0]), fitting[0], sidecar, (note,))
    raise FormatError(
        "the raw file is missing",
        path=probe.path,
        expected=f"{probe.path.parent / sidecar.raw_name}",
        found=f"{len(fitting)} other raw files of fitting size there",
        remedy=f"Put it there. {OPEN_RAW}",
    )


def _choose_shape(shapes: Shapes, count: int) -> tuple[tuple[int, ...], str]:
    """Give the first stated scan with as many positions as there are frames, or with more: one that was interrupted."""
    exact = [one for one in shapes if math.prod(one[0]) == count]
    larger = [one for one in shapes if math.prod(one[0]) > count]
    if exact or larger:
        return (exact or larger)[0]
    return (*square_scan(count), ((count,), "number of frames"))[0]


def _alternatives(shapes: Shapes, count: int, nav_shape: tuple[int, ...]) -> Shapes:
    possible = {shape: why for shape, why in reversed(shapes) if math.prod(shape) == count}
    possible.setdefault((count,), "number of frames")
    return tuple((shape, why) for shape, why in possible.items() if shape != nav_shape)


def _shape_notes(shapes: Shapes, nav_shape: tuple[int, ...], count: int) -> Iterator[str]:
    if math.prod(nav_shape) > count:
        lines = count // nav_shape[-1]
        hint = (
            f"; nav_shape=({lines}, {nav_shape[-1]}) shows the complete lines" if len(nav_shape) == 2 and lines else ""
        )
        yield Caution(f"the scan was interrupted after {count} of {math.prod(nav_shape)} frames{hint}")
    of_modes = [one for one in shapes if MODES in one[1]]
    agree = any(shape == nav_shape for shape, _ in of_modes)  # the scan was made in one of the two modes
    others = [f"{shape} ({why})" for shape, why in shapes if shape != nav_shape and not (agree and MODES in why)]
    if others:
        yield f"the scan of {nav_shape} was chosen by the number of frames, {count}; also stated: {', '.join(others)}"


def _content_notes(name: str, head: bytes) -> Iterator[str]:
    if name == "g2":
        yield (
            "EMPAD-G2: pixels are raw words, bits 0-13 analogue, 14-29 counter, 31 gain; physical values need the "
            "calibration of the sensor"
        )
    elif missing := int(np.isnan(np.frombuffer(head, "<f4", len(head) // 4)).sum()):
        yield f"{missing} of the first {len(head) // 4} pixels are NaN"


def _sig_axes(params: EmpadParams, sidecar: Sidecar | None) -> tuple[Axis, ...]:
    step = None if sidecar is None else sidecar.detector_step
    if params.q_calibration is not None:
        step = (params.q_calibration, "1/nm")
    size, units = step or (0.0, "")
    return Axis.of("ky", size, units, -_CENTRE * size), Axis.of("kx", size, units, -_CENTRE * size)


def _footers(path: Path, count: int) -> NDArray[Any]:
    """Give the two rows behind each image, shape ``(count, 256)``, whose meaning is not public."""
    frame = LAYOUTS["g1"]
    return read_records(path, frame["image"].itemsize + frame.itemsize * np.arange(count), frame["footer"])
