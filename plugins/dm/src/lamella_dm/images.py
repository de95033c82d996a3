"""The images of a DigitalMicrograph file, and which of their axes belong to the scan.

``ImageList`` holds one unlabelled group for each image. In it, ``ImageData`` has ``Data`` (the pixels), ``DataType``,
``Dimensions`` (fastest first) and ``Calibrations/Dimension`` (in the same order, possibly fewer): index i lies at
``(i - Origin) * Scale`` in ``Units``. ``Thumbnails`` names the images that are none.

The order of axes depends on who wrote the file: the scan is fastest in spectrum images and in older 4D-STEM data, the
detector in everything else and where the tag ``Data Order Swapped`` is 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, TruncatedError, UnsupportedError
from lamella.reader import Axis, Encoding
from lamella_dm.codecs import CHANNELS, Colours, HalfTransform
from lamella_dm.tags import Array, Group, Tags

if TYPE_CHECKING:
    from lamella.codecs import Codec
    from lamella.reader import Probe

__all__ = ["Image", "Layout", "find_images", "layout_of", "sig_names"]

DTYPES = {
    1: "i2",
    2: "f4",
    3: "c8",
    6: "u1",
    7: "i4",
    9: "i1",
    10: "u2",
    11: "u4",
    12: "f8",
    13: "c16",
    14: "?",
    39: "i8",
    40: "u8",
}
"""NumPy's dtype for each ``DataType``."""

REFUSED = {5: "packed complex numbers of old versions (half a Fourier transform)"}
"""What is stored under the ``DataType`` that cannot be read."""

HALVES = {27: "c8", 28: "c16"}
"""NumPy's dtype for each ``DataType`` of half a Fourier transform."""
PICTURES = (8, 23)
"""The ``DataType`` of four bytes for each pixel: blue, green, red, alpha."""
COLOURS = 23
_KINDS = {
    **dict.fromkeys(PICTURES, "colours"),
    27: "complex64 (half of a transform)",
    28: "complex128 (half of a transform)",
}
_COLOUR_NOTE = "this is a picture: its last axis holds red, green, blue and alpha, which are no counts"
_HALF_NOTE = "half of the Fourier transform is stored; the other half is its complex conjugate"
_RECIPROCAL = ("1/nm", "1/Å", "1/A", "1/m", "1/pm", "1/µm", "nm^-1", "mrad", "rad", "deg")
_ENERGY = ("eV", "keV")
_LENGTHS = ("m", "mm", "µm", "um", "nm", "Å", "pm")


@dataclass(frozen=True)
class Image:
    """One image of a file, as its tags describe it."""

    index: int
    tree: Group
    data: Array
    is_thumbnail: bool

    @cached_property
    def data_type(self) -> int | None:
        """The code of the kind of pixels; None if the tag was lost."""
        code = self.tree.get("ImageData", "DataType")
        return code if isinstance(code, int) else None

    @cached_property
    def dims(self) -> tuple[int, ...]:
        """Lengths of the axes, fastest first; empty if the tags were lost."""
        lengths = self.tree.group("ImageData", "Dimensions").values()
        return tuple(n for n in lengths if isinstance(n, int)) if self.data_type is not None else ()

    @cached_property
    def calibrations(self) -> list[Group]:
        """Calibrations of the axes, fastest first."""
        listed = self.tree.group("ImageData", "Calibrations", "Dimension").values()
        return [one for one in listed if isinstance(one, Group)]

    @property
    def rank(self) -> tuple[bool, int, int]:
        """What the image that a user probably wants has most of: plain numbers, axes, bytes."""
        plain = self.data_type not in REFUSED and self.data_type not in _KINDS
        return plain, len(self.dims or self.calibrations), self.data.nbytes

    @property
    def format(self) -> str:
        """What DigitalMicrograph calls this kind of data, in lower case."""
        return (self.tree.text("ImageTags", "Meta Data", "Format") or "").lower()

    @property
    def is_spectral(self) -> bool:
        """Whether the detector is a spectrometer."""
        if self.format:
            return self.format in ("spectrum", "spectrum image")
        marked = any(self.tree.get("ImageTags", name) is not None for name in ("SI", "spim"))
        return marked and any(one.text("Units") in _ENERGY for one in self.calibrations)

    @property
    def is_swapped(self) -> bool:
        """Whether the detector comes first in data where otherwise the scan would."""
        return self.tree.number("ImageTags", "Meta Data", "Data Order Swapped") == 1

    def axis(self, dim: int, name: str) -> Axis:
        """Give the calibration of an axis, counted as the file does; without units it is none."""
        tags = self.calibrations[dim] if dim < len(self.calibrations) else Group()
        scale, units = tags.number("Scale"), tags.text("Units")
        if units is None or not scale:
            return Axis(name)
        return Axis(name, scale, -tags.number("Origin") * scale + 0.0, units)  # + 0.0: no -0.0

    def __str__(self) -> str:
        code = self.data_type or 0
        kind = REFUSED.get(code) or _KINDS.get(code) or DTYPES.get(code, f"type {self.data_type}")
        name = self.tree.text("Name")
        parts = ["thumbnail" if self.is_thumbnail else "", f"'{name}'" if name else "", str(self.dims[::-1]), kind]
        return f"{self.index}: {' '.join(filter(None, parts))}"


