"""Finds and reads the sidecar of a raw file: XML of the acquisition software, or JSON of the community."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamella.errors import CorruptError, FormatError, TruncatedError
from lamella.reader import Metadata, Resource, json_value
from lamella_empad.sidecar import OPEN_RAW, Sidecar, base_name

if TYPE_CHECKING:
    from lamella.reader import Probe

__all__ = ["read_sidecar", "sidecar_of"]

_LARGEST = 256 << 10  # bytes; those of the software have about 4 KiB
_MOST = 64  # sidecars that are looked at in one folder


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
        if path.suffix.lower() == ".json":
            return _from_json(path, text)
        from lamella_empad.xml import from_xml  # slow to import, and every file of no signature comes this way

        return from_xml(path, text)
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
    return Resource.of(path).read(0, _LARGEST + 1)


def _from_json(path: Path, text: bytes) -> Sidecar:
    import json

    raw = json.loads(text, parse_constant=lambda constant: None)
    if not isinstance(raw, dict) or not str(raw.get("file_type")).endswith("_metadata"):
        raise FormatError("not the JSON of an EMPAD", path=path, expected="file_type 'empad_metadata'")
    shape = tuple(int(size) for size in reversed(_listed(raw, "scan_shape")))
    steps, detector = tuple(reversed(_listed(raw, "scan_step"))), _listed(raw, "diff_step")
    voltage, rotation, exposure = (_listed(raw, key) for key in ("voltage", "scan_rotation", "exposure_time"))
    return Sidecar(
        name=path.name,
        raw_name=base_name(str(raw.get("raw_filename"))),
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
        raw=json_value(raw),
    )


def _listed(raw: dict[str, Any], key: str) -> tuple[float, ...]:
    values = raw.get(key)
    values = values if isinstance(values, list) else [values]
    return tuple(float(value) for value in values if isinstance(value, int | float) and math.isfinite(value))
