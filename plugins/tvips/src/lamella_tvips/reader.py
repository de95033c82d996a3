"""The reader: from the parts of a stream and the headers of its frames to a description of a scan."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import FormatError, ParameterError
from lamella.reader import (
    Axis,
    Caution,
    Confidence,
    Encoding,
    LinearSource,
    Match,
    Metadata,
    Probe,
    SourceInfo,
    json_value,
    square_scan,
    stamp_arrays,
    unix_time,
)
from lamella_tvips.header import MODES, SeriesHeader
from lamella_tvips.params import TvipsParams
from lamella_tvips.scan import Scan, begun_lines, from_positions, from_rotator, wound
from lamella_tvips.stream import Stream, find_stream, frame_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TvipsReader"]

_SOME = 1 << 12  # frames of a long stream that show whether there is a scan
_MOST_WOUND = 1 << 26  # positions of lines that hold frames, or of all lines if frames run across them
_MANY = 1 << 16  # frames of a long stream
_TOO_MANY = 1 << 20  # frames whose headers are not all read to find a scan


class TvipsReader:
    """Reads streams of both versions, of one or many parts."""

    def detect(self, probe: Probe) -> Match | None:
        """Recognise the series header in the first part, whichever part was named."""
        by_name = probe.suffix == "tvips"
        try:
            stream = probe.once("tvips stream", find_stream)
        except FormatError as error:
            return Match(Confidence.EXTENSION, f"called .tvips, but {error.problem}") if by_name else None
        frames = f"TVIPS stream of {stream.n_frames} frames in {len(stream.resources)} parts"
        if not stream.notes:
            return Match(Confidence.VERIFIED, frames)
        return Match(Confidence.MAGIC if by_name else Confidence.HEURISTIC, f"{frames}, but {stream.notes[0]}")

    def open(self, params: TvipsParams, probe: Probe) -> LinearSource:
        """Describe the complete frames, in the order of the scan if the frames tell it."""
        trust = params.trust_parts
        stream = find_stream(probe, trust_parts=True) if trust else probe.once("tvips stream", find_stream)
        header, n_frames = stream.header, stream.n_frames
        scan, others, notes = _choose_scan(params, stream)
        ends = stream.headers(np.array([0, n_frames - 1]))
        lost = int(ends["counter"][1]) - int(ends["counter"][0]) + 1 - n_frames
        if lost > 0:
            notes.append(Caution(f"{lost} frames were not stored, if the counter of the frames is right"))
        mode = MODES.get(int(ends["mode"][0])) if "mode" in (ends.dtype.names or ()) else None
        fields = [name for name in ends.dtype.names or () if name not in ("seconds", "milliseconds")]
        return LinearSource(
            resources=stream.resources,
            runs=stream.runs,
            encoding=Encoding(header.pixel, header.sig_shape, origin=header.frame_header_nbytes),
            info=SourceInfo(
                nav_shape=scan.shape,
                nav_origin=scan.origin,
                nav_alternatives=tuple((one.shape, one.origin) for one in others),
                sync_offset=scan.first,
                index=scan.index,
                sig_axes=_sig_axes(header, mode),
                metadata=_metadata(header, ends[0], mode),
                raw_metadata=json_value({"series_header": header.fields, "first_frame": ends[0]}),
                per_frame={**stamp_arrays(stream.acquired), **{name: partial(stream.field, name) for name in fields}},
                notes=(*notes, *stream.notes),
                details={
                    "format version": header.fields["version"],
                    "bits per pixel": header.fields["bits_per_pixel"],
                    "frame header [bytes]": header.frame_header_nbytes,
                    "frames per part": stream.runs.count.tolist(),
                    "recorded for [s]": float(np.ptp(frame_times(ends))),
                },
            ),
        )


def _choose_scan(params: TvipsParams, stream: Stream) -> tuple[Scan, list[Scan], list[str]]:
    """Give the scan to show, others that are possible, and what a user should know."""
    n_frames, given = stream.n_frames, params.nav_shape
    plain_scan = _in_order(params, n_frames)
    found = _find_scans(params, stream) if params.first_frame is None else []
    trusted = [one for one in found if len(one.shape) > 1 or params.scan != "auto" or one.shape == given]
    fitting = [one for one in trusted if given is None or one.size == math.prod(given)]
    if given is None:
        scan = (fitting or [plain_scan])[0]
    elif fitting:
        scan = replace(fitting[0], shape=given)
    else:
        scan = Scan(given, trusted[0].start if trusted else plain_scan.first, None, "user")
    square = [Scan(shape, 0, None, origin) for shape, origin in square_scan(n_frames)]
    others = [one for one in (plain_scan, *square, *found) if one.shape != scan.shape]
    notes = [
        f"the {one.origin} would give a scan of {one.shape} from frame {one.start}"
        for one in found
        if one.shape != scan.shape
    ]
    if scan.index is not None:
        shown, blank = len(np.unique(scan.index[scan.index >= 0])), int(np.count_nonzero(scan.index < 0))
        notes.append(f"frames do not follow the scan one by one: {shown} are shown, {blank} positions have none")
    return _straightened(scan, params, n_frames), others, notes


def _in_order(params: TvipsParams, n_frames: int) -> Scan:
    """Give the scan of one axis that shows the frames as they come."""
    if params.first_frame is None:
        return Scan((n_frames,), 0, None, "number of frames")
    if params.first_frame >= n_frames:
        raise ParameterError(f"must be below {n_frames}, the number of frames", field="first_frame")
    return Scan((n_frames - params.first_frame,), params.first_frame, None, "first_frame")


def _straightened(scan: Scan, params: TvipsParams, n_frames: int) -> Scan:
    if params.winding is None:
        return scan
    if len(scan.shape) != 2:
        raise ParameterError(f"needs a scan of two axes, found {scan.shape}. Give nav_shape", field="winding")
    begun = begun_lines(scan, n_frames) if params.winding == "x" else scan
    if begun.size > _MOST_WOUND + 4 * n_frames:
        raise ParameterError(f"{scan.shape} is absurd for a stream of {n_frames} frames", field="nav_shape")
    return replace(wound(begun, params.winding, params.hysteresis, n_frames), shape=scan.shape)


def _find_scans(params: TvipsParams, stream: Stream) -> list[Scan]:
    """Give the scans that the headers of the frames show, the most reliable first."""
    headers = None if params.scan == "none" else _scan_headers(stream)
    names = () if headers is None else headers.dtype.names or ()
    found: list[Scan | None] = []
    if headers is not None and "scan_y" in names and params.scan in ("auto", "positions"):
        found.append(from_positions(headers["scan_x"], headers["scan_y"], repeat=params.repeat, fill=params.fill))
    if headers is not None and "rotator" in names and params.scan in ("auto", "rotator"):
        found.append(from_rotator(headers["rotator"], params.nav_shape, repeat=params.repeat, fill=params.fill))
    scans = [one for one in found if one is not None]
    if not scans and params.scan in ("positions", "rotator"):
        raise ParameterError(
            f"{params.scan!r} shows no scan in this stream; give nav_shape and first_frame", field="scan"
        )
    return scans


def _scan_headers(stream: Stream) -> NDArray[Any] | None:
    """Read the headers of the frames, unless a look at some of a long stream shows that they know of no scan."""
    if stream.n_frames > _MANY:
        some = stream.headers(np.linspace(0, stream.n_frames - 1, _SOME).astype(np.int64))
        named = [name for name in ("rotator", "scan_x", "scan_y") if name in (some.dtype.names or ())]
        if stream.n_frames > _TOO_MANY or not any(some[name].any() for name in named):
            return None
    return stream.headers()


def _sig_axes(header: SeriesHeader, mode: str | None) -> tuple[Axis, ...]:
    """Give the axes of the detector.

    Cameras record the size of their own pixels, which calibrates nothing; HyperSpy writes the calibration there.
    """
    names, units = (("dy", "dx"), "nm") if mode == "imaging" else (("ky", "kx"), "1/nm")
    step = 0.0 if mode is None or header.from_camera else float(header.fields["pixel_size"])
    return Axis.of(names[0], step, units), Axis.of(names[1], step, units)


def _metadata(header: SeriesHeader, first: NDArray[Any], mode: str | None) -> Metadata:
    kilovolts, pixel_size, magnified = (
        max(0, header.fields[name]) for name in ("high_tension", "pixel_size", "magnification")
    )
    return Metadata(
        acquired=unix_time(frame_times(first)[()]) if first["seconds"] else None,
        detector="TVIPS",
        mode=mode,
        beam_energy=1e3 * kilovolts or None,
        magnification=float(magnified) or None if mode == "imaging" else None,
        detector_pixel_pitch=1e-9 * pixel_size or None if header.from_camera else None,
    )
