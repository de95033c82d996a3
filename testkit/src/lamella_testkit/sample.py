"""The scan that a sampler is asked to write: pixel values that betray every swap, flip, shift and lost sign."""

from __future__ import annotations

import math
import os
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import Axis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Recorded", "Sample", "SampleData", "Special", "Wrong", "pixel_values"]

SPECIAL = -1
"""The seed for extreme pixel values."""

_PIECE = 1 << 14
_GOLDEN = 0x9E3779B97F4A7C15  # odd: multiplying by it permutes the numbers of any number of bits


@dataclass(frozen=True)
class SampleData:
    """A scan to be written to a file.

    Parameters
    ----------
    nav_shape, sig_shape
        Shape of the scan and of a frame.
    dtype
        How pixels are stored, with byte order.
    bits
        Pixel values stay below ``2**bits``, for formats that pack them; all bits of the dtype if None.
    variant
        One of the variants that the sampler names.
    seed
        Another number gives other pixel values; `SPECIAL` gives the extreme ones: infinite, NaN, largest, smallest.
    stem
        What file names should begin with, where the format leaves that open.

    Examples
    --------
    >>> data = SampleData((2, 3), (4, 5), "<u2")
    >>> data.pixels.shape, data.n_frames, len(np.unique(data.pixels))
    ((2, 3, 4, 5), 6, 120)
    """

    nav_shape: tuple[int, ...]
    sig_shape: tuple[int, ...]
    dtype: str
    bits: int | None = None
    variant: str = ""
    seed: int = 0
    stem: str = "scan"

    @property
    def n_frames(self) -> int:
        """The number of frames."""
        return math.prod(self.nav_shape)

    @property
    def stored_dtype(self) -> np.dtype[Any]:
        """The dtype of the pixels in the file."""
        return np.dtype(self.dtype)

    @property
    def native_dtype(self) -> np.dtype[Any]:
        """The dtype in which a reader must present the pixels."""
        return self.stored_dtype.newbyteorder("=")

    @property
    def nbytes(self) -> int:
        """The size of the pixels [bytes]."""
        return self.n_frames * math.prod(self.sig_shape) * self.stored_dtype.itemsize

    @cached_property
    def pixels(self) -> NDArray[Any]:
        """The pixels in stored dtype, shape ``(*nav_shape, *sig_shape)``, all different where the dtype has room."""
        shape = (*self.nav_shape, *self.sig_shape)
        values = pixel_values(math.prod(shape), self.stored_dtype, bits=self.bits, seed=self.seed).reshape(shape)
        values.setflags(write=False)
        return values

    @property
    def frames(self) -> NDArray[Any]:
        """The pixels as one frame after the other, shape ``(n_frames, *sig_shape)``."""
        return self.pixels.reshape(self.n_frames, *self.sig_shape)

    @cached_property
    def nav_axes(self) -> tuple[Axis, ...]:
        """A calibration for the scan, another for each axis, for formats that store one."""
        names = "yx" if len(self.nav_shape) == 2 else [f"scan{i}" for i in range(len(self.nav_shape))]
        return tuple(Axis(name, 0.25 * (i + 2), 0.0, "nm") for i, name in enumerate(names))

    @cached_property
    def sig_axes(self) -> tuple[Axis, ...]:
        """A calibration for the detector, another for each axis, for formats that store one."""
        names = ("ky", "kx") if len(self.sig_shape) == 2 else [f"k{i}" for i in range(len(self.sig_shape))]
        return tuple(Axis(name, 0.125 * (i + 3), 0.0, "1/nm") for i, name in enumerate(names))

    def tobytes(self) -> bytes:
        """Give the stored pixels, one frame after the other."""
        return self.pixels.tobytes()

    def but(self, **changes: Any) -> SampleData:
        """Give the same scan with something changed."""
        return replace(self, **changes)

    def __str__(self) -> str:
        variant = f", variant {self.variant!r}" if self.variant else ""
        seed = f", seed {self.seed}" if self.seed else ""
        return f"a scan of {self.nav_shape} with frames of {self.sig_shape}, dtype {self.dtype!r}{variant}{seed}"


