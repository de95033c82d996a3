"""UDFs that merge all partitions at once instead of one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lamella.udf.base import UDF
from lamella.udf.buffers import Views
from lamella.udf.slices import Slice

if TYPE_CHECKING:
    from lamella.geometry.shape import Shape

__all__ = ["merges_all", "without_gaps"]


def merges_all(udf: UDF) -> bool:
    """Whether a UDF merges all partitions at once instead of one after the other."""
    return type(udf).merge is UDF.merge and hasattr(udf, "merge_all")


def without_gaps(results: Mapping[Slice, Views], udf: UDF, size: int, sig: Shape) -> Mapping[Slice, Views]:
    """Give results of partitions that follow each other without a gap, as `merge_all` joins them.

    Selected positions between partitions, which have no frame, join the partition before them, and those at the
    beginning the first one. Their entries are those of ``udf`` before the run.

    Parameters
    ----------
    results
        What partitions gave, in the order of the scan.
    udf
        The instance that holds the whole result.
    size
        Number of selected positions.
    sig
        Shape of the detector.
    """
    starts = [where.origin[0] for where in results]
    joined: dict[Slice, Views] = {}
    for i, (where, views) in enumerate(results.items()):
        start, stop = where.origin[0], where.origin[0] + where.shape[0]
        begin, end = starts[i] if i else 0, starts[i + 1] if i + 1 < len(starts) else size
        if (begin, end) == (start, stop):
            joined[where] = views
            continue
        arrays = dict(views)
        for name, array in views.items():
            if udf._specs[name].kind == "nav":
                arrays[name] = udf.results[name][begin:end].copy()
                arrays[name][start - begin : stop - begin] = array
        joined[Slice.of(begin, end - begin, (0,) * len(sig), sig)] = Views(arrays)
    return joined
