"""Opening several files, folders and patterns; bookmarks; which files are listed."""

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pytest

from lamella import default_registry
from lamella.format import Capability
from lamella.plugins.registry import Registry
from lamella_dm.writer import File, Image
from lamella_gui.places import Places

if TYPE_CHECKING:
    from server.conftest import Client
else:
    Client = Any

COUNT = 12


@pytest.fixture
def series(fresh: Client) -> np.ndarray[Any, Any]:
    """Write one file for each frame, and one that is none of them."""
    frames = np.random.default_rng(1).integers(0, 99, (COUNT, 16, 16), dtype="u2")
    folder = fresh.folder / "run [1]"
    folder.mkdir()
    for i, frame in enumerate(frames):
        File([Image(frame)]).write(folder / f"f_{i + 1}.dm4")
    (folder / "notes.md").write_text("none")
    return frames


def page(client: Client, path: str, more: str = "") -> str:
    return client.get(f"/open?path={quote(f'{client.folder.name}/{path}')}{more}").text


def test_several_files_open_as_one_data_set(fresh: Client, series: np.ndarray[Any, Any]) -> None:
    listing = page(fresh, "run [1]")
    assert f"Open {COUNT} .dm4 files as one data set" in listing
    assert listing.index("f_2.dm4") < listing.index("f_10.dm4")
    address = f"{fresh.folder.name}/run [1]/f_*.dm4"
    form = page(fresh, "run [1]/f_*.dm4")
    assert f"{COUNT} files as one data set" in form
    assert "from f_1.dm4 to f_12.dm4" in form
    assert re.findall(r'<option value="(\w+)"', form.partition("Use this format")[0]) == ["dm"]
    scan = fresh.open("run [1]/f_*.dm4", format="dm", nav_shape="3,4")
    dataset = fresh.workspace.get(scan).dataset
    np.testing.assert_array_equal(dataset[:].reshape(series.shape), series)
    panel = fresh.get(f"/scan/{scan}/state").json["panels"][0]["id"]
    names: dict[str, Any] = {}
    exec(fresh.get(f"/scan/{scan}/code/{panel}.py").text, names)
    assert address in fresh.get("/").text  # among the recent files
    assert 'value="3"' in fresh.get(f"/open?recent=1&path={quote(address)}").text


def test_a_series_opens_again_with_the_files_that_came_meanwhile(fresh: Client, series: np.ndarray[Any, Any]) -> None:
    scan = fresh.open("run [1]/f_*.dm4", format="dm")
    File([Image(series[0])]).write(fresh.folder / "run [1]" / "f_13.dm4")
    assert fresh.post(f"/scan/{scan}/reopen").status == 303
    assert fresh.get(f"/scan/{scan}/state").json["nav"] == [COUNT + 1]


def test_patterns_stay_in_the_folders_that_may_be_looked_into(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    for name in ("a2.raw", "A10.raw", "b1.raw", ".a3.raw"):
        (inside / name).write_bytes(b"1")
    (outside / "a9.raw").write_bytes(b"1")
    (inside / "a1.raw").symlink_to(outside / "a9.raw")
    places = Places([inside])
    found = [path.name for path in places.matching("inside/a*.raw")]
    assert found == ["a2.raw", "A10.raw"]
    assert [path.name for path in places.matching(f"{inside}/?1.raw")] == ["b1.raw"]
    for pattern in ("../outside/*.raw", f"{outside}/*", "inside/*/../*", "*", "inside", "absent/*", "inside/\0*"):
        assert places.matching(pattern) == []


def test_only_files_of_known_kinds_are_listed_if_asked_for(fresh: Client, series: np.ndarray[Any, Any]) -> None:
    assert "notes.md" in page(fresh, "run [1]")
    known = page(fresh, "run [1]", "&show=known")
    assert "notes.md" not in known
    assert "f_3.dm4" in known


def test_a_folder_opens_as_data_where_a_format_takes_folders(fresh: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a format for folders changes on the page."""
    (fresh.folder / "scan.folder").mkdir()
    assert "Open this folder" not in page(fresh, "scan.folder")
    registry, spec = Registry(), default_registry().get("npy").spec
    assert spec is not None
    registry.register(replace(spec, name="folders", capabilities=frozenset({Capability.DIRECTORY})))
    for where in ("lamella_gui.openpage.default_registry", "lamella.opening.check.default_registry"):
        monkeypatch.setattr(where, lambda: registry)
    link = re.search(r'href="([^"]*as=data[^"]*)">Open this folder', page(fresh, "scan.folder"))
    assert link is not None
    shown = fresh.get(link[1].replace("&amp;", "&")).text
    assert re.findall(r'<option value="(\w+)"', shown.partition("Use this format")[0]) == ["folders"]
    refused = fresh.post("/open", {"path": f"{fresh.folder.name}/scan.folder", "format": "folders"})
    assert refused.status == 422
    assert str(fresh.folder) not in refused.text


def test_folders_are_kept_as_bookmarks(fresh: Client, tmp_path: Path) -> None:
    (fresh.folder / "a & b").mkdir()
    address = f"{fresh.folder.name}/a & b"
    answer = fresh.post("/bookmarks", {"path": address})
    assert answer.status == 303
    assert "Remove bookmark" in fresh.get(answer.headers["location"]).text
    assert "a &amp; b" in fresh.get("/").text
    assert "a & b" in (tmp_path / "home" / "session.json").read_text()
    fresh.post("/bookmarks", {"path": address, "forget": "1"})
    assert "a &amp; b" not in fresh.get("/").text
    for wrong in ("..", f"{fresh.folder.name}/scan.raw", "/etc"):
        assert fresh.post("/bookmarks", {"path": wrong}).status == 404


def test_a_format_that_is_not_installed_is_named_with_the_line_that_installs_it(
    fresh: Client, without_blo: None
) -> None:
    (fresh.folder / "film.blo").write_bytes(b"IMGBLO" + bytes(2000))
    dialog = html.unescape(page(fresh, "film.blo"))
    alert = re.search(r'role="alert">([^<]*)</p>', dialog)
    assert alert is not None
    assert alert[1].startswith(f"no installed format recognises {fresh.folder.name}/film.blo")
    assert (
        "NanoMEGAS ASTAR block file (signature b'IMGBLO' at byte 0, extension .blo). Its plugin is not installed"
        in dialog
    )
    assert '<code class="line">pip install lamella-blo</code>' in dialog
    assert "<td>mib</td>" in dialog  # the report, with the reasons of the others
    named = html.unescape(page(fresh, "film.blo", "&format=blo"))  # a recent file, perhaps
    assert "format 'blo' (NanoMEGAS ASTAR block file) is not installed. pip install lamella-blo" in named
    refused = fresh.post("/open", {"path": f"{fresh.folder.name}/film.blo", "format": "blo"})
    assert refused.status == 422
    assert "pip install lamella-blo" in refused.text