@dataclass(frozen=True)
class Sample:
    """A scan that was written: what `lamella.open` takes, and the model to compare with."""

    data: SampleData
    directory: Path
    target: object
    keywords: Mapping[str, Any]

    @property
    def path(self) -> Path:
        """The main file."""
        return Path(self.target)  # type: ignore[arg-type]

    @property
    def files(self) -> list[Path]:
        """Every file of the sample, the main file first."""
        found = sorted(path for path in self.directory.rglob("*") if path.is_file())
        return sorted(found, key=lambda path: path != self.path)

    @property
    def sidecars(self) -> list[Path]:
        """The files beside the main file."""
        return self.files[1:]

    @property
    def nbytes(self) -> int:
        """The size of all files [bytes]."""
        found = (Path(folder, name) for folder, _, names in os.walk(self.directory) for name in names)
        return sum(path.stat().st_size for path in found if path.is_file())


@dataclass(frozen=True)
class Special:
    """A right file that is not a whole scan, frame after frame, and what a reader must find in it.

    Lost frames, frames before and after the scan, an interrupted recording, a parameter that changes what is read,
    corrections, another calibration. What is None is left open.

    Parameters
    ----------
    text
        What is special.
    keywords
        What `lamella.open` needs, as for `Sampler.write`; ``path`` may be a list of files.
    pixels
        What each step of the scan shows, shape ``(*nav_shape, *sig_shape)``; steps without a frame may hold anything.
    valid
        Which steps have a frame, shape ``nav_shape``; all of them if None.
    per_frame
        Arrays with one entry per stored frame, by their names; None for one that must not be there. Others may be
        there as well.
    corrections
        The arrays ``"dark"``, ``"gain"`` and ``"excluded"`` that belong to the data, and no others.
    metadata, raw_metadata, details
        Entries that must be there.
    axes
        The axes of scan and detector, with their names.
    navigator
        The image of the scan.
    notes
        Number of notes to the user, or whether there are any.
    end
        The end of the last frame: as many pixels along each detector axis as are given. For files that are too large
        to be compared, of which `Sampler.write_sparse` gives one; of ``per_frame``, the last entries are compared then.
    warnings
        How many of the notes are also warnings, `lamella.reader.Caution`.
    alternatives
        Other shapes of the scan that a user is offered, in their order.
    confidence
        The confidence with which the reader recognises it, 0 if not at all; at least that of usual files if None.
    """

    text: str
    keywords: Mapping[str, Any]
    _: KW_ONLY
    pixels: NDArray[Any] | None = None
    valid: NDArray[np.bool_] | None = None
    per_frame: Mapping[str, object] | None = None
    corrections: Mapping[str, object] | None = None
    metadata: Mapping[str, object] | None = None
    raw_metadata: Mapping[str, object] | None = None
    axes: Sequence[Axis] | None = None
    navigator: object = None
    notes: int | None = None
    end: NDArray[Any] | None = None
    warnings: int | None = None
    alternatives: Sequence[tuple[int, ...]] | None = None
    confidence: int | None = None
    details: Mapping[str, object] | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Wrong:
    """A file that a reader has to refuse, and how.

    Parameters
    ----------
    text
        What is wrong.
    keywords
        What `lamella.open` needs, as for `Sampler.write`.
    error
        The class of the error, and no class derived from it: `lamella.errors.TruncatedError` tells a user to copy the
        file again, `lamella.errors.UnsupportedError` that the file is all right. Left open if None.
    confidence
        The confidence with which the reader still recognises it, 0 if not at all. Left open if None.
    """

    text: str
    keywords: Mapping[str, Any]
    error: type[Exception] | None = None
    confidence: int | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A real file with what an independent reader found in it.

    Parameters
    ----------
    path
        The main file.
    sha256
        Checksum of the main file.
    expected
        The pixels, shape ``(*nav_shape, *sig_shape)``.
    keywords
        What `lamella.open` needs besides the path.
    """

    path: Path
    sha256: str
    expected: NDArray[Any]
    keywords: Mapping[str, Any]


def pixel_values(count: int, dtype: np.dtype[Any], *, bits: int | None = None, seed: int = 0) -> NDArray[Any]:
    """Give ``count`` values of ``dtype`` that use its whole range, without a repetition as long as there is room.

    Floating point values are finite, of both signs, and have fractions.
    """
    if seed == SPECIAL:
        return _extremes(count, dtype, bits)
    steps = np.arange(count, dtype=np.uint64) + np.uint64(1 + 7919 * seed)
    if dtype.kind == "b":
        return (_mixed(steps) & np.uint64(1)).astype(dtype)
    if dtype.kind == "c":
        part = np.dtype(f"{dtype.byteorder}f{dtype.itemsize // 2}")
        pairs = np.empty(count, dtype=dtype)
        pairs.real = pixel_values(count, part, seed=seed)
        pairs.imag = pixel_values(count, part, seed=seed + 1)
        return pairs
    if dtype.kind == "f":
        return _floats(steps, dtype)
    width = min(bits or 64, 8 * dtype.itemsize)
    values = _permuted(steps, width) if count <= 1 << min(width, 62) else _mixed(steps) >> np.uint64(64 - width)
    unsigned = values.astype(f"u{dtype.itemsize}")
    return unsigned.view(f"{dtype.kind}{dtype.itemsize}").astype(dtype)


def _permuted(steps: NDArray[np.uint64], width: int) -> NDArray[np.uint64]:
    """Give different numbers of ``width`` bits for different steps below ``2**width``."""
    mask = np.uint64((1 << width) - 1)
    return (steps * np.uint64(_GOLDEN >> (64 - width) | 1)) & mask


def _mixed(steps: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Give 64 well mixed bits per step, piece by piece: large frames would not stay in the cache."""
    mixed = np.empty(len(steps), dtype=np.uint64)
    shifted = np.empty(min(len(steps), _PIECE), dtype=np.uint64)
    for first in range(0, len(steps), _PIECE):
        piece = mixed[first : first + _PIECE]
        other = shifted[: len(piece)]
        np.multiply(steps[first : first + _PIECE], np.uint64(_GOLDEN), out=piece)
        for bits, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            np.right_shift(piece, np.uint64(bits), out=other)
            piece ^= other
            piece *= np.uint64(factor)
    return mixed


