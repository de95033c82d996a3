import sys
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import importlib_metadata
import pytest

from lamella.errors import PluginError
from lamella.format import API_VERSION, FormatSpec
from lamella.plugins import entrypoints
from lamella.plugins.entrypoints import load_named
from lamella.plugins.kinds import IO_BACKENDS, KINDS, Kind
from lamella.plugins.known import catalogue
from lamella.plugins.plugin import Status
from lamella.plugins.registry import Registry, default_registry

DECLARATION = """
from lamella.format import FormatSpec, Signature
spec = FormatSpec(name={name!r}, title="Format {name}", api={api!r}, reader="{module}_reader:Reader",
                  params="{module}_params:Params"{more})
"""
READER = "class Reader:\n    def detect(self, probe): return None\n"
PARAMS = """
from dataclasses import dataclass
@dataclass(frozen=True, kw_only=True)
class Params:
    depth: int = 0
"""


@dataclass
class Site:
    """A directory into which distributions are put by hand, with modules of names used nowhere else."""

    folder: Path

    def add(
        self,
        name: str,
        *,
        distribution: str | None = None,
        version: str = "1.2.3",
        source: str | None = None,
        api: object = API_VERSION,
        more: str = "",
        reader: str = READER,
        params: str = PARAMS,
    ) -> str:
        distribution = distribution or f"lamella-{name}"
        module = f"m{uuid.uuid4().hex}"
        text = DECLARATION.format(name=name, api=api, module=module, more=more) if source is None else source
        (self.folder / f"{module}.py").write_text(text)
        (self.folder / f"{module}_reader.py").write_text(reader)
        (self.folder / f"{module}_params.py").write_text(params)
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[lamella.formats]\n{name} = {module}:spec\n")
        return module

    def entry_points(self, *, group: str) -> Iterable[Any]:
        for distribution in importlib_metadata.distributions(path=[str(self.folder)]):
            yield from distribution.entry_points.select(group=group)

    def registry(self, **environ: str) -> Registry:
        return Registry(environ=environ, entry_points=self.entry_points)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.syspath_prepend(str(tmp_path))
    return Site(tmp_path)


def test_an_installed_format_is_found_with_its_origin(site: Site) -> None:
    site.add("foo", version="4.5")
    (plugin,) = site.registry().plugins()
    assert (plugin.name, plugin.status, plugin.distribution, plugin.version) == ("foo", "ok", "lamella-foo", "4.5")
    assert plugin.spec is not None
    assert plugin.spec.title == "Format foo"
    assert plugin.reason is None
    assert plugin.remedy is None


def test_plugins_are_sorted_by_name(site: Site) -> None:
    for name in ("zeta", "alpha", "mid"):
        site.add(name)
    assert [plugin.name for plugin in site.registry().plugins()] == ["alpha", "mid", "zeta"]


def test_names_are_found_in_any_case(site: Site) -> None:
    site.add("foo")
    assert site.registry().get("FoO").name == "foo"


def test_readers_are_imported_only_when_asked_for(site: Site) -> None:
    module = site.add("foo")
    plugin = site.registry().get("foo")
    assert f"{module}_reader" not in sys.modules
    reader = plugin.reader()
    assert f"{module}_reader" in sys.modules
    assert plugin.reader() is reader
    assert plugin.params_class().__name__ == "Params"


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("import sys; sys.exit(3)", "sys.exit(3)"),
        ("", "no attribute 'Reader'"),
        ("import module_that_is_not_there", "pip install module_that_is_not_there"),
        ("class Reader:\n    def __init__(self, x): ...", "TypeError"),
        ("this is no Python", "SyntaxError"),
    ],
)
def test_a_reader_that_cannot_be_made_is_a_plugin_error(site: Site, reader: str, words: str) -> None:
    site.add("foo", reader=reader)
    with pytest.raises(PluginError, match="the reader of format 'foo' cannot be loaded") as caught:
        site.registry().get("foo").reader()
    assert words in str(caught.value)
    assert "pip install" in str(caught.value)


