"""The kinds of plugins: where each is declared, what the core brings itself, and what a declaration must look like.

What the core brings is declared here and nowhere else, as text: it is found without installed metadata (in a frozen
application, in a copy of the sources, beside a damaged distribution), and without reading the metadata of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lamella.format import FormatSpec
from lamella.plugins.hookspecs import hook_problems

__all__ = ["ANALYSES", "EXECUTORS", "EXPORTERS", "FORMATS", "HOOKS", "IO_BACKENDS", "KINDS", "VIEWERS", "Kind"]

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of plugin.

    Parameters
    ----------
    group
        The entry-point group in which distributions declare such plugins.
    noun
        What messages call one.
    problems
        Called as ``problems(kind, name, declared)``; says what is wrong with what an entry point gives.
    builtin
        What the core brings itself, as ``"module:attribute"`` by name.
    methods
        What every object of this kind can do.
    """

    group: str
    noun: str
    problems: Callable[[Kind, str, object], list[str]]
    builtin: Mapping[str, str] = field(default_factory=lambda: _NONE)
    methods: tuple[str, ...] = ()


def _format_problems(kind: Kind, name: str, declared: object) -> list[str]:
    if not isinstance(declared, FormatSpec):
        what = f"the class {declared.__name__}" if isinstance(declared, type) else type(declared).__name__
        return [f"exports {what}, expected a FormatSpec"]
    problems = list(declared.problems())
    if not problems and declared.name != name:
        problems.append(f"the entry point is named {name!r} but the format {declared.name!r}")
    return problems


def _factory_problems(kind: Kind, name: str, declared: object) -> list[str]:
    """What is wrong with something that must make an object when it is called."""
    if not callable(declared):
        return [f"exports {type(declared).__name__}, expected a class or function that makes an {kind.noun}"]
    if not isinstance(declared, type):
        return []
    unwritten: frozenset[str] = getattr(declared, "__abstractmethods__", frozenset())
    absent = [method for method in kind.methods if not hasattr(declared, method)]
    return [f"{declared.__name__} lacks {method}" for method in sorted({*unwritten, *absent})]


def _hook_problems(kind: Kind, name: str, declared: object) -> list[str]:
    return hook_problems(declared)


FORMATS = Kind("lamella.formats", "format", _format_problems)
EXECUTORS = Kind(
    "lamella.executors",
    "executor",
    _factory_problems,
    {
        "inline": "lamella.executors.inline:InlineExecutor",
        "threads": "lamella.executors.threads:ThreadsExecutor",
        "processes": "lamella.executors.processes:ProcessesExecutor",
    },
    ("run", "map", "close"),
)
IO_BACKENDS = Kind(
    "lamella.io_backends",
    "I/O backend",
    _factory_problems,
    {
        "mmap": "lamella.io.mmap:MmapBackend",
        "buffered": "lamella.io.buffered:BufferedBackend",
        "direct": "lamella.io.direct:DirectBackend",
    },
    ("unavailable", "open"),
)
EXPORTERS = Kind(
    "lamella.exporters", "exporter", _factory_problems, {"npy": "lamella.export.npy:NpyExporter"}, ("export",)
)
ANALYSES = Kind(
    "lamella.analyses",
    "analysis",
    _factory_problems,
    {
        "com": "lamella.analysis.com:CoMAnalysis",
        "disk": "lamella.analysis.masks:DiskAnalysis",
        "frames": "lamella.analysis.simple:FramesAnalysis",
        "mask": "lamella.analysis.masks:MasksAnalysis",
        "pick": "lamella.analysis.simple:PickAnalysis",
        "point": "lamella.analysis.masks:PointAnalysis",
        "radial_fourier": "lamella.analysis.radialfourier:RadialFourierAnalysis",
        "ring": "lamella.analysis.masks:RingAnalysis",
        "std": "lamella.analysis.simple:StdAnalysis",
        "sum": "lamella.analysis.simple:SumAnalysis",
        "sumsig": "lamella.analysis.simple:SumSigAnalysis",
    },
    ("udf", "results"),
)
VIEWERS = Kind("lamella.viewers", "viewer", _factory_problems)
HOOKS = Kind("lamella", "hook package", _hook_problems)

KINDS = (FORMATS, EXECUTORS, IO_BACKENDS, EXPORTERS, ANALYSES, VIEWERS, HOOKS)
"""All kinds, in the order in which they are listed."""
