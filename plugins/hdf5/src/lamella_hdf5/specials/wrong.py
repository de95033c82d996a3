"""Files that make no sense, or that hold no scan, for the conformance kit."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella.errors import CorruptError, FormatError, ParameterError, TruncatedError, UnsupportedError
from lamella_hdf5.specials.writing import create, overwritten, saved, stored
from lamella_testkit import Wrong

if TYPE_CHECKING:
    from lamella_testkit import SampleData

    Write = Callable[[Any], object]
    Case = tuple[str, Write, type[Exception]]

__all__ = ["wrong_files"]


def wrong_files(folder: Path, data: SampleData) -> Iterator[Wrong]:
    """Write them, one over the other."""
    yield from _superblocks(folder / "a.h5", data)
    yield from _in_use(folder, data)
    for text, write, error in (*_without_frames(data), *_of_programs(data), *_links(data), *_virtual(folder, data)):
        yield Wrong(text, saved(folder / "a.h5", write), error)
    yield from _external(folder, data)
    yield from _masters(folder, data)

    def endless(file: Any) -> None:
        file["data"] = data.pixels
        file["one"], file["other"] = h5py.SoftLink("/other"), h5py.SoftLink("/one")
        _grow(file, "growing", data.frames)

    saved(folder / "a.h5", endless)
    growing = {"path": folder / "a.h5", "ds_path": "/growing"}
    yield Wrong("a data set that grows, named", growing, UnsupportedError)
    for text, more in (
        ("links without end", {"ds_path": "/one"}),
        ("a path that leads nowhere", {"ds_path": "/scan"}),
        ("an axis that is not there", {"sig_axes": (0, 7)}),
        ("more detector axes than axes", {"sig_dims": 5}),
    ):
        yield Wrong(text, {"path": folder / "a.h5", **more}, ParameterError)


def _superblocks(path: Path, data: SampleData) -> Iterator[Wrong]:
    old, new = ("earliest", "latest"), ("latest", "latest")
    for text, versions, place, content, error in (
        ("an unknown version", old, 8, b"\x09", UnsupportedError),
        ("addresses of three bytes", old, 13, b"\3", CorruptError),
        ("addresses of three bytes in a newer file", new, 9, b"\3", CorruptError),
        ("a beginning behind the signature", old, 24, b"\1", CorruptError),
        ("an end behind that of the file", old, 40, b"\xff\xff\xff\0", TruncatedError),
        ("an end behind that of a newer file", new, 28, b"\xff\xff\xff\0", TruncatedError),
        ("an end behind all files", old, 40, b"\xfe" * 8, CorruptError),
        ("a driver", old, 48, bytes(8), UnsupportedError),
    ):
        stored(path, data.pixels, libver=versions)
        yield Wrong(text, overwritten(path, (place, content)), error)
    for versions in (old, new):
        stored(path, data.pixels, libver=versions)
        path.write_bytes(path.read_bytes()[:-20])
        yield Wrong(f"a file of version {versions[0]} that was cut", {"path": path}, TruncatedError)


def _in_use(folder: Path, data: SampleData) -> Iterator[Wrong]:
    """Write files that a program has not finished, which tells more than that they are damaged."""
    path = folder / "left.h5"
    stored(path, data.pixels, libver=("latest", "latest"))
    content = bytearray(path.read_bytes())
    content[11] |= 1  # open for writing
    path.write_bytes(content[:-20])
    yield Wrong("a file that a writer left before it was complete", {"path": path}, FormatError)
    if importlib.util.find_spec("fcntl") is None:  # Windows, where nobody can read a file with such a lock
        return
    begun = folder / "begun.h5"
    with h5py.File(begun, "w", locking=True):
        yield Wrong(
            "a file that has just been begun", {"path": begun}, FormatError if _locked(begun) else TruncatedError
        )


def _locked(path: Path) -> bool:
    """Whether a file shows that it is open for writing, which is a matter of the system and its settings."""
    import fcntl

    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


def _without_frames(data: SampleData) -> Iterator[Case]:
    """Give what writes files that hold no frames, or frames that nobody can unpack."""
    shape, dtype = data.pixels.shape, data.native_dtype

    def outside(file: Any) -> None:
        made = file.create_dataset("data", shape, dtype, chunks=shape, compression=300, allow_unknown_filter=True)
        made.id.write_direct_chunk((0,) * len(shape), data.tobytes())

    def empty(file: Any) -> None:
        file.create_dataset("data", (0, 4, 5), dtype)
        file["image"] = data.frames[0]

    floats = [(channel, "f4") for channel in "RGB"]
    uneven = [("R", "u1"), ("G", "u2"), ("B", "u1")]
    large = (33, 2, 1024, 1024)
    for text, write in (
        ("nothing", lambda file: None),
        ("a text", lambda file: file.create_dataset("data", data="a text")),
        ("a vector", lambda file: file.create_dataset("data", data=np.arange(9))),
        ("a stack of no frames", lambda file: file.create_dataset("data", (0, 4, 5), dtype)),
        ("a stack of no frames beside an image", empty),
        ("colours that are fractions", lambda file: file.create_dataset("data", data=np.zeros((4, 5, 6), floats))),
        ("colours of several sizes", lambda file: file.create_dataset("data", data=np.zeros((4, 5, 6), uneven))),
        ("a large scan that was never begun", lambda file: file.create_dataset("data", large, "u1")),
        ("large chunks that were never written", lambda file: file.create_dataset("data", large, "u1", chunks=True)),
    ):
        yield text, write, FormatError
    yield "an unknown filter", outside, UnsupportedError


def _of_programs(data: SampleData) -> Iterator[Case]:
    """Give what writes files of known programs, which hold no frames of numbers."""
    records = np.zeros((4, 5, 3), [("realFloat", "f4"), ("imagFloat", "f4")])

    def group(name: str, member: str, values: Any, **attributes: Any) -> Write:
        def write(file: Any) -> None:
            made = file.create_group(name)
            made[member] = values
            made.attrs.update(attributes)

        return write

    def plot(file: Any) -> None:
        file.attrs["default"] = "scan"
        file.create_group("scan").attrs.update({"NX_class": "NXdata", "signal": "data"})
        file["other"] = data.pixels

    def swift(file: Any) -> None:
        file["data"] = "text"
        file["data"].attrs["properties"] = '{"dimensional_calibrations": []}'

    for text, write in (
        ("a plot without its signal", plot),
        ("a signal of text", group("scan", "data", "text", NX_class="NXdata", signal="data")),
        ("a list of events", group("entry/events", "event_id", np.arange(9), NX_class="NXevent_data")),
        ("lists of electrons", group("electron_events", "frames", np.arange(9))),
        ("an EMD group of text", group("data/scan", "data", "text", emd_group_type=1)),
        ("a cube of text", group("4DSTEM_experiment/data/datacubes/gold", "data", "text")),
        ("a signal of HyperSpy of text", group("Experiments/signal", "data", "text")),
        ("transforms of Velox", group("Data/Image/ab", "Data", records)),
        ("an image of Velox without data", group("Data/Image/ab", "Metadata", np.zeros((9, 2), np.uint8))),
        ("spectra of Velox", group("Data/Spectrum/ab", "Data", np.zeros((9, 1)))),
        ("a data item of Nion Swift of text", swift),
    ):
        yield text, write, UnsupportedError


def _links(data: SampleData) -> Iterator[Case]:
    yield "a link to a file that is missing", lambda file: _link(file, "missing.h5"), FormatError
    yield "a link out of the folder", lambda file: _link(file, "../outside.h5"), FormatError


def _link(file: Any, name: str) -> None:
    file["scan"] = h5py.ExternalLink(name, "/scan")


def _virtual(folder: Path, data: SampleData) -> Iterator[Case]:
    """Give what writes virtual data sets whose parts do not go together."""
    frames = data.frames
    n, shape = len(frames), frames.shape
    stored(folder / "all.h5", frames)
    stored(folder / "floats.h5", frames.astype("f8"))

    def virtual(*parts: tuple[slice, str, tuple[int, ...]], columns: slice = slice(None)) -> Write:
        layout = h5py.VirtualLayout(shape, frames.dtype)
        for part, name, of in parts:
            layout[part, :, columns] = h5py.VirtualSource(name, "data", of)
        return lambda file: file.create_virtual_dataset("data", layout)

    def scattered(file: Any) -> None:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        spaces = [h5py.h5s.create_simple(shape) for _ in range(2)]
        for space in spaces:
            space.select_hyperslab((0, 0, 0), (1, 2, 2))
            space.select_hyperslab((3, 1, 1), (2, 1, 3), op=h5py.h5s.SELECT_OR)
        plist.set_virtual(spaces[0], b"all.h5", b"data", spaces[1])
        create(file, "data", shape, h5py.h5t.py_create(frames.dtype), plist)

    whole, two = slice(0, n), (2, *shape[1:])
    half = (n, shape[1], 3)
    yield "no source is there", virtual((whole, "missing.h5", shape)), FormatError
    yield "a source is outside of the folder", virtual((whole, "../outside.h5", shape)), UnsupportedError
    yield "a source is of another dtype", virtual((whole, "floats.h5", shape)), UnsupportedError
    yield "a source is the data set itself", virtual((whole, ".", shape)), CorruptError
    yield "parts overlap", virtual((slice(0, 2), "all.h5", two), (slice(1, 3), "all.h5", two)), UnsupportedError
    yield "a module is missing", virtual((whole, "missing.h5", half), columns=slice(0, 3)), FormatError
    yield "a part of scattered blocks", scattered, UnsupportedError
    yield "a data set that grows", lambda file: _grow(file, "data", frames), UnsupportedError


def _grow(file: Any, name: str, frames: Any) -> None:
    """Make a virtual data set that is as long as its source."""
    shape = frames.shape
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    spaces = [h5py.h5s.create_simple(shape, (h5py.h5s.UNLIMITED, *shape[1:])) for _ in range(3)]
    for space in spaces[:2]:
        space.select_hyperslab((0, 0, 0), (h5py.h5s.UNLIMITED, 1, 1), block=(1, *shape[1:]))
    plist.set_virtual(spaces[0], b"all.h5", b"data", spaces[1])
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(frames.dtype), spaces[2], plist)


def _external(folder: Path, data: SampleData) -> Iterator[Wrong]:
    """Write data sets whose pixels are in other files."""
    pixels, dtype = data.pixels, data.native_dtype
    (folder / "part.bin").write_bytes(pixels.tobytes())
    cut = [("part.bin", 0, pixels[0].nbytes + 2), ("part.bin", 0, pixels.nbytes)]
    for text, files, error in (
        ("the file of the pixels is missing", [("missing.bin", 0, pixels.nbytes)], FormatError),
        ("frames are cut in two", cut, UnsupportedError),
    ):

        def write(file: Any, files: Any = files) -> None:
            file.create_dataset("data", pixels.shape, dtype, external=files)

        yield Wrong(text, saved(folder / "a.h5", write), error)


def _masters(folder: Path, data: SampleData) -> Iterator[Wrong]:
    """Write master files of DECTRIS whose data files do not go together, or are not there."""

    def write(file: Any) -> None:
        for number in (1, 2, 3):
            link = h5py.ExternalLink(f"x_data_{number:06}.h5", "/data")
            file[f"entry/data/data_{number:06}"] = link

    frames = data.frames
    keywords = saved(folder / "x_master.h5", write)
    yield Wrong("no data file is there", keywords, FormatError)
    for number in (1, 2, 3):
        stored(folder / f"x_data_{number:06}.h5", frames[:number])
    (folder / "x_data_000001.h5").unlink()
    stored(folder / "x_data_000002.h5", np.zeros((99, *frames.shape[1:]), frames.dtype))
    stored(folder / "x_data_000003.h5", frames[:, 1:])
    yield Wrong("data files have frames of several shapes", keywords, UnsupportedError)
    stored(folder / "x_data_000002.h5", frames[0])
    yield Wrong("a data file holds one image", keywords, FormatError)
    _stated(folder / "x_data_000001.h5", frames[:3], 1)
    (folder / "x_data_000002.h5").unlink()
    _stated(folder / "x_data_000003.h5", frames[:3], 7)

    def planned(file: Any) -> None:
        write(file)
        file["entry/instrument/detector/detectorSpecific/nimages"] = 8

    yield Wrong("data files hold more than was planned", saved(folder / "x_master.h5", planned), FormatError)


def _stated(path: Path, frames: Any, first: int) -> None:
    """Write a data file that says which frame of the detector is its first."""

    def write(file: Any) -> None:
        file["data"] = frames
        file["data"].attrs["image_nr_low"] = first

    saved(path, write)
