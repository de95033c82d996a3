"""Text that came from elsewhere is fit to be shown: in errors, warnings, log records, tables and pictures."""

import inspect
import io
import json
import logging
import os
import pickle
import re
import sys
import traceback
import unicodedata
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import lamella
from lamella import errors
from lamella.cli import Console, UsageError, main
from lamella.errors import FormatError, LamellaError, LamellaWarning, ParameterError, PathError, Problem
from lamella.executors.messages import pack_error, result_of, unpack
from lamella.progress import make_progress
from lamella.reader.metadata import Axis, Metadata
from lamella.system.logs import logger_of
from lamella.system.text import LINE, PAGE, VALUE, fitting, html_text, made_printable, printable
from lamella.system.warn import warn_user

Capture = pytest.CaptureFixture[str]

HOSTILE = "\x1b]8;;http://e.x\x07a\x1b]8;;\x07\x1b[2J\x9b31m\rb\nFORGED\x85\u2028\u202egnp\u2066\x7f\t\udcff\U000e0041<b>&$\\x{"
"""Escape sequences, a bell, C1 codes, line breaks, bidi overrides, half a pair, a tag, HTML, a broken formula."""

LONG = 540_000
CORE = Path(lamella.__file__).parent


def assert_fit(text: str, *, most: int = PAGE) -> None:
    """Nothing acts on a terminal, no line was forged, and the text is bounded."""
    found = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - set("\n\u200c\u200d")
    assert not found, ascii(text)
    assert not re.search("^ *FORGED", text, re.MULTILINE), ascii(text)
    assert len(text.encode()) <= most


texts = st.text(max_size=300) | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=300)


@settings(max_examples=60)
@given(texts, st.integers(60, 300))
def test_any_text_becomes_one_line_that_is_bounded(text: str, most: int) -> None:
    shown = printable(text, most)
    assert_fit(shown)
    assert "\n" not in shown
    assert len(shown) <= most
    assert printable(shown, most) == shown


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=VALUE))
def test_letters_marks_and_signs_of_all_scripts_stay(text: str) -> None:
    assert printable(text) == text


@given(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]))
def test_every_other_character_is_shown_as_python_writes_it(character: str) -> None:
    shown = printable(f"a{character}b")
    assert shown.isprintable()
    assert shown.encode().decode("unicode_escape") == f"a{character}b"


@pytest.mark.parametrize("word", ["می‌خواهم", "क्‍ष", "👩‍🚀", "ന്‍", "Åse µm ⁻¹ Ω 試料", "a\u0301", "١٢٣"])
def test_words_that_need_joiners_stay(word: str) -> None:
    assert printable(word) == word


def test_joiners_elsewhere_are_shown() -> None:
    assert printable("\u200da\u200db\u200c\u200c") == r"\u200da\u200db\u200c\u200c"


def test_of_a_long_text_both_ends_stay() -> None:
    shown = printable("begin" + "x" * LONG + "end")
    assert len(shown) <= VALUE
    assert shown.startswith("begin")
    assert shown.endswith("end")
    hidden = int(shown.split("(")[1].split()[0])
    assert hidden + len(re.sub(r" … \(.*\) … ", "", shown)) == LONG + 8


def test_a_value_whose_class_has_no_text_is_no_failure() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    assert printable(Broken()) == "<Broken without a text>"


@settings(max_examples=40)
@given(st.lists(texts, max_size=12), st.integers(100, 4000))
def test_lines_fit_on_a_page_of_any_size(lines: list[str], most: int) -> None:
    page = "\n".join(fitting(lines, most))
    assert_fit(page)
    assert len(page.encode()) <= most


def test_html_is_escaped() -> None:
    shown = html_text(f"<script>'\"&{HOSTILE}")
    assert_fit(shown)
    assert not re.search("[<>'\"]|&(?!\\w+;|#x27;)", shown)


# Errors and warnings.


