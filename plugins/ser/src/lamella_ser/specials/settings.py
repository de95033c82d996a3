"""Settings that are damaged, missing, or of another series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lamella.reader import Axis
from lamella_ser.writer import emi_bytes, series_bytes, steps_of
from lamella_testkit import SampleData, Special

__all__ = ["METADATA", "other_settings"]

METADATA = {
    "beam_energy": 200e3,
    "camera_length": 0.26,
    "acquired": "2016-02-22T19:18:24",
    "detector": "BM-Ceta",
    "instrument": "Titan 60-300",
    "software": "TIA",
    "operator": "Åse",
    "mode": "STEM nP SA Zoom Diffraction",
    "magnification": 115e3,
    "scan_rotation": 12.5,
    "exposure_time": 0.05,
    "dwell_time": 0.05,
}


def other_settings(directory: Path, data: SampleData) -> Iterator[Special]:
    """Settings that are damaged, missing, or of another series."""
    path, emi = directory / "scan_1.ser", directory / "scan.emi"
    nav, steps = steps_of(data.nav_axes, 1e-9), steps_of(data.sig_axes, 1e9)
    path.write_bytes(series_bytes(data.frames, scan=data.nav_shape, steps=nav, detector_steps=steps))
    plain = {"beam_energy": None, "software": None, "acquired": "2016-02-20T20:26:40+00:00"}
    reciprocal, real = _axes(data, ("ky", "kx"), steps, 1e-9), _axes(data, ("dy", "dx"), steps, 1e9)
    yield Special("a series without settings", {"path": path}, metadata=plain, axes=reciprocal, notes=0)
    emi.write_bytes(emi_bytes(path.name))
    yield Special("a series by its settings", {"path": emi}, pixels=data.pixels, metadata=METADATA, notes=0)
    emi.write_bytes(emi_bytes("scan_2.ser"))
    yield Special("settings of another series", {"path": path}, metadata=plain, notes=1, warnings=0)
    emi.write_bytes(emi_bytes(f"scan_7.ser {path.name}"))
    yield Special("settings that name another series before", {"path": path}, metadata=METADATA, notes=0)
    emi.write_bytes(emi_bytes(path.name, before="<AcquireDate>Mon Feb 29 01:02:03 2016</AcquireDate>"))
    yield Special("settings of something else before", {"path": path}, metadata=METADATA, notes=0)
    tension = "<Data><Label>High tension</Label><Value>80</Value><Unit>kV</Unit></Data>"
    xml = f"<ExperimentalDescription><Root>{tension}</Root></ExperimentalDescription>"
    emi.write_bytes(emi_bytes(path.name, xml=xml))
    kilovolts = {"beam_energy": 80e3, "mode": None, "dwell_time": None}
    yield Special("settings with a high tension", {"path": path}, metadata=kilovolts, notes=0)
    emi.write_bytes(emi_bytes("unnamed", space=""))
    second = path.rename(directory / "scan_2.ser")
    yield Special("settings of the first series alone", {"path": second}, metadata=plain, notes=1, warnings=0)
    second.rename(path)
    capitals = directory / "scan.EMI"
    emi.write_bytes(emi_bytes(path.name))
    emi.rename(capitals)
    yield Special("settings with a name in capitals", {"path": path}, metadata=METADATA, notes=0)
    capitals.rename(emi)
    emi.write_bytes(emi_bytes(path.name, xml="<broken"))
    yield Special("damaged settings", {"path": path}, metadata=plain, notes=1, warnings=1)
    with emi.open("wb") as file:
        file.truncate((64 << 20) + 1)
    yield Special("settings that are too large", {"path": path}, metadata=plain, notes=1)
    emi.write_bytes(emi_bytes("unnamed", space="", before="<AcquireDate>Mon Feb 29 01:02:03 2016</AcquireDate>"))
    first = {"acquired": "2016-02-29T01:02:03", "beam_energy": None}
    yield Special("settings that name no series", {"path": path}, metadata=first, axes=reciprocal, notes=0)
    emi.write_bytes(emi_bytes(path.name, space="Real Space"))
    yield Special("settings of images", {"path": path}, axes=real, notes=0)
    emi.unlink()
    fine = tuple(step * 1e-18 for step in steps)
    path.write_bytes(series_bytes(data.frames, scan=data.nav_shape, steps=nav, detector_steps=fine))
    yield Special("images without settings", {"path": path}, axes=_axes(data, ("dy", "dx"), fine, 1e9), notes=0)


def _axes(data: SampleData, names: Sequence[str], steps: Sequence[float], factor: float) -> list[Axis]:
    """Give the axes of a scan in nm, and those of the detector."""
    nav = [Axis(name, axis.scale, 0.0, "nm") for name, axis in zip("yx", data.nav_axes, strict=True)]
    units = "1/nm" if names[0].startswith("k") else "nm"
    shown = [factor * step for step in steps]
    return nav + [Axis(n, s, -length / 2 * s, units) for n, s, length in zip(names, shown, data.sig_shape, strict=True)]
