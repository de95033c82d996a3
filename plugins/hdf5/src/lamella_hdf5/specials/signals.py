"""Signals of HyperSpy, image stacks of Velox, and data items of Nion Swift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.reader import Axis
from lamella_hdf5.specials.writing import saved
from lamella_testkit import Special

if TYPE_CHECKING:
    from lamella_testkit import SampleData

__all__ = ["special_files"]


def special_files(folder: Path, data: SampleData) -> Iterator[Special]:
    """Write them."""
    yield from _hyperspy(folder, data)
    yield from _velox(folder, data)
    yield from _swift(folder, data)


def _hyperspy(folder: Path, data: SampleData) -> Iterator[Special]:
    pixels = data.pixels

    def write(file: Any, *, navigate: bool = True, known: bool = True, some: int = pixels.ndim) -> None:
        file.attrs["file_format"] = "HyperSpy"
        group = file.create_group("Experiments/some signal")
        group["data"] = pixels
        for i in range(some):
            axis = {"name": "yxjk"[i], "units": "nm", "scale": 0.5 * (i + 1), "offset": 2.0 - i}
            unknown = {"name": "_None_", "units": "_None_", "scale": 1.0, "offset": 0.0}
            group.create_group(f"axis-{i}").attrs.update(axis if known else unknown)
            if navigate:
                group[f"axis-{i}"].attrs["navigate"] = i < pixels.ndim - 1
        if navigate:
            general = group.create_group("metadata/General")
            general.attrs.update({"title": "a map", "date": "2020-01-02", "time": "03:04:05"})
            tem = {"beam_energy": 120.0, "camera_length": 800.0, "microscope": "Titan", "acquisition_mode": "STEM"}
            group.create_group("metadata/Acquisition_instrument/TEM").attrs.update(tem)
        else:
            group.create_group("mapped_parameters").attrs.update({"record_by": "image", "title": "a scan"})
            group.create_group("mapped_parameters/TEM").attrs["beam_energy"] = 80.0

    axes = [Axis("yxjk"[i], 0.5 * (i + 1), 2.0 - i, "nm") for i in range(pixels.ndim)]
    known = {"title": "a map", "beam_energy": 120e3, "camera_length": 0.8, "instrument": "Titan", "mode": "STEM"}
    known["acquired"] = "2020-01-02T03:04:05"
    keywords = saved(folder / "new.hspy", write)
    yield Special("a spectrum image of HyperSpy", keywords, pixels=pixels, axes=axes, metadata=known)
    named = {**keywords, "ds_path": "/Experiments/some signal/data"}
    yield Special("a signal that is named", named, pixels=pixels, axes=axes, metadata=known)
    keywords = saved(folder / "old.hdf5", lambda file: write(file, navigate=False))
    known = {"title": "a scan", "beam_energy": 80e3}
    yield Special("an old signal of HyperSpy", keywords, pixels=pixels, axes=axes, metadata=known)
    keywords = saved(folder / "bare.hspy", lambda file: write(file, known=False))
    yield Special("axes without names and units", keywords, axes=[Axis(f"axis{i}") for i in range(pixels.ndim)])
    keywords = saved(folder / "some.hspy", lambda file: write(file, some=2))
    some = [*axes[:2], Axis("ky"), Axis("kx")]
    yield Special("axes of which only two are described", keywords, pixels=pixels, axes=some)

    def others(file: Any) -> None:
        file["scan"] = pixels
        file.create_group("Experiments/first").attrs["sample"] = "gold"

    keywords = saved(folder / "others.h5", others)
    yield Special("experiments of another program", keywords, pixels=pixels, notes=0)


def _velox(folder: Path, data: SampleData) -> Iterator[Special]:
    told: dict[str, Any] = {
        "Optics": {"AccelerationVoltage": "200000", "CameraLength": "0.115"},
        "BinaryResult": {
            "PixelSize": {"height": "2e-9", "width": "3e-9"},
            "PixelUnitX": "m",
            "PixelUnitY": "m",
            "Offset": {"x": "-6e-9", "y": "-4e-9"},
            "Detector": "HAADF",
        },
        "Instrument": {"InstrumentModel": "Spectra"},
        "Scan": {"FrameTime": "0.25", "DwellTime": "2e-6", "ScanRotation": "1.5707963267948966"},
        "Acquisition": {"AcquisitionStartDatetime": {"DateTime": "1596041374"}},
    }

    def write(file: Any, content: bytes | None) -> None:
        file["Data/Image/ab/Data"] = np.moveaxis(data.frames, 0, -1)
        if content is not None:
            column = np.frombuffer(content, np.uint8)
            blob = np.zeros((max(6000, column.size), data.n_frames), np.uint8)
            blob[: column.size] = column[:, np.newaxis]
            file["Data/Image/ab/Metadata"] = blob

    axes = (Axis("frame", 0.25, 0.0, "s"), Axis("y", 2.0, -4.0, "nm"), Axis("x", 3.0, -6.0, "nm"))
    known = {"beam_energy": 200e3, "acquired": "2020-07-29T16:49:34+00:00", "camera_length": 0.115}
    known |= {"detector": "HAADF", "instrument": "Spectra", "dwell_time": 2e-6, "scan_rotation": 90.0}
    keywords = saved(folder / "a.emd", lambda file: write(file, json.dumps(told).encode()))
    raw = {"described": told}
    yield Special(
        "a series of Velox", keywords, pixels=data.frames, axes=axes, metadata=known, raw_metadata=raw, notes=0
    )
    named = {**keywords, "ds_path": "/Data/Image/ab/Data"}
    yield Special("an image of Velox that is named", named, pixels=data.frames, axes=axes, metadata=known)

    def two(file: Any) -> None:
        write(file, json.dumps(told).encode())
        file["Data/Image/cd/Data"] = np.moveaxis(data.frames[:2], 0, -1)
        file["Data/Image/cd/Metadata"] = file["Data/Image/ab/Metadata"][:, :2]
        file["Data/Image/ef/Data"] = np.zeros((9, 9))

    named = {**saved(folder / "two.emd", two), "ds_path": "/Data/Image/cd/Data"}
    yield Special("two images of Velox", named, pixels=data.frames[:2], axes=axes, metadata=known)
    largest = {"path": folder / "two.emd"}
    yield Special("the largest series of Velox", largest, pixels=data.frames, axes=axes, metadata=known)
    bare = [Axis("frame"), Axis("ky"), Axis("kx")]
    deep = b'{"a": ' * 65 + b"1" + b"}" * 65
    for text, content in (("no description", None), ("a deep description", deep), ("a cut one", b'{"Optics": {')):
        keywords = saved(folder / "bare.emd", partial(write, content=content))
        yield Special(f"a series of Velox with {text}", keywords, pixels=data.frames, axes=bare)


def _swift(folder: Path, data: SampleData) -> Iterator[Special]:
    scales: list[Any] = [
        {"scale": 2.0, "offset": 1.0, "units": "nm"},
        {"scale": 0.5, "offset": 0.0, "units": ""},
        "no calibration",
        {"scale": 0.1, "offset": -2.0, "units": "mrad"},
    ]
    told: dict[str, Any] = {
        "collection_dimension_count": 3,
        "datum_dimension_count": 1,
        "dimensional_calibrations": scales,
        "title": "gold",
        "created": "2020-01-02T03:04:05.678901",
        "metadata": {"instrument": {"high_tension": 60000.0}},
    }

    def write(file: Any, **more: Any) -> None:
        file["data"] = data.pixels
        file["data"].attrs["properties"] = json.dumps({**told, **more})

    axes = [Axis("axis0", 2.0, 1.0, "nm"), Axis("nav1"), Axis("nav2"), Axis("axis3", 0.1, -2.0, "mrad")]
    known = {"title": "gold", "beam_energy": 60e3, "acquired": "2020-01-02T03:04:05.678901"}
    keywords = saved(folder / "swift.h5", write)
    yield Special("a data item of Nion Swift", keywords, pixels=data.pixels, axes=axes, metadata=known)
    keywords = saved(folder / "other.h5", lambda file: write(file, metadata=None, dimensional_calibrations=None))
    yield Special("a data item without calibration", keywords, pixels=data.pixels, metadata={"title": "gold"})