def kinds() -> Iterator[LamellaError]:
    """Give an error of every class, made with hostile texts wherever it takes text."""
    for kind in vars(errors).values():
        if not (inspect.isclass(kind) and issubclass(kind, LamellaError)):
            continue
        if issubclass(kind, PathError):
            yield kind(2, HOSTILE, HOSTILE)
        elif issubclass(kind, FormatError):
            yield kind(HOSTILE, path=HOSTILE, expected=HOSTILE, found=HOSTILE, remedy=HOSTILE)
            yield kind("x" * LONG, path="x" * LONG, expected="x" * LONG, found="x" * LONG, remedy="x" * LONG)
        elif issubclass(kind, ParameterError):
            yield kind([(HOSTILE, HOSTILE), (None, HOSTILE)], subject=HOSTILE)
            yield kind([HOSTILE * 100] * 1000)
        elif issubclass(kind, errors.ChildError):
            yield kind(HOSTILE, HOSTILE)
        elif issubclass(kind, errors.WorkerLost):
            yield kind(0, 1, HOSTILE, HOSTILE)
        else:
            yield kind(HOSTILE)
            yield kind(HOSTILE, *["x" * LONG] * 10)


@pytest.mark.parametrize("error", list(kinds()), ids=lambda error: type(error).__name__)
def test_every_error_is_fit_to_be_shown_and_complete_for_programs(error: LamellaError) -> None:
    if not isinstance(error, errors.FolderError):  # it gets lines
        assert_fit(str(error))
        assert_fit("".join(traceback.format_exception(error)))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.message) == (str(error), error.message)
    assert "\x1b" in error.message or "x" * LONG in error.message


def test_a_problem_by_itself_is_fit_to_be_shown() -> None:
    assert_fit(str(Problem(HOSTILE, HOSTILE)))


class Stubborn(Exception):
    def __str__(self) -> str:
        return HOSTILE


@pytest.mark.parametrize(
    "cause",
    [ValueError(HOSTILE), OSError(HOSTILE), OSError(2, "no", HOSTILE), KeyError(HOSTILE), Stubborn(),
     SyntaxError("bad", (HOSTILE, 1, 1, HOSTILE))],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("suppressed", [False, True])
def test_what_an_error_was_raised_from_is_fit_to_be_shown(cause: Exception, suppressed: bool) -> None:
    cause.add_note(HOSTILE)
    try:
        try:
            raise cause
        except Exception as caught:
            raise FormatError("damaged") from (caught if suppressed else ValueError(HOSTILE))
    except FormatError as error:
        made_printable(error)
        shown = "".join(traceback.format_exception(error))
    source = [line for line in shown.splitlines() if "HOSTILE" in line]
    assert_fit("\n".join(line for line in shown.splitlines() if line not in source))


def test_the_lines_of_an_error_of_a_user_stay() -> None:
    error = ValueError("first\nsecond\x1b[2J")
    made_printable(error, breaks=True)
    assert str(error) == "first\nsecond\\x1b[2J"


def test_an_exception_whose_text_is_fit_stays_as_it_is() -> None:
    cause = ValueError("text", 3)
    error = LamellaError(HOSTILE)
    error.__cause__ = cause
    made_printable(error)
    assert error.__cause__ is cause
    assert cause.args == ("text", 3)
    assert error.args == (HOSTILE,)


def test_errors_of_workers_are_fit_to_be_shown() -> None:
    with pytest.raises(ValueError, match="FORGED") as caught:
        result_of(unpack(pack_error(ValueError(HOSTILE.replace("\n", "")))))
    assert_fit("".join(traceback.format_exception(caught.value)))


def test_warnings_are_fit_to_be_shown() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_user(HOSTILE, UserWarning)
        warnings.warn(HOSTILE, LamellaWarning, stacklevel=1)
    assert [printable(str(one.message), LINE) for one in caught] == [str(one.message) for one in caught]
    assert len(caught) == 2


def test_log_records_are_fit_to_be_shown() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logger_of("lamella.shown")
    logger.addHandler(handler)
    try:
        logger.warning("%s and %r", HOSTILE, "x" * LONG)
        logger.warning(HOSTILE.replace("%", ""))
        try:
            raise ValueError(HOSTILE.replace("\n", ""))
        except ValueError:
            logger.exception("failed")
        try:
            raise Stubborn
        except Stubborn:
            logger.exception("failed again")
    finally:
        logger.removeHandler(handler)
    assert "ValueError" in stream.getvalue()
    assert_fit(stream.getvalue())


def test_every_logger_of_the_core_is_one_whose_records_are_fit() -> None:
    raw = [path.name for path in CORE.rglob("*.py") if "getLogger(" in path.read_text(encoding="utf-8")]
    assert raw == ["logs.py"]


def test_no_error_of_the_core_makes_its_text_by_itself() -> None:
    own = [
        kind.__name__
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, LamellaError) and "__str__" in vars(kind)
    ]
    assert own == []


