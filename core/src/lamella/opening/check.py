"""What a form shows while somebody types: what is wrong, where values come from, and how the scan would look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any

from lamella.corrections.resolve import choose
from lamella.dataset.coverage import check_visible, shown_frames
from lamella.errors import FrameMissingError, LamellaError, ParameterError, PluginError, Problem
from lamella.geometry.shape import scan_shapes
from lamella.io.choose import choose_backend
from lamella.opening.detect import Candidate, ask, detect, plain
from lamella.opening.open import ask_reader, origins_of
from lamella.opening.reshape import reshape_source
from lamella.opening.targets import refused_target
from lamella.opening.values import check_values
from lamella.params.fields import describe
from lamella.plugins.registry import default_registry
from lamella.reader.probe import Probe
from lamella.system.paths import relative_names
from lamella.system.warn import quiet

if TYPE_CHECKING:
    from lamella.geometry.frames import FrameCounts, FrameMap
    from lamella.opening.values import CheckedValues
    from lamella.params.validate import CommonParams
    from lamella.plugins.plugin import Plugin
    from lamella.plugins.registry import Registry
    from lamella.reader.source import FrameSource, LinearSource

__all__ = ["CheckReport", "check"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What `check` found out.

    Attributes
    ----------
    problems : tuple of Problem
        Everything that is wrong: pairs of the name of a parameter (or ``"target"``, ``"format"``, or None) and a
        sentence.
    format, title : str or None
        The format that would open the target.
    values : mapping
        Values of all parameters of the format and of those that all formats share, in the types that they declare;
        without those that are wrong or missing.
    origins : mapping
        Where each of them comes from: ``"user"``, what the detection says about it, or ``"default"``.
    missing : tuple of str
        Parameters that still have to be given.
    counts : FrameCounts or None
        How stored frames and scan positions meet: frames in the file, shown, skipped at the start, ignored at the
        end; positions that are missing at the start (inserted), at the end, or lost. None, as what follows, if the
        reader could not look into the target yet.
    nav_shape, nav_origin, sync_offset
        The scan as it would be opened, and where its shape comes from.
    sig_shape, dtype
        Shape and dtype of a frame.
    alternatives : tuple
        Other scan shapes that would be plausible, each with the reason.
    notes : tuple of str
        What a user should know about the file.
    """

    problems: tuple[Problem, ...] = ()
    format: str | None = None
    title: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    counts: FrameCounts | None = None
    nav_shape: tuple[int, ...] | None = None
    nav_origin: str | None = None
    sync_offset: int | None = None
    sig_shape: tuple[int, ...] | None = None
    dtype: str | None = None
    alternatives: tuple[tuple[tuple[int, ...], str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the target would open with these values."""
        return not self.problems

    def at(self, name: str | None) -> tuple[str, ...]:
        """Give the sentences that belong to a parameter, or with None to no parameter in particular."""
        return tuple(text for field, text in self.problems if field == name)

    def to_json(self, root: str | PathLike[str] | None = None) -> dict[str, object]:
        """The report as a dictionary of plain values, ready for `json.dumps`; names of files relative to a folder."""
        facts = {name: plain(getattr(self, name)) for name in self.__slots__ if name not in ("problems", "counts")}
        facts["ok"] = self.ok
        facts["problems"] = [problem._asdict() for problem in self.problems]
        facts["counts"] = None if self.counts is None else asdict(self.counts) | {"missing": self.counts.missing}
        facts["alternatives"] = [{"nav_shape": list(shape), "why": why} for shape, why in self.alternatives]
        relative: dict[str, object] = relative_names(facts, root)
        return relative


def check(
    format: str, target: object, values: Mapping[str, Any] | None = None, *, registry: Registry | None = None
) -> CheckReport:
    """Check parameters against a file, as a form needs it while a user types.

    Headers are read as by `lamella.open`, but no data set is made: no pixels are read, no plugin that watches opened
    data sets is called, no warning is issued, and nothing stays open. Whatever is wrong with the target or the values
    is part of the report.

    Parameters
    ----------
    format
        Name of the format, or ``"auto"``.
    target
        Path of a file, a list of paths, or an object for formats that wrap objects.
    values
        What the user said so far; leave out what nobody said.
    registry
        Where plugins are looked up; what is installed by default.

    Examples
    --------
    >>> import numpy as np
    >>> import lamella
    >>> report = lamella.check("memory", np.zeros((120, 8, 8)), {"nav_shape": "10 x 13", "sig_dims": "two"})
    >>> report.problems
    (Problem(field='sig_dims', text="expected an integer, found 'two' (str)"),)
    >>> report = lamella.check("memory", np.zeros((120, 8, 8)), {"nav_shape": "10 x 13"})
    >>> report.ok, report.nav_shape, report.counts.missing, report.alternatives[0]
    (True, (10, 13), 10, ((10, 12), 'shows all 120 frames'))
    """
    with quiet():
        return _report(str(format), target, dict(values or {}), registry or default_registry())


def _report(format: str, target: object, given: Mapping[str, Any], registry: Registry) -> CheckReport:
    problems: list[Problem] = []
    probe = candidate = None
    try:
        probe = Probe.of(target)
    except (OSError, ValueError) as error:  # ValueError: no path can be like that
        problems.append(Problem("target", _told(error)))
    try:
        candidate = _candidate(format, probe, registry)
    except (LamellaError, OSError) as error:
        problems.append(Problem("format" if isinstance(error, PluginError) else "target", _told(error)))
    if candidate is None:
        return CheckReport(problems=tuple(problems))
    plugin, match = candidate.plugin, candidate.match
    try:
        checked = check_values(plugin, {**({} if match is None else match.params), **given})
    except PluginError as error:
        return CheckReport(problems=(*problems, Problem("format", str(error))), format=plugin.name)
    refused = None if probe is None else refused_target(plugin, probe, registry)
    problems += [] if refused is None else _problems_of(refused, "target")
    origins = origins_of(match, given)
    scan: dict[str, Any] = {}
    found: Sequence[Problem] = ()
    if not problems and probe is not None and checked.params is not None:
        scan, found = _scan(plugin, checked.common, checked.params, probe)
        if checked.values.get("nav_shape") is not None:
            scan["nav_origin"] = origins["nav_shape"]
    return CheckReport(
        problems=tuple(dict.fromkeys((*problems, *checked.problems, *found))),
        format=plugin.name,
        title=None if plugin.spec is None else plugin.spec.title,
        values=checked.values,
        origins={name: origins.get(name, "default") for name in checked.values},
        missing=_missing(candidate, checked),
        notes=(*scan.pop("notes", ()), *checked.notes),
        **scan,
    )


def _candidate(format: str, probe: Probe | None, registry: Registry) -> Candidate | None:
    """Give the format, with what its reader sees in the target; None if there is nothing to find it out from."""
    if format.lower() != "auto":
        plugin = registry.get(format)
        return Candidate(plugin.name, plugin) if probe is None else ask(plugin, probe)
    return None if probe is None else detect(probe, registry, ask_hooks=False, hints=False).winner()


def _missing(candidate: Candidate, checked: CheckedValues) -> tuple[str, ...]:
    """Give the parameters without a default, and those that the reader still asks for, that nobody gave."""
    declared = [info.name for info in describe(candidate.plugin.params_class()) if info.required]
    asked = () if candidate.match is None else candidate.match.missing
    wrong = {field for field, text in checked.problems if not text.startswith("required")}
    return tuple(
        name for name in dict.fromkeys((*declared, *asked)) if checked.values.get(name) is None and name not in wrong
    )


def _scan(plugin: Plugin, common: CommonParams, params: Any, probe: Probe) -> tuple[dict[str, Any], Sequence[Problem]]:
    """Let the reader look, and give what belongs into the report about the scan, and what is wrong with it."""
    try:
        source = ask_reader(plugin, params, probe)
        if common.sig_shape is not None:
            source = reshape_source(source, common.sig_shape)
    except (LamellaError, OSError, MemoryError) as error:
        return {}, _problems_of(error, "format")
    frames = shown_frames(source, common.nav_shape, common.sync_offset)
    path = source.resources[0].path if source.resources else None
    name, asked = common.name or probe.stem or plugin.name, common.nav_shape is not None
    looks: tuple[tuple[str, Callable[[], object]], ...] = (
        ("nav_shape", lambda: check_visible(frames, missing=common.missing, name=name, path=path, asked=asked)),
        ("corrections", lambda: choose(common.corrections, lambda: None, source.sig_shape)),
        ("io_backend", lambda: choose_backend(common.io_backend, source.resources)),  # type: ignore[arg-type]
    )
    problems: list[Problem] = []
    for blamed, look in looks:
        try:
            look()
        except (LamellaError, OSError) as error:
            problems += _problems_of(error, blamed)
    return _scan_facts(source, frames), problems


def _scan_facts(source: LinearSource | FrameSource, frames: FrameMap) -> dict[str, Any]:
    info, counts = source.info, frames.counts
    others = [(tuple(shape), why) for shape, why in info.nav_alternatives]
    others += [(shape, f"shows all {counts.frames} frames") for shape in scan_shapes(counts.frames)]
    distinct: dict[tuple[int, ...], str] = {}
    for shape, why in others:
        if shape != frames.nav_shape:
            distinct.setdefault(shape, why)
    return {
        "counts": counts,
        "nav_shape": frames.nav_shape,
        "nav_origin": info.nav_origin,
        "sync_offset": frames.sync_offset,
        "sig_shape": source.sig_shape,
        "dtype": str(source.dtype),
        "alternatives": tuple(distinct.items()),
        "notes": info.notes,
    }


def _problems_of(error: Exception, field: str) -> Sequence[Problem]:
    """Give the problems that an error tells; ``field`` is to blame where a plugin or frames are missing."""
    if isinstance(error, ParameterError):
        return error.problems
    if isinstance(error, OSError):
        field = "target"
    blamed = isinstance(error, (PluginError, FrameMissingError, OSError))
    return (Problem(field if blamed else None, _told(error)),)


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, LamellaError) and error.strerror:
        return error.strerror if error.filename is None else f"{error.strerror}: {error.filename}"
    return str(error) or type(error).__name__
