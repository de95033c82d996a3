"""Array files and archives that are no plain scan, for the conformance kit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import TruncatedError
from lamella_npy.writer import Entry, archive, array_file
from lamella_testkit import SampleData, Special, Wrong

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["special_files", "wrong_archives"]


def _array(name: str, pixels: NDArray[Any], *, fortran: bool = False, packed: bool = False, **more: Any) -> Entry:
    return Entry(f"{name}.npy", array_file(pixels, fortran=fortran), packed, **more)


def special_files(directory: Path, data: SampleData) -> Iterator[Special]:
    """Write arrays of other ranks, and archives of stored and compressed arrays."""
    path = directory / "a.npy"
    pixels = data.pixels
    path.write_bytes(array_file(pixels))
    lines = {"path": path, "sig_dims": 1}
    yield Special("lines as frames", lines, pixels=pixels, notes=0)
    volumes = {"path": path, "sig_dims": 3}
    yield Special("volumes as frames", volumes, pixels=pixels, notes=0)
    yield Special("a label", {"path": path, "name": "gold"}, pixels=pixels, notes=0)
    path.write_bytes(array_file(pixels)[:-1])
    valid = np.ones(data.nav_shape, np.bool_)
    valid[-1, -1] = False
    yield Special("a frame that was cut", {"path": path}, pixels=pixels, valid=valid, notes=1, warnings=1)
    line = {"path": path, "sig_dims": 1}
    path.write_bytes(array_file(pixels.reshape(-1)))
    yield Special("one axis", line, pixels=pixels.reshape(1, -1), notes=0)
    path.write_bytes(array_file(pixels.reshape(-1), fortran=True))
    yield Special("one axis in Fortran order", line, pixels=pixels.reshape(1, -1), notes=0)
    frame = pixels[0, 0]
    path.write_bytes(array_file(frame, fortran=True))
    yield Special("a frame in Fortran order", {"path": path}, pixels=frame[np.newaxis], notes=1)
    yield from _archives(directory / "a.npz", data)


def _archives(path: Path, data: SampleData) -> Iterator[Special]:
    pixels, given = data.pixels, {"path": path}
    kinds = {"u2": pixels, ">f4": pixels.astype(">f4"), "b1": pixels % 3 == 0}
    for packed in (False, True):
        word = "compressed" if packed else "stored"
        for kind, values in kinds.items():
            for fortran in (False, True):
                path.write_bytes(archive([_array("scan", values, fortran=fortran, packed=packed)]))
                text = f"a {word} array of {kind}, Fortran order: {fortran}"
                yield Special(text, given, pixels=values, notes=int(packed or fortran))
        several = [
            Entry("note.txt", b"no array", packed),
            _array("dark", pixels[0, 0] + 1, packed=packed),
            _array("scan", pixels, packed=packed, extra=b"ab\1\0c"),
            _array("flat", pixels.reshape(-1), packed=packed),
        ]
        path.write_bytes(archive(several))
        for name, shown, keywords in (
            ("scan", pixels, {}),
            ("scan.npy", pixels, {}),
            ("dark", pixels[:1, 0] + 1, {}),
            ("scan", pixels, {"sig_dims": 1}),
            ("flat", pixels.reshape(1, -1), {"sig_dims": 1}),
            ("flat", data.frames, {"sig_shape": data.sig_shape}),
            ("scan", pixels.reshape(-1)[:357].reshape(51, 7), {"sig_shape": (7,)}),
        ):
            cut = keywords == {"sig_shape": (7,)} and not packed
            yield Special(
                f"the {word} array {name} with {keywords}",
                {**given, **keywords, "name": name},
                pixels=shown,
                notes=int(packed or cut),
            )
        one = [_array("scan", pixels, packed=packed)]
        for what, content in (
            ("a short comment", archive(one, comment=b"x" * 300)),
            ("a long comment", archive(one, comment=b"x" * 65_535)),
            ("other files", archive([Entry("note.txt", b"no array", packed), *one, Entry("a/", b"", packed)])),
            ("a comment that looks like a record", archive(one, comment=b"PK\x06\x06" + b"x" * 60)),
            ("a wide index", archive(one, wide=True)),
            ("a wide index and a comment", archive(one, wide=True, comment=b"x" * 65_535)),
        ):
            path.write_bytes(content)
            yield Special(f"a {word} array, {what}", given, pixels=pixels, notes=int(packed))
    large = np.arange(600_000, dtype="<u2").reshape(3, 2, 250, 400)
    path.write_bytes(archive([_array("scan", large, packed=True)]))
    yield Special("more than a megabyte", given, pixels=large, notes=1)
    other = path.with_suffix(".zip")
    other.write_bytes(archive([_array("scan", pixels)]))
    yield Special("an archive of another name", {"path": other}, pixels=pixels, notes=0, confidence=0)


def wrong_archives(path: Path, data: SampleData) -> Iterator[Wrong | tuple[str, Mapping[str, Any]]]:
    """Write archives that are damaged, absurd, or without the array that is wanted."""
    given = {"path": path}
    pixels = data.pixels
    stored, packed = _array("scan", pixels), _array("scan", pixels, packed=True)
    nbytes = len(stored.content)
    for what, entries in (
        ("without an array", [Entry("note.txt", b"no array")]),
        ("of nothing", []),
        ("with two arrays", [stored, _array("dark", pixels[0, 0])]),
        ("of an encrypted array", [replace(stored, flags=1)]),
        ("of an array that is somewhere else", [replace(stored, magic=b"PK\x03\x05")]),
        ("of an array that reaches beyond it", [replace(stored, size=10_000_000, stored=10_000_000)]),
        ("of a stored array with two sizes", [replace(stored, size=nbytes - 1)]),
        ("of an array that is too large", [replace(packed, size=100_000_000)]),
        ("of an array that is shorter than it says", [replace(packed, size=nbytes + 1)]),
        ("of a stored array that was cut", [replace(stored, content=stored.content[:-1])]),
        ("of a compressed array that was cut", [replace(packed, content=packed.content[:-1])]),
        ("of a file without pixels", [Entry("a.npy", b"no array at all")]),
        ("of an empty array", [_array("scan", pixels[:0])]),
        ("of a compressed array without pixels", [_array("scan", pixels[:0], packed=True)]),
        ("of a compressed array of one axis", [_array("scan", pixels.reshape(-1), packed=True)]),
    ):
        path.write_bytes(archive(entries))
        yield f"an archive {what}", given
    path.write_bytes(archive([packed]))
    yield "an array that is not there", {**given, "name": "dark"}
    yield "frames that are larger than the array", {**given, "sig_shape": (100, 100)}
    path.write_bytes(archive([stored])[:-22])
    yield Wrong("an archive whose end was cut", given, TruncatedError)
    for size in (5 << 20, 0xFFFFFFFE):
        for wide in (False, True):
            path.write_bytes(archive([stored], index_size=size, wide=wide))
            yield f"an archive with an index of {size} bytes, {wide}", given
    path.write_bytes(archive([stored]).replace(b"PK\x01\x02", b"PK\x01\x03"))
    yield "an archive with a damaged index", given
    path.with_suffix(".npy").write_bytes(archive([stored]))
    yield "an archive that is called like an array", {"path": path.with_suffix(".npy")}
