"""Which installed format reads a file: the evidence, the candidates, and the decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from os import PathLike
from pathlib import PurePath
from typing import TYPE_CHECKING

from lamella.errors import AmbiguousFormatError, LamellaError, NoFormatError, PluginError
from lamella.format import FormatSpec
from lamella.opening.filekinds import companion, familiar_kind, named_kind, without_content
from lamella.opening.targets import Contents, contents_of, folder_error, refusal
from lamella.plugins.known import KnownFormat, catalogue
from lamella.plugins.plugin import advice
from lamella.plugins.registry import default_registry
from lamella.reader.match import Confidence, Match
from lamella.reader.probe import Probe
from lamella.system.logs import logger_of
from lamella.system.paths import relative_names
from lamella.system.text import LINE, fitting, printable

if TYPE_CHECKING:
    from lamella.plugins.plugin import Plugin
    from lamella.plugins.registry import Registry
    from lamella.reader.probe import Kind

__all__ = [
    "LEAD",
    "Candidate",
    "Hint",
    "Match",
    "Probe",
    "Report",
    "ask",
    "detect",
    "plain",
]

_log = logger_of(__name__)

_MOST_LINES = 5
_MOST_NEAR = 3

LEAD = 10
"""What the winner must be ahead of the second."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One installed format and how it fared."""

    name: str
    plugin: Plugin
    confidence: int = 0
    match: Match | None = None
    evidence: tuple[str, ...] = ()
    rejected: str | None = None
    error: str | None = None
    bytes_read: int = 0

    @property
    def eligible(self) -> bool:
        """Whether the format may be chosen."""
        return self.rejected is None and self.error is None and self.confidence > 0


