"""`lamella report`: a page that holds what one wants to know of a scan, and nothing that acts or tells where it lay."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.cli import main
from lamella.cli.reportpage import scan_page
from lamella.cli.withoutpaths import WithoutPaths
from lamella.demo import DemoScan, write_scan
from lamella.reader.metadata import Axis, Metadata

pytest.importorskip("lamella_blo")
pytest.importorskip("lamella_raw")

Capture = pytest.CaptureFixture[str]
HOSTILE = "</style></title><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\x1b[31m\u202e\n"
_EMPTY = {"meta", "img", "br"}


class Page(HTMLParser):
    """A page as a browser takes it: elements, their attributes, and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in _EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


def page(path: str | Path) -> Page:
    return Page(Path(path).read_text(encoding="utf-8"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "secret-project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def blo(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("demo") / "scan.blo"
    write_scan(path, DemoScan((8, 9), 32))
    return path.read_bytes()


@pytest.fixture
def scan(here: Path, blo: bytes) -> Path:
    (here / "scan.blo").write_bytes(blo)
    return here / "scan.blo"


def test_a_page_says_what_a_scan_is(scan: Path, capsys: Capture) -> None:
    assert main(["report", "scan.blo"]) == 0
    assert capsys.readouterr() == ("report  scan-report.html\n", "")
    made = page("scan-report.html")
    headings = ["First look", "Axes", "How it was recognised", "Missing or odd", "Metadata", "The same in Python"]
    assert [text for text in made.texts if text in headings] == headings
    for told in ("scan.blo", "Bright field", "200 kV", "4D scan", "detected with confidence 100 of 100", "nm⁻¹"):
        assert told in made.text
    assert re.search(r"lamella\.open\('scan\.blo'", made.text)
    assert "lamella run scan.blo" in made.text
    assert made.tags.count("figure") == 6
    assert made.tags.count("details") == [name for name, _ in made.attributes].count("open")  # also when it is printed


def test_a_page_is_complete_and_nothing_in_it_acts(scan: Path) -> None:
    assert main(["report", "scan.blo"]) == 0
    made = page("scan-report.html")
    assert not {"script", "iframe", "object", "embed", "link", "base", "form", "a"} & set(made.tags)
    assert not [name for name, _ in made.attributes if name.startswith("on")]
    sources = [value for name, value in made.attributes if name in ("src", "href", "xlink:href", "action")]
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    policies = [value for _, value in made.attributes if value.startswith("default-src 'none'")]
    assert len(policies) == 1
    assert "script" not in policies[0]
    assert "url(" not in made.html
    assert "@import" not in made.html


@pytest.mark.parametrize("way", ["relative", "absolute", "link"])
def test_no_page_says_where_a_scan_lay(scan: Path, way: str, tmp_path: Path) -> None:
    link = tmp_path / "to-secrets"
    link.symlink_to(scan.parent, target_is_directory=True)
    file = {"relative": "scan.blo", "absolute": str(scan), "link": str(link / "scan.blo")}[way]
    assert main(["report", file, "--out", "page.html"]) == 0
    assert main(["report", str(Path(file).parent), "--out", "folder.html"]) == 0
    for name in ("page.html", "folder.html"):
        html = Path(name).read_text(encoding="utf-8")
        text = html.replace("secret-project</h1>", "").replace("<title>secret-project</title>", "")
        text = text.replace("to-secrets</h1>", "").replace("<title>to-secrets</title>", "")
        assert str(tmp_path) not in html
        assert "secret" not in text
        assert str(Path.home()) + "/" not in html
        assert "scan.blo" in html


def test_paths_among_parameters_and_messages_become_names(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "x.raw").write_bytes(bytes(64))
    scan = lamella.open(inner / "x.raw", "raw", dtype="u1", sig_shape=(4, 4), nav_shape=(4,))
    show = WithoutPaths.of(str(inner / "x.raw"), [scan])
    assert show(f"{inner}/x.raw: damaged") == "x.raw: damaged"
    assert show(f"beside {inner}/sub/y.hdr") == "beside sub/y.hdr"
    assert show(repr(str(inner / "x.raw"))) == "&#x27;x.raw&#x27;"
    elsewhere = WithoutPaths.of(str(tmp_path / "other"), [scan])
    assert str(tmp_path) not in elsewhere(f"{inner}/x.raw")
    assert elsewhere("/entry/data: 5") == "/entry/data: 5"


def hostile_scan() -> lamella.DataSet:
    scan = lamella.open(np.random.default_rng(0).integers(0, 99, (4, 3, 5, 6)).astype("u1"), name=HOSTILE)
    axes = [Axis.of(f"{i}{HOSTILE}", 1.5, HOSTILE) for i in range(4)]
    texts = dict.fromkeys(["title", "acquired", "instrument", "detector", "software", "operator", "mode"], HOSTILE)
    scan.__dict__["info"] = replace(
        scan.info,
        metadata=Metadata(**texts, beam_energy=2e5),  # type: ignore[arg-type]
        notes=(HOSTILE,),
        nav_axes=tuple(axes[:2]),
        sig_axes=tuple(axes[2:]),
        nav_shape=(4, 3),
        nav_origin=HOSTILE,
        raw_metadata={HOSTILE: {HOSTILE: [HOSTILE, {"b": HOSTILE}]}, "many": {str(i): i for i in range(5000)}},
    )
    return scan


@pytest.mark.parametrize("works", [True, False])
def test_hostile_metadata_stay_text(works: bool) -> None:
    from lamella.firstlook.look import first_look

    scan = hostile_scan()
    look: Any = first_look(scan) if works else ValueError(HOSTILE)
    made = Page(scan_page(scan, HOSTILE, look, [HOSTILE], "0" * 32, WithoutPaths.of(HOSTILE, [scan])))
    assert not {"script", "iframe"} & set(made.tags)
    assert "img" not in made.tags
    assert made.tags.count("style") == made.tags.count("title") == 1
    assert not [name for name, _ in made.attributes if name.startswith("on")]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e\u2028]", made.html)
    assert "<script>alert(1)</script>" in made.text  # as text
    assert len(made.html) < 3 << 20


def test_metadata_are_a_tree_of_limited_size() -> None:
    scan = hostile_scan()
    deep: Any = "end"
    for _ in range(50):
        deep = {"deeper": deep}
    scan.__dict__["info"] = replace(scan.info, raw_metadata={"deep": deep, "many": list(map(str, range(9000)))})
    made = Page(scan_page(scan, "x", ValueError("no"), [], "0", WithoutPaths.of("x", [])))
    assert 5 < made.tags.count("details") < 20
    assert "There is no picture: no" in made.text
    nested = {"a": {str(i): {"n": i} for i in range(9000)}}
    scan.__dict__["info"] = replace(scan.info, raw_metadata=nested)
    made = Page(scan_page(scan, "x", ValueError("no"), [], "0", WithoutPaths.of("x", [])))
    assert made.tags.count("details") < 2100
    assert re.search(r"and \d+ more", made.text)


def test_what_is_missing_is_told(here: Path, capsys: Capture) -> None:
    np.arange(10 * 16, dtype="u2").tofile(here / "part.raw")
    options = ["--format", "raw", "--dtype", "u2", "--sig-shape", "4,4", "--nav-shape", "3,4"]
    assert main(["report", "part.raw", *options]) == 0
    told = page("part-report.html").text
    assert "2 of 12 scan positions have no frame" in told


def test_a_folder_becomes_a_contact_sheet(scan: Path, here: Path, capsys: Capture) -> None:
    (here / "broken.blo").write_bytes(scan.read_bytes()[:300])
    (here / "notes.txt").write_text("nothing")
    assert main(["report", str(here), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert Path(told["report"]).name == "secret-project-report.html"
    assert len(told["failures"]) == 1
    made = page(told["report"])
    rows = re.findall(r"<tr>(.*?)</tr>", made.html)[1:]
    assert ["scan.blo" in row for row in rows] == [False, True]
    assert 'class="error"' in rows[0]
    assert rows[1].startswith('<td><img src="data:image/png;base64,')
    assert "8 x 9" in rows[1]
    assert made.tags.count("img") == 1
    assert "1 scan, 1 not opened" in made.texts
    assert made.text.count("broken.blo") == 1


def test_a_folder_without_scans_is_a_failure_with_a_page(here: Path, capsys: Capture) -> None:
    (here / "empty").mkdir()
    assert main(["report", "empty"]) == 1
    assert "empty: no scans" in capsys.readouterr().err
    assert "no scans" in page("empty-report.html").text


def test_several_files_are_a_contact_sheet(scan: Path, here: Path) -> None:
    (here / "deeper").mkdir()
    (here / "deeper" / "other.blo").write_bytes(scan.read_bytes())
    assert main(["report", "scan.blo", "deeper/other.blo", "--out", "two.html"]) == 0
    assert {"scan.blo", "deeper/other.blo"} <= {text.replace("\\", "/") for text in page("two.html").texts}


# Where it is written.


def test_a_page_replaces_only_a_page_of_the_same_scan(scan: Path, here: Path, capsys: Capture) -> None:
    assert main(["report", "scan.blo"]) == 0
    (here / "deeper").mkdir()
    (here / "deeper" / "scan.blo").write_bytes(scan.read_bytes())
    assert main(["report", "deeper/scan.blo"]) == 0
    assert main(["report", "scan.blo"]) == 0
    assert sorted(path.name for path in here.glob("*.html")) == ["scan-report-2.html", "scan-report.html"]
    assert main(["report", "scan.blo", "--out", "scan-report-2.html"]) == 2
    assert "--force" in capsys.readouterr().err


def test_what_is_no_page_is_not_replaced_unless_forced(scan: Path, here: Path, capsys: Capture) -> None:
    (here / "mine.html").write_text("mine")
    (here / "scan-report.html").write_text("mine")
    assert main(["report", "scan.blo"]) == 0
    assert main(["report", "scan.blo", "--out", "mine.html"]) == 2
    assert [(here / name).read_text() for name in ("mine.html", "scan-report.html")] == ["mine", "mine"]
    assert (here / "scan-report-2.html").exists()
    assert main(["report", "scan.blo", "--out", "mine.html", "--force"]) == 0
    assert "Bright field" in page("mine.html").text
    assert not list(here.glob(".*"))


@pytest.mark.parametrize("out", ["scan.blo", "page", "no-such-folder/page.html", "folder.html"])
def test_a_page_is_not_written_where_it_cannot_be_one(scan: Path, here: Path, out: str, capsys: Capture) -> None:
    (here / "folder.html").mkdir()
    before = scan.read_bytes()
    assert main(["report", "scan.blo", "--force", "--out", out]) == 2
    assert "--out" in capsys.readouterr().err
    assert scan.read_bytes() == before


def test_a_file_that_cannot_be_opened_leaves_no_page(here: Path, capsys: Capture) -> None:
    (here / "x.blo").write_bytes(b"nothing")
    assert main(["report", "x.blo"]) == 1
    assert list(here.glob("*.html")) == []


def test_a_name_that_looks_like_an_option_is_a_file_in_the_command(here: Path, blo: bytes, capsys: Capture) -> None:
    (here / "-scan.blo").write_bytes(blo)
    assert main(["report", f".{os.sep}-scan.blo", "--out", "one.html"]) == 0
    (command,) = re.findall(r"lamella (run [^<]*)", page("one.html").html)
    words = shlex.split(command.replace("\\", "/"))
    assert main([*words, "--no-pictures", "--executor", "inline", "--out", "made"]) == 0
    assert (here / "made" / "summary.json").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_a_hostile_file_name_stays_text(here: Path, blo: bytes) -> None:
    name = os.fsdecode(b"<script>alert(1)<\xff&\x1b[31m>.blo")
    (here / name).write_bytes(blo)
    assert main(["report", name, "--out", "one.html"]) == 0
    assert main(["report", ".", "--out", "all.html"]) == 0
    assert main(["report", name]) == 0
    for path in here.glob("*.html"):
        made = page(path)
        assert "script" not in made.tags
        assert "\x1b" not in made.html
        assert "<script>alert(1)<" in made.text
    assert len(list(here.glob("*.html"))) == 3
