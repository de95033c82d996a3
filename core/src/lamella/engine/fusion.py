"""Which UDFs of one run share their work: one finds its result with another, or several need one call for a tile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lamella.udf.base import UDF
from lamella.udf.builtin.reducing import ReducingUDF

__all__ = ["followers", "is_quick", "joinable", "one_call"]

_FEW = 16
"""From so many masks on, a UDF computes on its own: their weights need the cache for themselves."""

_CHANGES = (
    "process_rows",
    "process_tile",
    "process_frame",
    "process_partition",
    "reduction",
    "preprocess",
    "postprocess",
    "get_task_data",
    "get_result_buffers",
    "get_preferred_input_dtype",
)
"""What a subclass overrides to put something else into the buffers of a partition."""


def followers(udfs: Sequence[UDF]) -> dict[int, UDF]:
    """Give which UDFs, by their numbers, find their result with another one: with a sum, say, a standard deviation."""
    leaders = [udf for udf in udfs if _holds(udf, "provides", "provide") and udf.provides]
    led: dict[int, UDF] = {}
    for i, udf in enumerate(udfs):
        if not udf.needs or not _holds(udf, "needs", "take"):
            continue
        # Who provides something finds nothing with others, so that nobody waits for somebody who waits.
        leader = next((one for one in leaders if one is not udf and udf.needs <= one.provides), None)
        if leader is not None and udf not in leaders:
            led[i] = leader
    return led


def is_quick(udf: UDF) -> bool:
    """Whether a UDF declares that it is quick, and its class changes nothing of that."""
    return _holds(udf, "quick") and udf.quick


def _holds(udf: UDF, *names: str) -> bool:
    """Whether no subclass of the one that declared something changed what is done with the data of a partition."""
    for cls in type(udf).__mro__:
        declared = vars(cls)
        if any(name in declared for name in names):
            return True
        if any(name in declared for name in _CHANGES):
            return False
    return False


def one_call(udfs: Sequence[UDF], methods: Sequence[str]) -> bool:
    """Whether UDFs need a single call of a kernel for each tile."""
    led = followers(udfs)
    leading = [udf for i, udf in enumerate(udfs) if i not in led]
    return set(methods) == {"rows"} and (len(leading) == 1 or len(joinable(leading)) == len(leading))


def joinable(udfs: Sequence[UDF]) -> list[ReducingUDF]:
    """Give the UDFs that one call can serve: one that sums frames, one that sums pixels, those of few weights.

    None for complex pixels.
    """
    joined: list[ReducingUDF] = []
    taken: set[str] = set()
    weights: Any = None
    for udf in udfs:
        if not isinstance(udf, ReducingUDF) or not udf.shares or not taken.isdisjoint(udf.sums):
            continue
        if np.dtype(udf.meta.input_dtype).kind == "c":
            continue
        if "weights" in udf.sums:
            count, dtype = udf.weights_kind()
            if count >= _FEW or weights not in (None, dtype):
                continue
            weights = dtype
        taken |= udf.sums - {"weights"}
        joined.append(udf)
    return joined
