"""What can be taken away: results as files, and the code that computes them."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from lamella import script_of
from lamella.analysis import AnalysisResultSet, make_analysis
from lamella.errors import ParameterError
from lamella_gui.openscan import OpenScan
from lamella_gui.panels import Panel
from lamella_viewer.live import region_mask

__all__ = ["code_of", "result_file"]

KINDS = {"npy": "application/octet-stream", "npz": "application/octet-stream", "tif": "image/tiff"}


def result_file(one: OpenScan, panel: Panel, kind: str) -> tuple[bytes, str]:
    """Give the exact result of a panel as a file, and its media type.

    Parameters
    ----------
    one, panel
        The data set and the analysis.
    kind
        ``"npy"`` for the channel that is shown, ``"npz"`` for all channels, ``"tif"`` for images.

    Raises
    ------
    LamellaError
        If there is no such kind, or the result cannot be computed or written.
    """
    if kind not in KINDS:
        raise ParameterError(f"a result is written as one of {', '.join(KINDS)}", field="kind")
    if one.scan is None:
        raise ParameterError("the data set is not open")
    results = one.scan.exact(panel.analysis, panel.parameters, panel.region)
    if kind == "npy":
        file = io.BytesIO()
        np.save(file, _one(results, panel.channel), allow_pickle=False)
        return file.getvalue(), KINDS[kind]
    with tempfile.TemporaryDirectory(prefix="lamella-") as folder:
        (path,) = results.save(Path(folder) / f"result.{kind}")
        return path.read_bytes(), KINDS[kind]


def _one(results: AnalysisResultSet, channel: str | None) -> Any:
    chosen = results[0] if channel is None else results[channel]
    raw = chosen.raw_data
    return np.stack([np.asarray(part) for part in raw]) if isinstance(raw, tuple) else np.asarray(raw)


def code_of(one: OpenScan, panel: Panel, kind: str) -> tuple[str, str]:
    """Give the code that computes the result of a panel, and its media type.

    Parameters
    ----------
    one, panel
        The data set and the analysis.
    kind
        ``"py"``, ``"ipynb"`` or ``"sh"``.

    Raises
    ------
    LamellaError
        If there is no such kind.
    """
    dataset = one.dataset
    analysis = make_analysis(panel.analysis, dataset, **panel.parameters)
    region = region_mask(panel.region, tuple(dataset.shape.nav))
    script = script_of(dataset, [analysis], roi=region)
    if kind == "sh":
        return "\n".join(script.command) + "\n", "text/plain"
    if kind == "py":
        return "\n".join(script.python) + "\n", "text/x-python"
    if kind == "ipynb":
        return _notebook(script.python), "application/x-ipynb+json"
    raise ParameterError("code is written as one of py, ipynb, sh", field="kind")


def _notebook(lines: tuple[str, ...]) -> str:
    source = "\n".join(lines)
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "lamella",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
    }
    cells = [cell | {"source": source.splitlines(keepends=True)}]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1) + "\n"
