"""Reads Merlin files: records of a text header and a frame, in one file or in many."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamella.detect import MAGIC as MAGIC_FOUND
from lamella.detect import VERIFIED, Match, Probe
from lamella.errors import CorruptError, FormatError, LamellaError, ParameterError, TruncatedError
from lamella.metadata import Axis, Metadata
from lamella.source import LinearSource, ReadHints, RunTable, SourceInfo
from lamella_mib.header import MAGIC, FrameHeader, parse_header
from lamella_mib.headers import FrameHeaders
from lamella_mib.params import MibParams
from lamella_mib.parts import Records, find_parts, part_names, read_at, sidecar_name
from lamella_mib.pixels import Pixels, find_pixels
from lamella_mib.scan import find_scan
from lamella_mib.sequence import Series, put_in_order
from lamella_mib.sidecar import Sidecar, parse_sidecar
from lamella_mib.timing import find_line_length

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MibReader"]

PIXEL_PITCH = 55e-6
"""Of all Medipix3 chips [m]."""
_HEADER = 16 << 10
_SIDECAR = 64 << 10


class MibReader:
    """Finds the parts of an acquisition, the pixels in a record, and the scan that the frames make up."""

    def detect(self, probe: Probe) -> Match | None:
        """Recognise a frame or the sidecar; be sure if another record follows the first."""
        if probe.suffix == "hdr":
            return _detect_sidecar(probe)
        if not probe.head.startswith(MAGIC):
            return None
        try:
            header, pixels = _first_frame(probe, MibParams(), Sidecar())
        except LamellaError as error:
            return Match(MAGIC_FOUND, f"begins with MQ1, but {error}")
        count = probe.size // (header.header_size + pixels.nbytes)
        return Match(VERIFIED, f"{count} records, {header.pixel_type}, {header.width} x {header.height} px")

    def open(self, params: MibParams, probe: Probe) -> LinearSource:
        """Describe all frames of the acquisition to which the named file belongs."""
        sidecar, names, notes = _files(probe, params)
        header, pixels = _any_frame(probe, names, params, sidecar)
        records = Records(header, header.header_size + pixels.nbytes)
        parts, part_notes = find_parts(probe, names, records)
        series = put_in_order(parts, records.stride)
        headers = FrameHeaders(series.parts, records.stride, header.header_size)
        header = headers.first()
        scan = find_scan(series.n_frames, series.gaps, params, sidecar, _line_length(headers, series.n_frames))
        if params.whole_lines and params.nav_shape is None and scan.index is None:
            series = series.cropped(math.prod(scan.nav_shape))
            headers = replace(headers, parts=series.parts)
        info = SourceInfo(
            n_frames=series.n_frames,
            sig_shape=pixels.encoding.sig_shape,
            dtype=pixels.encoding.native,
            nav_shape=scan.nav_shape,
            nav_origin=scan.origin,
            nav_alternatives=scan.alternatives,
            index=scan.index,
            nav_axes=(Axis("y"), Axis("x")) if len(scan.nav_shape) == 2 else (),
            sig_axes=(Axis("ky"), Axis("kx")),
            metadata=_metadata(header, sidecar, pixels, headers),
            raw_metadata={"frame header": header.to_json(), "sidecar": sidecar.to_json()},
            per_frame=headers.functions,
            corrections=pixels.corrections,
            notes=(*notes, *pixels.notes, *part_notes, *series.notes, *scan.notes),
            details=_details(header, sidecar, pixels, series) | {"last frame acquired": headers.last_start()},
        )
        return LinearSource(
            resources=tuple(part.resource for part in series.parts),
            runs=_runs(series, records),
            encoding=pixels.encoding,
            info=info,
            hints=ReadHints(whole_frames=pixels.encoding.codec is not None),
        )


def _detect_sidecar(probe: Probe) -> Match | None:
    try:
        parse_sidecar(probe.head, str(probe.path))
    except FormatError:
        return None
    names = part_names(probe, str(probe.path))
    if not names:
        return Match(MAGIC_FOUND, "begins with HDR, but there is no .mib file beside it")
    return Match(VERIFIED, f"begins with HDR, and {len(names)} .mib files lie beside it")


def _files(probe: Probe, params: MibParams) -> tuple[Sidecar, list[str], tuple[str, ...]]:
    """Give the sidecar, the names of the parts, and what to say about them."""
    path = str(probe.path)
    if probe.suffix == "hdr":
        if params.only_this_file:
            raise ParameterError("name a .mib file to read it alone, not the .hdr", subject="only_this_file")
        sidecar = parse_sidecar(probe.read(0, _SIDECAR), path)
        names = part_names(probe, path)
        if not names:
            raise FormatError("there are no frames beside this header", path=path, expected=f"{probe.stem}<digits>.mib")
        return sidecar, names, ()
    name = sidecar_name(probe)
    sidecar, notes = _read_sidecar(probe, name)
    assert probe.path is not None
    names = [probe.path.name] if params.only_this_file else part_names(probe, name)
    return sidecar, names, notes


def _read_sidecar(probe: Probe, name: str | None) -> tuple[Sidecar, tuple[str, ...]]:
    """Read the sidecar of a named part; one that is missing or damaged is no reason to refuse frames."""
    path = None if name is None else probe.sibling(name)
    if path is None:
        text = "there is no .hdr file" if name is None else f"{name} leads elsewhere and is left out"
        return Sidecar(), (text,)
    try:
        [content] = read_at(path, (0, _SIDECAR))
        return parse_sidecar(content, str(path)), ()
    except FormatError as error:
        return Sidecar(), (f"{name} is left out: {error.problem}",)


def _any_frame(probe: Probe, names: list[str], params: MibParams, sidecar: Sidecar) -> tuple[FrameHeader, Pixels]:
    """Read the first frame of the named part; of the next one if that was cut before its first frame was complete."""
    problem: FormatError | None = None
    for part in _probes(probe, names):
        try:
            return _first_frame(part, params, sidecar)
        except TruncatedError as error:
            problem = problem or error
    raise problem or TruncatedError("all parts are empty", path=probe.path, found=", ".join(names[:5]))


def _probes(probe: Probe, names: list[str]) -> Iterator[Probe]:
    """Give the named part and then the others, without those that are empty."""
    assert probe.path is not None
    if probe.suffix != "hdr" and probe.size:
        yield probe
    for name in names:
        path = probe.sibling(name) if name != probe.path.name else None
        other = None if path is None else Probe.of(path)
        if other is not None and other.size:
            yield other


def _first_frame(probe: Probe, params: MibParams, sidecar: Sidecar) -> tuple[FrameHeader, Pixels]:
    """Read the first header and find out how frames are decoded; checks that a second record follows."""
    path = str(probe.path)
    header = parse_header(probe.head, path, probe.size)
    if header.header_size > probe.size:
        raise TruncatedError(
            "the file ends within the first header",
            path=path,
            expected=f"{header.header_size} bytes",
            found=f"{probe.size} bytes",
        )

    def next_record(nbytes: int) -> bytes | None:
        """Give the beginning of what follows a payload, None if the file ends before."""
        end = header.header_size + nbytes
        return probe.read(end, len(MAGIC)) if end <= probe.size else None

    def follows(nbytes: int) -> bool:
        return next_record(nbytes) in (MAGIC, b"")

    pixels = find_pixels(
        header,
        path,
        follows=follows,
        depth=params.counter_depth,
        sidecar_depth=sidecar.number("Counter Depth"),
        gap=params.gap,
    )
    stride = header.header_size + pixels.nbytes
    found = next_record(pixels.nbytes)
    if found is None:
        raise TruncatedError(
            "the only frame is incomplete", path=path, expected=f"{stride} bytes", found=f"{probe.size} bytes"
        )
    if probe.size >= 2 * stride and found != MAGIC and any(found):
        raise CorruptError(
            "the header of the second frame is not where the first one puts it",
            path=path,
            expected=f"{MAGIC!r} at byte {stride}",
            found=repr(found),
            remedy="The file is damaged, or of a variant that is not known; please report it with its first 1 KiB",
        )
    return header, pixels


def _line_length(headers: FrameHeaders, n_frames: int) -> Callable[[int], int | None]:
    def find(start: int) -> int | None:
        def stamps(count: int) -> NDArray[np.int64]:
            return headers.first_starts(start, count)

        return find_line_length(n_frames - start, stamps)

    return find


def _runs(series: Series, records: Records) -> RunTable:
    many = len(series.parts)
    return RunTable(
        range(many),
        [records.header.header_size] * many,
        [records.stride] * many,
        [part.n_frames for part in series.parts],
    )


def _metadata(header: FrameHeader, sidecar: Sidecar, pixels: Pixels, headers: FrameHeaders) -> Metadata:
    starts = headers.first_starts(0, 2)
    dwell = float(starts[1] - starts[0]) * 1e-9 if starts.size == 2 else None
    return Metadata(
        title=Path(headers.parts[0].resource.path).stem,
        acquired=header.start,
        detector=sidecar.get("Readout System") or "Merlin (Medipix3)",
        software=sidecar.get("Software Version"),
        mode=sidecar.get("Chip Mode"),
        exposure_time=header.exposure,
        dwell_time=dwell if dwell is not None and dwell > 0 else None,
        detector_pixel_pitch=PIXEL_PITCH,
        counter_depth=pixels.depth,
    )


def _details(header: FrameHeader, sidecar: Sidecar, pixels: Pixels, series: Series) -> dict[str, Any]:
    codec = pixels.encoding.codec
    counts = [part.n_frames for part in series.parts]
    return {
        "parts": len(counts),
        "frames per part": counts[0] if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}",
        "pixel type": header.pixel_type,
        "counter depth": pixels.depth,
        "layout": header.layout,
        "chips": header.chips,
        "chip select": header.chip_select,
        "decoding": codec.name if codec is not None else "none",
        "rows": "as stored; some readers turn the y axis around",
        "gain": header.gain,
        "thresholds [keV]": list(header.thresholds),
        "gap fill mode": sidecar.get("Gap Fill Mode"),
        "software version": sidecar.get("Software Version"),
        "frames per trigger": sidecar.frames_per_trigger,
        "frames announced": sidecar.frames,
        "frames lost by sequence number": sum(gap.count for gap in series.gaps),
    }
