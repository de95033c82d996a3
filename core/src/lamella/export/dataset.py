"""Writing data sets and results to files that are complete or absent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamella.errors import ParameterError

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.executors.executor import Executor
    from lamella.export.exporter import Exporter, ExportReport
    from lamella.progress import ProgressOption

__all__ = ["export_dataset", "find_exporter"]

GROUP = "lamella.exporters"
BUILTIN = {"npy": "lamella.export.npy:NpyExporter"}


def find_exporter(path: str | os.PathLike[str], format: str | None = None) -> Exporter:
    """Give the exporter for a file.

    Parameters
    ----------
    path
        The file to write; its extension chooses the exporter unless ``format`` does.
    format
        Name of the exporter.

    Raises
    ------
    ParameterError
        If no exporter takes the extension.
    PluginError
        If there is no exporter of that name.
    """
    from lamella.plugins.entrypoints import load_named, named_entry_points

    if format is not None:
        made: Exporter = load_named(GROUP, format.lower(), builtin=BUILTIN)()
        return made
    extension = Path(path).suffix.lower().lstrip(".")
    known: list[str] = []
    for name in {**BUILTIN, **named_entry_points(GROUP)}:
        exporter: Exporter = load_named(GROUP, name, builtin=BUILTIN)()
        if extension in exporter.extensions:
            return exporter
        known += exporter.extensions
    listed = ", ".join(f".{item}" for item in known)
    raise ParameterError(f"data sets cannot be written as .{extension} files, only as {listed}", field="path")


def export_dataset(
    dataset: DataSet,
    path: str | os.PathLike[str],
    *,
    executor: Executor,
    format: str | None = None,
    overwrite: bool = False,
    fill: float = 0,
    progress: ProgressOption = False,
) -> ExportReport:
    """Write a data set; see `lamella.Context.export_dataset`."""
    target = Path(path).absolute()
    exporter = find_exporter(target, format)
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target} exists; give overwrite=True to replace it")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the folder {target.parent} does not exist")
    return exporter.export(dataset, target, executor=executor, fill=fill, progress=progress)


def __getattr__(name: str) -> Any:
    if name == "save_results":
        from lamella.export.results import save_results

        return save_results
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
