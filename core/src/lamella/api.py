"""What scripts and notebooks use: open data, and compute with them."""

from __future__ import annotations

import weakref
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, Self, overload

from lamella.errors import ParameterError

if TYPE_CHECKING:
    import os
    from types import TracebackType

    from lamella.corrections import Corrections
    from lamella.dataset import DataSet
    from lamella.executors.executor import Executor
    from lamella.progress import ProgressOption
    from lamella.udf.base import UDF
    from lamella.udf.results import UDFResult
    from lamella.udf.runner import PartialResults, Run

__all__ = ["Context", "open"]


def open(  # noqa: A001 - the name that NumPy, h5py and others have for this
    target: str | os.PathLike[str] | Any, format: str = "auto", **parameters: Any
) -> DataSet:
    """Open a scan.

    Parameters
    ----------
    target
        Path of a file, a list of paths for formats that take one, or an object for formats that wrap objects, such as
        an array for ``"memory"``.
    format
        Name of the format; found out from the file by default.
    **parameters
        Parameters of the format, such as ``dtype`` for raw files, and those that all formats share: ``nav_shape``,
        ``sig_shape``, ``sync_offset``, ``io_backend``, ``num_partitions``, ``missing``, ``name``.
        They override what the file suggests.

    Returns
    -------
    DataSet
        Opened but not loaded; index it, or compute with it by `Context.run_udf`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    LamellaError
        If no format fits, a parameter is wrong, or the file is damaged; see `lamella.errors`.

    Examples
    --------
    >>> ds = lamella.open("scan.blo")  # doctest: +SKIP
    >>> frame = ds[3, 5]  # doctest: +SKIP
    """
    from lamella.opening import open_dataset

    return open_dataset(format, target, parameters)


class Context:
    """Opens data sets and computes with them, on workers that it owns.

    Parameters
    ----------
    executor
        Where to compute: an executor, its name, or None for threads, one per processor.

    Examples
    --------
    >>> with Context() as ctx:  # doctest: +SKIP
    ...     ds = ctx.load("auto", "scan.blo")
    ...     image = ctx.run_udf(ds, SumSigUDF())["intensity"].data
    """

    def __init__(self, executor: Executor | str | None = None) -> None:
        self._given = executor
        self._made: Executor | None = None
        self._running: weakref.WeakSet[Run] = weakref.WeakSet()

    @classmethod
    def make_with(cls, executor: str = "threads", *, cpus: int | None = None) -> Self:
        """Give a context with a certain executor.

        Parameters
        ----------
        executor
            ``"inline"``, ``"threads"``, ``"processes"``, or what a plugin adds.
        cpus
            Number of workers; one per processor if None.

        Raises
        ------
        PluginError
            If there is no such executor; says what to install or to use instead.
        ParameterError
            If the executor has no choice of workers.
        """
        from lamella.executors import make_executor

        return cls(make_executor(executor, cpus))

    @property
    def executor(self) -> Executor:
        """Where this context computes; made when it is first needed."""
        if self._made is None:
            from lamella.executors import make_executor

            given = self._given
            self._made = make_executor(given or "threads") if given is None or isinstance(given, str) else given
        return self._made

    def close(self) -> None:
        """Cancel what runs and stop the workers."""
        self.cancel()
        if self._made is not None:
            self._made.close()

    def cancel(self) -> None:
        """Stop every run of this context within a tile, from any thread; they raise `lamella.CancelledRun`."""
        for run in list(self._running):
            run.cancel.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def load(self, filetype: str, target: Any = None, **parameters: Any) -> DataSet:
        """Open a scan, with the format first; see `lamella.open` for the rest.

        Parameters
        ----------
        filetype
            Name of the format in any case, or ``"auto"``.
        target
            Path of a file, or an object for formats that wrap objects; also as ``path=`` or ``data=``.
        **parameters
            Parameters of the format.

        Raises
        ------
        ParameterError
            If there is no target.
        """
        for name in ("path", "data"):
            if target is None and name in parameters:
                target = parameters.pop(name)
        if target is None:
            raise ParameterError("what should be opened? Give a path, or data= for formats that wrap objects")
        return open(target, filetype, **parameters)

    @overload
    def run_udf(
        self,
        dataset: DataSet,
        udf: UDF,
        roi: object = ...,
        *,
        corrections: Corrections | None = ...,
        progress: ProgressOption = ...,
    ) -> UDFResult: ...

    @overload
    def run_udf(
        self,
        dataset: DataSet,
        udf: Sequence[UDF],
        roi: object = ...,
        *,
        corrections: Corrections | None = ...,
        progress: ProgressOption = ...,
    ) -> tuple[UDFResult, ...]: ...

    def run_udf(
        self,
        dataset: DataSet,
        udf: UDF | Sequence[UDF],
        roi: object = None,
        *,
        corrections: Corrections | None = None,
        progress: ProgressOption = False,
    ) -> UDFResult | tuple[UDFResult, ...]:
        """Compute.

        Parameters
        ----------
        dataset
            The data.
        udf
            What to compute; several at once share one pass over the data.
        roi
            Scan positions to use: a boolean array of the shape of the scan, one position as a tuple, or a list of
            ``(position, bool)`` pairs.
        corrections
            Dark frame, gain map and excluded pixels to apply instead of those of the data set.
        progress
            True for a progress bar, or a function ``f(done, total)`` that is called with numbers of frames.

        Returns
        -------
        dict or tuple of dict
            The results by name, each a `ResultBuffer`; for several UDFs, one dict for each.

        Raises
        ------
        UDFError
            If a UDF fails or breaks a rule; names the UDF, the partition, the frames and the file.
        CancelledRun
            If the run was cancelled.
        """
        run = self._run(dataset, udf, roi, corrections, progress)
        results = run.finish()
        return results if isinstance(udf, Sequence) else results[0]

    def run_udf_iter(
        self,
        dataset: DataSet,
        udf: UDF | Sequence[UDF],
        roi: object = None,
        *,
        corrections: Corrections | None = None,
        progress: ProgressOption = False,
    ) -> Generator[PartialResults]:
        """Compute, and give what is known after each partition; parameters as for `run_udf`."""
        return self._run(dataset, udf, roi, corrections, progress).partials()

    def _run(
        self,
        dataset: DataSet,
        udf: UDF | Sequence[UDF],
        roi: object,
        corrections: Corrections | None,
        progress: ProgressOption,
    ) -> Run:
        from lamella.udf.runner import Run

        udfs = tuple(udf) if isinstance(udf, Sequence) else (udf,)
        run = Run(dataset, udfs, executor=self.executor, roi=roi, corrections=corrections, progress=progress)
        self._running.add(run)
        return run
