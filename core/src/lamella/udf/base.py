"""The base class of user-defined functions: what to implement, and what is at hand while it runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias

import numpy as np

from lamella.errors import UDFError
from lamella.system.memo import Memo
from lamella.udf.buffers import AuxData, BufferSpec, Namespace, Views, make_spec

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from lamella.udf.meta import UDFMeta

__all__ = ["UDF", "Method", "UDFMethod"]

Method: TypeAlias = Literal["rows", "tile", "frame", "partition"]


class UDFMethod:
    """Values for `UDF.get_method`."""

    ROWS: Method = "rows"
    TILE: Method = "tile"
    FRAME: Method = "frame"
    PARTITION: Method = "partition"


class UDF:
    """A computation over the frames of a data set, in pieces that run side by side.

    Implement `get_result_buffers` and one of ``process_tile(tile)``, ``process_frame(frame)``,
    ``process_partition(partition)`` and, for compiled kernels, ``process_rows(rows, swapped)``, and `merge` if
    there are buffers of another kind than ``"nav"``. The parameters
    given to ``super().__init__`` make the instance again wherever it is needed, so they are all the state it has.

    Parameters
    ----------
    **kwargs
        Parameters, at hand as ``self.params``.

    Examples
    --------
    >>> import numpy as np
    >>> class BrightestPixelUDF(UDF):
    ...     def get_result_buffers(self):
    ...         return {"maximum": self.buffer(kind="nav", dtype="float32")}
    ...
    ...     def process_frame(self, frame):
    ...         self.results.maximum[:] = np.max(frame)
    """

    USE_NATIVE_DTYPE = np.bool_
    """Preferred input dtype of a UDF that takes the stored dtype, whatever it is."""
    TILE_DEPTH_DEFAULT = None
    TILE_DEPTH_MAX = math.inf
    TILE_SIZE_BEST_FIT = None
    TILE_SIZE_MAX = math.inf
    UDF_METHOD: ClassVar[type[UDFMethod]] = UDFMethod
    BACKEND_NUMPY = "numpy"
    BACKEND_CUPY = "cupy"
    BACKEND_CUDA = "cuda"
    BACKEND_SPARSE_COO = "sparse.COO"
    BACKEND_SPARSE_GCXS = "sparse.GCXS"
    BACKEND_SPARSE_DOK = "sparse.DOK"
    BACKEND_SCIPY_COO = "scipy.sparse.coo_matrix"
    BACKEND_SCIPY_CSR = "scipy.sparse.csr_matrix"
    BACKEND_SCIPY_CSC = "scipy.sparse.csc_matrix"
    BACKEND_SCIPY_COO_ARRAY = "scipy.sparse.coo_array"
    BACKEND_SCIPY_CSR_ARRAY = "scipy.sparse.csr_array"
    BACKEND_SCIPY_CSC_ARRAY = "scipy.sparse.csc_array"
    BACKEND_CUPY_SCIPY_COO = "cupyx.scipy.sparse.coo_matrix"
    BACKEND_CUPY_SCIPY_CSR = "cupyx.scipy.sparse.csr_matrix"
    BACKEND_CUPY_SCIPY_CSC = "cupyx.scipy.sparse.csc_matrix"
    CUPY_BACKENDS = frozenset({BACKEND_CUPY, BACKEND_CUPY_SCIPY_COO, BACKEND_CUPY_SCIPY_CSR, BACKEND_CUPY_SCIPY_CSC})
    CUDA_BACKENDS = CUPY_BACKENDS | {BACKEND_CUDA}
    DENSE_BACKENDS = frozenset({BACKEND_NUMPY, "numpy.matrix", BACKEND_CUPY, BACKEND_CUDA})
    ND_BACKENDS = frozenset(
        {
            BACKEND_NUMPY,
            BACKEND_CUPY,
            BACKEND_CUDA,
            BACKEND_SPARSE_COO,
            BACKEND_SPARSE_GCXS,
            BACKEND_SPARSE_DOK,
        }
    )
    CPU_BACKENDS = frozenset(
        {
            BACKEND_NUMPY,
            "numpy.matrix",
            BACKEND_SPARSE_COO,
            BACKEND_SPARSE_GCXS,
            BACKEND_SPARSE_DOK,
            BACKEND_SCIPY_COO,
            BACKEND_SCIPY_CSR,
            BACKEND_SCIPY_CSC,
            BACKEND_SCIPY_COO_ARRAY,
            BACKEND_SCIPY_CSR_ARRAY,
            BACKEND_SCIPY_CSC_ARRAY,
        }
    )
    SPARSE_BACKENDS = (CPU_BACKENDS | CUDA_BACKENDS) - DENSE_BACKENDS
    D2_BACKENDS = (CPU_BACKENDS | CUDA_BACKENDS) - ND_BACKENDS
    BACKEND_ALL = (
        BACKEND_CUPY_SCIPY_CSR,
        BACKEND_CUPY_SCIPY_CSC,
        BACKEND_CUPY_SCIPY_COO,
        BACKEND_SCIPY_COO_ARRAY,
        BACKEND_SCIPY_CSC_ARRAY,
        BACKEND_SCIPY_CSR_ARRAY,
        BACKEND_SCIPY_CSR,
        BACKEND_SCIPY_CSC,
        BACKEND_SCIPY_COO,
        BACKEND_CUPY,
        BACKEND_NUMPY,
        BACKEND_SPARSE_COO,
        BACKEND_SPARSE_GCXS,
    )
    """Kinds of arrays that `get_backends` may name; where NumPy is among them, UDFs get NumPy arrays."""

    def __init__(self, **kwargs: Any) -> None:
        self._kwargs = kwargs
        self.params = Namespace(kwargs)
        self.task_data: Any = Namespace({})
        self._memo = Memo()
        self._meta: UDFMeta | None = None
        self._results: Views | None = None
        self._specs: Mapping[str, BufferSpec] = {}

    def copy(self) -> Self:
        """Give a new instance with the same parameters."""
        return type(self)(**self._kwargs)

    @property
    def results(self) -> Any:
        """Result buffers by name: what belongs to the current tile or frame, or everything in `get_results`."""
        if self._results is None:
            raise UDFError(f"{type(self).__name__}.results exists only during a run")
        return self._results

    @property
    def meta(self) -> UDFMeta:
        """Facts about the run and the current block of data; after a run, those about it as a whole."""
        if self._meta is None:
            raise UDFError(f"{type(self).__name__}.meta exists during and after a run, and not before")
        return self._meta

    @property
    def xp(self) -> ModuleType:
        """The array module to compute with: NumPy."""
        return np

    # Declarations.

    def get_result_buffers(self) -> Mapping[str, BufferSpec]:
        """Declare the result buffers, each made by `buffer`."""
        raise UDFError(f"{type(self).__name__} must implement get_result_buffers()")

    def buffer(
        self,
        kind: str,
        extra_shape: Sequence[int] = (),
        dtype: DTypeLike = "float32",
        where: Literal["device"] | None = None,
        use: str | None = None,
    ) -> BufferSpec:
        """Declare a buffer.

        Parameters
        ----------
        kind
            ``"nav"`` has an entry per scan position, ``"sig"`` per detector pixel, ``"single"`` one altogether.
        extra_shape
            Shape of an entry.
        dtype
            Dtype of the buffer.
        where
            ``"device"`` is accepted; computing happens where the data are.
        use
            ``"private"``: not part of the result; ``"result_only"``: made by `get_results`.

        Raises
        ------
        UDFError
            If the kind or the use is unknown.
        """
        return make_spec(kind, extra_shape, dtype, use)

    @classmethod
    def aux_data(
        cls, data: ArrayLike, kind: str, extra_shape: Sequence[int] = (), dtype: DTypeLike = "float32"
    ) -> AuxData:
        """Wrap an array with an entry per scan position or detector pixel, to be passed as a parameter.

        In ``process_*``, ``self.params.<name>`` is then the part that belongs to the current data.
        """
        return AuxData(data, make_spec(kind, extra_shape, dtype, None))

    def get_preferred_input_dtype(self) -> DTypeLike:
        """Give the dtype to compute with; data arrive in what NumPy makes of it and the stored dtype."""
        return np.float32

    def get_tiling_preferences(self) -> Mapping[str, Any]:
        """Give the preferred ``depth`` [frames] and ``total_size`` [bytes] of tiles."""
        return {"depth": self.TILE_DEPTH_DEFAULT, "total_size": self.TILE_SIZE_BEST_FIT}

    def get_backends(self) -> str | Iterable[str]:
        """Name the kinds of arrays it can compute with, one or several; ``"numpy"`` must be among them."""
        return (self.BACKEND_NUMPY,)

    def get_method(self) -> Method:
        """Choose how data arrive: by tile, frame or partition, in this order if several are implemented."""
        for method in ("rows", "tile", "frame", "partition"):
            if hasattr(self, f"process_{method}"):
                return method
        raise UDFError(f"{type(self).__name__} must implement process_tile, process_frame or process_partition")

    def takes_events(self) -> bool:
        """Say whether ``process_events(events)`` does the work where data are sparse; see `lamella.reader.Events`."""
        return hasattr(self, "process_events")

    @property
    def quick(self) -> bool:
        """Say whether a tile takes hardly longer than to copy it; the calling thread then does small runs itself.

        A plain class attribute will do. UDFs that process rows are taken for quick in any case. As for `needs`,
        subclasses that change something declare again.
        """
        return False

    # What UDFs of one run have from each other.

    @property
    def needs(self) -> AbstractSet[str]:
        """Name the quantities from which alone its results follow; empty if it looks at pixels in any case.

        Where another UDF of the run provides all of them, this one gets no data: for each partition, `take` is
        called instead. Quantities are the sum of the frames of a partition, ``"frames"``, that of their squares,
        ``"squares"``, both of the shape of the detector, and how many frames there are, ``"count"``. Sums of whole
        numbers are exact, others in double precision; squares are provided where they are exact. A plain class
        attribute will do. The declaration does not hold for subclasses that change what is done with a partition,
        unless they declare again.
        """
        return frozenset()

    @property
    def provides(self) -> AbstractSet[str]:
        """Name the quantities that `provide` gives; as for `needs`, subclasses that change something declare again."""
        return frozenset()

    def provide(self, quantity: str) -> NDArray[Any]:
        """Give a quantity for a partition whose data were processed; called after `postprocess`."""
        raise UDFError(f"{type(self).__name__} declares that it provides {quantity!r}: it must implement provide()")

    def take(self, quantity: str, values: NDArray[Any]) -> None:
        """Put a quantity that another UDF provided for a partition into the result buffers, without changing it."""
        raise UDFError(f"{type(self).__name__} declares that it needs {quantity!r}: it must implement take()")

    # A task: one partition.

    def get_task_data(self) -> Mapping[str, Any]:
        """Give what a task needs once per partition; at hand as ``self.task_data``, and free to be changed."""
        return {}

    def preprocess(self) -> None:
        """Prepare result buffers: called before the data of each partition, and once for the whole result."""

    def postprocess(self) -> None:
        """Finish the result buffers of a partition: called after its data."""

    # The result.

    def merge(self, dest: Any, src: Any) -> None:
        """Add the result of a partition.

        Parameters
        ----------
        dest
            The whole result; buffers of kind ``"nav"`` show the scan positions of the partition, and so do auxiliary
            data among the parameters.
        src
            The result of the partition.

        Raises
        ------
        UDFError
            If it was not overridden, and a buffer is not of kind ``"nav"``.
        """
        others = [name for name, spec in self.get_result_buffers().items() if _merged(spec) and spec.kind != "nav"]
        if others:
            raise UDFError(
                f"{type(self).__name__} must implement merge(dest, src): it has buffers that are not of kind 'nav' "
                f"({', '.join(others)})"
            )
        for name in src:
            dest[name][...] = src[name]

    def get_results(self) -> Mapping[str, Any]:
        """Give the results by name, made from the complete buffers in ``self.results``.

        Buffers of kind ``"nav"`` have one entry per selected scan position; an array of the shape of the scan will do
        as well. Wrap an array in `with_mask` to say where it is valid.
        """
        specs = self.get_result_buffers()
        made = [name for name, spec in specs.items() if spec.use == "result_only"]
        if made:
            raise UDFError(f"{type(self).__name__} must implement get_results(): nothing else makes {', '.join(made)}")
        return {name: self.results[name] for name, spec in specs.items() if spec.use is None}

    @staticmethod
    def with_mask(data: ArrayLike, mask: ArrayLike) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Pair a result with a mask that is true where it is valid."""
        return np.asarray(data), np.asarray(mask, dtype=np.bool_)

    def forbuf(self, arr: Any, target: Any) -> Any:
        """Turn an array into the kind that ``target`` is: dense NumPy."""
        for method in ("toarray", "todense"):
            if hasattr(arr, method):
                return np.asarray(getattr(arr, method)()).reshape(target.shape)
        return np.asarray(arr)

    @property
    def requires_custom_merge(self) -> bool:
        """Whether a buffer is of another kind than ``"nav"``."""
        return any(_merged(spec) and spec.kind != "nav" for spec in self.get_result_buffers().values())


def _merged(spec: BufferSpec) -> bool:
    return spec.use != "result_only"
