"""Messages that a new user meets first: each says what is wrong, in words of the command line, and what to do."""

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella.cli import app, commoncalls, main
from lamella.cli.console import Console
from lamella.cli.optionnames import with_options
from lamella.errors import MissingPathError, NoFormatError, ParameterError
from lamella.reader.nearnames import what_was_meant
from lamella.udf import UDF, SumUDF

pytest.importorskip("lamella_npy")
pytest.importorskip("lamella_blo")

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.blo", b"", "the file is empty; was the copy interrupted?"),
        ("t.mib", bytes(50_000), "zeros only; was the copy or the recording interrupted?"),
        ("t.blo", bytes(range(256)) * 20, "its name or first bytes suggest blo"),
        ("t.dat", bytes(range(256)) * 20, "If you know the format, name it"),
        ("t.gz", b"\x1f\x8b" + bytes(range(200)), "gunzip FILE"),
        ("t\x1b[31m.txt", b"dear all", "If you know the format, name it"),
    ],
)
def test_a_file_of_no_format_is_told_in_at_most_five_lines(
    name: str, content: bytes, said: str, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["info", str(path)]) == 1
    told = capsys.readouterr().err.rstrip("\n")
    assert said in told
    assert 1 <= told.count("\n") + 1 <= 5
    assert "neither signature nor extension fits" not in told
    with pytest.raises(NoFormatError) as caught:
        lamella.open(path)
    assert str(caught.value).count("\n") < 5


def test_five_lines_hold_whatever_packages_suggest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella.opening.detect._suggestions", lambda *_: tuple(f"suggestion {i}" for i in range(20)))
    (tmp_path / "t.blo").write_bytes(b"x" * 100)
    with pytest.raises(NoFormatError) as caught:
        lamella.open(tmp_path / "t.blo")
    assert str(caught.value).count("\n") == 4
    assert "suggestion 19" in str(caught.value)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("t.bol", "did you mean t.blo?"),
        ("T.BLO", "did you mean t.blo?"),
        ("session/scan_1.mib", "did you mean scan_01.mib?"),
        ("sesion/scan_01.mib", "there is no folder"),
        ("sesion/scan_01.mib", "did you mean session?"),
        ("t.blo/x", ""),
        ("something else", ""),
        (".hiddem", ""),
    ],
)
def test_a_name_that_nearly_exists_is_offered(named: str, said: str, tmp_path: Path, capsys: Capture) -> None:
    for name in ("t.blo", "session/scan_01.mib", ".hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    path = tmp_path / named
    if path.exists():  # names in any case are the same there
        return
    assert main(["probe", str(path)]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert ("did you mean" in told) is ("mean" in said or "no folder" in said)
    with pytest.raises(FileNotFoundError) as caught:
        lamella.open(path)
    assert caught.value.filename == str(path)
    assert isinstance(caught.value, MissingPathError)


def test_a_folder_of_very_many_files_is_compared_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella.reader.nearnames._MOST_NAMES", 3)
    for i in range(6):
        (tmp_path / f"scan_{i}.blo").write_bytes(b"")
    seen: list[Any] = []

    def closest(name: str, known: list[str], **options: Any) -> list[str]:
        seen.extend(known)
        return []

    monkeypatch.setattr("difflib.get_close_matches", closest)
    assert what_was_meant(tmp_path / "scan_9.blo") is None
    assert len(seen) == 3


@pytest.mark.parametrize("url", ["https://example.org/scan.blo", "s3://bucket/scan.blo", "S3://bucket/x", "ftp://a/b"])
@pytest.mark.parametrize("more", [[], ["--format", "blo"]])
def test_a_url_is_called_one(url: str, more: list[str], capsys: Capture) -> None:
    assert main(["info", url, *more]) == 1
    told = capsys.readouterr().err
    assert "URL" in told
    assert "No such file" not in told
    assert re.search("plugin|Copy the file", told)
    assert main(["probe", url]) == 1
    shown = capsys.readouterr()
    assert "a URL" in shown.out
    assert "Remote files need a plugin" in shown.out
    assert "No such file" not in shown.out + shown.err


def test_a_url_that_was_made_a_path_is_called_one() -> None:
    with pytest.raises(FileNotFoundError, match="looks like a URL"):
        lamella.open(Path("https://example.org/scan.blo"))


def test_parameters_are_options_in_messages_of_the_command_line(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("lamella_raw")
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(1000))
    assert main(["info", str(path), "--format", "raw"]) == 1
    told = capsys.readouterr().err
    assert re.findall(r"^  - (--[\w-]+): required", told, re.MULTILINE) == ["--dtype", "--sig-shape"]
    assert "sig_shape" not in told
    with pytest.raises(ParameterError, match="sig_shape"):
        lamella.open(path, format="raw")


def test_every_parameter_of_every_format_is_an_option_where_it_is_to_blame() -> None:
    from lamella.cli.optionnames import as_options
    from lamella.params.schema import cli_options
    from lamella.plugins.registry import default_registry

    for plugin in default_registry().usable():
        for option in cli_options(plugin.params_class()):
            [problem] = as_options(ParameterError("must be positive, found -1", field=option.name)).problems
            assert problem.text == f"{option.flag}: must be positive, found -1"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("give nav_shape=(3, 4)", "give --nav-shape 3,4"),
        ("nav_shape (3, 4) fits", "--nav-shape 3,4 fits"),
        ("name one by sync_offset.", "name one by --sync-offset."),
        ("/data/nav_shape/a.raw: x", "/data/nav_shape/a.raw: x"),
        ("nav_shape.raw", "nav_shape.raw"),
        ("unknown_name=3", "unknown_name=3"),
        ('name it: format="..."', "name it: --format NAME"),
        ('Choose one: format="blo" or format="mib"', "Choose one: --format blo or --format mib"),
    ],
)
def test_names_of_parameters_in_sentences_are_options(text: str, shown: str) -> None:
    assert with_options(text) == shown


