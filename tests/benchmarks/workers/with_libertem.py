"""LiberTEM's side, with its threads or, as ``libertem-default``, as it comes; in an environment of its own."""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import udf_jobs
from libertem.api import Context
from libertem.io.dataset.base import BufferedBackend
from libertem.udf import UDF
from libertem.udf.com import CoMUDF
from libertem.udf.masks import ApplyMasksUDF
from libertem.udf.raw import PickUDF
from libertem.udf.stddev import StdDevUDF
from libertem.udf.sum import SumUDF
from libertem.udf.sumsigudf import SumSigUDF
from serve import Job, serve

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

TOOLS = SimpleNamespace(
    UDF=UDF,
    CoMUDF=CoMUDF,
    ApplyMasksUDF=ApplyMasksUDF,
    StdDevUDF=StdDevUDF,
    SumUDF=SumUDF,
    SumSigUDF=SumSigUDF,
)


def main() -> None:
    """Serve."""
    default = len(sys.argv) > 2 and sys.argv[2] == "default"
    ctx = Context() if default else Context.make_with("threads", cpus=int(sys.argv[1]))
    opened: dict[str, Any] = {}

    def load(file: dict[str, Any]) -> Any:
        # Its default back-end cannot read frames of 1 bit.
        more = {"io_backend": BufferedBackend()} if file["name"] == "mib_r1" else {}
        return ctx.load(file["format"], file["path"], **file["params"], **more, nav_shape=tuple(file["nav_shape"]))

    def pick(dataset: Any, y: int, x: int) -> Any:
        roi = np.zeros(tuple(dataset.shape.nav), dtype=bool)
        roi[y, x] = True
        return np.asarray(ctx.run_udf(dataset=dataset, udf=PickUDF(), roi=roi)["intensity"].data)

    def prepare(file: dict[str, Any], job: str, state: str) -> Job:
        if file["path"] not in opened:
            opened[file["path"]] = load(file)
        dataset, nav = opened[file["path"]], tuple(file["nav_shape"])
        if job == "open":
            return lambda number: {"frame": pick(load(file), 0, 0)}
        if job == "frame":
            return lambda number: {"frame": pick(dataset, 0, 0)}
        if job == "pick":
            return lambda number: {"pick": pick(dataset, *udf_jobs.place(number, nav))}
        if job == "export":
            out = Path(file["scratch"]) / "libertem.npy"
            return lambda number: _exported(ctx, dataset, out)
        return udf_jobs.job_of(job, file, ctx, dataset, TOOLS)

    serve(prepare, opened.clear, versions=("libertem", "numpy", "numba"))
    ctx.close()


def _exported(ctx: Any, dataset: Any, path: Path) -> Any:
    ctx.export_dataset(dataset, path=path, overwrite=True)
    return {}


if __name__ == "__main__":
    main()
