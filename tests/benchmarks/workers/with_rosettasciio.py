"""RosettaSciIO's side: the lazy signal of its reader, computed by dask."""

from __future__ import annotations

import importlib
import logging
import math
import sys
import warnings
from typing import Any

import dask_jobs
import numpy as np
from serve import Impossible, Job, serve

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

_READERS = {"mib": "rsciio.quantumdetector", "blo": "rsciio.blockfile"}


def main() -> None:
    """Serve."""
    workers = int(sys.argv[1])
    opened: dict[str, Any] = {}

    def load(file: dict[str, Any]) -> Any:
        if file["format"] not in _READERS:
            raise Impossible(f"it does not read {file['format']} files")
        more = {"navigation_shape": tuple(file["nav_shape"])[::-1]} if file["format"] == "mib" else {}
        reader = importlib.import_module(_READERS[file["format"]])
        data = reader.file_reader(file["path"], lazy=True, **more)[0]["data"]
        if file["format"] == "mib":  # it turns frames upside down
            data = data[..., ::-1, :]
        return data.reshape(math.prod(file["nav_shape"]), *file["sig_shape"])

    def prepare(file: dict[str, Any], job: str, state: str) -> Job:
        if state != "later":
            opened.clear()
        if file["path"] not in opened:
            opened[file["path"]] = load(file)
        if job == "open":
            return lambda number: {"frame": np.asarray(load(file)[0])}
        return dask_jobs.job_of(job, file, opened[file["path"]], workers)

    serve(prepare, opened.clear, versions=("rosettasciio", "dask", "numpy"))


if __name__ == "__main__":
    main()
