"""What Lamella must reach, row by row, and how each row is made from the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from figures import Figures
from plan import ALONE, SCALING_FILES, SCALING_JOBS
from startup import FILE as STARTUP

WHOLE = ("raw_u1", "raw_u2", "npy_u2", "mib_u2", "mib_r12", "mib_r6", "mib_r1", "blo_u1", "frms6", "k2is")
"""Files of whole numbers."""
STREAMING = ("sum", "sumsig", "mask1", "com", "std")
_FOUR = ("sum", "sumsig", "std", "com")
_AS_STORED = tuple(name for name in (*WHOLE, "raw_f4") if name not in ("frms6", "k2is"))
_LIBERTEM = ("libertem", "libertem-default")

Cases = Iterator[tuple[str, float]]


@dataclass(frozen=True)
class Target:
    """A row: what, the figure to reach in a unit, and the cases with their figures."""

    what: str
    bound: float
    unit: str
    cases: Callable[[Figures], Cases]
    most: bool = False
    """Whether ``bound`` is the most that is allowed, not the least."""

    def reached(self, value: float) -> bool:
        """Whether a figure is good enough."""
        return value <= self.bound if self.most else value >= self.bound


def against_libertem(figures: Figures, file: str, job: str, state: str) -> float | None:
    """Give how many times better Lamella is than LiberTEM with whichever of its executors is better here."""
    ratios = [figures.ratio(file, job, state, name) for name in _LIBERTEM]
    return min((ratio for ratio in ratios if ratio is not None), default=None)


def _times(files: Iterable[str], jobs: Iterable[str], state: str) -> Callable[[Figures], Cases]:
    def cases(figures: Figures) -> Cases:
        for file in files:
            for job in jobs:
                ratio = against_libertem(figures, file, job, state)
                if ratio is not None:
                    yield f"{job} of {file}", ratio

    return cases


def _values(files: Iterable[str], jobs: Iterable[str], state: str, scale: float = 1) -> Callable[[Figures], Cases]:
    def cases(figures: Figures) -> Cases:
        for file in files:
            for job in jobs:
                row = figures.get(file, job, state, "lamella")
                if row is not None and row.value is not None:
                    yield f"{job} of {file}", row.value * scale

    return cases


def _shares(figures: Figures) -> Cases:
    for file in _AS_STORED:
        for job in ("sum", "sumsig", "mask1", "com"):
            row = figures.get(file, job, "later", "lamella")
            if row is not None and row.value and row.limit:
                yield f"{job} of {file}", 100 * row.value / row.limit


def _scaling(figures: Figures) -> Cases:
    """Give how many times as fast all workers are as one."""
    for file in SCALING_FILES:
        for job in SCALING_JOBS:
            ratio = figures.ratio(file, job, "later", ALONE)
            if ratio is not None:
                yield f"{job} of {file}", ratio


def _memory_scaling(figures: Figures) -> Cases:
    """Give how many times as fast as one thread all threads read memory, which bounds the row above."""
    for file in SCALING_FILES:
        rows = [figures.get(file, SCALING_JOBS[0], "later", name) for name in ("lamella", ALONE)]
        limits = [row.limit for row in rows if row is not None and row.limit]
        if len(limits) == len(rows):
            yield f"before {file}", limits[0] / limits[1]


def _one_pass(figures: Figures) -> Cases:
    """Give how much longer four jobs in one pass take than the longest of them alone."""
    for file in (*WHOLE, "raw_f4"):
        rows = [figures.get(file, job, "later", "lamella") for job in (*_FOUR, "four")]
        rates = [row.value for row in rows if row is not None and row.value]
        if len(rates) == len(rows):
            yield file, min(rates[:-1]) / rates[-1]


def _imports(figures: Figures) -> Cases:
    bare = figures.get(STARTUP, "bare", "fresh", "python")
    ours = figures.get(STARTUP, "import", "fresh", "lamella")
    if bare is not None and ours is not None and bare.value and ours.value:
        yield "import lamella", ours.value - bare.value


def _per_cpu_second(figures: Figures) -> Cases:
    for file in ("raw_u2", "mib_r12", "blo_u1"):
        ours, *theirs = (figures.get(file, "export", "later", name) for name in ("lamella", *_LIBERTEM))
        spent = [row.cpu for row in theirs if row is not None and row.cpu]
        if ours is not None and ours.cpu and spent:
            yield file, min(spent) / ours.cpu


def _growth(figures: Figures) -> Cases:
    few = figures.get("few_u1", "firsttile", "later", "lamella")
    many = figures.get("many_u1", "firsttile", "later", "lamella")
    if few is not None and many is not None and few.value and many.value:
        yield "10^6 frames after 10^3", many.value / few.value


_HDF5 = {"gzip": ("hdf_gzip", 6.0), "bitshuffle-LZ4": ("hdf_bits", 4.0), "contiguous": ("hdf_plain", 5.0)}

_PICKED = ("raw_u2", "mib_r12", "blo_u1", "frms6", "k2is")
TARGETS = (
    Target(
        "whole numbers: sum, sum over detector, 1 mask, centre of mass, std; first pass",
        5,
        "x",
        _times(WHOLE, STREAMING, "first"),
    ),
    Target("whole numbers, the same jobs; later passes", 8, "x", _times(WHOLE, STREAMING, "later")),
    Target(
        "float32: sum, sum over detector, 1 mask, centre of mass; first pass",
        1.3,
        "x",
        _times(["raw_f4"], STREAMING[:4], "first"),
    ),
    Target("float32, the same jobs; later passes", 2.5, "x", _times(["raw_f4"], STREAMING[:4], "later")),
    Target("float32: standard deviation", 20, "x", _times(["raw_f4"], ["std"], "later")),
    Target("8 masks, whole numbers", 4, "x", _times(WHOLE, ["mask8"], "later")),
    Target("64 masks, whole numbers", 2, "x", _times(WHOLE, ["mask64"], "later")),
    Target("four jobs in one pass", 8, "x", _times((*WHOLE, "raw_f4"), ["four"], "later")),
    Target("four jobs in one pass, after the longest of them alone", 1.3, "x its time", _one_pass, most=True),
    Target("share of the memory-read limit, later passes, frames as stored", 60, "%", _shares),
    Target("all workers beside one, streaming jobs", 1.8, "x", _scaling),
    Target("all threads beside one, reading memory and nothing else", 1.8, "x", _memory_scaling),
    *(Target(f"HDF5 {kind}", bound, "x", _times([file], STREAMING, "later")) for kind, (file, bound) in _HDF5.items()),
    Target("pick one frame, data set open", 100, "µs", _values(_PICKED, ["pick"], "later", 1e3), most=True),
    Target("sum of 1 % random frames", 15, "x", _times(_PICKED, ["roi"], "later")),
    Target("script start to first frame", 400, "ms", _values([STARTUP], ["script-frame"], "fresh"), most=True),
    Target("script start to first frame, beside LiberTEM", 4, "x", _times([STARTUP], ["script-frame"], "fresh")),
    Target("`import lamella` over bare Python", 30, "ms", _imports, most=True),
    Target(
        "peak anonymous memory of a process",
        268,
        "MB",
        _values((*WHOLE, "raw_f4"), ("std", "mask64", "four"), "memory"),
        most=True,
    ),
    Target(
        "own Python for each tile of a user's UDF",
        25,
        "µs",
        _values(("raw_u2", "blo_u1"), ["tiles"], "later"),
        most=True,
    ),
    Target("export to npy, for each CPU second", 5, "x", _per_cpu_second),
    Target(
        "open a file of 10^6 frames, and see the first",
        1,
        "s",
        _values(("many_u1", "many_mib"), ["open"], "later", 1e-3),
        most=True,
    ),
    Target("time to the first tile, 10^6 frames after 10^3", 1.5, "x", _growth, most=True),
    Target(
        "first sum of 64 MB in a fresh process, nothing compiled before",
        2,
        "s",
        _values([STARTUP], ["script-fresh"], "fresh", 1e-3),
        most=True,
    ),
)
