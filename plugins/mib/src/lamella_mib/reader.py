"""Reads Merlin files: records of a text header and a frame, in one file or in many."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from lamella.errors import FormatError, LamellaError
from lamella.reader import Axis, Confidence, LinearSource, Match, Probe, ReadHints, RunTable, SourceInfo
from lamella_mib.facts import details_of, metadata_of
from lamella_mib.files import find_files, part_names
from lamella_mib.first import any_frame, first_frame
from lamella_mib.header import MAGIC
from lamella_mib.headers import FrameHeaders
from lamella_mib.params import MibParams
from lamella_mib.parts import Records, find_parts
from lamella_mib.scan import find_scan
from lamella_mib.sequence import Series, put_in_order
from lamella_mib.sidecar import Sidecar, parse_sidecar
from lamella_mib.timing import find_line_length

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MibReader"]


class MibReader:
    """Finds the parts of an acquisition, the pixels in a record, and the scan that the frames make up."""

    def detect(self, probe: Probe) -> Match | None:
        """Recognise a frame or the sidecar; be sure if another record follows the first."""
        if probe.suffix == "hdr":
            return _detect_sidecar(probe)
        if not probe.head.startswith(MAGIC):
            return None
        try:
            header, pixels = first_frame(probe, MibParams(), Sidecar())
        except LamellaError as error:
            return Match(Confidence.SIGNATURE, f"begins with MQ1, but {error}")
        count = probe.size // (header.header_size + pixels.nbytes)
        return Match(Confidence.VERIFIED, f"{count} records, {header.pixel_type}, {header.width} x {header.height} px")

    def open(self, params: MibParams, probe: Probe) -> LinearSource:
        """Describe all frames of the acquisition to which the named file belongs."""
        sidecar, names, notes = find_files(probe, alone=params.only_this_file)
        header, pixels = any_frame(probe, names, params, sidecar)
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
            nav_shape=scan.nav_shape,
            nav_origin=scan.origin,
            nav_alternatives=scan.alternatives,
            index=scan.index,
            nav_axes=(Axis("y"), Axis("x")) if len(scan.nav_shape) == 2 else (),
            sig_axes=(Axis("ky"), Axis("kx")),
            metadata=metadata_of(header, sidecar, pixels, headers),
            raw_metadata={"frame header": header.to_json(), "sidecar": sidecar.to_json()},
            per_frame=headers.functions,
            corrections=pixels.corrections,
            notes=(*notes, *pixels.notes, *part_notes, *series.notes, *scan.notes),
            details=details_of(header, sidecar, pixels, series, headers),
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
        return Match(Confidence.SIGNATURE, "begins with HDR, but there is no .mib file beside it")
    first = probe.sibling(names[0])
    if first is None or not Probe.of(first).head.startswith(MAGIC):
        return Match(Confidence.SIGNATURE, f"begins with HDR, but {names[0]} does not begin with MQ1")
    return Match(Confidence.VERIFIED, f"begins with HDR, and {len(names)} .mib files are in its folder")


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
