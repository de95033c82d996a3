"""Nothing that a file names is opened outside of its folder, by whatever way libhdf5 would go there."""

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import lamella
from lamella.errors import FormatError, LamellaError, UnsupportedError
from lamella_hdf5.library import opened
from lamella_hdf5.objects import links_of

SECRET = 4242
FRAMES = np.arange(2 * 4 * 5, dtype="u2").reshape(2, 4, 5)


class Watch:
    """Says whether anybody opens some files, where the system tells that."""

    def __init__(self, *paths: Path) -> None:
        if not sys.platform.startswith("linux"):
            pytest.skip("needs inotify")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        opening = 0x20
        for path in paths:
            assert self._libc.inotify_add_watch(self._fd, os.fsencode(path), opening) > 0

    def opened(self) -> bool:
        try:
            return bool(os.read(self._fd, 4096))
        except BlockingIOError:
            return False

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def inner(tmp_path: Path) -> Iterator[Path]:
    """Give a folder beside another one, whose files nobody opens."""
    outer = tmp_path / "outer"
    outer.mkdir()
    (tmp_path / "inner").mkdir()
    with h5py.File(outer / "secret.h5", "w") as file:
        file.create_dataset("data", data=np.full((2, 4, 5), SECRET, "u2"), maxshape=(None, 4, 5), chunks=(1, 4, 5))
        file["mask"] = np.ones((4, 5), "u4")
        file["line"] = np.arange(5.0)
        file["json"] = np.frombuffer(b'{"Instrument": {"InstrumentModel": "secret"}}'.ljust(60), "u1").reshape(60, 1)
        file["deep/data"] = np.full((2, 4, 5), SECRET, "u2")
    (outer / "secret.bin").write_bytes(np.full((2, 4, 5), SECRET, "u2").tobytes())
    watch = Watch(outer / "secret.h5", outer / "secret.bin")
    yield tmp_path / "inner"
    found = watch.opened()
    watch.close()
    assert not found, "a file outside of the folder was opened"


