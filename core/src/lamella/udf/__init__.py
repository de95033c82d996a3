"""User-defined functions: the base class, and the built-in ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.kernels.library import Kernel as Kernel
    from lamella.kernels.typing import kept as kept, row as row, wide as wide, wide_float as wide_float
    from lamella.udf.base import UDF as UDF, UDFMethod as UDFMethod
    from lamella.udf.builtin.auto import AutoUDF as AutoUDF
    from lamella.udf.builtin.bin import BinUDF as BinUDF
    from lamella.udf.builtin.com import CoMUDF as CoMUDF
    from lamella.udf.builtin.logsum import LogsumUDF as LogsumUDF
    from lamella.udf.builtin.masks import ApplyMasksUDF as ApplyMasksUDF
    from lamella.udf.builtin.noop import NoOpUDF as NoOpUDF
    from lamella.udf.builtin.raw import PickUDF as PickUDF
    from lamella.udf.builtin.record import RecordUDF as RecordUDF
    from lamella.udf.builtin.reducing import ReducingUDF as ReducingUDF, Reduction as Reduction
    from lamella.udf.builtin.stddev import StdDevUDF as StdDevUDF
    from lamella.udf.builtin.sum import SumUDF as SumUDF
    from lamella.udf.builtin.sumsig import SumSigUDF as SumSigUDF
    from lamella.udf.builtin.weighing import WeighingUDF as WeighingUDF
    from lamella.udf.meta import UDFMeta as UDFMeta
    from lamella.udf.results import ResultBuffer as ResultBuffer, UDFResult as UDFResult
    from lamella.udf.slices import Slice as Slice

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.udf.base": "UDF UDFMethod",
        "lamella.udf.meta": "UDFMeta",
        "lamella.udf.results": "ResultBuffer UDFResult",
        "lamella.udf.slices": "Slice",
        "lamella.udf.builtin.masks": "ApplyMasksUDF",
        "lamella.udf.builtin.auto": "AutoUDF",
        "lamella.udf.builtin.bin": "BinUDF",
        "lamella.udf.builtin.com": "CoMUDF",
        "lamella.udf.builtin.logsum": "LogsumUDF",
        "lamella.udf.builtin.noop": "NoOpUDF",
        "lamella.udf.builtin.raw": "PickUDF",
        "lamella.udf.builtin.record": "RecordUDF",
        "lamella.udf.builtin.reducing": "ReducingUDF Reduction",
        "lamella.udf.builtin.stddev": "StdDevUDF",
        "lamella.udf.builtin.sum": "SumUDF",
        "lamella.udf.builtin.sumsig": "SumSigUDF",
        "lamella.udf.builtin.weighing": "WeighingUDF",
        "lamella.kernels.library": "Kernel",
        "lamella.kernels.typing": "kept row wide wide_float",
    },
)

# Helpers of kernels import numba, so `from lamella.udf import *` leaves them out.
__all__ = [name for name in __all__ if name not in ("kept", "row", "wide", "wide_float")]
