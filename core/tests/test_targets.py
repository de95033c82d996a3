"""A folder or a URL is one target, for formats that say so; for others the error says what to do."""

from __future__ import annotations

import errno
import json
import os
import pickle
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.cli.app import main
from lamella.errors import FolderError, FormatError, LamellaError, NoFormatError, ParameterError, TruncatedError
from lamella.format import API_VERSION, Capability, FormatSpec, Signature
from lamella.opening.detect import detect
from lamella.opening.open import open_dataset
from lamella.plugins.registry import Registry, default_registry
from lamella.reader import (
    Confidence,
    Encoding,
    LinearSource,
    Match,
    Probe,
    Resource,
    RunTable,
    SourceInfo,
    read_frames,
    read_records,
)
from lamella.udf import SumUDF

SHAPE = (3, 4)
DTYPE = np.dtype("<u2")


@dataclass(frozen=True, kw_only=True)
class Params:
    """None."""


class FolderReader:
    """Takes each ``.frame`` file in a folder as one frame, in the order of their names."""

    def detect(self, probe: Probe) -> Match | None:
        names = self._names(probe)
        return Match(Confidence.VERIFIED, f"a folder with {len(names)} frames") if names else None

    def open(self, params: Params, probe: Probe) -> LinearSource:
        paths = [path for name in self._names(probe) if (path := probe.inside(name)) is not None]
        n = len(paths)
        return LinearSource(
            resources=(*map(Resource.of, paths), probe.resource),
            runs=RunTable(range(n), [0] * n, [24] * n, [1] * n),
            encoding=Encoding(DTYPE, SHAPE),
            info=SourceInfo(),
        )

    def _names(self, probe: Probe) -> list[str]:
        return [name for name in probe.entries if name.endswith(".frame")]


STORE: dict[str, tuple[bytes, str]] = {}
"""The remote files: content and ETag of each URL."""


@dataclass(frozen=True, slots=True)
class StoredResource(Resource):
    """A file in the store."""

    @classmethod
    def find(cls, url: str) -> StoredResource:
        if url not in STORE:
            raise FileNotFoundError(errno.ENOENT, "404 Not Found", url)
        content, tag = STORE[url]
        return cls(url, len(content), tag)

    def stat(self) -> Resource:
        return StoredResource.find(self.location)

    def read(self, offset: int, nbytes: int) -> bytes:
        self.check_unchanged()
        return STORE[self.location][0][offset : offset + nbytes]


class StoreReader:
    """Reads frames behind a header of four bytes from the store."""

    def detect(self, probe: Probe) -> Match | None:
        if probe.url is None or not probe.url.startswith("store://"):
            return None
        return Match(Confidence.VERIFIED, f"a {probe.suffix} file in the store")

    def open(self, params: Params, probe: Probe) -> LinearSource:
        assert probe.url is not None
        resource = StoredResource.find(probe.url)
        (n,) = read_records(resource, [0], np.dtype("<u4")).tolist()
        return LinearSource(
            resources=(resource,),
            runs=RunTable.single(offset=4, stride=24, count=n),
            encoding=Encoding(DTYPE, SHAPE),
            info=SourceInfo(),
        )


def declare(registry: Registry, name: str, reader: type, *capabilities: Capability, **more: Any) -> None:
    module: Any = types.ModuleType(f"a_format_called_{name}")
    module.Reader, module.Params = reader, Params
    sys.modules[module.__name__] = module
    registry.register(
        FormatSpec(
            name=name,
            title=name.title(),
            api=API_VERSION,
            reader=f"{module.__name__}:Reader",
            params=f"{module.__name__}:Params",
            capabilities=frozenset(capabilities),
            **more,
        )
    )


@pytest.fixture
def registry() -> Registry:
    return Registry(environ={}, entry_points=lambda group: ())


@pytest.fixture
def installed() -> Iterator[Registry]:
    """The registry of the process, with a format for folders and one for URLs."""
    default_registry.cache_clear()
    made = default_registry()
    declare(made, "folders", FolderReader, Capability.DIRECTORY)
    declare(made, "store", StoreReader, Capability.URL, Capability.IO_BACKENDS)
    yield made
    default_registry.cache_clear()


@pytest.fixture
def data() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 1000, (5, *SHAPE)).astype(DTYPE)


@pytest.fixture
def folder(tmp_path: Path, data: np.ndarray) -> Path:
    path = tmp_path / "scan.folder"
    path.mkdir()
    for i, frame in enumerate(data):
        (path / f"{i}.frame").write_bytes(frame.tobytes())
    (path / "readme.txt").write_text("frames")
    return path


