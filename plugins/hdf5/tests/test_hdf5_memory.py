"""What a small file claims takes no memory: at most 64 MiB and four times the size of the file, when it is opened."""

import contextlib
import ctypes
import gc
import re
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import lamella
from lamella.errors import FormatError

SCAN = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)
TEXT = "a text that is looked for in the file"
CLAIM = 600 << 20
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def memory(key: str) -> int:
    return int(re.search(rf"{key}:\s*(\d+) kB", STATUS.read_text(encoding="utf-8"))[1]) << 10  # type: ignore[index]


def expect_little_memory(path: Path, **options: Any) -> lamella.DataSet | None:
    """Open a file and read a frame, and see what that took; gives the data set if there is one."""
    if not RESET.exists():
        pytest.skip("needs /proc")
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # what earlier tests gave back would be taken unseen
    before = memory("VmRSS")
    RESET.write_text("5", encoding="utf-8")
    ds = None
    try:
        ds = lamella.open(path, **options)
        ds[(0,) * (ds.ndim - 2)] if ds.ndim > 2 else ds.read()
    except FormatError:
        pass
    taken, size = memory("VmHWM") - before, path.stat().st_size
    assert taken < (64 << 20) + 4 * size, f"{taken >> 20} MiB for a file of {size >> 10} KiB"
    return ds


def claim_long_texts(path: Path, times: int = 1) -> Path:
    """Let every text ``TEXT`` state another length, which the file does not have."""
    content = bytearray(path.read_bytes())
    stated, found = len(TEXT).to_bytes(4, "little"), 0
    for heap in re.finditer(b"GCOL", bytes(content)):
        for place in re.finditer(re.escape(stated + heap.start().to_bytes(8, "little")), bytes(content)):
            content[place.start() : place.start() + 4] = CLAIM.to_bytes(4, "little")
            found += 1
    assert found == times
    path.write_bytes(content)
    return path


def _attribute_of_the_root(file: Any) -> int:
    file.attrs["note"] = TEXT
    return 1


def _attribute_of_the_scan(file: Any) -> int:
    file["scan"].attrs["note"] = TEXT
    return 1


def _attributes_that_are_looked_for(file: Any) -> int:
    group = file.create_group("Experiments/one")
    group["data"] = SCAN
    for name in ("NX_class", "signal", "axes", "default", "interpretation", "emd_group_type"):
        group.attrs[name] = TEXT
    file["scan"].attrs["properties"] = TEXT
    return 7


def _attribute_of_several_texts(file: Any) -> int:
    file["scan"].attrs["note"] = ["short", TEXT, "b"]
    return 1


def _attribute_of_lists(file: Any) -> int:
    lists = np.empty(2, dtype=object)
    lists[:] = [np.arange(len(TEXT)), np.arange(3)]
    file["scan"].attrs.create("lists", lists, dtype=h5py.vlen_dtype("u1"))
    return 1


def _attribute_of_records(file: Any) -> int:
    kind = np.dtype([("number", "i4"), ("text", h5py.string_dtype())])
    file["scan"].attrs.create("record", np.array([(1, TEXT)], dtype=kind), dtype=kind)
    return 1


def _attribute_of_lists_of_texts(file: Any) -> int:
    kind = h5py.h5t.vlen_create(h5py.h5t.py_create(h5py.string_dtype(), logical=True))
    h5py.h5a.create(file["scan"].id, b"nested", kind, h5py.h5s.create_simple((1,)))
    file["scan"].attrs["note"] = TEXT
    return 1


def _text(file: Any) -> int:
    file["text"] = TEXT
    return 1


def _text_in_chunks(file: Any) -> int:
    file.create_dataset("text", data=["short", TEXT, "b"], chunks=(2,), dtype=h5py.string_dtype())
    return 1


def _text_in_the_header(file: Any) -> int:
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    kind = h5py.h5t.py_create(h5py.string_dtype(), logical=True)
    h5py.Dataset(h5py.h5d.create(file.id, b"text", kind, h5py.h5s.create_simple((1,)), plist))[...] = [TEXT]
    return 1


def _fill_value(file: Any) -> int:
    file.create_dataset("text", (20,), h5py.string_dtype(), chunks=(5,), fillvalue=TEXT)
    return 2  # old and new programs look in different places


LENGTHS = [
    _attribute_of_the_root,
    _attribute_of_the_scan,
    _attributes_that_are_looked_for,
    _attribute_of_several_texts,
    _attribute_of_lists,
    _attribute_of_records,
    _attribute_of_lists_of_texts,
    _text,
    _text_in_chunks,
    _text_in_the_header,
    _fill_value,
]


@pytest.mark.parametrize("write", LENGTHS, ids=lambda write: write.__name__)
def test_lengths_of_texts_are_checked_before_they_are_read(tmp_path: Path, write: Callable[[Any], int]) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan"] = SCAN
        times = write(file)
    ds = expect_little_memory(claim_long_texts(tmp_path / "a.h5", times), ds_path="scan")
    assert ds is not None
    np.testing.assert_array_equal(ds.read(), SCAN)
    expect_little_memory(tmp_path / "a.h5")


