"""DigitalMicrograph files for tests, written byte by byte without the reader."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lamella.reader import Axis
from lamella_testkit import Sampler, recorded_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_testkit import Recorded, SampleData

__all__ = ["DmSampler", "File", "Image", "Tree", "dm_bytes", "number", "text"]

CODES = {"i2": 2, "i4": 3, "u2": 4, "u4": 5, "f4": 6, "f8": 7, "b1": 8, "i1": 9, "u1": 10, "i8": 11, "u8": 12}
DATA_TYPES = {
    "i2": 1,
    "f4": 2,
    "c8": 3,
    "u1": 6,
    "i4": 7,
    "i1": 9,
    "u2": 10,
    "u4": 11,
    "f8": 12,
    "c16": 13,
    "b1": 14,
    "i8": 39,
    "u8": 40,
}


@dataclass(frozen=True)
class Leaf:
    """A value: the words of its type, and its bytes in little-endian and in big-endian order."""

    words: Sequence[int]
    little: bytes
    big: bytes


Tree: TypeAlias = "list[tuple[str, Leaf | Tree]]"


def number(kind: str, value: float) -> Leaf:
    """Give a scalar; ``kind`` as NumPy calls it."""
    return Leaf([CODES[kind]], np.array(value, f"<{kind}").tobytes(), np.array(value, f">{kind}").tobytes())


def text(value: str) -> Leaf:
    """Give a text, which is an array of u16."""
    return Leaf([20, 4, len(value.encode("utf-16-le")) // 2], value.encode("utf-16-le"), value.encode("utf-16-be"))


def array(values: NDArray[Any]) -> Leaf:
    """Give an array; one of complex numbers is made of structs."""
    kind = f"{values.dtype.kind}{values.dtype.itemsize}"
    part = {"c8": 6, "c16": 7}.get(kind)
    words = [20, CODES[kind], values.size] if part is None else [20, 15, 0, 2, 0, part, 0, part, values.size]
    return Leaf(
        words,
        values.astype(values.dtype.newbyteorder("<")).tobytes(),
        values.astype(values.dtype.newbyteorder(">")).tobytes(),
    )


@dataclass(frozen=True)
class Image:
    """An image to write: pixels in the order of the file, ``(slowest, …, fastest)``.

    Parameters
    ----------
    pixels
        What ``ImageData/Data`` holds.
    name
        Title.
    calibrations
        Origin, scale and units of each axis, fastest first; may be fewer than axes. By default 0, 1 and none.
    tags
        What ``ImageTags`` holds.
    data_type
        Code of the kind of pixels, if it is not that of the dtype.
    dims
        Lengths of the axes in the order of the pixels, if they are not those of ``pixels``.
    """

    pixels: NDArray[Any]
    name: str = "an image"
    calibrations: Sequence[tuple[float, float, str]] | None = None
    tags: Sequence[tuple[str, Any]] = ()
    data_type: int | None = None
    dims: tuple[int, ...] | None = None

    def tree(self) -> Tree:
        """Give the tags in the order in which DigitalMicrograph writes them."""
        dtype = self.pixels.dtype
        kind = f"{dtype.kind}{dtype.itemsize}"
        dimension: Tree = [
            ("", [("Origin", number("f4", o)), ("Scale", number("f4", s)), ("Units", text(u))])
            for o, s, u in ([(0.0, 1.0, "")] * self.pixels.ndim if self.calibrations is None else self.calibrations)
        ]
        data: Tree = [
            ("Calibrations", [("Dimension", dimension)]),
            ("Data", array(self.pixels)),
            ("DataType", number("u4", DATA_TYPES[kind] if self.data_type is None else self.data_type)),
            ("Dimensions", [("", number("u4", n)) for n in (self.dims or self.pixels.shape)[::-1]]),
            ("PixelDepth", number("u4", dtype.itemsize)),
        ]
        return [("ImageData", data), ("ImageTags", list(self.tags)), ("Name", text(self.name))]


@dataclass(frozen=True)
class File:
    """A file to write."""

    images: Sequence[Image]
    version: int = 4
    little: bool = True
    thumbnails: Sequence[int] = ()
    before: Sequence[tuple[str, Any]] = ()

    def tobytes(self) -> bytes:
        """Give the content of the file."""
        listed: Tree = [("", image.tree()) for image in self.images]
        small: Tree = [("", [("ImageIndex", number("u4", i))]) for i in self.thumbnails]
        root: Tree = [*self.before, ("ImageList", listed), *([("Thumbnails", small)] if small else [])]
        return dm_bytes(root, self.version, little=self.little)

    def write(self, path: Path) -> Path:
        """Write the file."""
        path.write_bytes(self.tobytes())
        return path


def dm_bytes(root: Tree, version: int = 4, *, little: bool = True) -> bytes:
    """Give a file with a tag tree."""
    word = {3: ">I", 4: ">Q"}[version]

    def group(tree: Tree) -> bytes:
        return struct.pack(">BB", 1, 0) + struct.pack(word, len(tree)) + b"".join(entry(*one) for one in tree)

    def entry(label: str, value: Leaf | Tree) -> bytes:
        content = value_bytes(value) if isinstance(value, Leaf) else group(value)
        named = label.encode("latin-1")
        size = struct.pack(">Q", len(content)) if version == 4 else b""
        return struct.pack(">BH", 21 if isinstance(value, Leaf) else 20, len(named)) + named + size + content

    def value_bytes(leaf: Leaf) -> bytes:
        words = b"".join(struct.pack(word, one) for one in (len(leaf.words), *leaf.words))
        return b"%%%%" + words + (leaf.little if little else leaf.big)

    body = group(root)
    return struct.pack(">I", version) + struct.pack(word, len(body) - 8) + struct.pack(">I", little) + body + bytes(8)


RECORDED = {
    "2D_test-1_dm3/test-1.dm3": "19832d1fc253c0d4b48f3fbbf5761c1057244d79f621e9d7bd91b819c0df5115",
    "2D_test-2_dm4/test-2.dm4": "db23e0fa74d1c50ea1ef3c4df847e952aa15cc97eb25ea96deede46ba1e0edcd",
    "2D_test-9_dm4/test-9.dm4": "9360d3880ea0a08da091dcf4e545ed95bd62f15f8f8f36ed42d0ed2a9f2e2d14",
    "2D_test_STEM_image_dm3/test_STEM_image.dm3": "fcba806af75bc3c2e50e7d7b0626cba545c1464f39e99c8922b225b0b0b0224c",
    "3D_EELS_SI_dm4/EELS_SI.dm4": "f9b8203f384cc355437594b649d4ea3a12cddeb231ebb65508a841a379fa171a",
    "3D_test-6_dm3/test-6.dm3": "e21b728c964db0285f68840acc5c474c0eaec4f7ebfb18bbb35851e5d35771a7",
    "3D_test-7_dm4/test-7.dm4": "8904e35d4a83b9344aed16ab4e56d36026ab0e2ea44e09074803a51669c84922",
    "nionswift-io__ref_T_0_2_dm4/ref_T_0_2.dm4": "56d75c146c3e8cbc73e4e65fc788600babd7057d9f4f0a4e1ad0f244eec22e60",
    "openNCEM__dmTest_float32_nonSquare_diffPixelSize_dm4/dmTest_float32_nonSquare_diffPixelSize.dm4": (
        "340533262146bfb4ce52b53a936a1f4cf10439abd849b8741f03cb8b7d600f6d"
    ),
    "test_stackbuilder_imagestack_dm3/test_stackbuilder_imagestack.dm3": (
        "41070d0fd25a838a504f705e1431735192b7a97ca7dd15d9328af5e939fe74a2"
    ),
}
"""Real files below ``LAMELLA_SAMPLES``, with their checksums."""


class DmSampler(Sampler):
    """Writes 4D-STEM data of both axis orders, image stacks, and lists of files."""

    format = "dm"
    dtypes = ("<u2", "<i1", "<u1", "<i2", "<u4", "<i4", "<f4", "<f8", "<c8", "<c16", ">u2", ">f4")
    nav_ranks = (2,)
    variants = ("dm4", "dm3", "scan fastest")

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write one image with a thumbnail before it."""
        path = directory / ("a.dm3" if data.variant == "dm3" else "a.dm4")
        self._file(data).write(path)
        return {"path": path}

    def axes(self, data: SampleData) -> Sequence[Axis] | None:
        """Give the calibrations."""
        return (*data.nav_axes, *data.sig_axes)

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what `write` puts into the tags."""
        return {"beam_energy": 200e3, "title": "a scan", "camera_length": 0.125, "detector": "a camera"}

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the header, of the tags before the pixels, and of the pixels."""
        content = self._file(data).tobytes()
        pixels = self._stored(data).astype(data.stored_dtype).tobytes()
        begin = content.index(pixels)
        return {"a.dm3" if data.variant == "dm3" else "a.dm4": [12, 16, 26, begin, begin + len(pixels)]}

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any] | None:
        """Write an image with a hole instead of pixels."""
        side = 256
        frames = max(1, nbytes // (2 * side * side))
        words = [20, CODES["u2"], frames * side * side]
        data: Tree = [
            ("Data", Leaf(words, b"", b"")),
            ("DataType", number("u4", DATA_TYPES["u2"])),
            ("Dimensions", [("", number("u4", n)) for n in (side, side, frames)]),
        ]
        content = dm_bytes([("ImageList", [("", [("ImageData", data)])])])
        begin = content.index(struct.pack(">4Q", 3, *words)) + 32
        path = directory / "sparse.dm4"
        with path.open("wb") as file:
            file.write(content[:begin])
            file.seek(2 * frames * side * side, 1)
            file.write(content[begin:])
        return {"path": path}

    def recorded(self) -> Iterable[Recorded]:
        """Give real files with what other readers found in them."""
        for one in recorded_files(self.format, RECORDED):
            if one.path.name == "EELS_SI.dm4":  # other readers give a map of the scan for each energy
                yield replace(one, expected=np.moveaxis(one.expected, 0, -1))
            else:
                yield one

    def _stored(self, data: SampleData) -> NDArray[Any]:
        if data.variant != "scan fastest":
            return data.pixels
        n = len(data.nav_shape)
        return np.ascontiguousarray(np.moveaxis(data.pixels, range(n), range(-n, 0)))

    def _file(self, data: SampleData) -> File:
        scan_first = data.variant == "scan fastest"
        axes = [*data.sig_axes, *data.nav_axes] if scan_first else [*data.nav_axes, *data.sig_axes]
        image = Image(
            self._stored(data),
            "a scan",
            [(0.0, axis.scale, axis.units or "") for axis in reversed(axes)],
            [
                ("DataBar", [("Device Name", text("a camera"))]),
                ("Meta Data", [] if scan_first else SWAPPED[0][1]),
                ("Microscope Info", [("STEM Camera Length", number("f8", 125.0)), ("Voltage", number("f8", 200e3))]),
            ],
        )
        thumbnail = Image(np.zeros((2, 3), "<i4"), "thumbnail", data_type=23)
        little = data.stored_dtype.byteorder != ">"
        return File([thumbnail, image], 3 if data.variant == "dm3" else 4, little, thumbnails=[0])


SWAPPED: Sequence[tuple[str, Any]] = [("Meta Data", [("Data Order Swapped", number("u1", 1))])]
"""What tells that the detector has the fast axes."""