@pytest.fixture
def url(data: np.ndarray) -> Iterator[str]:
    where = "store://bucket/scans/first%20scan.dat?version=1"
    STORE[where] = (np.uint32(len(data)).tobytes() + data.tobytes(), '"a1"')
    yield where
    STORE.clear()


# Probes


def test_a_probe_of_a_folder_lists_it_when_asked(folder: Path) -> None:
    probe = Probe.of(str(folder))
    assert (probe.kind, probe.path, probe.suffix, probe.stem, probe.size) == ("folder", folder, "folder", "scan", 0)
    assert (probe.head, probe.tail, probe.read(0, 9)) == (b"", b"", b"")
    (folder / "late").touch()
    assert probe.entries == ("0.frame", "1.frame", "2.frame", "3.frame", "4.frame", "late", "readme.txt")
    assert probe.inside("none", "1.frame") == folder / "1.frame"
    assert Probe.of(folder / "0.frame").entries == ()


@pytest.mark.parametrize("name", ["", "..", "../secret", "/etc/passwd", "deeper/a", "deeper", "out"])
def test_names_in_a_folder_are_not_trusted(folder: Path, name: str) -> None:
    (folder.parent / "secret").touch()
    (folder / "deeper").mkdir()
    (folder / "deeper" / "a").touch()
    if os.name != "nt":
        (folder / "out").symlink_to(folder.parent / "secret")
    assert Probe.of(folder).inside(name) is None


def test_a_probe_of_a_url_looks_at_nothing() -> None:
    probe = Probe.of("https://example.org/a/b%20c.MIB?x=1.dat#f")
    assert (probe.kind, probe.path, probe.paths, probe.suffix, probe.stem) == ("url", None, (), "mib", "b c")
    assert probe.url == "https://example.org/a/b%20c.MIB?x=1.dat#f"
    assert (probe.size, probe.head, probe.siblings, probe.entries, probe.sibling("a")) == (0, b"", (), (), None)


def test_a_file_url_is_the_path_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "a b#1.dat"
    path.write_bytes(b"abc")
    probe = Probe.of(path.as_uri())
    assert (probe.kind, probe.path, probe.url, probe.head) == ("file", path, None, b"abc")
    assert Probe.of(tmp_path.as_uri()).kind == "folder"
    with pytest.raises(FileNotFoundError):
        Probe.of((tmp_path / "none").as_uri())


@pytest.mark.skipif(os.name == "nt", reason="there it is a network path")
def test_a_file_url_of_another_computer_is_refused() -> None:
    with pytest.raises(OSError, match="on the computer elsewhere, not on this one"):
        Probe.of("file://elsewhere/a.dat")


def test_a_list_holds_files_only(folder: Path) -> None:
    with pytest.raises(OSError, match="a list is of files, and this is a folder"):
        Probe.of([folder, folder])


def test_a_path_with_colons_and_slashes_is_no_url(tmp_path: Path) -> None:
    path = tmp_path / "odd:" / "name"
    path.parent.mkdir()
    path.write_bytes(b"x")
    assert Probe.of(str(tmp_path) + "/odd://name").kind == "file"
    assert Resource.of(path).is_local


# Folders


def test_a_folder_opens_with_a_format_for_folders(installed: Registry, folder: Path, data: np.ndarray) -> None:
    ds = lamella.open(folder)
    assert ds.format == "folders"
    np.testing.assert_array_equal(ds.read(), data)
    np.testing.assert_array_equal(lamella.open(folder, format="folders").read(), data)
    with lamella.Context(executor="inline") as ctx:
        np.testing.assert_array_equal(ctx.run_udf(ds, SumUDF())["intensity"].data, data.sum(axis=0))


def test_formats_for_folders_are_asked_before_others(installed: Registry, folder: Path) -> None:
    report = detect(folder, installed)
    assert [candidate.name for candidate in report.candidates] == ["folders"]
    assert report.looked_at == "a folder with 6 entries"


def test_a_data_set_of_a_folder_is_opened_again_elsewhere(installed: Registry, folder: Path, data: np.ndarray) -> None:
    ds = lamella.open(folder)
    text = pickle.dumps(ds)
    again = pickle.loads(text)
    assert again.fingerprint == ds.fingerprint
    np.testing.assert_array_equal(again.read(), data)


