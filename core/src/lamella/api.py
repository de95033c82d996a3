"""What scripts and notebooks use: open data, and compute with them."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from lamella.analysis.creating import AnalysisMaker

if TYPE_CHECKING:
    import os
    from threading import Event
    from types import TracebackType

    from lamella.analysis.analysis import Analysis
    from lamella.analysis.results import AnalysisResultSet
    from lamella.corrections.corrections import Corrections
    from lamella.dataset.dataset import DataSet
    from lamella.engine.describe import UDFDescription
    from lamella.engine.iteration import AsyncPartials, Partials
    from lamella.engine.runner import Run
    from lamella.executors.executor import Executor
    from lamella.export.exporter import ExportReport
    from lamella.plot.liveplot import LivePlot
    from lamella.progress import ProgressOption
    from lamella.udf.base import UDF
    from lamella.udf.results import ResultBuffer, RunResults, UDFResult

__all__ = ["Context", "open"]


def open(  # noqa: A001 - the name that NumPy, h5py and others have for this
    target: str | os.PathLike[str] | Any, format: str = "auto", **parameters: Any
) -> DataSet:
    """Open a scan.

    Parameters
    ----------
    target
        Path of a file, or an object for formats that wrap objects, such as an array for ``"memory"``; a list of files,
        a folder or a URL for formats that take one.
    format
        Name of the format; found out from the file by default.
    **parameters
        Parameters of the format, such as ``dtype`` for raw files, and those that all formats share: ``nav_shape``,
        ``sig_shape``, ``sync_offset``, ``io_backend``, ``num_partitions``, ``missing``, ``corrections``, ``name``.
        They override what the file suggests.

    Returns
    -------
    DataSet
        Opened but not loaded; index it, or compute with it by `Context.run_udf`. Its ``recipe`` opens it again.

    Raises
    ------
    FileNotFoundError, PermissionError, IsADirectoryError
        If there is no such file, it may not be read, or it is a folder that no format opens; each is a
        `LamellaError`, too.
    LamellaError
        If no format fits, a parameter is wrong, or the file is damaged; see `lamella.errors`.

    Examples
    --------
    >>> import numpy as np
    >>> import lamella
    >>> ds = lamella.open(np.ones((4, 5, 8, 8), dtype=np.uint16), format="memory")
    >>> ds.shape.nav, ds[3, 4].shape
    (Shape(nav=(4, 5), sig=()), (8, 8))
    """
    from lamella.opening.open import open_dataset

    return open_dataset(format, target, parameters)


class Context(AnalysisMaker):
    """Opens data sets and computes with them, on workers that it owns.

    Parameters
    ----------
    executor
        Where to compute: an executor, its name, or None for threads, one per processor.
    plot_class
        What draws live plots; `lamella.plot.LivePlot` by default.

    Examples
    --------
    >>> import numpy as np
    >>> from lamella.udf import SumSigUDF
    >>> with Context() as ctx:
    ...     ds = ctx.load("memory", data=np.ones((2, 3, 8, 8), dtype=np.uint16))
    ...     image = ctx.run_udf(ds, SumSigUDF())["intensity"].data
    >>> image.tolist()
    [[64, 64, 64], [64, 64, 64]]
    """

    def __init__(self, executor: Executor | str | None = None, plot_class: type[LivePlot] | None = None) -> None:
        self._given = executor
        self._made: Executor | None = None
        self._running: weakref.WeakSet[Run] = weakref.WeakSet()
        self.plot_class = plot_class

    @classmethod
    def make_with(
        cls,
        executor: str = "threads",
        *,
        cpus: int | Sequence[int] | None = None,
        plot_class: type[LivePlot] | None = None,
    ) -> Self:
        """Give a context with a certain executor.

        Parameters
        ----------
        executor
            ``"inline"``, ``"threads"``, ``"processes"``, or what a plugin adds.
        cpus
            Number of workers, or the numbers of processors, for one worker each; one per processor if None. Where a
            worker runs is left to the system.
        plot_class
            What draws live plots.

        Raises
        ------
        PluginError
            If there is no such executor; says what to install or to use instead.
        ParameterError
            If the executor has no choice of workers.
        """
        from lamella.executors.make import make_executor

        return cls(make_executor(executor, cpus), plot_class=plot_class)

    @property
    def executor(self) -> Executor:
        """Where this context computes; made when it is first needed."""
        if self._made is None:
            from lamella.executors.make import make_executor

            given = self._given
            self._made = make_executor(given or "threads") if given is None or isinstance(given, str) else given
        return self._made

    def close(self) -> None:
        """Cancel what runs and stop the workers."""
        self.cancel()
        if self._made is not None:
            self._made.close()

    def cancel(self) -> None:
        """Stop every run of this context within a tile, from any thread; they raise `lamella.errors.CancelledRun`.

        ``cancel()`` of what `run_udf_iter` gives stops that run alone, and so does an event that was given as
        ``cancel`` to `run_udf`. What does not stop within three seconds is left alone in its thread, with a warning.
        """
        for run in list(self._running):
            run.cancel.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def load(self, filetype: str, *arguments: Any, **parameters: Any) -> DataSet:
        """Open a scan, with the format first; see `lamella.open` for the rest.

        Parameters
        ----------
        filetype
            Name of the format in any case, or ``"auto"``.
        *arguments
            The path of a file, or an object for formats that wrap objects; also as ``path=``, ``files=``, ``data=`` or
            ``target=``. Values that follow it have the places that existing scripts give them, for instance
            ``dtype, nav_shape, sig_shape`` for ``"raw"``.
        **parameters
            Parameters of the format. Older names of some, such as ``scan_size`` and ``detector_size``, are understood
            with a warning.

        Raises
        ------
        ParameterError
            If there is no target, or a value that has no meaning here.
        """
        from lamella.opening.scripts import asked_for

        target, named = asked_for(filetype, arguments, parameters)
        return open(target, filetype, **named)

    @overload
    def run_udf(
        self,
        dataset: DataSet,
        udf: UDF,
        roi: object = ...,
        corrections: Corrections | bool | None = ...,
        progress: ProgressOption = ...,
        *,
        plots: Any = ...,
        cancel: Event | None = ...,
        sync: Literal[True] = ...,
    ) -> UDFResult: ...

    @overload
    def run_udf(
        self,
        dataset: DataSet,
        udf: Sequence[UDF],
        roi: object = ...,
        corrections: Corrections | bool | None = ...,
        progress: ProgressOption = ...,
        *,
        plots: Any = ...,
        cancel: Event | None = ...,
        sync: Literal[True] = ...,
    ) -> RunResults: ...

    @overload
    def run_udf(
        self,
        dataset: DataSet,
        udf: UDF | Sequence[UDF],
        roi: object = ...,
        corrections: Corrections | bool | None = ...,
        progress: ProgressOption = ...,
        *,
        plots: Any = ...,
        cancel: Event | None = ...,
        sync: Literal[False],
    ) -> Awaitable[Any]: ...

    def run_udf(
        self,
        dataset: DataSet,
        udf: UDF | Sequence[UDF],
        roi: object = None,
        corrections: Corrections | bool | None = None,
        progress: ProgressOption = False,
        *,
        plots: Any = None,
        cancel: Event | None = None,
        sync: bool = True,
    ) -> UDFResult | RunResults | Awaitable[Any]:
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
            Dark frame, gain map and excluded pixels to apply instead of those of the data set; False for none.
        progress
            True for a progress bar, or a function ``f(done, total)`` that is called with numbers of frames.
        plots
            Pictures that grow meanwhile: True, a list of results (a name, a name with a function, or a function of
            result and damage), one such list for each UDF, or a list of `lamella.plot.LivePlot`.
        cancel
            A `threading.Event` that stops the run within a tile when another thread sets it; it may stop several runs.
        sync
            False to get something to await, while the run happens in another thread.

        Returns
        -------
        dict or tuple of dict
            The results by name, each a `ResultBuffer`; for several UDFs, one dict for each. ``plot()`` draws them.

        Raises
        ------
        UDFError
            If a UDF fails or breaks a rule; names the UDF, the partition, the frames and the file.
        CancelledRun
            If the run was cancelled.
        ParameterError
            If it is given something else than a data set and UDFs; says what to write.
        ValueError
            If there is no UDF.
        """
        run = self._run(dataset, udf, roi, corrections, progress, plots, cancel)
        several = isinstance(udf, Sequence)
        if sync:
            results = run.finish()
            return results if several else results[0]
        return _later(run, several)

    @overload
    def run_udf_iter(
        self,
        dataset: DataSet,
        udf: UDF | Sequence[UDF],
        roi: object = ...,
        corrections: Corrections | bool | None = ...,
        progress: ProgressOption = ...,
        *,
        plots: Any = ...,
        cancel: Event | None = ...,
        sync: Literal[True] = ...,
    ) -> Partials: ...

    @overload
    def run_udf_iter(
        self,
        dataset: DataSet,
        udf: UDF | Sequence[UDF],
        roi: object = ...,
        corrections: Corrections | bool | None = ...,
        progress: ProgressOption = ...,
        *,
        plots: Any = ...,
        cancel: Event | None = ...,
        sync: Literal[False],
    ) -> AsyncPartials: ...

    def run_udf_iter(
        self,
        dataset: DataSet,
        udf: UDF | Sequence[UDF],
        roi: object = None,
        corrections: Corrections | bool | None = None,
        progress: ProgressOption = False,
        *,
        plots: Any = None,
        cancel: Event | None = None,
        sync: bool = True,
    ) -> Partials | AsyncPartials:
        """Compute, and give what is known after each partition; parameters as for `run_udf`.

        Returns
        -------
        Partials or AsyncPartials
            To iterate over, or, with ``sync=False``, to iterate over asynchronously. Each item has ``buffers``, a
            dict of results for each UDF, and ``damage``, where the scan was processed. Closing it stops the run, and
            so does its ``cancel()``, from any thread: the iteration then ends with `lamella.errors.CancelledRun`.
        """
        from lamella.engine.iteration import AsyncPartials, Partials

        run = self._run(dataset, udf, roi, corrections, progress, plots, cancel)
        return Partials(run) if sync else AsyncPartials(run)

    def _run(
        self,
        dataset: DataSet,
        udf: UDF | Sequence[UDF],
        roi: object,
        corrections: Corrections | bool | None,
        progress: ProgressOption,
        plots: Any = None,
        cancel: Event | None = None,
    ) -> Run:
        from lamella.engine.arguments import check_dataset, check_udfs
        from lamella.engine.runner import Run

        check_dataset(dataset, "run_udf(dataset, udf)")
        check_udfs(udf, "run_udf(dataset, udf)")
        udfs = tuple(udf) if isinstance(udf, Sequence) else (udf,)
        run = Run(
            dataset,
            udfs,
            executor=self.executor,
            roi=roi,
            corrections=corrections,
            progress=progress,
            cancel=cancel,
        )
        if plots:
            from lamella.plot.liveplot import make_plots

            run.watchers += [plot.update for plot in make_plots(plots, run.images(), self.plot_class)]
        self._running.add(run)
        return run

    def map(
        self,
        dataset: DataSet,
        f: Callable[[Any], Any],
        roi: object = None,
        progress: ProgressOption = False,
        corrections: Corrections | bool | None = None,
    ) -> ResultBuffer:
        """Call a function on each frame; shape and dtype of its results are found out with a frame of ones.

        Parameters
        ----------
        dataset
            The data.
        f
            Function of one frame.
        roi, progress, corrections
            As for `run_udf`.

        Examples
        --------
        >>> import numpy as np
        >>> import lamella
        >>> with lamella.Context() as ctx:
        ...     ds = ctx.load("memory", data=np.arange(24).reshape(2, 3, 2, 2))
        ...     brightest = ctx.map(ds, np.max).data
        >>> brightest.tolist()
        [[3.0, 7.0, 11.0], [15.0, 19.0, 23.0]]
        """
        from lamella.engine.arguments import check_dataset, check_function
        from lamella.udf.builtin.auto import AutoUDF

        check_dataset(dataset, "map(dataset, f)")
        check_function(f)
        return self.run_udf(dataset, AutoUDF(f=f), roi, corrections, progress)["result"]

    def display(self, dataset: DataSet, udf: UDF, roi: object = None) -> UDFDescription:
        """Give what a UDF does with a data set, to be shown in a notebook: method, dtype, tiles, results."""
        from lamella.engine.arguments import check_dataset, check_udf
        from lamella.engine.describe import describe

        check_dataset(dataset, "display(dataset, udf)")
        check_udf(udf, "display(dataset, udf)")
        return describe(dataset, udf, roi, self.executor)

    def run(
        self,
        job: Analysis,
        roi: object = None,
        progress: ProgressOption = False,
        corrections: Corrections | bool | None = None,
    ) -> AnalysisResultSet:
        """Run an analysis made by one of the methods ``create_*_analysis``.

        Parameters
        ----------
        job
            The analysis.
        roi
            Scan positions to use instead of those of the analysis.
        progress, corrections
            As for `run_udf`.
        """
        from lamella.analysis.analysis import Analysis
        from lamella.engine.arguments import check_analysis

        check_analysis(job, Analysis)
        chosen = job.roi if roi is None else roi
        result = self.run_udf(job.dataset, job.udf(), chosen, corrections, progress)
        channels = job.results(result)
        channels.calibrate(result)
        return channels

    def export_dataset(
        self,
        dataset: DataSet,
        path: str | os.PathLike[str],
        progress: ProgressOption = False,
        overwrite: bool = False,
        *,
        fill: float = 0,
        format: str | None = None,
        crop: str | None = None,
        bins: int | Sequence[int] | None = None,
    ) -> ExportReport:
        """Write a data set as a file of another format, ``.npy`` or what plugins add.

        Shape of the scan and sync offset are baked in; values are the stored ones, without corrections.

        Parameters
        ----------
        dataset
            The data.
        path
            The file; complete or absent, also if the export is killed.
        progress
            As for `run_udf`.
        overwrite
            Replace a file that exists.
        fill
            Value of frames that are missing; what was filled is recorded in a file beside ``path``.
        format
            Name of the exporter, where the extension does not say it.
        crop
            ``"recorded"`` writes only the lines from the first to the last that has a frame, of a scan that was
            interrupted for instance; the whole scan by default.
        bins
            Write sums over so many pixels along each detector axis, in the dtype of `lamella.udf.BinUDF`.

        Raises
        ------
        FileExistsError
            If the file exists and ``overwrite`` is false.
        ParameterError
            If no exporter writes such files, or the pixels of the file cannot have the value ``fill``.
        """
        from lamella.engine.arguments import check_dataset, check_path
        from lamella.export.dataset import export_dataset

        check_dataset(dataset, "export_dataset(dataset, path)")
        check_path(path, "export_dataset(dataset, path)")
        return export_dataset(
            dataset,
            path,
            executor=self.executor,
            format=format,
            overwrite=overwrite,
            fill=fill,
            crop=crop,
            bins=bins,
            progress=progress,
        )


async def _later(run: Run, several: bool) -> Any:
    from lamella.engine.iteration import finish_later

    results = await finish_later(run)
    return results if several else results[0]
