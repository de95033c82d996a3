"""Run by the other interpreter: compute everything with LiberTEM and save it. Arguments: data, results."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
from computing_jobs import results


def main(data: str, target: str) -> None:
    """Compute and save."""
    from libertem import masks
    from libertem.analysis.sd import SDAnalysis
    from libertem.analysis.sumsig import SumSigAnalysis
    from libertem.api import Context
    from libertem.udf import UDF
    from libertem.udf.com import CoMUDF
    from libertem.udf.logsum import LogsumUDF
    from libertem.udf.masks import ApplyMasksUDF
    from libertem.udf.raw import PickUDF
    from libertem.udf.stddev import StdDevUDF
    from libertem.udf.sum import SumUDF
    from libertem.udf.sumsigudf import SumSigUDF

    library = SimpleNamespace(
        UDF=UDF,
        ApplyMasksUDF=ApplyMasksUDF,
        CoMUDF=CoMUDF,
        LogsumUDF=LogsumUDF,
        PickUDF=PickUDF,
        StdDevUDF=StdDevUDF,
        SumSigUDF=SumSigUDF,
        SumUDF=SumUDF,
        masks=masks,
    )
    context = Context.make_with("inline")
    dataset = context.load("npy", path=data, num_partitions=3)
    found: dict[str, Any] = results(context, dataset, library)
    for name, analysis in (
        ("analysis standard deviation", SDAnalysis(dataset, {})),
        ("analysis sum over detector", SumSigAnalysis(dataset, {})),
    ):
        found |= {f"{name}/{channel.key}": np.array(channel.raw_data) for channel in context.run(analysis)}
    np.savez(target, **{name.replace("/", "|"): value for name, value in found.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
