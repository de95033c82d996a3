"""DigitalMicrograph files for the conformance kit."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lamella.reader import Axis
from lamella_dm.specials import special_files, wrong_files
from lamella_dm.writer import CODES, DATA_TYPES, SWAPPED, File, Image, Leaf, Tree, dm_bytes, number, text
from lamella_testkit import Sampler, Special, Wrong, recorded_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella_testkit import Recorded, SampleData

__all__ = ["DmSampler"]

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
    unreached: ClassVar[Mapping[str, str]] = {
        "selected._element_dtype": "structs other than complex numbers are no pixels, which is an error a moment later",
    }

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

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give a tag of the root; special files have some of each type."""
        return {"Thumbnails": [{"ImageIndex": 0}]}

    def expects_notes(self, data: SampleData) -> bool:
        """Say that these files are as they should be."""
        return False

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write other kinds of images, cut files, and lists of files."""
        return special_files(directory, data) if data.variant == "dm4" else iter(())

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong | tuple[str, Mapping[str, Any]]]:
        """Write headers, tags and images that contradict themselves."""
        return wrong_files(directory / "a.dm4", data)

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the header, of the tags before the pixels, and of the pixels."""
        content = self._file(data).tobytes()
        pixels = self._stored(data).astype(data.stored_dtype).tobytes()
        begin = content.index(pixels)
        return {"a.dm3" if data.variant == "dm3" else "a.dm4": [12, 16, 26, begin, begin + len(pixels)]}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write an image with a hole instead of pixels, and its last line."""
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
        end = np.arange(1, side + 1, dtype="<u2")[np.newaxis]
        with path.open("wb") as file:
            file.write(content[:begin])
            file.seek(2 * frames * side * side - end.nbytes, 1)
            file.write(end.tobytes() + content[begin:])
        return Special("a large file", {"path": path}, end=end)

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
