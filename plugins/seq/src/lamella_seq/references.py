"""Dark frame and gain map, which Direct Electron writes beside a sequence as MRC files; row 0 is row 0 of frames.

They are called ``BASE.seq.dark.mrc`` and ``BASE.seq.gain.mrc``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, TruncatedError
from lamella.reader import Corrections, FileCorrections, Probe, read_records, take_record
from lamella_seq.defects import excluded_pixels
from lamella_seq.settings import REMEDY, Settings, sidecar

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["corrections_of"]

REFERENCE = np.dtype([("size", "<i4", 3), ("mode", "<i4"), ("rest", "V76"), ("nsymbt", "<i4"), ("more", "V928")])
"""What is needed of the header of an MRC file."""

MODES = {0: "i1", 1: "<i2", 2: "<f4", 6: "<u2"}


def corrections_of(
    probe: Probe, base: str, settings: Settings, sig_shape: tuple[int, int]
) -> tuple[FileCorrections, tuple[str, ...]]:
    """Give the corrections of a recording, and what a user should know about them; references are read when needed.

    Raises
    ------
    FormatError
        If a file is damaged, or does not fit the frames.
    """
    paths = {name: sidecar(probe, base, f".{name}.mrc") for name in ("dark", "gain")}
    references = {name: _reference(path, sig_shape) for name, path in paths.items() if path is not None}
    excluded, notes = excluded_pixels(probe, base, settings, sig_shape)
    if references:
        return partial(_measured, references, excluded), notes
    corrections = Corrections(excluded=excluded, allow_empty=True)
    return corrections if corrections else None, notes


def _measured(references: Mapping[str, _Reference], excluded: NDArray[np.bool_] | None) -> Corrections:
    planes: dict[str, Any] = {name: reference.read() for name, reference in references.items()}
    return Corrections(**planes, excluded=excluded, allow_empty=True)


@dataclass(frozen=True, slots=True)
class _Reference:
    """A dark frame or gain map whose header fits the frames: where its pixels lie in the file."""

    path: Path
    offset: int
    dtype: np.dtype[Any]
    sig_shape: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Size of the pixels [bytes]."""
        return math.prod(self.sig_shape) * self.dtype.itemsize

    def read(self) -> NDArray[np.float32]:
        """Read the pixels."""
        [plane] = read_records(self.path, [self.offset], np.dtype((self.dtype, self.sig_shape)))
        return np.asarray(plane, dtype=np.float32)


def _reference(path: Path, sig_shape: tuple[int, int]) -> _Reference:
    """Look at the header of a reference."""
    probe = Probe.of(path)
    header = take_record(probe.head, REFERENCE, path=path, what="header of the reference", remedy=REMEDY)
    width, height, _ = header["size"].tolist()
    if int(header["mode"]) not in MODES:
        raise CorruptError("not a reference in MRC format", path=path, found=f"mode {header['mode']}", remedy=REMEDY)
    if (height, width) != sig_shape:
        raise CorruptError(
            "the reference does not fit the frames",
            path=path,
            expected=f"{sig_shape[0]} x {sig_shape[1]} pixels",
            found=f"{height} x {width} pixels",
            remedy=REMEDY,
        )
    offset = REFERENCE.itemsize + max(0, int(header["nsymbt"]))
    reference = _Reference(path, offset, np.dtype(MODES[int(header["mode"])]), sig_shape)
    if probe.size < offset + reference.nbytes:
        raise TruncatedError(
            "the reference is incomplete",
            path=path,
            expected=f"{reference.nbytes} bytes from byte {offset}",
            found=f"{probe.size} bytes",
            remedy=REMEDY,
        )
    return reference
