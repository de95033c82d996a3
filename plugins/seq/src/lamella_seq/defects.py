"""Bad pixels of the sensor of a Direct Electron camera, as a mask of the part of it that was read out.

``BadPixels`` in ``BASE.seq.Config.Metadata.xml`` lists defects in rows and columns of the sensor, in a map for each
binning; the binary ``NAME.seq.metadata`` says which part of the sensor was read out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

import numpy as np

from lamella.errors import CorruptError, FormatError
from lamella.reader import Caution, Probe
from lamella_seq.settings import REMEDY, Settings, sidecar

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["excluded_pixels"]

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


def excluded_pixels(
    probe: Probe, base: str, settings: Settings, sig_shape: tuple[int, int]
) -> tuple[NDArray[np.bool_] | None, tuple[str, ...]]:
    """Give the bad pixels as a mask of the frames, and notes for the user.

    Raises
    ------
    FormatError
        If they are damaged, or the frames lie outside the sensor.
    """
    maps = [] if settings.root is None else list(settings.root.iter("BadPixelMap"))
    if not maps or settings.path is None:
        return None, ()
    path = probe.sibling(f"{probe.stem}.seq.metadata") or sidecar(probe, base, ".metadata")
    if path is None:
        text = "bad pixels are not used, for the file .metadata that says which part was read out is missing"
        return None, (Caution(text),)
    readout = _readout(path, settings, sig_shape)
    if readout is None:
        return None, (Caution("bad pixels are not used, because it is unclear which part of the sensor was read out"),)
    try:
        chosen = _map_for(maps, readout["binning"])
        if chosen is None:
            text = f"bad pixels are not used, because there is no map for binning {readout['binning']}"
            return None, (Caution(text),)
        mask = _mask(chosen, readout, sig_shape)
    except (ValueError, OverflowError) as error:
        raise CorruptError(f"the bad pixels cannot be read ({error})", path=settings.path, remedy=REMEDY) from error
    except FormatError as error:
        raise CorruptError(
            error.problem, path=settings.path, expected=error.expected, found=error.found, remedy=REMEDY
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
