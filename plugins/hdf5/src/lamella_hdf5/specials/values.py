"""Attributes and small values of all kinds, and more of them than anybody reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lamella_hdf5.specials.writing import create, overwritten, saved
from lamella_testkit import Special

if TYPE_CHECKING:
    from lamella_testkit import SampleData

__all__ = ["special_files"]


def special_files(folder: Path, data: SampleData) -> Iterator[Special]:
    """Write them."""
    yield from _attributes(folder, data)
    yield from _rare_attributes(folder, data)
    yield from _values(folder, data)
    yield from _very_many(folder, data)


def _lists(*lists: Any) -> Any:
    made = np.empty(len(lists), dtype=object)
    made[:] = [np.array(one) for one in lists]
    return made


def _attributes(folder: Path, data: SampleData) -> Iterator[Special]:
    """Attributes of usual kinds, and so many that an index is needed."""
    known = {"text": "Größe", "number": 3, "share": 0.5, "flag": True, "list": [1, 2, 3], "words": ["a", "b"]}

    def write(file: Any, count: int) -> None:
        made = file.create_dataset("data", data=data.pixels)
        made.attrs.update(known)
        for i in range(count):
            made.attrs[f"name {i}"] = f"text {i}"

    for count in (2, 30, 600):
        keywords = saved(folder / f"{count}.h5", partial(write, count=count), libver="latest")
        wanted = known | {f"name {i}": f"text {i}" for i in range(count)}
        found = {"attributes": wanted, "value": data.pixels.tolist()}
        yield Special(f"{count + 6} attributes", keywords, pixels=data.pixels, raw_metadata={"/data": found})
    wanted = {"text": "Größe", "words": ["a", "b"]}
    for ordered in (True, False):
        for count in (3, 30):

            def write_in_order(file: Any, ordered: bool = ordered, count: int = count) -> None:
                plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                plist.set_attr_phase_change(5, 4)
                if ordered:
                    plist.set_attr_creation_order(h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED)
                create(file, "data", data.pixels.shape, h5py.h5t.py_create(data.pixels.dtype), plist)
                file["data"][...] = data.pixels
                file["data"].attrs.update({**wanted, **{f"name {i}": f"text {i}" for i in range(count - 2)}})

            keywords = saved(folder / "order.h5", write_in_order, libver="latest")
            told = {**wanted, **{f"name {i}": f"text {i}" for i in range(count - 2)}}
            text = f"{count} attributes, up to five of them in the header, with their order: {ordered}"
            raw = {"/data": {"attributes": told, "value": data.pixels.tolist()}}
            yield Special(text, keywords, pixels=data.pixels, raw_metadata=raw)


def _rare_attributes(folder: Path, data: SampleData) -> Iterator[Special]:
    """Lists, nothing, texts in another encoding, types that NumPy does not have, and attributes that are too large."""

    def write(file: Any) -> None:
        made = file.create_dataset("data", data=data.pixels)
        made.attrs.create("lists", _lists([1, 2], [3]), dtype=h5py.vlen_dtype("u2"))
        made.attrs["nothing"] = h5py.Empty("f8")
        made.attrs["large"] = np.zeros(600, np.int64)
        made.attrs.create("texts", ["a"] * 600, dtype=h5py.string_dtype())
        made.attrs.create("latin", b"Gr\xf6\xdfe", dtype=h5py.string_dtype("ascii"))
        lists_of_lists = h5py.h5t.vlen_create(h5py.h5t.vlen_create(h5py.h5t.STD_U16LE))
        for name, kind in ((b"deep", lists_of_lists), (b"moment", h5py.h5t.UNIX_D32LE)):
            h5py.h5a.create(made.id, name, kind, h5py.h5s.create_simple((1,)))

    keywords = saved(folder / "rare.h5", write)
    found = {
        "lists": [[1, 2], [3]],
        "nothing": None,
        "large": "<int64 (600,)>",
        "texts": "<object (600,)>",
        "latin": "Größe",
        "deep": "<unreadable: lists of lists>",
        "moment": "<unreadable: TypeError>",
    }
    raw = {"/data": {"attributes": found, "value": data.pixels.tolist()}}
    yield Special("attributes of rare kinds", keywords, pixels=data.pixels, raw_metadata=raw)


def _values(folder: Path, data: SampleData) -> Iterator[Special]:
    """Small data sets of all kinds and layouts."""

    def write(file: Any) -> None:
        file["data"] = data.pixels
        texts = h5py.string_dtype()
        file.create_dataset("chunks", data=["a", "b", "c"], dtype=texts, chunks=(2,))
        file.create_dataset("unwritten", (2,), texts)
        file["nothing"] = h5py.Empty("f8")
        file.create_dataset("texts", data=["a"] * 600, dtype=texts)
        file.create_dataset("lists", data=_lists([1.5], []), dtype=h5py.vlen_dtype("f4"))
        file["link"] = np.array([file["data"].ref], h5py.ref_dtype)
        create(file, "deep", (1,), h5py.h5t.vlen_create(h5py.h5t.vlen_create(h5py.h5t.STD_U16LE)))
        create(file, "moment", (1,), h5py.h5t.UNIX_D32LE)
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        create(file, "header", (2,), h5py.h5t.py_create(texts, logical=True), plist)
        file["header"][...] = ["d", "e"]
        file["records"] = np.zeros(2, [("name", "S3"), ("values", "<i2", (2,))])

    keywords = saved(folder / "values.h5", write)
    wanted: dict[str, object] = {
        "chunks": ["a", "b", "c"],
        "unwritten": ["", ""],
        "nothing": None,
        "texts": "<object (600,)>",
        "lists": [[1.5], []],
        "link": "<object (1,)>",
        "deep": "<unreadable: lists of lists>",
        "moment": "<unreadable: TypeError>",
        "header": ["d", "e"],
    }
    raw = {f"/{name}": {"value": value} for name, value in wanted.items()}
    yield Special("values of all kinds", keywords, pixels=data.pixels, raw_metadata=raw)
    for version in ("earliest", "latest"):

        def filled(file: Any) -> None:
            file["data"] = data.pixels
            file.create_dataset("filled", (3,), h5py.string_dtype(), chunks=(2,), fillvalue="none")

        path = folder / "filled.h5"
        keywords = saved(path, filled, libver=version)
        filling = {"/filled": {"value": ["none"] * 3}}
        yield Special(f"texts of {version} files that were never written", keywords, raw_metadata=filling)
        if version == "earliest":
            # Version 2: when room is taken and filled, that there is a value, its 16 bytes. Then what older programs
            # want: the value alone, in a message of kind 4, which becomes one of no kind.
            content = path.read_bytes()
            at = content.index(bytes([2, 3, 2, 1, 16, 0, 0, 0]))
            older = at + int.from_bytes(content[at - 6 : at - 4], "little")
            overwritten(path, (older, bytes(2)))
            yield Special("the same without what older programs want", keywords, raw_metadata=filling)
            overwritten(path, (at, b"\1"))
            yield Special("the same of first files", keywords, raw_metadata=filling)


def _very_many(folder: Path, data: SampleData) -> Iterator[Special]:
    """More texts than are remembered, and more values than a file may take of memory."""

    def texts(file: Any) -> None:
        file["data"] = data.pixels
        for number in range(10):
            file.create_dataset(f"texts/{number}", data=[f"{i}" for i in range(500)], dtype=h5py.string_dtype())

    keywords = saved(folder / "texts.h5", texts)
    raw = {f"/texts/{number}": {"value": [f"{i}" for i in range(500)]} for number in range(10)}
    yield Special("very many texts", keywords, pixels=data.pixels, raw_metadata=raw)

    def numbers(file: Any) -> None:
        file["data"] = data.pixels
        file["data"].attrs.create("counts", _lists(np.ones(500_000, np.uint8)), dtype=h5py.vlen_dtype("u1"))

    keywords = saved(folder / "numbers.h5", numbers, libver="latest")
    found = {"counts": "<unreadable: the file holds very many values>"}
    of_data = {"/data": {"attributes": found, "value": data.pixels.tolist()}}
    yield Special("very many numbers", keywords, pixels=data.pixels, raw_metadata=of_data)
