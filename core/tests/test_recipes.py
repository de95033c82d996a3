"""Recipes: how a data set is opened, as a value that is made without opening it."""

import json
import os
import pickle
import subprocess
import sys
import types
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella import Recipe
from lamella.corrections.corrections import Corrections
from lamella.dataset.pickling import ReopensDataSet
from lamella.errors import FormatError, ParameterError
from lamella.format import API_VERSION, FormatSpec, Param
from lamella.io.buffered import BufferedBackend
from lamella.lazy import LazyArray
from lamella.opening.open import open_dataset
from lamella.plugins.registry import Registry
from lamella.reader.match import Match
from lamella.reader.probe import Probe
from lamella.reader.runs import RunTable
from lamella.reader.source import Encoding, LinearSource, SourceInfo
from lamella.system.pathmap import path_here, paths_here

DATA: NDArray[np.uint16] = np.random.default_rng(7).integers(0, 4000, (4, 6, 8, 10)).astype(np.uint16)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "scan.raw"
    DATA.tofile(path)
    return path


def test_a_recipe_looks_at_nothing_before_it_is_opened(tmp_path: Path) -> None:
    recipe = Recipe(tmp_path / "later.raw", "raw", dtype="<u2", sig_shape=(8, 10), nav_shape=(4, 6))
    with pytest.raises(FileNotFoundError, match=r"later\.raw"):
        recipe.open()
    DATA.tofile(tmp_path / "later.raw")
    np.testing.assert_array_equal(recipe.open().read(), DATA)


def test_wrong_parameters_are_found_when_it_is_opened(raw: Path) -> None:
    recipe = Recipe(raw, "raw", dtype="<u2", sig_shap=(8, 10))
    with pytest.raises(ParameterError, match="sig_shap"):
        recipe.open()


def test_the_recipe_of_a_data_set_opens_the_same(raw: Path) -> None:
    ds = lamella.open(raw, "raw", dtype=np.uint16, sig_shape="8x10", nav_shape=[4, 6], missing="zero", name="mine")
    again = ds.recipe.open()
    assert again is not ds
    np.testing.assert_array_equal(again.read(), DATA)
    assert (again.name, again.missing, again.shape, again.fingerprint) == ("mine", "zero", ds.shape, ds.fingerprint)
    assert ds.recipe.format == "raw"
    assert ds.recipe.target == str(raw)


def test_a_detected_format_is_named_in_the_recipe(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", DATA)
    assert lamella.open(tmp_path / "a.npy").recipe.format == "npy"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"sig_shape": (8, 10)}, {"sig_shape": [8, 10]}),
        ({"sig_shape": (8, 10)}, {"sig_shape": np.array([8, 10])}),
        ({"dtype": np.uint16}, {"dtype": np.dtype("uint16")}),
        ({"corrections": Corrections(dark=np.ones((8, 10)))}, {"corrections": Corrections(dark=np.ones((8, 10)))}),
        ({"sync_offset": 3, "missing": "zero"}, {"missing": "zero", "sync_offset": np.int64(3)}),
    ],
)
def test_recipes_are_equal_where_they_open_the_same(raw: Path, one: dict[str, Any], other: dict[str, Any]) -> None:
    recipes = Recipe(raw, "raw", **one), Recipe(os.path.relpath(raw), "RAW", **other)
    assert recipes[0] == recipes[1]
    assert len(set(recipes)) == 1
    assert pickle.loads(pickle.dumps(recipes[0])) == recipes[1]


def test_recipes_differ_by_target_format_and_every_value(raw: Path) -> None:
    recipes = [
        Recipe(raw),
        Recipe(raw, "raw"),
        Recipe(raw.with_name("b.raw")),
        Recipe([raw, raw.with_name("b.raw")]),
        Recipe(raw, missing="zero"),
        Recipe(raw, missing="skip"),
        Recipe(raw, corrections=Corrections(dark=np.ones((8, 10)))),
        Recipe(raw, corrections=Corrections(dark=np.zeros((8, 10)) + 2)),
        Recipe(raw, dark=np.zeros(5000)),
        Recipe(raw, dark=np.eye(1, 5000, 2500)[0]),
        Recipe(raw, dark=np.zeros(5000, np.float32)),
    ]
    assert len(set(recipes)) == len(recipes)
    assert Recipe(raw) != "a text"


