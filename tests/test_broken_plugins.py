"""Real distributions with every kind of defect, installed into a directory and seen from a child process."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

LOOK = """
import json
from lamella.plugins.registry import default_registry
registry = default_registry()
print(json.dumps([
    {"name": p.name, "status": str(p.status), "distribution": p.distribution, "version": p.version,
     "reason": p.reason, "remedy": p.remedy}
    for p in registry.plugins()
]))
"""

DETECT = """
import sys
from lamella.opening.detect import detect
from lamella.plugins.registry import default_registry
winner = detect(sys.argv[1], default_registry()).winner()
print(winner.name, winner.confidence, type(winner.plugin.reader()).__name__)
"""

GOOD = """
from lamella.format import FormatSpec, Signature
spec = FormatSpec(name="{name}", title="A good format", api=(1, 0), reader="{module}_reader:Reader",
                  params="{module}_reader:Params", extensions=("{name}",), signatures=(Signature(b"{name}!"),){more})
"""

READER = """
from dataclasses import dataclass
from lamella.opening.detect import Match
class Reader:
    def detect(self, probe):
        return Match(100, "looked inside")
@dataclass(frozen=True, kw_only=True)
class Params:
    pass
"""


Env = Mapping[str, str]


@dataclass
class Site:
    folder: Path

    def install(
        self, name: str, source: str | None = None, *, distribution: str = "", version: str = "1.0", more: str = ""
    ) -> None:
        """Write what `pip install` of a small package leaves behind."""
        distribution = distribution or f"lamella-{name}"
        module = distribution.replace("-", "_")
        text = GOOD.format(name=name, module=module, more=more) if source is None else textwrap.dedent(source)
        self.folder.mkdir(exist_ok=True)
        (self.folder / f"{module}.py").write_text(text)
        (self.folder / f"{module}_reader.py").write_text(READER)
        self.metadata(distribution, version, f"[lamella.formats]\n{name} = {module}:spec\n")

    def metadata(self, distribution: str, version: str, entry_points: str | bytes) -> None:
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "RECORD").write_text("")
        content = entry_points if isinstance(entry_points, bytes) else entry_points.encode()
        (info / "entry_points.txt").write_bytes(content)

    def run(self, program: str, *arguments: str, more_path: tuple[Path, ...] = (), environ: Env | None = None) -> str:
        path = os.pathsep.join(str(folder) for folder in (self.folder, *more_path))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LAMELLA_")}
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), *arguments],
            env={**inherited, "PYTHONPATH": path, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def look(self, **environ: str) -> dict[str, Any]:
        """The plugins as a fresh process sees them, by distribution."""
        return by_distribution(self.run(LOOK, environ=environ))

    def look_beside_good(self) -> dict[str, Any]:
        """The same, in a process in which the healthy plugin is found, wins a detection and gives its reader."""
        target = self.folder.parent / "scan.good"
        target.write_bytes(b"good! and some data")
        out = self.run(DETECT + LOOK, str(target))
        assert out.splitlines()[-2] == "good 100 Reader"
        found = by_distribution(out)
        assert found["lamella-good"]["status"] == "ok"
        return found


def by_distribution(out: str) -> dict[str, Any]:
    return {plugin["distribution"]: plugin for plugin in json.loads(out.splitlines()[-1])}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path / "site")
    site.install("good")
    return site


NO_PYTHON = ("import sys\nsys.exit(7)", "raise SystemExit", "def spec(:")
RUBBISH = ("spec = 42", "spec = None", "spec = print", "spec = object()", "spec = 'good'")
OTHER_APIS = {
    "(0, 9)": "{}",
    "(2, 0)": "lamella",
    "(1, 99)": "lamella",
}
"""What each of them upgrades: the plugin, or the core."""
DAMAGED = (b"rubbish without any sense lamella", b"[lamella.formats]\n\xff\xfe\x00 = x", b"\x00lamella")
IMPOSSIBLE = ("", "not a module", "a:b:c", "..x:y", "lamella_good:", ":spec", "lamella_good:spec.x.y")


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one process sees of defects of these kinds, each of which hides only itself: by distribution."""
    site = Site(tmp_path_factory.mktemp("crowd") / "site")
    site.install("good")
    for kind, sources in (("no-python", NO_PYTHON), ("rubbish", RUBBISH)):
        for number, source in enumerate(sources):
            site.install(f"{kind}{number}", source)
    for number, api in enumerate(OTHER_APIS):
        name = f"api{number}"
        text = GOOD.format(name=name, module=f"lamella_{name}", more="").replace("api=(1, 0)", f"api={api}")
        site.install(name, text)
    for number, content in enumerate(DAMAGED):
        site.metadata(f"damaged{number}", "1.0", content)
    for number, reference in enumerate(IMPOSSIBLE):
        site.metadata(f"odd{number}", "1.0", f"[lamella.formats]\nodd{number} = {reference}\n")
    return site.look_beside_good()


