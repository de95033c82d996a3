"""The XML that the acquisition software writes beside the frames, in all its versions.

Sources: files of the versions 0.51, 0.7.12 and 1.2.2 of the software, and the documentation of RosettaSciIO
(https://hyperspy.org/rosettasciio/supported_formats/empad.html).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from defusedxml import ElementTree  # type: ignore[import-untyped]

from lamella.errors import FormatError, UnsupportedError
from lamella.reader import Metadata, text_time, xml_value
from lamella_empad.sidecar import MODES, OPEN_RAW, Sidecar, base_name

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["from_xml"]

BEAM_ENERGY = ("source.get_voltage", "high_voltage")
CAMERA_LENGTH = ("optics.get_cameralength", "nominal_camera_length")
FIELD_OF_VIEW, NEW_FIELD_OF_VIEW = "optics.get_full_scan_field_of_view", "full_scan_field_of_view"
DETECTOR_STEP = "calibrated_pixelsize"
"""Elements below ``iom_measurements`` in old and in new versions; values in V, m, m, and 1/nm times 1e-9."""


def from_xml(path: Path, text: bytes) -> Sidecar:
    """Give what the XML of an acquisition says.

    Raises
    ------
    FormatError
        If it is not the XML of an EMPAD.
    """
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
        raw_name=base_name(raw_file.get("filename", "")),
        shapes=tuple(_shapes_in_xml(root, kind)),
        field=_numbers(measured.findtext(FIELD_OF_VIEW)),
        longest=_longest_side(measured),
        detector_step=(1e9 * detector, "1/nm") if detector else None,
        metadata=Metadata(
            title=root.get("name") or None,
            acquired=None if timestamp is None else text_time(timestamp.get("isoformat")),
            software=(root.findtext("software_version") or "").strip() or None,
            detector="EMPAD",
            mode=kind,
            beam_energy=_number(measured, *BEAM_ENERGY),
            camera_length=_number(measured, *CAMERA_LENGTH),
            exposure_time=None if exposure is None else 1e-3 * exposure,
        ),
        raw={root.tag: xml_value(root)},
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