@dataclass(frozen=True, slots=True)
class Hint:
    """A format that would be a candidate if something were done about it."""

    name: str
    title: str
    evidence: tuple[str, ...]
    remedy: str

    def __str__(self) -> str:
        return printable(f"{self.name} ({self.title}; {', '.join(self.evidence)}): {self.remedy}", LINE)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found out about a target; candidates are sorted, the best first.

    ``kind`` is what `Probe.kind` says, ``contents`` is what lies in a folder that no format opens, else None.
    ``emptiness`` says that a file is empty or zeros.
    """

    target: str
    looked_at: str
    candidates: tuple[Candidate, ...]
    hints: tuple[Hint, ...] = ()
    suggestions: tuple[str, ...] = ()
    kind: Kind = "file"
    contents: Contents | None = None
    emptiness: str | None = None

    def winner(self) -> Candidate:
        """The one format to open the target with.

        Raises
        ------
        NoFormatError
            If no installed format recognises it; `FolderError` for a folder.
        AmbiguousFormatError
            If the best is not at least 10 ahead of the second.
        """
        level = _leaders(self.candidates)
        if not level and self.contents is not None:
            raise folder_error(self.contents, *_nothing_found(self))
        if not level:
            raise NoFormatError(*_nothing_found(self))
        if len(level) > 1:
            raise AmbiguousFormatError(*_several_found(self, level))
        best = level[0]
        for candidate in self.candidates:
            if candidate.error is not None and candidate.confidence > best.confidence:
                _log.warning("%s: opened as %s, but %s", self.target, best.name, _outcome(candidate))
        return best

    def lines(self) -> list[str]:
        """The report for a person, in lines that are not made fit to be shown yet."""
        lines = [f"{printable(self.target)} ({self.looked_at})"]
        lines += [line for candidate in self.candidates for line in _candidate_lines(candidate)]
        if not self.candidates:
            lines.append("  no format for such targets is installed")
        return lines + _hint_lines(self)

    def __str__(self) -> str:
        return "\n".join(fitting(self.lines()))

    def to_json(self, root: str | PathLike[str] | None = None) -> dict[str, object]:
        """The report as a dictionary of plain values, ready for `json.dumps`; names of files relative to a folder."""
        best = _leaders(self.candidates)
        facts: dict[str, object] = {
            "target": self.target,
            "kind": self.kind,
            "looked_at": self.looked_at,
            "winner": best[0].name if len(best) == 1 else None,
            "candidates": [_candidate_json(candidate) for candidate in self.candidates],
            "hints": [_hint_json(hint) for hint in self.hints],
            "suggestions": list(self.suggestions),
        }
        relative: dict[str, object] = relative_names(facts, root)
        return relative


def detect(target: object, registry: Registry | None = None, *, ask_hooks: bool = True, hints: bool = True) -> Report:
    """Ask the installed formats about a target.

    Parameters
    ----------
    target
        A path, a list of paths, a URL, an object in memory, or a `Probe` of any of them.
    registry
        The installed formats; what is installed by default.
    ask_hooks
        Whether hooks of plugins may suggest something where no format fits.
    hints
        Whether to look for formats that are not installed also where an installed one fits.

    Returns
    -------
    Report
        All candidates, the best first, with the evidence and why others were refused.

    Raises
    ------
    PathError
        If the target is a path that cannot be read.
    """
    registry = registry or default_registry()
    probe = target if isinstance(target, Probe) else Probe.of(target)
    looked_at = _looked_at(probe)
    candidates = [ask(plugin, probe) for plugin in registry.usable() if _is_asked(plugin, probe)]
    ranked = sorted(candidates, key=lambda one: (not one.eligible, -one.confidence, one.name))
    fits = any(one.eligible for one in ranked)
    others = () if probe.kind == "object" or (fits and not hints) else tuple(_hints(probe, registry))
    if fits:
        return Report(_target_text(probe), looked_at, tuple(ranked), others, kind=probe.kind)
    contents = contents_of(probe, registry) if probe.kind == "folder" else None
    suggestions = _suggestions(probe, contents, ask_hooks)
    emptiness = without_content(probe.size, probe.head, probe.tail) if probe.kind == "file" else None
    return Report(_target_text(probe), looked_at, tuple(ranked), others, suggestions, probe.kind, contents, emptiness)


def _is_asked(plugin: Plugin, probe: Probe) -> bool:
    """Whether a format is among the candidates; those for files do not show up for folders and URLs."""
    spec = plugin.spec
    if spec is None or (spec.target == "object") != (probe.kind == "object"):
        return False
    return probe.kind not in ("folder", "url") or refusal(spec, probe) is None


def ask(plugin: Plugin, probe: Probe) -> Candidate:
    """How one usable format fares with a target, whatever its reader does."""
    spec = plugin.spec
    assert spec is not None, "a usable plugin has a declaration"
    evidence = _evidence(spec, probe)
    candidate = Candidate(plugin.name, plugin, _first_confidence(spec, probe), evidence=evidence)
    refused = refusal(spec, probe)
    if refused is not None:
        return replace(candidate, confidence=0, rejected=refused)
    if spec.signatures and not evidence and probe.kind in ("file", "list"):
        return replace(candidate, rejected="neither signature nor extension fits")
    return _asked(candidate, probe)


def _first_confidence(spec: FormatSpec, probe: Probe) -> int:
    if any(signature.matches(probe.head) for signature in spec.signatures):
        return Confidence.SIGNATURE
    return Confidence.EXTENSION if probe.suffix in spec.extensions else 0


def _evidence(declared: FormatSpec | KnownFormat, probe: Probe) -> tuple[str, ...]:
    signs = [
        f"signature {signature.magic!r} at byte {signature.offset}"
        for signature in declared.signatures
        if signature.matches(probe.head)
    ]
    names = [f"extension .{probe.suffix}"] if probe.suffix in declared.extensions else []
    return (*signs, *names)


def _asked(candidate: Candidate, probe: Probe) -> Candidate:
    """The candidate after its own reader has looked, whatever that reader does."""
    before = probe.bytes_read
    try:
        match = candidate.plugin.reader().detect(probe)
        repr(match)  # is shown to people, and fails for instance where a number has too many digits
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a reader may even call sys.exit
        _log.debug("detection by %s failed", candidate.name, exc_info=True)
        text = error.message if isinstance(error, LamellaError) else str(error)
        text = text if isinstance(error, PluginError) else f"{type(error).__name__}: {text}"
        return replace(candidate, error=text, bytes_read=probe.bytes_read - before)
    candidate = replace(candidate, bytes_read=probe.bytes_read - before)
    if match is None:
        return replace(candidate, confidence=0, rejected="its reader does not recognise the content")
    if not isinstance(match, Match) or not _is_confidence(match.confidence):
        return replace(candidate, error=f"its reader answered {match!r}, expected a Match of 1 to 100, or None")
    return replace(candidate, confidence=int(match.confidence), match=match)


def _is_confidence(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100


def _leaders(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The best candidate and all that are not clearly behind it."""
    eligible = [candidate for candidate in candidates if candidate.eligible]
    return [other for other in eligible if eligible[0].confidence - other.confidence < LEAD]


