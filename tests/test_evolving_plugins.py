"""Plugins of every kind, as real distributions: written for another plugin API, broken, in conflict, switched off."""

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

EXECUTOR = """
from lamella.executors import InlineExecutor
class Fancy(InlineExecutor):
    name = "{name}"
    {api}
"""

BACKEND = """
from lamella.io import BufferedBackend
class Fancy(BufferedBackend):
    name = "{name}"
    {api}
"""

EXPORTER = """
from lamella.errors import ParameterError
from lamella.export import ExportReport
class Fancy:
    {api}
    extensions = ("{name}",)
    def export(self, dataset, path, *, executor, fill, progress):
        if dataset.shape.nav.dims != 2:
            raise ParameterError("two scan axes are needed")
        path.write_bytes(dataset[0, 0].tobytes())
        return ExportReport(path, path.stat().st_size, 0, fill)
"""

ANALYSIS = """
from lamella.analysis import Analysis, AnalysisResult, AnalysisResultSet
from lamella.udf import SumUDF
class Fancy(Analysis):
    {api}
    def __init__(self, dataset, factor=1):
        super().__init__(dataset, factor=factor)
    def udf(self):
        return SumUDF()
    def results(self, result):
        scaled = result["intensity"].data * self.parameters["factor"]
        return AnalysisResultSet([AnalysisResult(key="scaled", title="scaled", desc="scaled", raw_data=scaled)])
"""

HOOKS = """
from lamella import hookimpl
from lamella.cli import Finding
class Fancy:
    {api}
    @hookimpl
    def lamella_doctor(self):
        return [Finding("{name} itself", "ok", "was called")]
Fancy = Fancy()
"""

VIEWER = """
class Fancy:
    {api}
    def __init__(self, dataset, **options):
        self.shown = (dataset.name, options)
"""

GROUPS = {
    "lamella.executors": ("executor", EXECUTOR),
    "lamella.io_backends": ("I/O backend", BACKEND),
    "lamella.exporters": ("exporter", EXPORTER),
    "lamella.analyses": ("analysis", ANALYSIS),
    "lamella.viewers": ("viewer", VIEWER),
    "lamella": ("hook package", HOOKS),
}
group = pytest.mark.parametrize("group", GROUPS)

LOOK = """
import json
from lamella.errors import PluginError
from lamella.plugins.kinds import KINDS
from lamella.plugins.registry import default_registry
registry, seen = default_registry(), {}
for kind in KINDS:
    for plugin in registry.plugins(kind):
        if plugin.is_builtin:
            continue
        try:
            told = registry.get(plugin.name.upper(), kind).name
        except PluginError as error:
            told = str(error)
        seen[f"{kind.group} {plugin.name} {plugin.distribution}"] = {
            "status": plugin.status, "reason": plugin.reason, "remedy": plugin.remedy, "asked": told}
print(json.dumps(seen))
"""


@dataclass
class Place:
    """A directory into which distributions are put as pip would put them."""

    folder: Path

    def put(self, group: str, name: str, source: str, *, distribution: str = "", attribute: str = "Fancy") -> None:
        distribution = distribution or f"dist-{group.replace('.', '-')}-{name}"
        module = distribution.replace("-", "_")
        (self.folder / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        info = self.folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "RECORD").write_text("")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}:{attribute}\n")

    def run(self, program: str, *arguments: str, **environ: str) -> str:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LAMELLA_")}
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), *arguments],
            env={**inherited, "PYTHONPATH": str(self.folder), **environ},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def look(self, **environ: str) -> dict[str, Any]:
        """Every plugin that is no built-in one, by group, name and distribution."""
        seen: dict[str, Any] = json.loads(self.run(LOOK, **environ).splitlines()[-1])
        return seen


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder = tmp_path / "site"
    folder.mkdir()
    return Place(folder)


