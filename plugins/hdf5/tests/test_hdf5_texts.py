"""What a file says becomes JSON and typed metadata, or nothing; what a program does wrong is no damage of a file."""

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import lamella
from lamella.errors import CorruptError, FormatError
from lamella.reader import Probe
from lamella_hdf5.library import opened, translated
from lamella_hdf5.objects import _stored_parts, child, links_of
from lamella_hdf5.params import Hdf5Params
from lamella_hdf5.rehearsal import most_memory, rehearse
from lamella_hdf5.tree import known_text, known_time, times
from lamella_hdf5.values import attributes

SCAN = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)
KINDS: dict[str, tuple[Any, Any]] = {
    "bytes": (np.bytes_(b"a\xff"), "aÿ"),
    "text": ("µ", "µ"),
    "half": (np.float16(np.nan), "nan"),
    "infinite": (-np.inf, "-inf"),
    "large": (np.uint64(2**64 - 1), 2**64 - 1),
    "long double": (np.longdouble(1.5), "1.5"),
    "complex": (np.array([complex(np.nan, np.inf)]), ["(nan+infj)"]),
    "bool": (True, True),
    "opaque": (np.void(b"\0\xff"), "00ff"),
    "record": (np.array([(1, np.inf, b"x\xfe")], "i2, f4, S2"), [{"f0": 1, "f1": "inf", "f2": "xþ"}]),
    "empty": (h5py.Empty("f4"), None),
}


