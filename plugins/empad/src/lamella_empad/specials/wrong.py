"""Sidecars that are damaged, of other instruments, or without their raw file, and raw files without a frame."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from lamella.errors import CorruptError, FormatError, TruncatedError, UnsupportedError
from lamella_empad.writer import raw_bytes, raw_name_of, xml_text
from lamella_testkit import SampleData, Wrong

__all__ = ["wrong_files"]


def wrong_files(directory: Path, data: SampleData) -> Iterator[Wrong]:
    """Write sidecars and raw files that have to be refused."""
    name = raw_name_of(data.nav_shape)
    raw = directory / name
    content = raw_bytes(data.frames)
    yield from _xml(directory / "scan.xml", raw, xml_text(name, data.nav_shape), content)
    yield from _json(directory / "scan.json", name)
    raw.write_bytes(content)
    xml = directory / "scan.xml"
    xml.write_text(xml_text("other.raw", data.nav_shape), encoding="utf-8")
    (directory / "second.raw").write_bytes(content)
    yield Wrong("a sidecar of one of two raw files", {"path": xml}, FormatError, confidence=80)
    for one in (raw, xml, directory / "second.raw"):
        one.unlink()
    for what, part in (("nothing", b""), ("less than a frame", content[:65535])):
        plain = directory / "plain.raw"
        plain.write_bytes(part)
        yield Wrong(f"a raw file of {what}", {"path": plain}, TruncatedError, confidence=0)


def _xml(path: Path, raw: Path, text: str, content: bytes) -> Iterator[Wrong]:
    given = {"path": path}
    path.write_text(text, encoding="utf-8")
    yield Wrong("a sidecar without its raw file", given, FormatError, confidence=80)
    raw.write_bytes(content)
    camera, scan = "camserver_parameters", "scan_parameters"
    for what, wrong, error, confidence in (
        ("XML without a raw file", text.replace("<raw_file", "<other_file"), FormatError, 0),
        ("XML of no detector", text.replace(camera, "a").replace(scan, "b"), FormatError, 0),
        ("XML of another type", text.replace("<type>scan<", "<type>tilt<"), UnsupportedError, 80),
        ("XML that was cut", text[:-3], TruncatedError, 80),
        ("XML that was cut, of a camera", text.replace(scan, "b")[:-3], TruncatedError, 80),
        ("XML that was cut, of a scan", text.replace(camera, "a")[:-3], TruncatedError, 80),
        ("XML with a tag that is not closed", text.replace("</type>", ""), CorruptError, 80),
        ("XML that is too long", text.replace("</root>", " " * (256 << 10) + "</root>"), FormatError, 80),
    ):
        path.write_text(wrong, encoding="utf-8")
        yield Wrong(what, given, error, confidence=confidence)
    path.unlink()
    raw.unlink()


def _json(path: Path, name: str) -> Iterator[Wrong]:
    text = json.dumps({"raw_filename": name, "file_type": "empad_metadata"})
    for what, wrong, error in (
        ("JSON without its raw file", text, FormatError),
        ("JSON of another file", text.replace("_metadata", "_image"), FormatError),
        ("JSON of no object", f'["{name}", "raw_file"]', FormatError),
        ("JSON that was cut", text[:-1], TruncatedError),
        ("JSON without commas", text.replace(",", ""), CorruptError),
    ):
        path.write_text(wrong, encoding="utf-8")
        yield Wrong(what, {"path": path}, error, confidence=0)
    path.unlink()