def fill(place: Place, group: str) -> None:
    """Put a plugin of every state into a group."""
    template = GROUPS[group][1]

    def put(name: str, api: str = "", source: str | None = None, distribution: str = "") -> None:
        text = template.format(name=name, api=api or "pass") if source is None else source
        place.put(group, name, text, distribution=distribution)

    put("good")
    put("stated", "api = (1, 0)")
    put("minor", "api = (1, 1)")
    put("major", "api = (2, 0)")
    put("older", "api = (0, 9)")
    put("module", source=template.format(name="module", api="pass") + "api = (1, 1)\n")
    put("rubbish", "api = '1.0'")
    put("boolean", "api = (True, False)")
    put("number", source="Fancy = 42")
    put("absent", source="Other = 42")
    put("broken", source="raise RuntimeError('no luck today')")
    put("exits", source="import sys; sys.exit(3)")
    put("needy", source="import package_nobody_has")
    put("future", source="from lamella.errors import ErrorOfNextYear")
    put("Loud", source="raise RuntimeError('imported all the same')")
    put("twin")
    put("Twin", distribution=f"other-{group.replace('.', '-')}")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process sees that has plugins of every state in every group."""
    place = Place(tmp_path_factory.mktemp("site"))
    for group in GROUPS:
        fill(place, group)
    return place.look(LAMELLA_DISABLE_PLUGINS="other,LOUD")


def found(seen: dict[str, Any], group: str, name: str, distribution: str = "") -> dict[str, Any]:
    distribution = distribution or f"dist-{group.replace('.', '-')}-{name}"
    one: dict[str, Any] = seen[f"{group} {name} {distribution}"]
    return one


@group
@pytest.mark.parametrize("name", ["good", "stated"])
def test_healthy_plugins_of_every_kind_are_found_beside_all_others(seen: dict[str, Any], group: str, name: str) -> None:
    one = found(seen, group, name)
    assert (one["status"], one["asked"]) == ("ok", name)


@group
@pytest.mark.parametrize(
    ("name", "status", "reason", "remedy"),
    [
        ("minor", "incompatible", "needs plugin API 1.1; this Lamella has 1.0", "pip install --upgrade lamella"),
        ("module", "incompatible", "needs plugin API 1.1; this Lamella has 1.0", "pip install --upgrade lamella"),
        ("major", "incompatible", "needs plugin API 2.0; this Lamella has 1.0", "pip install --upgrade lamella"),
        ("older", "incompatible", "needs plugin API 0.9; this Lamella has 1.0", "pip install --upgrade dist-"),
        ("rubbish", "invalid", "api '1.0' is not (major, minor)", "pip install --upgrade dist-"),
        ("boolean", "invalid", "api (True, False) is not (major, minor)", "pip install --upgrade dist-"),
        ("number", "invalid", "exports int, expected", "pip install --upgrade dist-"),
        ("absent", "broken", "has no attribute 'Fancy'", "pip install --upgrade --force-reinstall dist-"),
        ("broken", "broken", "RuntimeError: no luck today", "pip install --upgrade --force-reinstall dist-"),
        ("exits", "broken", "it calls sys.exit(3)", "pip install --upgrade --force-reinstall dist-"),
        ("needy", "missing-dependency", "needs package_nobody_has", "pip install package_nobody_has"),
        ("future", "incompatible", "needs another version of Lamella", "pip install --upgrade lamella"),
        ("Loud", "disabled", "named in LAMELLA_DISABLE_PLUGINS", "Remove it from LAMELLA_DISABLE_PLUGINS"),
    ],
)
def test_a_plugin_of_any_kind_that_cannot_be_used_says_status_reason_and_remedy(
    seen: dict[str, Any], group: str, name: str, status: str, reason: str, remedy: str
) -> None:
    one = found(seen, group, name)
    assert one["status"] == status
    assert reason in one["reason"]
    assert one["remedy"].startswith(remedy)
    for words in (f"{GROUPS[group][0]} {name!r}", "dist-", f"is {status}: ", reason, remedy):
        assert words in one["asked"]
    if remedy == "pip install --upgrade lamella":
        assert one["asked"].endswith(": pip install --upgrade lamella")


@group
def test_two_plugins_of_one_name_in_any_group_are_in_conflict(seen: dict[str, Any], group: str) -> None:
    other = f"other-{group.replace('.', '-')}"
    for one in (found(seen, group, "twin"), found(seen, group, "Twin", other)):
        assert one["status"] == "conflict"
        assert other in one["reason"]
        assert "LAMELLA_PREFER=" in one["remedy"]


@pytest.fixture(scope="module")
def preferred(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process sees that prefers one of two plugins of a name, in every group."""
    place = Place(tmp_path_factory.mktemp("site"))
    for number, (group, (_, template)) in enumerate(GROUPS.items()):
        for name in (f"twin{number}", f"Twin{number}"):
            distribution = f"{'other' if name.startswith('T') else 'lamella'}-twin{number}"
            place.put(group, name, template.format(name=name, api="pass"), distribution=distribution)
    return place.look(LAMELLA_PREFER=",".join(f"TWIN{number}=Other_Twin{number}" for number in range(len(GROUPS))))


