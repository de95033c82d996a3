"""DigitalMicrograph files for tests, written byte by byte without the reader."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["CODES", "DATA_TYPES", "SWAPPED", "File", "Image", "Leaf", "Tree", "array", "dm_bytes", "number", "text"]

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


SWAPPED: Sequence[tuple[str, Any]] = [("Meta Data", [("Data Order Swapped", number("u1", 1))])]
"""What tells that the detector has the fast axes."""
