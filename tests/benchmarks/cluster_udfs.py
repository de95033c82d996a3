"""What is computed on clusters, in terms of names that Lamella and LiberTEM share.

Everything that workers get is made inside functions, so that it is pickled by value: they cannot import this file.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

SIG = (256, 256)
SMALL_SIG = (64, 64)


def make(job: str, tools: SimpleNamespace) -> Any:
    """Give the UDF of a job.

    Parameters
    ----------
    job
        One of `JOBS`.
    tools
        The classes of one of the programs, by name.
    """
    return JOBS[job](tools)


def _masks() -> Callable[[], Any]:
    def stack() -> Any:
        return np.random.default_rng(3).random((16, *SIG)).astype(np.float32)

    return stack


def _nothing(base: Any) -> Any:
    class NothingUDF(base):  # type: ignore[misc]
        """Counts tiles."""

        def get_preferred_input_dtype(self) -> Any:
            return self.USE_NATIVE_DTYPE

        def get_result_buffers(self) -> Any:
            return {"n": self.buffer(kind="single", dtype="int64")}

        def process_tile(self, tile: Any) -> None:
            self.results.n[:] += len(tile)

        def merge(self, dest: Any, src: Any) -> None:
            dest.n[:] += src.n

    return NothingUDF()


def _python(base: Any, seconds: float, *, sleeps: bool) -> Any:
    class PythonUDF(base):  # type: ignore[misc]
        """Takes a time for each frame: asleep, or in Python."""

        def get_preferred_input_dtype(self) -> Any:
            return self.USE_NATIVE_DTYPE

        def get_result_buffers(self) -> Any:
            return {"n": self.buffer(kind="single", dtype="int64")}

        def process_frame(self, frame: Any) -> None:
            if self.params.sleeps:
                time.sleep(self.params.seconds)
            else:
                end = time.perf_counter() + self.params.seconds
                while time.perf_counter() < end:
                    pass
            self.results.n[:] += 1

        def merge(self, dest: Any, src: Any) -> None:
            dest.n[:] += src.n

    return PythonUDF(seconds=seconds, sleeps=sleeps)


def sleeping(base: Any, seconds: float) -> Any:
    """Give a UDF that needs no processor."""
    return _python(base, seconds, sleeps=True)


JOBS: dict[str, Callable[[SimpleNamespace], Any]] = {
    "nothing": lambda tools: _nothing(tools.UDF),
    "sum": lambda tools: tools.SumUDF(),
    "sum over the detector": lambda tools: tools.SumSigUDF(),
    "16 masks": lambda tools: tools.ApplyMasksUDF(mask_factories=_masks()),
    "centre of mass": lambda tools: tools.CoMUDF.with_params(cy=128, cx=128, r=100),
    "5 ms of Python per frame": lambda tools: _python(tools.UDF, 0.005, sleeps=False),
}
KERNELS = ("sum", "sum over the detector", "16 masks", "centre of mass")