@group
def test_a_preference_ends_the_conflict_whatever_the_case_of_the_names(preferred: dict[str, Any], group: str) -> None:
    number = list(GROUPS).index(group)
    one = found(preferred, group, f"Twin{number}", f"other-twin{number}")
    other = found(preferred, group, f"twin{number}", f"lamella-twin{number}")
    assert one["status"] == "ok"
    assert other["status"] == "disabled"
    assert other["asked"] == f"Twin{number}"


def test_the_switches_compare_names_without_case_in_all_groups(place: Place) -> None:
    for group, (_, template) in GROUPS.items():
        for name in ("Alpha", "beta"):
            place.put(group, name, template.format(name=name, api="pass"))
    only = place.look(LAMELLA_ONLY_PLUGINS=" ALPHA ,,")
    without = place.look(LAMELLA_DISABLE_PLUGINS="BETA, aLpha")
    for group in GROUPS:
        assert found(only, group, "Alpha")["status"] == "ok"
        assert found(only, group, "beta")["status"] == "disabled"
        assert "LAMELLA_ONLY_PLUGINS" in found(only, group, "beta")["asked"]
        assert {found(without, group, name)["status"] for name in ("Alpha", "beta")} == {"disabled"}


def test_what_the_core_brings_stays_whatever_the_switches_say(place: Place) -> None:
    out = place.run(
        """
        from lamella.executors import make_executor
        from lamella.export import find_exporter
        from lamella.io import choose_backend
        print(make_executor("threads", 1).name, choose_backend("buffered", []).name, find_exporter("a.npy").extensions)
        """,
        LAMELLA_ONLY_PLUGINS="nothing",
        LAMELLA_DISABLE_PLUGINS="threads,buffered,npy",
    )
    assert out == "threads buffered ('npy',)\n"


def test_a_plugin_takes_the_name_of_a_built_in_one_only_if_it_is_preferred(place: Place) -> None:
    place.put("lamella.executors", "threads", EXECUTOR.format(name="mine", api="pass"), distribution="my-threads")
    program = "from lamella.executors import make_executor; print(make_executor('Threads').name)"
    assert place.run(program) == "threads\n"
    assert place.run(program, LAMELLA_PREFER="threads=my-threads") == "mine\n"
    one = found(place.look(), "lamella.executors", "threads", "my-threads")
    assert one["status"] == "conflict"
    assert "of Lamella itself" in one["reason"]
    assert one["remedy"] == "Set LAMELLA_PREFER=threads=my-threads to use it instead"
    assert one["asked"] == "threads"


USE = """
import sys
from pathlib import Path
import numpy as np
import lamella
from lamella.analysis import make_analysis
from lamella.executors import make_executor

folder = Path(sys.argv[1])
scan = np.arange(2 * 3 * 4 * 5, dtype="<u2").reshape(2, 3, 4, 5)
scan.tofile(folder / "scan.raw")
ds = lamella.open(
    folder / "scan.raw", dtype="<u2", nav_shape=(2, 3), sig_shape=(4, 5), format="raw", io_backend="GOOD"
)
assert ds.backend.name == "good"
assert (ds[1, 2] == scan[1, 2]).all()
assert make_executor("Good").name == "good"
ctx = lamella.Context.make_with("good")
assert ctx.executor.name == "good"
ctx.export_dataset(ds, folder / "out.good")
assert (folder / "out.good").read_bytes() == scan[0, 0].tobytes()
scaled = ctx.run(make_analysis("GOOD", ds, factor=3)).scaled.raw_data
assert (scaled == 3 * scan.sum(axis=(0, 1))).all()
try:
    make_analysis("good", ds, fcator=3)
except lamella.ParameterError as error:
    print(error)
print("all used")
"""