def test_the_fingerprint_of_a_folder_follows_its_files(installed: Registry, folder: Path, data: np.ndarray) -> None:
    ds = lamella.open(folder)
    first, text = ds.fingerprint, pickle.dumps(ds)
    assert lamella.open(folder).fingerprint == first
    (folder / "5.frame").write_bytes(data[0].tobytes())
    os.utime(folder, ns=(0, folder.stat().st_mtime_ns + 10**9))
    assert lamella.open(folder).fingerprint != first
    assert pickle.loads(text).shape.nav == (6,)


def test_a_folder_without_a_format_for_folders_says_what_is_in_it(registry: Registry, tmp_path: Path) -> None:
    declare(registry, "foo", FolderReader, signatures=(Signature(b"FOO1"),))
    declare(registry, "bar", FolderReader, extensions=("bar", "hdr"))
    for name, content in {"a.foo": b"FOO1", "b.foo": b"FOO1", "c.foo": b"FOO1", "x": b"FOO1", "s.hdr": b""}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "deeper").mkdir()
    with pytest.raises(FolderError) as caught:
        open_dataset("auto", tmp_path, {}, registry=registry)
    error = caught.value
    assert isinstance(error, NoFormatError)
    assert isinstance(error, IsADirectoryError)
    assert (error.errno, error.filename) == (errno.EISDIR, str(tmp_path))
    for words in (
        f"{tmp_path} is a folder: it holds 3 .foo files, 1 .hdr file and 1 unnamed file",
        "foo (Foo) would take a.foo, b.foo, c.foo and 1 more",
        "bar (Bar) would take s.hdr",
    ):
        assert words in str(error)
    assert str(error).endswith(f"Open one of them, such as {tmp_path / 'a.foo'}")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_format_for_files_that_is_named_for_a_folder_says_what_is_in_it(registry: Registry, tmp_path: Path) -> None:
    declare(registry, "foo", FolderReader, extensions=("foo",))
    (tmp_path / "a.foo").touch()
    with pytest.raises(IsADirectoryError) as caught:
        open_dataset("foo", tmp_path, {}, registry=registry)
    assert "format 'foo' opens files, not folders" in str(caught.value)
    assert str(caught.value).endswith(f"Open {tmp_path / 'a.foo'}")


def test_a_folder_that_its_format_does_not_know_says_so(registry: Registry, tmp_path: Path) -> None:
    declare(registry, "folders", FolderReader, Capability.DIRECTORY)
    with pytest.raises(FolderError) as caught:
        open_dataset("auto", tmp_path, {}, registry=registry)
    assert "folders: its reader does not recognise the content" in str(caught.value)
    assert str(caught.value).endswith(f"{tmp_path} is an empty folder")


def test_a_large_folder_is_looked_into_at_100_files(registry: Registry, tmp_path: Path) -> None:
    declare(registry, "foo", FolderReader, signatures=(Signature(b"FOO1"),))
    for i in range(150):
        (tmp_path / f"{i:03}.foo").write_bytes(b"FOO1" if i > 99 else b"none")
    with pytest.raises(FolderError, match=r"100 \.foo files; only 100 of its 150 entries were looked at") as caught:
        open_dataset("auto", tmp_path, {}, registry=registry)
    assert "would take 000.foo" not in str(caught.value)
    assert str(caught.value).endswith("No installed format knows these files by their names or first bytes")


