"""From a path and some keywords to a data set: choose the format, check the parameters, ask the reader."""

from __future__ import annotations

import os
import threading
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from lamella.corrections.resolve import fact
from lamella.dataset.dataset import DataSet, Provenance
from lamella.errors import CorruptError, LamellaError, LamellaWarning, ParameterError
from lamella.opening.detect import ask, detect
from lamella.opening.reshape import reshape_source
from lamella.opening.values import check_values, list_problem
from lamella.plugins.hooks import hooks
from lamella.plugins.registry import default_registry
from lamella.reader.probe import Probe

if TYPE_CHECKING:
    from lamella.opening.detect import Candidate
    from lamella.plugins.plugin import Plugin
    from lamella.plugins.registry import Registry
    from lamella.reader.match import Match
    from lamella.reader.source import FrameSource, LinearSource

__all__ = ["ask_reader", "open_dataset", "origins_of"]


def open_dataset(
    format: str, target: object, keywords: Mapping[str, Any], *, registry: Registry | None = None
) -> DataSet:
    """Open a file or wrap an object.

    Parameters
    ----------
    format
        Name of the format, or ``"auto"``. Either way the reader of the format is asked what it finds in the target.
    target
        Path of a file, a list of paths for formats that take one, or an object for formats that wrap objects.
    keywords
        Parameters of the format and common parameters; they override detected ones.
    registry
        Where plugins are looked up.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    PluginError, DetectionError, ParameterError, FormatError, FrameMissingError
        As described in `lamella.errors`.
    """
    registry = registry or default_registry()
    probe = Probe.of(target)
    named = format.lower() != "auto"
    candidate = ask(registry.get(format), probe) if named else detect(probe, registry).winner()
    plugin = candidate.plugin
    too_many = list_problem(plugin, probe)
    if too_many is not None:
        raise ParameterError([too_many])
    detected = {} if candidate.match is None else candidate.match.params
    values = {**detected, **keywords}
    checked = check_values(plugin, values)
    common, params = checked.required(plugin)
    source = ask_reader(plugin, params, probe)
    if common.sig_shape is not None:
        source = reshape_source(source, common.sig_shape)
    dataset = DataSet(
        source,
        provenance=_provenance(candidate, keywords, checked.values, probe, named=named),
        nav_shape=common.nav_shape,
        sync_offset=common.sync_offset,
        missing=common.missing,
        corrections=common.corrections,
        io_backend=common.io_backend,  # type: ignore[arg-type]
        num_partitions=common.num_partitions,
        name=common.name,
        notes=checked.notes,
        reopen=_recipe(plugin, probe, values),
    )
    hooks().lamella_dataset_opened(dataset=dataset)
    return dataset


def ask_reader(plugin: Plugin, params: Any, probe: Probe) -> LinearSource | FrameSource:
    """Give what the reader of a format finds; what goes wrong with it becomes an error of `lamella.errors`."""
    try:
        return plugin.reader().open(params, probe)
    except (LamellaError, MemoryError):
        raise
    except OSError as error:
        if error.filename is not None:
            raise
        raise CorruptError(f"reading failed ({error})", path=probe.path) from error
    except Exception as error:
        raise CorruptError(
            f"the reader of {plugin.name!r} failed ({type(error).__name__}: {error})",
            path=probe.path,
            remedy=f"The file is damaged, or {plugin.distribution} has a defect; please report it",
        ) from error


def origins_of(match: Match | None, keywords: Mapping[str, object]) -> dict[str, str]:
    """Give where the value of each parameter comes from that is not the default."""
    origins: dict[str, str] = {}
    if match is not None:
        origins |= {name: match.origin.get(name, f"detected: {match.reason}") for name in match.params}
    return origins | {name: "user" for name, value in keywords.items() if value is not None}


def _provenance(
    candidate: Candidate,
    keywords: Mapping[str, Any],
    chosen: Mapping[str, Any],
    probe: Probe,
    *,
    named: bool,
) -> Provenance:
    plugin, match = candidate.plugin, candidate.match
    return Provenance(
        format=plugin.name,
        title=plugin.spec.title if plugin.spec is not None else plugin.name,
        distribution=plugin.distribution,
        version=plugin.version,
        confidence=None if named else candidate.confidence,
        reason="named by the user" if named or match is None else match.reason,
        target=_target_text(probe),
        parameters={name: value for name, value in chosen.items() if name != "name" and value is not None},
        origins=origins_of(match, keywords),
    )


def _target_text(probe: Probe) -> str:
    if isinstance(probe.target, (str, os.PathLike)):
        return os.fspath(probe.target)
    return f"{probe.path} and {len(probe.paths) - 1} more" if probe.paths else type(probe.target).__name__


def _recipe(plugin: Plugin, probe: Probe, values: Mapping[str, Any]) -> _Recipe | None:
    if not probe.paths:
        return None
    return _Recipe(plugin.name, tuple(map(str, probe.paths)), tuple(sorted(values.items())))


@dataclass(frozen=True)
class _Recipe:
    """Opens a data set again, in another process or another session; keeps the last few."""

    format: str
    paths: tuple[str, ...]
    values: tuple[tuple[str, Any], ...]

    def __call__(self) -> DataSet:
        key = (self.format, self.paths, tuple((name, fact(value)) for name, value in self.values))
        with _lock:
            dataset = _reopened.get(key)
            if dataset is not None and _unchanged(dataset):
                _reopened.move_to_end(key)
                return dataset
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LamellaWarning)
            dataset = open_dataset(self.format, self.paths if len(self.paths) > 1 else self.paths[0], dict(self.values))
        with _lock:
            _reopened[key] = dataset
            while len(_reopened) > _KEEP:
                _reopened.popitem(last=False)
        return dataset


_KEEP = 16
_Key: TypeAlias = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]
_reopened: OrderedDict[_Key, DataSet] = OrderedDict()
_lock = threading.Lock()


def _unchanged(dataset: DataSet) -> bool:
    for resource in dataset.source.resources:
        try:
            status = os.stat(resource.path)
        except OSError:
            return False
        if (status.st_size, status.st_mtime_ns) != (resource.size, resource.mtime_ns):
            return False
    return True
