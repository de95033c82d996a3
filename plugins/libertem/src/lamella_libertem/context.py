"""The context, with the arguments that LiberTEM's takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import lamella
from lamella.errors import ParameterError, PluginError, UDFError
from lamella_libertem.datasets import CLASSES, OpenedDataSet

if TYPE_CHECKING:
    from lamella.udf import ResultBuffer

__all__ = ["Context"]

_LOCAL = {"dask": "threads", "pipelined": "processes"}
"""What uses all processors of this machine, by the names of LiberTEM."""


class Context(lamella.Context):
    """`lamella.Context`; takes backends, devices and classes of data sets where LiberTEM does."""

    @classmethod
    def make_with(
        cls,
        executor_spec: str = "dask",
        *,
        cpus: int | Sequence[int] | None = None,
        gpus: int | Sequence[int] | None = None,
        plot_class: Any = None,
        snooze_timeout: float | None = None,
        main_process_gpu: int | None = None,
    ) -> Self:
        """Give a context; ``"dask"``, which means all processors of this machine, gives threads.

        For a cluster, make a context with ``lamella_dask.DaskExecutor``.

        Raises
        ------
        ParameterError
            If GPUs are asked for.
        PluginError
            If there is no such executor.
        """
        if gpus or main_process_gpu is not None:
            raise ParameterError(
                "Lamella computes with NumPy arrays: leave out gpus and main_process_gpu", field="gpus"
            )
        name = executor_spec.lower()
        if name == "dask":
            name = _LOCAL[name]
        try:
            return super().make_with(name, cpus=cpus, plot_class=plot_class)
        except PluginError:
            if name not in _LOCAL:
                raise
        return super().make_with(_LOCAL[name], cpus=cpus, plot_class=plot_class)

    def load(self, filetype: str | type[OpenedDataSet], *arguments: Any, **parameters: Any) -> lamella.DataSet:
        """Open a data set; see `lamella.Context.load`. The format may also be the class of its data sets."""
        if isinstance(filetype, type):
            return filetype(*arguments, **parameters)
        if filetype.lower() == "memory" and not arguments:
            return CLASSES["memory"](**parameters)
        opened = super().load(filetype, *arguments, **parameters)
        return CLASSES.get(opened.format, OpenedDataSet).of(opened)

    def run_udf(  # type: ignore[override]
        self,
        dataset: lamella.DataSet,
        udf: Any,
        roi: Any = None,
        corrections: Any = None,
        progress: Any = False,
        backends: Iterable[str] | str | None = None,
        plots: Any = None,
        sync: bool = True,
    ) -> Any:
        """Compute; see `lamella.Context.run_udf`. NumPy must be among the backends."""
        _check(backends)
        return super().run_udf(dataset, udf, roi, corrections, progress, plots=plots, sync=sync)  # type: ignore[call-overload]

    def run_udf_iter(  # type: ignore[override]
        self,
        dataset: lamella.DataSet,
        udf: Any,
        roi: Any = None,
        corrections: Any = None,
        progress: Any = False,
        backends: Iterable[str] | str | None = None,
        plots: Any = None,
        sync: bool = True,
    ) -> Any:
        """Compute, and give what is known after each partition; see `lamella.Context.run_udf_iter`."""
        _check(backends)
        found: Any = super().run_udf_iter(dataset, udf, roi, corrections, progress, plots=plots, sync=sync)  # type: ignore[call-overload]
        found.update_parameters_experimental = found.update_parameters
        return found

    def map(
        self,
        dataset: lamella.DataSet,
        f: Callable[[Any], Any],
        roi: Any = None,
        progress: Any = False,
        corrections: Any = None,
        backends: Iterable[str] | str | None = None,
    ) -> ResultBuffer:
        """Call a function on each frame; see `lamella.Context.map`."""
        _check(backends)
        return super().map(dataset, f, roi, progress, corrections)


def _check(backends: Iterable[str] | str | None) -> None:
    """Refuse backends without NumPy."""
    if backends is not None and "numpy" not in ((backends,) if isinstance(backends, str) else tuple(backends)):
        raise UDFError(f"backends={backends!r}: Lamella has NumPy arrays only; name 'numpy' as well, or leave it out")