def _hints(probe: Probe, registry: Registry) -> Iterator[Hint]:
    """Formats that speak for themselves but are not installed, or are installed and not usable."""
    plugins = registry.plugins()
    usable = {plugin.name for plugin in registry.usable()}
    for plugin in plugins:
        declared = plugin.spec or catalogue().get(plugin.name)
        evidence = () if declared is None or plugin.name in usable else _evidence_if_taken(declared, probe)
        if declared is not None and evidence:
            remedy = f"is installed but {plugin.status}: {advice(plugin)}"
            yield Hint(plugin.name, declared.title, evidence, remedy)
    installed = {plugin.name for plugin in plugins}
    for name, known in catalogue().items():
        evidence = () if name in installed else _evidence_if_taken(known, probe)
        if evidence:
            yield Hint(name, known.title, evidence, known.install)


def _evidence_if_taken(declared: FormatSpec | KnownFormat, probe: Probe) -> tuple[str, ...]:
    """Give the evidence for a format unless it cannot take such a target; of what is not installed, only files can."""
    takes = probe.kind in ("file", "list") or (isinstance(declared, FormatSpec) and refusal(declared, probe) is None)
    return _evidence(declared, probe) if takes else ()


def _suggestions(probe: Probe, contents: Contents | None, ask_hooks: bool) -> tuple[str, ...]:
    if probe.path is None:
        return ()
    named = named_kind(probe.suffix)
    if contents is not None:
        return (*([named] if named else []), *contents.lines())
    kind = companion(probe.path.name, probe.head) or named or familiar_kind(probe.head)
    known = (kind,) if kind else ()
    if not ask_hooks:
        return known
    from lamella.plugins.hooks import hooks

    return (*known, *hooks().lamella_suggest_reader(probe.path))


def _target_text(probe: Probe) -> str:
    if probe.kind == "object":
        return f"{_type_name(probe.target)} object"
    return str(probe.target) if probe.kind != "list" else f"{probe.path} and {len(probe.paths) - 1} more"


def _looked_at(probe: Probe) -> str:
    if probe.kind == "object":
        return "in memory"
    if probe.kind == "url":
        return "a URL"
    if probe.kind == "folder":
        return f"a folder with {len(probe.entries)} entries" if probe.entries else "an empty folder"
    if not probe.head:
        return "an empty file" if probe.size == 0 else f"{probe.size} bytes, none of them readable"
    return f"{probe.size} bytes, begins with {probe.head[:16]!r}"


