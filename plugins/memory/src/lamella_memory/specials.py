"""Arrays of odd kinds, and objects that are none, for the conformance kit."""

from __future__ import annotations

import array
import math
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_testkit import SampleData, Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Indexed", "special_arrays", "wrong_objects"]


class Indexed:
    """What arrays of other packages have in common: shape, dtype, and an index that gives a NumPy array."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.shape = pixels.shape
        self.dtype: Any = pixels.dtype
        self._pixels = pixels

    def __getitem__(self, index: Any) -> NDArray[Any]:
        return np.array(self._pixels[index])


class Chunked(Indexed):
    """An array that is stored in chunks."""

    def __init__(self, pixels: NDArray[Any], chunks: tuple[Any, ...]) -> None:
        super().__init__(pixels)
        self.chunks = chunks


class Convertible:
    """An object that gives an array when NumPy asks for one; its own dtype is none of NumPy's."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.shape = pixels.shape
        self.dtype = "uint16 of another package"
        self._pixels = pixels

    def __getitem__(self, index: Any) -> Any:
        return self._pixels[index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self._pixels


class Interfaced:
    """An object that says where its numbers are."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self._pixels = pixels
        self.__array_interface__ = pixels.__array_interface__


class Graph:
    """An array of a package that computes with Dask."""

    def __dask_graph__(self) -> None:
        """Give no graph."""


def special_arrays(data: SampleData) -> Iterator[Special]:
    """Give buffers, objects in chunks, sparse arrays, and frames that parameters choose."""
    pixels = data.pixels.copy()
    yield from _chosen(pixels)
    yield from _converted(pixels)
    yield from _indexed(pixels)
    many = (np.arange((16 << 20) + 4096, dtype=np.uint32) >> 3).astype(np.uint8).reshape(-1, 64, 64)
    yield Special("more than 16 MiB", {"data": many}, pixels=many, notes=0)
    if find_spec("scipy") is not None:
        yield from _scipy(pixels)
    if find_spec("sparse") is not None:
        yield from _pydata(pixels)


def _chosen(pixels: NDArray[Any]) -> Iterator[Special]:
    """Frames that follow from parameters."""
    frames = pixels.reshape(-1, *pixels.shape[-2:])
    n, height, width = frames.shape
    rows = frames.reshape(n, -1)
    for what, given, keywords, shown in (
        ("one detector axis", pixels, {"sig_dims": 1}, pixels),
        ("three detector axes", pixels, {"sig_dims": 3}, pixels),
        ("all axes of the detector", frames, {"sig_dims": 3}, frames[np.newaxis]),
        ("a frame", frames[0], {}, frames[:1]),
        ("the last axes", pixels, {"sig_axes": (2, 3)}, pixels),
        ("the last axes, counted from the end", pixels, {"sig_axes": (-2, -1)}, pixels),
        ("the last axes, exchanged", pixels, {"sig_axes": (3, 2)}, pixels.swapaxes(2, 3)),
        ("the first and the last axis", pixels, {"sig_axes": (0, -1)}, pixels.transpose(1, 2, 0, 3)),
        ("one axis", rows, {"sig_axes": (0,)}, rows.T),
        ("pixels in one row", rows.reshape(-1), {"sig_shape": (height, width)}, frames),
        ("frames of another shape", rows, {"sig_shape": (height, width)}, frames),
        ("rows of half the length", rows, {"sig_shape": (width // 2,)}, rows.reshape(-1, width // 2)),
        ("rows as frames", rows, {"nav_shape": (n,)}, rows),
        ("lines as frames", frames, {"nav_shape": (n, height)}, frames),
        ("a scan of its own shape", pixels, {"nav_shape": pixels.shape[:2]}, pixels),
        ("a scan of two axes", frames, {"nav_shape": pixels.shape[:2]}, pixels),
        ("a scan of three axes", frames, {"nav_shape": (2, 2, n // 4)}, frames.reshape(2, 2, -1, height, width)),
        ("a scan of four axes", frames, {"nav_shape": (2, 1, 2, n // 4)}, frames.reshape(2, 1, 2, -1, height, width)),
        ("a scan of another size", rows, {"nav_shape": (n - 2,)}, rows[: n - 2]),
        ("a line of frames", pixels, {"nav_shape": (n,)}, frames),
    ):
        yield Special(what, {"data": given, **keywords}, pixels=shown, notes=0)
    square = frames[:, :4, :4].copy()
    both = {"data": square, "nav_shape": (n,)}
    yield Special("a scan that both numbers of axes fit", both, pixels=square, notes=0)
    equal = frames[:, :1].copy()
    yield Special("lines of one", {"data": equal, "nav_shape": (n, 1)}, pixels=equal[:, np.newaxis], notes=0)


def _converted(pixels: NDArray[Any]) -> Iterator[Special]:
    """Objects that NumPy takes without a copy."""
    line = pixels.reshape(-1).astype(np.uint16)
    numbers = array.array("H", line.tolist())
    shape = {"sig_shape": pixels.shape[-2:]}
    frames = line.reshape(-1, *pixels.shape[-2:])
    yield Special("an array of Python", {"data": numbers, **shape}, pixels=frames, notes=0)
    yield Special("a view of memory", {"data": memoryview(numbers), **shape}, pixels=frames, notes=0)
    octets = bytearray(line.astype(np.uint8).tobytes())
    small = frames.astype(np.uint8)
    yield Special("bytes that can be changed", {"data": octets, **shape}, pixels=small, notes=0)
    yield Special("an object with a dtype of its own", {"data": Convertible(pixels)}, pixels=pixels, notes=0)
    yield Special("an object that knows its memory", {"data": Interfaced(pixels)}, pixels=pixels, notes=0)
    turned = pixels[::-1, :, ::2]
    yield Special("an object whose memory has steps", {"data": Interfaced(turned)}, pixels=turned, notes=0)
    one = pixels[:1, :1]
    yield Special("a scan of one", {"data": one}, pixels=one, notes=0)
    column = pixels[:, :1]
    yield Special("a scan of one column", {"data": column}, pixels=column, notes=0)
    joined = pixels.reshape(3, 2, -1, *pixels.shape[-2:])[:, :, ::2]
    yield Special("a scan of which two axes are one", {"data": joined}, pixels=joined, notes=0)


def _indexed(pixels: NDArray[Any]) -> Iterator[Special]:
    """Objects that are read in part."""
    rank = pixels.ndim
    for chunks in ((1, 2, 3, 4), (2, 2), (1, 2, 3, "all")):
        given = {"data": Chunked(pixels, chunks)}
        yield Special(f"an array in chunks of {chunks}", given, pixels=pixels, notes=0)
    frame = pixels[0, 0]
    yield Special("a frame in chunks", {"data": Chunked(frame, (2, 3))}, pixels=frame[np.newaxis], notes=0)
    yield Special("a frame that is read in part", {"data": Indexed(frame)}, pixels=frame[np.newaxis], notes=0)
    last = {"data": Indexed(pixels), "sig_axes": tuple(range(rank - 2, rank))}
    yield Special("the last axes of an object", last, pixels=pixels, notes=0)
    swapped = Indexed(pixels.astype(pixels.dtype.newbyteorder(">")))
    yield Special("an object of the other byte order", {"data": swapped}, pixels=pixels, notes=0)


def _thinned(pixels: NDArray[Any], fill: int) -> NDArray[Any]:
    """Give pixels of which every third stays, and the first frame has none."""
    some = np.full(pixels.shape, fill, pixels.dtype)
    some.reshape(-1)[::3] = pixels.reshape(-1)[::3]
    some.reshape(-1, *pixels.shape[-2:])[0] = fill
    return some


def _scipy(pixels: NDArray[Any]) -> Iterator[Special]:
    scipy_sparse: Any = import_module("scipy.sparse")
    some = _thinned(pixels, 0)
    rows = some.reshape(-1, math.prod(pixels.shape[-2:]))
    for kind in ("csr", "csc", "coo"):
        matrix = getattr(scipy_sparse, f"{kind}_array")(rows)
        yield Special(f"a {kind} array of SciPy", {"data": matrix}, pixels=rows, notes=0)
        turned = {"data": matrix, "sig_axes": (0,)}
        yield Special(f"columns of a {kind} array", turned, pixels=rows.T, notes=0)
        frame = getattr(scipy_sparse, f"{kind}_array")(rows.reshape(-1, pixels.shape[-1]))
        plane = rows.reshape(1, -1, pixels.shape[-1])
        yield Special(f"a frame in a {kind} array", {"data": frame, "sig_dims": 2}, pixels=plane, notes=0)
    matrix = scipy_sparse.csr_array(rows)
    twice = scipy_sparse.csr_array(
        (np.repeat(matrix.data // 2, 2), np.repeat(matrix.indices, 2), 2 * matrix.indptr), shape=rows.shape
    )
    yield Special("two entries of each pixel", {"data": twice}, pixels=rows // 2 * 2, notes=0)


def _pydata(pixels: NDArray[Any]) -> Iterator[Special]:
    sparse: Any = import_module("sparse")
    for fill in (0, 7):
        some = _thinned(pixels, fill)
        coordinates: Any = sparse.COO.from_numpy(some, fill_value=fill)
        yield Special(f"sparse, {fill} elsewhere", {"data": coordinates}, pixels=some, notes=0)
        yield Special(f"lines, {fill} elsewhere", {"data": coordinates, "sig_dims": 1}, pixels=some, notes=0)
        whole = {"data": coordinates, "sig_dims": 4}
        yield Special(f"one frame, {fill} elsewhere", whole, pixels=some[np.newaxis], notes=0)
        first = {"data": coordinates, "sig_axes": (1, 0)}
        moved = some.transpose(2, 3, 1, 0)
        yield Special(f"the first axes, {fill} elsewhere", first, pixels=moved, notes=0)


def wrong_objects(directory: Path, data: SampleData) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give objects that are no arrays, or of a kind that is not taken, and parameters that fit no array."""
    pixels = data.pixels
    masked: NDArray[Any] = np.ma.masked_array(pixels, pixels == 0)
    for what, given in (
        ("a number", 3.5),
        ("nothing", None),
        ("texts", np.array([["a", "b"]])),
        ("objects", np.array([[None, 1]], dtype=object)),
        ("dates", np.zeros((2, 2), "M8[s]")),
        ("fields", np.zeros((2, 2), "u2,u2")),
        ("a masked array", masked),
        ("an array of Dask", Graph()),
        ("an empty array", pixels[:0]),
        ("an axis", pixels.reshape(-1)),
    ):
        yield what, {"data": given}
    for what, keywords in (
        ("an axis that is not there", {"sig_axes": (4,)}),
        ("an axis before the first", {"sig_axes": (-5,)}),
        ("an axis twice", {"sig_axes": (2, -2)}),
        ("frames that do not fill the array", {"sig_shape": (7, 7)}),
        ("two numbers of axes", {"sig_dims": 1, "sig_shape": (5, 6)}),
        ("other numbers of axes", {"sig_dims": 1, "sig_axes": (2, 3)}),
    ):
        yield what, {"data": pixels, **keywords}
    yield "frames of another shape in Fortran order", {"data": np.asfortranarray(pixels), "sig_shape": (4, 3)}
    yield "axes of an object that are not the last", {"data": Indexed(pixels), "sig_axes": (0, 1)}
    path = directory / "a.bin"
    path.write_bytes(pixels.tobytes())
    yield "a file", {"path": path}
