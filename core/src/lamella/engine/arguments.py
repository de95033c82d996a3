"""Whether a computation was given what it needs, and what to write instead where it was not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from lamella.dataset.dataset import DataSet
from lamella.errors import ParameterError
from lamella.system.text import printable
from lamella.udf.base import UDF

__all__ = ["check_analysis", "check_dataset", "check_function", "check_path", "check_udf", "check_udfs"]

_NAME = 80
_MOST_UDFS_NAMED = 3


def check_dataset(dataset: object, call: str) -> None:
    """Refuse what is no data set.

    Parameters
    ----------
    dataset
        What was given.
    call
        The call as it should read, such as ``"run_udf(dataset, udf)"``.

    Raises
    ------
    ParameterError
        If it is anything else; says what to write.
    """
    if isinstance(dataset, DataSet):
        return
    if _is_udf(dataset) or _is_analysis(dataset):
        raise _wrong("dataset", "a data set", dataset, f"The data set comes first: {call}")
    if isinstance(dataset, str | os.PathLike):
        raise _wrong("dataset", "a data set", dataset, f"Open it first: lamella.open({_path_text(dataset)})")
    if isinstance(dataset, type) and issubclass(dataset, DataSet):
        raise _wrong("dataset", "a data set", dataset, "lamella.open gives one")
    if hasattr(dataset, "shape") and hasattr(dataset, "dtype"):
        raise _wrong("dataset", "a data set", dataset, "Make one of it: lamella.open(array)")
    raise _wrong("dataset", "a data set", dataset, "lamella.open gives one")


def check_udfs(udf: object, call: str) -> None:
    """Refuse what is no UDF and no sequence of UDFs; raises as `check_dataset`."""
    if isinstance(udf, Sequence) and not isinstance(udf, str | bytes):
        for position, one in enumerate(udf):
            check_udf(one, call, f"udf[{position}]")
    else:
        check_udf(udf, call)


def check_udf(udf: object, call: str, field: str = "udf") -> None:
    """Refuse what is no UDF; raises as `check_dataset`."""
    expected = "an instance of lamella.udf.UDF"
    if isinstance(udf, UDF):
        return
    if isinstance(udf, type) and issubclass(udf, UDF):
        raise _wrong(field, expected, udf, f"Make an instance: {udf.__name__}(...)")
    if isinstance(udf, DataSet):
        raise _wrong(field, expected, udf, f"The data set comes first: {call}")
    if _is_analysis(udf):
        raise _wrong(field, expected, udf, "Analyses are for Context.run(analysis)")
    if callable(udf):
        raise _wrong(field, expected, udf, "A function of one frame is for Context.map(dataset, function)")
    raise _wrong(field, expected, udf, "lamella.udf has ready ones, such as SumUDF()")


def check_function(f: object) -> None:
    """Refuse what is no function of one frame; raises as `check_dataset`."""
    expected = "a function of one frame"
    if _is_udf(f):
        raise _wrong("f", expected, f, "UDFs are for Context.run_udf(dataset, udf)")
    if isinstance(f, DataSet):
        raise _wrong("f", expected, f, "The data set comes first: map(dataset, f)")
    if not callable(f):
        raise _wrong("f", expected, f, "Give a function, such as numpy.max")


def check_analysis(job: object, kind: type) -> None:
    """Refuse what is no analysis of class ``kind``; raises as `check_dataset`."""
    expected = "an analysis, as the methods create_..._analysis of a context make it"
    if isinstance(job, kind):
        return
    if _is_udf(job) or (isinstance(job, Sequence) and len(job) > 0 and all(_is_udf(one) for one in job)):
        raise _wrong("job", expected, job, "UDFs are for Context.run_udf(dataset, udf)")
    if isinstance(job, DataSet):
        raise _wrong("job", expected, job, "Make one: run(context.create_sum_analysis(dataset))")
    if isinstance(job, type) and issubclass(job, kind):
        raise _wrong("job", expected, job, f"Make an instance: {job.__name__}(dataset)")
    raise _wrong("job", expected, job, "Make one: run(context.create_sum_analysis(dataset))")


def check_path(path: object, call: str) -> None:
    """Refuse what names no file; raises as `check_dataset`."""
    if not isinstance(path, str | os.PathLike):
        remedy = f"The data set comes first: {call}" if isinstance(path, DataSet) else "Give a path, such as 'scan.npy'"
        raise _wrong("path", "the path of a file", path, remedy)


def _is_udf(value: object) -> bool:
    return isinstance(value, UDF) or (isinstance(value, type) and issubclass(value, UDF))


def _is_analysis(value: object) -> bool:
    """Whether something is an analysis, or could run as one; that class lies in a layer above."""
    kind = value if isinstance(value, type) else type(value)
    return any(base.__name__ == "Analysis" and base.__module__.startswith("lamella.") for base in kind.__mro__)


def _wrong(field: str, expected: str, found: object, remedy: str) -> ParameterError:
    return ParameterError(f"expected {expected}, found {_found_text(found)}. {remedy}", field=field)


def _path_text(path: str | os.PathLike[str]) -> str:
    return printable(repr(os.fspath(path)), _NAME)


def _found_text(value: object) -> str:
    """Name an object without showing what is in it."""
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"the text {printable(repr(value), _NAME)}"
    if isinstance(value, os.PathLike):
        return f"the path {_path_text(value)}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, DataSet):
        return "a data set"
    if isinstance(value, list | tuple):
        kinds = ", ".join(type(one).__name__ for one in value[:_MOST_UDFS_NAMED]) or "nothing"
        return f"a {type(value).__name__} of {len(value)} ({kinds})"
    name = getattr(value, "__name__", None)
    if callable(value) and isinstance(name, str):
        return f"the function {printable(name, _NAME)}"
    kind: Any = type(value)
    full = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    shape = getattr(value, "shape", None)
    return f"{full} of shape {shape}" if isinstance(shape, tuple) else full
