"""From a path and some keywords to a data set: choose the format, check the parameters, ask the reader."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

from lamella.dataset.dataset import DataSet
from lamella.dataset.provenance import Provenance
from lamella.dataset.recipe import DataSetRecipe, can_be_named
from lamella.errors import CorruptError, LamellaError, LamellaWarning, PathError
from lamella.opening.detect import ask, detect
from lamella.opening.targets import refused_target
from lamella.opening.values import check_values
from lamella.params.fields import describe
from lamella.plugins.hooks import hooks
from lamella.plugins.registry import default_registry
from lamella.reader.probe import Probe
from lamella.system.text import made_printable
from lamella.system.warn import quiet

if TYPE_CHECKING:
    from lamella.opening.detect import Candidate
    from lamella.plugins.plugin import Plugin
    from lamella.plugins.registry import Registry
    from lamella.reader.match import Match
    from lamella.reader.source import FrameSource, LinearSource

__all__ = ["Recipe", "ask_reader", "open_dataset", "origins_of"]


def open_dataset(
    format: str, target: object, keywords: Mapping[str, Any], *, registry: Registry | None = None
) -> DataSet:
    """Open a file or wrap an object.

    Parameters
    ----------
    format
        Name of the format, or ``"auto"``. Either way the reader of the format is asked what it finds in the target.
    target
        Path of a file, or an object for formats that wrap objects; a list of paths, a folder or a URL for formats that
        take one.
    keywords
        Parameters of the format and common parameters; they override detected ones.
    registry
        Where plugins are looked up.

    Raises
    ------
    PathError
        If there is no such file (also a `FileNotFoundError`), it may not be read (`PermissionError`), or it is a
        folder that no format opens (`IsADirectoryError`).
    PluginError, DetectionError, ParameterError, FormatError, FrameMissingError
        As described in `lamella.errors`.
    """
    try:
        return _opened(format, target, keywords, registry or default_registry())
    except LamellaError as error:
        made_printable(error)  # what it was raised from may quote the file
        raise


def _opened(format: str, target: object, keywords: Mapping[str, Any], registry: Registry) -> DataSet:
    named = format.lower() != "auto"
    plugin = registry.get(format) if named else None
    takes_objects = plugin is not None and plugin.spec is not None and plugin.spec.target == "object"
    # Bytes are pixels for a format of objects, and may be a path elsewhere.
    probe = Probe(target, None, 0, 0) if takes_objects and isinstance(target, bytes) else Probe.of(target)
    if plugin is not None:
        refused = refused_target(plugin, probe, registry)
        if refused is not None:
            raise refused
        candidate = ask(plugin, probe)
    else:
        candidate = detect(probe, registry, hints=False).winner()
        plugin = candidate.plugin
    detected = {} if candidate.match is None else candidate.match.params
    values = {**detected, **keywords}
    checked = check_values(plugin, values)
    common, params = checked.required(plugin)
    source = ask_reader(plugin, params, probe)
    if common.sig_shape is not None:
        from lamella.opening.reshape import reshape_source  # with codecs, and seldom needed

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
        recipe=Recipe.of(probe.target, plugin.name, _anchored(plugin, values)) if can_be_named(probe.target) else None,
    )
    hooks().lamella_dataset_opened(dataset=dataset)
    return dataset


def _anchored(plugin: Plugin, values: Mapping[str, Any]) -> dict[str, Any]:
    """Give parameters that mean the same in another working directory: paths among them are absolute."""
    anchored = dict(values)
    for info in describe(plugin.params_class()):
        value = anchored.get(info.name)
        if value and (isinstance(value, os.PathLike) or (info.param.kind == "path" and isinstance(value, str))):
            anchored[info.name] = os.path.abspath(value)
    return anchored


def ask_reader(plugin: Plugin, params: Any, probe: Probe) -> LinearSource | FrameSource:
    """Give what the reader of a format finds; what goes wrong with it becomes an error of `lamella.errors`."""
    try:
        return plugin.reader().open(params, probe)
    except (LamellaError, MemoryError):
        raise
    except OSError as error:
        if isinstance(error.filename, str | bytes):
            raise PathError.of(error, os.fsdecode(error.filename)) from error
        raise CorruptError(f"reading failed ({error})", path=probe.path or probe.url) from error
    except Exception as error:
        raise CorruptError(
            f"the reader of {plugin.name!r} failed ({type(error).__name__}: {error})",
            path=probe.path or probe.url,
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


@final
class Recipe(DataSetRecipe[DataSet]):
    """What `lamella.open` needs, as a value: nothing is looked at before `open` is called.

    Recipes compare equal when they open the same in the same way, and pickle. Files are named by absolute paths, so
    that a recipe means the same in another working directory. ``ds.recipe`` gives the one of a data set.

    Parameters
    ----------
    target
        Path or URL of a file, or a list of them for formats that take one.
    format
        Name of the format, or ``"auto"``.
    **parameters
        Parameters of the format and common ones, as for `lamella.open`; checked when it is opened. Paths among them
        should be absolute, and are in ``ds.recipe``.

    Raises
    ------
    ParameterError
        If the target is an object in memory, which has no recipe.

    Examples
    --------
    >>> import numpy as np
    >>> import lamella
    >>> np.save("scan.npy", np.zeros((4, 6, 8, 8), np.uint16))
    >>> recipe = lamella.Recipe("scan.npy", nav_shape=(2, 12))
    >>> recipe.open().shape.nav
    Shape(nav=(2, 12), sig=())
    >>> lamella.Recipe.from_json(recipe.to_json()) == recipe
    True
    """

    def open(self) -> DataSet:
        """Open the data set, like `lamella.open`."""
        target = self.target if isinstance(self.target, str) else list(self.target)
        return open_dataset(self.format, target, self.parameters)

    def reopen(self) -> DataSet:
        """Give the data set that was opened earlier if its files are unchanged, or open it without warnings."""
        recipe = self.here()
        with _lock:
            dataset = _reopened.get(recipe)
            if dataset is not None and _unchanged(dataset):
                _reopened.move_to_end(recipe)
                return dataset
        with quiet(LamellaWarning):
            dataset = recipe.open()
        with _lock:
            _reopened[recipe] = dataset
            while len(_reopened) > _KEEP:
                _reopened.popitem(last=False)
        return dataset


_KEEP = 16
_reopened: OrderedDict[Recipe, DataSet] = OrderedDict()
_lock = threading.Lock()


def _unchanged(dataset: DataSet) -> bool:
    for resource in dataset.source.resources:
        try:
            if not resource.same_file(resource.stat()):
                return False
        except OSError:
            return False
    return True