def find_images(tags: Tags, probe: Probe) -> list[Image]:
    """Give the images of a file that have pixels.

    Raises
    ------
    FormatError
        If there are none.
    """
    listed = tags.root.group("ImageList").values()
    found = [(i, one, one.get("ImageData", "Data")) for i, one in enumerate(listed) if isinstance(one, Group)]
    small = {group.number("ImageIndex") for group in tags.root.group("Thumbnails").values() if isinstance(group, Group)}
    images = [Image(i, tree, data, i in small) for i, tree, data in found if isinstance(data, Array)]
    if not small and len(images) > 1 and images[0].data_type == COLOURS and len(images[0].dims) == 2:
        images[0] = Image(images[0].index, images[0].tree, images[0].data, True)
    if images:
        return images
    if tags.end is not None:
        raise TruncatedError(
            "the file ends before the pixels of its first image", path=probe.path, found=f"{tags.end} bytes"
        )
    raise FormatError(
        "the file holds no image",
        path=probe.path,
        expected="a tag ImageList with pixels",
        found="only tags",
        remedy="The tags of a K2 IS acquisition (.gtg) belong to format 'k2is'" if probe.suffix == "gtg" else None,
    )


@dataclass(frozen=True, slots=True)
class Layout:
    """How an image is taken apart: axes of the scan, axes of the detector, and whether the scan is fastest.

    ``codec`` makes pixels of what is stored where they are not the same, and ``notes`` say so.
    """

    dtype: np.dtype[Any]
    nav_shape: tuple[int, ...]
    sig_shape: tuple[int, ...]
    nav_axes: tuple[Axis, ...]
    sig_axes: tuple[Axis, ...]
    transposed: bool
    codec: Codec | None = None
    notes: tuple[str, ...] = ()

    @property
    def encoding(self) -> Encoding:
        """How the stored bytes of a frame hold its pixels."""
        return Encoding(self.dtype, self.sig_shape, self.codec)


def layout_of(image: Image, tags: Tags, probe: Probe, *, force_c_order: bool) -> Layout:
    """Give the layout of an image whose tags are complete.

    Raises
    ------
    FormatError
        If its pixels cannot be read, or the tags contradict each other.
    """
    dtype = _dtype(image, tags, probe)
    if image.data_type in _KINDS:
        return _special_layout(image, dtype, little=tags.little_endian)
    shape = image.dims[::-1]
    n_dims, n_sig = len(shape), 1 if image.is_spectral else min(2, len(shape))
    legacy = n_dims > 3 or (n_dims == 3 and image.is_spectral)
    if legacy and tags.end is not None and not force_c_order:
        raise TruncatedError(
            "the tags that tell the order of axes were cut off",
            path=probe.path,
            remedy="Give force_c_order=True if the detector has the fast axes, as in data of newer versions",
        )
    transposed = legacy and not image.is_swapped and not force_c_order
    cut = n_sig if transposed else n_dims - n_sig
    first, second = shape[:cut], shape[cut:]
    nav_shape, sig_shape = (second, first) if transposed else (first, second)
    nav_dims, sig_dims = range(n_dims)[::-1][:cut], range(n_dims)[::-1][cut:]
    if transposed:
        nav_dims, sig_dims = sig_dims, nav_dims
    return Layout(
        dtype,
        nav_shape or (1,),
        sig_shape,
        tuple(image.axis(*pair) for pair in zip(nav_dims, _nav_names(image, nav_dims), strict=True))
        or (Axis("frame"),),
        tuple(image.axis(*pair) for pair in zip(sig_dims, sig_names(image, sig_dims, len(nav_shape)), strict=True)),
        transposed,
    )