def strict(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


def test_values_of_every_kind_become_json(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        scan = file.create_dataset("scan", data=SCAN)
        for name, (written, _) in KINDS.items():
            scan.attrs[name] = written
            file[name] = written
        scan.attrs.create("enum", 2, dtype=h5py.enum_dtype({"A": 1, "B": 2}, "i4"))
        scan.attrs["list"] = np.array([1.5, np.nan])
        scan.attrs["object"], scan.attrs["region"] = scan.ref, scan.regionref[0]
        scan.attrs.create("lists", np.array([np.ones(2), np.ones(1)], dtype=object), dtype=h5py.vlen_dtype("f8"))
    raw = strict(lamella.open(path).raw_metadata)
    found = raw["/scan"]["attributes"]
    assert {name: found[name] for name in KINDS if name != "long double"} == {
        name: expected for name, (_, expected) in KINDS.items() if name != "long double"
    }
    assert found["long double"] in (1.5, "1.5")
    assert {name: raw[f"/{name}"]["value"] for name in KINDS} == {name: found[name] for name in KINDS}
    assert (found["enum"], found["list"], found["lists"]) == (2, [1.5, "nan"], [[1.0, 1.0], [1.0]])
    assert all(isinstance(found[name], str) for name in ("object", "region"))


def test_a_data_set_whose_name_is_no_text_is_opened_and_described_as_json(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        group = h5py.Group(h5py.h5g.create(file.id, b"g\xfe"))
        group.create_dataset(b"n\xff", data=SCAN, chunks=(1, 1, 4, 5), compression="gzip")
    ds = lamella.open(path)
    details = strict(ds.diagnostics)
    assert details["data set"] == r"/g\xfe/n\xff"
    assert details["data sets"] == [r"/g\xfe/n\xff (2, 3, 4, 5) uint16"]
    strict(ds.raw_metadata)
    np.testing.assert_array_equal(ds.read(), SCAN)
    np.testing.assert_array_equal(lamella.open(path, fast=False).read(), SCAN)


def _hyperspy(file: Any) -> None:
    group = file.create_group("Experiments/one")
    group["data"] = SCAN
    for i in range(4):
        group.create_group(f"axis-{i}").attrs.update({"name": f"a{i}", "units": "nm", "scale": 2.0, "offset": 0.0})
    general = {"title": "a title", "date": "2020-01-02", "time": "03:04:05"}
    group.create_group("metadata/General").attrs.update(general)
    group.create_group("metadata/Acquisition_instrument/TEM").attrs.update({"microscope": "m", "beam_energy": "200"})


def _nexus(file: Any) -> None:
    group = file.create_group("entry")
    group["data"] = SCAN
    file.attrs["default"] = "entry"
    group.attrs.update({"NX_class": "NXdata", "signal": "data", "axes": ["y", "x", ".", "."]})
    for name in "yx":
        group[name] = [1.0, 2.0]
        group[name].attrs["units"] = "nm"


def _emd(file: Any) -> None:
    group = file.create_group("group")
    group["data"] = SCAN
    group.attrs["emd_group_type"] = 1
    for i, length in enumerate(SCAN.shape):
        group[f"dim{i + 1}"] = np.arange(length) * 2.0
        group[f"dim{i + 1}"].attrs.update({"name": "a name", "units": "[n_m]"})
    file.create_group("microscope").attrs.update({"microscope name": "one", "voltage": "200"})
    file.create_group("user").attrs["name"] = "somebody"


def _dectris(file: Any) -> None:
    file["entry/data/data_000001"] = SCAN.reshape(6, 4, 5)
    detector = file.create_group("entry/instrument/detector")
    detector["description"], detector["bit_depth_readout"], detector["count_time"] = "a detector", "12", "0.1"
    specific = detector.create_group("detectorSpecific")
    specific["data_collection_date"], specific["software_version"] = "2020-01-02T03:04:05", "1.8"
    specific["nimages"], specific["ntrigger"] = "x" * 500, 1 << 30


def _swift(file: Any) -> None:
    file["data"] = SCAN
    calibrations = [{"scale": 10**400, "offset": 0, "units": "nm"}, {"scale": 1.0, "offset": 0.0, "units": [3]}]
    told = {"created": "<unreadable>", "title": 3, "dimensional_calibrations": 2 * calibrations}
    file["data"].attrs["properties"] = json.dumps({**told, "metadata": {"instrument": {"high_tension": 10**400}}})


def _velox(file: Any) -> None:
    group = file.create_group("Data/Image/one")
    group["Data"] = SCAN.reshape(4, 5, 6)
    told = {
        "Scan": {"ScanRotation": "1e308"},
        "Instrument": {"InstrumentModel": "<unreadable: it>"},
        "BinaryResult": {"PixelUnitX": " ", "PixelUnitY": "m", "PixelSize": {"width": "1", "height": "1e-330"}},
    }
    text = json.dumps(told).encode()
    group["Metadata"] = np.frombuffer(text.ljust(1000, b"\0"), np.uint8)[:, np.newaxis]


CONVENTIONS = [_hyperspy, _nexus, _emd, _dectris, _swift, _velox]


@pytest.mark.parametrize("damaged", [False, True], ids=["right", "damaged"])
@pytest.mark.parametrize("write", CONVENTIONS, ids=lambda write: write.__name__.strip("_"))
def test_only_known_texts_are_metadata(tmp_path: Path, write: Any, damaged: bool) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        write(file)
    content = bytearray(path.read_bytes())
    for heap in re.finditer(b"GCOL", bytes(content) if damaged else b""):
        content[heap.start() + 24 : heap.start() + 32] = (1 << 40).to_bytes(8, "little")
    path.write_bytes(content)
    ds = lamella.open(path)
    texts = [value for value in ds.metadata.to_json().values() if isinstance(value, str)]
    texts += [text for axis in ds.axes for text in (axis.name, axis.units) if text is not None]
    assert not [text for text in texts if "<" in text or not text.strip()]
    numbers = [value for value in ds.metadata.to_json().values() if not isinstance(value, str)]
    assert np.isfinite([*numbers, *(axis.scale for axis in ds.axes)]).all()
    assert all(axis.scale for axis in ds.axes)
    if write is _hyperspy:
        assert ds.metadata.acquired == (None if damaged else "2020-01-02T03:04:05")
        assert ds.metadata.title == (None if damaged else "a title")
    if write is _dectris and not damaged:
        assert (ds.metadata.detector, ds.metadata.acquired) == ("a detector", "2020-01-02T03:04:05")


def test_texts_times_and_numbers_that_mean_nothing_are_none() -> None:
    nothing: list[Any] = ["<undefined>", "<float64 (4, 5)>", " \0", 3, None, [], {}]
    assert [known_text(one) for one in nothing] == [None] * 7
    assert [known_text(one) for one in ("<110> zone axis", "a\0b", ["first", "second"])] == [
        "<110> zone axis",
        "a",
        "first",
    ]
    assert known_time("2020-01-02", "03:04:05") == "2020-01-02T03:04:05"
    assert known_time("2020-01-02", "<unreadable: OSError>") == "2020-01-02"
    assert known_time("2020-01-02", "at noon") == "2020-01-02"
    assert known_time("<unreadable: OSError>", "03:04:05") is None
    assert known_time("yesterday") is None
    assert [times(one, 1e3) for one in (10**400, 1e308, np.nan, True, "200", -1)] == [None] * 6


def test_the_description_of_a_velox_file_may_not_be_deep(tmp_path: Path) -> None:
    path = tmp_path / "a.emd"
    with h5py.File(path, "w") as file:
        group = file.create_group("Data/Image/one")
        group["Data"] = SCAN.reshape(4, 5, 6)
        text = b'{"a":' + b"[" * 700 + b"]" * 700 + b"}"
        group["Metadata"] = np.frombuffer(text, np.uint8)[:, np.newaxis]
    assert "described" not in lamella.open(path).raw_metadata


@pytest.mark.parametrize("kind", [NameError, AttributeError, ImportError, AssertionError, MemoryError])
def test_mistakes_of_a_program_are_no_damage_of_a_file(kind: type[Exception]) -> None:
    with pytest.raises(kind, match="a mistake"), translated("a.h5", "reading"):
        raise kind("a mistake")


@pytest.mark.parametrize("kind", [OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError, OverflowError])
def test_what_h5py_raises_is_damage(kind: type[Exception]) -> None:
    with pytest.raises(FormatError, match=f"reading failed .*{kind.__name__}"), translated("a.h5", "reading"):
        raise kind("damage")


@pytest.mark.parametrize("text", ["numpy.empty({nbytes}, numpy.uint8)", "exec('raise OSError(\"cannot allocate\")')"])
def test_a_child_without_memory_is_an_error_of_the_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    if sys.platform != "linux" and "numpy" in text:
        pytest.skip("only Linux limits memory")
    path = tmp_path / "a.h5"
    path.write_bytes(b"")
    name = f"hungry_h5_{len(text)}"
    code = text.format(nbytes=most_memory() + (64 << 20))
    (tmp_path / f"{name}.py").write_text(f"import numpy\ndef describe(probe, params): {code}\n")
    monkeypatch.syspath_prepend(tmp_path)
    describe = importlib.import_module(name).describe
    with pytest.raises(CorruptError, match="more memory than it may") as caught:
        rehearse(Probe.of(path), Hdf5Params(), describe)
    assert "isolate='never'" in str(caught.value)


@pytest.mark.parametrize("block", [0, 512])
@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_the_parts_of_a_virtual_data_set_are_counted_before_libhdf5_opens_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, libver: str, block: int
) -> None:
    path = tmp_path / "a.h5"
    layout = h5py.VirtualLayout(shape=(30, 4, 5), dtype="<u2")
    for i in range(30):
        layout[i] = h5py.VirtualSource("other.h5", "scan", shape=(4, 5))
    with h5py.File(path, "w", libver=libver, userblock_size=block) as file:
        file["plain"] = SCAN
        file.create_virtual_dataset("many", layout)
    asked: list[bytes] = []
    ask = h5py.h5o.open

    def asked_for(where: Any, name: bytes) -> Any:
        asked.append(name)
        return ask(where, name)

    monkeypatch.setattr(h5py.h5o, "open", asked_for)
    with opened(path) as root:
        parts = {name: _stored_parts(root.home, link[1]) for name, link in links_of(root).items()}
        assert parts == {"many": 30, "plain": 0}
        assert child(root, "many", links_of(root)["many"]) is not None
    monkeypatch.setattr("lamella_hdf5.objects._MOST_MAPPINGS", 29)
    asked.clear()
    with opened(path) as root:
        assert child(root, "many", links_of(root)["many"]) is None
        assert root.home.growing == ["/many"]
    assert asked == []


def test_a_type_with_very_many_members_is_named_shortly(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["kind"] = np.dtype([(f"member {i}", "f8") for i in range(600)])
        file.create_dataset("table", shape=(3,), dtype=file["kind"])
    with opened(path) as root:
        assert attributes(root) == {}
    with h5py.File(path, "a") as file:
        file["scan"] = SCAN
    assert len(lamella.open(path).raw_metadata["/table"]["value"]) < 300