def test_a_plugin_that_raises_on_import_is_broken(site: Site) -> None:
    site.install("bad", "raise RuntimeError('no luck today')")
    bad = site.look_beside_good()["lamella-bad"]
    assert bad["status"] == "broken"
    assert "RuntimeError: no luck today" in bad["reason"]
    assert "pip install --upgrade --force-reinstall lamella-bad" in bad["remedy"]
    assert "LAMELLA_DISABLE_PLUGINS=bad" in bad["remedy"]


@pytest.mark.parametrize("number", range(len(NO_PYTHON)))
def test_a_plugin_that_exits_or_is_no_python_is_broken(crowd: dict[str, Any], number: int) -> None:
    assert crowd[f"lamella-no-python{number}"]["status"] == "broken"


@pytest.mark.parametrize("number", range(len(RUBBISH)))
def test_a_plugin_that_exports_rubbish_is_invalid(crowd: dict[str, Any], number: int) -> None:
    bad = crowd[f"lamella-rubbish{number}"]
    assert bad["status"] == "invalid"
    assert "expected a FormatSpec" in bad["reason"]


def test_a_plugin_that_exports_an_object_which_defends_itself_is_broken(site: Site) -> None:
    site.install(
        "bad",
        """
        class Evil:
            def __getattribute__(self, name):
                raise SystemExit("hands off")
        spec = Evil()
        """,
    )
    assert site.look_beside_good()["lamella-bad"]["status"] == "broken"


def test_a_plugin_without_the_promised_name_is_broken(site: Site) -> None:
    site.install("bad", "other = 1")
    bad = site.look()["lamella-bad"]
    assert bad["status"] == "broken"
    assert "spec" in bad["reason"]


def test_a_plugin_whose_files_are_gone_is_broken(site: Site) -> None:
    site.install("bad")
    (site.folder / "lamella_bad.py").unlink()
    bad = site.look_beside_good()["lamella-bad"]
    assert bad["status"] == "broken"
    assert "--force-reinstall lamella-bad" in bad["remedy"]


@pytest.mark.parametrize(("api", "upgrade"), OTHER_APIS.items())
def test_a_plugin_for_another_api_is_incompatible(crowd: dict[str, Any], api: str, upgrade: str) -> None:
    bad = crowd[f"lamella-api{list(OTHER_APIS).index(api)}"]
    assert bad["status"] == "incompatible"
    assert api.strip("()").replace(", ", ".") in bad["reason"]
    assert "1.0" in bad["reason"]
    assert bad["remedy"] == f"pip install --upgrade {upgrade.format(bad['distribution'])}"


def test_a_plugin_that_wants_a_newer_core_is_incompatible(site: Site) -> None:
    site.install("bad", "from lamella.format import SomethingOfNextYear")
    bad = site.look_beside_good()["lamella-bad"]
    assert (bad["status"], bad["remedy"]) == ("incompatible", "pip install --upgrade lamella")


def test_two_plugins_of_one_name_are_in_conflict(site: Site) -> None:
    site.install("twin")
    site.install("twin", distribution="other-twin")
    found = site.look_beside_good()
    assert {found[name]["status"] for name in ("lamella-twin", "other-twin")} == {"conflict"}
    for name in ("lamella-twin", "other-twin"):
        assert "lamella-twin" in found[name]["reason"]
        assert "other-twin" in found[name]["reason"]


def test_a_preference_ends_the_conflict(site: Site) -> None:
    site.install("twin")
    site.install("twin", distribution="other-twin")
    found = site.look(LAMELLA_PREFER="twin=other-twin")
    assert found["other-twin"]["status"] == "ok"
    assert found["lamella-twin"]["status"] == "disabled"
    program = (
        "from lamella.plugins.registry import default_registry; print(default_registry().get('TWIN').distribution)"
    )
    assert site.run(program, environ={"LAMELLA_PREFER": "twin=lamella-twin"}).strip() == "lamella-twin"


