"""A format plugin of somebody else, outside of the workspace, that uses the public modules only."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PUBLIC = {"lamella.format", "lamella.reader", "lamella.codecs", "lamella.errors"}

SPEC = '''
"""Scans of the Acme Swift."""

from lamella.format import Capability, FormatSpec, Signature

spec = FormatSpec(
    name="swift",
    title="Acme Swift camera",
    api=(1, 0),
    reader="acme_swift.reader:SwiftReader",
    params="acme_swift.params:SwiftParams",
    extensions=("swift",),
    signatures=(Signature(b"SWIFTCAM"),),
    capabilities=frozenset({Capability.IO_BACKENDS, Capability.SIG_RESHAPE}),
)
'''

PARAMS = '''
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SwiftParams:
    """Nothing: the header says everything."""
'''

READER = """
import numpy as np

from lamella.codecs import PackedCodec
from lamella.errors import CorruptError, FormatError, TruncatedError
from lamella.reader import (
    Confidence, Encoding, LinearSource, Match, RunTable, SourceInfo, fields_of, json_value, take_record
)

HEADER = np.dtype([("magic", "S8"), ("ny", "<u4"), ("nx", "<u4"), ("height", "<u4"), ("width", "<u4")])


def header_of(probe):
    if not probe.head.startswith(b"SWIFTCAM"):
        raise FormatError("this is no Swift file", path=probe.path, expected="SWIFTCAM", found=repr(probe.head[:8]))
    header = fields_of(take_record(probe.head, HEADER, path=probe.path))
    for name in ("ny", "nx", "height", "width"):
        if header[name] == 0 or header[name] > 1 << 16:
            raise CorruptError(f"{name} is impossible", path=probe.path, expected="1 to 65536", found=header[name])
    if header["height"] * header["width"] % 2:
        raise CorruptError("frames have an odd number of pixels", path=probe.path)
    return header


class SwiftReader:
    def detect(self, probe):
        try:
            header_of(probe)
        except FormatError as error:
            return Match(Confidence.SIGNATURE, error.problem) if probe.head.startswith(b"SWIFTCAM") else None
        return Match(Confidence.VERIFIED, "header of a scan")

    def open(self, params, probe):
        header = header_of(probe)
        codec = PackedCodec(12)
        sig_shape = (header["height"], header["width"])
        stride = codec.stored_nbytes(sig_shape)
        count = header["ny"] * header["nx"]
        needed = HEADER.itemsize + count * stride
        if probe.size < needed:
            raise TruncatedError("the file was cut", path=probe.path, expected=needed, found=probe.size)
        return LinearSource(
            resources=(probe.resource,),
            runs=RunTable.single(offset=HEADER.itemsize, stride=stride, count=count),
            encoding=Encoding(codec.dtype, sig_shape, codec=codec),
            info=SourceInfo(
                nav_shape=(header["ny"], header["nx"]),
                nav_origin="header",
                raw_metadata=json_value(header),
            ),
        )
"""

SAMPLER = """
import struct

import numpy as np

from lamella_testkit import Sampler


class SwiftSampler(Sampler):
    format = "swift"
    dtypes = ("<u2",)
    bits = 12
    floor = 0.1

    def fit(self, data):
        height, width = data.sig_shape
        return data.but(sig_shape=(height, width + width % 2))

    def write(self, directory, data):
        pairs = data.frames.reshape(-1, 2).astype(np.uint32)
        packed = pairs[:, 0] | pairs[:, 1] << 12
        octets = np.stack([packed & 255, packed >> 8 & 255, packed >> 16 & 255], axis=1).astype(np.uint8)
        header = struct.pack("<8s4I", b"SWIFTCAM", *data.nav_shape, *data.sig_shape)
        path = directory / f"{data.stem}.swift"
        path.write_bytes(header + octets.tobytes())
        return {"path": path}

    def expects_notes(self, data):
        return False
"""

OPEN = """
import json, sys
import lamella
from lamella.udf import SumUDF

ds = lamella.open(sys.argv[1])
total = lamella.Context.make_with("inline").run_udf(ds, SumUDF())["intensity"].data
try:
    lamella.open(sys.argv[2])
except lamella.FormatError as error:
    cut = type(error).__name__
print(json.dumps([ds.format, list(ds.shape), ds[1, 2].reshape(-1).tolist(), total.reshape(-1).tolist(), cut]))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    package = tmp_path / "site" / "acme_swift"
    package.mkdir(parents=True)
    for name, text in (("__init__", SPEC), ("params", PARAMS), ("reader", READER), ("conformance", SAMPLER)):
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    info = tmp_path / "site" / "acme_swift_camera-3.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-swift-camera\nVersion: 3.1\nSummary: Swift\nLicense: MIT\n"
        "Requires-Python: >=3.11\nRequires-Dist: lamella>=0.1\n\n# acme-swift-camera\n"
    )
    (info / "RECORD").write_text("")
    (info / "entry_points.txt").write_text(
        "[lamella.formats]\nswift = acme_swift:spec\n"
        "[lamella.conformance]\nswift = acme_swift.conformance:SwiftSampler\n"
    )
    return info.parent


def run(site: Path, *arguments: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LAMELLA_")}
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**inherited, "PYTHONPATH": str(site)},
        cwd=site,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pack(values: list[int]) -> bytes:
    """Pack numbers of 12 bits, two in three bytes."""
    pairs = zip(values[::2], values[1::2], strict=True)
    return b"".join((low | high << 12).to_bytes(3, "little") for low, high in pairs)


def test_it_imports_from_public_modules_only() -> None:
    trees = [ast.parse(text) for text in (SPEC, PARAMS, READER)]
    imported = {node.module for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in imported if name and name.startswith("lamella")} == PUBLIC


def test_it_is_found_and_opens_its_files(site: Path, tmp_path: Path) -> None:
    values = [(7 * i) % 4096 for i in range(2 * 3 * 4 * 6)]
    header = b"SWIFTCAM" + b"".join(number.to_bytes(4, "little") for number in (2, 3, 4, 6))
    whole, cut = tmp_path / "whole.dat", tmp_path / "cut.swift"
    whole.write_bytes(header + pack(values))
    cut.write_bytes((header + pack(values))[:-1])
    name, shape, frame, total, error = json.loads(run(site, "-c", OPEN, str(whole), str(cut)))
    assert (name, shape, error) == ("swift", [2, 3, 4, 6], "TruncatedError")
    assert frame == values[5 * 24 :]
    assert total == [sum(values[pixel::24]) for pixel in range(24)]


def test_it_passes_the_conformance_kit(site: Path) -> None:
    assert "Level 2, tiled" in run(site, "-m", "lamella", "conformance", "swift", "--level", "2", "--profile", "brief")
