"""Short ways to write frames with a sidecar, and to state what a scan shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import Axis
from lamella_mib.writer import Merlin, sidecar_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CAMERA", "placed", "scan_axes", "settings", "write"]

CAMERA = Merlin(depth=12)

_KEYS = {
    "frames": "Frames in Acquisition (Number)",
    "trigger": "Frames per Trigger (Number)",
    "x": "ScanX",
    "y": "ScanY",
    "depth": "Counter Depth (number)",
}


def write(directory: Path, pixels: NDArray[Any], camera: Merlin = CAMERA, /, **keys: int) -> Path:
    """Write frames, and a sidecar if something is to stand in it."""
    path = directory / "scan.mib"
    path.write_bytes(camera.part(pixels))
    settings(directory, **keys)
    return path


def settings(directory: Path, **keys: int) -> None:
    """Write a sidecar if something is to stand in it, and remove one that is there otherwise."""
    sidecar = directory / "scan.hdr"
    sidecar.unlink(missing_ok=True)
    if keys:
        sidecar.write_bytes(sidecar_text({_KEYS[name]: value for name, value in keys.items()}))


def scan_axes(*names: str) -> list[Axis]:
    """Give axes of a scan with these names, and of the detector, without calibrations."""
    return [*(Axis(name) for name in names), Axis("ky"), Axis("kx")]


def placed(frames: NDArray[Any], index: Sequence[int], shape: tuple[int, ...]) -> dict[str, Any]:
    """Give pixels and valid steps of a scan of which each step shows a frame, or none for -1."""
    where = np.asarray([*index, *[-1] * (int(np.prod(shape)) - len(index))]).reshape(shape)
    return {"pixels": frames[where], "valid": where >= 0}
