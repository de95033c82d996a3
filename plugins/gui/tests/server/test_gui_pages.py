"""Opening files, forms, analyses, results and the session, as a browser without JavaScript would see them."""

import asyncio
import gc
import html
import io
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamella
import lamella_gui
from lamella import default_registry, detect
from lamella.analysis import declared_analyses, make_analysis
from lamella.format import FormatSpec
from lamella.plugins.registry import Registry
from lamella.reader import Confidence, Match
from lamella_gui.forms import fields_of, text_of, values_of
from lamella_gui.pages import Pages
from lamella_gui.places import Places
from lamella_gui.store import Store
from lamella_gui.workspace import Workspace
from lamella_viewer import static_folder
from lamella_viewer.live import decode_frame

if TYPE_CHECKING:
    from server.conftest import Client
else:
    Client = Any

RAW = {"format": "raw", "dtype": "uint16", "nav_shape.0": "40", "nav_shape.1": "48", "sig_shape": "32,32"}


@pytest.fixture(scope="module")
def scan(client: Client) -> str:
    return client.open("scan.raw", **RAW)


def state(client: Client, scan: str) -> Any:
    return client.get(f"/scan/{scan}/state").json


def panel(client: Client, scan: str, analysis: str) -> Any:
    return next(one for one in state(client, scan)["panels"] if one["analysis"] == analysis)


def picture(live: Any, lane: str, number: int) -> tuple[dict[str, Any], Any]:
    """Give the exact picture of a request; earlier stages are acknowledged and dropped."""
    while True:
        message = live.recv(30)
        if isinstance(message, str):
            told = json.loads(message)
            assert told["type"] != "problem", told
            continue
        live.send(json.dumps({"type": "ack", "bytes": len(message)}))
        header, pixels, _ = decode_frame(message)
        if (header["lane"], header["id"], header["stage"]) == (lane, number, "exact"):
            return header, pixels


def test_the_list_shows_the_folder_and_the_report(client: Client) -> None:
    page = client.get(f"/open?path={client.folder.name}").text
    assert "scan.raw" in page
    report = client.get(f"/open?path={client.folder.name}/scan.raw").text
    assert "Why this format" in report
    assert "no: " in report  # why other formats were refused