def _extremes(count: int, dtype: np.dtype[Any], bits: int | None) -> NDArray[Any]:
    if dtype.kind == "c":
        part = np.dtype(f"{dtype.byteorder}f{dtype.itemsize // 2}")
        return np.roll(np.resize(_extremes(count, part, bits), 2 * count), 1).view(dtype)[:count]
    if dtype.kind == "f":
        limits = np.finfo(dtype)
        few = [0.0, -0.0, np.nan, np.inf, -np.inf, limits.max, limits.min, limits.tiny, -limits.smallest_subnormal, 1]
    elif dtype.kind == "b":
        few = [False, True, True]
    else:
        top = np.iinfo(dtype).max if bits is None else (1 << bits) - 1
        few = [0, top, np.iinfo(dtype).min, 1, top - 1, top // 2, top // 2 + 1]
    return np.resize(np.asarray(few, dtype=dtype.newbyteorder("=")), count).astype(dtype)


def _floats(steps: NDArray[np.uint64], dtype: np.dtype[Any]) -> NDArray[Any]:
    digits = np.finfo(dtype).nmant
    width = min(digits + 1, 40)
    sign = 1.0 - 2.0 * (_mixed(steps) & np.uint64(1)).astype(np.float64)
    whole = _permuted(steps, width).astype(np.float64) + 1.0
    return (sign * whole / (1 << (width // 2))).astype(dtype)
