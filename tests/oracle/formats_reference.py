"""Run by the other interpreter: read files with independent readers. Argument: a file of jobs, one JSON line each.

A job names a reader, a format, a path and a shape, and where to save the pixels; what goes wrong is written to the path
of the pixels with ``.txt`` behind it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np


def libertem(job: dict[str, Any]) -> Any:
    from libertem.api import Context
    from libertem.udf.raw import PickUDF

    given = {"nav_shape": tuple(job["nav_shape"])} if job["needs_shape"] else {}
    with Context.make_with("inline") as context:
        dataset = context.load(job["format"], path=job["path"], **given)
        everything = np.ones(dataset.shape.nav, dtype=bool)
        return context.run_udf(dataset=dataset, udf=PickUDF(), roi=everything)["intensity"].raw_data


def rosettasciio(job: dict[str, Any]) -> Any:
    from importlib import import_module

    names = {"ser": "tia", "dm": "digitalmicrograph"}
    signals = import_module(f"rsciio.{names.get(job['format'], job['format'])}").file_reader(job["path"])
    return max((signal["data"] for signal in signals), key=lambda data: data.size)


def ncempy(job: dict[str, Any]) -> Any:
    if job["format"] == "ser":
        from ncempy.io.ser import fileSER

        with fileSER(job["path"]) as file:
            return np.stack([file.getDataset(i)[0] for i in range(file.head["ValidNumberElements"])])
    if job["format"] == "dm":
        from ncempy.io.dm import fileDM

        with fileDM(job["path"]) as file:
            return file.getDataset(0)["data"]
    from ncempy.io.mrc import mrcReader

    return mrcReader(job["path"])["data"]


def mrcfile(job: dict[str, Any]) -> Any:
    from mrcfile import open as opened

    with opened(job["path"], permissive=True) as file:
        return np.array(file.data)


def pims(job: dict[str, Any]) -> Any:
    from importlib import import_module

    return np.stack([np.asarray(frame) for frame in import_module("pims").NorpixSeq(job["path"])])


READERS = {"LiberTEM": libertem, "RosettaSciIO": rosettasciio, "ncempy": ncempy, "mrcfile": mrcfile, "PIMS": pims}


def main(jobs: str) -> None:
    """Do the jobs."""
    for line in Path(jobs).read_text(encoding="utf-8").splitlines():
        job = json.loads(line)
        target = Path(job["target"])
        try:
            np.save(target, np.asarray(READERS[job["reader"]](job)))
        except BaseException as error:
            target.with_suffix(".txt").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
