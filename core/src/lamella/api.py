"""What scripts and notebooks use: open data, and compute with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella.analysis.creating import AnalysisMaker
from lamella.computing import Computing
from lamella.errors import ParameterError

if TYPE_CHECKING:
    import os

    from lamella.analysis.analysis import Analysis
    from lamella.analysis.results import AnalysisResultSet
    from lamella.corrections import Corrections
    from lamella.dataset import DataSet
    from lamella.export.exporter import ExportReport
    from lamella.progress import ProgressOption

__all__ = ["Context", "open"]


def open(  # noqa: A001 - the name that NumPy, h5py and others have for this
    target: str | os.PathLike[str] | Any, format: str = "auto", **parameters: Any
) -> DataSet:
    """Open a scan.

    Parameters
    ----------
    target
        Path of a file, or an object for formats that wrap objects, such as an array for ``"memory"``.
    format
        Name of the format; found out from the file by default.
    **parameters
        Parameters of the format, such as ``dtype`` for raw files, and those that all formats share: ``nav_shape``,
        ``sig_shape``, ``sync_offset``, ``io_backend``, ``num_partitions``, ``missing``, ``corrections``, ``name``.
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
    >>> import numpy as np
    >>> import lamella
    >>> ds = lamella.open(np.ones((4, 5, 8, 8), dtype=np.uint16), format="memory")
    >>> ds.shape.nav, ds[3, 4].shape
    (Shape(nav=(4, 5), sig=()), (8, 8))
    """
    from lamella.opening import open_dataset

    return open_dataset(format, target, parameters)


class Context(Computing, AnalysisMaker):
    """Opens data sets and computes with them, on workers that it owns.

    Parameters
    ----------
    executor
        Where to compute: an executor, its name, or None for threads, one per processor.
    plot_class
        What draws live plots; `lamella.liveplot.LivePlot` by default.

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

    def load(self, filetype: str, target: Any = None, **parameters: Any) -> DataSet:
        """Open a scan, with the format first; see `lamella.open` for the rest.

        Parameters
        ----------
        filetype
            Name of the format in any case, or ``"auto"``.
        target
            Path of a file, or an object for formats that wrap objects; also as ``path=``, ``files=`` or ``data=``.
        **parameters
            Parameters of the format.

        Raises
        ------
        ParameterError
            If there is no target.
        """
        for name in ("path", "files", "data"):
            if target is None and name in parameters:
                target = parameters.pop(name)
        if target is None:
            raise ParameterError("what should be opened? Give a path, or data= for formats that wrap objects")
        return open(target, filetype, **parameters)

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
        chosen = job.roi if roi is None else roi
        return job.results(self.run_udf(job.dataset, job.udf(), chosen, corrections, progress))

    def export_dataset(
        self,
        dataset: DataSet,
        path: str | os.PathLike[str],
        progress: ProgressOption = False,
        overwrite: bool = False,
        *,
        fill: float = 0,
        format: str | None = None,
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

        Raises
        ------
        FileExistsError
            If the file exists and ``overwrite`` is false.
        ParameterError
            If no exporter writes such files.
        """
        from lamella.export import export_dataset

        return export_dataset(
            dataset, path, executor=self.executor, format=format, overwrite=overwrite, fill=fill, progress=progress
        )
