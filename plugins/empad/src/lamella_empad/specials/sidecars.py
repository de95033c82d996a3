"""Sidecars that are damaged, of other files, or that say little."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lamella.reader import Axis
from lamella_empad.writer import DETECTOR_STEP, raw_bytes, raw_name_of, xml_text
from lamella_testkit import SampleData, Special

__all__ = ["odd_sidecars", "sparse_sidecars"]


def odd_sidecars(directory: Path, data: SampleData) -> Iterator[Special]:
    """Sidecars that are damaged, of other files, or name a file that is not there."""
    shape, name = data.nav_shape, raw_name_of(data.nav_shape)
    raw = directory / "renamed.raw"
    raw.write_bytes(raw_bytes(data.frames))
    sidecar = directory / "z.xml"
    sidecar.write_text(xml_text(name, shape), encoding="utf-8")
    yield Special("a raw file that was renamed", {"path": sidecar}, pixels=data.pixels, notes=1)
    raw = raw.rename(directory / name)
    (directory / "a.xml").write_text("<root>of nothing</root>", encoding="utf-8")
    (directory / "b.xml").write_text(f"<root>{name}", encoding="utf-8")
    (directory / "c.xml").write_text(xml_text(f"other_{name}", shape), encoding="utf-8")
    known = {"beam_energy": 300e3, "mode": "scan"}
    yield Special("other sidecars beside it", {"path": raw}, pixels=data.pixels, metadata=known, notes=1)
    for other in "abc":
        (directory / f"{other}.xml").unlink()
    sidecar.write_text(xml_text(name, shape, pix=shape[::-1]), encoding="utf-8")
    yield Special("two shapes in the sidecar", {"path": sidecar}, pixels=data.pixels, notes=1)
    facts: dict[str, object] = {"file_type": "empad_metadata", "raw_filename": name}
    sidecar.unlink()
    (directory / "z.json").write_text(json.dumps(facts), encoding="utf-8")
    axes = [Axis(axis) for axis in ("y", "x", "ky", "kx")]
    yield Special("JSON that says little", {"path": raw}, pixels=data.pixels, axes=axes, notes=0)
    facts["scan_step"] = 2e-9
    (directory / "z.json").write_text(json.dumps(facts), encoding="utf-8")
    axes = [Axis("y", 2.0, 0.0, "nm"), Axis("x", 2.0, 0.0, "nm"), *axes[2:]]
    yield Special("JSON with one step", {"path": raw}, pixels=data.pixels, axes=axes, notes=0)


def sparse_sidecars(directory: Path, data: SampleData) -> Iterator[Special]:
    """Sidecars with entries that are missing or absurd, others in the same folder, and several shapes."""
    (ny, nx), n = data.nav_shape, data.n_frames
    raw = directory / "plain.raw"
    raw.write_bytes(raw_bytes(data.frames))
    xml, other = directory / "settings.xml", directory / "settings.json"
    given = {"path": xml}
    for one in directory.glob("z.*"):
        one.unlink()
    (directory / raw_name_of(data.nav_shape)).unlink()
    text = xml_text(raw.name, data.nav_shape)
    plain = [Axis(axis) for axis in ("y", "x")]
    shown: dict[str, Any] = {"pixels": data.pixels, "notes": 0, "confidence": 100}
    series: dict[str, Any] = {"pixels": data.frames, "confidence": 80, "alternatives": []}
    facts = {"layout": "g1", "settings from": "settings.xml"}
    new = xml_text(raw.name, data.nav_shape, version="1.2.2")
    stamp = '<timestamp timestamp="1559820600.164675" isoformat="2019-06-06T13:30:00.164675"/>'
    step = 1e9 * DETECTOR_STEP
    frame = [Axis("frame"), *(Axis(name, step, -64 * step, "1/nm") for name in ("ky", "kx"))]
    found: Mapping[str, Any]
    for what, content, found in (
        ("no scan parameters", text.replace("scan_parameters", "others"), {**shown, "details": facts}),
        ("no camera", text.replace("camserver_parameters", "others"), shown),
        ("a path of another system", text.replace(raw.name, f"D:\\data\\{raw.name}"), shown),
        ("no time", text.replace(stamp, ""), {**shown, "metadata": {"acquired": None}}),
        ("no exposure", text.replace("exposure_time", "other"), {**shown, "metadata": {"exposure_time": None}}),
        ("no measurements", text.replace("iom_measurements", "others"), {**shown, "metadata": {"beam_energy": None}}),
        ("an absurd voltage", text.replace("300000.0", "1e999"), {**shown, "metadata": {"beam_energy": None}}),
        ("a scale of zero", new.replace("<scale_factor>0.72", "<scale_factor>0"), {**shown, "axes": _nav(plain)}),
        ("no width", new.replace("<x>", "<w>").replace("</x>", "</w>"), {**shown, "axes": _nav(plain)}),
        ("a series", xml_text(raw.name, (n,)), {**series, "notes": 0, "confidence": 100, "axes": frame}),
        ("one side", text.replace("[1e-06, 2e-06]", "[1e-06]"), {**shown, "axes": [*plain, *frame[1:]]}),
        ("a long line", xml_text(raw.name, (1, 100), search=(1, 100)), {"notes": 1, "alternatives": [(n,)]}),
        ("a type that is missing", text.replace("<type>scan</type>", ""), {**shown, "metadata": {"mode": "scan"}}),
        ("the search mode", xml_text(raw.name, (64, 64), search=(ny, nx), version="1.2.2"), shown),
        ("other shapes", xml_text(raw.name, (5, 5), search=(2, 2), pix=(ny, nx)), {**shown, "notes": 1}),
        ("no lines", xml_text(raw.name, (0, nx), search=(0, 0)), {**series, "notes": 0}),
        ("negative sizes", xml_text(raw.name, (-ny, -nx), search=(-2, -6)), {**series, "notes": 0}),
        ("fewer steps", xml_text(raw.name, (2, 2), search=(2, 1)), {**series, "notes": 1}),
        ("absurd sizes", xml_text(raw.name, (10**9, 1), search=(1, 10**9)), {**series, "notes": 0}),
    ):
        xml.write_text(content, encoding="utf-8")
        yield Special(f"XML with {what}", given, **found)
    xml.write_text(text, encoding="utf-8")
    (directory / "notes.txt").write_text(f"{raw.name} was recorded today", encoding="utf-8")
    another = xml_text("another.raw", data.nav_shape, version="9.9").replace("</root>", f"<!-- {raw.name} --></root>")
    (directory / "another.xml").write_text(another, encoding="utf-8")
    own = {"software": "0.51  (2019-10-01)"}
    yield Special("a raw file with notes and other sidecars beside it", {"path": raw}, metadata=own, **shown)
    missing = text.replace(raw.name, "missing.raw")
    xml.write_text(missing, encoding="utf-8")
    (directory / "copy.dat").write_bytes(raw_bytes(data.frames))
    (directory / "short.raw").write_bytes(raw_bytes(data.frames[:2]))
    yield Special("a raw file that was renamed, beside others", given, pixels=data.pixels, notes=1, confidence=100)
    for name in ("notes.txt", "another.xml", "copy.dat", "short.raw"):
        (directory / name).unlink()
    xml.unlink()
    yield from _shapes(directory, data, raw)
    facts = {"file_type": "empad_metadata", "raw_filename": raw.name}
    for shape, found in (
        ([nx, ny], {**shown, "alternatives": [(n,)]}),
        ([0, 3], {**series, "notes": 0}),
        ([], {**series, "notes": 0}),
        ([-nx, -ny], {**series, "notes": 0}),
        ([100, 1], {"notes": 1, "alternatives": [(n,)]}),
        ([10**9, 1], {**series, "notes": 0}),
    ):
        other.write_text(json.dumps({**facts, "scan_shape": shape}), encoding="utf-8")
        yield Special(f"JSON with a scan of {shape}", {"path": other}, **found)


def _shapes(directory: Path, data: SampleData, raw: Path) -> Iterator[Special]:
    """Shapes in a sidecar and in the name of the raw file, of which one has as many steps as there are frames."""
    xml = directory / "settings.xml"
    given, n = {"path": xml}, data.n_frames
    name = raw_name_of(data.nav_shape)
    named = raw.rename(directory / name)
    few = data.frames[: n // 2]
    for text, content, frames, nav, others, notes in (
        ("a series in the sidecar", xml_text(name, (n,)), data.frames, (n,), [data.nav_shape], 1),
        ("another scan in the sidecar", xml_text(name, (2, 6)), data.frames, data.nav_shape, [(2, 6), (n,)], 1),
        ("a scan in the sidecar that fits", xml_text(name, (2, n // 4)), few, (2, n // 4), [(n // 2,)], 1),
    ):
        xml.write_text(content, encoding="utf-8")
        named.write_bytes(raw_bytes(frames))
        shown = frames.reshape(*nav, 128, 128)
        yield Special(f"{text}, and one in the name", given, pixels=shown, alternatives=others, notes=notes)
    xml.unlink()
    named.write_bytes(raw_bytes(data.frames))
    named.rename(raw)


def _nav(axes: Sequence[Axis]) -> list[Axis]:
    return [*axes, Axis("ky"), Axis("kx")]
