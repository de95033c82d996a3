"""dask's side: an array over a memory map, with as many threads as the others have workers."""

from __future__ import annotations

import sys
from typing import Any

import dask.array as da
import dask_jobs
import numpy as np
from array_jobs import mapped
from serve import Job, serve


def main() -> None:
    """Serve."""
    workers = int(sys.argv[1])
    opened: dict[str, Any] = {}

    def load(file: dict[str, Any]) -> Any:
        data = mapped(file)
        return da.from_array(data, chunks=(max(1, dask_jobs.BLOCK * 65536 // data[0].size), -1, -1))

    def prepare(file: dict[str, Any], job: str, state: str) -> Job:
        if state != "later":
            opened.clear()
        if file["path"] not in opened:
            opened[file["path"]] = load(file)
        if job == "open":
            return lambda number: {"frame": np.asarray(load(file)[0])}
        return dask_jobs.job_of(job, file, opened[file["path"]], workers)

    serve(prepare, opened.clear, versions=("dask", "numpy"))


if __name__ == "__main__":
    main()
