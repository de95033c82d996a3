"""Dark frames, gain maps and bad pixels beside a sequence."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lamella_seq.writer import Recording, mrc_bytes, readout_bytes, settings_xml
from lamella_testkit import SampleData, Special

__all__ = ["with_bad_pixels", "with_references"]


def with_references(directory: Path, data: SampleData) -> Iterator[Special]:
    """A dark frame and a gain map, and the same when nobody wants them."""
    ramp = np.arange(np.prod(data.sig_shape), dtype="<f4").reshape(data.sig_shape)
    folder = _folder(directory, "references", data)
    path = folder / "a.seq"
    (folder / "a.seq.dark.mrc").write_bytes(mrc_bytes(ramp))
    longer = bytearray(mrc_bytes((ramp + 1).astype("<u2"), mode=6))
    longer[92:96] = (16).to_bytes(4, "little")  # an extended header follows the header
    longer[1024:1024] = bytes(range(16))
    (folder / "a.gain.mrc").write_bytes(longer)
    yield Special("dark frame and gain map", {"path": path}, corrections={"dark": ramp, "gain": ramp + 1}, notes=0)
    yield Special("sidecars that are not wanted", {"path": path, "sidecars": False}, corrections={}, notes=0)


def with_bad_pixels(directory: Path, data: SampleData) -> Iterator[Special]:
    """Maps of bad pixels for part of a sensor, a binned one, a turned one, and for others."""
    height, width = data.sig_shape
    some = (
        '<Defect Row="11"/><Defect Column="22"/><Defect Row="12" Columns="20-24" pattern="0011"/>'
        '<Defect Rows="10-13" Column="20" pattern="10"/><Defect Rows="12-99" Columns="24-25"/>'
        '<Defect Row="9"/><Defect Column="19"/><Defect Row="13" Column="21"/>'
    )
    mask = np.zeros(data.sig_shape, np.bool_)
    mask[1], mask[:, 2], mask[2, 2:4], mask[[0, 2], 0], mask[2:, 4:6], mask[3, 1] = (True,) * 6
    plain = f'<BadPixelMap Rows="64" Columns="64">{some}</BadPixelMap>'
    binned = (
        '<BadPixelMap Rows="32" Columns="32" Binning="2"><Defect Row="7"/></BadPixelMap>'
        '<BadPixelMap Rows="16" Columns="16" Binning="2"><Defect Row="6"/></BadPixelMap>'
    )
    whole = f'<BadPixelMap Rows="{height}" Columns="{width}"><Defect Row="2"/></BadPixelMap>'
    row = np.zeros(data.sig_shape, np.bool_)
    row[2] = True
    part = readout_bytes(height, width, 10, 20)
    camera = readout_bytes(2 * height, 2 * width, 10, 4, binning=2)
    older = bytes(276) + struct.pack("<7i", 1, width, height, 20, 10, 0, 12)
    info = {"ImageSizeX": width, "ImageSizeY": height, "ImageOffsetX": 20, "ImageOffsetY": 10, "ImageBinning": 1}
    turned = readout_bytes(height, width, 10, 20, rotation=1)
    flipped = readout_bytes(height, width, 10, 20, flip=1)
    for text, xml, readout, excluded, notes in (
        ("bad pixels in part of the sensor", settings_xml(plain), part, mask, 0),
        ("bad pixels of a binned camera", settings_xml(plain + binned), camera, row, 0),
        ("bad pixels, and an older description of the sensor", settings_xml(plain), older, mask, 0),
        ("bad pixels, and the part of the sensor in the settings", settings_xml(plain, **info), b"", mask, 0),
        ("bad pixels in frames that were rotated", settings_xml(plain), turned, mask, 1),
        ("bad pixels in frames that were flipped", settings_xml(plain), flipped, mask, 1),
        ("bad pixels without a map for the binning", settings_xml(binned), part, None, 1),
        ("bad pixels of a whole sensor", settings_xml(whole), readout_bytes(height, width), row, 0),
        ("bad pixels, and nonsense about the sensor", settings_xml(whole), b"\xff" * 500, None, 1),
        ("bad pixels, and nothing about the sensor", settings_xml(plain), None, None, 1),
        ("bad pixels, and settings alone", settings_xml(plain, **info), None, None, 1),
    ):
        folder = _folder(directory, text, data)
        (folder / "a.seq.Config.Metadata.xml").write_text(xml)
        if readout is not None:
            (folder / "a.seq.metadata").write_bytes(readout)
        corrections = {} if excluded is None else {"excluded": excluded}
        yield Special(text, {"path": folder / "a.seq"}, corrections=corrections, notes=notes)


def _folder(directory: Path, name: str, data: SampleData) -> Path:
    """Give a folder of its own with a sequence."""
    folder = directory / name
    folder.mkdir()
    Recording(data.frames).write(folder / "a.seq")
    return folder