def _special_layout(image: Image, dtype: np.dtype[Any], *, little: bool) -> Layout:
    """Give the layout of pictures and of halves of Fourier transforms; each is a frame of two axes, others the scan."""
    shape, cut = image.dims[::-1], max(0, len(image.dims) - 2)
    dims = range(len(shape))[::-1]
    names = zip(dims[cut:], sig_names(image, dims[cut:], cut), strict=True)
    sig_axes = tuple(image.axis(*pair) for pair in names)
    nav_axes = tuple(image.axis(*pair) for pair in zip(dims[:cut], _nav_names(image, dims[:cut]), strict=True))
    nav_axes = nav_axes or (Axis("frame"),)
    plain = Layout(dtype, shape[:cut] or (1,), shape[cut:], nav_axes, sig_axes, False)
    if image.data_type in HALVES:
        return replace(plain, dtype=dtype.newbyteorder("="), codec=HalfTransform(dtype), notes=(_HALF_NOTE,))
    return replace(
        plain,
        sig_shape=(*plain.sig_shape, len(CHANNELS)),
        sig_axes=(*sig_axes, Axis("rgba")),
        codec=Colours((2, 1, 0, 3) if little else (1, 2, 3, 0)),
        notes=(_COLOUR_NOTE,),
    )


def _stored_nbytes(image: Image, dtype: np.dtype[Any]) -> int:
    """Give the size of all pixels as they are stored."""
    dims = image.dims
    if image.data_type in PICTURES:
        return math.prod(dims) * len(CHANNELS)
    if image.data_type in HALVES and dims:
        dims = (dims[0] // 2 + 1, *dims[1:])
    return math.prod(dims) * dtype.itemsize


def _dtype(image: Image, tags: Tags, probe: Probe) -> np.dtype[Any]:
    code = image.data_type or 0
    if code not in DTYPES and code not in _KINDS:
        kinds = ", ".join(f"{number} ({name})" for number, name in DTYPES.items())
        raise UnsupportedError(
            f"image {image.index} holds {REFUSED.get(code, 'pixels of an unknown kind')}",
            path=probe.path,
            expected=f"one of the data types {kinds}",
            found=f"data type {code}",
            remedy="Choose another image by dataset_index, or convert it with DigitalMicrograph",
        )
    name = "u1" if code in PICTURES else HALVES.get(code) or DTYPES[code]
    dtype = np.dtype(name).newbyteorder("<" if tags.little_endian else ">")
    nbytes = _stored_nbytes(image, dtype)
    if not image.dims or min(image.dims) < 1 or nbytes != image.data.nbytes:
        raise CorruptError(
            f"size and shape of image {image.index} contradict each other",
            path=probe.path,
            expected=f"{nbytes} bytes for axes of {image.dims} and data type {code}",
            found=f"{image.data.nbytes} bytes",
        )
    return dtype


def _nav_names(image: Image, dims: range) -> tuple[str, ...]:
    if len(dims) == 1:
        is_line = image.is_spectral and image.axis(dims[0], "").units in _LENGTHS
        return ("x",) if is_line else ("frame",)
    return ("y", "x") if len(dims) == 2 else tuple(f"nav{i}" for i in range(len(dims)))


def sig_names(image: Image, dims: range, n_nav: int) -> tuple[str, ...]:
    """Name the axes of the detector, slowest first, by the units of the fastest."""
    units = image.axis(dims[-1], "").units
    if len(dims) == 1:
        return ("energy" if units in _ENERGY else "k",)
    if len(dims) > 2:
        return tuple(f"sig{i}" for i in range(len(dims)))
    return ("ky", "kx") if units in _RECIPROCAL or n_nav > 1 else ("y", "x")