def _type_name(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _nothing_found(report: Report) -> list[str]:
    return _no_such_format(report) if report.kind in ("file", "list") else _everything_found(report)


def _everything_found(report: Report) -> list[str]:
    lines = [f"no installed format recognises {printable(report.target)} ({report.looked_at})"]
    lines += [f"  {candidate.name}: {_outcome(candidate)}" for candidate in report.candidates]
    lines += _hint_lines(report)
    if not report.candidates and report.kind == "url":
        lines.append("Remote files need a plugin that reads them; or copy the file to this computer and open it there")
        return lines
    if report.contents is not None:
        return lines
    return [*lines, _choice(report)]


def _no_such_format(report: Report) -> list[str]:
    """Say of a file that no format recognises what a user can do with that: in five lines at most."""
    target = printable(report.target)
    hints = [f"  {hint}" for hint in report.hints]
    if report.emptiness is not None:
        return [f"{target}: {report.emptiness}", *hints[: _MOST_LINES - 1]]
    complete = _everything_found(report)
    if len(complete) <= _MOST_LINES:
        return complete
    near = [candidate for candidate in report.candidates if candidate.evidence or candidate.error is not None]
    lines = [f"no installed format recognises {target} ({report.looked_at})"]
    if near:
        shown = "; ".join(f"{candidate.name}: {_outcome(candidate)}" for candidate in near[:_MOST_NEAR])
        lines.append(f"its name or first bytes suggest {shown}")
    if report.hints:
        lines.append(f"would be candidates: {'; '.join(map(str, report.hints[:_MOST_NEAR]))}")
    room = _MOST_LINES - len(lines) - 1
    if report.suggestions and room:
        kept = report.suggestions[:room]
        lines += [*kept[:-1], " ".join(report.suggestions[room - 1 :])] if len(kept) == room else kept
    return [*lines, _choice(report)]


def _choice(report: Report) -> str:
    names = ", ".join(candidate.name for candidate in report.candidates) or "none"
    return f'If you know the format, name it: format="...". Installed for such targets: {names}'


def _several_found(report: Report, level: Sequence[Candidate]) -> list[str]:
    lines = [f"{printable(report.target)} may be of {len(level)} formats"]
    lines += [f"  {candidate.name}: {_outcome(candidate)}" for candidate in level]
    choices = " or ".join(f'format="{candidate.name}"' for candidate in level)
    return [*lines, f"Choose one: {choices}"]


def _outcome(candidate: Candidate) -> str:
    evidence = f" ({', '.join(candidate.evidence)})" if candidate.evidence else ""
    if candidate.error is not None:
        return f"its detection failed: {candidate.error}{evidence}"
    if candidate.rejected is not None:
        return f"{candidate.rejected}{evidence}"
    reason = printable(candidate.match.reason) if candidate.match is not None else "evidence only"
    return f"confidence {candidate.confidence}, {reason}{evidence}"


def _candidate_lines(candidate: Candidate) -> Iterator[str]:
    yield f"  {candidate.name:<10} {_outcome(candidate)}"
    match = candidate.match
    if match is None:
        return
    for name, value in match.params.items():
        origin = f"  (from {printable(match.origin[name])})" if name in match.origin else ""
        yield f"  {'':<10}   {name} = {printable(repr(value))}{origin}"
    if match.missing:
        yield f"  {'':<10}   still needed: {', '.join(match.missing)}"


def _hint_lines(report: Report) -> list[str]:
    lines = ["would be candidates:", *(f"  {hint}" for hint in report.hints)] if report.hints else []
    return [*lines, *report.suggestions]


def _candidate_json(candidate: Candidate) -> dict[str, object]:
    match = candidate.match
    return {
        "name": candidate.name,
        "distribution": candidate.plugin.distribution,
        "confidence": candidate.confidence,
        "evidence": list(candidate.evidence),
        "rejected": candidate.rejected,
        "error": candidate.error,
        "bytes_read": candidate.bytes_read,
        "reason": None if match is None else match.reason,
        "params": {} if match is None else {name: plain(value) for name, value in match.params.items()},
        "missing": [] if match is None else list(match.missing),
        "origin": {} if match is None else dict(match.origin),
    }


def _hint_json(hint: Hint) -> dict[str, object]:
    return {
        "name": hint.name,
        "title": hint.title,
        "evidence": list(hint.evidence),
        "remedy": hint.remedy,
    }


def plain(value: object) -> object:
    """The value of a parameter as JSON can hold it."""
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and isfinite(value)):
        return value
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, PurePath) else repr(value)
