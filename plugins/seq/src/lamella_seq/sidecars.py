"""What Direct Electron writes beside a sequence: dark frame, gain map, settings and bad pixels.

==============================  ====================================================================
``BASE.seq.dark.mrc``           dark frame, one section of an MRC file; row 0 is row 0 of frames
``BASE.seq.gain.mrc``           gain map, alike
``BASE.seq.Config.Metadata.xml``  ``FileInfo``: settings; ``BadPixels``: defects in rows and columns of the sensor
``NAME.seq.metadata``           binary: which part of the sensor was read out
==============================  ====================================================================

``BASE`` is the name of the sequence without ``.seq``, or without ``.seq.seq``; the ``.seq`` before the ending may lack.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import ElementTree  # type: ignore[import-untyped]

from lamella.correcting import FileCorrections
from lamella.corrections import Corrections
from lamella.detect import Probe
from lamella.errors import CorruptError, FormatError, TruncatedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Settings", "corrections_of", "read_settings", "sidecar"]

REFERENCE = np.dtype([("size", "<i4", 3), ("mode", "<i4"), ("rest", "V76"), ("nsymbt", "<i4"), ("more", "V928")])
"""What is needed of the header of an MRC file."""

MODES = {0: "i1", 1: "<i2", 2: "<f4", 6: "<u2"}

READOUTS = (  # version-dependent layouts of the binary metadata: offset, names of 32-bit integers from there
    (282, ("size", "version", "width", "height", "left", "top", "binning", "bits", "rate", "rotation", "flip")),
    (276, ("version", "width", "height", "left", "top", "binning", "bits")),
)

FILE_INFO = {
    "width": "ImageSizeX",
    "height": "ImageSizeY",
    "left": "ImageOffsetX",
    "top": "ImageOffsetY",
    "binning": "ImageBinning",
}
"""The same in ``FileInfo``."""

_LONGEST_XML = 1 << 22
_REMEDY = "Mend or rename it, or give sidecars=False"


@dataclass(frozen=True, slots=True)
class Settings:
    """``Config.Metadata.xml`` and what a user should know about it."""

    path: Path | None = None
    text: str = ""
    root: Element | None = None
    values: dict[str, str] = field(default_factory=dict)

    def number(self, name: str) -> float:
        """Give a positive number, 0 if there is none."""
        try:
            value = float(self.values.get(name, ""))
        except ValueError:
            return 0.0
        return value if 0 < value < 1e12 else 0.0


def sidecar(probe: Probe, base: str, ending: str) -> Path | None:
    """Give the file beside a sequence that has an ending, whichever way it is spelled."""
    names = (f"{base}.seq{ending}", f"{base}.seq.seq{ending}", f"{base}{ending}")
    return next((path for name in names if (path := probe.sibling(name)) is not None), None)


def read_settings(probe: Probe, base: str) -> Settings:
    """Give the settings of a recording; empty ones if there is no such file.

    Raises
    ------
    CorruptError
        If the file is damaged.
    """
    path = sidecar(probe, base, ".Config.Metadata.xml")
    if path is None:
        return Settings()
    content = Probe.of(path).read(0, _LONGEST_XML)
    try:
        root = ElementTree.fromstring(content)
    except (ParseError, ValueError, LookupError) as error:  # what defusedxml refuses is a ValueError
        raise CorruptError(f"the settings cannot be read ({error})", path=path, remedy=_REMEDY) from error
    info = root.find(".//FileInfo")
    values = {} if info is None else {one.tag: one.get("Value") or "" for one in info}
    return Settings(path, content.decode("utf-8", errors="replace"), root, values)


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
    excluded, notes = _excluded(probe, base, settings, sig_shape)
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
        raw = Probe.of(self.path).read(self.offset, self.nbytes)
        if len(raw) < self.nbytes:
            raise TruncatedError("the reference was cut since the sequence was opened", path=self.path, remedy=_REMEDY)
        return np.frombuffer(raw, self.dtype).reshape(self.sig_shape).astype(np.float32)


def _reference(path: Path, sig_shape: tuple[int, int]) -> _Reference:
    """Look at the header of a reference."""
    probe = Probe.of(path)
    if probe.size < REFERENCE.itemsize:
        raise TruncatedError("the header of the reference is incomplete", path=path, remedy=_REMEDY)
    header = np.frombuffer(probe.head, REFERENCE, count=1)[0]
    width, height, _ = header["size"].tolist()
    if int(header["mode"]) not in MODES:
        raise CorruptError("not a reference in MRC format", path=path, found=f"mode {header['mode']}", remedy=_REMEDY)
    if (height, width) != sig_shape:
        raise CorruptError(
            "the reference does not fit the frames",
            path=path,
            expected=f"{sig_shape[0]} x {sig_shape[1]} pixels",
            found=f"{height} x {width} pixels",
            remedy=_REMEDY,
        )
    offset = REFERENCE.itemsize + max(0, int(header["nsymbt"]))
    reference = _Reference(path, offset, np.dtype(MODES[int(header["mode"])]), sig_shape)
    if probe.size < offset + reference.nbytes:
        raise TruncatedError(
            "the reference is incomplete",
            path=path,
            expected=f"{reference.nbytes} bytes from byte {offset}",
            found=f"{probe.size} bytes",
            remedy=_REMEDY,
        )
    return reference


def _excluded(
    probe: Probe, base: str, settings: Settings, sig_shape: tuple[int, int]
) -> tuple[NDArray[np.bool_] | None, tuple[str, ...]]:
    """Give the bad pixels as a mask of the frames."""
    maps = [] if settings.root is None else list(settings.root.iter("BadPixelMap"))
    if not maps or settings.path is None:
        return None, ()
    path = probe.sibling(f"{probe.stem}.seq.metadata") or sidecar(probe, base, ".metadata")
    if path is None:
        return None, ("bad pixels are not used, for the file .metadata that says which part was read out is missing",)
    readout = _readout(path, settings, sig_shape)
    if readout is None:
        return None, ("bad pixels are not used, for it is unclear which part of the sensor was read out",)
    try:
        chosen = _map_for(maps, readout["binning"])
        if chosen is None:
            return None, (f"bad pixels are not used, for there is no map for binning {readout['binning']}",)
        mask = _mask(chosen, readout, sig_shape)
    except (ValueError, OverflowError) as error:
        raise CorruptError(f"the bad pixels cannot be read ({error})", path=settings.path, remedy=_REMEDY) from error
    except FormatError as error:
        raise CorruptError(
            error.problem, path=settings.path, expected=error.expected, found=error.found, remedy=_REMEDY
        ) from error
    turned = any(readout.get(name) for name in ("rotation", "flip"))
    return mask, ("bad pixels are used as given, although frames may be rotated or flipped",) if turned else ()


def _readout(path: Path, settings: Settings, sig_shape: tuple[int, int]) -> dict[str, int] | None:
    """Give the part of the sensor that was read out, by the first source that is consistent with the frames."""
    probe = Probe.of(path)
    candidates = []
    for offset, names in READOUTS:
        raw = probe.read(offset, 4 * len(names))
        if len(raw) == 4 * len(names):
            candidates.append(dict(zip(names, np.frombuffer(raw, "<i4").tolist(), strict=True)))
    candidates.append({name: int(settings.number(value)) for name, value in FILE_INFO.items()})
    for one in candidates:
        one["binning"] = one["binning"] or 1
    return next((one for one in candidates if _is_sane(one, sig_shape)), None)


def _is_sane(readout: dict[str, int], sig_shape: tuple[int, int]) -> bool:
    binning = readout["binning"]
    if not 1 <= binning <= 8 or not all(0 <= readout[name] <= 1 << 14 for name in ("left", "top")):
        return False
    return (readout["height"] // binning, readout["width"] // binning) == sig_shape


def _map_for(maps: Sequence[Element], binning: int) -> Element | None:
    """Give the map of the whole sensor for a binning: the one with the most columns."""
    fitting = [one for one in maps if (int(one.get("Binning", "1")) > 1) == (binning > 1)]
    return max(fitting, key=lambda one: int(one.get("Columns", "0")), default=None)


def _mask(chosen: Element, readout: dict[str, int], sig_shape: tuple[int, int]) -> NDArray[np.bool_]:
    sensor = int(chosen.get("Rows", "0")), int(chosen.get("Columns", "0"))
    begin = readout["top"] // readout["binning"], readout["left"] // readout["binning"]
    if any(b + n > whole for b, n, whole in zip(begin, sig_shape, sensor, strict=True)):
        raise CorruptError(
            "the frames lie outside the map of bad pixels",
            expected=f"{sig_shape[0]} x {sig_shape[1]} pixels from row {begin[0]} and column {begin[1]}",
            found=f"a map of {sensor[0]} x {sensor[1]}",
        )
    mask = np.zeros(sig_shape, dtype=np.bool_)
    for defect in chosen.iter("Defect"):
        if all(defect.get(name) is None for name in ("Row", "Rows", "Column", "Columns")):
            raise ValueError("a defect without row and column")
        rows, columns = (_span(defect, name, begin[i], sig_shape[i]) for i, name in enumerate(("Row", "Column")))
        mask[np.ix_(rows, columns)] = True
    return mask


def _span(defect: Element, name: str, begin: int, length: int) -> NDArray[np.int64]:
    """Give the rows or columns of a defect that lie within the frames; all if it names none."""
    several, one = defect.get(f"{name}s"), defect.get(name)
    if several is None and one is None:
        return np.arange(length)
    first, _, last = (several or one or "").partition("-")
    low, high = int(first), int(last or first)
    span = np.arange(max(low - begin, 0), max(min(high - begin + 1, length), 0))
    pattern = defect.get("pattern")  # repeats along columns, or along rows where a single column is meant
    if not pattern or several is None or (name == "Row" and defect.get("Columns") is not None):
        return span
    wanted = np.array([int(digit) != 0 for digit in pattern])
    kept: NDArray[np.int64] = span[wanted[(span + begin - low) % len(wanted)]]
    return kept