def test_warnings_name_options(tmp_path: Path, capsys: Capture) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 4, 8, 8), np.uint8))
    assert main(["info", str(tmp_path / "a.npy"), "--nav-shape", "5,5"]) == 0
    told = capsys.readouterr().err
    assert "--nav-shape 5,5" in told
    assert not re.search(r"nav_shape|sync_offset|\(\d+,", told)


def test_the_kit_that_brings_a_command_is_named_where_it_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(app, "_add_from_plugins", lambda commands: None)
    for command in ("conformance", "fuzz", "new-format"):
        assert main([command, "blo"]) == 2
        assert f"'{command}' is not installed: pip install lamella-testkit" in capsys.readouterr().err
    assert main(["conformanse"]) == 2
    assert "did you mean 'conformance'?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["blo"], ["BLO"], ["show", "blo"]])
def test_one_format_is_shown_by_its_name(arguments: list[str], capsys: Capture) -> None:
    assert main(["formats", *arguments]) == 0
    text = capsys.readouterr().out
    for said in ("NanoMEGAS", ".blo", "level", "lamella-blo", "--bit-depth", "--nav-shape"):
        assert said in text
    assert re.findall(r"\bNone\b|\bTrue\b|\bFalse\b|\btuple\b", text) == []
    assert main(["formats", *arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "blo"


def test_a_format_that_does_not_exist_is_wrong_and_the_nearest_is_named(capsys: Capture) -> None:
    assert main(["formats", "bloo"]) == 1
    assert "did you mean blo?" in capsys.readouterr().err
    assert main(["formats", "blo", "npy"]) == 2
    assert "one name is expected" in capsys.readouterr().err


def kernels(n: int) -> Callable[[], Iterator[tuple[Any, ...]]]:
    class Quick:
        compiled = "a:kernel"

        def compile_for(self, *arguments: Any) -> None:
            pass

    return lambda: iter([(Quick(), (np.zeros(3, np.uint8),))] * n)


def test_warm_tells_few_lines_where_no_terminal_looks(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(commoncalls, "common_calls", kernels(93))
    assert main(["warm"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert 2 <= len(lines) <= 7
    assert "93 of 93" in lines[-2]
    assert lines[-1].startswith("93 kernels are ready after")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_warm_changes_one_line_on_a_terminal() -> None:
    out, err = io.StringIO(), Terminal()
    with Console(out=out, err=err).counting("kernels") as tell:
        for done in range(1, 94):
            tell(done, 93, f"kernel \x1b[31m{done}")
    assert out.getvalue() == ""
    assert "\n" not in err.getvalue()
    assert "\x1b" not in err.getvalue()
    assert err.getvalue().count("\r") == 95


class Times(UDF):
    """A UDF for tests."""

    def get_result_buffers(self) -> dict[str, Any]:
        return {"times": self.buffer(kind="nav")}

    def process_frame(self, frame: Any) -> None:
        self.results.times[:] = frame.sum()


@pytest.fixture
def dataset() -> lamella.DataSet:
    return lamella.open(np.ones((2, 3, 4, 5), np.uint8))


@pytest.fixture
def context() -> Iterator[lamella.Context]:
    with lamella.Context("inline") as made:
        yield made


def wrong_calls(ctx: lamella.Context, ds: lamella.DataSet) -> list[tuple[Callable[[], Any], str]]:
    """Give calls with wrong arguments, and what must be said about each."""
    array, any_ctx, udf = np.ones((2, 3)), ctx, SumUDF()
    analysis = ctx.create_sum_analysis(ds)
    run: Any = any_ctx.run_udf
    return [
        (lambda: run(ds, SumUDF), "Make an instance: SumUDF(...)"),
        (lambda: run(ds, [SumUDF(), Times]), "udf[1]: expected an instance of lamella.udf.UDF, found the class Times"),
        (lambda: run(udf, ds), "The data set comes first: run_udf(dataset, udf)"),
        (lambda: run([udf], ds), "expected a data set, found a list of 1 (SumUDF)"),
        (lambda: run("scan.blo", udf), "Open it first: lamella.open('scan.blo')"),
        (lambda: run(Path("scan.blo"), udf), "Open it first"),
        (lambda: run(array, udf), "found numpy.ndarray of shape (2, 3). Make one of it: lamella.open(array)"),
        (lambda: run(None, udf), "expected a data set, found None"),
        (lambda: run(lamella.DataSet, udf), "lamella.open gives one"),
        (lambda: run(ds, None), "found None"),
        (lambda: run(ds, "sum"), "found the text 'sum'"),
        (lambda: run(ds, array), "found numpy.ndarray of shape (2, 3)"),
        (lambda: run(ds, np.max), "Context.map(dataset, function)"),
        (lambda: run(ds, analysis), "Context.run(analysis)"),
        (lambda: run(analysis, udf), "expected a data set"),
        (lambda: run(ds, {"a": udf}), "expected an instance of lamella.udf.UDF, found dict"),
        (lambda: run(ds, ds), "found a data set"),
        (lambda: ctx.run_udf_iter(ds, SumUDF), "Make an instance: SumUDF(...)"),  # type: ignore[call-overload]
        (lambda: ctx.map(np.max, ds), "expected a data set, found the function max"),  # type: ignore[arg-type]
        (lambda: ctx.map(ds, udf), "UDFs are for Context.run_udf(dataset, udf)"),  # type: ignore[arg-type]
        (lambda: ctx.map(ds, 3), "expected a function of one frame, found int"),  # type: ignore[arg-type]
        (lambda: ctx.display(udf, ds), "The data set comes first: display(dataset, udf)"),  # type: ignore[arg-type]
        (lambda: ctx.display(ds, SumUDF), "Make an instance"),  # type: ignore[arg-type]
        (lambda: ctx.run(udf), "UDFs are for Context.run_udf(dataset, udf)"),  # type: ignore[arg-type]
        (lambda: ctx.run(ds), "create_sum_analysis(dataset)"),  # type: ignore[arg-type]
        (lambda: ctx.run(type(analysis)), "expected an analysis"),  # type: ignore[arg-type]
        (lambda: ctx.export_dataset("a.npy", ds), "Open it first"),  # type: ignore[arg-type]
        (lambda: ctx.export_dataset(ds, ds), "The data set comes first"),  # type: ignore[arg-type]
        (lambda: ctx.export_dataset(ds, 3), "expected the path of a file, found int"),  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize("number", range(29))
def test_a_wrong_argument_of_a_computation_is_told_with_the_remedy(
    number: int, context: lamella.Context, dataset: lamella.DataSet
) -> None:
    calls = wrong_calls(context, dataset)
    assert len(calls) == 29
    call, said = calls[number]
    with pytest.raises(ParameterError) as caught:
        call()
    assert said in str(caught.value)
    assert all(problem.field for problem in caught.value.problems)


class Foreign:
    """An object of somebody else whose text is an attack, and whose attributes are odd."""

    shape = "\x1b[31m"
    dtype = None
    __name__ = "\x1b[2J"

    def __repr__(self) -> str:
        raise RuntimeError

    def __call__(self) -> None:
        raise RuntimeError


def test_a_foreign_object_is_named_and_not_shown(context: lamella.Context, dataset: lamella.DataSet) -> None:
    with pytest.raises(ParameterError, match="expected a data set") as caught:
        context.run_udf(Foreign(), SumUDF())  # type: ignore[call-overload]
    assert "\x1b" not in str(caught.value)
    with pytest.raises(ParameterError, match="expected an instance"):
        context.run_udf(dataset, Foreign())  # type: ignore[call-overload]


def test_right_arguments_stay_right(context: lamella.Context, dataset: lamella.DataSet) -> None:
    assert context.run_udf(dataset, (SumUDF(), Times()))[1]["times"].data.tolist() == [[20] * 3] * 2
    with pytest.raises(ValueError, match="empty list of UDFs"):
        context.run_udf(dataset, [])


def test_every_help_is_plain(capsys: Capture) -> None:
    for command in app.BUILTIN:
        assert main([command.name, "--help"]) == 0
        text = capsys.readouterr().out
        assert re.findall(r"default: (?:True|False|None|')", text) == []
