import json
import math
import os
import sys
import threading
import types
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lamella.errors import AmbiguousFormatError, FormatError, LamellaError, NoFormatError
from lamella.format import API_VERSION, FormatSpec, Signature
from lamella.opening.detect import Report, detect
from lamella.plugins.registry import Registry
from lamella.reader.match import Confidence, Match
from lamella.reader.probe import Probe

Detector = Callable[[Probe], Any]


def empty_registry(**environ: str) -> Registry:
    return Registry(environ=environ, entry_points=lambda group: ())


@pytest.fixture
def registry() -> Registry:
    return empty_registry()


def add(registry: Registry, name: str, detector: Detector, **declared: Any) -> None:
    module: Any = types.ModuleType(f"m{uuid.uuid4().hex}")
    module.Reader = type("Reader", (), {"detect": lambda self, probe: detector(probe)})
    sys.modules[module.__name__] = module
    reference = f"{module.__name__}:Reader"
    registry.register(
        FormatSpec(name=name, title=name.title(), api=API_VERSION, reader=reference, params=reference, **declared)
    )


def sure(confidence: int, **more: Any) -> Detector:
    return lambda probe: Match(confidence, "it says so", **more)


def never(probe: Probe) -> None:
    return None


def fails(error: BaseException) -> Detector:
    def detector(probe: Probe) -> None:
        raise error

    return detector


def outcome(report: Report, name: str) -> Any:
    return next(candidate for candidate in report.candidates if candidate.name == name)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.foo"
    path.write_bytes(b"FOO1" + bytes(100))
    return path


# What a probe sees


def test_a_probe_knows_name_size_and_content(tmp_path: Path) -> None:
    path = tmp_path / "a [1] ü b.TAR.MIB"
    path.write_bytes(bytes(range(256)) * 200)
    probe = Probe.of(str(path))
    assert (probe.path, probe.suffix, probe.stem, probe.size) == (path, "mib", "a [1] ü b.TAR", 51200)
    assert probe.mtime_ns == path.stat().st_mtime_ns
    assert probe.head == path.read_bytes()[: 16 * 1024]
    assert probe.tail == path.read_bytes()[-4 * 1024 :]


def test_a_probe_of_a_relative_path_survives_a_change_of_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.raw").write_bytes(b"abc")
    monkeypatch.chdir(tmp_path)
    probe = Probe.of(Path("a.raw"))
    monkeypatch.chdir("/")
    assert probe.head == b"abc"
    assert probe.siblings == ("a.raw",)


def test_head_and_tail_are_read_once(scan: Path) -> None:
    probe = Probe.of(scan)
    for _ in range(3):
        assert probe.head.startswith(b"FOO1")
        assert len(probe.tail) == 104
    assert probe.bytes_read == 208


def test_what_was_parsed_is_kept_under_its_key(scan: Path) -> None:
    probe, calls = Probe.of(scan), []

    def parse(probe: Probe) -> list[int]:
        calls.append(probe)
        return [probe.size]

    first = probe.once("foo header", parse)
    assert first == [104]
    assert probe.once("foo header", parse) is first
    assert probe.once(("foo header", "strict"), parse) is not first
    assert calls == [probe, probe]
    assert Probe.of(scan).once("foo header", parse) is not first


def test_an_error_is_not_kept(scan: Path) -> None:
    """Each call parses again and raises an error of its own, until one gives something."""
    probe, answers = Probe.of(scan), [FormatError("no"), FormatError("still no"), "a header"]

    def parse(probe: Probe) -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    for problem in ("no", "still no"):
        with pytest.raises(FormatError, match=f"^{problem}$"):
            probe.once("foo header", parse)
    assert probe.once("foo header", parse) == probe.once("foo header", parse) == "a header"


def test_threads_are_given_the_same(scan: Path) -> None:
    probe, barrier = Probe.of(scan), threading.Barrier(4, timeout=20)

    def parse(probe: Probe) -> object:
        barrier.wait()  # all four are here at the same time
        return object()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: probe.once("foo header", parse), range(4)))
    assert len(set(map(id, found))) == 1


def test_reading_stops_at_the_end_of_the_file(scan: Path) -> None:
    probe = Probe.of(scan)
    assert probe.read(0, 4) == b"FOO1"
    assert probe.read(102, 10**18) == bytes(2)
    assert probe.read(104, 5) == b""
    assert probe.read(2**62, 5) == b""
    assert probe.bytes_read == 6