# A data set.


@pytest.fixture
def hostile() -> lamella.DataSet:
    """A data set everything about which is hostile, and long."""
    long = HOSTILE + "試" * LONG
    dataset = lamella.open(np.zeros((4, 3, 5, 6), np.uint8), name=long)
    axes = [Axis.of(f"{i}{long}", 1.5, long) for i in range(4)]
    texts = dict.fromkeys(["title", "acquired", "instrument", "detector", "software", "operator", "mode"], long)
    info = replace(
        dataset.info,
        metadata=Metadata(**texts, beam_energy=2e5),  # type: ignore[arg-type]
        notes=(long,) * 300,
        nav_axes=tuple(axes[:2]),
        sig_axes=tuple(axes[2:]),
        nav_shape=(4, 3),
        nav_origin=long,
        raw_metadata={long: long},
    )
    dataset.__dict__["info"] = info
    return dataset


def test_the_text_of_a_data_set_is_fit_to_be_shown(hostile: lamella.DataSet) -> None:
    shown = repr(hostile)
    assert_fit(shown)
    name = len(max(re.findall(r"^  (\w.*?)  ", shown, re.MULTILINE), key=len))
    assert max(map(len, shown.splitlines())) <= VALUE + max(name + 4, len("<lamella.DataSet >"))
    assert re.search(r"… and \d+ more lines$", shown)
    assert "beam energy" in shown


def test_the_table_of_a_data_set_is_fit_to_be_shown(hostile: lamella.DataSet) -> None:
    from xml.etree import ElementTree as ET

    shown = hostile._repr_html_()
    assert_fit(shown)
    tree = ET.fromstring(shown)
    cells = ["".join(cell.itertext()) for cell in tree.iter("td")]
    assert max(map(len, cells)) <= VALUE
    assert cells[-1].startswith("… and ")
    assert {child.tag for child in tree.iter()} == {"div", "strong", "table", "tr", "th", "td"}


def test_a_data_set_of_ordinary_names_is_shown_as_it_is() -> None:
    dataset = lamella.open(np.zeros((4, 3, 5, 6), np.uint8), name="Åse's 試料 <1>")
    assert repr(dataset).splitlines()[0] == "<lamella.DataSet Åse's 試料 <1>>"
    assert "<strong>Åse&#x27;s 試料 &lt;1&gt;</strong>" in dataset._repr_html_()


