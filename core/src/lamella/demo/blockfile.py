"""A writer of NanoMEGAS block files (``.blo``) for the demonstration; knows nothing of the plugin that reads them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BlockfileWriter", "Setup"]

_HEADER = np.dtype(
    [
        ("id", "S6"),
        ("version", "<u2"),
        ("off_vbf", "<u4"),
        ("off_dp", "<u4"),
        ("flags", "<u4"),
        ("dp_sz", "<u2"),
        ("dp_rotation", "<u2"),
        ("nx", "<u2"),
        ("ny", "<u2"),
        ("scan_rotation", "<u2"),
        ("sx", "<f8"),
        ("sy", "<f8"),
        ("beam_energy", "<u4"),
        ("sdp", "<u2"),
        ("camera_length", "<u4"),
        ("acquired", "<f8"),
        ("centering", "<f8", 8),
        ("distortion", "<f8", 14),
    ]
)
_OFF_VBF = 4096
_EPOCH = datetime(1899, 12, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the header says: scan step [nm], beam energy [eV], camera length [m], pixel [m], start, note."""

    scan_shape: tuple[int, int]
    detector: int
    step: float
    beam_energy: float
    camera_length: float
    pixel: float
    acquired: datetime
    note: str = ""


class BlockfileWriter:
    """Writes frames one stretch after the other, holding only that stretch in memory.

    The file appears under its name when it is complete; leaving by an exception leaves nothing.
    """

    def __init__(self, path: Path, setup: Setup) -> None:
        self._path = path
        self._partial = path.with_name(path.name + ".part")
        self._n_frames = setup.scan_shape[0] * setup.scan_shape[1]
        self._off_dp = -(-(_OFF_VBF + self._n_frames) // 16) * 16
        self._record = np.dtype(
            [("marker", "S2"), ("index", "<u4"), ("pixels", "u1", (setup.detector, setup.detector))]
        )
        self._brightness = np.zeros(self._n_frames)
        self._written = 0
        self._setup = setup
        self._files = ExitStack()

    @property
    def nbytes(self) -> int:
        """Size of the complete file [bytes]."""
        return self._off_dp + self._n_frames * self._record.itemsize

    def __enter__(self) -> Self:
        with ExitStack() as files:
            files.callback(self._partial.unlink, missing_ok=True)
            self._file = files.enter_context(self._partial.open("wb"))
            self._file.write(_header(self._setup, self._off_dp) + self._setup.note.encode("latin-1"))
            self._file.seek(self._off_dp)
            self._files = files.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._files:
            if error is None:
                self._file.seek(_OFF_VBF)
                self._file.write(self._navigator().tobytes())
                self._file.close()
                self._partial.replace(self._path)

    def write(self, frames: NDArray[np.uint8]) -> None:
        """Append frames of shape ``(n, height, width)``."""
        records: NDArray[Any] = np.empty(len(frames), dtype=self._record)
        records["marker"] = b"\xaa\x55"
        records["index"] = np.arange(self._written, self._written + len(frames))
        records["pixels"] = frames
        self._file.write(records.data)
        stretch = slice(self._written, self._written + len(frames))
        self._brightness[stretch] = frames.sum(axis=(1, 2))
        self._written += len(frames)

    def _navigator(self) -> NDArray[np.uint8]:
        low, high = self._brightness.min(), self._brightness.max()
        grey: NDArray[np.uint8] = (255 * (self._brightness - low) / max(high - low, 1)).astype(np.uint8)
        return grey


def _header(setup: Setup, off_dp: int) -> bytes:
    header = np.zeros((), dtype=_HEADER)
    ny, nx = setup.scan_shape
    values = {
        "id": b"IMGBLO",
        "version": 0x0102,
        "off_vbf": _OFF_VBF,
        "off_dp": off_dp,
        "dp_sz": setup.detector,
        "nx": nx,
        "ny": ny,
        "sx": setup.step,
        "sy": setup.step,
        "beam_energy": setup.beam_energy,
        "sdp": round(1 / setup.pixel),  # 100 pixels per cm, so pixels per metre
        "camera_length": round(setup.camera_length * 1e4),
        "acquired": (setup.acquired - _EPOCH).total_seconds() / 86400,
    }
    for name, value in values.items():
        header[name] = value
    return header.tobytes()
