"""Reads block files: patterns at constant distance, each behind a record of six bytes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import CorruptError, FormatError, TruncatedError
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
    electron_wavelength,
    read_records,
)
from lamella_blo.header import HEADER, MARKER, RECORD, Header, read_header
from lamella_blo.params import BloParams

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BloReader:
    """Finds patterns by the header, and checks their records where that costs little."""

    def detect(self, probe: Probe) -> Match | None:
        """Recognise the identifier; be sure if header and records hold together."""
        if not probe.head.startswith(b"IMGBLO"):
            return None
        try:
            probe.once("blo header", read_header)
        except FormatError as error:
            return Match(Confidence.SIGNATURE, f"begins with IMGBLO, but {error.problem}")
        try:
            source = self.open(BloParams(), probe)
        except FormatError as error:
            return Match(Confidence.MAGIC, f"begins with a header of IMGBLO, but {error.problem}")
        return Match(Confidence.VERIFIED, f"header and records of {source.n_frames} patterns hold together")

    def open(self, params: BloParams, probe: Probe) -> LinearSource:
        """Describe the patterns that are complete."""
        header = probe.once("blo header", read_header)
        bits, decided_by = _bit_depth(header, params, probe)
        stride = _stride(header, bits)
        resource = probe.resource
        runs, length_notes = RunTable.that_fit(
            resource,
            offset=header["OFF_DP"],
            stride=stride,
            frame_header=RECORD.itemsize,
            announced=header["NX"] * header["NY"],
        )
        _check_records(header, bits, runs.n_frames, probe)
        info = SourceInfo(
            nav_shape=header.nav_shape,
            nav_origin="header",
            nav_axes=(Axis.of("y", header["SY"], "nm"), Axis.of("x", header["SX"], "nm")),
            sig_axes=(_detector_axis("ky", header), _detector_axis("kx", header)),
            metadata=_metadata(header),
            raw_metadata=header.to_json(),
            navigator=_navigator(header, probe),
            notes=(*length_notes, *_note_notes(header)),
            details={"version": header.version, "bit depth": bits, "bit depth decided by": decided_by},
        )
        return LinearSource(
            resources=(resource,),
            runs=runs,
            encoding=Encoding(np.dtype("<u2" if bits == 16 else "u1"), (header["DP_SZ"], header["DP_SZ"])),
            info=info,
        )


def _stride(header: Header, bits: int) -> int:
    return RECORD.itemsize + header.n_pixels * bits // 8


def _bit_depth(header: Header, params: BloParams, probe: Probe) -> tuple[int, str]:
    """Give the bits of a pixel and what decided it: the user, the version, the note, or where the records lie."""
    if params.bit_depth is not None:
        return params.bit_depth, "bit_depth"
    if header["VERSION"] < 0x0103:
        return 8, f"version {header.version}"
    patterns = header["NX"] * header["NY"]
    room = probe.size - header["OFF_DP"]
    fitting = [bits for bits in (8, 16) if patterns * _stride(header, bits) == room]
    noted = header.noted_bit_depth
    if noted is not None:
        if fitting and noted not in fitting:
            raise CorruptError(
                "the bit depth in the note contradicts the size of the file",
                path=header.path,
                expected=f"{header['OFF_DP'] + patterns * _stride(header, noted)} bytes for {noted} bits",
                found=f"{probe.size} bytes, which fits {fitting[0]} bits",
                remedy=f"Give bit_depth={fitting[0]} to follow the size, bit_depth={noted} to follow the note",
            )
        return noted, "note"
    if fitting:
        return fitting[0], "size of the file"
    second = [bits for bits in (8, 16) if _record(header, bits, 1, probe) == (MARKER, 1)]
    if not second:
        raise TruncatedError(
            "the bit depth is unknown: no note states it, the size fits none, and there is no second record",
            path=header.path,
            expected=" or ".join(f"{header['OFF_DP'] + patterns * _stride(header, bits)} bytes" for bits in (8, 16)),
            found=f"{probe.size} bytes",
            remedy="Give bit_depth=8 or bit_depth=16",
        )
    return second[0], "place of the second record"


def _record(header: Header, bits: int, index: int, probe: Probe) -> tuple[int, int] | None:
    found = probe.read(header["OFF_DP"] + index * _stride(header, bits), RECORD.itemsize)
    if len(found) < RECORD.itemsize:
        return None
    marker, number = np.frombuffer(found, dtype=RECORD)[0].item()
    return marker, number


def _check_records(header: Header, bits: int, count: int, probe: Probe) -> None:
    for index in sorted({0, 1, count // 2, count - 1} & set(range(count))):
        found = _record(header, bits, index, probe)
        if found != (MARKER, index):
            raise CorruptError(
                f"the record of pattern {index} is damaged, or is elsewhere",
                path=header.path,
                expected=f"AA 55 and the number {index}",
                found="the end of the file" if found is None else f"{_marker_text(found[0])} and the number {found[1]}",
                remedy=f"If pixels have {24 - bits} bits, give bit_depth={24 - bits}",
            )


def _marker_text(marker: int) -> str:
    return marker.to_bytes(2, "little").hex(" ").upper()


def _detector_axis(name: str, header: Header) -> Axis:
    """Calibrate in 1/nm if the header allows, else in centimetres on the screen."""
    if not header["SDP"]:
        return Axis(name)
    pitch = 1 / header["SDP"]  # [m]
    if not (header["CAMERA_LENGTH"] and header["BEAM_ENERGY"]):
        return Axis(name, scale=100 * pitch, units="cm")
    length = 1e-4 * header["CAMERA_LENGTH"]  # [m]
    wavelength = electron_wavelength(header["BEAM_ENERGY"])  # [m]
    return Axis(name, scale=1e-9 * pitch / (length * wavelength), units="1/nm")


def _metadata(header: Header) -> Metadata:
    return Metadata(
        acquired=header.acquired,
        instrument="NanoMEGAS ASTAR",
        beam_energy=float(header["BEAM_ENERGY"]) or None,
        camera_length=1e-4 * header["CAMERA_LENGTH"] or None,
        scan_rotation=header["SCAN_ROTATION"] / 100,
        detector_pixel_pitch=1 / header["SDP"] if header["SDP"] else None,
    )


def _navigator(header: Header, probe: Probe) -> partial[NDArray[np.uint8]] | None:
    end = header["OFF_VBF"] + header["NX"] * header["NY"]
    if header["OFF_VBF"] < HEADER.itemsize or end > header["OFF_DP"]:
        return None
    return partial(_read_image, header.path, header["OFF_VBF"], header.nav_shape)


def _read_image(path: str, offset: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    [image] = read_records(path, [offset], np.dtype(("u1", shape)))
    return np.asarray(image)


def _note_notes(header: Header) -> tuple[str, ...]:
    notes = []
    if header.version not in ("1.2", "1.3"):
        notes.append(f"version {header.version} is unknown; it is read like 1.3")
    if header.noted("Camera gamma").lower() == "on":
        notes.append("the gamma correction of the camera was on: intensities are not linear")
    if header["OFF_VBF"] < HEADER.itemsize or header["OFF_VBF"] >= header["OFF_DP"]:
        text = (
            f"the header puts the virtual bright field at byte {header['OFF_VBF']}, where it cannot be; it is left out"
        )
        notes.append(Caution(text))
    return tuple(notes)
