"""What lies beside the frames: XML of the acquisition software in all its versions, or JSON of the community.

Sources: files of the versions 0.51, 0.7.12 and 1.2.2 of the software, and the documentation of RosettaSciIO
(https://hyperspy.org/rosettasciio/supported_formats/empad.html).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as fresh
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defusedxml import ElementTree  # type: ignore[import-untyped]

from lamella.errors import CorruptError, FormatError, TruncatedError, UnsupportedError
from lamella.metadata import Axis, Metadata

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from lamella.detect import Probe

__all__ = ["MODES", "OPEN_RAW", "SUFFIXES", "Shapes", "Sidecar", "read_sidecar", "sidecar_of"]

SUFFIXES = ("xml", "json")

Shapes = tuple[tuple[tuple[int, ...], str], ...]
"""Scan shapes that are stated, each with its origin, the most reliable first."""

BEAM_ENERGY = ("source.get_voltage", "high_voltage")
CAMERA_LENGTH = ("optics.get_cameralength", "nominal_camera_length")
FIELD_OF_VIEW, NEW_FIELD_OF_VIEW = "optics.get_full_scan_field_of_view", "full_scan_field_of_view"
MODES = "scan_parameters"
DETECTOR_STEP = "calibrated_pixelsize"
"""Elements below ``iom_measurements`` in old and in new versions; values in V, m, m, and 1/nm times 1e-9."""

_LARGEST = 256 << 10  # bytes; those of the software have about 4 KiB
_MOST = 64  # sidecars that are looked at in one folder
_DEEPEST = 16  # levels of XML
OPEN_RAW = "Open the .raw file itself; give nav_shape if its name does not tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """What a sidecar says.

    Parameters
    ----------
    name, raw_name
        The names of the sidecar and of the raw file, without folders.
    shapes
        Scan shapes.
    field, longest
        Width and height of the scan [m]; the length of its longer side [m].
    steps
        Distance of scan positions along y and x [m].
    detector_step
        Size of a detector pixel, and its unit.
    metadata, raw
        The typed schema, and everything.
    """

    name: str
    raw_name: str = ""
    shapes: Shapes = ()
    field: tuple[float, ...] = ()
    longest: float | None = None
    steps: tuple[float, ...] = ()
    detector_step: tuple[float, str] | None = None
    metadata: Metadata = fresh(default_factory=Metadata)
    raw: dict[str, Any] = fresh(default_factory=dict)

    def nav_axes(self, shape: tuple[int, ...]) -> tuple[Axis, ...]:
        """Give the axes of a scan of some shape."""
        if len(shape) != 2:
            return ()
        steps = self.steps
        if self.field:
            steps = tuple(length / n for length, n in zip(reversed(self.field), shape, strict=False))
        if self.longest:
            steps = (self.longest / max(shape),) * 2
        scales = [1e9 * step for step in steps]
        if len(scales) != 2 or not all(math.isfinite(scale) and scale for scale in scales):
            return ()
        return tuple(Axis(name, scale, 0.0, "nm") for name, scale in zip("yx", scales, strict=True))


def read_sidecar(path: Path) -> Sidecar:
    """Read a sidecar.

    Raises
    ------
    FormatError
        If it is not one of EMPAD, or damaged.
    """
    text = _start(path)
    try:
        if len(text) > _LARGEST:
            raise FormatError("too large for a sidecar of EMPAD", path=path, expected=f"at most {_LARGEST} bytes")
        return _from_json(path, text) if path.suffix.lower() == ".json" else _from_xml(path, text)
    except FormatError:
        raise
    except Exception as error:  # what parsers of XML and JSON raise, and levels without end
        end = "}" if path.suffix.lower() == ".json" else "</root>"
        if not text.rstrip().endswith(end.encode()):
            found = f"{len(text)} bytes that end with {text[-16:]!r}"
            raise TruncatedError(
                "the sidecar was cut", path=path, expected=end, found=found, remedy=OPEN_RAW
            ) from error
        raise CorruptError(f"damaged ({type(error).__name__}: {error})", path=path, remedy=OPEN_RAW) from error


def sidecar_of(probe: Probe) -> tuple[Sidecar | None, tuple[str, ...]]:
    """Give the sidecar that names a raw file, and notes about damaged ones that do."""
    assert probe.path is not None
    notes = []
    names = [name for name in probe.siblings if name.lower().endswith((".xml", ".json"))]
    for name in names[:_MOST]:
        path = probe.sibling(name)
        try:
            if path is None or probe.path.name.encode() not in _start(path):
                continue
            sidecar = read_sidecar(path)
        except (FormatError, OSError) as error:
            notes.append(f"{name} was left out: {error}")
            continue
        if sidecar.raw_name == probe.path.name:
            return sidecar, tuple(notes)
    return None, tuple(notes)


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST + 1)


def _from_xml(path: Path, text: bytes) -> Sidecar:
    root = ElementTree.fromstring(text)
    raw_file, timestamp = root.find("raw_file"), root.find("timestamp")
    if raw_file is None or (root.find("scan_parameters") is None and root.find("camserver_parameters") is None):
        expected = "raw_file, and scan_parameters or camserver_parameters"
        raise FormatError("not the XML of an EMPAD", path=path, expected=expected, found=f"<{root.tag}>")
    kind = root.findtext("type") or "scan"
    if kind not in ("scan", "series"):
        expected, found = "'scan' or 'series'", repr(kind)
        raise UnsupportedError("unknown type", path=path, expected=expected, found=found, remedy=OPEN_RAW)
    measured = root.find("iom_measurements")
    measured = root if measured is None else measured
    exposure, detector = _number(root, "exposure_time"), _number(measured, DETECTOR_STEP)
    return Sidecar(
        name=path.name,
        raw_name=_base_name(raw_file.get("filename", "")),
        shapes=tuple(_shapes_in_xml(root, kind)),
        field=_numbers(measured.findtext(FIELD_OF_VIEW)),
        longest=_longest_side(measured),
        detector_step=(1e9 * detector, "1/nm") if detector else None,
        metadata=Metadata(
            title=root.get("name") or None,
            acquired=None if timestamp is None else _date(timestamp.get("isoformat", "")),
            software=(root.findtext("software_version") or "").strip() or None,
            detector="EMPAD",
            mode=kind,
            beam_energy=_number(measured, *BEAM_ENERGY),
            camera_length=_number(measured, *CAMERA_LENGTH),
            exposure_time=None if exposure is None else 1e-3 * exposure,
        ),
        raw={root.tag: _as_json(root)},
    )


def _shapes_in_xml(root: Element, kind: str) -> Iterator[tuple[tuple[int, ...], str]]:
    if kind == "series":
        yield from _shape(root, "count", "count")
        yield from _shape(root, "series_count", f"{MODES}/series_count")
        return
    yield from _shape(root, "pix_x and pix_y", "pix_y", "pix_x")
    for mode in ("acquire", "search"):
        block = f"{MODES}[@mode='{mode}']/scan_resolution"
        yield from _shape(root, f"{MODES} of {mode!r}", f"{block}_y", f"{block}_x")


def _shape(root: Element, origin: str, *paths: str) -> Iterator[tuple[tuple[int, ...], str]]:
    sizes = tuple(int(_number(root, path) or 0) for path in paths)
    if all(0 < size < 10**9 for size in sizes):
        yield sizes, origin


def _longest_side(measured: Element) -> float | None:
    """Give the longer side of the scan, which new versions state multiplied by the scale factor."""
    width, factor = (_number(measured, f"{NEW_FIELD_OF_VIEW}/{name}") for name in ("x", "scale_factor"))
    return width / factor if width and factor else None


def _number(element: Element, *paths: str) -> float | None:
    found = [number for path in paths for number in _numbers(element.findtext(path))]
    return found[0] if found else None


def _numbers(text: str | None) -> tuple[float, ...]:
    """Give the numbers in a text like ``"[1e-6, 2e-6]"``."""
    found = re.findall(r"[-+]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][-+]?\d{1,4})?", text or "")
    return tuple(number for number in map(float, found[:64]) if math.isfinite(number))


def _date(text: str) -> str | None:
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _as_json(element: Element, depth: int = 0) -> Any:
    """Give an element as text, or as a dictionary of its attributes and children, lists where names repeat."""
    children: dict[str, Any] = {}
    for child in element if depth < _DEEPEST else ():
        children.setdefault(child.tag, []).append(_as_json(child, depth + 1))
    parts = {f"@{key}": value for key, value in element.items()}
    parts |= {tag: values[0] if len(values) == 1 else values for tag, values in children.items()}
    text = (element.text or "").strip()
    return parts | ({"#text": text} if text else {}) if parts else text


def _from_json(path: Path, text: bytes) -> Sidecar:
    raw = json.loads(text, parse_constant=lambda constant: None)
    if not isinstance(raw, dict) or not str(raw.get("file_type")).endswith("_metadata"):
        raise FormatError("not the JSON of an EMPAD", path=path, expected="file_type 'empad_metadata'")
    shape = tuple(int(size) for size in reversed(_listed(raw, "scan_shape")))
    steps, detector = tuple(reversed(_listed(raw, "scan_step"))), _listed(raw, "diff_step")
    voltage, rotation, exposure = (_listed(raw, key) for key in ("voltage", "scan_rotation", "exposure_time"))
    return Sidecar(
        name=path.name,
        raw_name=_base_name(str(raw.get("raw_filename"))),
        shapes=((shape, "scan_shape"),) if shape and all(0 < size < 10**9 for size in shape) else (),
        field=_listed(raw, "scan_fov"),
        steps=steps * 2 if len(steps) == 1 else steps,
        detector_step=(detector[0], "mrad") if detector else None,
        metadata=Metadata(
            detector="EMPAD",
            beam_energy=voltage[0] if voltage else None,
            scan_rotation=rotation[0] if rotation else None,
            exposure_time=exposure[0] if exposure else None,
        ),
        raw=raw,
    )


def _listed(raw: dict[str, Any], key: str) -> tuple[float, ...]:
    values = raw.get(key)
    values = values if isinstance(values, list) else [values]
    return tuple(float(value) for value in values if isinstance(value, int | float) and math.isfinite(value))


def _base_name(name: str) -> str:
    """Give the last part of a path of any system."""
    return re.split(r"[/\\]", name.strip())[-1]
