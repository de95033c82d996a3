"""Hostile features of HDF5 files, made with h5py where that is installed, and the places of their structures."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["FEATURES", "SIGNATURE", "add_feature", "spots"]

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_BLOCKS = re.compile(rb"TREE|HEAP|SNOD|GCOL|OHDR|OCHK|FRHP|FHDB|FHIB|FSHD|FSSE|BTHD|BTLF|BTIN|FAHD|FADB|EAHD|EAIB|EADB")
_OBJECT_HEADER = re.compile(rb"\x01\x00[\x01-\x20]\x00\x01\x00\x00\x00", re.DOTALL)
_MESSAGE = re.compile(
    rb"[\x01\x03\x05\x08\x0b\x0c\x10\x11\x15\x16]\x00[\x08-\xff][\x00\x01][\x00-\x03]\x00\x00\x00", re.DOTALL
)
_MOST_SPOTS = 512
_MARKER = "a text that is said to be longer"


def spots(content: bytes) -> Sequence[int]:
    """Give where object headers, their messages, B-trees, heaps and tables of symbols begin."""
    content = content[: 1 << 20]
    found = [match.start() for pattern in (_BLOCKS, _OBJECT_HEADER, _MESSAGE) for match in pattern.finditer(content)]
    return found[:_MOST_SPOTS]


def add_feature(path: Path, name: str, seed: int) -> None:
    """Put a feature into an HDF5 file; one that h5py or the file does not allow is left out.

    Parameters
    ----------
    path
        An intact file.
    name
        One of `FEATURES`.
    seed
        Number for what is chosen at random.
    """
    import h5py

    chance = random.Random(seed)
    with h5py.File(path, "r+") as file:
        try:
            _ADD[name](file, _first_dataset(file), chance)
        except (ValueError, TypeError, RuntimeError, KeyError, OSError, AttributeError):
            return
    if name == "huge text":
        _lengthen(path, chance)


def _first_dataset(file: Any) -> Any:
    import h5py

    found: list[Any] = []
    file.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) and item.ndim else None)
    return max(found, key=lambda item: item.ndim) if found else None


def _replaced(dataset: Any) -> tuple[Any, str]:
    """Take a data set out of the way; gives the group and the name to put another one at."""
    group, name = dataset.parent, dataset.name.rpartition("/")[2]
    group.move(name, "moved")
    return group, name


def _virtual(dataset: Any, chance: random.Random, sources: Sequence[tuple[str, str]], *, split: bool = False) -> None:
    """Put a virtual data set in the place of a data set; each source is given by file and name."""
    import h5py

    shape, dtype = dataset.shape, dataset.dtype
    group, name = _replaced(dataset)
    layout = h5py.VirtualLayout(shape=shape, dtype=dtype)
    axis = chance.randrange(len(shape)) if split else 0
    step = max(1, shape[axis] // len(sources))
    for i, (file, place) in enumerate(sources):
        cut = (*[slice(None)] * axis, slice(i * step, (i + 1) * step))
        layout[cut] = h5py.VirtualSource(file, place, shape=shape, dtype=dtype)[cut]
    group.create_virtual_dataset(name, layout, fillvalue=7)


def _virtual_self(file: Any, dataset: Any, chance: random.Random) -> None:
    _virtual(dataset, chance, [(chance.choice((".", Path(file.filename).name)), dataset.name)])


def _virtual_cycle(file: Any, dataset: Any, chance: random.Random) -> None:
    import h5py

    home = chance.choice((".", Path(file.filename).name))
    shape, dtype, name = dataset.shape, dataset.dtype, dataset.name
    _virtual(dataset, chance, [(home, "/cycle_a")], split=chance.random() < 0.5)
    for here, there in (("cycle_a", "/cycle_b"), ("cycle_b", name)):
        layout = h5py.VirtualLayout(shape=shape, dtype=dtype)
        layout[...] = h5py.VirtualSource(home, there, shape=shape, dtype=dtype)
        file.create_virtual_dataset(here, layout)


def _virtual_missing(file: Any, dataset: Any, chance: random.Random) -> None:
    names = ("missing.h5", "../missing.h5", "/missing.h5", "%b.h5", "", "\x01.h5")
    _virtual(dataset, chance, [(".", "/moved"), (chance.choice(names), "/data")], split=True)


def _virtual_outside(file: Any, dataset: Any, chance: random.Random) -> None:
    home = Path(file.filename).name
    _virtual(dataset, chance, [(f"../{home}", dataset.name), (".", "/moved")], split=chance.random() < 0.7)


def _virtual_moved(file: Any, dataset: Any, chance: random.Random) -> None:
    """A source within the file that is no plain data set either: an external link, or external storage."""
    import h5py

    home, where = Path(file.filename).name, dataset.name
    shape, dtype = dataset.shape, dataset.dtype
    _virtual(dataset, chance, [(".", "/hop")], split=chance.random() < 0.5)
    if chance.random() < 0.5:
        file["hop"] = h5py.ExternalLink(f"../{home}", where)
    else:
        file.create_dataset("hop", shape, dtype, external=[(f"../{home}", 0, h5py.h5f.UNLIMITED)])


def _virtual_unlimited(file: Any, dataset: Any, chance: random.Random) -> None:
    import h5py

    shape, dtype = dataset.shape, dataset.dtype
    group, name = _replaced(dataset)
    layout = h5py.VirtualLayout(shape=shape, dtype=dtype, maxshape=(None, *shape[1:]))
    source = h5py.VirtualSource(".", "/moved", shape=shape, dtype=dtype, maxshape=(None, *shape[1:]))
    unlimited = slice(0, h5py.h5s.UNLIMITED)
    layout[(unlimited, ...)] = source[(unlimited, ...)]
    group.create_virtual_dataset(name, layout)


def _external_link(file: Any, dataset: Any, chance: random.Random) -> None:
    import h5py

    home, where = Path(file.filename).name, dataset.name
    group, name = _replaced(dataset)
    target = chance.choice((f"../{home}", home, "missing.h5", "../secret.txt", "/dev/zero", "."))
    group[name] = h5py.ExternalLink(target, chance.choice((where, "/", "/moved")))


def _external_storage(file: Any, dataset: Any, chance: random.Random) -> None:
    shape, dtype, nbytes = dataset.shape, dataset.dtype, dataset.size * dataset.dtype.itemsize
    home = Path(file.filename).name
    group, name = _replaced(dataset)
    places = (f"../{home}", "../secret.txt", "/etc/passwd", "/dev/zero", home, "missing.raw")
    group.create_dataset(name, shape, dtype, external=[(chance.choice(places), chance.choice((0, 8)), nbytes)])


def _soft_loop(file: Any, dataset: Any, chance: random.Random) -> None:
    import h5py

    group, name = _replaced(dataset)
    group[name] = h5py.SoftLink(chance.choice((f"{group.name}/{name}", "/loop", "/moved/x", "/" * 300, "../..")))
    file["loop"] = h5py.SoftLink(f"{group.name}/{name}")


def _hard_loop(file: Any, dataset: Any, chance: random.Random) -> None:
    """Groups that are in themselves, in many ways: as many paths as there is time for."""
    group = file.create_group("a")
    for i in range(chance.choice((1, 3, 20))):
        group[f"self{i}"] = group
        group[f"root{i}"] = file
    dataset.parent["again"] = dataset.parent


def _deep(file: Any, dataset: Any, chance: random.Random) -> None:
    group = file
    for _ in range(chance.choice((30, 300, 1500))):
        group = group.create_group("g")
    group["data"] = dataset


def _many(file: Any, dataset: Any, chance: random.Random) -> None:
    group = file.create_group("many")
    for i in range(chance.choice((300, 2000))):
        group[f"{i:05d}"] = dataset


def _names(file: Any, dataset: Any, chance: random.Random) -> None:
    names = (b"\xff\xfe", b"\x1b[2J", b"a" * 60_000, b"\n\r\t", "\u202e\U0001f4a5".encode(), b".", b" ", b"%n")
    group, _ = _replaced(dataset)
    group.id.links.create_hard(chance.choice(names), group.id, b"moved")
    del group["moved"]


def _attributes(file: Any, dataset: Any, chance: random.Random) -> None:
    """Attributes that readers ask for, with values that nobody expects."""
    import h5py

    names = (
        *("NX_class", "signal", "axes", "default", "units", "interpretation", "emd_group_type", "version"),
        *("file_format", "title", "long_name", "scale", "offset", "size", "navigate", "index_in_array", "target"),
    )
    text = h5py.string_dtype()
    values: tuple[tuple[Any, Any], ...] = (
        *(("x" * 60_000, text), ("", text), ("\x1b]8;;x\x07", text), (["a", "b"] * 500, text), (b"\xff\xfe\xff", "S3")),
        *((np.nan, "f8"), (np.inf, "f4"), (-1, "i8"), (1 << 62, "u8"), ([[1, 2], [3, 4]], "i4"), ([], "f8")),
        (h5py.Empty("f8"), None),
        (h5py.Empty("S1"), None),
        (np.zeros((), [("a", "i4"), ("b", "S3", (2,))]), None),
        (np.zeros(3, np.void(8).dtype), None),
        (1, h5py.enum_dtype({"FALSE": 0, "TRUE": 1}, "i1")),
        (file.ref, h5py.ref_dtype),
        (dataset.regionref[...], h5py.regionref_dtype),
        (np.array([np.arange(5)], dtype=object), h5py.vlen_dtype("i4")),
    )
    for item in (file, dataset.parent, dataset):
        for _ in range(chance.choice((1, 3))):
            value, dtype = chance.choice(values)
            name = chance.choice((*names, *item.attrs.keys()))
            item.attrs.create(name, value, dtype=dtype)


def _long_text(file: Any, dataset: Any, chance: random.Random) -> None:
    """A text whose length, which stands in front of its place in a heap, becomes large once the file is closed."""
    import h5py

    item = chance.choice((file, dataset.parent, dataset))
    name = chance.choice(("title", "units", "NX_class", "signal", "default", "comment"))
    item.attrs.create(name, chance.choice((_MARKER, [_MARKER, _MARKER])), dtype=h5py.string_dtype())


def _lengthen(path: Path, chance: random.Random) -> None:
    """Make the length of the marked text large wherever it stands: 4 bytes of length, 8 of address, 4 of index."""
    content = path.read_bytes()
    at = content.find(b"GCOL")
    length, heap = len(_MARKER).to_bytes(4, "little"), at.to_bytes(8, "little")
    large = chance.choice((1 << 20, 1 << 28, 0xF0000000, 0xFFFFFFFF)).to_bytes(4, "little")
    path.write_bytes(content.replace(length + heap, large + heap))


def _default_loop(file: Any, dataset: Any, chance: random.Random) -> None:
    """NeXus: the default of a group leads around in a circle."""
    file.attrs["default"] = "ring"
    ring = file.create_group("ring")
    ring.attrs["NX_class"] = chance.choice(("NXentry", "NXdata"))
    ring.attrs["default"] = chance.choice(("ring", "..", "/", ".", "/ring", "back"))
    ring["back"] = file
    ring["ring"] = ring
    ring.attrs["signal"] = chance.choice(("ring", "back", "data", "", "../data"))


def _another_layout(file: Any, dataset: Any, chance: random.Random) -> None:
    """The data set in another form: sizes, chunks, filters and types that are allowed and unusual."""
    import h5py

    group, name = _replaced(dataset)
    shape = dataset.shape
    kinds: tuple[dict[str, Any], ...] = (
        {"shape": (1 << 20, 1 << 20, 256, 256), "dtype": "u2", "chunks": (1, 1, 256, 256)},
        {"shape": (1 << 40,), "dtype": "u1", "chunks": (1 << 20,)},
        {"shape": (0, *shape[1:]), "dtype": "u2", "maxshape": (None, *shape[1:]), "chunks": True},
        {"shape": shape, "dtype": "u2", "chunks": tuple(1 for _ in shape), "compression": "gzip", "scaleoffset": 0},
        {"shape": shape, "dtype": "f4", "chunks": True, "scaleoffset": 3},
        {"shape": shape, "dtype": "u4", "chunks": tuple(1 for _ in shape), "fletcher32": True, "fillvalue": 1 << 31},
        {"shape": (1,) * 31 + (3,), "dtype": "u1"},
        {"shape": (), "dtype": "f8"},
        {"shape": None, "dtype": "f8"},
        {"shape": shape, "dtype": h5py.string_dtype()},
        {"shape": shape, "dtype": "S3"},
        {"shape": shape, "dtype": h5py.vlen_dtype("u2")},
        {"shape": shape, "dtype": [("x", "u2"), ("y", "f4", (3,)), ("z", "S5")]},
        {"shape": shape, "dtype": np.dtype(("u2", (300,)))},
        {"shape": shape, "dtype": h5py.enum_dtype({"a": 0, "b": 1}, "u1")},
        {"shape": shape, "dtype": h5py.ref_dtype},
        {"shape": shape, "dtype": "V16"},
        {
            "shape": shape,
            "dtype": "f2",
            "chunks": True,
            "compression": chance.choice((32004, 32008, 32015, 300, 32001)),
        },
    )
    how = dict(chance.choice(kinds))
    group.create_dataset(name, **how)


_ADD: dict[str, Callable[[Any, Any, random.Random], None]] = {
    "virtual of itself": _virtual_self,
    "virtual circle": _virtual_cycle,
    "virtual of missing": _virtual_missing,
    "virtual of a file outside": _virtual_outside,
    "virtual of what leads outside": _virtual_moved,
    "virtual without limit": _virtual_unlimited,
    "external link": _external_link,
    "external storage": _external_storage,
    "circle of soft links": _soft_loop,
    "circle of groups": _hard_loop,
    "deep groups": _deep,
    "many names": _many,
    "odd names": _names,
    "odd attributes": _attributes,
    "huge text": _long_text,
    "circle of defaults": _default_loop,
    "odd layout": _another_layout,
}

FEATURES: tuple[str, ...] = tuple(_ADD) if find_spec("h5py") is not None else ()
"""What can be put into an HDF5 file here."""
