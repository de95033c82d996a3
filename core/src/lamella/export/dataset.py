"""Writing data sets and results to files that are complete or absent."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from lamella.errors import ParameterError, PluginError
from lamella.system.text import printable

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.executors.executor import Executor
    from lamella.export.exporter import Exporter, ExportReport
    from lamella.progress import ProgressOption

__all__ = ["export_dataset", "find_exporter"]


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
        If there is no exporter of that name, or its plugin cannot be used.
    """
    from lamella.plugins.kinds import EXPORTERS
    from lamella.plugins.registry import default_registry

    if format is not None:
        return cast("Exporter", default_registry().get(format, EXPORTERS).make())
    extension = Path(path).suffix.lower().lstrip(".")
    known: list[str] = []
    troubles: list[str] = []
    for plugin in sorted(default_registry().plugins(EXPORTERS), key=lambda plugin: not plugin.is_builtin):
        try:
            exporter = cast("Exporter", plugin.make())
            extensions = tuple(exporter.extensions)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # one exporter that fails does not stop another one
            troubles.append(str(error) if isinstance(error, PluginError) else f"{plugin.name}: {error}")
            continue
        if extension in extensions:
            return exporter
        known += extensions
    listed = ", ".join(f".{item}" for item in known)
    found = f"as .{extension} files" if extension else f"to a file without an extension ({printable(Path(path).name)})"
    text = f"data sets cannot be written {found}, only as {listed}"
    raise ParameterError("; ".join([text, *troubles]), field="path")


def export_dataset(
    dataset: DataSet,
    path: str | os.PathLike[str],
    *,
    executor: Executor,
    format: str | None = None,
    overwrite: bool = False,
    fill: float = 0,
    crop: str | None = None,
    bins: int | Sequence[int] | None = None,
    progress: ProgressOption = False,
) -> ExportReport:
    """Write a data set; see `lamella.Context.export_dataset`."""
    target = Path(path).absolute()
    exporter = find_exporter(target, format)
    if target.exists() and not overwrite:
        raise FileExistsError(f"{printable(target)} exists; give overwrite=True to replace it")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the folder {printable(target.parent)} does not exist")
    from lamella.dataset.fillvalue import fill_value
    from lamella.export.cropping import cropped

    wanted = cropped(dataset, crop)
    if bins is not None:
        from lamella.dataset.binned import binned_dataset

        wanted = binned_dataset(wanted, bins)
    fill_value(fill, wanted.dtype, remedy="The file has the dtype of the pixels")
    fill = np.asarray(fill).item()  # a number of Python, which JSON can hold
    if fill and wanted.missing == "zero":
        wanted = wanted.of_source(wanted.source, missing="skip", io_backend=wanted.backend)
    return exporter.export(wanted, target, executor=executor, fill=fill, progress=progress)