@pytest.mark.parametrize("params", ["Params = 3", "class Params: ...", "import not_there_at_all"])
def test_parameters_that_are_no_dataclass_are_a_plugin_error(site: Site, params: str) -> None:
    site.add("foo", params=params)
    with pytest.raises(PluginError, match="the parameters of format 'foo' cannot be loaded"):
        site.registry().get("foo").params_class()


def test_an_interrupt_while_importing_is_not_swallowed(site: Site) -> None:
    site.add("foo", source="raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        site.registry().plugins()


@pytest.mark.parametrize(
    ("api", "outdated"),
    [
        ((API_VERSION[0] - 1, 7), "lamella-foo"),
        ((API_VERSION[0] + 1, 0), "lamella"),
        ((API_VERSION[0], API_VERSION[1] + 1), "lamella"),
    ],
)
def test_another_api_version_is_incompatible(site: Site, api: tuple[int, int], outdated: str) -> None:
    site.add("foo", api=api)
    (plugin,) = site.registry().plugins()
    assert plugin.status is Status.incompatible
    assert f"{api[0]}.{api[1]}" in str(plugin.reason)
    assert f"{API_VERSION[0]}.{API_VERSION[1]}" in str(plugin.reason)
    assert plugin.remedy == f"pip install --upgrade {outdated}"


@pytest.mark.parametrize(
    "source",
    [
        "spec = None",
        "spec = 3",
        "spec = {'name': 'foo'}",
        "from lamella.format import FormatSpec as spec",
        "from lamella.format import FormatSpec\nspec = FormatSpec(name=None, title=1, api=None, reader=2, params=3)",
        "from lamella.format import FormatSpec\n"
        "spec = FormatSpec(name='foo', title='Foo', api=(1, 0), reader='a:B', params='a:B', extensions='foo')",
        "from lamella.format import FormatSpec\n"
        "spec = FormatSpec(name='foo', title='Foo', api=(1, 0), reader='a:B', params='a:B', target='file')",
        "from lamella.format import FormatSpec\n"
        "spec = FormatSpec(name='other', title='Foo', api=(1, 0), reader='a:B', params='a:B')",
        "from lamella.format import FormatSpec\n"
        "spec = FormatSpec(name='foo', title='Foo', api=(1, 0), reader='a.B', params='a:B', signatures=(b'FOO',))",
    ],
)
def test_rubbish_is_invalid(site: Site, source: str) -> None:
    site.add("foo", source=source)
    (plugin,) = site.registry().plugins()
    assert plugin.status is Status.invalid
    assert plugin.reason
    assert "lamella-foo" in str(plugin.remedy)


def test_a_required_module_is_looked_for_but_not_imported(site: Site) -> None:
    (site.folder / "heavy_package_x").mkdir()
    (site.folder / "heavy_package_x" / "__init__.py").write_text("raise RuntimeError('imported')")
    site.add("foo", more=", requires=('heavy_package_x.part',)")
    assert site.registry().get("foo").status is Status.ok


def test_a_missing_required_module_is_named_with_the_line_that_installs_it(site: Site) -> None:
    site.add("foo", more=", requires=('numpy', 'heavy_package_y')")
    (plugin,) = site.registry().plugins()
    assert plugin.status == "missing-dependency"
    assert "heavy_package_y" in str(plugin.reason)
    assert plugin.remedy == "pip install heavy_package_y"


def test_two_distributions_with_one_name_are_in_conflict_until_one_is_preferred(site: Site) -> None:
    site.add("foo", distribution="lamella-foo")
    site.add("foo", distribution="better-foo")
    site.add("bar")
    registry = site.registry()
    statuses = {plugin.distribution: plugin.status for plugin in registry.plugins()}
    assert statuses == {"lamella-foo": "conflict", "better-foo": "conflict", "lamella-bar": "ok"}
    with pytest.raises(PluginError) as caught:
        registry.get("foo")
    for word in ("lamella-foo", "better-foo", "LAMELLA_PREFER=foo="):
        assert word in str(caught.value)
    registry.prefer("foo", "Better_Foo")
    assert registry.get("foo").distribution == "better-foo"
    assert [plugin.name for plugin in registry.usable()] == ["bar", "foo"]


def test_a_preference_may_come_from_environment_or_argument(site: Site) -> None:
    site.add("foo", distribution="lamella-foo")
    site.add("foo", distribution="better-foo")
    assert site.registry(LAMELLA_PREFER="foo=better-foo").get("foo").distribution == "better-foo"
    registry = Registry(environ={}, entry_points=site.entry_points, prefer={"foo": "lamella-foo"})
    assert registry.get("foo").distribution == "lamella-foo"


def test_a_preference_for_what_is_not_installed_decides_nothing(site: Site) -> None:
    site.add("foo", distribution="lamella-foo")
    site.add("foo", distribution="better-foo")
    assert not site.registry(LAMELLA_PREFER="foo=third-foo,rubbish,=").usable()


def test_a_broken_rival_is_no_conflict(site: Site) -> None:
    site.add("foo", distribution="lamella-foo")
    site.add("foo", distribution="bad-foo", source="raise ValueError")
    assert site.registry().get("foo").distribution == "lamella-foo"


def test_metadata_found_twice_is_one_plugin(site: Site) -> None:
    site.add("foo", distribution="lamella-foo", version="1.0")
    site.add("foo", distribution="Lamella.Foo", version="1.1")
    (plugin,) = site.registry().plugins()
    assert plugin.status is Status.ok


def test_plugins_can_be_disabled_and_are_then_not_imported(site: Site) -> None:
    module = site.add("foo")
    site.add("bar")
    foo = {plugin.name: plugin for plugin in site.registry(LAMELLA_DISABLE_PLUGINS=" FOO , nothing").plugins()}["foo"]
    assert foo.status is Status.disabled
    assert "LAMELLA_DISABLE_PLUGINS" in str(foo.reason)
    assert module not in sys.modules


def test_only_some_plugins_can_be_let_in(site: Site) -> None:
    for name in ("foo", "bar", "baz"):
        site.add(name)
    registry = site.registry(LAMELLA_ONLY_PLUGINS="bar,baz")
    assert [plugin.name for plugin in registry.usable()] == ["bar", "baz"]
    with pytest.raises(PluginError, match="LAMELLA_ONLY_PLUGINS"):
        registry.get("foo")


def test_what_is_installed_later_is_seen_after_a_refresh(site: Site) -> None:
    registry = site.registry()
    assert registry.plugins() == ()
    site.add("foo")
    assert registry.plugins() == ()
    registry.refresh()
    assert registry.get("foo").name == "foo"


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_a_known_format_that_is_not_installed_says_how_to_install_it(site: Site, name: str) -> None:
    with pytest.raises(PluginError, match=f"pip install lamella-{name.replace('_', '-')}"):
        site.registry().get(name.upper())


def test_an_unknown_name_lists_what_there_is(site: Site) -> None:
    site.add("foobar")
    with pytest.raises(PluginError) as caught:
        site.registry().get("foobaz")
    assert "did you mean foobar" in str(caught.value)
    assert "Installed: foobar" in str(caught.value)


def test_a_misspelt_known_name_brings_its_install_line(site: Site) -> None:
    with pytest.raises(PluginError, match="pip install lamella-hdf5"):
        site.registry().get("hfd5")


def spec_named(name: str, **more: Any) -> FormatSpec:
    return FormatSpec(name=name, title="Made", api=API_VERSION, reader="a:B", params="a:B", **more)


def test_a_program_may_register_a_format(site: Site) -> None:
    registry = site.registry()
    registry.register(spec_named("made"))
    assert registry.get("made").distribution == "<registered>"
    registry.register(spec_named("made", extensions=("made",)))
    spec = registry.get("made").spec
    assert spec is not None
    assert spec.extensions == ("made",)


def test_a_registered_format_survives_a_refresh_and_obeys_the_switches(site: Site) -> None:
    registry = site.registry(LAMELLA_DISABLE_PLUGINS="off")
    registry.register(spec_named("made"))
    registry.register(spec_named("off"))
    registry.refresh()
    assert [plugin.name for plugin in registry.usable()] == ["made"]


def test_a_registered_format_may_conflict_with_an_installed_one(site: Site) -> None:
    site.add("foo")
    registry = site.registry()
    registry.register(spec_named("foo"))
    assert {plugin.status for plugin in registry.plugins()} == {Status.conflict}
    registry.prefer("foo", "<registered>")
    assert registry.get("foo").distribution == "<registered>"


def test_registering_rubbish_is_refused(site: Site) -> None:
    with pytest.raises(PluginError, match="lower-case identifier"):
        site.registry().register(spec_named("Not A Name"))


def test_the_process_shares_one_registry() -> None:
    assert default_registry() is default_registry()


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in KINDS for name in sorted(kind.builtin)], ids=lambda part: str(part)[:20]
)
def test_what_the_core_brings_needs_no_metadata(kind: Kind, name: str) -> None:
    def damaged(*, group: str) -> Iterable[Any]:
        raise AssertionError("the metadata was read")

    plugin = Registry(environ={}, entry_points=damaged).get(name.upper(), kind)
    made: Any = plugin.factory()
    assert plugin.is_builtin
    assert f"{made.__module__}:{made.__qualname__}" == kind.builtin[name]
    assert all(callable(getattr(made, method)) for method in kind.methods)


