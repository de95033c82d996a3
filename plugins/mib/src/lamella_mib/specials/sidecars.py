"""Sidecars with other names, of other formats, and those that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamella_mib.specials.writing import CAMERA
from lamella_mib.writer import sidecar_text
from lamella_testkit import Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["odd_sidecars"]


def odd_sidecars(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Sidecars with other names, of other formats, and those that cannot be read."""
    path = directory / "scan_16.mib"
    path.write_bytes(CAMERA.part(frames))
    given = {"path": path}
    sidecar = directory / "scan_16.hdr"
    sidecar.write_text("[measurementInfo]\nsignalframes = 3\n")
    unknown = {"software": None, "mode": None, "detector": "Merlin (Medipix3)"}
    yield Special("a sidecar of another format", given, pixels=frames, metadata=unknown, notes=1, warnings=1)
    sidecar.unlink()
    sidecar.mkdir()
    yield Special("a folder called like the sidecar", given, pixels=frames, metadata=unknown, notes=1, warnings=1)
    sidecar.rmdir()
    home = directory / "home"
    home.mkdir()
    (home / "scan.mib").write_bytes(CAMERA.part(frames))
    (directory / "scan.hdr").write_bytes(sidecar_text({}))
    try:
        (home / "scan.hdr").symlink_to(directory / "scan.hdr")
    except OSError:  # not everybody may make links on Windows
        pass
    else:
        linked = {"path": home / "scan.mib"}
        yield Special("a sidecar that leads elsewhere", linked, pixels=frames, metadata=unknown, notes=1, warnings=1)
    (directory / "scan.hdr").unlink()
    (directory / "scan_.hdr").write_bytes(sidecar_text({"Software Version": "0.1", "ScanX": 6, "ScanY": 2}))
    (directory / "scan_1.hdr").write_bytes(sidecar_text({"Software Version": "0.2", "ScanX": 4, "ScanY": 3}))
    longest = {"software": "0.2"}
    shown = frames.reshape(3, 4, 5, 6)
    yield Special("the sidecar with the longest name", given, pixels=shown, metadata=longest, notes=0)
    sidecar.write_bytes(
        sidecar_text({"ScanX": 3, "ScanY": 4}).replace(b"HDR,", b"HDR, more").replace(b"ScanX", b" scanx ")
    )
    yield Special("keys in other letters", given, pixels=frames.reshape(4, 3, 5, 6), notes=0)
    lines = (
        "HDR,",
        "no tab",
        "\tno key",
        "Chip Mode:\tCSM",
        "Chip Mode:\tSPM",
        "Readout System:\t",
        "End\t",
        "Gain:\tHGM",
    )
    text = "\r\n".join(lines).encode()
    sidecar.write_bytes(text)
    known = {"mode": "CSM", "detector": "Merlin (Medipix3)", "software": None}
    entries = {"Chip Mode": "CSM", "Readout System": ""}
    raw = {"sidecar": entries}
    yield Special("a short sidecar", given, pixels=frames, metadata=known, raw_metadata=raw, notes=0)
    unix = {"path": sidecar}
    sidecar.write_bytes(text.replace(b"\r\n", b"\n"))
    yield Special("a sidecar with other ends of lines", unix, pixels=frames, metadata=known, raw_metadata=raw, notes=0)