def test_executor_backend_exporter_and_analysis_of_a_third_party_work_together(place: Place, tmp_path: Path) -> None:
    for group, (_, template) in GROUPS.items():
        place.put(group, "good", template.format(name="good", api="api = (1, 0)"))
        place.put(group, "broken", "raise RuntimeError('no luck today')")
    out = place.run(USE, str(tmp_path)).splitlines()
    assert out[0].startswith("analysis 'good': ")
    assert "fcator" in out[0]
    assert out[1] == "all used"


def test_a_file_that_no_exporter_takes_says_which_exporters_cannot_be_used(place: Place) -> None:
    place.put("lamella.exporters", "zarr", "import package_nobody_has")
    out = place.run(
        """
        import lamella
        from lamella.export import find_exporter
        try:
            find_exporter("scan.zarr")
        except lamella.ParameterError as error:
            print(error)
        """
    )
    assert "only as .npy" in out
    assert "exporter 'zarr' (from dist-lamella-exporters-zarr 1.0) is missing-dependency" in out
    assert "pip install package_nobody_has" in out


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def Fancy(): raise ValueError('no machine')", "cannot be made: ValueError: no machine"),
        ("def Fancy(): raise SystemExit(2)", "cannot be made: it calls sys.exit(2)"),
        ("def Fancy(): return 42", "made int, which lacks run, map, close"),
        ("class Fancy:\n    def run(self): ...", "invalid: Fancy lacks close; Fancy lacks map"),
    ],
)
def test_an_executor_that_cannot_be_made_is_a_plugin_error(place: Place, source: str, words: str) -> None:
    place.put("lamella.executors", "fancy", source)
    out = place.run(
        """
        from lamella.errors import PluginError
        from lamella.executors import make_executor
        try:
            make_executor("fancy")
        except PluginError as error:
            print(error)
        """
    )
    assert "executor 'fancy' (from dist-lamella-executors-fancy 1.0)" in out
    assert words in out


def test_an_installed_dask_executor_that_fails_does_not_tell_to_install_it(place: Place) -> None:
    program = """
        from lamella.errors import PluginError
        from lamella.executors import make_executor
        try:
            make_executor("dask")
        except PluginError as error:
            print(error)
        """
    # A distribution of the same name that comes first on the path hides lamella-dask, which may be installed.
    place.put("lamella.nothing", "nothing", "", distribution="lamella-dask")
    assert "pip install lamella-dask" in place.run(program)
    place.put("lamella.executors", "dask", "raise RuntimeError('no cluster')")
    out = place.run(program)
    assert "executor 'dask'" in out
    assert "is broken: " in out
    assert "no cluster" in out
    assert "pip install lamella-dask" not in out


def test_one_refresh_sees_new_plugins_of_all_kinds(place: Place) -> None:
    for group, (_, template) in GROUPS.items():
        place.put(group, "late", template.format(name="late", api="pass"))
    out = place.run(
        """
        import sys
        from pathlib import Path
        from lamella.plugins.hooks import hooks
        from lamella.plugins.kinds import KINDS
        from lamella.plugins.registry import default_registry

        def late():
            kinds = sum("late" in registry.names(kind) and registry.get("late", kind).name == "late" for kind in KINDS)
            return kinds, [finding.message for finding in hooks().lamella_doctor()]

        registry, infos = default_registry(), list(Path().glob("*.dist-info"))
        for info in infos:
            info.rename(info.with_suffix(".aside"))
        print(late())
        for info in infos:
            info.with_suffix(".aside").rename(info)
        print(late())
        registry.refresh()
        print(late())
        for info in infos:
            info.rename(info.with_suffix(".aside"))
        registry.refresh()
        print(late())
        """
    )
    assert out.splitlines() == ["(0, [])", "(0, [])", "(6, ['was called'])", "(0, [])"]


