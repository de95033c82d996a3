"""UDFs whose constructors take what LiberTEM's take, and functions that run one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

import lamella.udf
from lamella.errors import ParameterError
from lamella.udf import UDF, NoOpUDF, UDFMeta, UDFMethod

if TYPE_CHECKING:
    import lamella

__all__ = [
    "UDF",
    "ApplyMasksUDF",
    "AutoUDF",
    "NoOpUDF",
    "StdDevUDF",
    "UDFFrameMixin",
    "UDFMeta",
    "UDFMethod",
    "UDFPartitionMixin",
    "UDFPostprocessMixin",
    "UDFPreprocessMixin",
    "UDFTileMixin",
    "run_logsum",
    "run_stddev",
    "run_sumsig",
]


class UDFFrameMixin:
    """Says that a class has ``process_frame``; Lamella looks at the method itself."""


class UDFTileMixin:
    """Says that a class has ``process_tile``."""


class UDFPartitionMixin:
    """Says that a class has ``process_partition``."""


class UDFPreprocessMixin:
    """Says that a class has ``preprocess``."""


class UDFPostprocessMixin:
    """Says that a class has ``postprocess``."""


class ApplyMasksUDF(lamella.udf.ApplyMasksUDF):
    """Sums over masks; ``use_torch`` and ``backends`` have no effect, kinds of sparse arrays mean sparse masks.

    Shifts are cut to whole pixels.
    """

    def __init__(
        self,
        mask_factories: Any,
        use_torch: bool = True,
        use_sparse: bool | str | None = None,
        mask_count: int | None = None,
        mask_dtype: Any = None,
        preferred_dtype: Any = None,
        backends: Any = None,
        shifts: Any = None,
    ) -> None:
        super().__init__(
            mask_factories,
            use_sparse=True if isinstance(use_sparse, str) else use_sparse,
            mask_count=mask_count,
            mask_dtype=mask_dtype,
            preferred_dtype=preferred_dtype,
            shifts=_cut(shifts),
        )


def _cut(shifts: Any) -> Any:
    """Give shifts, also as auxiliary data, without their fractions."""
    if shifts is None:
        return None
    if not hasattr(shifts, "kind"):
        return tuple(int(shift) for shift in shifts)
    return UDF.aux_data(np.trunc(shifts.data), shifts.kind, shifts.extra_shape, shifts.dtype)


class AutoUDF(lamella.udf.AutoUDF):
    """A function of a frame as a UDF."""

    def __init__(self, f: Callable[[Any], Any], monitor: bool = False) -> None:
        if monitor:
            raise ParameterError("Context.run_udf_iter shows what happens meanwhile", field="monitor")
        super().__init__(f)


class StdDevUDF(lamella.udf.StdDevUDF):
    """Standard deviation, in double precision whatever ``dtype`` is, and compiled in any case."""

    def __init__(self, dtype: Any = None, use_numba: bool = True) -> None:
        super().__init__()


def run_stddev(
    ctx: lamella.Context, dataset: lamella.DataSet, roi: Any = None, progress: Any = False, use_numba: bool = True
) -> dict[str, Any]:
    """Give standard deviation, variance, mean and sums as arrays, and the number of frames."""
    result = ctx.run_udf(dataset, StdDevUDF(), roi, progress=progress)
    arrays: dict[str, Any] = {name: buffer.data for name, buffer in result.items()}
    return {**arrays, "num_frames": arrays["num_frames"][0]}


def run_sumsig(ctx: lamella.Context, dataset: lamella.DataSet) -> lamella.udf.UDFResult:
    """Give the result of `SumSigUDF`."""
    return ctx.run_udf(dataset, lamella.udf.SumSigUDF())


def run_logsum(ctx: lamella.Context, dataset: lamella.DataSet, roi: Any = None) -> lamella.udf.UDFResult:
    """Give the result of `LogsumUDF`."""
    return ctx.run_udf(dataset, lamella.udf.LogsumUDF(), roi)