def test_a_text_that_many_attributes_share_counts_every_time(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan"] = SCAN
        file.attrs["long"] = "x" * 1_000_000
        for number in range(400):
            file.create_group(f"group{number}").attrs["note"] = TEXT
    content = bytearray((tmp_path / "a.h5").read_bytes())
    heaps = [heap.start().to_bytes(8, "little") for heap in re.finditer(b"GCOL", bytes(content))]
    long = next(
        content[at : at + 16] for heap in heaps if (at := content.find((1_000_000).to_bytes(4, "little") + heap)) >= 0
    )
    for heap in heaps:
        for place in re.finditer(re.escape(len(TEXT).to_bytes(4, "little") + heap), bytes(content)):
            content[place.start() : place.start() + 16] = long
    (tmp_path / "a.h5").write_bytes(content)
    ds = expect_little_memory(tmp_path / "a.h5")
    assert ds is not None
    assert ds.raw_metadata["/group0"]["attributes"]["note"] == "x" * 1_000_000
    assert "very many values" in ds.raw_metadata["/group399"]["attributes"]["note"]


@cache
def bomb(nbytes: int = 96 << 20) -> bytes:
    """Give a deflate stream of zeros."""
    return zlib.compress(bytes(nbytes), 4)


def packed(group: Any, name: str, shape: tuple[int, ...], dtype: str) -> None:
    """Write a data set whose only chunk is small by its shape, and takes far more when it is unpacked."""
    data = group.create_dataset(name, shape, dtype, chunks=shape, compression="gzip")
    data.id.write_direct_chunk((0,) * len(shape), bomb())


def _wide_group(file: Any) -> None:
    for number in range(500):
        file.create_dataset(f"wide/{number}", (4, 4, 4), "u2", chunks=(1, 4, 4))


def _values_that_were_never_written(file: Any) -> None:
    for number in range(1200):
        file.create_dataset(f"empty/{number}", (2048,), "u2", fillvalue=12345)


def _packed_value(file: Any) -> None:
    packed(file, "value", (100,), "u2")


def _packed_axis(file: Any) -> None:
    group = file.create_group("group")
    group.attrs.update({"NX_class": "NXdata", "signal": "data", "axes": ["x", ".", ".", "."]})
    group["data"] = SCAN
    packed(group, "x", (2,), "f8")


def _axis_of_a_huge_chunk(file: Any) -> None:
    group = file.create_group("group")
    group.attrs["emd_group_type"] = 1
    group["data"] = SCAN
    data = group.create_dataset("dim1", (2,), "f8", chunks=(12 << 20,), maxshape=(None,), compression="gzip")
    data.id.write_direct_chunk((0,), bomb())


def _packed_description(file: Any) -> None:
    group = file.create_group("Data/Image/one")
    group["Data"] = np.zeros((4, 5, 2), "u2")
    packed(group, "Metadata", (1000, 1), "u1")


def _deep_groups_of_long_names(file: Any) -> None:
    group = file
    for _ in range(31):
        group = group.create_group("n" * 1000)
    for number in range(3000):
        group.create_group(f"{number}")


def _texts_of_huge_shape(file: Any) -> None:
    file.create_dataset("texts", (1 << 40,), h5py.string_dtype(), chunks=(1 << 20,))
    file.create_dataset("words", (1 << 30,), "S1000", chunks=(1 << 10,))
    file.create_dataset("none", (0, 1 << 40), h5py.string_dtype(), chunks=(1, 1 << 20), maxshape=(None, None))


def _types_of_huge_size(file: Any) -> None:
    for name, kind in (("text", "S1000000000"), ("record", [("a", "f8", (50_000_000,)), ("b", "S100")])):
        file.create_dataset(name, (1,), kind)
    kind = h5py.h5t.array_create(h5py.h5t.NATIVE_DOUBLE, (100_000_000,))
    h5py.h5d.create(file.id, b"array", kind, h5py.h5s.create(h5py.h5s.SCALAR))


def _description_of_many_small_things(file: Any) -> None:
    file["data"] = SCAN
    told = '{"dimensional_calibrations": [], "metadata": [' + "{}," * 330_000 + "{}]}"
    file["data"].attrs["properties"] = told


def _many_attributes(file: Any) -> None:
    for number in range(30):
        group = file.create_group(f"group{number}")
        for name in range(100):
            group.attrs[f"a{name}"] = np.uint8(0)


def _virtual_data_sets_of_many_parts(file: Any) -> None:
    with h5py.File(Path(file.filename).with_name("part.h5"), "w") as part:
        part["data"] = np.ones((1, 4, 4), "u2")
    layout = h5py.VirtualLayout((1500, 4, 5), "u2")
    for item in range(1500):
        layout[item, :, 1:] = h5py.VirtualSource("part.h5", "data", (1, 4, 4))[0]
    for number in range(12):
        file.create_virtual_dataset(f"virtual/{number}", layout)


SHAPES = [
    _wide_group,
    _values_that_were_never_written,
    _packed_value,
    _packed_axis,
    _axis_of_a_huge_chunk,
    _packed_description,
    _deep_groups_of_long_names,
    _texts_of_huge_shape,
    _types_of_huge_size,
    _description_of_many_small_things,
    _many_attributes,
    _virtual_data_sets_of_many_parts,
]


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize("write", SHAPES, ids=lambda write: write.__name__)
def test_many_things_and_huge_ones_take_little_memory(tmp_path: Path, write: Callable[[Any], None]) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan"] = SCAN
        write(file)
    assert expect_little_memory(tmp_path / "a.h5") is not None


@pytest.mark.parametrize("options", [{}, {"chunks": (512, 512), "compression": "gzip"}, {"chunks": (16384, 4096)}])
@pytest.mark.parametrize("dtype", ["u1", "u4"])
def test_a_mask_that_was_never_written_takes_little_memory(tmp_path: Path, options: dict[str, Any], dtype: str) -> None:
    with h5py.File(tmp_path / "x_master.h5", "w") as file:
        file.create_dataset("entry/data/data_000001", (2, 16384, 4096), "u1", chunks=(1, 16, 16), compression="gzip")
        name = "entry/instrument/detector/detectorSpecific/pixel_mask"
        file.create_dataset(name, (16384, 4096), dtype, **options)
    expect_little_memory(tmp_path / "x_master.h5")