def test_a_report_says_what_to_do_where_no_format_is_sure(fresh: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    (fresh.folder / "packed.mib").write_bytes(b"\x1f\x8b\x08\x00" + bytes(2000))
    (fresh.folder / "noise.xyz").write_bytes(bytes(range(256)) * 8)
    packed = fresh.get(f"/open?path={fresh.folder.name}/packed.mib").text
    assert "packed with gzip: unpack it first" in packed
    noise = fresh.get(f"/open?path={fresh.folder.name}/noise.xyz").text
    assert 'role="alert"' in noise
    assert "choose one" in noise  # the format can still be said
    facts: Any = detect(fresh.folder / "noise.xyz").to_json()
    for told in facts["suggestions"]:
        assert html.escape(fresh.workspace.places.hidden(told), quote=False) in html.unescape(noise)
    (fresh.folder / "both").write_bytes(b"\x93NUMPY".ljust(208, b"\0") + b"MAP ".ljust(900, b"\0"))
    for name in ("npy", "mrc"):
        reader = default_registry().get(name).reader()
        monkeypatch.setattr(type(reader), "detect", lambda self, probe: Match(Confidence.MAGIC, "it may be"))
    both = html.unescape(fresh.get(f"/open?path={fresh.folder.name}/both").text)
    assert 'format="npy"' in both
    assert 'format="mrc"' in both


def test_a_form_says_at_the_field_what_is_wrong(client: Client) -> None:
    fields = {"path": f"{client.folder.name}/scan.raw", **RAW, "dtype": "nonsense", "nav_shape.0": "0"}
    told = client.post("/check", fields).json
    assert not told["ok"]
    assert {"dtype", "nav_shape"} <= set(told["problems"])
    assert client.post("/open", fields).status == 422


def test_counts_are_those_of_the_core(client: Client) -> None:
    fields = {"path": f"{client.folder.name}/scan.raw", **RAW, "nav_shape.0": "39", "sync_offset": "5"}
    told = client.post("/check", fields).json
    path = client.folder / "scan.raw"
    with pytest.warns(lamella.LamellaWarning, match="43 frames"):
        dataset = lamella.open(path, "raw", dtype="u2", nav_shape=(39, 48), sig_shape=(32, 32), sync_offset=5)
    counts = dataset.frame_map.counts
    for name in ("frames", "shown", "skipped_start", "ignored_end", "missing"):
        assert told["counts"][name] == getattr(counts, name)
    assert told["scan"] == [39, 48]
    assert told["origins"]["sync_offset"] == "you"
    assert [40, 48] in [one["shape"] for one in told["alternatives"]]


def test_small_pictures_show_three_frames(client: Client) -> None:
    frames = client.post("/preview", {"path": f"{client.folder.name}/scan.raw", **RAW}).json["frames"]
    assert [one["place"] for one in frames] == ["0, 0", "20, 0", "39, 47"]
    assert all(one["source"].startswith("data:image/png;base64,") for one in frames)


def test_a_data_set_opens_with_analyses_at_the_beam(client: Client, scan: str) -> None:
    panels = state(client, scan)["panels"]
    assert {"sum", "pick", "ring", "com"} <= {one["analysis"] for one in panels}
    ring = panel(client, scan, "ring")
    assert ring["parameters"]["cy"] == pytest.approx(15, abs=0.5)
    assert ring["parameters"]["cx"] == pytest.approx(17, abs=0.5)
    assert ring["handles"] == [{"picture": "sig", "y": "cy", "x": "cx", "z": None, "radii": ["ri", "ro"]}]
    assert panel(client, scan, "pick")["picture"] == "sig"


@pytest.mark.parametrize("name", ["ring", "disk", "point", "com", "radial_fourier", "sum", "std", "sumsig", "pick"])
def test_the_exact_picture_is_the_result_of_python(client: Client, scan: str, name: str) -> None:
    added = name not in {one["analysis"] for one in state(client, scan)["panels"]}
    if added:
        assert client.post(f"/scan/{scan}/analyses", {"analysis": name}).status == 303
    one = panel(client, scan, name)
    if added:
        client.post(f"/scan/{scan}/analyses/{one['id']}/remove")
    ask = {"type": "ask", "lane": "a", "id": 1, "analysis": name, "parameters": one["parameters"], "live": False}
    with client.socket(scan) as live:
        live.send(json.dumps(ask))
        header, pixels = picture(live, "a", 1)
    dataset = client.workspace.get(scan).dataset
    with lamella.Context() as context:
        expected = context.run(make_analysis(name, dataset, **one["parameters"]))[0].raw_data
    wanted = (
        np.stack([np.asarray(part) for part in expected[::-1]]) if isinstance(expected, tuple) else np.asarray(expected)
    )
    assert header["channel"]
    np.testing.assert_array_equal(pixels, wanted.reshape(pixels.shape).astype(pixels.dtype))


def test_small_messages_are_sent_at_once(client: Client, scan: str) -> None:
    """With the algorithm of Nagle, each small picture would wait for 40 ms."""
    with client.socket(scan) as live:
        live.ping().wait(5)
        served = [
            one
            for one in gc.get_objects()
            if type(one) is socket.socket and one.fileno() >= 0 and one.getsockname()[1:2] == (client.port,)
        ]
        accepted = [one for one in served if not one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]
        assert accepted
        assert all(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in accepted)


def test_wrong_parameters_are_told_by_field(client: Client, scan: str) -> None:
    with client.socket(scan) as live:
        live.send(json.dumps({"type": "ask", "lane": "a", "id": 1, "analysis": "ring", "parameters": {"ri": "wide"}}))
        told = next(one for one in (json.loads(live.recv(30)) for _ in range(9)) if one["type"] == "problem")
    assert told["problems"][0]["field"] == "ri"
    assert told["about"] == "parameters"


def test_results_are_taken_away_as_files(client: Client, scan: str) -> None:
    ring = panel(client, scan, "ring")
    dataset = client.workspace.get(scan).dataset
    with lamella.Context() as context:
        expected = context.run(make_analysis("ring", dataset, **ring["parameters"])).intensity.raw_data
    answer = client.get(f"/scan/{scan}/result/{ring['id']}.npy")
    np.testing.assert_array_equal(np.load(io.BytesIO(answer.body)), expected)
    assert answer.headers["content-disposition"] == 'attachment; filename="scan_Ring.npy"'
    arrays = np.load(io.BytesIO(client.get(f"/scan/{scan}/result/{ring['id']}.npz").body))
    np.testing.assert_array_equal(arrays["intensity"], expected)
    assert client.get(f"/scan/{scan}/result/{ring['id']}.tif").body[:2] == b"II"
    assert client.get(f"/scan/{scan}/result/{ring['id']}.exe").status == 422


def test_code_gives_the_same_numbers(client: Client, scan: str) -> None:
    ring = panel(client, scan, "ring")
    names: dict[str, Any] = {}
    code = client.get(f"/scan/{scan}/code/{ring['id']}.py").text
    assert "nav_shape=(40, 48)" in code  # and not what was typed, as text
    exec(code, names)
    answer = client.get(f"/scan/{scan}/result/{ring['id']}.npy")
    np.testing.assert_array_equal(np.load(io.BytesIO(answer.body)), names["ring"].intensity.raw_data)
    book = client.get(f"/scan/{scan}/code/{ring['id']}.ipynb").json
    assert book["nbformat"] == 4
    assert "lamella run" in client.get(f"/scan/{scan}/code/{ring['id']}.sh").text


def test_analyses_are_added_and_removed(client: Client, scan: str) -> None:
    answer = client.post(f"/scan/{scan}/analyses", {"analysis": "radial_fourier"})
    added = answer.headers["location"].partition("panel=")[2]
    assert panel(client, scan, "radial_fourier")["id"] == added
    assert client.get(answer.headers["location"]).status == 200
    assert client.post(f"/scan/{scan}/analyses/{added}/remove").status == 303
    assert added not in [one["id"] for one in state(client, scan)["panels"]]
    assert client.post(f"/scan/{scan}/analyses", {"analysis": "no_such"}).status == 422


def test_regions_are_kept_under_names(client: Client, scan: str) -> None:
    region = {"kind": "rect", "y0": 2, "x0": 3, "y1": 10, "x1": 12}
    told = client.post(f"/scan/{scan}/regions", {"name": "grain 1", "region": json.dumps(region)}).json
    assert told["regions"] == {"grain 1": region}
    bad = client.post(f"/scan/{scan}/regions", {"name": "x", "region": '{"kind": "rect"}'}, Accept="application/json")
    assert (bad.status, "rect" in bad.json["problem"]) == (422, True)
    assert client.post(f"/scan/{scan}/regions", {"name": "grain 1", "forget": "1"}).json["regions"] == {}


def test_a_data_set_is_exported_with_progress(client: Client, scan: str) -> None:
    job = client.post(f"/scan/{scan}/export", {"folder": client.folder.name, "name": "copy.npy"}).json
    while job["state"] == "running":
        time.sleep(0.05)
        job = client.get(f"/jobs/{job['id']}").json
    assert (job["state"], job["text"].startswith(f"{client.folder.name}/copy.npy")) == ("done", True)
    copied = np.load(client.folder / "copy.npy")
    np.testing.assert_array_equal(copied, client.workspace.get(scan).dataset[:])
    for name in ("../x.npy", "", ".hidden.npy", "a/b.npy"):
        assert client.post(f"/scan/{scan}/export", {"folder": client.folder.name, "name": name}).status == 422


def test_an_export_waits_while_a_hand_moves(client: Client, scan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = client.workspace.get(scan).scan
    assert shown is not None
    monkeypatch.setattr(shown.turns, "rest", 60.0)
    dragged = {"type": "ask", "lane": "a", "id": 1, "analysis": "pick", "parameters": {"y": 1, "x": 1}, "live": True}
    try:
        with client.socket(scan) as live:
            live.send(json.dumps(dragged))
            picture(live, "a", 1)
        fields = {"folder": client.folder.name, "name": "while_dragged.npy"}
        job = client.post(f"/scan/{scan}/export", fields).json["id"]
        time.sleep(0.3)
        assert client.get(f"/jobs/{job}").json["state"] == "running"
    finally:
        shown.turns.moving_until = 0.0
    end = time.monotonic() + 20
    while (told := client.get(f"/jobs/{job}").json)["state"] == "running":
        assert time.monotonic() < end
        time.sleep(0.02)
    assert told["state"] == "done", told
    copied = np.load(client.folder / "while_dragged.npy")
    np.testing.assert_array_equal(copied, client.workspace.get(scan).dataset[:])


def test_an_export_does_not_begin_again_between_two_movements(
    client: Client, scan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = client.workspace.get(scan).scan
    assert shown is not None
    monkeypatch.setattr("lamella_gui.resultviews._RESTS", 60.0)
    monkeypatch.setattr(shown.turns, "moving_until", time.monotonic() - 1)
    job = client.post(f"/scan/{scan}/export", {"folder": client.folder.name, "name": "between.npy"}).json["id"]
    time.sleep(0.3)
    assert client.get(f"/jobs/{job}").json["state"] == "running"
    client.post(f"/jobs/{job}/stop", {})
    monkeypatch.setattr(shown.turns, "moving_until", -1e9)
    with shown.turns.change:
        shown.turns.change.notify_all()
    end = time.monotonic() + 20
    while client.get(f"/jobs/{job}").json["state"] == "running":
        assert time.monotonic() < end
        time.sleep(0.02)


def test_information_shows_where_values_come_from(client: Client, scan: str) -> None:
    page = client.get(f"/scan/{scan}/information").text
    assert "40 × 48" in page
    assert "(user)" in page


def test_exact_results_are_computed_where_somebody_chooses(fresh: Client) -> None:
    scan = fresh.open("scan.raw", **RAW)
    ring = panel(fresh, scan, "ring")
    address = f"/scan/{scan}/result/{ring['id']}.npy"
    expected = fresh.get(address).body
    page = fresh.get(f"/scan/{scan}").text
    assert [name for name in ("threads", "processes", "inline", "dask") if f">{name}</option>" not in page] == []
    answer = fresh.post("/workers", {"executor": "processes", "workers": "2", "scan": scan})
    assert answer.headers["location"] == f"/scan/{scan}"
    assert "processes × 2" in fresh.get(f"/scan/{scan}").text
    one = fresh.workspace.get(scan)
    assert one.scan is not None
    one.scan.memo.clear()
    assert fresh.get(address).body == expected
    assert fresh.workspace.context.executor.name == "processes"
    for wrong in (
        {"executor": "no_such"},
        {"executor": "threads", "workers": "many"},
        {"executor": "inline", "workers": "2"},
    ):
        assert fresh.post("/workers", wrong).status == 422
    assert fresh.workspace.executor.workers == 2


def test_the_session_survives_a_restart(fresh: Client, serve: Callable[..., Iterator[Client]], tmp_path: Path) -> None:
    scan = fresh.open("scan.raw", **RAW)
    ring = panel(fresh, scan, "ring")
    changes = {ring["id"]: {"parameters": {"ri": 3.5}, "channel": "intensity_log", "region": None}}
    kept_state = json.dumps({"panels": changes, "look": {"scan": "p4"}})
    assert fresh.post(f"/scan/{scan}/state", {"state": kept_state}).status == 204
    again = serve(fresh.folder, tmp_path / "home")
    client = next(again)
    (kept,) = client.workspace.scans
    assert kept == scan  # the address of its page
    assert panel(client, kept, "ring")["parameters"]["ri"] == 3.5
    assert panel(client, kept, "ring")["channel"] == "intensity_log"
    assert state(client, kept)["look"] == {"scan": "p4"}
    assert "scan.raw" in client.get("/").text
    next(again, None)


def test_a_file_that_was_cut_is_told_and_opens_again(fresh: Client) -> None:
    scan = fresh.open("scan.raw", **RAW)
    path = fresh.folder / "scan.raw"
    kept = path.read_bytes()
    path.write_bytes(kept[: len(kept) // 2])
    with fresh.socket(scan) as live:
        live.send(json.dumps({"type": "ask", "lane": "a", "id": 1, "analysis": "sum", "live": False}))
        told = next(one for one in (live.recv(30) for _ in range(20)) if isinstance(one, str) and "problem" in one)
    told = json.loads(told)
    assert told["about"] == "data"
    assert str(fresh.folder.parent) not in told["problems"][0]["text"]
    assert fresh.post(f"/scan/{scan}/reopen").status == 303
    assert "missing" in fresh.get(f"/scan/{scan}").text
    path.unlink()
    assert fresh.post(f"/scan/{scan}/reopen").status == 303
    assert "is not open" in fresh.get(f"/scan/{scan}").text
    path.write_bytes(kept)
    fresh.post(f"/scan/{scan}/reopen")
    assert fresh.get(f"/scan/{scan}/state").status == 200


def test_frames_that_a_recording_appends_are_shown(fresh: Client) -> None:
    path = fresh.folder / "scan.raw"
    content = path.read_bytes()
    frame = 32 * 32 * 2
    path.write_bytes(content[: 900 * frame + 100])
    scan = fresh.open("scan.raw", **RAW)
    frames = state(fresh, scan)["frames"]
    assert (frames["shown"], frames["missing"]) == (900, 1020)
    assert fresh.post(f"/scan/{scan}/refresh").json == frames
    with path.open("ab") as file:
        file.write(content[900 * frame + 100 : 1500 * frame])
    grown = fresh.post(f"/scan/{scan}/refresh").json
    assert (grown["shown"], grown["missing"], grown["shape"]) == (1500, 420, [40, 48, 32, 32])
    assert grown["version"] != frames["version"]
    path.write_bytes(content[: 10 * frame])
    problem = fresh.post(f"/scan/{scan}/refresh").json["problem"]
    assert "scan.raw" in problem
    assert str(fresh.folder) not in problem
    assert state(fresh, scan)["frames"] == grown  # what was open stays


def test_a_series_without_a_shape_grows_in_length(fresh: Client) -> None:
    path = fresh.folder / "scan.raw"
    content = path.read_bytes()
    path.write_bytes(content[: 100 * 2048])
    scan = fresh.open("scan.raw", format="raw", dtype="uint16", sig_shape="32,32")
    before = state(fresh, scan)
    path.write_bytes(content[: 121 * 2048])
    assert fresh.post(f"/scan/{scan}/refresh").json["shape"] != before["frames"]["shape"]
    after = state(fresh, scan)
    assert after["frames"]["shown"] == 121
    assert [one["analysis"] for one in after["panels"]] == [one["analysis"] for one in before["panels"]]


class CountedReader:
    """Knows how often it was made."""

    made = 0

    def __init__(self) -> None:
        CountedReader.made += 1

    def detect(self, probe: Any) -> Match | None:
        return None

    def open(self, params: Any, probe: Any) -> Any:
        raise NotImplementedError


def test_what_opening_needs_is_loaded_behind_the_first_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(entry_points=lambda **_: ())
    for name, reader in (("broken", "absent:Reader"), ("counted", f"{__name__}:CountedReader")):
        spec = FormatSpec(name=name, title=name, api=(1, 0), reader=reader, params="lamella_npy.params:NpyParams")
        registry.register(spec)
    monkeypatch.setattr("lamella_gui.pages.default_registry", lambda: registry)
    pages = Pages(Workspace(Places([tmp_path]), Store(None)))
    answer = pages.first_page("home.html", recent=[], bookmarks=[])
    assert answer.background is not None
    assert CountedReader.made == 0
    asyncio.run(answer.background())
    assert CountedReader.made == 1  # and a plugin that is broken is no reason to fail
    read: list[str] = []
    monkeypatch.setattr(pages._templates.loader, "get_source", lambda _, name: read.append(name))
    for template in ("open.html", "scan.html", "fields.html", "base.html"):
        assert pages._template(template).name == template
    assert read == []
    assert pages.first_page("home.html", recent=[], bookmarks=[]).background is None


def test_a_data_set_that_is_closed_is_told(fresh: Client) -> None:
    scan = fresh.open("scan.raw", **RAW)
    assert fresh.post(f"/scan/{scan}/close").headers["location"] == "/"
    assert fresh.get(f"/scan/{scan}").status == 404


def test_closing_a_page_ends_its_runs(client: Client, scan: str) -> None:
    one = client.workspace.get(scan)
    assert one.scan is not None
    with client.socket(scan) as live:
        live.send(json.dumps({"type": "ask", "lane": "a", "id": 1, "analysis": "std", "live": True}))
    end = time.monotonic() + 5
    while one.scan.turns.talks and time.monotonic() < end:
        time.sleep(0.01)
    assert one.scan.turns.talks == []


@pytest.mark.parametrize("name", [one.name for one in default_registry().usable()])
def test_every_parameter_of_a_format_has_a_field(name: str) -> None:
    declarations = default_registry().get(name).parameters()
    fields = {field.name: field for field in fields_of(declarations, {})}
    for one in declarations:
        field = fields[one.name]
        assert field.label
        assert field.kind != "python" or one.param.kind == "object", one.name
        assert field.kind != "tuple" or len(field.boxes) >= 1


def test_bounds_are_whole_numbers_where_they_are() -> None:
    fields = {field.name: field for field in fields_of(default_registry().get("mib").parameters(), {})}
    assert fields["flyback"].bounds == "at least 0, at most 1048576"


def test_what_a_form_shows_is_what_it_reads() -> None:
    declarations = default_registry().get("raw").parameters()
    given = {"dtype": "uint16", "nav_shape": "4,5,6", "sig_shape": "8,8", "sync_offset": "-3"}
    posted: dict[str, str] = {}
    for field in fields_of(declarations, given):
        posted |= {name: text for name, _, text in field.boxes} if field.boxes else {field.name: field.value}
    assert values_of(posted, declarations) == given


@pytest.mark.parametrize(("value", "text"), [(None, ""), (True, "true"), ((1, 2), "1,2"), (0.1, "0.1"), (object(), "")])
def test_values_are_shown_as_they_are_typed(value: object, text: str) -> None:
    assert text_of(value) == text


def test_no_format_or_analysis_is_named_in_templates_or_scripts() -> None:
    folder = Path(lamella_gui.__file__).parent
    formats = {plugin.name for plugin in default_registry().usable()}
    analyses = {one.name for one in declared_analyses()} - {"disk", "pick", "ring", "frames", "point"}  # tools, counts
    for path in [*folder.glob("templates/*.html"), *folder.glob("static/*.js")]:
        quoted = set(re.findall(r"[\"'`](\w+)[\"'`]", path.read_text(encoding="utf-8")))
        assert not quoted & (formats - {"npy"} | analyses), path  # npy is a kind of file to save


def test_types_of_the_scripts_are_right(tmp_path: Path) -> None:
    tsc = shutil.which("tsc")
    if tsc is None:
        pytest.skip("there is no TypeScript compiler, `tsc`")
    for name, folder in (("gui", Path(lamella_gui.__file__).parent / "static"), ("viewer", static_folder())):
        shutil.copytree(folder, tmp_path / name)
    options = {"allowJs": True, "checkJs": True, "noEmit": True, "strict": True, "target": "es2023", "types": []}
    options |= {"module": "es2022", "moduleResolution": "bundler", "lib": ["es2023", "dom", "dom.iterable"]}
    settings = {"compilerOptions": options, "include": ["gui/*.js"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    done = subprocess.run([tsc, "--project", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_modules_scripts_and_templates_are_short_enough_to_be_read() -> None:
    kinds = (".py", ".js", ".css", ".html")
    files = [path for path in Path(lamella_gui.__file__).parent.rglob("*.*") if path.suffix in kinds]
    assert {path.suffix for path in files} == set(kinds)
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: length for name, length in lengths.items() if length > 250} == {}


def test_a_scan_of_three_axes_is_shown_slice_by_slice(fresh: Client) -> None:
    frames = np.arange(3 * 4 * 5 * 8 * 8, dtype="u4").reshape(3, 4, 5, 8, 8)
    np.save(fresh.folder / "three.npy", frames)
    scan = fresh.open("three.npy", format="npy")
    assert '<input type="range" min="0" max="2"' in fresh.get(f"/scan/{scan}").text
    pick = panel(fresh, scan, "pick")
    assert (pick["parameters"]["z"], pick["handles"][0]["z"]) == (1, "z")
    ask = {"type": "ask", "lane": "a", "id": 1, "analysis": "sumsig", "slice": [2], "live": False}
    with fresh.socket(scan) as live:
        live.send(json.dumps(ask))
        _, pixels = picture(live, "a", 1)
    np.testing.assert_array_equal(pixels, frames[2].sum(axis=(-1, -2)))


def test_a_page_offers_only_what_fits_the_data(fresh: Client, client: Client, scan: str) -> None:
    np.save(fresh.folder / "one.npy", np.arange(64, dtype="u2").reshape(8, 8))
    single = fresh.get(f"/scan/{fresh.open('one.npy', format='npy')}").text
    assert "data-beam" not in single
    assert "<div hidden><h2>Regions" in single
    whole = client.get(f"/scan/{scan}").text
    assert whole.count("data-beam") == sum(
        any(handle["picture"] == "sig" for handle in one["handles"]) for one in state(client, scan)["panels"]
    )
    assert "<div hidden>" not in whole


def test_every_file_that_a_page_or_a_script_names_exists() -> None:
    folder = Path(lamella_gui.__file__).parent
    served = {"gui": folder / "static", "viewer": static_folder()}
    named: list[Path] = []
    for template in folder.glob("templates/*.html"):
        found = re.findall(r"/static/(\w+)/([\w./-]+)", template.read_text(encoding="utf-8"))
        named += [served[where] / name for where, name in found]
    for script in served["gui"].glob("*.js"):
        found = re.findall(r'^import .*"(.+)";$', script.read_text(encoding="utf-8"), re.MULTILINE)
        named += [
            served["viewer"] / name[10:] if name.startswith("../viewer/") else served["gui"] / name for name in found
        ]
    assert len(named) > 20
    assert [path.name for path in named if not path.is_file()] == []