def test_folders_inside_a_folder_are_told(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    with pytest.raises(FolderError, match=r"it holds folders only\nOpen a file in one of them"):
        open_dataset("auto", tmp_path, {}, registry=registry)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs permissions that can be taken away")
def test_what_may_not_be_read_is_a_permission_error_of_both_families(registry: Registry, folder: Path) -> None:
    folder.chmod(0)
    with pytest.raises(PermissionError) as caught:
        open_dataset("auto", folder, {}, registry=registry)
    folder.chmod(0o700)
    assert isinstance(caught.value, LamellaError)


# URLs


def test_a_url_opens_with_a_format_for_urls(installed: Registry, url: str, data: np.ndarray) -> None:
    ds = lamella.open(url)
    assert (ds.format, ds.provenance.target, ds.backend.name) == ("store", url, "buffered")
    np.testing.assert_array_equal(ds.read(), data)
    np.testing.assert_array_equal(read_frames(ds.source, [4, 0]), data[[4, 0]])
    with lamella.Context(executor="inline") as ctx:
        np.testing.assert_array_equal(ctx.run_udf(ds, SumUDF())["intensity"].data, data.sum(axis=0))


def test_a_data_set_of_a_url_is_opened_again_elsewhere(installed: Registry, url: str, data: np.ndarray) -> None:
    ds = lamella.open(url)
    again = pickle.loads(pickle.dumps(ds))
    assert again.fingerprint == ds.fingerprint
    np.testing.assert_array_equal(again.read(), data)


def test_the_identity_of_a_remote_file_is_part_of_the_fingerprint(installed: Registry, url: str) -> None:
    ds = lamella.open(url)
    text = pickle.dumps(ds)
    assert pickle.loads(text).fingerprint == ds.fingerprint
    STORE[url] = (STORE[url][0], '"a2"')
    assert lamella.open(url).fingerprint != ds.fingerprint
    assert pickle.loads(text).fingerprint != ds.fingerprint
    with pytest.raises(FormatError, match="rewritten since it was opened"):
        ds.read()


def test_a_remote_file_that_shrank_or_went_is_an_error(installed: Registry, url: str) -> None:
    ds = lamella.open(url)
    STORE[url] = (STORE[url][0][:50], '"a2"')
    with pytest.raises(TruncatedError, match="shrank since it was opened"):
        ds.read()
    del STORE[url]
    with pytest.raises(FormatError, match="can no longer be read"):
        ds.read()


@pytest.mark.parametrize("backend", ["mmap", "direct"])
def test_backends_that_need_local_files_say_so(installed: Registry, url: str, backend: str) -> None:
    with pytest.raises(ParameterError, match=r"is not a local file; use 'buffered'|no O_DIRECT"):
        lamella.open(url, io_backend=backend).read()


def test_a_url_without_a_format_for_urls_needs_a_plugin(registry: Registry) -> None:
    declare(registry, "foo", FolderReader, extensions=("foo",))
    with pytest.raises(NoFormatError) as caught:
        open_dataset("auto", "https://example.org/a.foo", {}, registry=registry)
    text = str(caught.value)
    assert "https://example.org/a.foo (a URL)" in text
    assert "Remote files need a plugin" in text
    with pytest.raises(
        ParameterError, match=r"opens files on this computer, found the URL https://example\.org/a\.foo"
    ):
        open_dataset("foo", "https://example.org/a.foo", {}, registry=registry)


def test_a_resource_of_a_url_needs_a_plugin_to_be_read() -> None:
    resource = Resource("https://example.org/a", 10, '"tag"')
    assert not resource.is_local
    assert resource.mtime_ns is None
    for look in (resource.stat, lambda: resource.read(0, 1), lambda: resource.reading().read(0, 1)):
        with pytest.raises(FormatError, match="not a local file"):
            look()


def test_formats_for_files_are_not_offered_for_urls_and_folders(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "a.mib").mkdir()
    for target in (tmp_path / "a.mib", "https://example.org/a.mib"):
        report = detect(target, registry)
        assert report.hints == ()
        assert report.to_json()["kind"] == ("url" if isinstance(target, str) else "folder")


def test_an_unusable_format_for_folders_is_named(tmp_path: Path) -> None:
    registry = Registry(environ={"LAMELLA_DISABLE_PLUGINS": "folders"}, entry_points=lambda group: ())
    declare(registry, "folders", FolderReader, Capability.DIRECTORY, extensions=("tiles",))
    (tmp_path / "a.tiles").mkdir()
    with pytest.raises(FolderError, match="installed but disabled"):
        detect(tmp_path / "a.tiles", registry).winner()


# The command line


def test_probe_and_info_take_a_folder(installed: Registry, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", str(folder)]) == 0
    assert "Opens as folders" in capsys.readouterr().out
    assert main(["info", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["provenance"]["format"], told["shape"]["nav"]) == ("folders", [5])


def test_probe_and_info_say_what_a_folder_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("nothing")
    assert main(["probe", str(tmp_path)]) == 1
    assert "it holds 1 .txt file" in capsys.readouterr().out
    assert main(["info", str(tmp_path)]) == 1
    assert "it holds 1 .txt file" in capsys.readouterr().err
    np.save(tmp_path / "a.npy", np.zeros((4, 4)))
    for command in ("probe", "info"):
        assert main([command, str(tmp_path)]) == 0
        assert "a.npy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ([], "expected a path, found an empty list"),
        (["scan.raw", 3, None], "expected paths, found a list with NoneType and int"),
        (np.zeros((3, 4, 4)), "expected a path, found ndarray"),
        (None, "expected a path, found NoneType"),
    ],
)
def test_an_object_in_the_place_of_a_path_is_no_damaged_file(target: object, found: str) -> None:
    values = {"dtype": "u1", "sig_shape": (4, 4)}
    with pytest.raises(ParameterError, match=f"target: format 'raw' opens files: {found}"):
        lamella.open(target, format="raw", **values)
    assert lamella.check("raw", target, values).at("target") == (f"format 'raw' opens files: {found}",)