def test_a_relative_path_means_the_same_in_another_folder(
    raw: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(raw.parent)
    recipe = Recipe("scan.raw", "raw", dtype="<u2", sig_shape=(8, 10))
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert recipe.open().source.n_frames == 24


@dataclass(frozen=True, kw_only=True)
class GainParams:
    gain: Annotated[str | None, Param(doc="A file.", kind="path")] = None
    format: Annotated[str, Param(doc="A name that the recipe has as well.")] = "a"


class GainReader:
    def detect(self, probe: Probe) -> Match:
        return Match(80, "any file", params={"format": "b"})

    def open(self, params: GainParams, probe: Probe) -> LinearSource:
        return LinearSource(
            resources=(probe.resource,),
            runs=RunTable([0], [0], [4], [1]),
            encoding=Encoding(np.dtype("u1"), (2, 2)),
            info=SourceInfo(),
        )


def test_paths_among_the_parameters_of_a_data_set_are_absolute(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = types.ModuleType("a_format_with_gain")
    module.GainReader, module.GainParams = GainReader, GainParams
    monkeypatch.setitem(sys.modules, module.__name__, module)
    registry = Registry(environ={}, entry_points=lambda group: ())
    reader, params = (f"{module.__name__}:{name}" for name in ("GainReader", "GainParams"))
    registry.register(FormatSpec(name="foo", title="Foo", api=API_VERSION, reader=reader, params=params))
    monkeypatch.chdir(raw.parent)
    recipe = open_dataset("auto", raw, {"gain": "gain.csv"}, registry=registry).recipe
    assert recipe.format == "foo"
    assert recipe.parameters == {"gain": str(raw.parent / "gain.csv"), "format": "b"}
    assert pickle.loads(pickle.dumps(recipe)) == recipe


def test_a_list_of_one_file_is_the_file(raw: Path) -> None:
    assert Recipe([raw]) == Recipe(raw)


def test_a_recipe_is_changed_into_another(raw: Path) -> None:
    recipe = Recipe(raw, "raw", dtype="<u2")
    other = Recipe.of(raw.with_name("b.raw"), recipe.format, {**recipe.parameters, "missing": "zero"})
    assert other == Recipe(raw.with_name("b.raw"), "raw", dtype="<u2", missing="zero")


def test_the_address_of_a_remote_file_stays_as_it_is() -> None:
    assert Recipe("s3://bucket/scan.mib").target == "s3://bucket/scan.mib"
    assert Recipe(["https://host/a.mib", "https://host/b.mib"]).target == ("https://host/a.mib", "https://host/b.mib")


class Choice(Enum):
    ZERO = "zero"


def test_a_recipe_goes_through_json(raw: Path) -> None:
    recipe = Recipe(
        raw, "raw", dtype=np.dtype("<u2"), sig_shape=(np.int64(8), 10), nav_shape=(4, 6), missing=Choice.ZERO
    )
    text = json.dumps(recipe.to_json())
    assert json.loads(text) == {
        "target": str(raw),
        "format": "raw",
        "parameters": {"dtype": "<u2", "sig_shape": [8, 10], "nav_shape": [4, 6], "missing": "zero"},
    }
    again = Recipe.from_json(json.loads(text))
    assert again == recipe
    np.testing.assert_array_equal(again.open().read(), DATA)


def test_what_json_cannot_hold_is_named(raw: Path) -> None:
    recipe = Recipe(raw, corrections=Corrections(dark=np.ones((8, 10))), io_backend=BufferedBackend())
    with pytest.raises(ParameterError) as caught:
        recipe.to_json()
    assert "corrections: Corrections cannot be written as JSON" in str(caught.value)
    assert "io_backend: BufferedBackend" in str(caught.value)


@pytest.mark.parametrize("facts", [[], {}, {"target": "a", "format": "raw"}, {"target": "a", "format": "raw", "x": 1}])
def test_other_json_is_no_recipe(facts: Any) -> None:
    with pytest.raises(ParameterError, match="target, format and parameters"):
        Recipe.from_json(facts)


@pytest.mark.parametrize("target", [DATA, 7, [], [DATA], None])
def test_objects_have_no_recipe(target: Any) -> None:
    with pytest.raises(ParameterError, match="a recipe names files"):
        Recipe(target)


def test_a_data_set_in_memory_says_that_it_has_no_recipe() -> None:
    ds = lamella.open(DATA, "memory")
    with pytest.raises(lamella.LamellaError, match="object in memory and has no recipe"):
        _ = ds.recipe
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ds)).read(), DATA)


def test_a_recipe_cannot_be_changed(raw: Path) -> None:
    recipe = Recipe(raw, "raw", dtype="<u2")
    with pytest.raises(AttributeError):
        recipe.format = "npy"  # type: ignore[misc]
    with pytest.raises(TypeError):
        recipe.parameters["dtype"] = "<u4"  # type: ignore[index]