def test_only_what_is_asked_for_is_imported(place: Place) -> None:
    place.put("lamella.executors", "fancy", EXECUTOR.format(name="fancy", api="pass"))
    place.put("lamella.executors", "loud", "print('imported')")
    out = place.run("from lamella.executors import make_executor as m; print(m('inline').name, m('fancy').name)")
    assert out == "inline fancy\n"


def test_a_command_of_a_package_that_cannot_be_used_says_so(place: Place) -> None:
    place.put("lamella", "hello", "raise RuntimeError('no luck today')")
    out = place.run("import sys; from lamella.cli import main\nsys.stderr = sys.stdout\nmain(['hello'])")
    assert "no command is called 'hello'" in out
    assert "hook package 'hello' (from dist-lamella-hello 1.0) is broken" in out


def test_a_backend_that_fails_does_not_stop_the_doctor(place: Place) -> None:
    failing = "    def unavailable(self, resources): raise RuntimeError('no luck today')"
    place.put("lamella.io_backends", "ill", BACKEND.format(name="ill", api="pass") + failing)
    out = place.run(
        "from lamella.cli.doctor import findings\nfor f in findings(): print(f.subject, f.level, f.message)"
    )
    assert "I/O ill error fails: RuntimeError: no luck today" in out
    assert "I/O buffered ok" in out


def test_doctor_and_formats_tell_what_is_wrong_with_plugins_of_every_kind(place: Place) -> None:
    for group in GROUPS:
        place.put(group, "broken", "raise RuntimeError('no luck today')")
    place.put("lamella.exporters", "off", EXPORTER.format(name="off", api="pass"))
    call = "import sys; from lamella.cli import main; main(sys.argv[1:])"
    findings = json.loads(place.run(call, "doctor", "--json", LAMELLA_DISABLE_PLUGINS="OFF"))["findings"]
    levels = {finding["subject"]: finding["level"] for finding in findings}
    listed = json.loads(place.run(call, "formats", "--json", LAMELLA_DISABLE_PLUGINS="OFF"))["plugins"]
    statuses = {(plugin["kind"], plugin["group"], plugin["name"]): plugin["status"] for plugin in listed}
    text = " ".join(place.run(call, "formats").split())
    for group, (noun, _) in GROUPS.items():
        assert levels[f"{noun} broken"] == "error"
        assert statuses[noun, group, "broken"] == "broken"
        assert f"{noun} broken is broken: fails while it is imported: RuntimeError: no luck today" in text
    assert levels["exporter off"] == "info"
    assert statuses["exporter", "lamella.exporters", "off"] == "disabled"


ODD_HOOKS = (
    (
        "@hookimpl(wrapper=True)\ndef lamella_doctor():\n    return (yield)",
        "lamella_doctor is a hook wrapper (wrapper=True)",
    ),
    (
        "@hookimpl(hookwrapper=True)\ndef lamella_doctor():\n    yield",
        "lamella_doctor is a hook wrapper (hookwrapper=True)",
    ),
    ("@hookimpl\ndef lamella_docter(): ...", "no hook 'lamella_docter'; did you mean 'lamella_doctor'?"),
    ("@hookimpl(specname='lamella_x')\ndef lamella_doctor(): ...", "no hook 'lamella_x'"),
    ("@hookimpl\ndef lamella_doctor(patient): ...", "patient"),
    (
        "import pluggy\n@pluggy.HookspecMarker('lamella')(historic=True)\ndef lamella_began(): ...",
        "lamella_began declares a hook of its own",
    ),
)


