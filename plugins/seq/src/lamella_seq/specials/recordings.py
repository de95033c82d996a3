"""Sequences with other numbers of frames, other headers, and without time stamps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lamella_seq.specials.sidecars import _folder
from lamella_seq.writer import Recording, settings_xml, stamps_of
from lamella_testkit import SampleData, Special

__all__ = ["unusual"]


def unusual(directory: Path, data: SampleData) -> Iterator[Special]:
    """Other numbers of frames, descriptions, time stamps and settings."""
    path, n = directory / "a.seq", data.n_frames
    shown = {"path": path, "nav_shape": data.nav_shape}
    valid = (np.arange(n) < n - 3).reshape(data.nav_shape)
    Recording(data.frames[:-3], changes={"allocated": n}).write(path)
    yield Special(
        "fewer frames than allocated", shown, pixels=data.pixels, valid=valid, per_frame=stamps_of(n - 3), notes=1
    )
    Recording(data.frames, changes={"allocated": 2}).write(path)
    facts: dict[str, object] = {"version": 5, "bits": 12, "frames allocated": 2}
    facts |= {"frame rate of the header [1/s]": 10.0, "frame rate of the time stamps [1/s]": 1 / 0.033}
    yield Special(
        "more frames than allocated", shown, pixels=data.pixels, per_frame=stamps_of(n), notes=0, details=facts
    )
    Recording(data.frames, changes={"description": "Größe", "description_format": 1}).write(path)
    yield Special("a description in one byte per letter", shown, pixels=data.pixels, metadata={"title": "Größe"})
    Recording(data.frames, changes={"description": ""}).write(path)
    yield Special("no description", shown, metadata={"title": None})
    header = Recording(data.frames, changes={"true_size": data.frames[0].nbytes}).header()
    path.write_bytes(header + data.tobytes())
    unknown = {"frame rate of the time stamps [1/s]": None}
    none = {"acquired": None}
    yield Special("no room for time stamps", shown, pixels=data.pixels, metadata=none, notes=0, details=unknown)
    recording = Recording(data.frames)
    content = bytearray(recording.tobytes())
    for i in range(n):
        place = recording.first + i * recording.stride + data.frames[0].nbytes
        content[place : place + 8] = bytes(8)
    path.write_bytes(content)
    times = {"time": np.full(n, np.nan), "acquired": np.full(n, "NaT", "M8[ns]")}
    yield Special("time stamps of zero", shown, pixels=data.pixels, per_frame=times, metadata={"acquired": None})
    folder = _folder(directory, "settings", data)
    values: dict[str, Any] = {"StreamPixVersion": "6.5", "Mag": 300, "HT": -1}
    (folder / "a.seq.seq.Config.Metadata.xml").write_text(settings_xml(**values))
    known = {"software": "StreamPix 6.5", "magnification": 300e3, "beam_energy": None, "detector": None}
    yield Special("settings with other entries", {"path": folder / "a.seq"}, metadata=known, corrections={})
