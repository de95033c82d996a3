"""The reader: eight sectors and their tags become one scan, or one time series."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, ParameterError
from lamella.reader import Caution, Confidence, Match, Metadata, Resource, SourceInfo, scan_shapes
from lamella_k2is.block import ACTIVE_SHAPE, BLOCK_NBYTES, FRAME_SHAPE, SYNC
from lamella_k2is.files import FileSet, find_files
from lamella_k2is.recording import Recording, synchronise
from lamella_k2is.sector import check_sector, read_sector
from lamella_k2is.shutter import Shutter, find_shutter, per_frame
from lamella_k2is.source import K2isSource
from lamella_k2is.tags import find, read_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lamella.reader import Probe
    from lamella_k2is.params import K2isParams

__all__ = ["K2isReader"]

_SAMPLING = (("Spatial Sampling", "Height (pixels)"), ("Spatial Sampling", "Width (pixels)"))
_FRAME_TIME = 1 / 400  # seconds; the camera knows no other


class K2isReader:
    """Reads what a K2 IS camera streams to disk."""

    def detect(self, probe: Probe) -> Match | None:
        """Recognise the word that begins each block, in the file or, for tags, in the sectors beside it."""
        if probe.suffix != "gtg" and SYNC not in probe.read(0, BLOCK_NBYTES + len(SYNC)):
            return None
        try:
            files = probe.once("k2is files", find_files)
            sector = files.sectors[0] if probe.suffix == "gtg" else probe.path
            assert sector is not None
            check_sector(sector)
        except FormatError as error:
            confidence = Confidence.EXTENSION if probe.suffix == "gtg" else Confidence.SIGNATURE
            return Match(confidence, f"looks like K2 IS data, but {error.problem}")
        return Match(Confidence.VERIFIED, "eight sectors that consist of blocks")

    def open(self, params: K2isParams, probe: Probe) -> K2isSource:
        """Find the frames that all sectors have, and the scan among them."""
        files = probe.once("k2is files", find_files)
        tags = {} if files.tags is None else read_tags(files.tags)
        recording = synchronise([read_sector(path, number) for number, path in enumerate(files.sectors, 1)])
        shutter = find_shutter(recording)
        scan = _scan(params, files, tags, recording, shutter)
        n_frames, lost = recording.n_frames, recording.lost
        fill = params.lost_blocks == "zero"
        info = SourceInfo(
            nav_shape=scan.nav_shape,
            nav_origin=scan.origin,
            nav_alternatives=scan.alternatives,
            sync_offset=0 if scan.pitch else scan.first,
            index=_index(scan, n_frames, lost[:0] if fill else lost),
            metadata=_metadata(tags, scan.is_stem),
            raw_metadata={"tags": tags},
            per_frame=per_frame(recording),
            notes=(*scan.notes, *_loss_notes(recording, fill)),
            details=_details(recording, shutter, tags, scan),
        )
        beside = [] if files.tags is None else [Resource.of(files.tags)]
        return K2isSource(recording, ACTIVE_SHAPE if params.crop_active else FRAME_SHAPE, info, beside, fill=fill)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scan:
    """The shape of the scan, where it came from, and the stored frame at its beginning.

    ``pitch`` is the number of frames from line to line where some behind each line are left out, else 0.
    """

    is_stem: bool
    nav_shape: tuple[int, ...]
    origin: str
    first: int
    pitch: int = 0
    alternatives: tuple[tuple[tuple[int, ...], str], ...] = ()
    notes: tuple[str, ...] = ()


def _scan(params: K2isParams, files: FileSet, tags: Mapping[str, Any], recording: Recording, shutter: Shutter) -> _Scan:
    shape = _stated_scan(files, tags)
    is_stem = shape is not None if params.mode is None else params.mode == "stem"
    notes = []
    if files.tags is None and params.mode is None:
        notes.append("there is no .gtg file, so this is taken for a time series; give mode='stem' for a scan")
    if not shutter.n_frames:
        notes.append("the shutter flag never appears; every frame is shown")
        offset, count = 0, recording.n_frames
    elif is_stem:
        # The camera flags a frame one frame late.
        offset, count = shutter.opened - 1, shutter.n_frames + 1
        if offset < 0:
            notes.append("the shutter was open from the first frame on, so the scan may have begun before it")
    else:
        offset, count = shutter.opened, shutter.n_frames
    if params.first_frame is not None:
        count, offset = count + offset - params.first_frame, params.first_frame
        if count <= 0:
            raise ParameterError(f"frame {offset} is none of {recording.n_frames}", field="first_frame")
    if params.drop_flyback and (shape is None or not is_stem):
        raise ParameterError("there is no .gtg file of a scan that counts the columns", field="drop_flyback")
    if is_stem and shape is not None:
        pitch, origin = 0, "sidecar .gtg"
        if params.drop_flyback:
            pitch, shape, origin = shape[1], _without_flyback(tags, shape), "sidecar .gtg, without flyback columns"
        return _Scan(is_stem=True, nav_shape=shape, origin=origin, first=offset, pitch=pitch, notes=tuple(notes))
    return _Scan(
        is_stem=is_stem,
        nav_shape=(count,),
        origin="frames with the shutter flag" if shutter.n_frames else "number of frames",
        first=offset,
        alternatives=tuple((shape, "guess: number of frames") for shape in scan_shapes(count)),
        notes=tuple(notes),
    )


def _stated_scan(files: FileSet, tags: Mapping[str, Any]) -> tuple[int, int] | None:
    """Give the scan that the tags state, its flyback columns included."""
    shape = _sizes(tags, ("SI Dimensions", "Size Y"), ("SI Dimensions", "Size X"))
    if shape is None:
        return None
    if min(shape) < 1:
        raise CorruptError(
            "SI Dimensions cannot be right",
            path=files.tags,
            expected="at least 1 x 1",
            found=f"{shape[0]} x {shape[1]}",
        )
    return shape


def _without_flyback(tags: Mapping[str, Any], shape: tuple[int, int]) -> tuple[int, int]:
    """Give the scan without the columns in which the beam went back."""
    found = _sizes(tags, *_SAMPLING)
    if found is None or not (1 <= found[0] <= shape[0] and 1 <= found[1] <= shape[1]):
        raise ParameterError(
            f"the .gtg file does not tell which columns of {shape} they are: it says {found or 'nothing'} without them",
            field="drop_flyback",
        )
    return found


def _index(scan: _Scan, n_frames: int, lost: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Give the stored frame of each step where it is not simply the next one, -1 where there is none."""
    if not (lost.size or scan.pitch):
        return None
    stored = np.arange(n_frames, dtype=np.int64)
    stored[lost] = -1
    if not scan.pitch:
        return stored
    lines = -(-(n_frames - scan.first) // scan.pitch)  # tags may announce far more of them
    positions = min(math.prod(scan.nav_shape), lines * scan.nav_shape[-1])
    line, column = np.divmod(np.arange(positions, dtype=np.int64), scan.nav_shape[-1])
    frames = scan.first + line * scan.pitch + column
    return np.where((frames >= 0) & (frames < n_frames), stored[np.clip(frames, 0, n_frames - 1)], -1)


def _sizes(tags: Mapping[str, Any], rows: tuple[str, ...], columns: tuple[str, ...]) -> tuple[int, int] | None:
    height, width = find(tags, *rows), find(tags, *columns)
    return (height, width) if type(height) is int and type(width) is int else None


def _metadata(tags: Mapping[str, Any], is_stem: bool) -> Metadata:
    microscope = find(tags, "Microscope Info") or {}
    length = _number(microscope, "STEM Camera Length")
    return Metadata(
        instrument=_text(microscope, "Microscope"),
        detector="Gatan K2 IS",
        operator=_text(microscope, "Operator"),
        mode=_text(microscope, "Operation Mode"),
        beam_energy=_number(microscope, "Voltage"),
        camera_length=None if length is None else 1e-3 * length,
        magnification=_number(microscope, "Indicated Magnification"),
        scan_rotation=_number(find(tags, "DigiScan") or {}, "Rotation"),
        exposure_time=_FRAME_TIME,
        dwell_time=_FRAME_TIME if is_stem else None,
        counter_depth=12,
    )


def _number(group: Mapping[str, Any], name: str) -> float | None:
    value = group.get(name) if hasattr(group, "get") else None
    return float(value) if type(value) in (int, float) and value else None


def _text(group: Mapping[str, Any], name: str) -> str | None:
    value = group.get(name) if hasattr(group, "get") else None
    return value.strip("\0 ") or None if isinstance(value, str) else None


def _loss_notes(recording: Recording, fill: bool) -> tuple[str, ...]:
    lost = len(recording.lost)
    if not lost:
        return ()
    outcome = "zeros replace the blocks" if fill else "they are missing frames"
    first = recording.lost[0]
    return (Caution(f"{lost} of {recording.n_frames} frames lost blocks, the first is frame {first}; {outcome}"),)


def _details(recording: Recording, shutter: Shutter, tags: Mapping[str, Any], scan: _Scan) -> dict[str, Any]:
    without_flyback = _sizes(tags, *_SAMPLING)
    return {
        "mode": "scan" if scan.is_stem else "time series",
        "scan without flyback": None if without_flyback is None else list(without_flyback),
        "first frame with the shutter flag": shutter.opened if shutter.n_frames else None,
        "frames with the shutter flag": shutter.n_frames,
        "frames that lost blocks": len(recording.lost),
        "first block count": recording.start,
        "sectors": [
            {
                "first block": sector.start,
                "last block": sector.stop - 1,
                "blocks before the first frame": recording.start - sector.start,
                "blocks lost": sector.stop - sector.start - sector.n_blocks,
                "bytes before the first block": sector.runs[0].offset,
            }
            for sector in recording.sectors
        ],
    }