def test_it_shows_what_it_opens(raw: Path) -> None:
    assert repr(Recipe(raw, "raw", dtype="<u2")) == f"Recipe({str(raw)!r}, 'raw', dtype='<u2')"


def test_reopening_gives_the_same_data_set_while_its_files_are_unchanged(raw: Path) -> None:
    ds = lamella.open(raw, "raw", dtype="<u2", sig_shape=(8, 10))
    first = pickle.loads(pickle.dumps(ds))
    assert pickle.loads(pickle.dumps(ds)) is first
    DATA[:2].tofile(raw)
    again = pickle.loads(pickle.dumps(ds))
    assert again is not first
    assert again.source.n_frames == 12


def test_a_recipe_opens_in_another_process(raw: Path, tmp_path: Path) -> None:
    recipe = Recipe(raw, "raw", dtype="<u2", sig_shape=(8, 10), nav_shape=(4, 6))
    (tmp_path / "recipe").write_bytes(pickle.dumps(recipe))
    code = "import pickle, sys; print(int(pickle.load(open(sys.argv[1], 'rb')).open().read().sum()))"
    command = [sys.executable, "-c", code, str(tmp_path / "recipe")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path.parent)
    assert int(done.stdout) == int(DATA.sum())


@pytest.mark.parametrize("how", ["paths_here", "LAMELLA_PATHS"])
def test_files_may_be_under_another_path_where_a_data_set_is_unpickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    (tmp_path / "there").mkdir()
    np.save(tmp_path / "there" / "scan.npy", np.arange(240).reshape(3, 4, 4, 5))
    ds = lamella.open(tmp_path / "there" / "scan.npy")
    packed = pickle.dumps((ds, LazyArray(ds), ds.partitions(2)[1]))
    (tmp_path / "there").rename(tmp_path / "here")
    with pytest.raises(FileNotFoundError):
        pickle.loads(packed)
    pairs = {str(tmp_path / "there"): str(tmp_path / "here")}
    if how == "LAMELLA_PATHS":
        monkeypatch.setenv("LAMELLA_PATHS", "=".join(*pairs.items()))
    with paths_here(pairs if how == "paths_here" else {}):
        again, array, partition = pickle.loads(packed)
        np.testing.assert_array_equal(array[...], np.arange(240).reshape(3, 4, 4, 5))
    assert again.provenance.target == str(tmp_path / "here" / "scan.npy")
    assert partition.start == 6


@pytest.mark.parametrize(
    ("pairs", "path", "found"),
    [
        ({"/mnt/a": "/data/a"}, "/mnt/a/x/scan.mib", "/data/a/x/scan.mib"),
        ({"/mnt/a/": "/data/a/"}, "/mnt/a/scan.mib", "/data/a/scan.mib"),
        ({"/mnt/a": "/data/a"}, "/mnt/ab/scan.mib", "/mnt/ab/scan.mib"),
        ({"/mnt": "/one", "/mnt/a": "/two"}, "/mnt/a/scan.mib", "/two/scan.mib"),
        ({"D:\\lab": "/data"}, "D:\\lab\\x\\scan.mib", "/data/x/scan.mib"),
        ({"/": "/data"}, "/scan.mib", "/data/scan.mib"),
    ],
)
@pytest.mark.skipif(os.sep != "/", reason="the paths are those of another system")
def test_the_longest_folder_that_fits_counts(pairs: dict[str, str], path: str, found: str) -> None:
    with paths_here(pairs):
        assert path_here(path) == found


def test_a_recipe_keeps_paths_of_another_system() -> None:
    recipe = pickle.loads(pickle.dumps(lamella.Recipe("scan.npy")))
    object.__setattr__(recipe, "target", "Z:\\lab\\scan.npy")
    assert pickle.loads(pickle.dumps(recipe)).target == "Z:\\lab\\scan.npy"


def test_times_that_another_host_rounds_are_no_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scan.npy"
    np.save(path, np.zeros((3, 4, 4, 5)))
    packed = pickle.dumps(ReopensDataSet(lamella.open(path)))
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - 1_500_000_000))
    with pytest.raises(FormatError, match="changed"):
        pickle.loads(packed)
    monkeypatch.setattr("platform.node", lambda: "another-host")
    assert pickle.loads(packed).dataset.shape.nav == (3, 4)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 9_000_000_000))
    with pytest.raises(FormatError, match="changed"):
        pickle.loads(packed)
