"""Lamella's side."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import udf_jobs
from serve import Job, serve

import lamella
from lamella import udf as library
from lamella.io.mmap import forget_mappings
from lamella.kernels.library import wait_until_compiled


def main() -> None:
    """Serve."""
    ctx = lamella.Context.make_with("threads", cpus=int(sys.argv[1]))
    tools = SimpleNamespace(**{name: getattr(library, name) for name in library.__all__})
    opened: dict[str, Any] = {}

    def load(file: dict[str, Any]) -> Any:
        return lamella.open(file["path"], file["format"], **file["params"], nav_shape=tuple(file["nav_shape"]))

    def forget() -> None:
        opened.clear()
        forget_mappings()

    def prepare(file: dict[str, Any], job: str, state: str) -> Job:
        if file["path"] not in opened:
            opened[file["path"]] = load(file)
        dataset, nav = opened[file["path"]], tuple(file["nav_shape"])
        if state != "later":
            forget_mappings()
        if job == "open":
            return lambda number: {"frame": load(file)[0, 0]}
        if job == "frame":
            return lambda number: {"frame": dataset[0, 0]}
        if job == "pick":
            return lambda number: {"pick": dataset[udf_jobs.place(number, nav)]}
        if job == "export":
            out = Path(file["scratch"]) / "lamella.npy"
            return lambda number: _exported(ctx, dataset, out)
        return udf_jobs.job_of(job, file, ctx, dataset, tools)

    serve(prepare, forget, wait_until_compiled, ("lamella", "numpy", "numba"))


def _exported(ctx: Any, dataset: Any, path: Path) -> Any:
    ctx.export_dataset(dataset, path, overwrite=True)
    return {}


if __name__ == "__main__":
    main()
