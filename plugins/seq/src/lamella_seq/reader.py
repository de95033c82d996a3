"""StreamPix sequences: frames at a constant distance, or the two halves of a Celeritas camera."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from lamella.errors import CorruptError, FormatError, ParameterError
from lamella.reader import (
    Caution,
    Confidence,
    Encoding,
    LinearSource,
    Match,
    Metadata,
    Probe,
    SourceInfo,
    elapsed,
    number,
    stamp_arrays,
)
from lamella_seq.celeritas import Half, SplitSource, StampsOfFrames, half_of, other_half
from lamella_seq.header import MAGIC as SEQUENCE, Header, TimeStamps, read_header
from lamella_seq.params import SeqParams
from lamella_seq.references import corrections_of
from lamella_seq.settings import Settings, read_settings

__all__ = ["SeqReader"]


class SeqReader:
    """Opens a sequence with the corrections that lie beside it."""

    def detect(self, probe: Probe) -> Match | None:
        """Look at the magic number, then at the rest of the header."""
        if int.from_bytes(probe.head[:4], "little") != SEQUENCE:
            return None
        try:
            header = probe.once("seq header", read_header)
        except FormatError as error:
            return Match(Confidence.SIGNATURE, f"the magic number of StreamPix, but {error.problem}")
        return Match(Confidence.VERIFIED, f"a header of version {header['version']} and {header.n_frames} frames")

    def open(self, params: SeqParams, probe: Probe) -> LinearSource | SplitSource:
        """Describe the frames of a sequence."""
        assert probe.path is not None
        header, half = probe.once("seq header", read_header), half_of(probe.path.name)
        if half is not None:
            return _split(params, probe, header, half)
        base = probe.stem.removesuffix(".seq")
        settings = read_settings(probe, base) if params.sidecars else Settings()
        info = _info(header, header.stamps(probe.path), settings)
        if params.sidecars:
            info = _corrected(info, probe, base, settings, header.sig_shape)
        return LinearSource(
            resources=(probe.resource,),
            runs=header.runs,
            encoding=Encoding(header.dtype, header.sig_shape),
            info=info,
        )


def _split(params: SeqParams, probe: Probe, header: Header, half: Half) -> SplitSource:
    """Describe the frames of a Celeritas camera."""
    other, other_header = other_half(probe, half, header)
    top, bottom = (probe, other) if half.is_top else (other, probe)
    settings = read_settings(probe, half.base)
    prebuffer = params.prebuffer or int(settings.number("SegmentPreBuffer"))
    if prebuffer < 1:
        raise ParameterError(
            "neither given nor found in NAME.seq.Config.Metadata.xml. "
            f"How many frames are there in a stored frame of {header.sig_shape}?",
            field="prebuffer",
        )
    height, rest = divmod(header.sig_shape[0], prebuffer)
    if rest:
        raise CorruptError(
            "the stored frames cannot be cut into frames",
            path=probe.path,
            expected=f"a multiple of SegmentPreBuffer, {prebuffer} rows",
            found=f"{header.sig_shape[0]} rows",
            remedy="Give prebuffer, the number of frames in a stored frame",
        )
    stored = min(header.n_frames, other_header.n_frames)
    notes: tuple[str, ...] = ()
    if header.n_frames != other_header.n_frames:
        longer = max(header.n_frames, other_header.n_frames)
        notes = (Caution(f"one half has {longer} stored frames, the other only {stored}, which are shown"),)
    assert top.path is not None
    stamps = header.stamps(top.path)
    info = _info(header, stamps, settings)
    files, sig_shape = (top.resource, bottom.resource), (2 * height, header.sig_shape[1])
    info = replace(
        info,
        per_frame={} if stamps is None else stamp_arrays(StampsOfFrames(stamps, prebuffer, stored * prebuffer)),
        notes=(*info.notes, *notes),
        details={**info.details, "halves": [Path(file.path).name for file in files]},
    )
    if params.sidecars:
        info = _corrected(info, probe, half.base, settings, sig_shape)
    return SplitSource(files, header, prebuffer, info, n_frames=stored * prebuffer, sig_shape=sig_shape)


def _info(header: Header, stamps: TimeStamps | None, settings: Settings) -> SourceInfo:
    """Give what the header and the settings say about a sequence."""
    allocated, present = header["allocated_frames"], header.n_frames
    first, duration = _first_and_duration(stamps, present)
    rate = (present - 1) / duration if duration > 0 else None
    return SourceInfo(
        metadata=_metadata(header, settings, first),
        raw_metadata={
            "header": header.to_json(),
            "settings": settings.values,
            **({"Config.Metadata.xml": settings.text} if settings.text else {}),
        },
        per_frame={} if stamps is None else stamp_arrays(stamps),
        notes=header.notes,
        details={
            "version": header["version"],
            "bits": header["bit_depth_real"],
            "frame rate of the header [1/s]": number(header["frame_rate"]),
            "frame rate of the time stamps [1/s]": rate,
            "frames allocated": allocated,
        },
    )


def _corrected(info: SourceInfo, probe: Probe, base: str, settings: Settings, sig_shape: tuple[int, int]) -> SourceInfo:
    """Give the same with the corrections that lie beside a sequence."""
    corrections, notes = corrections_of(probe, base, settings, sig_shape)
    return replace(info, corrections=corrections, notes=(*info.notes, *notes))


def _first_and_duration(stamps: TimeStamps | None, count: int) -> tuple[str | None, float]:
    """Give when the first frame was taken, ISO 8601, and how long after it the last one [s]; None and 0 if unknown."""
    if stamps is None:
        return None, 0.0
    ends = stamps.read((0, count - 1))
    if np.isnat(ends[0]):
        return None, 0.0
    return str(ends[0].astype("M8[us]").item().isoformat()), float(np.nan_to_num(elapsed(ends)[1]))


def _metadata(header: Header, settings: Settings, first: str | None) -> Metadata:
    version = settings.values.get("StreamPixVersion")
    return Metadata(
        title=header.text or None,
        acquired=first,
        detector=settings.values.get("CameraType") or None,
        software=f"StreamPix {version}" if version else None,
        beam_energy=1e3 * settings.number("HT") or None,  # kV
        magnification=1e3 * settings.number("Mag") or None,  # in thousands
    )