def test_pictures_show_text_of_files_as_it_is(hostile: lamella.DataSet, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    import matplotlib as mpl
    from matplotlib.text import Text

    from lamella.plot import Panel, figure, save_sheet

    formula = r"$\frac{"
    axes = (Axis.of(formula, 1.0, formula), Axis.of(formula, 1.0, formula))
    panels = [
        Panel(kind="curve", title="curve", data=np.arange(6.0), axes=axes[:1]),
        Panel(kind="image", title=hostile.name, data=np.zeros((5, 6)), axes=axes, quantity=formula),
        Panel(kind="curve", title="hostile", data=np.arange(6.0), axes=hostile.axes[3:], note=hostile.name),
        Panel(kind="table", title="table", rows=((formula, hostile.name), (hostile.name,))),
    ]
    with mpl.rc_context({"text.usetex": False}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # glyphs that the font lacks
        made = figure(panels, title=f"{formula}{hostile.name}", caption=formula)
        made.savefig(tmp_path / "picture.png", dpi=40)
    save_sheet(panels, tmp_path / "sheet.png", title=f"{formula}{hostile.name}", caption=formula)
    shown = [text.get_text() for text in made.findobj(Text)]
    assert any(formula in text for text in shown)
    for text in shown:
        assert_fit(text, most=4 * LINE)


def test_progress_is_fit_to_be_shown(capsys: Capture) -> None:
    pytest.importorskip("tqdm")
    with make_progress(True, 3, f"writing {HOSTILE}") as bar:
        bar.advance(3)
    told = capsys.readouterr().err
    assert "writing" in told
    assert_fit(re.sub("\r|\x1b\\[A", "", told))


# The command line.


class Terminal(io.StringIO):
    """A text file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_all_that_commands_write_is_fit_to_be_shown(stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")  # nor do we write codes of our own
    monkeypatch.setenv("NO_COLOR", "1")
    out, err = stream(), stream()
    console = Console(out=out, err=err)
    console.say(HOSTILE, "second line", "x" * LONG)
    console.complain(HOSTILE)
    console.facts([(HOSTILE, HOSTILE), ("long", "x" * LONG), *[("many", "試" * VALUE)] * 1000])
    console.table([HOSTILE, "[b]b[/b]"], [[HOSTILE, "[link=http://e.x]c[/link]"], ["x" * LONG, None]])
    assert "second line" in out.getvalue().splitlines()
    assert "[link=http://e.x]" in out.getvalue()
    assert_fit(out.getvalue(), most=8 * PAGE)
    assert_fit(err.getvalue())


def test_the_title_of_a_bar_is_text() -> None:
    err = Terminal()
    with Console(err=err).progress(f"[link=http://e.x]{HOSTILE}[/link]", 1) as progress:
        progress(1, 2)
    told = err.getvalue()
    assert "[link=" in told
    assert "\x1b]8;" not in told
    assert "\x07" not in told


def test_what_an_encoding_lacks_is_shown_as_an_escape() -> None:
    raw = io.BytesIO()
    console = Console(out=io.TextIOWrapper(raw, encoding="cp1252", errors="strict", write_through=True))
    console.say("Å µ 試")
    console.table(["名"], [["試"]])
    assert raw.getvalue().decode("cp1252").replace("\r\n", "\n").split("\n")[0] == r"Å µ \u8a66"


def test_help_needs_no_more_than_the_encoding_has(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", errors="strict", write_through=True))
    assert main(["export", "--help"]) == 0
    assert b"--overwrite" in raw.getvalue()


def test_wrong_usage_is_told_in_as_many_lines_as_it_has() -> None:
    assert str(UsageError("one", f"two {HOSTILE}")).count("\n") == 1


def calls(file: str, folder: str) -> list[list[str]]:
    """Give command lines that lead to output of every kind."""
    return [
        ["info", file],
        ["probe", file],
        ["probe", folder],
        ["info", folder],
        ["info", f"{file}{HOSTILE}"],
        ["info", file, "--nav-shape", "5,5"],
        ["info", file, "--nav-shape", HOSTILE],
        ["info", file, f"--{HOSTILE}"],
        ["info", file, "--format", HOSTILE],
        ["info", file, HOSTILE],
        ["run", file, "--sum", "--no-pictures", "--out", f"{folder}/{HOSTILE.replace('/', '')[:40]}"],
        ["run", file, "--roi", HOSTILE],
        ["run", file, "--executor", HOSTILE],
        ["run", file, "--disk", HOSTILE],
        ["export", file, f"{folder}/a{HOSTILE.replace('/', '')[:40]}.npy"],
        ["export", file, f"{folder}/a{HOSTILE.replace('/', '')[:40]}.npy"],
        ["export", file, f"{folder}/{HOSTILE}/a.npy"],
        ["export", file, f"{folder}/a.{HOSTILE.replace('/', '')}"],
        ["formats", "show", HOSTILE],
        ["formats", HOSTILE],
        [HOSTILE],
        [f"--{HOSTILE}"],
    ]


@pytest.mark.skipif(os.name == "nt", reason="no such file names")
def test_no_command_shows_a_path_or_an_argument_raw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    pytest.importorskip("lamella_npy")
    folder = tmp_path / HOSTILE.replace("/", "")[:60]
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    file = folder / f"scan{HOSTILE.replace('/', '')[:60]}.npy"
    np.save(file, np.zeros((4, 6, 8, 8), np.uint16))
    (folder / f"other{HOSTILE.replace('/', '')[:40]}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    codes = set()
    for call in calls(str(file), str(folder)):
        codes.add(main(call))
        told = capsys.readouterr()
        assert told.out + told.err, call
        assert_fit(told.out)
        assert_fit(told.err)
        if call != ["probe", str(folder)]:
            main([*call, "--traceback"])
            assert_fit(re.sub("^.*FORGED.*$", "", capsys.readouterr().err, flags=re.MULTILINE))
    assert codes == {0, 1, 2}


@pytest.mark.skipif(os.name == "nt", reason="no such file names")
def test_json_is_complete(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("lamella_npy")
    file = tmp_path / f"scan{HOSTILE.replace('/', '')}.npy"
    np.save(file, np.zeros((4, 6, 8, 8), np.uint16))
    assert main(["info", str(file), "--json"]) == 0
    told = capsys.readouterr().out
    assert told.replace("\n", "").isascii()
    assert_fit(told)
    assert json.loads(told)["name"] == str(file)
    file.write_bytes(b"\x93NUMPY" + bytes(500))
    assert main(["info", str(file), "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["path"] == str(file)
    assert str(file) in error["message"]


def test_a_foreign_warning_is_fit_to_be_shown(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamella.cli import app

    with pytest.warns(UserWarning, match="gnp") as caught, app._warnings_told(Console()):
        warnings.warn(HOSTILE, UserWarning, stacklevel=1)
    assert_fit(str(caught[0].message))


# All of them, with any text.

SHOWN = lamella.open(np.zeros((4, 3, 5, 6), np.uint8), name="shown")


def every_way(text: str) -> Iterator[str]:
    """Give what is shown in every way of a text that came from a file."""
    yield str(FormatError(text, path=text, expected=text, found=text, remedy=text))
    yield str(LamellaError(text, text))
    yield str(LamellaWarning(text))
    yield str(UsageError(text))
    yield str(ParameterError(text, field=text, subject=text))
    out = io.StringIO()
    console = Console(out=out)
    console.say(text)
    console.facts([(text, text)])
    console.table([text], [[text]])
    yield out.getvalue()
    axes = (Axis.of(text, 1.0, text), Axis(text))
    info = replace(
        SHOWN.info, metadata=Metadata(title=text), notes=(text,), nav_axes=axes, sig_axes=axes, nav_origin=text
    )
    dataset = lamella.open(np.zeros((4, 3, 5, 6), np.uint8), name=text or None)
    dataset.__dict__["info"] = info
    yield repr(dataset)
    yield dataset._repr_html_()
    record = logging.LogRecord("lamella", logging.INFO, "", 0, "%s", (text,), None)
    assert logger_of("lamella.shown").filter(record)
    yield record.getMessage()


@settings(max_examples=60)
@given(texts)
def test_any_text_is_fit_to_be_shown_in_every_way(text: str) -> None:
    for shown in every_way(text):
        assert_fit(shown)
        if len(printable(text)) <= 40 and text.isprintable() and not set(text) & set("<>&'\""):
            assert text.strip() in shown


@settings(max_examples=60)
@given(st.text(max_size=40))
def test_a_page_shows_the_same_text_as_a_terminal(text: str) -> None:
    from xml.etree import ElementTree as ET

    dataset = lamella.open(np.zeros((4, 3, 5, 6), np.uint8), name=f"n{text}")
    name = next(ET.fromstring(dataset._repr_html_()).iter("strong")).text
    assert repr(dataset).splitlines()[0] == f"<lamella.DataSet {name}>"


WAYS_OUT = {
    "print": r"(?<![\w.])print\(",
    "streams": r"sys\.(__)?std(out|err)\b",
    "warnings": r"warnings\.warn\(",
    "HTML": r"html import escape|html\.escape|_repr_html_",
    "log records": r"getLogger\(|logging\.(debug|info|warning|error|exception)\(",
    "figures": r"\.(set_xlabel|suptitle|supxlabel)\((?!.*\*\*_AS_IT_IS)",
}
ALLOWED = {
    "print": {"system/spawn.py"},  # a program that is started
    "streams": {"cli/app.py", "cli/console.py", "cli/parser.py", "system/spawn.py"},
    "warnings": {"system/warn.py"},
    "HTML": {"system/text.py", "dataset/dataset.py", "dataset/repr.py", "engine/describe.py"},
    "log records": {"system/logs.py"},
    "figures": set(),
}
"""Files that may use a way to a terminal or a page; they show what `lamella.system.text` made fit."""


@pytest.mark.parametrize("way", WAYS_OUT)
def test_the_core_has_no_other_way_to_a_terminal_or_a_page(way: str) -> None:
    found = set()
    for path in CORE.rglob("*.py"):
        code = re.sub(r"^\s*(>>>|\.\.\.).*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        if re.search(WAYS_OUT[way], code):
            found.add(path.relative_to(CORE).as_posix())
    assert found <= ALLOWED[way]
