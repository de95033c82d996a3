"""Master files of DECTRIS: data files in order, files that are not there, and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella.reader import Axis
from lamella_hdf5.specials.writing import PLAIN, saved
from lamella_testkit import Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_testkit import SampleData

__all__ = ["special_files"]

_SPECIFIC = "entry/instrument/detector/detectorSpecific"


def special_files(folder: Path, data: SampleData) -> Iterator[Special]:
    """Write them."""
    yield from _beside_its_scan(folder, data)
    yield from _holes(folder, data)
    yield from _interrupted(folder, data)
    yield from _frames_in_the_master(folder, data)
    yield from _odd_companions(folder, data)


def _data_files(folder: Path, stem: str, parts: Sequence[NDArray[Any]], *, numbers: int = 0) -> None:
    """Write data files; from a first number on, they say which frames of the detector they hold."""
    first = numbers
    for number, part in enumerate(parts, 1):

        def write(file: Any, part: NDArray[Any] = part, first: int = first) -> None:
            made = file.create_dataset("entry/data/data", data=part, chunks=(1, *part.shape[1:]), compression="gzip")
            if numbers:
                made.attrs.update({"image_nr_low": first, "image_nr_high": first + len(part) - 1})

        saved(folder / f"{stem}_data_{number:06}.h5", write)
        first += len(part)


def _link(file: Any, stem: str, count: int) -> None:
    for number in range(1, count + 1):
        link = h5py.ExternalLink(f"{stem}_data_{number:06}.h5", "/entry/data/data")
        file[f"entry/data/data_{number:06}"] = link


def _beside_its_scan(folder: Path, data: SampleData) -> Iterator[Special]:
    """The whole, with everything that is known about it."""
    n, frames = data.n_frames, data.frames
    half = n - n // 3
    mask = np.zeros(data.sig_shape, np.uint32)
    mask[1, 2] = 1
    _data_files(folder, "x", (frames[:half], frames[half:]))

    def write(file: Any) -> None:
        _link(file, "x", 2)
        specific = file.create_group(_SPECIFIC)
        specific["pixel_mask"] = mask
        specific["nimages"], specific["ntrigger"] = n, 1
        specific["data_collection_date"] = "Mon May 06 07:08:09 2024"
        specific["software_version"] = "1.8.0"
        detector = specific.parent
        detector["description"] = "Dectris ARINA"
        detector["count_time"], detector["frame_time"] = [1e-5], 2e-5
        detector["x_pixel_size"], detector["bit_depth_readout"] = 1e-4, 12

    def steps(file: Any) -> None:
        sizes = {"NumPixelsY": np.uint32(data.nav_shape[0]), "NumPixelsX": [data.nav_shape[1]], "Pixel Size": 0.5}
        optics = {"High Tension": 200e3, "Camera Length": 0.5, "Rotation": 30.0, "ScanDwellTime": 4e-5}
        file.create_group("STEM Metadata").attrs.update({**sizes, **optics, "Magnification": 1e6})

    keywords = saved(folder / "x_master.h5", write)
    excluded = {"excluded": mask > 0}
    known: dict[str, object] = {
        "acquired": "2024-05-06T07:08:09",
        "detector": "Dectris ARINA",
        "software": "1.8.0",
        "exposure_time": 1e-5,
        "dwell_time": 2e-5,
        "detector_pixel_pitch": 1e-4,
        "counter_depth": 12,
    }
    yield Special("a master file alone", keywords, pixels=frames, corrections=excluded, metadata=known)
    saved(folder / "x.h5", steps)
    known |= {"mode": "STEM", "beam_energy": 200e3, "camera_length": 0.5, "scan_rotation": 30.0, "dwell_time": 4e-5}
    known["magnification"] = 1e6
    axes = [Axis("y", 0.5, 0.0, "nm"), Axis("x", 0.5, 0.0, "nm"), Axis("ky"), Axis("kx")]
    yield Special(
        "a master file beside its scan",
        keywords,
        pixels=data.pixels,
        corrections=excluded,
        metadata=known,
        axes=axes,
        notes=0,
    )
    (folder / "x_data_000002.h5").unlink()
    valid = (np.arange(n) < half).reshape(data.nav_shape)
    yield Special("the last data file is not there", keywords, pixels=data.pixels, valid=valid, notes=2, warnings=2)


def _holes(folder: Path, data: SampleData) -> Iterator[Special]:
    """A data file is not there; the numbers of the others, or their length, say where they belong."""
    frames = data.frames[:9]
    square = frames.reshape(3, 3, *data.sig_shape)
    for stem, numbers in (("counted", 1), ("later", 101), ("alike", 0)):
        _data_files(folder, stem, (frames[:3], frames[3:6], frames[6:]), numbers=numbers)
        keywords = saved(folder / f"{stem}_master.h5", partial(_link, stem=stem, count=3))
        yield Special(f"nine frames, {stem}", keywords, pixels=square, notes=0)
        for number in (2, 1):
            if number == 1 and numbers == 101:  # nobody knows at what number the first one began
                continue
            file = folder / f"{stem}_data_{number:06}.h5"
            content = file.read_bytes()
            file.unlink()
            valid = np.ones(9, np.bool_)
            valid[3 * number - 3 : 3 * number] = False
            text = f"data file {number} of three is not there, {stem}"
            yield Special(text, keywords, pixels=square, valid=valid.reshape(3, 3), notes=1, warnings=1)
            file.write_bytes(content)
    (folder / "counted_data_000003.h5").unlink()
    keywords = {"path": folder / "counted_master.h5"}
    yield Special("the last of three data files is not there", keywords, pixels=frames[:6], notes=1, warnings=1)


def _interrupted(folder: Path, data: SampleData) -> Iterator[Special]:
    """A recording that was interrupted: the master says how many frames were planned, the data files hold others."""
    frames = data.frames
    for text, series, triggers, there, shape, warnings in (
        ("a recording that was interrupted", 9, 1, 7, (3, 3), 1),
        ("the same, with a trigger for each frame", 1, 9, 7, (3, 3), 1),
        ("the same, of series of frames", 3, 3, 7, (3, 3), 1),
        ("one of no square", 8, 1, 6, (6,), 1),
        ("frames that were not planned", 5, 1, 9, (3, 3), 0),
        ("a plan without triggers", 7, 0, 7, (7,), None),
    ):
        _data_files(folder, "stopped", (frames[:3], frames[3:there]))

        def write(file: Any, series: int = series, triggers: int = triggers) -> None:
            _link(file, "stopped", 2)
            file[f"{_SPECIFIC}/nimages"], file[f"{_SPECIFIC}/ntrigger"] = series, triggers

        steps = int(np.prod(shape))
        valid = (np.arange(steps) < there).reshape(shape)
        pixels = np.zeros((steps, *data.sig_shape), frames.dtype)
        pixels[: min(steps, there)] = frames[: min(steps, there)]
        yield Special(
            text,
            saved(folder / "stopped_master.h5", write),
            pixels=pixels.reshape(*shape, *data.sig_shape),
            valid=valid,
            notes=0 if warnings is None else 1,
            warnings=warnings or 0,
        )


def _frames_in_the_master(folder: Path, data: SampleData) -> Iterator[Special]:
    """Frames in the master file itself, beside a data set that holds none."""

    def write(file: Any) -> None:
        file["entry/data/data_000001"] = data.frames
        file["entry/data/data_000002"] = "none"

    keywords = saved(folder / "all.h5", write)
    yield Special("frames in the master file", keywords, pixels=data.frames, notes=1, warnings=1, details=PLAIN)
    saved(folder / "own.h5", lambda file: file.create_group("STEM Metadata").attrs.update({"Pixel Size": 0.5}))
    for text, where in (("frames in the master file alone", "entry/data"), ("frames of early firmware", "entry")):

        def alone(file: Any, where: str = where) -> None:
            file[f"{where}/data_000001"] = data.frames

        made = saved(folder / "own_master.h5", alone)
        yield Special(text, {**made, "external": "never"}, pixels=data.frames, details=PLAIN)


def _odd_companions(folder: Path, data: SampleData) -> Iterator[Special]:
    """A mask that only libhdf5 could unpack, and a file beside it that is none of HDF5."""
    _data_files(folder, "y", (data.frames,))

    def write(file: Any, **options: Any) -> None:
        _link(file, "y", 1)
        mask = np.ones(options.pop("shape", data.sig_shape), np.uint32)
        file.create_dataset(f"{_SPECIFIC}/pixel_mask", data=mask, **options)

    unknown = ("mode", "detector", "counter_depth", "exposure_time", "dwell_time", "detector_pixel_pitch")
    no_scan = dict.fromkeys(unknown)
    impossible = {"count_time": 0.0, "frame_time": np.inf, "x_pixel_size": -1.0, "bit_depth_readout": 0}
    for text, companion in (("another file", data.frames), ("a text", "none")):
        with h5py.File(folder / "y.h5", "w") as file:
            file["data"] = companion
        keywords = saved(folder / "y_master.h5", lambda file: _link(file, "y", 1))
        with h5py.File(folder / "y_master.h5", "a") as file:
            file.create_group("entry/instrument/detector").update(impossible)
        yield Special(f"a master file beside {text}", keywords, pixels=data.frames, metadata=no_scan)
    _data_files(folder, "z", (data.frames[:1],))
    keywords = saved(folder / "z_master.h5", lambda file: _link(file, "z", 1))
    yield Special("a master file of one frame", keywords, pixels=data.frames[:1])
    (folder / "y.h5").write_bytes(b"no HDF5 file")
    keywords = saved(folder / "y_master.h5", lambda file: write(file, scaleoffset=0, chunks=data.sig_shape))
    yield Special("a mask that is not unpacked", keywords, pixels=data.frames, corrections={}, notes=1, warnings=0)
    keywords = saved(folder / "y_master.h5", lambda file: write(file, shape=(2, 2)))
    yield Special("a mask of another shape", keywords, pixels=data.frames, corrections={}, notes=0)
