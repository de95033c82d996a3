"""Right files of other programs and layouts for the conformance kit, written by h5py."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella.reader import Axis
from lamella_testkit import Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_testkit import SampleData

__all__ = ["special_files"]


def special_files(directory: Path, data: SampleData) -> Iterator[Special]:
    """Give files of each kind, each in a folder of its own."""
    for write in (_ncem, _py4dstem, _hyperspy, _velox, _dectris, _virtual, _chunks, _parameters, _attributes, _in_use):
        folder = directory / write.__name__.strip("_")
        folder.mkdir()
        yield from write(folder, data)


def _saved(path: Path, write: Callable[[Any], None], **options: Any) -> dict[str, Any]:
    """Write a file, and give the keywords that open it."""
    with h5py.File(path, "w", **options) as file:
        write(file)
    return {"path": path}


def _ncem(folder: Path, data: SampleData) -> Iterator[Special]:
    pixels = data.pixels
    axes = (Axis("y", 0.5, 3.0, "nm"), Axis("x", 0.5, 3.0, "µm"), Axis("ky", 0.5, 3.0, "1/nm"), Axis("kx"))

    def write(file: Any, first: int = 1) -> None:
        group = file.create_group("data/scan")
        group.attrs["emd_group_type"] = 1
        group["data"] = pixels
        for i, (axis, units) in enumerate(zip(axes, ("[n_m]", "[u_m]", "[n_m^-1]", "[]"), strict=True)):
            group[f"dim{i + first}"] = 3.0 + 0.5 * np.arange(pixels.shape[i])
            group[f"dim{i + first}"].attrs.update({"name": axis.name, "units": units})
        file.create_group("microscope").attrs.update({"voltage": 300e3, "microscope name": "TEAM"})
        file.create_group("user").attrs["name"] = "Ada"

    known = {"beam_energy": 300e3, "instrument": "TEAM", "operator": "Ada"}
    for first in (0, 1):
        keywords = _saved(folder / f"dim{first}.emd", partial(write, first=first))
        text = f"an EMD file whose axes count from {first}"
        yield Special(text, keywords, pixels=pixels, axes=axes, metadata=known, notes=0)

    def odd(file: Any) -> None:
        write(file, 0)
        group = file["data/scan"]
        for name, values in (("dim0", b"no numbers"), ("dim1", [1.0]), ("dim2", [2.0, 2.0]), ("dim3", [0.0, np.nan])):
            del group[name]
            group[name] = values

    bare = [Axis(f"dim{i}") for i in range(4)]
    yield Special("axes that are none", _saved(folder / "odd.emd", odd), pixels=pixels, axes=bare)


def _py4dstem(folder: Path, data: SampleData) -> Iterator[Special]:
    def write(file: Any, *others: str) -> None:
        for name in ("gold", *others):
            cube = file.create_group(f"4DSTEM_experiment/data/datacubes/{name}")
            cube["data"] = data.pixels if name == "gold" else data.pixels[:1]
        file["other"] = np.zeros((9, 9, 90), data.native_dtype)

    keywords = _saved(folder / "one.h5", write)
    yield Special("a cube of py4DSTEM", keywords, pixels=data.pixels)
    keywords = _saved(folder / "two.h5", lambda file: write(file, "silver"))
    yield Special("two cubes", keywords, pixels=data.pixels, notes=1)

    def new(file: Any) -> None:
        root = file.create_group("root")
        root.attrs.update({"emd_group_type": "root", "python_class": "Root"})
        cube = root.create_group("cube")
        cube.attrs.update({"emd_group_type": "array", "python_class": "DataCube"})
        cube["data"] = data.pixels
        image = root.create_group("image")
        image.attrs.update({"emd_group_type": "array", "python_class": "VirtualImage"})
        image["data"] = np.zeros((300, 400))

    yield Special("a cube beside a larger image", _saved(folder / "new.h5", new), pixels=data.pixels)


def _hyperspy(folder: Path, data: SampleData) -> Iterator[Special]:
    pixels = data.pixels

    def write(file: Any, *, navigate: bool = True, known: bool = True) -> None:
        file.attrs["file_format"] = "HyperSpy"
        group = file.create_group("Experiments/some signal")
        group["data"] = pixels
        for i in range(pixels.ndim):
            axis = {"name": "yxjk"[i], "units": "nm", "scale": 0.5 * (i + 1), "offset": 2.0 - i}
            unknown = {"name": "_None_", "units": "_None_", "scale": 1.0, "offset": 0.0}
            group.create_group(f"axis-{i}").attrs.update(axis if known else unknown)
            if navigate:
                group[f"axis-{i}"].attrs["navigate"] = i < pixels.ndim - 1
        if navigate:
            group.create_group("metadata/General").attrs.update(
                {"title": "a map", "date": "2020-01-02", "time": "03:04:05"}
            )
            tem = {"beam_energy": 120.0, "camera_length": 800.0, "microscope": "Titan", "acquisition_mode": "STEM"}
            group.create_group("metadata/Acquisition_instrument/TEM").attrs.update(tem)
        else:
            group.create_group("mapped_parameters").attrs.update({"record_by": "image", "title": "a scan"})
            group.create_group("mapped_parameters/TEM").attrs["beam_energy"] = 80.0

    axes = [Axis("yxjk"[i], 0.5 * (i + 1), 2.0 - i, "nm") for i in range(pixels.ndim)]
    known = {"title": "a map", "beam_energy": 120e3, "camera_length": 0.8, "instrument": "Titan", "mode": "STEM"}
    known["acquired"] = "2020-01-02T03:04:05"
    keywords = _saved(folder / "new.hspy", write)
    yield Special("a spectrum image of HyperSpy", keywords, pixels=pixels, axes=axes, metadata=known)
    keywords = _saved(folder / "old.hdf5", lambda file: write(file, navigate=False))
    known = {"title": "a scan", "beam_energy": 80e3}
    yield Special("an old signal of HyperSpy", keywords, pixels=pixels, axes=axes, metadata=known)
    keywords = _saved(folder / "bare.hspy", lambda file: write(file, known=False))
    yield Special("axes without names and units", keywords, axes=[Axis(f"axis{i}") for i in range(pixels.ndim)])


def _velox(folder: Path, data: SampleData) -> Iterator[Special]:
    told: dict[str, dict[str, Any]] = {
        "Optics": {"AccelerationVoltage": "200000"},
        "BinaryResult": {
            "PixelSize": {"height": "2e-9", "width": "3e-9"},
            "PixelUnitX": "m",
            "PixelUnitY": "m",
            "Offset": {"x": "-6e-9", "y": "-4e-9"},
        },
        "Scan": {"FrameTime": "0.25"},
        "Acquisition": {"AcquisitionStartDatetime": {"DateTime": "1596041374"}},
    }
    content = np.frombuffer(json.dumps(told).encode(), np.uint8)

    def write(file: Any) -> None:
        file["Data/Image/ab/Data"] = np.moveaxis(data.frames, 0, -1)
        blob = np.zeros((6000, data.n_frames), np.uint8)
        blob[: content.size] = content[:, np.newaxis]
        file["Data/Image/ab/Metadata"] = blob

    axes = (Axis("frame", 0.25, 0.0, "s"), Axis("y", 2.0, -4.0, "nm"), Axis("x", 3.0, -6.0, "nm"))
    known = {"beam_energy": 200e3, "acquired": "2020-07-29T16:49:34+00:00"}
    keywords = _saved(folder / "a.emd", write)
    yield Special("a series of Velox", keywords, pixels=data.frames, axes=axes, metadata=known)


def _dectris(folder: Path, data: SampleData) -> Iterator[Special]:
    n, frames = data.n_frames, data.frames
    half = n - n // 3
    mask = np.zeros(data.sig_shape, np.uint32)
    mask[1, 2] = 1
    for number, part in enumerate((frames[:half], frames[half:]), 1):

        def write(file: Any, part: NDArray[Any] = part) -> None:
            file.create_dataset("entry/data/data", data=part, chunks=(1, *data.sig_shape), compression="gzip")

        _saved(folder / f"x_data_{number:06}.h5", write)

    def links(file: Any, count: int = 2) -> None:
        for number in range(1, count + 1):
            link = h5py.ExternalLink(f"x_data_{number:06}.h5", "/entry/data/data")
            file[f"entry/data/data_{number:06}"] = link
        detector = file.create_group("entry/instrument/detector/detectorSpecific")
        detector["pixel_mask"] = mask
        detector["nimages"], detector["ntrigger"] = n, 1

    def steps(file: Any) -> None:
        sizes = {"NumPixelsY": np.uint32(data.nav_shape[0]), "NumPixelsX": [data.nav_shape[1]], "Pixel Size": 0.5}
        file.create_group("STEM Metadata").attrs.update(sizes)

    keywords = _saved(folder / "x_master.h5", links)
    excluded = {"excluded": mask > 0}
    yield Special("a master file alone", keywords, pixels=frames, corrections=excluded)
    _saved(folder / "x.h5", steps)
    yield Special("a master file beside its scan", keywords, pixels=data.pixels, corrections=excluded, notes=0)
    (folder / "x_data_000002.h5").unlink()
    valid = (np.arange(n) < half).reshape(data.nav_shape)
    yield Special("a data file that is not there", keywords, pixels=data.pixels, valid=valid)


def _virtual(folder: Path, data: SampleData) -> Iterator[Special]:
    """Data sets that consist of parts of others, or of another file."""
    pixels, dtype = data.pixels, data.native_dtype

    def part(name: str, values: NDArray[Any], **options: Any) -> Any:
        _saved(folder / name, lambda file: file.create_dataset("data", data=values, **options) and None)
        return h5py.VirtualSource(name, "data", values.shape, dtype=dtype)

    def saved(name: str, layout: Any, fill: int = 7) -> dict[str, Any]:
        return _saved(folder / name, lambda file: file.create_virtual_dataset("data", layout, fillvalue=fill) and None)

    rows = h5py.VirtualLayout(pixels.shape, dtype)
    for number, row in enumerate(pixels):
        rows[number] = part(f"row{number}.h5", row, chunks=(1, *data.sig_shape))
    keywords = saved("rows.h5", rows)
    yield Special("a file for each row", keywords, pixels=pixels, notes=0)
    yield Special("the same, read by h5py", {**keywords, "fast": False}, pixels=pixels)
    yield Special("the same, from anywhere", {**keywords, "external": "anywhere"}, pixels=pixels)
    half, flat = data.n_frames // 2, h5py.VirtualLayout(data.frames.shape, dtype)
    for number, cut in enumerate((slice(0, half), slice(half, data.n_frames))):
        flat[cut] = part(f"half{number}.h5", data.frames[cut])
    keywords = saved("halves.h5", flat)
    yield Special("two halves", keywords, pixels=data.frames, notes=0)
    (folder / "half0.h5").unlink()
    yield Special("a half that is not there", keywords, pixels=data.frames, valid=np.arange(data.n_frames) >= half)
    turns = h5py.VirtualLayout(data.frames.shape, dtype)
    for number in range(3):
        turns[number::3] = part(f"turn{number}.h5", data.frames[number::3], compression="gzip")
    yield Special("frames in turns", saved("turns.h5", turns), pixels=data.frames)
    middle = data.sig_shape[1] // 2
    sides = h5py.VirtualLayout((data.n_frames, data.sig_shape[0], data.sig_shape[1] + 2), dtype)
    sides[:, :, :middle] = part("left.h5", data.frames[:, :, :middle])
    sides[:, :, middle + 2 :] = part("right.h5", data.frames[:, :, middle:], chunks=True)
    gap = np.insert(data.frames, [middle, middle], 7, axis=2)
    keywords = saved("sides.h5", sides)
    yield Special("two modules with a gap", keywords, pixels=gap)
    yield Special("modules in reverse order", {**keywords, "reverse_axes": True}, pixels=gap.T)
    yield Special("detector axes of modules", {**keywords, "sig_axes": (0, 1)}, pixels=gap.transpose(2, 0, 1))
    (folder / "pixels.bin").write_bytes(bytes(16) + pixels.tobytes())
    external = [("pixels.bin", 16, pixels.nbytes)]
    keywords = _saved(
        folder / "external.h5",
        lambda file: file.create_dataset("scan", pixels.shape, dtype, external=external) and None,
    )
    yield Special("pixels in a file of their own", keywords, pixels=pixels)


def _chunks(folder: Path, data: SampleData) -> Iterator[Special]:
    """Chunks that were never written, and other filters."""
    shape, dtype, frames = data.frames.shape, data.native_dtype, data.frames
    ones = (1, *data.sig_shape)

    def some(file: Any, count: int = 1) -> None:
        stored = file.create_dataset("data", shape, dtype, chunks=ones, fillvalue=5, compression="gzip")
        stored[: shape[0] - count] = frames[: shape[0] - count]

    filled = frames.copy()
    filled[-1] = 5
    yield Special("a chunk that was never written", _saved(folder / "some.h5", some), pixels=filled)

    def corners(file: Any, **options: Any) -> None:
        stored = file.create_dataset("data", shape, dtype, chunks=(2, 3, 4), fillvalue=5, **options)
        stored[:, :3] = frames[:, :3]

    filled = frames.copy()
    filled[:, 3:] = 5
    filters: dict[str, dict[str, Any]] = {
        "plain": {},
        "shuffle": {"shuffle": True},
        "fletcher32": {"fletcher32": True},
        "gzip": {"compression": "gzip", "shuffle": True},
        "lzf": {"compression": "lzf"},
        "scaleoffset": {"scaleoffset": 0},
    }
    for name, options in filters.items():
        keywords = _saved(folder / f"{name}.h5", partial(corners, **options))
        yield Special(f"chunks at corners, {name}", keywords, pixels=filled)
    keywords = _saved(folder / "compact.h5", _compact(frames))
    yield Special("pixels in the header", {**keywords, "isolate": "never"}, pixels=frames)


def _compact(frames: NDArray[Any]) -> Callable[[Any], None]:
    def write(file: Any) -> None:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple(frames.shape)
        stored = h5py.h5d.create(file.id, b"data", h5py.h5t.py_create(frames.dtype), space, plist)
        stored.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(frames))

    return write


def _parameters(folder: Path, data: SampleData) -> Iterator[Special]:
    """A file with several data sets and links."""
    pixels = data.pixels

    def write(file: Any) -> None:
        file["scan/small"] = pixels[:2]
        file["scan/large"] = pixels
        file["scan/link"] = h5py.SoftLink("/scan/small")
        file["thumbnail"] = np.zeros((3, 4, 3), np.uint8)
        file["scan/small"].attrs["note"] = "the smaller one"

    keywords = _saved(folder / "several.h5", write)
    for text, more, expected in (
        ("the largest data set", {}, pixels),
        ("a named one", {"ds_path": "/scan/small"}, pixels[:2]),
        ("one behind a link", {"ds_path": "scan/link"}, pixels[:2]),
        ("other detector axes", {"sig_axes": (0, 1)}, pixels.transpose(2, 3, 0, 1)),
        ("axes in reverse order", {"reverse_axes": True}, pixels.T),
        ("one detector axis", {"sig_dims": 1}, pixels),
        ("tried in a child process", {"isolate": "always"}, pixels),
    ):
        yield Special(text, {**keywords, **more}, pixels=expected)

    def far(file: Any, name: str = "several.h5") -> None:
        file["far"] = h5py.ExternalLink(name, "/scan/large")

    outer = _saved(folder / "outer.h5", far)
    yield Special("a data set of another file", {**outer, "ds_path": "far"}, pixels=pixels)
    (folder / "inner").mkdir()
    inner = _saved(folder / "inner" / "inner.h5", lambda file: far(file, "../several.h5"))
    text = "a data set of a file in another folder"
    yield Special(text, {**inner, "ds_path": "far", "external": "anywhere"}, pixels=pixels)


def _attributes(folder: Path, data: SampleData) -> Iterator[Special]:
    """Attributes of many kinds, and so many that an index is needed."""

    def write(file: Any, count: int) -> None:
        stored = file.create_dataset("data", data=data.pixels)
        known = {"text": "Größe", "number": 3, "share": 0.5, "flag": True, "list": [1, 2, 3], "words": ["a", "b"]}
        stored.attrs.update(known)
        for i in range(count):
            stored.attrs[f"name {i}"] = f"text {i}"

    for count in (2, 30, 600):
        keywords = _saved(folder / f"{count}.h5", partial(write, count=count), libver="latest")
        wanted = {"text": "Größe", "number": 3, "share": 0.5, "flag": True, "list": [1, 2, 3], "words": ["a", "b"]}
        wanted |= {f"name {i}": f"text {i}" for i in range(count)}
        found = {"attributes": wanted, "value": data.pixels.tolist()}
        yield Special(f"{count + 6} attributes", keywords, pixels=data.pixels, raw_metadata={"/data": found})


def _in_use(folder: Path, data: SampleData) -> Iterator[Special]:
    """A file whose superblock says that it is open for writing, as after a writer that was killed."""
    path = folder / "marked.h5"
    _saved(path, lambda file: file.create_dataset("data", data=data.pixels) and None, libver="latest")
    content = bytearray(path.read_bytes())
    content[11] |= 1
    path.write_bytes(content)
    yield Special("a file that a writer left", {"path": path}, pixels=data.pixels)
