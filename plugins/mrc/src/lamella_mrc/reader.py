"""MRC files as stacks of sections, Direct Electron movies as scans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella.errors import FormatError
from lamella.reader import (
    Axis,
    Confidence,
    LinearSource,
    Match,
    Metadata,
    RunTable,
    SourceInfo,
    json_value,
    square_scan,
)
from lamella_mrc.direct_electron import INFO, MOVIE, Scan, movie_beside, navigator_of, read_info, scan_of
from lamella_mrc.extended import Extended, extended_header
from lamella_mrc.header import MODES, STAMPS, Header, plausible_orders, read_header
from lamella_mrc.info import Info
from lamella_mrc.params import MrcParams

if TYPE_CHECKING:
    from lamella.reader import Probe

__all__ = ["MrcReader"]


class MrcReader:
    """Reads MRC files, and the ``_info.txt`` of a Direct Electron movie as the movie."""

    def detect(self, probe: Probe) -> Match | None:
        """Judge the header, and the size of the file against it."""
        if probe.suffix == "txt":
            return _detect_info(probe)
        marked = probe.head[208:212] == b"MAP "
        if probe.size < 1024 or not plausible_orders(probe):
            reason = f"named .{probe.suffix}, but without a sensible header"
            return Match(Confidence.SIGNATURE, "'MAP ' at byte 208") if marked else _if_named(probe, reason)
        try:
            header = _header(probe, MrcParams())
        except FormatError as error:  # it makes sense both ways, or the file is packed
            reason = f"a header that makes sense, but {error.problem}"
            return Match(Confidence.SIGNATURE, reason) if marked else _if_named(probe, reason)
        exact = header.offset + header.sections * header.encoding.extent()[1] == probe.size
        stamped = probe.head[212:214] in STAMPS
        reason = f"a header of mode {header.mode} ({MODES[header.mode]})"
        if exact and (marked or stamped):
            return Match(Confidence.VERIFIED, f"{reason}, and a file of the size that it gives")
        if marked:
            return Match(Confidence.MAGIC, f"'MAP ' and {reason}")
        return Match(Confidence.SIZE, reason) if exact or stamped else None

    def open(self, params: MrcParams, probe: Probe) -> LinearSource:
        """Describe the sections of a file."""
        if probe.path is not None and probe.path.name.endswith(INFO):
            probe = movie_beside(probe)
        assert probe.path is not None
        header = _header(probe, params)
        extended = extended_header(probe, header)
        stride = header.encoding.extent()[1]
        resource = probe.resource
        runs, notes = RunTable.that_fit(
            resource, offset=header.offset, stride=stride, announced=header.sections or None
        )
        n_frames = runs.n_frames
        if not header.sections:
            notes += (f"the header counts no sections yet, the file holds {n_frames}",)
        info = read_info(probe) if params.sidecars and probe.path.name.endswith(MOVIE) else None
        scan = Scan() if info is None else scan_of(probe, info, header.sections or n_frames, n_frames)
        if info is None and params.sidecars and probe.path.name.endswith(MOVIE):
            notes += (f"the scan shape is unknown, because there is no {INFO[1:]} beside the movie",)
        told = info or extended
        return LinearSource(
            resources=(resource,),
            runs=runs,
            encoding=header.encoding,
            info=SourceInfo(
                index=scan.index,
                navigator=navigator_of(probe, scan.shape) if info is not None else None,
                sig_axes=_sig_axes(header, extended, info, n_frames),
                metadata=Metadata(**(told.metadata() if told is not None else {})),
                raw_metadata=_raw_metadata(header, extended, info),
                per_frame={} if extended is None else extended.per_frame(n_frames),
                notes=(*header.notes, *notes, *scan.notes),
                details={"mode": f"{header.mode} ({MODES[header.mode]})", "byte order": header.order},
                **_navigation(header, scan, n_frames),
            ),
        )


def _header(probe: Probe, params: MrcParams) -> Header:
    return probe.once(("mrc header", params), lambda probe: read_header(probe, params))


def _if_named(probe: Probe, reason: str) -> Match | None:
    return Match(Confidence.EXTENSION, reason) if probe.suffix in ("mrc", "mrcs") else None


def _detect_info(probe: Probe) -> Match | None:
    if probe.path is None or not probe.path.name.endswith(INFO):
        return None
    if b"Autosave" not in probe.head and b"Camera" not in probe.head:
        return None
    try:
        movie = movie_beside(probe)
        read_header(movie, MrcParams())
    except FormatError:
        return None
    return Match(Confidence.MAGIC, f"settings of the Direct Electron movie {movie.stem}.mrc beside it")


def _navigation(header: Header, scan: Scan, n_frames: int) -> dict[str, Any]:
    """Give the entries of `SourceInfo` that say how sections sit on the scan."""
    if scan.shape is not None:
        return {"nav_shape": scan.shape, "nav_origin": scan.origin, "nav_axes": scan.axes}
    axis = Axis.of("z", header.pixel_size[2], "nm")
    depth = int(header.fields["mz"])
    if 401 <= int(header.fields["ispg"]) <= 630 and 0 < depth < n_frames and n_frames % depth == 0:
        return {
            "nav_shape": (n_frames // depth, depth),
            "nav_origin": "header: a stack of volumes",
            "nav_axes": (Axis("volume"), axis),
        }
    axes = (axis,) if header.is_volume and axis.calibrated else ()  # else they count frames, whatever the header says
    return {"nav_shape": (n_frames,), "nav_axes": axes, "nav_alternatives": square_scan(n_frames)}


def _sig_axes(header: Header, extended: Extended | None, info: Info | None, n_frames: int) -> tuple[Axis, ...]:
    if info is not None:
        return info.sig_axes
    x, y, units = (0.0, 0.0, "") if extended is None else extended.pixel_size
    if not (x > 0 and y > 0):
        x, y, units = *header.pixel_size[:2], "nm"
    names = ("y", "x") if units == "nm" and (header.is_volume or n_frames == 1) else ("ky", "kx")
    return Axis.of(names[0], y, units), Axis.of(names[1], x, units)


def _raw_metadata(header: Header, extended: Extended | None, info: Info | None) -> dict[str, Any]:
    raw: dict[str, Any] = {"header": header.fields}
    if extended is not None:
        raw["extended_header"] = {"type": extended.kind, "records": extended.count, "first": extended.known}
    if info is not None:
        raw["info"] = info
    return {name: json_value(value) for name, value in raw.items()}