@pytest.mark.parametrize(("offset", "nbytes"), [(-1, 4), (0, -1)])
def test_reading_backwards_is_refused(scan: Path, offset: int, nbytes: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        Probe.of(scan).read(offset, nbytes)


def test_a_file_that_shrinks_gives_what_is_left(scan: Path) -> None:
    probe = Probe.of(scan)
    scan.write_bytes(b"FOO")
    assert probe.read(0, 100) == b"FOO"


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    probe = Probe.of(path)
    assert (probe.head, probe.tail, probe.suffix, probe.size) == (b"", b"", "", 0)


def test_a_missing_path_is_what_python_says_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        Probe.of(tmp_path / "none.mib")
    assert caught.value.filename == str(tmp_path / "none.mib")
    assert isinstance(caught.value, LamellaError)
    assert str(caught.value) == f"{tmp_path / 'none.mib'}: No such file or directory"
    with pytest.raises(IsADirectoryError):
        detect(tmp_path, empty_registry()).winner()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs permissions that can be taken away")
def test_an_unreadable_file_is_a_permission_error(scan: Path, registry: Registry) -> None:
    scan.chmod(0)
    with pytest.raises(PermissionError):
        detect(scan, registry)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.raw")
    with pytest.raises(OSError, match="not a regular file"):
        Probe.of(tmp_path / "pipe.raw")


def test_an_object_is_no_file() -> None:
    target = [1, 2, 3]
    probe = Probe.of(target)
    assert probe.target is target
    assert (probe.path, probe.size, probe.suffix, probe.stem) == (None, 0, "", "")
    assert (probe.head, probe.tail, probe.siblings, probe.sibling("a"), probe.read(0, 9)) == (b"", b"", (), None, b"")


def test_siblings_are_the_names_beside_the_file(scan: Path) -> None:
    (scan.parent / "scan.hdr").touch()
    (scan.parent / "a.txt").touch()
    assert Probe.of(scan).siblings == ("a.txt", "scan.foo", "scan.hdr")


def test_a_sibling_is_found_by_its_name(scan: Path) -> None:
    other = scan.parent / "scan [1] ü.hdr"
    other.touch()
    assert Probe.of(scan).sibling("scan [1] ü.hdr") == other


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../secret",
        "..\\secret",
        "/etc/passwd",
        "sub/inner",
        "sub\\inner",
        "none",
        "sub",
        "a\0b",
        "x" * 5000,
    ],
)
def test_a_sibling_elsewhere_is_none(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").touch()
    (tmp_path / "here" / "sub").mkdir(parents=True)
    (tmp_path / "here" / "sub" / "inner").touch()
    (tmp_path / "here" / "a.foo").touch()
    assert Probe.of(tmp_path / "here" / "a.foo").sibling(name) is None


def test_an_absolute_sibling_is_none_even_if_it_is_one(scan: Path) -> None:
    (scan.parent / "b").touch()
    assert Probe.of(scan).sibling(str(scan.parent / "b")) is None


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_links_are_followed_within_the_directory_only(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    home = tmp_path / "here"
    home.mkdir()
    for name in ("a.foo", "real"):
        (home / name).touch()
    (home / "inside").symlink_to("real")
    (home / "outside").symlink_to(tmp_path / "secret")
    (home / "loop").symlink_to("loop")
    (home / "dangling").symlink_to("nowhere")
    probe = Probe.of(home / "a.foo")
    assert probe.sibling("inside") == home / "inside"
    assert [probe.sibling(name) for name in ("outside", "loop", "dangling")] == [None, None, None]


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_set_of_links_to_one_directory_stays_together(tmp_path: Path) -> None:
    store, view = tmp_path / "store", tmp_path / "view"
    store.mkdir()
    view.mkdir()
    for name in ("a.foo", "a.hdr"):
        (store / name).touch()
        (view / name).symlink_to(store / name)
    assert Probe.of(view / "a.foo").sibling("a.hdr") == view / "a.hdr"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
def test_nothing_stays_open(scan: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    probes = [Probe.of(scan) for _ in range(50)]
    for probe in probes:
        assert probe.head
        assert probe.tail
        assert probe.siblings
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


# Evidence and decision


def test_the_surest_reader_wins(scan: Path, registry: Registry) -> None:
    add(registry, "weak", sure(Confidence.HEURISTIC))
    add(registry, "strong", sure(Confidence.VERIFIED, params={"nav_shape": (2, 3)}, origin={"nav_shape": "header"}))
    winner = detect(scan, registry).winner()
    assert winner.name == "strong"
    assert winner.match is not None
    assert winner.match.params == {"nav_shape": (2, 3)}


def test_a_signature_or_an_extension_is_evidence(scan: Path, registry: Registry) -> None:
    add(registry, "signed", sure(Confidence.VERIFIED), signatures=(Signature(b"OO1", 1),))
    add(registry, "named", sure(Confidence.SIZE), extensions=("foo",), signatures=(Signature(b"BAR"),))
    report = detect(scan, registry)
    assert outcome(report, "signed").evidence == ("signature b'OO1' at byte 1",)
    assert outcome(report, "named").evidence == ("extension .foo",)
    assert [candidate.name for candidate in report.candidates] == ["signed", "named"]


def test_readers_without_evidence_are_not_asked(scan: Path, registry: Registry) -> None:
    asked: list[Probe] = []
    add(registry, "other", asked.append, extensions=("bar",), signatures=(Signature(b"BAR"),))
    report = detect(scan, registry)
    assert asked == []
    assert outcome(report, "other").rejected == "neither signature nor extension fits"


def test_readers_without_signatures_are_always_asked(scan: Path, registry: Registry) -> None:
    add(registry, "guess", sure(Confidence.HEURISTIC), extensions=("bar",))
    assert detect(scan, registry).winner().name == "guess"


def test_a_reader_that_says_no_is_out_whatever_the_evidence(scan: Path, registry: Registry) -> None:
    add(registry, "foo", never, extensions=("foo",), signatures=(Signature(b"FOO1"),))
    report = detect(scan, registry)
    assert "does not recognise" in outcome(report, "foo").rejected
    with pytest.raises(NoFormatError):
        report.winner()


@pytest.mark.parametrize(
    "error", [ValueError("odd"), SystemExit(4), AssertionError(), RecursionError("deep"), OSError(5)]
)
def test_a_failing_reader_does_not_disturb_the_others(scan: Path, registry: Registry, error: BaseException) -> None:
    add(registry, "bad", fails(error), signatures=(Signature(b"FOO1"),))
    add(registry, "good", sure(Confidence.VERIFIED))
    report = detect(scan, registry)
    assert report.winner().name == "good"
    bad = outcome(report, "bad")
    assert type(error).__name__ in bad.error
    assert bad.confidence == Confidence.SIGNATURE


def test_a_failing_reader_never_wins_by_its_extension(scan: Path, registry: Registry) -> None:
    add(registry, "bad", fails(ValueError("odd")), extensions=("foo",))
    report = detect(scan, registry)
    assert outcome(report, "bad").confidence == Confidence.EXTENSION
    with pytest.raises(NoFormatError, match="bad: its detection failed: ValueError: odd"):
        report.winner()


def test_an_interrupt_is_not_swallowed(scan: Path, registry: Registry) -> None:
    add(registry, "slow", fails(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        detect(scan, registry)


@pytest.mark.parametrize("answer", [True, {}, "yes", 80, Match(0, "x"), Match(101, "x"), Match(True, "x")])
def test_an_answer_that_is_no_match_is_an_error_of_the_reader(scan: Path, registry: Registry, answer: object) -> None:
    add(registry, "odd", lambda probe: answer)
    assert "expected a Match of 1 to 100, or None" in outcome(detect(scan, registry), "odd").error


def test_a_reader_that_cannot_be_imported_is_reported(scan: Path, registry: Registry) -> None:
    spec = FormatSpec(name="gone", title="Gone", api=API_VERSION, reader="not_there_x:R", params="not_there_x:P")
    registry.register(spec)
    assert "not_there_x" in outcome(detect(scan, registry), "gone").error


def test_two_that_are_about_equally_sure_are_ambiguous(scan: Path, registry: Registry) -> None:
    add(registry, "one", sure(85))
    add(registry, "two", sure(76))
    add(registry, "third", sure(40))
    with pytest.raises(AmbiguousFormatError) as caught:
        detect(scan, registry).winner()
    text = str(caught.value)
    assert 'format="one"' in text
    assert 'format="two"' in text
    assert "third" not in text


def test_a_lead_of_ten_is_enough(scan: Path, registry: Registry) -> None:
    add(registry, "one", sure(85))
    add(registry, "two", sure(75))
    assert detect(scan, registry).winner().name == "one"


def test_files_and_objects_are_asked_of_their_own_plugins(scan: Path, registry: Registry) -> None:
    add(registry, "files", sure(Confidence.MAGIC))
    add(registry, "objects", sure(Confidence.MAGIC), target="object")
    assert detect(scan, registry).winner().name == "files"
    report = detect([1, 2], registry)
    assert report.winner().name == "objects"
    assert report.target == "list object"
    assert len(report.candidates) == 1


def test_a_probe_may_be_given_instead_of_a_path(scan: Path, registry: Registry) -> None:
    add(registry, "foo", lambda probe: Match(Confidence.MAGIC, "head", {"head": probe.head[:4]}))
    probe = Probe.of(scan)
    match = detect(probe, registry).winner().match
    assert match is not None
    assert match.params["head"] == b"FOO1"
    assert probe.bytes_read == 104


def test_what_each_reader_read_is_counted(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "big.foo"
    path.write_bytes(bytes(10**6))
    add(registry, "modest", lambda probe: Match(Confidence.SIZE, f"{probe.head[:1]!r} {probe.tail[:1]!r}"))
    add(registry, "greedy", lambda probe: Match(Confidence.HEURISTIC, probe.read(0, 10**6)[:1].hex()))
    report = detect(path, registry)
    assert outcome(report, "modest").bytes_read <= 64 * 1024
    assert outcome(report, "greedy").bytes_read == 10**6


# What the user reads


def test_a_file_of_a_format_that_is_not_installed_says_what_to_install(tmp_path: Path, registry: Registry) -> None:
    by_name, by_content = tmp_path / "scan.mib", tmp_path / "scan.dat"
    by_name.write_bytes(b"?")
    by_content.write_bytes(b"MQ1,000001,00384,01")
    for path in (by_name, by_content):
        with pytest.raises(NoFormatError, match="pip install lamella-mib"):
            detect(path, registry).winner()


def test_an_installed_but_unusable_format_says_why(tmp_path: Path) -> None:
    registry = empty_registry(LAMELLA_DISABLE_PLUGINS="foo")
    add(registry, "foo", sure(Confidence.VERIFIED), extensions=("foo",))
    (tmp_path / "a.foo").touch()
    with pytest.raises(NoFormatError, match="installed but disabled: named in LAMELLA_DISABLE_PLUGINS"):
        detect(tmp_path / "a.foo", registry).winner()


def test_no_format_says_what_was_looked_at_and_how_to_go_on(scan: Path, registry: Registry) -> None:
    add(registry, "alpha", never)
    add(registry, "beta", sure(Confidence.VERIFIED), signatures=(Signature(b"BETA"),))
    with pytest.raises(NoFormatError) as caught:
        detect(scan, registry).winner()
    text = str(caught.value)
    for words in (str(scan), "104 bytes", "b'FOO1", "alpha: its reader does not", "beta: neither", 'format="..."'):
        assert words in text


def test_the_report_can_be_read(scan: Path, registry: Registry) -> None:
    add(
        registry,
        "foo",
        sure(Confidence.MAGIC, params={"nav_shape": (4, 5)}, origin={"nav_shape": "square root"}, missing=("dtype",)),
        extensions=("foo",),
    )
    add(registry, "bar", never)
    text = str(detect(scan, registry))
    for words in (
        str(scan),
        "confidence 80, it says so (extension .foo)",
        "nav_shape = (4, 5)  (from square root)",
        "still needed: dtype",
        "does not recognise",
    ):
        assert words in text


def test_the_report_is_json(scan: Path, registry: Registry) -> None:
    params = {"nav_shape": (4, 5), "gain": Path("g.mrc"), "more": {"a": [1.5, None, -math.inf]}, "odd": b"\x00"}
    add(registry, "foo", sure(Confidence.MAGIC, params=params, missing=("dtype",)))
    add(registry, "bar", fails(ValueError("no")))
    data: Any = json.loads(json.dumps(detect(scan, registry).to_json(), allow_nan=False))
    assert data["winner"] == "foo"
    foo, bar = data["candidates"]
    assert foo["params"] == {
        "nav_shape": [4, 5],
        "gain": "g.mrc",
        "more": {"a": [1.5, None, "-inf"]},
        "odd": "b'\\x00'",
    }
    assert foo["missing"] == ["dtype"]
    assert bar["error"] == "ValueError: no"


def test_what_a_reader_found_can_be_told_or_is_an_error(scan: Path, registry: Registry) -> None:
    add(registry, "foo", sure(Confidence.MAGIC, params={"count": 1 << 20_000}))
    report = detect(scan, registry)
    assert "4300 digits" in str(report)
    assert json.loads(json.dumps(report.to_json()))["winner"] is None


def test_an_ambiguous_report_has_no_winner_in_json(scan: Path, registry: Registry) -> None:
    add(registry, "one", sure(85))
    add(registry, "two", sure(85))
    assert detect(scan, registry).to_json()["winner"] is None


def test_without_any_plugin_the_report_says_so(scan: Path, registry: Registry) -> None:
    assert "no format for such targets is installed" in str(detect(scan, registry))
    with pytest.raises(NoFormatError, match="object"):
        detect(object(), registry).winner()


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\x1f\x8b\x08\x00", "packed with gzip: unpack it first"),
        (b"BZh91AY&SY", "packed with bzip2: unpack it first"),
        (bytes(257) + b"ustar", "a tar archive: unpack it first"),
        (b"II*\x00\x08", "a TIFF image: no installed format reads such files"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
    ],
)
def test_files_of_familiar_kinds_are_called_by_their_name(tmp_path: Path, head: bytes, words: str) -> None:
    path = tmp_path / "movie.mrc.x"
    path.write_bytes(head.ljust(4096, b"\0"))
    with pytest.raises(NoFormatError, match=words):
        detect(path, Registry()).winner()
