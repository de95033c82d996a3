"""The reader: parts beside each other become one series of unfolded frames."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.codecs import FoldingCodec
from lamella.errors import FormatError
from lamella.reader import (
    Caution,
    Confidence,
    Corrections,
    Encoding,
    FileCorrections,
    LinearSource,
    Match,
    Metadata,
    ReadHints,
    Resource,
    SourceInfo,
    unix_time,
)
from lamella_frms6.dark import check_dark, dark_frame
from lamella_frms6.files import FileSet, find_files
from lamella_frms6.gain import read_gain_map
from lamella_frms6.header import Header, mentions_measurement, read_header
from lamella_frms6.part import FILE_HEADER, INCOMPLETE, Part, read_part
from lamella_frms6.series import per_frame, series_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lamella.reader import Probe
    from lamella_frms6.params import Frms6Params

__all__ = ["Frms6Reader"]

_SIGNATURE = b"\x00\x04\x40\x00"
_DETECTOR_ROWS = 264  # of the camera for microscopes
_BINNINGS = (1, 2, 4)


class Frms6Reader:
    """Reads the frames of pnCCD cameras."""

    def detect(self, probe: Probe) -> Match | None:
        """Recognise a part by its header, and a ``.hdr`` file by its section and the parts beside it."""
        assert probe.path is not None
        is_part = probe.head.startswith(_SIGNATURE)
        if not is_part and not (probe.suffix == "hdr" and mentions_measurement(probe.head)):
            return None
        try:
            files = probe.once("frms6 files", find_files)
            if is_part:
                part = read_part(probe.path)
                return Match(Confidence.VERIFIED, f"header of a part with frames of {part.width} x {part.height}")
            read_header(probe.path)
            read_part(files.signal[0])
        except (FormatError, OSError) as error:
            return Match(Confidence.SIGNATURE, f"looks like pnCCD frames, but {getattr(error, 'problem', error)}")
        return Match(Confidence.VERIFIED, f"measurement with {len(files.signal)} parts")

    def open(self, params: Frms6Params, probe: Probe) -> LinearSource:
        """Describe the signal frames, and the dark frame and gain map to correct them with."""
        files = probe.once("frms6 files", find_files)
        header = None if files.header is None else read_header(files.header)
        begun = _begun(files.signal)
        parts = tuple(read_part(path) for path in files.signal if path != begun)
        runs, notes = series_of(parts)
        rows = _rows(params, header, parts[0])
        sig_shape = (2 * parts[0].height * rows.repeat, parts[0].width // 2)
        dark = read_part(files.dark) if files.dark is not None and params.subtract_dark else None
        info = SourceInfo(
            nav_shape=None if header is None else header.nav_shape,
            nav_origin="number of frames" if header is None or header.nav_shape is None else "sidecar .hdr",
            nav_alternatives=_alternatives(header),
            metadata=_metadata(header, parts[0]),
            raw_metadata=_raw_metadata(header, parts, dark),
            per_frame=per_frame(parts),
            corrections=_corrections(params, dark, parts[0], rows, sig_shape),
            notes=(
                *notes,
                *(() if begun is None else (Caution(f"{begun.name} has no complete header, and is left out"),)),
                *rows.notes,
                *_count_notes(header, runs.n_frames),
                *(_dark_notes(header, files, dark) if params.subtract_dark else ()),
                *_flag_notes(parts),
            ),
            details={
                **_details(rows, parts),
                "part with dark frames": files.dark is not None,
                "dark frames subtracted": 0 if dark is None else dark.count,
                "gain map": params.gain_map is not None,
            },
        )
        beside = [path for path in (files.header, files.dark, params.gain_map) if path is not None]
        return LinearSource(
            # What lies beside the frames is among the resources, so that a change of it makes another data set.
            resources=(*(part.resource for part in parts), *map(Resource.of, beside)),
            runs=runs,
            encoding=Encoding(np.dtype(np.uint16), sig_shape, FoldingCodec(rows.repeat)),
            info=info,
            hints=ReadHints(whole_frames=True),
        )


@dataclass(frozen=True, slots=True)
class _Rows:
    """How rows were binned, who says so, how often each is repeated, and what its values are multiplied with."""

    binning: int
    origin: str
    repeat: int
    scale: float = 1.0
    notes: tuple[str, ...] = ()


def _rows(params: Frms6Params, header: Header | None, part: Part) -> _Rows:
    binning, origin, notes = _binning(params, header, part)
    scale = 1 / binning if params.unbin == "scale" else 1.0
    return _Rows(binning, origin, binning if params.unbin else 1, scale, notes)


def _binning(params: Frms6Params, header: Header | None, part: Part) -> tuple[int, str, tuple[str, ...]]:
    if params.binning is not None:
        return params.binning, "user", ()
    if header is not None and header.binning is not None:
        return header.binning, header.path.name, ()
    for binning in _BINNINGS:
        if 2 * part.height * binning == _DETECTOR_ROWS == part.width // 2:
            return binning, f"guess: {_DETECTOR_ROWS} rows on the detector", ()
    return 1, "default", ("no .hdr file says whether rows were binned on the chip; give binning= if they were",)


def _begun(paths: Sequence[Path]) -> Path | None:
    """Give the last of several parts if its header is not complete: a recording begins it, or it was cut."""
    last = paths[-1]
    return last if len(paths) > 1 and Resource.of(last).size < FILE_HEADER.itemsize else None


def _alternatives(header: Header | None) -> tuple[tuple[tuple[int, ...], str], ...]:
    if header is None or header.nav_shape is None or header.nav_shape[0] == header.nav_shape[1]:
        return ()
    return ((header.nav_shape[::-1], "guess: stemimagesize with the fast axis first"),)


def _corrections(
    params: Frms6Params, dark: Part | None, part: Part, rows: _Rows, sig_shape: tuple[int, int]
) -> FileCorrections:
    if dark is not None:
        check_dark(dark, part)
    gain = None if params.gain_map is None else read_gain_map(params.gain_map, sig_shape)
    if rows.scale != 1:
        gain = np.full(sig_shape, rows.scale) if gain is None else gain * rows.scale
    if dark is None:
        return None if gain is None else Corrections(gain=gain)
    return partial(_dark_and_gain, dark, rows.repeat, gain)


def _dark_and_gain(dark: Part, repeat: int, gain: NDArray[np.float64] | None) -> Corrections:
    return Corrections(dark=dark_frame(dark, repeat), gain=gain)


def _metadata(header: Header | None, part: Part) -> Metadata:
    return Metadata(
        title=part.header["dataset_id"].strip() or None,
        acquired=unix_time(part.first_frame.get("seconds")),
        detector="PNDetector pnCCD",
        dwell_time=None if header is None else header.dwell_time,
    )


def _raw_metadata(header: Header | None, parts: tuple[Part, ...], dark: Part | None) -> dict[str, Any]:
    every = parts if dark is None else (dark, *parts)
    return {
        "hdr": {} if header is None else {name: dict(section) for name, section in header.sections.items()},
        "parts": {Path(part.path).name: {**part.header, "first frame": dict(part.first_frame)} for part in every},
    }


def _count_notes(header: Header | None, n_frames: int) -> tuple[str, ...]:
    stated = None if header is None else header.signal_frames
    if stated is None or stated == n_frames:
        return ()
    text = f"the .hdr file announces {stated} signal frames, the parts hold {n_frames}"
    return (Caution(f"{text}; these are shown") if n_frames < stated else text,)


def _dark_notes(header: Header | None, files: FileSet, dark: Part | None) -> tuple[str, ...]:
    """Warn where dark frames were recorded, and are not all there."""
    stated = None if header is None else header.dark_frames
    if dark is None:
        promised = bool(stated) or (stated is None and len(files.signal) > 1)
        if not promised or files.dark_name is None:
            return ()
        many = "the dark frames" if stated is None else f"{stated} dark frames"
        return (Caution(f"{many} are missing: there is no {files.dark_name}; pixels are not corrected with them"),)
    if stated is not None and dark.count < stated:
        name = Path(dark.path).name
        return (Caution(f"the .hdr file announces {stated} dark frames, {name} holds {dark.count}; these are used"),)
    return ()


def _flag_notes(parts: tuple[Part, ...]) -> tuple[str, ...]:
    flagged = [part.path for part in parts if part.first_frame.get("flags", 0) & INCOMPLETE]
    return tuple(f"the first frame of {path} is incomplete; see per_frame('incomplete')" for path in flagged)


def _details(rows: _Rows, parts: tuple[Part, ...]) -> dict[str, Any]:
    return {
        "binning": rows.binning,
        "binning from": rows.origin,
        "rows repeated": rows.repeat > 1,
        "rows multiplied with": rows.scale,
        "parts": len(parts),
        "frames per part": [part.count for part in parts],
        "last frame acquired": unix_time(parts[-1].last_frame.get("seconds")),
        "temperature [V]": parts[0].first_frame.get("temperature"),
    }
