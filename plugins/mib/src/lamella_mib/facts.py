"""What is worth knowing about an acquisition: metadata for all formats, and the details of this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lamella.reader import Metadata
from lamella_mib.header import FrameHeader
from lamella_mib.headers import FrameHeaders
from lamella_mib.pixels import Pixels
from lamella_mib.sequence import Series
from lamella_mib.sidecar import Sidecar

__all__ = ["details_of", "metadata_of"]

PIXEL_PITCH = 55e-6
"""Of all Medipix3 chips [m]."""


def metadata_of(header: FrameHeader, sidecar: Sidecar, pixels: Pixels, headers: FrameHeaders) -> Metadata:
    """Translate the first header and the sidecar."""
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


def details_of(
    header: FrameHeader, sidecar: Sidecar, pixels: Pixels, series: Series, headers: FrameHeaders
) -> dict[str, Any]:
    """Give what helps to understand a surprising result, JSON-able."""
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
        "last frame acquired": headers.last_start(),
        "frames lost by sequence number": sum(gap.count for gap in series.gaps),
    }