@pytest.fixture(scope="module")
def beside_odd_hooks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process sees of hook packages of which one is good, and which it calls."""
    place = Place(tmp_path_factory.mktemp("site"))
    for number, (source, _) in enumerate(ODD_HOOKS):
        text = f"import sys\nfrom lamella import hookimpl\n{source}\nFancy = sys.modules[__name__]\n"
        place.put("lamella", f"odd{number}", text)
    place.put("lamella", "good", HOOKS.format(name="good", api="pass"))
    called = "from lamella.plugins.hooks import hooks; print([f.subject for f in hooks().lamella_doctor()])\n"
    first, second = place.run(called + LOOK).splitlines()
    assert first == "['good itself']"
    seen: dict[str, Any] = json.loads(second)
    return seen


@pytest.mark.parametrize("number", range(len(ODD_HOOKS)))
def test_hooks_that_would_never_be_called_are_reported(beside_odd_hooks: dict[str, Any], number: int) -> None:
    one = found(beside_odd_hooks, "lamella", f"odd{number}")
    assert one["status"] == "invalid"
    assert ODD_HOOKS[number][1] in one["reason"]


LATER = """
from lamella.format import Capability, FormatSpec, Signature
spec = FormatSpec(
    name="later", title="Of tomorrow", api={api}, {fields}
    extensions=("later",), signatures=(Signature(b"LATER"{signature}),),
    capabilities=frozenset({{Capability.METADATA, {capability}}}),
)
"""
THEIR = 'reader="nowhere:Reader", params="nowhere:Params",'
UNKNOWN = ("Capability.DIRECTORY", "'directory'", "Capability('directory')", "Capability['DIRECTORY']")
OTHER_MAJORS = (
    ("(2, 0)", THEIR, "lamella"),
    ("(2, 3)", "opener='nowhere:open',", "lamella"),  # without fields that exist today
    ("(0, 9)", THEIR, "{}"),
)
"""API, fields, and what has to be upgraded: the core, or the plugin."""
UNKNOWN_WORDS = (
    (f"{THEIR} titel='x',", "", "", "field 'titel' is not known; did you mean 'title'?"),
    (THEIR, "Capability.TRUNCATE", "", "capability 'truncate' is not known; did you mean 'truncated'?"),
    (THEIR, "", ", mask=b'x'", "field 'mask' of a signature is not known"),
    ('reader="nowhere:Reader",', "", "", "params is missing"),
)


def put_later(place: Place, name: str, api: str, fields: str, capability: str = "", signature: str = "") -> None:
    source = LATER.format(api=api, fields=fields, capability=capability, signature=signature)
    source = source.replace('"later"', f'"{name}"').replace("LATER", name.upper())
    place.put("lamella.formats", name, source, attribute="spec", distribution=f"lamella-{name}")


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process sees of formats of other versions, and what it is told about their files."""
    place = Place(tmp_path_factory.mktemp("site"))
    for number, capability in enumerate(UNKNOWN):
        name = f"minor{number}"
        put_later(place, name, "(1, 1)", f"{THEIR} preview='nowhere:preview',", capability, ", mask=b'x'")
        (place.folder / f"scan.{name}").write_bytes(name.upper().encode() + b" and data")
    for number, (api, fields, _) in enumerate(OTHER_MAJORS):
        put_later(place, f"major{number}", api, fields)
    for number, (fields, capability, signature, _) in enumerate(UNKNOWN_WORDS):
        put_later(place, f"words{number}", "(1, 0)", fields, capability, signature)
    opening = """
        import sys, lamella
        from lamella.errors import NoFormatError
        answers = {}
        for path in sys.argv[1:]:
            try:
                lamella.open(path)
            except NoFormatError as error:
                answers[path] = str(error)
    """
    files = [f"scan.minor{number}" for number in range(len(UNKNOWN))]
    program = textwrap.dedent(opening) + LOOK + "print(json.dumps(answers))"
    seen, answers = map(json.loads, place.run(program, *files).splitlines())
    return {**seen, **answers}


def of_format(later: dict[str, Any], name: str) -> dict[str, Any]:
    return found(later, "lamella.formats", name, f"lamella-{name}")


@pytest.mark.parametrize("number", range(len(UNKNOWN)))
def test_a_format_for_a_later_minor_with_an_unknown_field_and_capability_is_incompatible(
    later: dict[str, Any], number: int
) -> None:
    one = of_format(later, f"minor{number}")
    assert one["status"] == "incompatible"
    assert one["asked"] == (
        f"format 'minor{number}' (from lamella-minor{number} 1.0) is incompatible: "
        "needs plugin API 1.1; this Lamella has 1.0: pip install --upgrade lamella"
    )
    told = later[f"scan.minor{number}"]
    assert f"minor{number} (Of tomorrow; signature b'MINOR{number}' at byte 0, extension .minor{number})" in told
    assert "needs plugin API 1.1" in told