def test_one_distribution_found_in_two_places_is_no_conflict(site: Site, tmp_path: Path) -> None:
    site.install("twin", version="2.0")
    elsewhere = Site(tmp_path / "elsewhere")
    elsewhere.install("twin", version="1.0")
    found = json.loads(site.run(LOOK, more_path=(elsewhere.folder,)))
    twins = [plugin for plugin in found if plugin["name"] == "twin"]
    assert [(twin["status"], twin["version"]) for twin in twins] == [("ok", "2.0")]


def test_a_declared_dependency_that_is_missing_is_named(site: Site) -> None:
    site.install("needy", more=", requires=('package_nobody_has',)")
    needy = site.look_beside_good()["lamella-needy"]
    assert needy["status"] == "missing-dependency"
    assert "package_nobody_has" in needy["reason"]
    assert needy["remedy"] == "pip install package_nobody_has"


def test_a_dependency_that_is_missed_on_import_is_named(site: Site) -> None:
    site.install("needy", "import package_nobody_has.inner")
    needy = site.look()["lamella-needy"]
    assert needy["status"] == "missing-dependency"
    assert "package_nobody_has" in needy["reason"]
    assert needy["remedy"] == "pip install package_nobody_has"


def test_a_slow_plugin_is_reported_and_can_be_left_out(site: Site) -> None:
    site.install("slow", "import time\ntime.sleep(1.2)\n" + GOOD.format(name="slow", module="lamella_slow", more=""))
    program = "import logging, sys; logging.basicConfig(stream=sys.stdout)\n" + LOOK
    out = site.run(program)
    assert "plugin slow took" in out
    assert {plugin["name"]: plugin["status"] for plugin in json.loads(out.splitlines()[-1])}["slow"] == "ok"
    timed = "import time; began = time.perf_counter()\n" + LOOK + "\nprint(time.perf_counter() - began)"
    assert float(site.run(timed, environ={"LAMELLA_DISABLE_PLUGINS": "slow"}).splitlines()[-1]) < 1.0


def test_damaged_metadata_hides_only_itself(crowd: dict[str, Any]) -> None:
    others = len(NO_PYTHON) + len(RUBBISH) + len(OTHER_APIS) + 1
    assert sum(name.startswith("lamella-") and crowd[name]["version"] == "1.0" for name in crowd) >= others


@pytest.mark.parametrize("number", range(len(IMPOSSIBLE)))
def test_an_impossible_entry_point_hides_only_itself(crowd: dict[str, Any], number: int) -> None:
    assert crowd[f"odd{number}"]["status"] != "ok"


def test_a_distribution_without_metadata_is_used_all_the_same(site: Site) -> None:
    site.install("bare")
    (site.folder / "lamella_bare-1.0.dist-info" / "METADATA").unlink()
    found = site.look_beside_good().values()
    assert [plugin["status"] for plugin in found if plugin["name"] == "bare"] == ["ok"]


def test_all_defects_together_leave_the_good_one_alone(site: Site) -> None:
    site.install("a", "raise ValueError")
    site.install("b", "import sys; sys.exit()")
    site.install("c", "spec = []")
    site.install("d", more=", requires=('package_nobody_has',)")
    site.install("e", GOOD.format(name="e", module="lamella_e", more="").replace("(1, 0)", "(9, 0)"))
    site.install("f")
    site.install("f", distribution="other-f")
    site.metadata("damaged", "1.0", b"lamella\xff")
    found = {name: plugin["status"] for name, plugin in site.look_beside_good().items()}
    expected = {
        "lamella-a": "broken",
        "lamella-b": "broken",
        "lamella-c": "invalid",
        "lamella-d": "missing-dependency",
        "lamella-e": "incompatible",
        "lamella-f": "conflict",
        "other-f": "conflict",
        "lamella-good": "ok",
    }
    assert {name: found[name] for name in expected} == expected


def test_a_broken_plugin_that_is_asked_for_says_status_reason_and_remedy(site: Site) -> None:
    site.install("bad", "raise RuntimeError('no luck today')")
    out = site.run(
        """
        from lamella.errors import PluginError
        from lamella.plugins.registry import default_registry
        try:
            default_registry().get("bad")
        except PluginError as error:
            print(error)
        """
    )
    for words in ("'bad'", "lamella-bad 1.0", "broken", "no luck today", "pip install"):
        assert words in out