def plain(path: Path, value: Any = FRAMES, name: str = "data", **options: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset(name, data=value, **options)
    return path


def halves(path: Path, source: str, name: str = "data") -> Path:
    """Write a virtual data set whose frames are two sources side by side."""
    layout = h5py.VirtualLayout((2, 4, 10), "u2")
    for side in range(2):
        layout[:, :, 5 * side : 5 * side + 5] = h5py.VirtualSource(source, name, (2, 4, 5))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("data", layout)
    return path


def stretch(path: Path, source: str, name: str = "data") -> Path:
    layout = h5py.VirtualLayout((2, 4, 5), "u2")
    layout[...] = h5py.VirtualSource(source, name, (2, 4, 5))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("data", layout)
    return path


def linked(path: Path, **links: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, link in links.items():
            file[name] = link
    return path


SECRET_H5 = "../outer/secret.h5"


def _source_is_virtual(folder: Path) -> None:
    stretch(folder / "x.h5", SECRET_H5)


def _source_is_a_mosaic(folder: Path) -> None:
    halves(folder / "y.h5", SECRET_H5)
    layout = h5py.VirtualLayout((2, 4, 5), "u2")
    layout[...] = h5py.VirtualSource("y.h5", "data", (2, 4, 10))[:, :, 2:7]
    with h5py.File(folder / "x.h5", "w") as file:
        file.create_virtual_dataset("data", layout)


def _source_is_stored_elsewhere(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        file.create_dataset("data", (2, 4, 5), "u2", external=[("../outer/secret.bin", 0, 80)])


def _source_is_an_external_link(folder: Path) -> None:
    linked(folder / "x.h5", data=h5py.ExternalLink(SECRET_H5, "/data"))


def _source_is_a_soft_link_to_an_external_one(folder: Path) -> None:
    linked(folder / "x.h5", there=h5py.ExternalLink(SECRET_H5, "/"), data=h5py.SoftLink("/there/deep/data"))


def _source_is_a_link_out(folder: Path) -> None:
    (folder / "x.h5").symlink_to(folder / SECRET_H5)


SOURCES = [
    _source_is_virtual,
    _source_is_a_mosaic,
    _source_is_stored_elsewhere,
    _source_is_an_external_link,
    _source_is_a_soft_link_to_an_external_one,
    _source_is_a_link_out,
]


@pytest.mark.parametrize("virtual", [halves, stretch])
@pytest.mark.parametrize("write", SOURCES, ids=lambda write: write.__name__)
def test_sources_of_sources_stay_in_the_folder(
    inner: Path, write: Callable[[Path], None], virtual: Callable[..., Path]
) -> None:
    write(inner)
    with pytest.raises(UnsupportedError, match="must not be read"):
        lamella.open(virtual(inner / "a.h5", "x.h5")).read()


@pytest.mark.parametrize("virtual", [halves, stretch])
@pytest.mark.parametrize("name", [SECRET_H5, "{outer}/secret.h5", "./../outer/../outer/secret.h5"])
def test_sources_that_are_named_outside_are_refused(inner: Path, virtual: Callable[..., Path], name: str) -> None:
    path = virtual(inner / "a.h5", name.format(outer=inner.parent / "outer"))
    with pytest.raises(UnsupportedError, match="must not be read"):
        lamella.open(path).read()


def test_a_copy_beside_the_file_is_read_instead_of_the_source_itself(inner: Path) -> None:
    path = halves(inner / "a.h5", str(inner.parent / "outer" / "secret.h5"))
    plain(inner / "secret.h5")
    np.testing.assert_array_equal(lamella.open(path).read(), np.concatenate([FRAMES, FRAMES], axis=2))


def test_a_source_behind_links_inside_the_folder_is_read(inner: Path) -> None:
    (inner / "sub").mkdir()
    plain(inner / "sub" / "far.h5", name="deep/data", compression="gzip")
    linked(
        inner / "sub" / "x.h5",
        there=h5py.ExternalLink("far.h5", "/"),
        soft=h5py.SoftLink("there/deep"),
    )
    for virtual, repeat in ((halves, 2), (stretch, 1)):
        ds = lamella.open(virtual(inner / "a.h5", "sub/x.h5", "soft/data"))
        np.testing.assert_array_equal(ds.read(), np.concatenate([FRAMES] * repeat, axis=2))


def growing(path: Path, source: str, count: int = h5py.h5s.UNLIMITED, block: int = 1) -> Path:
    """Write a virtual data set that is as large as its source, beside one of a fixed size."""
    with h5py.File(path, "w", libver="latest") as file:
        file["scan"] = FRAMES
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        spaces = []
        for _ in range(2):
            space = h5py.h5s.create_simple((2, 4, 5), (h5py.h5s.UNLIMITED, 4, 5))
            space.select_hyperslab((0, 0, 0), (h5py.h5s.UNLIMITED, 1, 1), block=(block, 4, 5))
            spaces.append(space)
        if "%b" in source:
            spaces[1] = h5py.h5s.create_simple((block, 4, 5))
        plist.set_virtual(spaces[0], source.encode(), b"data", spaces[1])
        space = h5py.h5s.create_simple((2, 4, 5), (h5py.h5s.UNLIMITED, 4, 5))
        h5py.h5d.create(file.id, b"growing", h5py.h5t.STD_U16LE, space, plist)
    return path


@pytest.mark.parametrize("source", [SECRET_H5, "../outer/%bsecret.h5", "../outer/secret.h5%b"])
def test_looking_at_a_data_set_that_grows_opens_no_source(inner: Path, source: str) -> None:
    for name in ("0secret.h5", "secret.h50"):
        (inner.parent / "outer" / name).hardlink_to(inner.parent / "outer" / "secret.h5")
    path = growing(inner / "a.h5", source)
    np.testing.assert_array_equal(lamella.open(path).read(), FRAMES)
    assert "/scan" in lamella.open(path).diagnostics["data sets"][0]
    with pytest.raises(UnsupportedError, match="grows"):
        lamella.open(path, ds_path="growing")
    with h5py.File(path, "r+") as file:
        del file["scan"]
    with pytest.raises(UnsupportedError, match="grows"):
        lamella.open(path)


def outside(name: str, shape: tuple[int, ...], dtype: Any) -> Callable[[Any, str], None]:
    """Give what makes a virtual data set of something in the secret file."""

    def make(group: Any, own: str) -> None:
        layout = h5py.VirtualLayout(shape, dtype)
        layout[...] = h5py.VirtualSource(SECRET_H5, name, shape)
        group.create_virtual_dataset(own, layout)

    return make


def stored_outside(shape: tuple[int, ...], dtype: Any) -> Callable[[Any, str], None]:
    def make(group: Any, own: str) -> None:
        group.create_dataset(own, shape, dtype, external=[("../outer/secret.bin", 0, h5py.h5f.UNLIMITED)])

    return make


def linked_outside(name: str) -> Callable[[Any, str], None]:
    def make(group: Any, own: str) -> None:
        group.file[f"there {own}"] = h5py.ExternalLink(SECRET_H5, "/")
        group[own] = h5py.SoftLink(f"/there {own}/{name}")

    return make


@pytest.mark.parametrize("make", [outside("mask", (4, 5), "u4"), stored_outside((4, 5), "u4"), linked_outside("mask")])
def test_the_mask_of_a_master_is_not_fetched_from_elsewhere(inner: Path, make: Callable[[Any, str], None]) -> None:
    with h5py.File(inner / "x_master.h5", "w") as file:
        file["entry/data/data_000001"] = FRAMES
        make(file.require_group("entry/instrument/detector/detectorSpecific"), "pixel_mask")
    ds = lamella.open(inner / "x_master.h5")
    assert ds.corrections is None
    np.testing.assert_array_equal(ds.read().reshape(FRAMES.shape), FRAMES)


@pytest.mark.parametrize("make", [outside("line", (5,), "f8"), stored_outside((5,), "f8"), linked_outside("line")])
@pytest.mark.parametrize("convention", ["nexus", "emd", "hyperspy", "named"])
def test_axes_are_not_fetched_from_elsewhere(inner: Path, make: Callable[[Any, str], None], convention: str) -> None:
    with h5py.File(inner / "a.h5", "w") as file:
        group = file.create_group("Experiments/one" if convention == "hyperspy" else "group")
        group["data"] = FRAMES
        for name in {"nexus": ("x",), "hyperspy": ("axis-2",)}.get(convention, ("dim0", "dim2")):
            make(group, name)
        if convention == "nexus":
            group.attrs.update({"NX_class": "NXdata", "signal": "data", "axes": [".", ".", "x"]})
        if convention == "emd":
            group.attrs["emd_group_type"] = 1
    ds = lamella.open(inner / "a.h5", **({"ds_path": "group/data"} if convention == "named" else {}))
    assert all(axis.units is None and axis.scale == 1 for axis in ds.axes)
    np.testing.assert_array_equal(ds.read(), FRAMES)


@pytest.mark.parametrize(
    "make", [outside("json", (60, 1), "u1"), stored_outside((60, 1), "u1"), linked_outside("json")]
)
def test_descriptions_are_not_fetched_from_elsewhere(inner: Path, make: Callable[[Any, str], None]) -> None:
    with h5py.File(inner / "a.emd", "w") as file:
        group = file.create_group("Data/Image/abc")
        group["Data"] = FRAMES
        make(group, "Metadata")
    assert lamella.open(inner / "a.emd").metadata.instrument is None


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
@pytest.mark.parametrize("path", ["soft", "group/soft", "group/up/soft", "there"])
def test_a_path_through_soft_links_leaves_by_no_external_one(inner: Path, path: str) -> None:
    with h5py.File(inner / "a.h5", "w") as file:
        file["scan"] = FRAMES
        file["there"] = h5py.ExternalLink(SECRET_H5, "/data")
        file["far"] = h5py.ExternalLink(SECRET_H5, "/")
        file["soft"] = h5py.SoftLink("far/deep/data")
        file["group/soft"] = h5py.SoftLink("/soft")
        file["group/up"] = h5py.SoftLink("/group")
    with pytest.raises(UnsupportedError, match="must not be read"):
        lamella.open(inner / "a.h5", ds_path=path)
    np.testing.assert_array_equal(lamella.open(inner / "a.h5").read(), FRAMES)


def test_soft_links_that_lead_in_circles_end(inner: Path) -> None:
    with h5py.File(inner / "a.h5", "w") as file:
        file["scan"] = FRAMES
        file["a"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")
        file["c"] = h5py.SoftLink("/c/c/c/c")
    for name in "abc":
        with pytest.raises(LamellaError, match="not in the file"):
            lamella.open(inner / "a.h5", ds_path=name)


@pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")
def test_a_name_with_a_slash_is_no_way_through_a_link(inner: Path) -> None:
    path = inner / "a.h5"
    with h5py.File(path, "w") as file:
        file["scan"] = FRAMES
        file["far"] = h5py.ExternalLink(SECRET_H5, "/")
        file["far_data"] = np.zeros(3)
    content = path.read_bytes()
    assert content.count(b"far_data") == 1
    path.write_bytes(content.replace(b"far_data", b"far/data"))
    np.testing.assert_array_equal(lamella.open(path).read(), FRAMES)
    with opened(path) as root:
        assert list(links_of(root)) == ["far", "scan"]


def test_attributes_and_values_that_refer_to_objects_are_not_followed(inner: Path) -> None:
    with h5py.File(inner / "a.h5", "w") as file:
        file["scan"] = FRAMES
        far = stretch(inner / "far.h5", SECRET_H5)
        file["far"] = h5py.ExternalLink(far.name, "/data")
        file["scan"].attrs["to"] = file["scan"].ref
        file["scan"].attrs["part"] = file["scan"].regionref[:1]
        file["cells"] = np.array([file["scan"].ref] * 3, dtype=h5py.ref_dtype)
    raw = lamella.open(inner / "a.h5", ds_path="scan").raw_metadata
    assert raw["/scan"]["attributes"] == {"to": "<object ()>", "part": "<object ()>"}
    assert raw["/cells"]["value"] == "<object (3,)>"


def test_prefixes_of_the_environment_are_not_followed(inner: Path) -> None:
    halves(inner / "virtual.h5", "secret.h5")
    plain(inner / "secret.h5")
    (inner / "secret.bin").write_bytes(FRAMES.tobytes())
    with h5py.File(inner / "stored.h5", "w") as file:
        file.create_dataset("data", (2, 4, 5), "u2", external=[("secret.bin", 0, 80)])
    linked(inner / "linked.h5", data=h5py.ExternalLink("secret.h5", "/data"))
    code = (
        "import sys, lamella\n"
        "for path in sys.argv[1:]:\n"
        "    print(lamella.open(path, ds_path='data', fast=False).read().max())"
    )
    prefixes = ("HDF5_VDS_PREFIX", "HDF5_EXTFILE_PREFIX", "HDF5_EXT_PREFIX")
    environment = os.environ | dict.fromkeys(prefixes, str(inner.parent / "outer"))
    command = [sys.executable, "-c", code, *(str(inner / f"{name}.h5") for name in ("virtual", "stored", "linked"))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(FRAMES.max())] * 3


def itself(path: Path, way: str) -> None:
    """Write a virtual data set that is a source of itself, in one of many ways."""
    name = {"by its name": path.name, "by a link": "link.h5", "through another": "other.h5"}.get(way, ".")
    source = {"by a soft link": "soft", "by another path": "group/hard", "by a link out and in": "out"}.get(way, "data")
    halves(path, name, source)
    with h5py.File(path, "r+") as file:
        file["soft"] = h5py.SoftLink("/data")
        file["group/hard"] = file["data"]
        file["out"] = h5py.ExternalLink(path.name, "/data")
    if way == "by a link":
        (path.parent / "link.h5").symlink_to(path)
    if way == "through another":
        layout = h5py.VirtualLayout((2, 4, 5), "u2")
        layout[...] = h5py.VirtualSource(path.name, "data", (2, 4, 10))[:, :, 3:8]
        with h5py.File(path.parent / "third.h5", "w") as file:
            file.create_virtual_dataset("data", layout)
        stretch(path.parent / "other.h5", "third.h5")


@pytest.mark.parametrize(
    "way",
    [
        "as it is",
        "by its name",
        "by a link",
        "by a soft link",
        "by another path",
        "by a link out and in",
        "through another",
    ],
)
def test_a_virtual_data_set_whose_source_is_itself_is_refused(inner: Path, way: str) -> None:
    itself(inner / "a.h5", way)
    with pytest.raises(FormatError, match="source of itself"):
        lamella.open(inner / "a.h5")


@pytest.mark.parametrize("deep", [3, 6])
def test_sources_that_multiply_are_refused_soon(inner: Path, deep: int) -> None:
    plain(inner / "level0.h5", np.zeros((1, 2, 2), "u1"))
    for level in range(1, deep + 1):
        shape = (20**level, 2, 2)
        layout = h5py.VirtualLayout(shape, "u1")
        for item in range(20):
            part = shape[0] // 20
            source = h5py.VirtualSource(f"level{level - 1}.h5", "data", (part, 2, 2))
            layout[item * part : (item + 1) * part] = source
        with h5py.File(inner / f"level{level}.h5", "w") as file:
            file.create_virtual_dataset("data", layout)
    began = time.process_time()
    if deep == 3:
        assert lamella.open(inner / f"level{deep}.h5").shape == (20**3, 2, 2)
    else:
        with pytest.raises(FormatError, match="too many parts"):
            lamella.open(inner / f"level{deep}.h5")
    assert time.process_time() - began < 5
