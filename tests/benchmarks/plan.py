"""What is measured: the jobs, what they are called in a table, and the candidates."""

from __future__ import annotations

from dataclasses import dataclass

from datasets import File, kinds

_ONE = ("later",)
_SOME = ("raw_u2", "mib_r12", "blo_u1", "frms6", "k2is")
_TWO = ("later", "first")
_MEMORY = (*_TWO, "memory")
_COLD = (*_TWO, "cold")


@dataclass(frozen=True)
class Job:
    """A job; ``unit`` is GB/s of file bytes, ms of one call, or µs of processor time for each tile."""

    title: str
    unit: str = "GB/s"
    repeats: int = 1
    files: tuple[str, ...] = ()
    """The only files for it, if any are named."""
    states: tuple[str, ...] = _TWO


JOBS = {
    "sum": Job("sum over frames", states=_COLD),
    "sumsig": Job("sum over detector"),
    "std": Job("standard deviation", states=_MEMORY),
    "com": Job("centre of mass", states=_COLD),
    "mask1": Job("1 mask"),
    "mask8": Job("8 masks"),
    "mask64": Job("64 masks", states=_MEMORY),
    "rings": Job("8 ring masks, sparse"),
    "four": Job("four jobs in one pass", states=_MEMORY),
    "user": Job("a user's NumPy UDF"),
    "frame": Job("first frame, data set open", "ms", 10, _SOME, _ONE),
    "pick": Job("pick one frame", "ms", 10, _SOME, _ONE),
    "roi": Job("sum of 1 % random frames", "ms", 3, _SOME, _ONE),
    "open": Job("open, and first frame", "ms", 3, _SOME, _ONE),
    "firsttile": Job("until the first tile", "ms", 5, ("many_u1", "few_u1", "many_mib"), _ONE),
    "tiles": Job("empty UDF, for each tile", "µs/tile", 5, ("raw_u2", "blo_u1"), _ONE),
    "export": Job("export to npy", files=("raw_u2", "mib_r12", "blo_u1"), states=_ONE),
}
SPECIAL = ("frame", "pick", "roi", "open", "firsttile", "tiles", "export")
"""Jobs that are not a stream over the file for its result."""

STATES = ("later", "first", "cold", "memory")
MEMORY_FILES = ("raw_u2", "raw_f4", "mib_r12", "frms6", "k2is")
"""Files for which the state ``memory``, the peak of a fresh process, is measured."""

CANDIDATES = {
    "lamella": "Lamella",
    "libertem": "LiberTEM, threads",
    "libertem-default": "LiberTEM, default (dask)",
    "h5py": "h5py and NumPy",
    "numpy": "NumPy memmap",
    "dask": "dask from memmap",
    "rosettasciio": "RosettaSciIO, lazy",
    "lamella-alone": "Lamella, one worker",
}
ALONE = "lamella-alone"
"""Lamella with one worker, to see what the others add: for a few jobs and files, on later passes."""
OTHERS = tuple(name for name in CANDIDATES if name not in ("lamella", ALONE))
SCALING_JOBS = ("sum", "com", "std", "mask1")
SCALING_FILES = ("raw_u2", "raw_u1", "mib_r12", "raw_f4", "hdf_gzip")
SCRIPTS = {"libertem-default": ("with_libertem.py", "default"), ALONE: ("with_lamella.py",)}
OWN_ENVIRONMENT = ("libertem", "libertem-default", "dask", "rosettasciio")
"""Candidates that are run by the interpreter of ``--others-python``."""


def takes_part(candidate: str, job: str, file: File, state: str = "later") -> bool:
    """Whether a candidate does a job on a file at all."""
    if candidate != ALONE:
        return True
    return state == "later" and job in SCALING_JOBS and file.name in SCALING_FILES


def wanted(job: str, file: File) -> bool:
    """Whether a job is measured on a file."""
    kind = kinds()[file.name]
    if kind.jobs:
        return job in kind.jobs
    return job not in kind.not_jobs and (not JOBS[job].files or file.name in JOBS[job].files)