@pytest.mark.parametrize("number", range(len(OTHER_MAJORS)))
def test_a_format_for_another_major_says_which_package_to_upgrade(later: dict[str, Any], number: int) -> None:
    api, _, package = OTHER_MAJORS[number]
    one = of_format(later, f"major{number}")
    assert one["status"] == "incompatible"
    assert one["remedy"] == f"pip install --upgrade {package.format(f'lamella-major{number}')}"
    assert f"needs plugin API {api.strip('()').replace(', ', '.')}; this Lamella has 1.0" in one["reason"]


@pytest.mark.parametrize("number", range(len(UNKNOWN_WORDS)))
def test_a_format_for_this_api_with_unknown_words_is_invalid(later: dict[str, Any], number: int) -> None:
    one = of_format(later, f"words{number}")
    assert one["status"] == "invalid"
    assert UNKNOWN_WORDS[number][-1] in one["reason"]


def test_an_api_that_is_no_version_is_invalid(place: Place) -> None:
    apis = ("'1.0'", "[1, 0]", "(1,)", "(1, 0, 0)", "(True, 0)", "(1, -1)", "(1.0, 0)", "None", "1", "float('nan')")
    for number, api in enumerate(apis):
        source = LATER.format(api=api, fields=THEIR, capability="", signature="").replace('"later"', f'"later{number}"')
        place.put("lamella.formats", f"later{number}", source, attribute="spec", distribution=f"lamella-later{number}")
    seen = place.look()
    for number in range(len(apis)):
        one = found(seen, "lamella.formats", f"later{number}", f"lamella-later{number}")
        assert one["status"] == "invalid"
        assert "is not (major, minor)" in one["reason"]


def test_a_core_that_understands_two_majors_takes_plugins_of_both(place: Place) -> None:
    apis = {"one": (1, 4), "two": (2, 0), "newer": (1, 5), "newest": (2, 1), "old": (0, 3)}
    for name, api in apis.items():
        place.put("lamella.executors", name, EXECUTOR.format(name=name, api=f"api = {api}"), distribution=f"x-{name}")
    program = f"import lamella.plugins.compatibility as c; c.SUPPORTED_APIS = {{1: 4, 2: 0}}\n{LOOK}"
    seen = json.loads(place.run(program))
    one = {name: found(seen, "lamella.executors", name, f"x-{name}") for name in apis}
    assert {name: plugin["status"] for name, plugin in one.items()} == {
        "one": "ok",
        "two": "ok",
        "newer": "incompatible",
        "newest": "incompatible",
        "old": "incompatible",
    }
    assert one["newer"]["reason"] == "needs plugin API 1.5; this Lamella has 1.4 and 2.0"
    assert {one[name]["remedy"] for name in ("newer", "newest")} == {"pip install --upgrade lamella"}
    assert one["old"]["remedy"] == "pip install --upgrade x-old"


def test_data_sets_are_viewed_by_what_is_installed(place: Place) -> None:
    view = """
        import numpy as np
        import lamella

        ds = lamella.open(np.zeros((2, 2, 4, 4), "u1"), name="scan")
        for viewer in (None, "panes", "absent"):
            try:
                print(ds.view(viewer, zoom=2).shown)
            except lamella.LamellaError as error:
                print(type(error).__name__, str(error).replace(chr(10), " / "))
    """
    none, panes, _ = place.run(view).splitlines()
    assert none.startswith("PluginError no viewer for data sets is installed")
    assert "pip install lamella-gui" in none
    assert "no viewer is called 'panes'" in panes
    place.put("lamella.viewers", "Panes", VIEWER.format(name="panes", api="pass"))
    assert place.run(view).splitlines()[:2] == ["('scan', {'zoom': 2})"] * 2
    place.put("lamella.viewers", "other", VIEWER.format(name="other", api="pass"))
    assert "Choose one: ds.view('other')" in place.run(view).splitlines()[0]
