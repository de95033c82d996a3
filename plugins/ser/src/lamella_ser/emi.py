"""The settings of the microscope, from the ``.emi`` file beside a series; what is damaged there is left out.

An ``.emi`` is an undocumented container with one ``<ObjectInfo>`` of XML per recorded object. In front of it stand the
name of the ``.ser`` that holds its data, and ``Real Space`` or ``Reciprocal Space``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from defusedxml import ElementTree  # type: ignore[import-untyped]

from lamella.errors import FormatError
from lamella.reader import Caution, Metadata, Probe, Resource, number, text_time, xml_value

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["SETTINGS", "Emi", "read_emi", "series_beside"]

SETTINGS = b"JK"
"""The first bytes of an ``.emi``."""

_LARGEST = 64 << 20  # bytes of a file
_MOST_OBJECTS = 4096
_BEFORE = 1024  # bytes in front of an object that belong to it


@dataclass(frozen=True, slots=True)
class Emi:
    """What the ``.emi`` says of one series; ``reciprocal`` is None where it does not say."""

    name: str | None = None
    metadata: Metadata = field(default_factory=Metadata)
    raw: dict[str, Any] = field(default_factory=dict)
    reciprocal: bool | None = None
    notes: tuple[str, ...] = ()


def series_beside(probe: Probe) -> Probe:
    """Give the series that belongs to an ``.emi``, ``NAME_1.ser`` for ``NAME.emi``.

    Raises
    ------
    FormatError
        If there is none, or several.
    """
    own = re.compile(rf"{re.escape(probe.stem)}_(\d{{1,6}})\.ser", re.IGNORECASE)
    found = [path for name in probe.siblings if own.fullmatch(name) and (path := probe.sibling(name)) is not None]
    if len(found) == 1:
        return Probe.of(found[0])
    raise FormatError(
        f"{len(found)} series belong to these settings",
        path=probe.path,
        expected=f"one file {probe.stem}_1.ser beside it",
        found=", ".join(path.name for path in found) or None,
        remedy="Open one of them" if found else "Put it there",
    )


def read_emi(probe: Probe) -> Emi:
    """Read what belongs to a series from the ``.emi`` beside it; never fails."""
    named = re.fullmatch(r"(.+)_(\d{1,6})", probe.stem)
    path = named and probe.sibling(f"{named[1]}.emi", f"{named[1]}.EMI")
    if named is None or path is None:
        return Emi()
    try:
        resource = Resource.of(path)
        if resource.size > _LARGEST:
            return Emi(path.name, notes=(Caution(f"{path.name} is larger than 64 MiB and was not read"),))
        return _select(path.name, list(_objects(resource.read(0, resource.size))), int(named[2]))
    except Exception as error:  # settings are a courtesy: no damage there may keep the data from being read
        text = f"{path.name} is damaged and was left out ({type(error).__name__}: {error})"
        return Emi(path.name, notes=(Caution(text),))


def _objects(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give what stands in front of each object, and its XML."""
    before, *rest = data.split(b"<ObjectInfo>", _MOST_OBJECTS)
    for piece in rest:
        body, _, after = piece.partition(b"</ObjectInfo>")
        yield before[-_BEFORE:], b"<ObjectInfo>" + body + b"</ObjectInfo>"
        before = after


def _select(name: str, objects: list[tuple[bytes, bytes]], number: int) -> Emi:
    named = [re.findall(rb"_(\d+)\.ser", lead, re.IGNORECASE)[-1:] for lead, _ in objects]
    wanted = [i for i, found in enumerate(named) if found == [str(number).encode()]]
    which = wanted[0] if wanted else number - 1  # without names, the first object belongs to the first series
    if not 0 <= which < len(objects) or (any(named) and not wanted):
        return Emi(name, notes=(f"{name} holds no settings for this series",))
    lead, text = objects[which]
    root = ElementTree.fromstring(text.decode("utf-8", "replace"))
    space = re.findall(rb"(Real|Reciprocal) Space", lead)
    return Emi(name, _metadata(root), xml_value(root), space[-1] == b"Reciprocal" if space else None)


def _metadata(root: Element) -> Metadata:
    data = root.iterfind("ExperimentalDescription/Root/Data")
    texts = {one.findtext("Label", "").strip(): one.findtext("Value", "").strip() for one in data}
    dwell = number(root.findtext("AcquireInfo/DwellTimePath"))
    kilovolts = number(texts.get("High tension"))
    volts = number(root.findtext("ExperimentalConditions/MicroscopeConditions/AcceleratingVoltage"))
    return Metadata(
        acquired=text_time(root.findtext("AcquireDate")),
        instrument=texts.get("Microscope") or None,
        detector=root.findtext("AcquireInfo/CameraNamePath") or root.findtext("Manufacturer") or None,
        software="TIA",
        operator=texts.get("User") or None,
        mode=texts.get("Mode") or None,
        beam_energy=1000 * kilovolts if volts is None and kilovolts is not None else volts,
        camera_length=number(texts.get("Camera length")),
        magnification=number(texts.get("Magnification")),
        scan_rotation=number(texts.get("Stem rotation")),
        exposure_time=number(root.findtext("AcquireInfo/IntegrationTime")) or dwell,
        dwell_time=dwell if texts.get("Mode", "").startswith("STEM") else None,
    )
