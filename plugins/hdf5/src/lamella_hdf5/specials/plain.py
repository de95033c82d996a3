"""Pixels in one piece: rare types and layouts, files that look odd, and files that somebody writes to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella_hdf5.specials.writing import FILLED, PLAIN, create, overwritten, saved, slower, stored
from lamella_testkit import Special

if TYPE_CHECKING:
    from lamella_testkit import SampleData

__all__ = ["special_files"]

_WINDOW = 32 << 10
"""Damaged collections of texts are looked for in so many bytes of a small file, at either end."""


def special_files(folder: Path, data: SampleData) -> Iterator[Special]:
    """Write them."""
    yield from _rare_types(folder, data)
    yield from _colours(folder, data)
    yield from _rare_layouts(folder, data)
    yield from _odd_files(folder, data)
    yield from _files_in_use(folder, data)


def _rare_types(folder: Path, data: SampleData) -> Iterator[Special]:
    """Enumerations, numbers of twelve bits, and complex numbers of MATLAB."""
    pixels = data.pixels
    names = h5py.enum_dtype({"dark": 0, "bright": 1}, data.native_dtype)
    keywords = stored(folder / "enumeration.h5", pixels, dtype=names)
    yield Special("pixels of an enumeration", keywords, pixels=pixels)
    few = pixels & 0x0FFF
    for name, chunks in (("twelve", None), ("chunks", (1, *pixels.shape[1:]))):

        def short(file: Any, chunks: Any = chunks) -> None:
            kind = h5py.h5t.STD_U16LE.copy()
            kind.set_precision(12)
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            if chunks:
                plist.set_chunk(chunks)
            create(file, "data", few.shape, kind, plist)
            file["data"][...] = few

        keywords = saved(folder / f"{name}.h5", short)
        why = slower("its numbers have to be converted")
        yield Special(f"numbers of twelve bits, chunks {chunks}", keywords, pixels=few, details=why)
    waves = (pixels[::-1] + 1j * pixels).astype("<c8")
    pairs = waves.T.copy().view([("real", "<f4"), ("imag", "<f4")])

    def matlab(file: Any) -> None:
        file["waves"] = pairs
        file["counts"] = np.zeros(4, [("real", "<i4"), ("imag", "<i4")])
        file["waves"].attrs["MATLAB_class"] = np.bytes_("single")
        file.create_group("#refs#")["a"] = np.zeros((2, 2, 2))

    keywords = saved(folder / "waves.mat", matlab, userblock_size=512)
    overwritten(folder / "waves.mat", (0, b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116)))
    yield Special("complex numbers of MATLAB", {**keywords, "reverse_axes": True}, pixels=waves, notes=0)


def _colours(folder: Path, data: SampleData) -> Iterator[Special]:
    """Pictures, whose pixels are records of red, green and blue."""
    shades = np.arange(3 * data.frames.size, dtype="<u4").astype(np.uint8).reshape(*data.frames.shape, 3)
    records = shades.view([(channel, "u1") for channel in "RGB"])[..., 0]
    for chunks in (None, (1, *data.sig_shape)):
        keywords = stored(folder / "colours.h5", records, chunks=chunks)
        way = slower("pixels in colours") if chunks else PLAIN
        yield Special(
            f"pictures in colours, chunks {chunks}", keywords, pixels=shades, notes=1, warnings=0, details=way
        )


def _rare_layouts(folder: Path, data: SampleData) -> Iterator[Special]:
    """Pixels in the header, pixels that were never written, and pixels in a file of their own."""
    frames, pixels, dtype = data.frames, data.pixels, data.native_dtype

    def compact(file: Any) -> None:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        made = create(file, "data", frames.shape, h5py.h5t.py_create(frames.dtype), plist)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(frames))

    keywords = saved(folder / "compact.h5", compact)
    way = slower("compact layout")
    yield Special("pixels in the header", {**keywords, "isolate": "never"}, pixels=frames, details=way)

    def described(file: Any) -> None:
        compact(file)
        file["data"].attrs["note"] = "beside them"

    keywords = saved(folder / "described.h5", described, libver="latest")
    raw = {"/data": {"attributes": {"note": "beside them"}, "value": frames.tolist()}}
    yield Special("pixels in the header of a newer file", keywords, pixels=frames, raw_metadata=raw, details=way)
    keywords = saved(folder / "fill.h5", lambda file: file.create_dataset("data", frames.shape, dtype, fillvalue=3))
    yield Special("pixels that were never written", keywords, pixels=np.full_like(frames, 3), details=FILLED)
    outside = [("pixels.bin", 16, pixels.nbytes)]
    keywords = saved(
        folder / "external.h5", lambda file: file.create_dataset("scan", pixels.shape, dtype, external=outside)
    )
    for text, count in (("complete", len(pixels)), ("cut in its last row", len(pixels) - 1)):
        (folder / "pixels.bin").write_bytes(bytes(16) + pixels[:count].tobytes() + b"\0")
        valid = np.broadcast_to(np.arange(len(pixels))[:, np.newaxis] < count, data.nav_shape)
        text, notes = f"pixels in a file of their own, {text}", int(count < len(pixels))
        yield Special(text, keywords, pixels=pixels, valid=valid, notes=notes, warnings=notes)


def _odd_files(folder: Path, data: SampleData) -> Iterator[Special]:
    """Files that are tried in a child process unless the user says otherwise."""
    path = folder / "odd.h5"
    for text, place, content in (
        ("a reserved byte of the superblock", 15, b"\1"),
        ("bytes that follow the end", None, bytes(100)),
    ):
        stored(path, data.pixels)
        keywords = overwritten(path, (path.stat().st_size if place is None else place, content))
        yield Special(text, {**keywords, "isolate": "never"}, pixels=data.pixels)
    with h5py.File(path) as file:
        first = file["data"].id.get_offset()
    collection = b"GCOL\1\0\0\0" + (8192).to_bytes(8, "little") + b"\1".ljust(16, b"\0")
    for text, place, word in (
        ("a text", first, b"GCOL"),
        ("the beginning of a text at the end of the window", _WINDOW - 8, b"GCOL"),
        ("texts that continue behind the window", _WINDOW - len(collection), collection),
    ):
        pixels = np.zeros((2, 150, 140), np.uint8)
        pixels.reshape(-1)[place - first : place - first + len(word)] = np.frombuffer(word, np.uint8)
        keywords = stored(path, pixels)
        yield Special(f"pixels that look like {text}", {**keywords, "isolate": "never"}, pixels=pixels)


def _files_in_use(folder: Path, data: SampleData) -> Iterator[Special]:
    """Files that somebody has open for writing, or left so."""
    path = folder / "marked.h5"
    saved(path, lambda file: file.create_dataset("data", data=data.pixels), libver="latest")
    content = bytearray(path.read_bytes())
    content[11] |= 1
    path.write_bytes(content)
    yield Special("a file that a writer left", {"path": path}, pixels=data.pixels)
    for name, locking in (("open.h5", True), ("free.h5", False)):
        with h5py.File(folder / name, "w", locking=locking) as file:
            file["data"] = data.pixels
            file.flush()
            text = f"a file that this process writes to, locked: {locking}"
            yield Special(text, {"path": folder / name}, pixels=data.pixels)