def test_a_plugin_installed_while_the_program_runs_is_seen_after_refresh(site: Site) -> None:
    site.install("late")
    out = site.run(
        """
        import sys
        from pathlib import Path
        from lamella.plugins.registry import default_registry
        site = Path(sys.argv[1])
        info, module = site / "lamella_late-1.0.dist-info", site / "lamella_late.py"
        info.rename(site / "aside"), module.rename(site / "aside.txt")
        registry = default_registry()
        print([plugin.name for plugin in registry.usable() if plugin.name in ("late", "good")])
        (site / "aside").rename(info), (site / "aside.txt").rename(module)
        registry.refresh()
        print([plugin.name for plugin in registry.usable() if plugin.name in ("late", "good")])
        """,
        str(site.folder),
    )
    assert out.splitlines() == ["['good']", "['good', 'late']"]


def test_disabled_plugins_are_not_even_imported(site: Site) -> None:
    site.install("loud", "print('loud and clear')\n" + GOOD.format(name="loud", module="lamella_loud", more=""))
    out = site.run(LOOK, environ={"LAMELLA_DISABLE_PLUGINS": "loud,whatever"})
    assert "loud and clear" not in out
    found = {plugin["name"]: plugin for plugin in json.loads(out)}
    assert found["loud"]["status"] == "disabled"
    assert "LAMELLA_DISABLE_PLUGINS" in found["loud"]["reason"]
    assert found["good"]["status"] == "ok"


def test_only_the_named_plugins_are_let_in(site: Site) -> None:
    site.install("extra")
    statuses = {plugin["name"]: plugin["status"] for plugin in site.look(LAMELLA_ONLY_PLUGINS="good,raw").values()}
    assert statuses["good"] == "ok"
    assert statuses["extra"] == "disabled"


def test_discovery_imports_neither_readers_nor_numpy(site: Site) -> None:
    for number in range(20):
        site.install(f"many{number}")
    out = site.run(
        """
        import sys
        from lamella.plugins.registry import default_registry
        found = [plugin.status for plugin in default_registry().plugins() if plugin.name.startswith("many")]
        heavy = {"numpy", "numba", "pluggy", "h5py", "matplotlib", "dask"}
        print(len(found), sorted(name for name in sys.modules if name in heavy or name.endswith("_reader")))
        """
    )
    assert out.strip() == "20 []"


def hook_package(site: Site, name: str, source: str) -> None:
    (site.folder / f"{name}.py").write_text(textwrap.dedent(source))
    site.metadata(name, "1.0", f"[lamella]\n{name} = {name}\n")


def test_a_broken_hook_package_does_not_silence_the_others(site: Site) -> None:
    hook_package(
        site,
        "well",
        """
        from lamella import hookimpl
        from lamella.cli import Finding

        @hookimpl
        def lamella_doctor():
            return [Finding("well", "ok", "all is well")]
        """,
    )
    hook_package(site, "ill", "raise RuntimeError('sick')")
    hook_package(site, "gone", "import sys; sys.exit(1)")
    out = site.run(
        """
        from lamella.cli.doctor import findings
        for finding in findings():
            print(finding.subject, finding.level, finding.message)
        """
    )
    lines = out.splitlines()
    assert "well ok all is well" in lines
    assert "hook package ill error broken: fails while it is imported: RuntimeError: sick" in lines
    assert any(line.startswith("hook package gone error broken") for line in lines)


def test_a_package_may_know_who_reads_a_file(site: Site, tmp_path: Path) -> None:
    hook_package(
        site,
        "knows",
        """
        from lamella import hookimpl

        @hookimpl
        def lamella_suggest_reader(path):
            return f"ask the makers of {path.suffix}"
        """,
    )
    target = tmp_path / "scan.nobody"
    target.write_bytes(b"?")
    out = site.run(
        """
        import sys
        from lamella.opening.detect import detect
        from lamella.errors import NoFormatError
        from lamella.plugins.registry import Registry
        try:
            detect(sys.argv[1], Registry(environ={"LAMELLA_ONLY_PLUGINS": "good"})).winner()
        except NoFormatError as error:
            print(error)
        """,
        str(target),
    )
    assert "ask the makers of .nobody" in out
