"""dask's side: an array over a memory map, with as many threads as the others have workers."""

from __future__ import annotations

from typing import Any

import dask.array as da
import dask_jobs
from array_jobs import mapped


def main() -> None:
    """Serve."""

    def load(file: dict[str, Any]) -> Any:
        data = mapped(file)
        return da.from_array(data, chunks=(max(1, dask_jobs.BLOCK * 65536 // data[0].size), -1, -1))

    dask_jobs.serve_lazy(load, versions=("dask", "numpy"))


if __name__ == "__main__":
    main()
