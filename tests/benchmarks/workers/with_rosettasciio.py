"""RosettaSciIO's side: the lazy signal of its reader, computed by dask."""

from __future__ import annotations

import importlib
import logging
import math
import warnings
from typing import Any

import dask_jobs
from serve import Impossible

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

_READERS = {"mib": "rsciio.quantumdetector", "blo": "rsciio.blockfile"}


def main() -> None:
    """Serve."""

    def load(file: dict[str, Any]) -> Any:
        if file["format"] not in _READERS:
            raise Impossible(f"it does not read {file['format']} files")
        more = {"navigation_shape": tuple(file["nav_shape"])[::-1]} if file["format"] == "mib" else {}
        reader = importlib.import_module(_READERS[file["format"]])
        data = reader.file_reader(file["path"], lazy=True, **more)[0]["data"]
        if file["format"] == "mib":  # it turns frames upside down
            data = data[..., ::-1, :]
        return data.reshape(math.prod(file["nav_shape"]), *file["sig_shape"])

    dask_jobs.serve_lazy(load, versions=("rosettasciio", "dask", "numpy"))


if __name__ == "__main__":
    main()