def test_the_core_declares_its_own_backends() -> None:
    assert {"mmap", "buffered", "direct"} <= set(default_registry().names(IO_BACKENDS))


def test_a_name_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(PluginError) as caught:
        default_registry().get("mmpa", IO_BACKENDS)
    for word in ("'mmpa'", "did you mean 'mmap'?", "buffered", "direct"):
        assert word in str(caught.value)


@pytest.mark.parametrize("reference", ["not_there_at_all:X", "pathlib:NotThere", "json:dumps.nothing"])
def test_a_name_that_cannot_be_loaded_is_a_plugin_error(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry_point = importlib_metadata.EntryPoint("bad", reference, "no.such.group")
    monkeypatch.setattr(entrypoints, "installed", lambda *, group: (entry_point,))
    with pytest.raises(PluginError, match="cannot be loaded"):
        load_named("no.such.group", "bad")


def test_the_catalogue_knows_every_format_of_the_project() -> None:
    names = "raw npy memory blo mib frms6 k2is hdf5 raw_csr ser dm mrc empad seq tvips dask"
    assert set(catalogue()) == set(names.split())
    for known in catalogue().values():
        assert known.title
        assert all(extension == extension.lower().strip(".") for extension in known.extensions)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("npy", b"\x93NUMPY\x01\x00"),
        ("blo", b"IMGBLO\x02\x01"),
        ("mib", b"MQ1,000001,00384"),
        ("hdf5", b"\x89HDF\r\n\x1a\n"),
        ("hdf5", bytes(2048) + b"\x89HDF\r\n\x1a\n"),
        ("dm", b"\x00\x00\x00\x03\x00\x00"),
        ("ser", b"\x49\x49\x97\x01\x20\x02"),
        ("seq", b"\xed\xfe\x00\x00" + "Norpix seq".encode("utf-16-le")),
        ("mrc", bytes(208) + b"MAP "),
        ("k2is", b"\xff\xff\x00\x55"),
        ("frms6", b"\x00\x04\x40\x00"),
        ("tvips", b"\x00\x01\x00\x00\x02\x00\x00\x00\x00\x02\x00\x00"),
    ],
)
def test_the_catalogue_knows_the_marks_of_the_formats(name: str, head: bytes) -> None:
    assert [known for known, entry in catalogue().items() if any(sign.matches(head) for sign in entry.signatures)] == [
        name
    ]
