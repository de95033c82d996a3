"""The table: where each name of LiberTEM is found in Lamella, and what to use instead of those that are absent."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["INSTEAD", "MODULES", "instead_of"]

_HERE = "lamella_libertem"
_TABLE = """
libertem                         __version__                                                          .version
libertem.api                     Context                                                              .context
libertem.api                     DataSet                                                              lamella
libertem.api                     UDF AutoUDF                                                          .udfs
libertem.api                     BufferWrapper=ResultBuffer                                           lamella.udf
libertem.api                     Analysis AnalysisResultSet                                           lamella.analysis
libertem.api                     COMAnalysis DiskMaskAnalysis MasksAnalysis PickFrameAnalysis         .analyses
libertem.api                     PointMaskAnalysis RadialFourierAnalysis RingMaskAnalysis SumAnalysis .analyses
libertem.api                     CorrectionSet                                                        .correcting
libertem.api                     InlineJobExecutor ConcurrentJobExecutor PipelinedExecutor            .executors
libertem.api                     JobExecutor=Executor                                                 lamella.executors
libertem.api                     ExecutorSpecException=LamellaError                                   lamella.errors
libertem.udf                     UDF UDFMeta AutoUDF UDFFrameMixin UDFTileMixin                       .udfs
libertem.udf                     UDFPartitionMixin UDFPreprocessMixin UDFPostprocessMixin             .udfs
libertem.udf                     UDFRunCancelled=CancelledRun                                         lamella.errors
libertem.udf.base                UDF UDFMeta UDFMethod NoOpUDF UDFFrameMixin UDFTileMixin             .udfs
libertem.udf.base                UDFPartitionMixin UDFPreprocessMixin UDFPostprocessMixin             .udfs
libertem.udf.base                BufferWrapper=ResultBuffer Slice                                     lamella.udf
libertem.udf.base                Shape                                                                lamella.reader
libertem.udf.base                DataSet                                                              lamella
libertem.udf.base                CorrectionSet                                                        .correcting
libertem.udf.base                InlineJobExecutor                                                    .executors
libertem.udf.base                UDFException=UDFError UDFRunCancelled=CancelledRun                   lamella.errors
libertem.udf.base                JobCancelledError=CancelledRun                                       lamella.errors
libertem.udf.sum                 SumUDF                                                               lamella.udf
libertem.udf.sumsigudf           SumSigUDF                                                            lamella.udf
libertem.udf.sumsigudf           run_sumsig                                                           .udfs
libertem.udf.stddev              StdDevUDF run_stddev                                                 .udfs
libertem.udf.logsum              LogsumUDF                                                            lamella.udf
libertem.udf.logsum              run_logsum                                                           .udfs
libertem.udf.masks               ApplyMasksUDF                                                        .udfs
libertem.udf.raw                 PickUDF                                                              lamella.udf
libertem.udf.auto                AutoUDF                                                              .udfs
libertem.udf.record              RecordUDF                                                            lamella.udf
libertem.udf.com                 CoMUDF CoMParams RegressionOptions                                   .fields
libertem.udf.com                 apply_correction center_shifts curl_2d divergence magnitude          .fields
libertem.masks                   circular ring radial_gradient background_subtraction                 lamella.masks
libertem.masks                   radial_gradient_background_subtraction polar_map balance             lamella.masks
libertem.masks                   bounding_radius rectangular gradient_x gradient_y                    lamella.masks
libertem.masks                   radial_bins sparse_circular_multi_stack sparse_template_multi_stack  .stacks
libertem.masks                   is_sparse to_dense to_sparse                                         .stacks
libertem.masks                   make_polar                                                           .coordinates
libertem.common                  Shape                                                                lamella.reader
libertem.common                  Slice                                                                lamella.udf
libertem.common                  SliceUsageError=LamellaError                                         lamella.errors
libertem.common.shape            Shape                                                                lamella.reader
libertem.common.slice            Slice                                                                lamella.udf
libertem.common.slice            SliceUsageError=LamellaError                                         lamella.errors
libertem.common.buffers          BufferWrapper=ResultBuffer                                           lamella.udf
libertem.common.buffers          reshaped_view zeros_aligned empty_aligned                            .arrays
libertem.common.container        MaskContainer                                                        .stacks
libertem.common.math             prod count_nonzero flat_nonzero make_2D_square                       .arrays
libertem.common.numba            cached_njit                                                          .arrays
libertem.common.sparse           is_sparse to_dense to_sparse                                         .stacks
libertem.common.buffers          InvalidMaskError=UDFError                                            lamella.errors
libertem.common.backend          get_use_cpu get_use_cuda set_use_cpu set_use_cuda                    .devices
libertem.common.backend          get_device_class set_file_limit                                      .devices
libertem.common.exceptions       UDFException=UDFError UDFRunCancelled=CancelledRun                   lamella.errors
libertem.common.exceptions       ExecutorSpecException=LamellaError                                   lamella.errors
libertem.common.executor         JobCancelledError=CancelledRun ExecutorError=LamellaError            lamella.errors
libertem.common.executor         JobExecutor=Executor                                                 lamella.executors
libertem.common.udf              UDFMethod                                                            .udfs
libertem.common.analysis         AnalysisResult AnalysisResultSet                                     lamella.analysis
libertem.exceptions              UDFException=UDFError UDFRunCancelled=CancelledRun                   lamella.errors
libertem.exceptions              ExecutorSpecException=LamellaError                                   lamella.errors
libertem.warnings                UseDiscouragedWarning=LamellaWarning                                 lamella.errors
libertem.corrections             CorrectionSet                                                        .correcting
libertem.corrections.corrset     CorrectionSet                                                        .correcting
libertem.corrections.detector    correct                                                              .correcting
libertem.corrections.detector    CorrectError=LamellaError RepairValueError=ParameterError            lamella.errors
libertem.corrections.coordinates identity scale rotate rotate_deg flip_x flip_y                       .coordinates
libertem.corrections.coordinates scale_rotate_flip_y                                                  .coordinates
libertem.io.corrections          CorrectionSet                                                        .correcting
libertem.io.corrections.corrset  CorrectionSet                                                        .correcting
libertem.io.corrections.detector correct                                                              .correcting
libertem.io.corrections.detector CorrectError=LamellaError RepairValueError=ParameterError            lamella.errors
libertem.io.dataset              get_dataset_cls get_extensions                                       .datasets
libertem.io.dataset              DataSet                                                              lamella
libertem.io.dataset              DataSetException=LamellaError                                        lamella.errors
libertem.io.dataset.base         DataSet                                                              lamella
libertem.io.dataset.base         DataSetException=LamellaError                                        lamella.errors
libertem.io.dataset.base         IOBackend                                                            lamella.io
libertem.io.dataset.base         BufferedBackend DirectBackend MMapBackend                            .datasets
libertem.io.dataset.memory       MemoryDataSet                                                        .datasets
libertem.io.dataset.raw          RawFileDataSet                                                       .datasets
libertem.io.dataset.raw_csr      RawCSRDataSet                                                        .datasets
libertem.io.dataset.npy          NPYDataSet                                                           .datasets
libertem.io.dataset.hdf5         H5DataSet                                                            .datasets
libertem.io.dataset.mib          MIBDataSet                                                           .datasets
libertem.io.dataset.blo          BloDataSet                                                           .datasets
libertem.io.dataset.k2is         K2ISDataSet                                                          .datasets
libertem.io.dataset.ser          SERDataSet                                                           .datasets
libertem.io.dataset.frms6        FRMS6DataSet                                                         .datasets
libertem.io.dataset.empad        EMPADDataSet                                                         .datasets
libertem.io.dataset.dm           DMDataSet                                                            .datasets
libertem.io.dataset.seq          SEQDataSet                                                           .datasets
libertem.io.dataset.mrc          MRCDataSet                                                           .datasets
libertem.io.dataset.tvips        TVIPSDataSet                                                         .datasets
libertem.executor.base           JobExecutor=Executor                                                 lamella.executors
libertem.executor.base           ExecutorSpecException=LamellaError                                   lamella.errors
libertem.executor.inline         InlineJobExecutor                                                    .executors
libertem.executor.concurrent     ConcurrentJobExecutor                                                .executors
libertem.executor.pipelined      PipelinedExecutor                                                    .executors
libertem.analysis                COMAnalysis DiskMaskAnalysis MasksAnalysis PickFrameAnalysis         .analyses
libertem.analysis                PointMaskAnalysis RadialFourierAnalysis RingMaskAnalysis SumAnalysis .analyses
libertem.analysis                SDAnalysis SumSigAnalysis                                            .analyses
libertem.analysis.base           Analysis AnalysisResult AnalysisResultSet                            lamella.analysis
libertem.analysis.com            COMAnalysis                                                          .analyses
libertem.analysis.com            apply_correction center_shifts curl_2d divergence magnitude          .fields
libertem.analysis.disk           DiskMaskAnalysis                                                     .analyses
libertem.analysis.masks          MasksAnalysis                                                        .analyses
libertem.analysis.point          PointMaskAnalysis                                                    .analyses
libertem.analysis.radialfourier  RadialFourierAnalysis                                                .analyses
libertem.analysis.raw            PickFrameAnalysis                                                    .analyses
libertem.analysis.ring           RingMaskAnalysis                                                     .analyses
libertem.analysis.sd             SDAnalysis                                                           .analyses
libertem.analysis.sum            SumAnalysis                                                          .analyses
libertem.analysis.sumsig         SumSigAnalysis                                                       .analyses
libertem.utils                   make_polar make_cartesian rotate_deg=turn_deg rotate_rad rotate_precalc .coordinates
libertem.utils.devices           detect has_cupy                                                      .devices
"""

_DASK = "Dask is a matter of a plugin of its own, lamella-dask; Context.make_with('threads') uses all processors"
_RUN = "run UDFs by Context.run_udf or Context.run_udf_iter"
_SPECIAL = "special methods are UDFs in packages of their own"
_PLOTS = "give plots= to Context.run_udf, or use lamella.plot"
_FORMATS = "formats are plugins: see lamella.default_registry() and 'How to add a format' in the manual"
_EXAMPLES = "test data of this kind are in libertem_blobfinder.base.utils and libertem_holo.base.generate"

INSTEAD: Mapping[str, str] = {
    "libertem.api.cluster_spec": _DASK,
    "libertem.api.DaskJobExecutor": _DASK,
    "libertem.api.DelayedJobExecutor": _DASK,
    "libertem.api.ProgressReporter": "give progress=True, or a function of two numbers, (done, total)",
    "libertem.api.ResultGenerator": "Context.run_udf_iter gives it",
    "libertem.api.ResultAsyncGenerator": "Context.run_udf_iter(sync=False) gives it",
    "libertem.udf.UDFData": _RUN,
    "libertem.udf.FEM": _SPECIAL,
    "libertem.udf.crystallinity": _SPECIAL,
    "libertem.udf.holography": "pip install libertem-holo, and use libertem_holo.udf.HoloReconstructUDF",
    "libertem.udf.base": _RUN,
    "libertem.udf.com.guess_corrections": "choose scan_rotation and flip_y of CoMUDF by looking at its curl",
    "libertem.analysis.com.guess_corrections": "choose scan_rotation and flip_y of CoMUDF by looking at its curl",
    "libertem.udf.masks.ApplyMasksEngine": "use ApplyMasksUDF, or MaskContainer in a UDF",
    "libertem.udf.stddev": "use StdDevUDF",
    "libertem.common.buffers.AuxBufferWrapper": "UDF.aux_data(data, kind, extra_shape, dtype) makes it",
    "libertem.common.buffers": "results are NumPy arrays; see lamella.udf.ResultBuffer",
    "libertem.common.progress": "give progress=True, or a function of two numbers, (done, total)",
    "libertem.common.executor": "executors are in lamella.executors",
    "libertem.common.numba": "use numba itself",
    "libertem.common.async_utils": "give sync=False to Context.run_udf",
    "libertem.common.viz": _PLOTS,
    "libertem.contrib.daskadapter": _DASK,
    "libertem.contrib.convert_transposed": "run `lamella export` on the file",
    "libertem.executor.base": "executors are in lamella.executors",
    "libertem.executor.dask": _DASK,
    "libertem.executor.delayed": _DASK,
    "libertem.executor.integration": _DASK,
    "libertem.executor": "executors are in lamella.executors",
    "libertem.analysis": f"Context.create_*_analysis makes those that exist; {_SPECIAL}",
    "libertem.io.dataset.dask": _DASK,
    "libertem.io.dataset": _FORMATS,
    "libertem.io.writers": "Context.export_dataset writes data sets, result.save results",
    "libertem.io": _FORMATS,
    "libertem.viz": _PLOTS,
    "libertem.utils.generate": _EXAMPLES,
    "libertem.utils": _EXAMPLES,
    "libertem.web": "use `lamella` in a terminal, or a notebook",
    "libertem.cli": "use `lamella` in a terminal",
    "libertem.preload": "plugins are found by their entry points",
}
"""What to use instead of a name, or of everything below it that is not in the table."""

_OTHERWISE = "the page 'Coming from LiberTEM' of the manual says what is different"


def _modules() -> dict[str, dict[str, str]]:
    modules: dict[str, dict[str, str]] = {}
    for line in _TABLE.strip().splitlines():
        name, *words, where = line.split()
        parts = name.split(".")
        for i in range(1, len(parts) + 1):
            modules.setdefault(".".join(parts[:i]), {})
        home = f"{_HERE}{where}" if where.startswith(".") else where
        for word in words:
            theirs, _, ours = word.partition("=")
            modules[name][theirs] = f"{home}:{ours or theirs}"
    for name in INSTEAD:  # packages of which nothing is left
        modules.setdefault(name.rpartition(".")[0], {})
    return modules


MODULES: Mapping[str, Mapping[str, str]] = _modules()
"""For each module of LiberTEM, its names, and where each of them is: ``module:name``."""


def instead_of(name: str) -> str:
    """Say what to use instead of an absent name, or module."""
    while name and name not in INSTEAD:
        name = name.rpartition(".")[0]
    return INSTEAD.get(name, _OTHERWISE)
