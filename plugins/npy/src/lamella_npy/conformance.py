"""Array files for the conformance kit, written without the reader."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lamella.errors import CorruptError, FormatError, UnsupportedError
from lamella_npy.specials import special_files, wrong_archives
from lamella_npy.writer import dictionary, npy_file
from lamella_testkit import SampleData, Sampler, Special, Wrong

_PLAIN, _LONG, _ORDER, _MORE, _CUT_ANEW = (
    "version 1",
    "version 2, long",
    "fortran",
    "fortran, and more",
    "a row of pixels",
)
_VERSIONS = {
    _PLAIN: 1,
    _LONG: 2,
    "version 3": 3,
    _ORDER: 1,
    _MORE: 1,
    _CUT_ANEW: 1,
    "unaligned, by Python 2": 1,
}
_LONGEST = 10_000  # characters of a header
_TAIL = b"\xb7" * 3
_REST = 2  # pixels that do not fill a frame


class NpySampler(Sampler):
    """Writes header and pixels byte by byte, in every version, in both orders, and with something at the end."""

    format = "npy"
    dtypes = ("<u2", ">i2", "|u1", "|i1", ">u4", "<i8", ">f4", "<f8", "<f2", "<c8", ">c16", "|b1")
    nav_ranks = (2, 1, 3, 4)
    sig_ranks = (2, 1, 3)
    variants = tuple(_VERSIONS)

    def fit(self, data: SampleData) -> SampleData:
        """Leave frames larger than the rest of a row of pixels."""
        if data.variant == _CUT_ANEW and math.prod(data.sig_shape) <= _REST:
            return data.but(sig_shape=(*data.sig_shape[:-1], 3))
        return data

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write one file."""
        path = directory / f"{data.stem}.npy"
        path.write_bytes(_content(data))
        if data.variant == _CUT_ANEW:
            return {"path": path, "sig_shape": data.sig_shape, "nav_shape": data.nav_shape}
        return {"path": path} | ({} if len(data.sig_shape) == 2 else {"sig_dims": len(data.sig_shape)})

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong | tuple[str, Mapping[str, Any]]]:
        """Write headers that describe no array of numbers, and parameters that fit no array."""
        path = directory / "wrong.npy"
        pixels = data.tobytes()
        good = {
            "descr": repr(data.stored_dtype.str),
            "fortran_order": "False",
            "shape": repr((*data.nav_shape, *data.sig_shape)),
        }
        for name, value, error in (
            ("descr", "'|O'", UnsupportedError),
            ("descr", "'<U4'", UnsupportedError),
            ("descr", "'<f3'", UnsupportedError),
            ("descr", "[('a', '<u2')]", UnsupportedError),
            ("fortran_order", "1", CorruptError),
            ("shape", "[3, 4, 5, 6]", CorruptError),
            ("shape", "(3, 4, 5.0, 6)", CorruptError),
            ("shape", "(3, 4, True, 6)", CorruptError),
            ("shape", "(-3, 4, -5, 6)", CorruptError),
            ("shape", "(3, 0, 5, 6)", FormatError),
            ("shape", "(3, 4, 0, 6)", FormatError),
            ("shape", "(360,)", FormatError),
            ("more", "1", CorruptError),
        ):
            path.write_bytes(npy_file(dictionary(good | {name: value}), pixels))
            yield Wrong(f"{name} {value}", {"path": path}, error)
        path.write_bytes(npy_file(dictionary({name: good[name] for name in ("descr", "shape")}), pixels))
        yield "no order", {"path": path}
        path.write_bytes(npy_file(repr(list(good)), pixels))
        yield "a list", {"path": path}
        path.write_bytes(npy_file(dictionary(good), pixels, version=4))
        yield "version 4", {"path": path}
        path.write_bytes(npy_file(dictionary(good).ljust(_LONGEST), pixels, step=1))
        yield "a header that is too long", {"path": path}
        path.write_bytes(npy_file(dictionary(good), pixels))
        yield "fewer axes than asked for", {"path": path, "sig_dims": 5}
        yield "fewer pixels than asked for", {"path": path, "sig_shape": (100, 100)}
        yield "contradicting parameters", {"path": path, "sig_dims": 1, "sig_shape": data.sig_shape}
        path.write_bytes(npy_file(dictionary(good | {"fortran_order": "True"}), pixels))
        yield "other frames in Fortran order", {"path": path, "sig_shape": (4, 3)}
        yield "fewer axes than asked for in Fortran order", {"path": path, "sig_dims": 5}
        path.write_bytes(npy_file(dictionary(good | {"fortran_order": "True"}), pixels[:-1]))
        yield "a cut file in Fortran order", {"path": path}
        yield from wrong_archives(directory / "wrong.npz", data)

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write arrays of other ranks, and archives of stored and compressed arrays."""
        return special_files(directory, data) if data.variant == _PLAIN else iter(())

    def expects_notes(self, data: SampleData) -> int:
        """Count an order that takes time, if it makes a difference, and what is left over."""
        shape = (*data.nav_shape, *data.sig_shape)
        slow = data.variant in (_ORDER, _MORE) and sum(n > 1 for n in shape) > 1
        return slow + (data.variant in (_MORE, _CUT_ANEW)) + (data.variant == _CUT_ANEW)

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give where the parts of the header and the pixels begin."""
        return {f"{data.stem}.npy": [6, 8, 10, 12, len(_content(data)) - data.nbytes]}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write a header, a hole, and the last line."""
        side = math.isqrt(nbytes // (2 * 256 * 256))
        data = SampleData((side, side), (256, 256), "<u2", variant=_PLAIN)
        head = npy_file(_header(data), b"")
        path = directory / "sparse.npy"
        end = np.arange(1, 257, dtype="<u2")[np.newaxis]
        with path.open("wb") as file:
            file.write(head)
            file.seek(data.n_frames * 2 * 256 * 256 - end.nbytes, 1)
            file.write(end.tobytes())
        return Special("a large file", {"path": path}, end=end)


def _content(data: SampleData) -> bytes:
    order = "F" if data.variant in (_ORDER, _MORE) else "C"
    rest = bytes(_REST * data.stored_dtype.itemsize) if data.variant == _CUT_ANEW else b""
    tail = _TAIL if data.variant in (_MORE, _CUT_ANEW) else b""
    pixels = data.pixels.tobytes(order=order) + rest + tail  # type: ignore[arg-type]
    text = _header(data)
    if data.variant == _LONG:
        return npy_file(text.ljust(_LONGEST - 1), pixels, version=2, step=1)
    return npy_file(text, pixels, version=_VERSIONS[data.variant], step=1 if "unaligned" in data.variant else 64)


def _header(data: SampleData) -> str:
    shape: tuple[int, ...] = (*data.nav_shape, *data.sig_shape)
    if data.variant == _CUT_ANEW:
        shape = (math.prod(shape) + _REST,)
    text = repr(shape)
    if "Python 2" in data.variant:
        text = re.sub(r"(\d+)", r"\1L", text)
    fortran = data.variant in (_ORDER, _MORE, _CUT_ANEW)
    return dictionary({"descr": repr(data.stored_dtype.str), "fortran_order": repr(fortran), "shape": text})
