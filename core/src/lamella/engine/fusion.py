"""Which UDFs of one run share their work: one finds its result with another, or several need one call for a tile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamella.udf.base import UDF
from lamella.udf.builtin.reducing import ReducingUDF
from lamella.udf.builtin.stddev import StdDevUDF
from lamella.udf.builtin.sum import SumUDF
from lamella.udf.builtin.weighing import WeighingUDF

__all__ = ["followers", "joinable", "one_call"]

_FEW = 16
"""From so many masks on, a UDF computes on its own: their weights need the cache for themselves."""


def followers(udfs: Sequence[UDF], methods: Sequence[str]) -> dict[int, StdDevUDF]:
    """Give which UDFs, by their numbers, find their result with another: a sum with a standard deviation."""
    in_rows = [(i, udf) for i, udf in enumerate(udfs) if methods[i] == "rows"]
    leader = next((udf for _, udf in in_rows if type(udf) is StdDevUDF), None)
    if leader is None or not leader.knows_the_sum:
        return {}
    return {i: leader for i, udf in in_rows if type(udf) is SumUDF}


def one_call(udfs: Sequence[UDF], methods: Sequence[str]) -> bool:
    """Whether UDFs need a single call of a kernel for each tile."""
    led = followers(udfs, methods)
    leading = [udf for i, udf in enumerate(udfs) if i not in led]
    return set(methods) == {"rows"} and (len(leading) == 1 or len(joinable(leading)) == len(leading))


def joinable(udfs: Sequence[UDF]) -> list[ReducingUDF]:
    """Give the UDFs that one call can serve: one that sums frames, one that sums pixels, those of few masks."""
    joined: list[ReducingUDF] = []
    seen: dict[str, Any] = {}
    for udf in udfs:
        if not isinstance(udf, ReducingUDF) or not udf.shares:
            continue
        if isinstance(udf, WeighingUDF):
            count, dtype = udf.weights_kind()
            fits = count < _FEW and seen.setdefault(udf.sums, dtype) == dtype
        else:
            fits = seen.setdefault(udf.sums, udf) is udf
        if fits:
            joined.append(udf)
    return joined
